/**
 * Ranges of LSNs, both ends included: what was lost, what was dropped on purpose, and the one less the other.
 */
export interface LsnRange {
  readonly from: number
  readonly to: number
}

/** `ranges` without what `known` covers. */
export function without(ranges: ReadonlyArray<LsnRange>, known: ReadonlyArray<LsnRange>): ReadonlyArray<LsnRange> {
  return known.reduce<ReadonlyArray<LsnRange>>((left, gone) => left.flatMap((range) => cut(range, gone)), ranges)
}

function cut(range: LsnRange, gone: LsnRange): ReadonlyArray<LsnRange> {
  if (gone.to < range.from || gone.from > range.to) return [range]
  const before = gone.from > range.from ? [{ from: range.from, to: gone.from - 1 }] : []
  const behind = gone.to < range.to ? [{ from: gone.to + 1, to: range.to }] : []
  return [...before, ...behind]
}
