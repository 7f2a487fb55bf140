/**
 * Latency at a given rate, side by side: the brokers run at the same time, and the generator turns from one to the next.
 *
 *   settle each (the same path, at a higher rate) ──▶ rounds: a slice of each, the order alternates ──▶ one report a slice
 *
 * Why settled: on one core V8's compilers take their time from the broker. A path at 10,000 messages a second is compiled for
 * good after 10 s; a broker that has run for a minute is what its users have. The first seconds are another figure.
 * Why slices: 99 % of a run of 3 s are spoiled by a single pause of the machine of 30 ms, and p99 then tells of the machine. A
 * pause spoils one slice here, and the median of several passes over it. Why at the same time: the next slice of the other
 * broker is a second away, not a minute. Brokers that wait have no clients and nothing to do.
 */
import { spreadOf } from "./figures.ts"
import { type LoadReport, timingFlags } from "./generator.ts"

const settleSeconds = 5
const slices = 3
const sliceSeconds = 0.8
const sliceWarmupSeconds = 0.2

export const inTurnsWords = `${slices} slices of ${sliceSeconds} s in turns, behind ${settleSeconds} s of settling`

export interface Turns<Name extends string> {
  readonly names: ReadonlyArray<Name>
  readonly settle: ReadonlyArray<string>
  readonly load: ReadonlyArray<string>
  readonly run: (name: Name, flags: ReadonlyArray<string>) => Promise<LoadReport>
}

/** One entry a round. */
export async function measureInTurns<Name extends string>({
  load,
  names,
  run,
  settle
}: Turns<Name>): Promise<ReadonlyArray<Partial<Record<Name, LoadReport>>>> {
  for (const name of names) await run(name, [...settle, ...timingFlags(settleSeconds, 0)])
  const rounds: Array<Partial<Record<Name, LoadReport>>> = []
  for (let slice = 0; slice < slices; slice++) {
    const round: Partial<Record<Name, LoadReport>> = {}
    const order = slice % 2 === 0 ? names : [...names].reverse()
    for (const name of order) round[name] = await run(name, [...load, ...timingFlags(sliceSeconds, sliceWarmupSeconds)])
    rounds.push(round)
  }
  return rounds
}

/** Each figure's median over the rounds. */
export function medianOf(reports: ReadonlyArray<LoadReport>): LoadReport {
  const median = (key: string) => spreadOf(reports.map((report) => report[key] ?? Number.NaN)).median
  const keys = Object.keys(reports[0] ?? {})
  return Object.fromEntries(keys.map((key) => [key, median(key)])) as unknown as LoadReport
}
