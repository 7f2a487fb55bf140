/**
 * Claim: 1,000 rules, of which the last one decides and half have placeholders, cost less than 5 % of QoS 0 throughput with
 * 100 clients on 10,000 topics each.
 *
 *   npm run bench -- authorisation [--repetitions 5] [--seconds 4] [--warmup 10] [--only NAME]
 *
 * Method: the same build with and without a rules file, one after the other, each in a fresh process on core 0, with the
 * generator on core 1; who goes first alternates. The ratio is taken within each pair, of messages per second of the
 * broker's own CPU time, because other work on the machine moves the plain rate; the median of the pairs is reported.
 *
 * The warm-up is long enough for each client to have met each topic: a verdict is made once and kept. BENCH_MAIN may name
 * src/main.ts.
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
import { startBroker } from "./harness/brokers.ts"
import { markdownTable, spreadOf } from "./harness/figures.ts"
import { saveResult, scratchFolder } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, type LoadReport, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"

const ruleCount = 1000
const promisedCost = 0.05

const scenarios = [
  {
    name: "many topics",
    flags: ["--pattern", "wild", "--pubs", "99", "--subs", "1", "--topics", "10000", "--window", "20000"],
    isPromised: true
  },
  { name: "few topics", flags: ["--pubs", "10", "--subs", "10", "--window", "20000"], isPromised: true }
]

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    warmup: { type: "string", default: "10" },
    only: { type: "string" }
  }
})
const timing = ["--seconds", values.seconds, "--warmup", values.warmup]
const generator = findGenerator()
const machine = describeMachine()
const rulesFile = join(mkdtempSync(join(scratchFolder(), "rules-")), "rules.yaml")
writeFileSync(rulesFile, rulesText())
const faults: Array<string> = []

const results = []
for (const { flags, isPromised, name } of scenarios) {
  if (values.only !== undefined && values.only !== name) continue
  const pairs: Array<{ readonly plain: LoadReport; readonly ruled: LoadReport }> = []
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    const isPlainFirst = repetition % 2 === 0
    const first = await measure(name, flags, !isPlainFirst)
    const second = await measure(name, flags, isPlainFirst)
    pairs.push(isPlainFirst ? { plain: first, ruled: second } : { plain: second, ruled: first })
  }
  const cost = spreadOf(pairs.map(({ plain, ruled }) => 1 - perCpu(ruled) / perCpu(plain)))
  const rateOf = (key: "plain" | "ruled") => spreadOf(pairs.map((pair) => pair[key].delivered_per_s))
  const perCpuOf = (key: "plain" | "ruled") => spreadOf(pairs.map((pair) => perCpu(pair[key])))
  results.push({
    name,
    cost,
    plain: rateOf("plain"),
    ruled: rateOf("ruled"),
    plainPerCpu: perCpuOf("plain"),
    ruledPerCpu: perCpuOf("ruled")
  })
  if (isPromised && cost.median > promisedCost) faults.push(`${name}: rules cost more than ${promisedCost * 100} %`)
}

const percent = (part: number) => `${(part * 100).toFixed(1)} %`
const thousands = (rate: number) => `${Math.round(rate / 1000)} k`
process.stdout.write(
  `${markdownTable(
    ["QoS 0", "no rules, delivered/s", "1,000 rules", "per CPU second: no rules", "1,000 rules", "cost (range)"],
    results.map(({ cost, name, plain, plainPerCpu, ruled, ruledPerCpu }) => [
      name,
      thousands(plain.median),
      thousands(ruled.median),
      thousands(plainPerCpu.median),
      thousands(ruledPerCpu.median),
      `${percent(cost.median)} (${percent(cost.low)} to ${percent(cost.high)})`
    ])
  )}\n${machineLine(machine)}.\n${values.repetitions} interleaved pairs of ${values.seconds} s after ${values.warmup} s.\n`
)
for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`)
saveResult("authorisation", { machine, timing, ruleCount, results, faults })
process.exitCode = faults.length === 0 ? 0 : 1

async function measure(name: string, flags: ReadonlyArray<string>, hasRules: boolean): Promise<LoadReport> {
  const broker = await startBroker("promptmq", [
    "--admin=false",
    "--storage-engine=memory",
    "--mqtt-max-subscriptions-per-client=20000",
    ...(hasRules ? [`--acl-rules-file=${rulesFile}`] : [])
  ])
  try {
    const load = await runGenerator(generator, broker.port, broker.pid, [...flags, ...timing])
    const what = hasRules ? "1,000 rules" : "no rules"
    faults.push(...deliveryFaults(load, false).map((fault) => `${name}, ${what}: ${fault}`))
    process.stderr.write(`${name}, ${what}: ${Math.round(load.delivered_per_s)}/s at ${load.broker_cpu_pct} % CPU\n`)
    return load
  } finally {
    await broker.stop()
  }
}

/** Delivered per second of the broker's CPU time. */
function perCpu({ broker_cpu_pct, delivered_per_s }: LoadReport): number {
  return (delivered_per_s * 100) / broker_cpu_pct
}

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
