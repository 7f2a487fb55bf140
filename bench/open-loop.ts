/**
 * Claim: with metrics, limits and access rules on, 100 publishers to 100 subscribers at 600,000 messages per second in an open
 * loop, everything delivered, 99 % of it within 10 ms. 1,000 to 1,000: stated.
 *
 *   npm run bench -- open-loop [--only 100,1000] [--seconds 2] [--warmup 0.5] [--settle 4] [--tries 4]
 *                              [--rate 600000: this one alone]
 *
 * Method: mqttload publishes on schedule, whether or not the broker keeps up; a message's latency counts from when it was
 * due. A rate holds when nothing is lost, what was offered was sent, and p99 is below 10 ms. The highest one that holds is
 * searched by halving; each rate gets `--tries`, because other work on the machine can only spoil a run: a pause of 20 ms in
 * two seconds already does. One broker for all runs of a crowd, in steady state: it has had the first rate for `--settle`
 * seconds before, since its compiler shares the one core with it until it is done (2 to 4 s). Clients connect anew for each
 * run. Rules: 1,000, half with ${clientid}, the deciding one last (harness/access-rules.ts).
 */
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { accessFlags, ruleCount } from "./harness/access-rules.ts"
import { everythingOn, type RunningBroker, startBroker } from "./harness/brokers.ts"
import { short } from "./harness/figures.ts"
import { scratchFolder } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, type LoadReport, runGenerator } from "./harness/generator.ts"
import { Report } from "./harness/report.ts"
import { cpuOf } from "./harness/scenarios.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "2" },
    warmup: { type: "string", default: "0.5" },
    settle: { type: "string", default: "4" },
    tries: { type: "string", default: "4" },
    rate: { type: "string" }
  }
})
const p99UsMax = 10_000
/** Of what was offered: less was not sent in time. */
const sentShare = 0.98
/** Thousands of messages a second. */
const rates = [25, 50, 100, 150, 200, 300, 400, 600, 800, 1000, 1200, 1600, 2000, 2400, 3200, 4000, 5000, 6400]
const settlingPerSecond = 600_000

interface Crowd {
  readonly pairs: number
  readonly promised: number
  readonly aim: string
}

const crowds: ReadonlyArray<Crowd> = [
  { pairs: 100, promised: 600_000, aim: "1,000,000/s" },
  { pairs: 1000, promised: 0, aim: "stated" }
]

const report = new Report("open-loop")
const generator = findGenerator()
const rules = accessFlags(mkdtempSync(join(scratchFolder(), "rules-")))
report.note(
  rules.length === 0
    ? "without access rules: this version has none"
    : `access rules: ${ruleCount}, the deciding one last`
)
report.note("metrics, admin API and the default limits are on; nothing is raised besides --max-inflight=1000")

interface Run {
  readonly rate: number
  readonly found: LoadReport
  readonly why: string | undefined
}

const rows: Array<ReadonlyArray<string>> = []
for (const crowd of crowds.filter(
  ({ pairs }) => values.only === undefined || values.only.split(",").includes(String(pairs))
)) {
  const runs: Array<Run> = []
  const broker = await startBroker("promptmq", [...everythingOn, ...rules])
  try {
    await load(broker, crowd, Number(values.rate ?? settlingPerSecond), values.settle)
    const rate = values.rate
    const best = rate === undefined ? await search(broker, crowd, runs) : await holds(broker, crowd, Number(rate), runs)
    tell(crowd, best, runs)
  } finally {
    await broker.discard()
  }
}
report.table(
  "Highest offered rate with everything delivered and p99 < 10 ms",
  [
    "open loop, QoS 0, 64 B",
    "rate",
    "promised",
    "met",
    "aim",
    "p50 / p99 ms",
    "CPU % broker/generator",
    "the next one failed by"
  ],
  rows
)
report.finish()

/** Halves between what holds and what does not. */
async function search(broker: RunningBroker, crowd: Crowd, runs: Array<Run>): Promise<Run | undefined> {
  let low = -1
  let high = rates.length
  let best: Run | undefined
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const run = await holds(broker, crowd, (rates[middle] as number) * 1000, runs)
    if (run === undefined) high = middle
    else {
      low = middle
      best = run
    }
  }
  return best
}

/** The run that held, or undefined. */
async function holds(broker: RunningBroker, crowd: Crowd, rate: number, runs: Array<Run>): Promise<Run | undefined> {
  for (let attempt = 0; attempt < Number(values.tries); attempt++) {
    const found = await load(broker, crowd, rate, values.seconds)
    const run: Run = { rate, found, why: faultOf(found, rate) }
    runs.push(run)
    report.progress(
      `${crowd.pairs}:${crowd.pairs} at ${short(rate)}/s: ${run.why ?? `holds, p99 ${(run.found.p99_us / 1000).toFixed(1)} ms`}`
    )
    if (run.why === undefined) return run
  }
  return undefined
}

function load({ pid, port }: RunningBroker, { pairs }: Crowd, rate: number, seconds: string): Promise<LoadReport> {
  const clients = ["--pubs", String(pairs), "--subs", String(pairs)]
  const timing = ["--rate", String(rate), "--seconds", seconds, "--warmup", values.warmup]
  return runGenerator(generator, port, pid, [...clients, ...timing])
}

function faultOf(found: LoadReport, rate: number): string | undefined {
  const wrong = deliveryFaults(found, false)
  if (wrong.length > 0) return wrong.join(", ")
  if (found.delivered_per_s < rate * sentShare) return `${short(found.delivered_per_s)}/s came through`
  return found.p99_us < p99UsMax ? undefined : `p99 ${(found.p99_us / 1000).toFixed(1)} ms`
}

function tell({ aim, pairs, promised }: Crowd, best: Run | undefined, runs: ReadonlyArray<Run>): void {
  const rate = best?.rate ?? 0
  const isMet = rate >= promised
  const next = runs.filter((run) => run.why !== undefined && run.rate > rate).sort((a, b) => a.rate - b.rate)[0]
  const cpu = best === undefined ? undefined : cpuOf(best.found)
  rows.push([
    `${pairs}:${pairs}`,
    `${short(rate)}/s`,
    promised === 0 ? "–" : `≥ ${short(promised)}/s`,
    isMet ? "yes" : "NO",
    aim,
    best === undefined ? "–" : `${(best.found.p50_us / 1000).toFixed(2)} / ${(best.found.p99_us / 1000).toFixed(2)}`,
    cpu === undefined ? "–" : `${cpu.broker}/${cpu.generator}`,
    next === undefined ? "–" : `${short(next.rate)}/s: ${next.why}`
  ])
  if (!isMet) report.fault(`open loop ${pairs}:${pairs}: ${short(rate)}/s, promised ${short(promised)}/s`)
  report.data(`${pairs}:${pairs}`, { rate, promised, runs })
}
