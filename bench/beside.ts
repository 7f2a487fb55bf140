/**
 * Claims: 1,000 subscribe and unsubscribe per second cost scenario B at most 15 %; a million topics under 100 subscribers on
 * `#` take at most 400 MiB; a crowd of 10,000 persistent sessions that comes back at once is served, each with its messages;
 * subscribers that stopped reading cost those that read nothing they notice. The last two are figures, not promises.
 *
 *   npm run bench -- beside [--only churn,topics,storm,slow] [--repetitions 3] [--seconds 2] [--topics 1000000] [--no-charts]
 *
 * Method: churn: scenario B with and without a client that does nothing else (harness/ballast.ts), in pairs, alternating.
 * topics: `promptmq bench fan-out` goes round all topics, 100 clients on `#` take everything; resident memory at its peak.
 * storm: mqttload leaves 10,000 sessions behind with ten messages each, all come back as fast as they are let in. slow:
 * 1 to 100 with 0 to 100 further subscribers that never read; nothing may be lost for those that do.
 */
import { churn, holdStalled } from "./harness/ballast.ts"
import { benchOptions } from "./harness/bench-options.ts"
import { type BrokerName, everythingOn, startBroker, versionOf } from "./harness/brokers.ts"
import { short, shortSpread, spreadOf } from "./harness/figures.ts"
import { deliveryFaults, findGenerator, type LoadReport, runGenerator } from "./harness/generator.ts"
import { runOwnLoad } from "./harness/own-load.ts"
import { peakMiB, residentMiB } from "./harness/process-figures.ts"
import { Report } from "./harness/report.ts"
import { barChart, lineChart } from "./harness/svg-chart.ts"

const options = benchOptions()
const { isWanted, repetitions } = options
const report = new Report("beside")
const generator = findGenerator()
const timing = ["--seconds", options.seconds, "--warmup", "0.7"]
const names: ReadonlyArray<BrokerName> = versionOf("mosquitto") === undefined ? ["promptmq"] : ["promptmq", "mosquitto"]

if (isWanted("churn")) await churnBesideB()
if (isWanted("topics")) await manyTopics()
if (isWanted("storm")) await storm()
if (isWanted("slow")) await slowAmongFast()
report.note("admin API and metrics on; raised: --max-inflight=1000, in the storm --max-connections=20000")
report.finish()

async function churnBesideB(): Promise<void> {
  const perSecond = 1000
  const lossMax = 0.15
  const load = ["--pubs", "10", "--subs", "10", "--window", "20000", ...timing]
  const rates = { quiet: [] as Array<number>, churning: [] as Array<number> }
  const costs = { quiet: [] as Array<number>, churning: [] as Array<number> }
  let answered = 0
  for (let repetition = 0; repetition < repetitions * 2; repetition++) {
    const isChurning = repetition % 2 === 1
    const broker = await startBroker("promptmq", everythingOn)
    const client = isChurning ? await churn(broker.port, perSecond) : undefined
    const found = await runGenerator(generator, broker.port, broker.pid, load)
    answered += (client?.answered() ?? 0) / repetitions
    client?.stop()
    await broker.discard()
    faultsOf(found, "churn")
    const kind = isChurning ? "churning" : "quiet"
    rates[kind].push(found.delivered_per_s)
    costs[kind].push((found.broker_cpu_pct / 100 / found.delivered_per_s) * 1e6)
    report.progress(`churn: ${kind} ${short(found.delivered_per_s)}/s`)
  }
  const pairs = rates.quiet.map((quiet, index) => 1 - (rates.churning[index] ?? Number.NaN) / quiet)
  const loss = spreadOf(pairs)
  const rows = (["quiet", "churning"] as const).map((kind) => [
    kind === "quiet"
      ? "scenario B"
      : `beside ${perSecond} subscribe + unsubscribe/s (${short(answered)} answered per run)`,
    `${shortSpread(spreadOf(rates[kind]))}/s`,
    `${spreadOf(costs[kind]).median.toFixed(2)} µs`
  ])
  report.table("Subscriptions that come and go", ["", "delivered", "broker CPU per message"], rows)
  report.say(
    `\nCost: ${(loss.median * 100).toFixed(0)} % (${(loss.low * 100).toFixed(0)}–${(loss.high * 100).toFixed(0)}), promised ≤ 15 %.`
  )
  if (!(loss.median <= lossMax)) report.fault(`churn costs B ${(loss.median * 100).toFixed(0)} %, promised ≤ 15 %`)
  report.data("churn", { rates, costs, loss })
  const bars = rows.map(([label = ""], index) => ({
    label: index === 0 ? label : "beside 1,000 changes/s",
    value: spreadOf(index === 0 ? rates.quiet : rates.churning).median / 1000
  }))
  chart("churn", barChart({ title: "Scenario B beside subscriptions that come and go", unit: "K/s", bars }))
}

async function manyTopics(): Promise<void> {
  const limitMiB = 400
  const subscribers = 100
  const topics = options.topics
  const broker = await startBroker("promptmq", everythingOn)
  const beforeMiB = residentMiB(broker.pid)
  const words = ["fan-out", "-h", "127.0.0.1", "-p", String(broker.port), "-V", "311", "--clients", String(subscribers)]
  const found = await runOwnLoad(broker.pid, [
    ...words,
    "--topics",
    String(topics),
    "--window",
    "1000",
    "--count",
    String(topics)
  ])
  const afterMiB = residentMiB(broker.pid)
  const peak = peakMiB(broker.pid)
  await broker.discard()
  const rows = [
    ["topics used", short(Math.min(found.published, topics)), short(topics)],
    ["delivered", `${short(found.delivered)} (${short(found.deliveredPerSecond)}/s)`, "–"],
    ["RSS before / after, MiB", `${beforeMiB.toFixed(0)} / ${afterMiB.toFixed(0)}`, "–"],
    ["RSS at its peak, MiB", peak.toFixed(0), `≤ ${limitMiB}`]
  ]
  report.table(`${short(topics)} topics under ${subscribers} subscribers on #`, ["", "", "promised"], rows)
  if (found.lost > 0) report.fault(`topics: ${found.lost} lost`)
  if (!(peak <= limitMiB)) report.fault(`topics: ${peak.toFixed(0)} MiB, promised ≤ ${limitMiB}`)
  report.data("topics", { topics, found, beforeMiB, afterMiB, peak })
  const bars = [
    { label: "before", value: beforeMiB },
    { label: "after", value: afterMiB },
    { label: "at its peak", value: peak, mark: limitMiB }
  ]
  chart(
    "topics-memory",
    barChart({ title: `Resident memory: ${short(topics)} topics under 100 subscribers on #`, unit: "MiB", bars })
  )
}

async function storm(): Promise<void> {
  const sessions = 10_000
  const load = ["--offline", "--qos", "1", "--pubs", "10", "--subs", String(sessions), "--count", "100"]
  const found: Partial<Record<BrokerName, Array<LoadReport>>> = {}
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const name of names) {
      const flags =
        name === "promptmq"
          ? [...everythingOn, "--max-connections=20000"]
          : ["persistence true", "persistence_location FOLDER/", "user root"]
      const broker = await startBroker(name, flags)
      try {
        const run = await runGenerator(generator, broker.port, broker.pid, load)
        found[name] = [...(found[name] ?? []), run]
        if (name === "promptmq") faultsOf(run, "storm")
        report.progress(
          `storm ${name}: all back in ${run["ready_seconds"]} s, everything after ${run["drain_seconds"]} s`
        )
      } finally {
        await broker.discard()
      }
    }
  }
  const median = (runs: ReadonlyArray<LoadReport>, key: string) => spreadOf(runs.map((run) => run[key] ?? Number.NaN))
  const rows = Object.entries(found).map(([name, runs]) => [
    name,
    `${median(runs, "ready_seconds").median.toFixed(2)} s`,
    `${short(sessions / median(runs, "ready_seconds").median)}/s`,
    `${median(runs, "drain_seconds").median.toFixed(2)} s`,
    `${median(runs, "broker_peak_mb").median.toFixed(0)} MiB`
  ])
  const head = ["10,000 persistent sessions", "all back", "sessions", "everything delivered", "peak RSS"]
  report.table("A crowd comes back at once (10 QoS 1 messages waiting for each)", head, rows)
  report.data("storm", { sessions, found })
  const bars = Object.entries(found).map(([label, runs]) => ({ label, value: median(runs, "drain_seconds").median }))
  chart(
    "storm",
    barChart({ title: "10,000 persistent sessions come back: until everything is delivered", unit: "s", bars })
  )
}

async function slowAmongFast(): Promise<void> {
  const counts = [0, 1, 10, 100]
  const load = ["--pattern", "fanout", "--subs", "100", "--window", "1000", ...timing]
  const series: Array<{ name: string; points: Array<readonly [number, number]> }> = []
  const rows: Array<ReadonlyArray<string>> = []
  for (const name of names) {
    const points: Array<readonly [number, number]> = []
    for (const count of counts) {
      const runs: Array<LoadReport> = []
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const broker = await startBroker(name, name === "promptmq" ? everythingOn : ["max_queued_messages 1000"])
        const release = await holdStalled(broker.port, count, "bench/t0")
        runs.push(await runGenerator(generator, broker.port, broker.pid, load))
        release()
        await broker.discard()
      }
      const rate = spreadOf(runs.map((run) => run.delivered_per_s))
      const peak = spreadOf(runs.map((run) => run.broker_peak_mb)).median
      for (const run of runs) if (name === "promptmq") faultsOf(run, `beside ${count} that do not read`)
      points.push([Math.max(1, count), rate.median / 1e6])
      rows.push([name, String(count), `${shortSpread(rate)}/s`, `${peak.toFixed(0)} MiB`])
      report.progress(`slow ${name} ${count}: ${short(rate.median)}/s`)
    }
    series.push({ name: name === "promptmq" ? "PromptMQ" : "Mosquitto", points: points.slice(1) })
  }
  report.table(
    "1 to 100, beside subscribers that never read",
    ["", "stopped", "delivered to the others", "peak RSS"],
    rows
  )
  report.data("slow", rows)
  chart(
    "slow",
    lineChart({
      title: "1 to 100 at QoS 0 beside subscribers that never read",
      xLabel: "subscribers that never read",
      yLabel: "M deliveries/s to the others",
      series
    })
  )
}

function faultsOf(found: LoadReport, where: string): void {
  for (const fault of deliveryFaults(found, false)) report.fault(`${where}: ${fault}`)
}

function chart(name: string, svg: string): void {
  options.chart(report, name, () => svg)
}
