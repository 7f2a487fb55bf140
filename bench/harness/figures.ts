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
