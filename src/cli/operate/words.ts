/**
 * Values of the admin API as words for people: numbers with thousands, sizes, spans, local times with their zone.
 * "-" stands for what is not known or does not apply.
 */
export const nothing = "-"

export function numberText(value: number | null): string {
  return value === null ? nothing : value.toLocaleString("en-US", { maximumFractionDigits: 1 })
}

/** Rates: whole above 10, a tenth below. */
export function rateText(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 })
}

export function millisecondsText(value: number | null): string {
  if (value === null) return nothing
  return `${value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 })} ms`
}

export function percentText(ratio: number): string {
  return `${(ratio * 100).toFixed(ratio >= 0.0005 && ratio < 0.1 ? 1 : 0)} %`
}

/** "3 d 4 h", "12 min 5 s": the two largest units. */
export function spanText(seconds: number): string {
  const parts = spanUnits.map(([unit, size], i) => {
    const above = spanUnits[i - 1]?.[1] ?? Number.POSITIVE_INFINITY
    return [Math.floor((seconds % above) / size), unit] as const
  })
  const first = parts.findIndex(([amount]) => amount > 0)
  if (first < 0) return "0 s"
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ")
}

const spanUnits = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1]
] as const

/** A session's expiry: null is for good. */
export function expiryText(seconds: number | null): string {
  return seconds === null ? "never" : seconds === 0 ? "with its connection" : `after ${spanText(seconds)}`
}

/** "2026-11-21 20:45:33 +01:00" of an RFC 3339 text. */
export function timeText(at: string | null): string {
  if (at === null) return nothing
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return at
  const two = (value: number): string => String(value).padStart(2, "0")
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
  const offset = -time.getTimezoneOffset()
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
  return `${day} ${clock} ${zone}`
}

export function orNothing(text: string | null): string {
  return text ?? nothing
}

export function yesOrNo(value: boolean): string {
  return value ? "yes" : "no"
}

/** An address of the broker's machine or of a client: "name mqtt://host:port" without its name. */
export function addressText(address: string): string {
  return address.slice(address.indexOf(" ") + 1)
}
