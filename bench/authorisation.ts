/**
 * Claim: 1,000 rules, of which the last one decides and half have placeholders, cost less than 5 % of QoS 0 throughput with
 * 100 clients on 10,000 topics each.
 *
 *   npm run bench -- authorisation [--couples 3] [--only NAME]
 *
 * Method: harness/paired-sides.ts, the same build with and without a rules file. Each round's clients are new, and a verdict is
 * made once for a client and topic and then kept: the warm-up is long enough for each to have met each.
 *
 *   many topics   99 publishers that each walk through 10,000 topics, 1 subscriber that reads them all
 *   few topics    10 publishers, 10 subscribers, a topic each
 *
 * The rules: 499 deny the same topics to other clients (they are matched, and then not about this client), 500 have
 * ${clientid} in the middle of a filter, the last one allows everything.
 */
import { mkdtempSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { placeholders } from "../src/access/decode-rule.ts"
import { scratchFolder } from "./harness/folders.ts"
import { findGenerator } from "./harness/generator.ts"
import { compareSides, costHead, costOf, percent, ratePerCpuSecond, type Side } from "./harness/paired-sides.ts"
import { Report } from "./harness/report.ts"

const ruleCount = 1000
const promisedCost = 0.05

const scenarios = [
  {
    name: "many topics",
    load: ["--pattern", "wild", "--pubs", "99", "--subs", "1", "--topics", "10000", "--window", "20000"],
    // 990,000 verdicts are made in it.
    warmupSeconds: 10,
    rounds: 3
  },
  { name: "few topics", load: ["--pubs", "10", "--subs", "10", "--window", "20000"], warmupSeconds: 0.5, rounds: 6 }
]
const seconds = 2

const { values } = parseArgs({
  options: {
    couples: { type: "string", default: "3" },
    only: { type: "string" }
  }
})
const generator = findGenerator()
const rulesFile = join(mkdtempSync(join(scratchFolder(), "rules-")), "rules.yaml")
writeFileSync(rulesFile, rulesText())
const flags = ["--admin=false", "--storage-engine=memory", "--mqtt-max-subscriptions-per-client=20000"]
const plain: Side = { name: "no rules", flags }
const ruled: Side = { name: "1,000 rules", flags: [...flags, `--acl-rules-file=${rulesFile}`] }

const report = new Report("authorisation")
const rows: Array<ReadonlyArray<string>> = []
for (const { load, name, rounds, warmupSeconds } of scenarios) {
  if (values.only !== undefined && values.only !== name) continue
  const compared = await compareSides(plain, ruled, {
    generator,
    load,
    couples: Number(values.couples),
    rounds,
    seconds,
    warmupSeconds,
    onRound: (text) => report.progress(`${name}, ${text}`)
  })
  const { cells, high, low, median } = costOf(compared)
  rows.push([name, ratePerCpuSecond(compared.first), ratePerCpuSecond(compared.second), ...cells])
  if (median > promisedCost) {
    report.fault(`${name}: rules cost ${percent(median)}, promised at most ${percent(promisedCost)}`)
  }
  for (const fault of new Set(compared.faults)) report.fault(`${name}: ${fault}`)
  report.data(name, { median, low, high, costs: compared.costs })
}
report.table("QoS 0, messages per second of the broker's CPU time", ["", "no rules", "1,000 rules", ...costHead], rows)
report.note(`${ruleCount} rules, the last one decides, half have placeholders`)
report.finish()

function rulesText(): string {
  const lines = ["rules:"]
  for (let index = 1; index < ruleCount; index++) {
    if (index % 2 === 0)
      lines.push(
        "  - effect: deny",
        `    topics: ["w/+/${placeholders[0]}/x${index}", "bench/${placeholders[0]}/x${index}"]`
      )
    else lines.push(`  - effect: deny`, `    client-ids: other-${index}`, '    topics: ["w/#", "bench/#"]')
  }
  lines.push("  - effect: allow", '    topics: ["w/#", "bench/#"]')
  return `${lines.join("\n")}\n`
}
