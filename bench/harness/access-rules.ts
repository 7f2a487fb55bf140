/**
 * The rules file of the open-loop bench: 1,000 rules, half of them with ${clientid}, the deciding one last. The one place that
 * knows its form; `accessFlags` is empty where the build under measurement knows no rules.
 */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { placeholders } from "../../src/access/decode-rule.ts"
import { promptmqMain } from "./brokers.ts"

export const ruleCount = 1000
const flag = "--acl-rules-file"

/** Writes the file into `folder` and answers what switches it on. */
export function accessFlags(folder: string): ReadonlyArray<string> {
  if (!execFileSync(process.execPath, [promptmqMain, "server", "--help"], { encoding: "utf8" }).includes(flag))
    return []
  const file = join(folder, "rules.yaml")
  writeFileSync(file, rulesText())
  return [`${flag}=${file}`]
}

function rulesText(): string {
  const lines = ["rules:"]
  for (let index = 1; index < ruleCount; index++) {
    const level = index % 2 === 0 ? placeholders[0] : `device-${index}`
    lines.push("  - effect: deny", `    topics: ["bench/+/${level}/secret-${index}/#"]`)
  }
  lines.push("  - effect: allow", '    topics: ["bench/#"]')
  return `${lines.join("\n")}\n`
}
