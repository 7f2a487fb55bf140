/**
 * How numbers, sizes, times and durations look everywhere. Absolute times are for titles, relative ones for cells; what
 * is not known is "–", never 0.
 */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : value >= 100_000 ? compact.format(value) : whole.format(value)

/** "1 topic", "2 topics". */
export const counted = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? "" : "s"}`

export const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : `${value > 0 && value < 10 ? value.toFixed(1) : count(value)}/s`

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

export const bytes = (value: number | null | undefined): string => {
  if (value === null || value === undefined) return "–"
  let scaled = value
  let unit = 0
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024
    unit += 1
  }
  return `${unit === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit]}`
}

export const milliseconds = (value: number | null | undefined): string =>
  value === null || value === undefined
    ? "–"
    : value >= 1000
      ? `${(value / 1000).toFixed(1)} s`
      : `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`

export const duration = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined) return "for good"
  const parts: ReadonlyArray<readonly [number, string]> = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"]
  ]
  const at = parts.findIndex(([size]) => seconds >= size)
  if (at < 0) return "0 s"
  const [size, name] = parts[at] as readonly [number, string]
  const next = parts[at + 1]
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[0])
  return `${Math.floor(seconds / size)} ${name}${rest > 0 && next !== undefined ? ` ${rest} ${next[1]}` : ""}`
}

export const ago = (at: string | null | undefined, nowMs = Date.now()): string =>
  at === null || at === undefined ? "–" : `${duration(Math.max(0, (nowMs - Date.parse(at)) / 1000))} ago`

export const clock = (at: string | number): string => new Date(at).toLocaleTimeString("en-GB")

export const moment = (at: string | null | undefined): string =>
  at === null || at === undefined ? "–" : new Date(at).toLocaleString("en-GB")

/** Whole days from now; below 0 it is over. */
export const daysUntil = (at: string, nowMs = Date.now()): number => Math.floor((Date.parse(at) - nowMs) / 86_400_000)
