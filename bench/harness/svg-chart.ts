/**
 * Charts as SVG text: lines over a logarithmic axis, and bars. Plain functions, nothing measured and nothing written here.
 *
 * One file is readable on light and on dark: the colours are variables that a media query changes. Numbers stand at the
 * points, so that a chart can be read without a ruler; a title and a description are there for those who cannot see it.
 */
export interface Series {
  readonly name: string
  /** In the order of x. */
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface LineChart {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: ReadonlyArray<Series>
  /** A promise: a dashed line across. */
  readonly limit?: { readonly y: number; readonly label: string }
}

export interface Bar {
  readonly label: string
  readonly value: number
  readonly low?: number
  readonly high?: number
  /** A promise: a tick across the bar. */
  readonly mark?: number
}

export interface BarChart {
  readonly title: string
  readonly unit: string
  readonly bars: ReadonlyArray<Bar>
}

const width = 760
const height = 400
const plot = { left: 72, right: width - 24, top: 64, bottom: height - 56 }
const colours = ["one", "two", "three", "four", "five"]
/** Room above the highest point for its number. */
const headroom = 1.15

export function lineChart(chart: LineChart): string {
  const xs = [...new Set(chart.series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b)
  const highest = Math.max(...chart.series.flatMap(({ points }) => points.map(([, y]) => y)), chart.limit?.y ?? 0)
  const yMax = niceAbove(highest * headroom)
  const [first = 1, last = 1] = [xs[0], xs.at(-1)]
  const spanX = Math.log(Math.max(last, 1)) - Math.log(Math.max(first, 1)) || 1
  const x = (value: number) =>
    plot.left +
    ((Math.log(Math.max(value, 1)) - Math.log(Math.max(first, 1))) / spanX) * (plot.right - plot.left - 40) +
    20
  const y = (value: number) => plot.bottom - (value / yMax) * (plot.bottom - plot.top)
  const parts: Array<string> = []
  for (let step = 0; step <= 4; step++) {
    const value = (yMax * step) / 4
    parts.push(line(plot.left, y(value), plot.right, y(value), "grid"))
    parts.push(text(plot.left - 8, y(value) + 4, compact(value), "tick end"))
  }
  for (const value of xs) parts.push(text(x(value), plot.bottom + 20, compact(value), "tick middle"))
  if (chart.limit !== undefined) {
    parts.push(line(plot.left, y(chart.limit.y), plot.right, y(chart.limit.y), "limit"))
    parts.push(text(plot.right, y(chart.limit.y) - 6, chart.limit.label, "tick end"))
  }
  chart.series.forEach(({ name, points }, index) => {
    const colour = colours[index % colours.length] as string
    const path = points.map(([px, py]) => `${round(x(px))},${round(y(py))}`).join(" ")
    parts.push(`<polyline class="line ${colour}" points="${path}"/>`)
    for (const [px, py] of points) {
      parts.push(`<circle class="dot ${colour}" cx="${round(x(px))}" cy="${round(y(py))}" r="3.5"/>`)
      parts.push(text(x(px), y(py) - (index % 2 === 0 ? 9 : -18), compact(py), `number middle ${colour}`))
    }
    parts.push(text(plot.left + index * 170, 50, `● ${name}`, `tick ${colour}`))
  })
  parts.push(text((plot.left + plot.right) / 2, height - 14, chart.xLabel, "tick middle"))
  parts.push(
    `<text class="tick middle" transform="translate(16 ${(plot.top + plot.bottom) / 2}) rotate(-90)">${escaped(chart.yLabel)}</text>`
  )
  const words = chart.series.map(
    ({ name, points }) => `${name}: ${points.map(([px, py]) => `${compact(py)} at ${compact(px)}`).join(", ")}`
  )
  return document(chart.title, words.join("; "), height, parts)
}

export function barChart({ bars, title, unit }: BarChart): string {
  const rowHeight = 30
  const left = 250
  const tall = 64 + bars.length * rowHeight + 16
  const highest = Math.max(...bars.map(({ high, mark, value }) => Math.max(value, high ?? 0, mark ?? 0)), 0)
  const x = (value: number) => left + (value / (highest || 1)) * (width - left - 90)
  const parts = bars.flatMap(({ high, label, low, mark, value }, index) => {
    const top = 48 + index * rowHeight
    const middle = top + 9
    const row = [
      text(left - 10, middle + 5, label, "tick end"),
      `<rect class="bar one" x="${left}" y="${top}" width="${round(Math.max(x(value) - left, 0))}" height="18" rx="2"/>`
    ]
    if (low !== undefined && high !== undefined) row.push(line(x(low), middle, x(high), middle, "range"))
    if (mark !== undefined) row.push(line(x(mark), top - 3, x(mark), top + 21, "limit"))
    row.push(
      text(Math.max(x(value), x(high ?? 0), x(mark ?? 0)) + 8, middle + 5, `${compact(value)} ${unit}`, "number")
    )
    return row
  })
  const words = bars.map(({ label, value }) => `${label}: ${compact(value)} ${unit}`)
  return document(title, words.join("; "), tall, parts)
}

function document(title: string, description: string, tall: number, parts: ReadonlyArray<string>): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" width="${width}" height="${tall}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(description)}</desc>
<style>
svg { --paper: #ffffff; --ink: #24292f; --faint: #d0d7de; --c1: #0b63c5; --c2: #b4440c; --c3: #1a7f37; --c4: #8250df; --c5: #9a6700 }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --ink: #e6edf3; --faint: #3d444d; --c1: #6cb0ff; --c2: #ff9d68; --c3: #56d364; --c4: #c9a4ff; --c5: #e3b341 }
}
text { font: 12px system-ui, sans-serif; fill: var(--ink) }
.title { font-size: 15px; font-weight: 600 }
.middle { text-anchor: middle } .end { text-anchor: end } .number { font-size: 11px }
.grid { stroke: var(--faint); stroke-width: 1 } .limit { stroke: var(--c2); stroke-width: 1.5; stroke-dasharray: 5 4 }
.range { stroke: var(--ink); stroke-width: 1.5; opacity: .7 }
.line { fill: none; stroke-width: 2 }
.line.one { stroke: var(--c1) } .line.two { stroke: var(--c2) } .line.three { stroke: var(--c3) } .line.four { stroke: var(--c4) } .line.five { stroke: var(--c5) }
.one:not(.line) { fill: var(--c1) } .two:not(.line) { fill: var(--c2) } .three:not(.line) { fill: var(--c3) } .four:not(.line) { fill: var(--c4) } .five:not(.line) { fill: var(--c5) }
</style>
<rect width="${width}" height="${tall}" fill="var(--paper)"/>
${text(24, 26, title, "title")}
${parts.join("\n")}
</svg>
`
}

function text(x: number, y: number, words: string, name: string): string {
  return `<text class="${name}" x="${round(x)}" y="${round(y)}">${escaped(words)}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<line class="${name}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`
}

/** 1, 2, 2.5 or 5 times a power of ten, not below the value. */
export function niceAbove(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

/** 0.18, 4.2, 130, 20K, 1.5M */
export function compact(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${trimmed(value / 1e6, 1)}M`
  if (size >= 1e4) return `${trimmed(value / 1e3, 0)}K`
  return trimmed(value, size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

function round(value: number): string {
  return value.toFixed(1)
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
}
