/**
 * Medians and tables. Plain functions: what a bench prints is Markdown that can be pasted into bench/README.md.
 */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export function spreadOf(values: ReadonlyArray<number>): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number) => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at(0),
    high: at(sorted.length - 1)
  }
}

/** Between which values the true median lies in 95 of 100 cases, whatever the noise looks like; from the ranks alone. */
export function medianInterval(values: ReadonlyArray<number>): Omit<Spread, "median"> {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.max(0, Math.floor(sorted.length / 2 - 0.98 * Math.sqrt(sorted.length)))
  return { low: sorted[rank] ?? Number.NaN, high: sorted[sorted.length - 1 - rank] ?? Number.NaN }
}

/** 203456 -> "203 k", 2590000 -> "2.59 M". */
export function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`
  if (value >= 1e3) return `${Math.round(value / 1e3)} k`
  return value.toFixed(Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 2)
}

export function shortSpread({ median, low, high }: Spread): string {
  return `${short(median)} (${short(low)}–${short(high)})`
}

export function markdownTable(head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string {
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  const rule = head.map((_, index) => (index === 0 ? "---" : "--:"))
  return `${[line(head), line(rule), ...rows.map(line)].join("\n")}\n`
}
