/**
 * `promptmq config diff`: what a reload of the running broker would do now: settings that would change, those that wait for
 * a restart, what is wrong, and which clients would lose what. With --rules: what other rules would take from whom, before
 * they are in the file that the broker looks at by itself. Changes nothing.
 *
 * Exit codes: 0 a reload would be applied; 3 it would be refused; 4 no broker answers; 5 no token; 6 no such file.
 */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { RulesPreview } from "../admin/api/security.ts"
import { ConfigDiff } from "../admin/api/settings.ts"
import { readErrorWords } from "../config/layers.ts"
import { tell } from "./api-fault.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, text } from "./grammar/option.ts"
import { askOnce, askOnceOptions } from "./operate/ask-once.ts"
import { changeLine } from "./reload.ts"
import { complain, printProblem, say, type World } from "./world.ts"

const IMPACTS_SHOWN_MAX = 50

export const body = commandBody({
  notes: [
    "Asks the running broker, which compares what it runs with with the file as it is now.",
    "A changed acl.rules-file is in force within seconds, without a reload: give the new rules to --rules before you move them there."
  ],
  examples: [
    { line: "promptmq config diff", why: "before promptmq reload" },
    { line: "promptmq config diff --rules acl-new.yaml", why: "who would lose what by new rules" }
  ],
  operands: [],
  options: {
    rules: text("rules to judge instead, in a file that the broker does not use", {
      placeholder: "file",
      isFile: true
    }),
    ...askOnceOptions
  },
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    options.rules === undefined
      ? askOnce(options, world, {
          request: { path: "/api/v1/config/diff" },
          schema: ConfigDiff,
          refused: tell,
          told: (diff) => tellDiff(diff, world),
          code: (diff) => (isRefused(diff) ? exitCodes.configInvalid : exitCodes.done)
        })
      : judgeRules(options.rules, options, world)
})

async function judgeRules(name: string, options: Decoded<typeof askOnceOptions>, world: World) {
  let rules: string
  try {
    rules = readFileSync(resolve(world.workingDirectory, name), "utf8")
  } catch (cause) {
    complain(world, { code: "E6001", fact: `${name}: ${readErrorWords(cause)}`, fix: "name a file with rules" })
    return exitCodes.notFound
  }
  return askOnce(options, world, {
    request: { method: "POST", path: "/api/v1/acl/preview", body: { rules, name } },
    schema: RulesPreview,
    refused: tell,
    told: (preview) => {
      tellImpacts(preview, world)
      say(world, impactWords(preview))
    },
    code: () => exitCodes.done
  })
}

const isRefused = ({ problems }: ConfigDiff): boolean => problems.some(({ severity }) => severity === "error")

function tellDiff(diff: ConfigDiff, world: World): void {
  const { changes, problems } = diff
  for (const { code, fact, fix, key, place, severity } of problems) {
    const where = place === "" ? undefined : { file: place }
    printProblem(world, { code, severity, key: key === "" ? undefined : key, place: where, fact, fix })
  }
  for (const change of changes) world.stdout.write(`${changeLine(change)}\n`)
  tellImpacts(diff, world)
  if (isRefused(diff)) {
    say(world, "a reload would be refused")
    return
  }
  const settings = changes.length === 0 ? "no setting would change" : `${changes.length} would change`
  say(world, `${settings}; ${impactWords(diff)}`)
}

function tellImpacts({ impacts }: RulesPreview, world: World): void {
  for (const { clientIdentifier, decidedBy, what } of impacts.slice(0, IMPACTS_SHOWN_MAX)) {
    world.stdout.write(`${JSON.stringify(clientIdentifier)} loses ${what}  (${decidedBy})\n`)
  }
  if (impacts.length > IMPACTS_SHOWN_MAX)
    say(world, `and ${impacts.length - IMPACTS_SHOWN_MAX} more: --json shows them`)
}

/** "3 clients lose access to 1 topic" */
function impactWords({ clientsAffected, topicsAffected }: RulesPreview): string {
  if (clientsAffected === 0) return "no connected client loses anything"
  const clients = clientsAffected === 1 ? "1 client loses" : `${clientsAffected} clients lose`
  return `${clients} access to ${topicsAffected === 1 ? "1 topic" : `${topicsAffected} topics`}`
}
