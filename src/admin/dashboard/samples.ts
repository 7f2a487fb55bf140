/**
 * The last minutes as a list of samples, and what charts take from it. Plain: times come in with the samples.
 *
 * Invariants
 * - At most `samplesMax` samples: 15 minutes of one a second.
 * - [DASH-5] A stretch without samples is one gap, an entry with nothing but its time: never a line drawn across.
 * - [DASH-6] What comes from the broker's history lies before the first sample of this page, so no second is there twice.
 */
import type { History, Overview } from "../api/system.ts"

export const samplesMax = 900
const GAP_MS = 2500

/** A gap is an entry with nothing but its time. */
export interface Sample {
  readonly atSeconds: number
  readonly overview: Overview | undefined
}

export const withSnapshot = (before: ReadonlyArray<Sample>, overview: Overview): ReadonlyArray<Sample> => {
  const atMs = Date.parse(overview.at)
  const last = before.at(-1)
  // [DASH-5]
  const isGap = last !== undefined && atMs - last.atSeconds * 1000 > GAP_MS
  const gap = isGap ? [{ atSeconds: last.atSeconds + 1, overview: undefined }] : []
  return [...before, ...gap, { atSeconds: atMs / 1000, overview }].slice(-samplesMax)
}

export const withHistory = (later: ReadonlyArray<Sample>, history: History): ReadonlyArray<Sample> => {
  const until = later[0]?.atSeconds ?? Number.POSITIVE_INFINITY
  // [DASH-6]
  return [...rowsOf(history).filter(({ atSeconds }) => atSeconds < until), ...later].slice(-samplesMax)
}

/** Columns as samples; where the broker was away there is a gap. */
export const rowsOf = ({ at, columns, stepSeconds }: History): ReadonlyArray<Sample> => {
  const rows: Array<Sample> = []
  for (const [row, time] of at.entries()) {
    const atSeconds = Date.parse(time) / 1000
    const last = rows.at(-1)
    if (last !== undefined && atSeconds - last.atSeconds > 2.5 * stepSeconds) {
      rows.push({ atSeconds: last.atSeconds + 1, overview: undefined })
    }
    const figures = Object.entries(columns).map(([name, values]) => [name, values[row] ?? null] as const)
    rows.push({ atSeconds, overview: Object.fromEntries(figures) as unknown as Overview })
  }
  return rows
}

/** At most `max` of them, evenly taken; gaps stay. */
export const thinned = (samples: ReadonlyArray<Sample>, max: number): ReadonlyArray<Sample> => {
  if (samples.length <= max) return samples
  const every = Math.ceil(samples.length / max)
  return samples.filter(({ overview }, i) => overview === undefined || i % every === 0)
}

export interface Stretch {
  readonly from: Sample
  readonly until: Sample
}

export const gapsIn = (samples: ReadonlyArray<Sample>): ReadonlyArray<Stretch> =>
  samples.flatMap(({ overview }, i) => {
    const [from, until] = [samples[i - 1], samples[i + 1]]
    return overview === undefined && from !== undefined && until !== undefined ? [{ from, until }] : []
  })

export interface ReasonRates {
  readonly reason: string
  /** Per second, one per sample; null where there is no sample, or none before it. */
  readonly values: ReadonlyArray<number | null>
}

/** The broker's history does not tell reasons apart. */
export const anyReason = "any reason"

/** What was dropped for each reason, from sample to sample. */
export const dropRates = (samples: ReadonlyArray<Sample>): ReadonlyArray<ReasonRates> => {
  const reasons = new Set(samples.flatMap(({ overview }) => Object.keys(overview?.dropsByReason ?? {})))
  const byReason = [...reasons]
    .sort()
    .map((reason) => ({ reason, values: samples.map((sample, i) => rateOf(reason, samples[i - 1], sample)) }))
  const others = samples.map(({ overview }) =>
    overview === undefined || overview.dropsByReason !== undefined ? null : overview.dropsPerSecond
  )
  // One value draws no line.
  return [...byReason, { reason: anyReason, values: others }].filter(
    ({ values }) => values.filter((value) => value !== null).length > 1 && values.some((value) => (value ?? 0) > 0)
  )
}

/** [DASH-10] A total that falls is that of another process: no rate is below 0. */
const rateOf = (reason: string, before: Sample | undefined, { atSeconds, overview }: Sample): number | null => {
  if (overview?.dropsByReason === undefined || before?.overview?.dropsByReason === undefined) return null
  const more = (overview.dropsByReason[reason] ?? 0) - (before.overview.dropsByReason[reason] ?? 0)
  return Math.max(0, more) / Math.max(0.001, atSeconds - before.atSeconds)
}

/** How many there were within the last `seconds`, from rates of one second each. */
export const sumOfLast = (
  samples: ReadonlyArray<Sample>,
  seconds: number,
  of: (overview: Overview) => number
): number => {
  const last = samples.at(-1)?.atSeconds ?? 0
  let sum = 0
  for (let i = samples.length - 1; i > 0; i--) {
    const { atSeconds, overview } = samples[i] as Sample
    if (atSeconds <= last - seconds) break
    const step = Math.min(10, atSeconds - (samples[i - 1] as Sample).atSeconds)
    if (overview !== undefined) sum += of(overview) * step
  }
  return sum
}
