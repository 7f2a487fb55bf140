/**
 * Claim: a message costs the broker at most 1.5 times as much with 100,000 subscriptions as with 10, and with 20,000
 * connections as with 10; at most 3 times as much with a million topics as with 10.
 *
 *   npm run bench -- growth [--only subscriptions,connections,topics] [--repetitions 3] [--seconds 2] [--no-charts]
 *
 * Method: CPU time of the broker per message, since a rate says as much about the generator. subscriptions: scenario B while
 * ten other clients hold the subscriptions (exact, `+` and `#` in equal parts). connections: scenario B beside idle clients.
 * topics: one publisher goes round all topics, so that no two messages in a row have the same (which the broker would take
 * as one), one subscriber listens with `#` (`promptmq bench`, set-up and warm-up included). Points are interleaved; medians. Mosquitto is measured at the first and the last point.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { holdSubscriptions } from "./harness/ballast.ts"
import { benchOptions } from "./harness/bench-options.ts"
import { type BrokerName, everythingOn, type RunningBroker, startBroker, versionOf } from "./harness/brokers.ts"
import { type Spread, short, shortSpread, spreadOf } from "./harness/figures.ts"
import { deliveryFaults, findGenerator, generatorCore, runGenerator } from "./harness/generator.ts"
import { pinned } from "./harness/machine.ts"
import { runOwnLoad } from "./harness/own-load.ts"
import { openFiles, openFilesMax } from "./harness/process-figures.ts"
import { Report } from "./harness/report.ts"
import { lineChart } from "./harness/svg-chart.ts"

const options = benchOptions()
const { isWanted, repetitions } = options
const report = new Report("growth")
const generator = findGenerator()
const timing = ["--seconds", options.seconds, "--warmup", "0.7"]
const tenPairs = ["--pubs", "10", "--subs", "10", "--window", "20000"]
const connectionsMost = 20_000
/** A broker and a generator need a few files besides. */
const filesBesides = 200
const connectionsMax = Math.min(connectionsMost, openFilesMax() - filesBesides)
if (connectionsMax < connectionsMost) report.note(`${connectionsMax} connections at most: ulimit -n allows no more`)
const readyLimitMs = 60_000
const lookMs = 50

interface Axis {
  readonly name: string
  readonly points: ReadonlyArray<number>
  /** Times the first point, at most. */
  readonly promised: number
  readonly flags: (count: number) => ReadonlyArray<string>
  /** Microseconds of the broker per message. */
  readonly measure: (broker: RunningBroker, count: number) => Promise<number>
}

const axes: ReadonlyArray<Axis> = [
  {
    name: "subscriptions",
    points: [10, 100, 1000, 10_000, 100_000],
    promised: 1.5,
    flags: () => [],
    measure: async (broker, count) => {
      const release = await holdSubscriptions(broker.port, count)
      const cost = await costOfB(broker)
      release()
      return cost
    }
  },
  {
    name: "connections",
    points: [10, 100, 1000, 10_000, connectionsMax],
    promised: 1.5,
    flags: (count) => [`--max-connections=${count + 100}`],
    measure: async (broker, count) => {
      const idle = holdConnections(broker, count)
      try {
        await untilOpen(broker, count)
        return await costOfB(broker)
      } finally {
        idle.kill("SIGKILL")
      }
    }
  },
  {
    name: "topics",
    points: [10, 100, 1000, 10_000, 100_000, 1_000_000],
    promised: 3,
    flags: () => [],
    measure: async (broker, count) => {
      const words = ["pair", "-h", "127.0.0.1", "-p", String(broker.port), "-V", "311"]
      // A window below what the broker keeps unsent: nothing is dropped.
      const pace = ["--topics", String(count), "--window", "10000", "--seconds", options.seconds, "--warmup", "1"]
      const found = await runOwnLoad(broker.pid, [...words, ...pace])
      if (found.lost + found.repeated + found.lostConnections > 0) report.fault(`${count} topics: ${found.lost} lost`)
      return found.brokerUsPerMessage
    }
  }
]

for (const axis of axes) if (isWanted(axis.name)) await run(axis)
report.note(
  "admin API and metrics on; nothing raised besides --max-inflight=1000 and, for connections, --max-connections"
)
report.finish()

async function run(axis: Axis): Promise<void> {
  const own = new Map<number, Array<number>>()
  const beside = new Map<number, Array<number>>()
  const hasMosquitto = versionOf("mosquitto") !== undefined
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const count of axis.points) {
      own.set(count, [...(own.get(count) ?? []), await measure(axis, "promptmq", count)])
      const isEnd = count === axis.points[0] || count === axis.points.at(-1)
      if (hasMosquitto && isEnd)
        beside.set(count, [...(beside.get(count) ?? []), await measure(axis, "mosquitto", count)])
    }
  }
  tell(axis, medians(own), medians(beside))
}

async function measure(axis: Axis, name: BrokerName, count: number): Promise<number> {
  const flags = name === "promptmq" ? [...everythingOn, ...axis.flags(count)] : []
  const broker = await startBroker(name, flags)
  try {
    const cost = await axis.measure(broker, count)
    report.progress(`${axis.name} ${name} ${count}: ${cost.toFixed(2)} µs`)
    return cost
  } catch (error) {
    report.fault(`${axis.name} ${name} ${count}: ${(error as Error).message}`)
    return Number.NaN
  } finally {
    await broker.discard()
  }
}

async function costOfB(broker: RunningBroker): Promise<number> {
  const found = await runGenerator(generator, broker.port, broker.pid, [...tenPairs, ...timing])
  for (const fault of deliveryFaults(found, false)) report.fault(`B beside ballast: ${fault}`)
  return (found.broker_cpu_pct / 100 / found.delivered_per_s) * 1e6
}

function holdConnections({ port }: RunningBroker, count: number): ChildProcess {
  const words = ["--port", String(port), "--connect-only", String(count), "--seconds", "600", "--id", "idle"]
  const [command, args] = pinned(generatorCore, generator, words)
  return spawn(command, args, { stdio: "ignore" })
}

async function untilOpen({ pid }: RunningBroker, count: number): Promise<void> {
  const untilMs = performance.now() + readyLimitMs
  while (openFiles(pid) < count) {
    if (performance.now() > untilMs) throw new Error(`${count} connections were not opened in time`)
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

function medians(found: ReadonlyMap<number, ReadonlyArray<number>>): ReadonlyArray<readonly [number, Spread]> {
  return [...found].map(([count, costs]) => [count, spreadOf(costs.filter((cost) => !Number.isNaN(cost)))] as const)
}

function tell(
  { name, points, promised }: Axis,
  own: ReadonlyArray<readonly [number, Spread]>,
  beside: ReadonlyArray<readonly [number, Spread]>
): void {
  const first = own[0]?.[1].median ?? Number.NaN
  const times = (own.at(-1)?.[1].median ?? Number.NaN) / first
  const rows = own.map(([count, cost]) => [
    short(count),
    shortSpread(cost),
    (cost.median / first).toFixed(2),
    beside.find(([other]) => other === count)?.[1].median.toFixed(2) ?? "–"
  ])
  report.table(`Cost of a message by ${name}`, [name, "broker CPU µs", "times the first", "Mosquitto µs"], rows)
  report.say(`\nSmallest to largest: ${times.toFixed(2)} ×, promised ≤ ${promised} ×.`)
  if (!(times <= promised)) report.fault(`growth by ${name}: ${times.toFixed(2)} ×, promised ≤ ${promised} ×`)
  report.data(name, { points, own, beside, times, promised })
  const line = (series: typeof own) => series.map(([count, cost]) => [count, cost.median] as const)
  options.chart(report, `growth-${name}`, () =>
    lineChart({
      title: `CPU time of the broker per message by ${name}`,
      xLabel: name,
      yLabel: "µs per message",
      series: [{ name: "PromptMQ", points: line(own) }],
      limit: { y: first * promised, label: `promised: at most ${promised} × the first` }
    })
  )
}
