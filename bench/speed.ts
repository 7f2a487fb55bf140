/**
 * Claim: on one core PromptMQ is a multiple of every peer a user would pick instead: rows A to K of harness/scenarios.ts.
 *
 *   npm run bench -- speed [--only A,D] [--sections 3.1.1,5,windows] [--repetitions 5] [--seconds 1.2] [--warmup 0.6]
 *                          [--minutes 13] [--no-peers]
 *
 * Method: per repetition and row PromptMQ and Mosquitto run one after the other, each in a fresh process with an empty
 * folder on core 0, the generator on core 1; who goes first alternates. A ratio is taken within each pair, because other
 * work on the machine moves both; medians of the pairs count, with their range. aedes and nats-server run once per row they
 * can take part in. Sections: MQTT 3.1.1; MQTT 5, apart; and once more the rows with acknowledged deliveries with every
 * broker's default subscriber window.
 *
 * Everything is switched on: admin API, metrics, the durable store in its default mode (synced before the PUBACK).
 *
 * Rows H are measured in turns (harness/in-turns.ts), with a third in each pair, a Node program that does nothing but pass the
 * frames on (harness/bare-relay.ts): where PromptMQ is within the promised ratio of that, what it takes beyond Mosquitto is
 * Node's share of a wake-up.
 *
 * Each section has its share of `--minutes`. When that is used up, its later pairs are left out, and said so.
 */
import { parseArgs } from "node:util"
import {
  type BrokerName,
  brokers,
  everythingOn,
  type RunningBroker,
  startBroker,
  versionOf
} from "./harness/brokers.ts"
import { short, spreadOf } from "./harness/figures.ts"
import { deliveryFaults, findGenerator, type LoadReport, runGenerator } from "./harness/generator.ts"
import { inTurnsWords, measureInTurns, medianOf } from "./harness/in-turns.ts"
import { Report } from "./harness/report.ts"
import { bottleneck, cpuOf, type Figure, judge, type Scenario, scenarios } from "./harness/scenarios.ts"
import { barChart } from "./harness/svg-chart.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    sections: { type: "string" },
    repetitions: { type: "string", default: "5" },
    seconds: { type: "string", default: "1.2" },
    warmup: { type: "string", default: "0.6" },
    minutes: { type: "string", default: "13" },
    "no-peers": { type: "boolean", default: false }
  }
})

interface Section {
  readonly name: string
  readonly words: string
  readonly flags: ReadonlyArray<string>
  readonly isDefaultWindow: boolean
  readonly hasPeers: boolean
  readonly rows: (scenario: Scenario) => boolean
  /** Of the time there is, up to its end. */
  readonly until: number
}

const sections: ReadonlyArray<Section> = [
  {
    name: "3.1.1",
    words: "MQTT 3.1.1",
    flags: [],
    isDefaultWindow: false,
    hasPeers: !values["no-peers"],
    rows: () => true,
    until: 0.52
  },
  {
    name: "5",
    words: "MQTT 5",
    flags: ["--proto", "5"],
    isDefaultWindow: false,
    hasPeers: false,
    rows: () => true,
    until: 0.93
  },
  {
    name: "windows",
    words: "MQTT 3.1.1, default subscriber windows (20 each)",
    flags: [],
    isDefaultWindow: true,
    hasPeers: false,
    rows: ({ hasWindow }) => hasWindow,
    until: 1
  }
]

const isWanted = (list: string | undefined, name: string) => list === undefined || list.split(",").includes(name)
const timing = ["--seconds", values.seconds, "--warmup", values.warmup]
const timingOf = ({ isTimed, settledBy }: Scenario) => (isTimed && settledBy === undefined ? timing : [])
/** Couples of processes of rows that are measured in turns; each makes three pairs. */
const turnsMax = 2
const repetitions = Number(values.repetitions)
const report = new Report("speed")
const generator = findGenerator()
const startedMs = performance.now()
const budgetMs = Number(values.minutes) * 60_000
const peers = (["mosquitto", "aedes", "nats-server"] as const).filter((name) => {
  const version = versionOf(name)
  report.note(version === undefined ? `${name} is not installed: its column is empty` : `${name} ${version}`)
  return version !== undefined
})

/** One row of one section. */
interface Runs {
  readonly scenario: Scenario
  readonly section: Section
  readonly pairs: Array<Partial<Record<BrokerName, LoadReport>>>
  readonly besides: Partial<Record<BrokerName, LoadReport>>
}

for (const section of sections.filter(({ name }) => isWanted(values.sections, name))) await runSection(section)
tellSettings()
report.finish()

async function runSection(section: Section): Promise<void> {
  const chosen = scenarios.filter((scenario) => section.rows(scenario) && isWanted(values.only, scenario.name))
  const rows: ReadonlyArray<Runs> = chosen.map((scenario) => ({ scenario, section, pairs: [], besides: {} }))
  let leftOut = 0
  let wanted = 0
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const row of rows) {
      if (row.scenario.settledBy !== undefined && repetition >= turnsMax) continue
      wanted++
      const isTimeUp = performance.now() - startedMs > budgetMs * section.until
      // Each row once, whatever the time.
      if (isTimeUp && repetition > 0) leftOut++
      else await runPair(row, repetition)
    }
    if (repetition === 0 && section.hasPeers) for (const row of rows) await runBesides(row)
  }
  if (leftOut > 0) report.note(`${section.words}: ${leftOut} of ${wanted} pairs left out, the time was up`)
  tell(section, rows)
}

async function runPair(row: Runs, repetition: number): Promise<void> {
  const order: ReadonlyArray<BrokerName> = repetition % 2 === 0 ? ["promptmq", "mosquitto"] : ["mosquitto", "promptmq"]
  const names = order.filter((name) => name !== "mosquitto" || peers.includes(name))
  if (row.scenario.settledBy !== undefined) {
    await attempt("promptmq", row, async () => row.pairs.push(...(await measureSettled(["bare-node", ...names], row))))
    return
  }
  const pair: Partial<Record<BrokerName, LoadReport>> = {}
  for (const name of names) {
    await attempt(name, row, async () => {
      pair[name] = await measure(name, row)
    })
  }
  row.pairs.push(pair)
}

async function attempt(name: BrokerName, row: Runs, run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    tellFault(name, row, (error as Error).message.split("\n")[0] ?? "")
  }
}

/** Of PromptMQ it is a fault of the bench, of a peer something to know. */
function tellFault(name: BrokerName, { scenario, section }: Runs, words: string): void {
  const text = `${name}, ${section.words}, ${scenario.name}: ${words}`
  if (name === "promptmq") report.fault(text)
  else report.note(text)
}

async function runBesides(row: Runs): Promise<void> {
  for (const name of row.scenario.peers.filter((peer) => peers.includes(peer as never))) {
    await attempt(name, row, async () => {
      if (row.scenario.settledBy === undefined) row.besides[name] = await measure(name, row)
      else {
        const rounds = await measureSettled([name], row)
        row.besides[name] = medianOf(rounds.map((round) => round[name] as LoadReport))
      }
    })
  }
}

async function measure(name: BrokerName, row: Runs): Promise<LoadReport> {
  const broker = await start(name, row)
  try {
    await new Promise((resolve) => setTimeout(resolve, row.scenario.restMs ?? 0))
    const found = await load(name, row, broker, [...row.scenario.flags, ...timingOf(row.scenario)])
    progress(name, row, found)
    return found
  } finally {
    await broker.discard()
  }
}

/** All at once, in turns: as many pairs as there are slices. */
async function measureSettled(
  names: ReadonlyArray<BrokerName>,
  row: Runs
): Promise<ReadonlyArray<Partial<Record<BrokerName, LoadReport>>>> {
  const started = new Map<BrokerName, RunningBroker>()
  try {
    for (const name of names) started.set(name, await start(name, row))
    const { flags, settledBy = [] } = row.scenario
    const run = (name: BrokerName, chosen: ReadonlyArray<string>) =>
      load(name, row, started.get(name) as RunningBroker, chosen)
    const rounds = await measureInTurns({ names, settle: settledBy, load: flags, run })
    for (const name of names) for (const round of rounds) progress(name, row, round[name] as LoadReport)
    return rounds
  } finally {
    for (const broker of started.values()) await broker.discard()
  }
}

function start(name: BrokerName, { scenario, section }: Runs): Promise<RunningBroker> {
  const own = [...everythingOn, ...(scenario.promptmq ?? [])]
  const flags = name === "promptmq" ? own : name === "mosquitto" ? (scenario.mosquitto ?? []) : []
  return startBroker(name, flags, { isDefaultWindow: section.isDefaultWindow })
}

async function load(
  name: BrokerName,
  row: Runs,
  { pid, port }: RunningBroker,
  flags: ReadonlyArray<string>
): Promise<LoadReport> {
  const found = await runGenerator(generator, port, pid, [...flags, ...row.section.flags])
  for (const fault of deliveryFaults(found, false)) tellFault(name, row, fault)
  return found
}

function progress(name: BrokerName, { scenario, section }: Runs, found: LoadReport): void {
  const told = scenario.figures.map((figure) => `${figure.name} ${short(figure.of(found))}${figure.unit}`)
  report.progress(`${name}, ${section.words}, ${scenario.name}: ${told.join(", ")}`)
}

function tell(section: Section, rows: ReadonlyArray<Runs>): void {
  const head = [
    "median (range)",
    "PromptMQ",
    "Mosquitto",
    "ratio (range)",
    "promised",
    "met",
    "ratio per CPU s",
    "aim",
    ...(section.hasPeers ? ["aedes", "NATS"] : []),
    "CPU % broker/generator",
    "bottleneck"
  ]
  const results = rows.flatMap((row) => row.scenario.figures.map((figure) => summary(row, figure)))
  report.table(
    section.words,
    head,
    results.map((result) => cellsOf(section, result))
  )
  for (const { figure, floor, scenario, verdict, ratio, own } of results) {
    if (floor !== undefined) {
      const { low, high, median } = floor.ratio
      report.note(
        `${section.words}, ${scenario.name} ${figure.name}: a bare Node relay of the same frames needs ${short(floor.spread.median)}${figure.unit}; PromptMQ is ${median.toFixed(2)} × that (${low.toFixed(2)}–${high.toFixed(2)})`
      )
    }
    if (verdict.isMet) continue
    const reached =
      figure.minimum.kind === "ratio" ? `${ratio?.median.toFixed(2)} ×` : `${short(own.median)}${figure.unit}`
    report.fault(`${section.words}, ${scenario.name} ${figure.name}: ${reached}, promised ${verdict.promise}`)
  }
  report.data(
    section.name,
    results.map(({ figure: { name, unit, aim }, scenario, runs, besides, ...rest }) => ({
      row: scenario.name,
      words: scenario.words,
      flags: [...scenario.flags, ...section.flags, ...timingOf(scenario)],
      figure: { name, unit, aim },
      ...rest,
      besides,
      runs
    }))
  )
  const isWhole = values.only === undefined && section.name === "3.1.1" && repetitions >= 3
  if (isWhole) report.chart("speed", chartOf(results))
}

type Result = ReturnType<typeof summary>

function summary({ besides, pairs, scenario }: Runs, figure: Figure) {
  const of = (name: BrokerName) =>
    pairs.flatMap((pair) => {
      const found = pair[name]
      return found === undefined ? [] : [figure.of(found)]
    })
  const ratios = pairs.flatMap(({ mosquitto, promptmq }) =>
    mosquitto === undefined || promptmq === undefined ? [] : [figure.of(promptmq) / figure.of(mosquitto)]
  )
  const toFloor = pairs.flatMap(({ "bare-node": bare, promptmq }) =>
    bare === undefined || promptmq === undefined ? [] : [figure.of(promptmq) / figure.of(bare)]
  )
  const floor = toFloor.length === 0 ? undefined : { spread: spreadOf(of("bare-node")), ratio: spreadOf(toFloor) }
  const own = spreadOf(of("promptmq"))
  const ratio = ratios.length === 0 ? undefined : spreadOf(ratios)
  const median = (name: BrokerName, side: "broker" | "generator") => {
    const found = pairs.flatMap((pair) => (pair[name] === undefined ? [] : [cpuOf(pair[name])[side]]))
    return Math.round(spreadOf(found).median)
  }
  // Each rate by the share of its core the broker had: stands even where other work took the rest.
  const perCpu = (found: LoadReport) => figure.of(found) / cpuOf(found).broker
  const ratiosPerCpu = pairs.flatMap(({ mosquitto, promptmq }) =>
    mosquitto === undefined || promptmq === undefined ? [] : [perCpu(promptmq) / perCpu(mosquitto)]
  )
  const cpu = (name: BrokerName) => ({ broker: median(name, "broker"), generator: median(name, "generator") })
  return {
    scenario,
    figure,
    own,
    mosquitto: spreadOf(of("mosquitto")),
    ratio,
    ratioPerCpu: figure.name === "delivered" && ratio !== undefined ? spreadOf(ratiosPerCpu).median : undefined,
    floor,
    verdict: judge(figure, own.median, ratio?.median, floor?.ratio.median),
    besides,
    cpu: { promptmq: cpu("promptmq"), mosquitto: cpu("mosquitto") },
    runs: pairs
  }
}

function cellsOf(section: Section, result: Result): ReadonlyArray<string> {
  const { besides, cpu, figure, mosquitto, own, ratio, ratioPerCpu, scenario, verdict } = result
  const spread = ({ median, low, high }: Result["own"]) =>
    Number.isNaN(median) ? "–" : `${short(median)}${figure.unit} (${short(low)}–${short(high)})`
  const beside = (name: BrokerName) =>
    besides[name] === undefined ? "–" : `${short(figure.of(besides[name]))}${figure.unit}`
  const share = ({ broker, generator }: Result["cpu"]["promptmq"]) => `${broker}/${generator}`
  return [
    `${scenario.name} ${scenario.words}${scenario.figures.length > 1 ? `: ${figure.name}` : ""}`,
    spread(own),
    spread(mosquitto),
    ratio === undefined ? "–" : `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`,
    verdict.promise,
    verdict.isMet ? "yes" : "NO",
    ratioPerCpu === undefined ? "–" : ratioPerCpu.toFixed(1),
    figure.aim,
    ...(section.hasPeers ? [beside("aedes"), beside("nats-server")] : []),
    `${share(cpu.promptmq)}; ${share(cpu.mosquitto)}`,
    bottleneck(cpu.promptmq, scenario.settledBy !== undefined)
  ]
}

function chartOf(results: ReadonlyArray<Result>): string {
  const rows = results.filter(({ figure, ratio }) => figure.better === "more" && ratio !== undefined)
  return barChart({
    title: "Times Mosquitto on one core (MQTT 3.1.1); the mark is what is promised",
    unit: "×",
    bars: rows.map(({ figure, ratio, scenario }) => ({
      label: `${scenario.name} ${scenario.words.split(", synced")[0]}${scenario.figures.length > 1 ? `, ${figure.name}` : ""}`,
      value: ratio?.median ?? 0,
      low: ratio?.low ?? 0,
      high: ratio?.high ?? 0,
      ...(figure.minimum.kind === "ratio" ? { mark: figure.minimum.bound } : {})
    }))
  })
}

function tellSettings(): void {
  report.note(
    `up to ${repetitions} interleaved pairs of ${values.seconds} s after ${values.warmup} s (H: ${turnsMax} times ${inTurnsWords}); aedes and NATS once`
  )
  for (const name of ["promptmq", ...peers] as const) {
    report.note(`${name}, beyond its defaults: ${brokers[name].settings.join("; ")}`)
  }
  report.note(
    "promptmq: admin API and metrics on, durable store with its default immediate sync, ports of the system's choice"
  )
  for (const { name, promptmq } of scenarios) {
    if (promptmq !== undefined) report.note(`promptmq in ${name}: ${promptmq.join(" ")}`)
  }
  report.note("mosquitto in E and E2: persistence true, saved every 30 minutes and at the end")
  report.data("timing", { repetitions, seconds: values.seconds, warmup: values.warmup })
}
