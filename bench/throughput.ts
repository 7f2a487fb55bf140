/**
 * Claim: on one core PromptMQ delivers a multiple of what Mosquitto delivers.
 *
 *   npm run bench -- throughput [--repetitions 3] [--seconds 2.5] [--warmup 0.7] [--only NAME,...]
 *
 * Method: per repetition and scenario both brokers run one after the other, each in a fresh process on core 0, with
 * the generator on core 1; who goes first alternates. The ratio is taken within each pair and the median of the
 * pairs is reported, because other work on the machine moves both of a pair more than one of them. A run with a
 * message lost, repeated or out of order does not count as speed: it fails the bench. "Per CPU second" divides each
 * rate by the broker's own share of its core first: that ratio stands even where other work took part of the core.
 */
import { parseArgs } from "node:util"
import { type BrokerName, brokers, startBroker } from "./harness/brokers.ts"
import { markdownTable, shortSpread, spreadOf } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, type LoadReport, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"

interface Scenario {
  readonly name: string
  readonly words: string
  readonly flags: ReadonlyArray<string>
  /** Times Mosquitto, at least; 0 where nothing is promised. */
  readonly promised: number
}

const scenarios: ReadonlyArray<Scenario> = [
  {
    name: "qos0",
    words: "QoS 0, 10:10",
    flags: ["--pubs", "10", "--subs", "10", "--window", "20000"],
    promised: 5
  },
  { name: "qos0-single", words: "QoS 0, 1:1", flags: ["--window", "20000"], promised: 0 },
  {
    name: "fan-out",
    words: "QoS 0, 1 to 100",
    flags: ["--pattern", "fanout", "--subs", "100", "--window", "1000"],
    promised: 8
  },
  {
    name: "qos1",
    words: "QoS 1, 10:10, in flight 100",
    flags: ["--pubs", "10", "--subs", "10", "--qos", "1", "--inflight", "100"],
    promised: 4
  },
  {
    name: "qos2",
    words: "QoS 2, 10:10, in flight 100",
    flags: ["--pubs", "10", "--subs", "10", "--qos", "2", "--inflight", "100"],
    promised: 0
  }
]

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "3" },
    seconds: { type: "string", default: "2.5" },
    warmup: { type: "string", default: "0.7" },
    only: { type: "string" }
  }
})
const chosen = scenarios.filter(({ name }) => values.only === undefined || values.only.split(",").includes(name))
const timing = ["--seconds", values.seconds, "--warmup", values.warmup]
const generator = findGenerator()
const machine = describeMachine()

type Pair = Record<BrokerName, LoadReport>
const pairs = new Map<Scenario, Array<Pair>>(chosen.map((scenario) => [scenario, []]))
const faults: Array<string> = []

for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
  for (const scenario of chosen) {
    const order: ReadonlyArray<BrokerName> =
      repetition % 2 === 0 ? ["promptmq", "mosquitto"] : ["mosquitto", "promptmq"]
    const pair: Partial<Pair> = {}
    for (const name of order) pair[name] = await measure(name, scenario)
    pairs.get(scenario)?.push(pair as Pair)
  }
}
report()

async function measure(name: BrokerName, scenario: Scenario): Promise<LoadReport> {
  const broker = await startBroker(name)
  try {
    const load = await runGenerator(generator, broker.port, broker.pid, [...scenario.flags, ...timing])
    faults.push(...deliveryFaults(load, false).map((fault) => `${name}, ${scenario.words}: ${fault}`))
    process.stderr.write(`${scenario.name} ${name}: ${Math.round(load.delivered_per_s)}/s\n`)
    return load
  } finally {
    await broker.stop()
  }
}

function report(): void {
  const results = [...pairs].map(([scenario, runs]) => ({ ...summary(scenario, runs), runs }))
  const head = [
    "delivered/s, median (range)",
    "PromptMQ",
    "Mosquitto",
    "ratio (range)",
    "promised",
    "per CPU second",
    "CPU % broker/generator"
  ]
  const rows = results.map(({ scenario, promptmq, mosquitto, ratio, ratioPerCpu, cpu }) => [
    scenario.words,
    shortSpread(promptmq),
    shortSpread(mosquitto),
    `${ratio.median.toFixed(1)} (${ratio.low.toFixed(1)}–${ratio.high.toFixed(1)})`,
    scenario.promised === 0 ? "–" : `≥ ${scenario.promised}`,
    ratioPerCpu.median.toFixed(1),
    `${cpu.promptmq}; ${cpu.mosquitto}`
  ])
  process.stdout.write(`${markdownTable(head, rows)}\n${machineLine(machine)}.\n`)
  process.stdout.write(`${values.repetitions} interleaved runs of ${values.seconds} s after ${values.warmup} s.\n`)
  for (const name of ["promptmq", "mosquitto"] as const) {
    process.stdout.write(`${name}, beyond its defaults: ${brokers[name].settings.join("; ")}\n`)
  }
  const missed = results.filter(({ scenario, ratio }) => ratio.median < scenario.promised)
  const complaints = [...faults, ...missed.map(({ scenario }) => `${scenario.words}: below the promised ratio`)]
  for (const complaint of complaints) process.stdout.write(`FAULT ${complaint}\n`)
  const settings = { promptmq: brokers.promptmq.settings, mosquitto: brokers.mosquitto.settings }
  saveResult("throughput", { machine, timing, settings, results, faults: complaints })
  process.exitCode = complaints.length === 0 ? 0 : 1
}

function summary(scenario: Scenario, runs: ReadonlyArray<Pair>) {
  const rate = (name: BrokerName) => spreadOf(runs.map((pair) => pair[name].delivered_per_s))
  const cpu = (name: BrokerName) => {
    const of = (key: "broker_cpu_pct" | "generator_cpu_pct") =>
      Math.round(spreadOf(runs.map((pair) => pair[name][key])).median)
    return `${of("broker_cpu_pct")}/${of("generator_cpu_pct")}`
  }
  const perCpu = ({ delivered_per_s, broker_cpu_pct }: LoadReport) => delivered_per_s / broker_cpu_pct
  return {
    scenario,
    promptmq: rate("promptmq"),
    mosquitto: rate("mosquitto"),
    ratio: spreadOf(runs.map((pair) => pair.promptmq.delivered_per_s / pair.mosquitto.delivered_per_s)),
    ratioPerCpu: spreadOf(runs.map((pair) => perCpu(pair.promptmq) / perCpu(pair.mosquitto))),
    cpu: { promptmq: cpu("promptmq"), mosquitto: cpu("mosquitto") }
  }
}
