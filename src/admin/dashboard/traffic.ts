/**
 * Rates from totals: how many bytes a second a connection carries, of answers that come now and then. Plain: times come in.
 *
 * Invariants
 * - [DASH-13] A total that falls is that of another connection: the rate is then not known, not below 0.
 * - At most `max` of them are kept, the newest.
 */
export interface Total {
  readonly atSeconds: number
  readonly bytes: number
}

/** Between each and the one before it; null for the first. */
export const ratesOf = (totals: ReadonlyArray<Total>): ReadonlyArray<number | null> =>
  totals.map(({ atSeconds, bytes }, i) => {
    const before = totals[i - 1]
    // [DASH-13]
    if (before === undefined || bytes < before.bytes) return null
    return (bytes - before.bytes) / Math.max(0.001, atSeconds - before.atSeconds)
  })

export const withTotal = (before: ReadonlyArray<Total>, total: Total, max: number): ReadonlyArray<Total> =>
  [...before, total].slice(-max)

/** Since when each is seen without a break: what is not there any more is forgotten. */
export const seenSince = (
  before: ReadonlyMap<string, number>,
  names: ReadonlyArray<string>,
  atSeconds: number
): ReadonlyMap<string, number> => new Map(names.map((name) => [name, before.get(name) ?? atSeconds]))
