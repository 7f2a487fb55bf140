/**
 * Two settings of the same build side by side: what does switching something on cost?
 *
 * Both brokers run at the same time on the broker's core, and the generator turns to one of them, then to the other, in short
 * rounds; who is first alternates. The one that waits has nothing to do. The ratio is taken within each round, of messages
 * per second of the broker's own CPU time, because a neighbour on the machine moves the plain rate and a minute later is
 * another minute. Each couple of processes is one draw of what the compiler made of the code, so there are several couples.
 */
import { type RunningBroker, startBroker } from "./brokers.ts"
import { medianInterval, short, spreadOf } from "./figures.ts"
import { deliveryFaults, type LoadReport, runGenerator, timingFlags } from "./generator.ts"

export interface Side {
  readonly name: string
  readonly flags: ReadonlyArray<string>
  /** What goes on beside the load; called once its broker listens. */
  readonly beside?: (broker: RunningBroker) => Promise<Beside>
}

/** Anything that has to be ended before its broker. */
export interface Beside {
  readonly end: () => Promise<void>
}

export interface Comparison {
  readonly generator: string
  readonly load: ReadonlyArray<string>
  readonly seconds: number
  /** Of each round, before it counts: clients connect anew for it. */
  readonly warmupSeconds?: number
  readonly couples: number
  readonly rounds: number
  readonly onRound: (text: string) => void
}

export interface Compared {
  /** One a round: 0.02 = the second side makes 2 % less of a CPU second than the first. */
  readonly costs: ReadonlyArray<number>
  readonly first: ReadonlyArray<LoadReport>
  readonly second: ReadonlyArray<LoadReport>
  readonly faults: ReadonlyArray<string>
}

/** Compiled, and every cache filled, before the first round counts. */
const warmSeconds = 3

export async function compareSides(first: Side, second: Side, comparison: Comparison): Promise<Compared> {
  const reports: { readonly first: Array<LoadReport>; readonly second: Array<LoadReport> } = { first: [], second: [] }
  const costs: Array<number> = []
  const faults: Array<string> = []
  const { couples, generator, load, onRound, rounds, seconds, warmupSeconds = 0.5 } = comparison
  const run = async (side: Side, { pid, port }: RunningBroker, forSeconds: number): Promise<LoadReport> => {
    const report = await runGenerator(generator, port, pid, [...load, ...timingFlags(forSeconds, warmupSeconds)])
    faults.push(...deliveryFaults(report, false).map((fault) => `${side.name}: ${fault}`))
    return report
  }
  for (let couple = 0; couple < couples; couple++) {
    const one = await start(first)
    const other = await start(second)
    try {
      await run(first, one.broker, warmSeconds)
      await run(second, other.broker, warmSeconds)
      for (let round = 0; round < rounds; round++) {
        const isFirstFirst = round % 2 === 0
        const early = isFirstFirst ? await run(first, one.broker, seconds) : await run(second, other.broker, seconds)
        const late = isFirstFirst ? await run(second, other.broker, seconds) : await run(first, one.broker, seconds)
        const [left, right] = isFirstFirst ? [early, late] : [late, early]
        reports.first.push(left)
        reports.second.push(right)
        const cost = 1 - perCpuSecond(right) / perCpuSecond(left)
        costs.push(cost)
        onRound(`couple ${couple + 1}, round ${round + 1}: ${(cost * 100).toFixed(1)} %`)
      }
    } finally {
      await one.end()
      await other.end()
    }
  }
  return { costs, ...reports, faults }
}

async function start(side: Side): Promise<Beside & { readonly broker: RunningBroker }> {
  const broker = await startBroker("promptmq", side.flags)
  const beside = await side.beside?.(broker)
  return {
    broker,
    end: async () => {
      await beside?.end()
      await broker.stop()
    }
  }
}

/** Delivered per second of the broker's CPU time. */
export function perCpuSecond({ broker_cpu_pct, delivered_per_s }: LoadReport): number {
  return (delivered_per_s * 100) / broker_cpu_pct
}

/** The median of many reports, readable. */
export function ratePerCpuSecond(reports: ReadonlyArray<LoadReport>): string {
  return short(spreadOf(reports.map(perCpuSecond)).median)
}

export const costHead: ReadonlyArray<string> = ["cost: median of the rounds", "true median, 95 %"]

/** What the second side costs: shares, and the cells below costHead. */
export function costOf({ costs }: Compared) {
  const { median } = spreadOf(costs)
  const { high, low } = medianInterval(costs)
  return { median, low, high, cells: [percent(median), `${percent(low)} to ${percent(high)}`] }
}

export const percent = (part: number): string => `${(part * 100).toFixed(1)} %`
