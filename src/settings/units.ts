/**
 * Durations and sizes as people write them, and back.
 *
 *   duration   number and unit, repeated: 100ms  30s  5m  2h  7d  1h30m  1.5h    (bare 0 = zero)
 *   size       number and unit, or a bare number of bytes: 65536  64KiB  1.5GiB  64KB  (KB = 1000 B)
 *
 * A leading minus is read, so that "-5s" is reported as out of range and not as nonsense. A bare number is
 * never a duration: the seed wrote both seconds and nanoseconds that way. `m` is minutes, never months or
 * megabytes; `K`, `M`, `G` alone are refused because half the world reads them as 1000.
 *
 * Invariant: parse(format(x)) === x for every whole number of milliseconds or bytes (property test).
 */

const millisecondsPer: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const bytesPer: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4
}

/** Milliseconds, or undefined when the text is no duration of whole milliseconds. */
export const parseDurationMs = (text: string): number | undefined => {
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+|0)$/.exec(text.trim())
  if (match === null) return undefined
  let total = 0
  for (const part of (match[2] ?? "").matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(part[1]) * (millisecondsPer[part[2] ?? ""] ?? Number.NaN)
  }
  const rounded = Math.round(total)
  if (Math.abs(rounded - total) > 1e-6 || !Number.isSafeInteger(rounded)) return undefined
  return match[1] === "-" && rounded !== 0 ? -rounded : rounded
}

/** The shortest single-unit spelling: 7200000 -> "2h", 90000 -> "90s". */
export const formatDurationMs = (durationMs: number): string => {
  if (durationMs === 0) return "0s"
  for (const unit of ["d", "h", "m", "s"] as const) {
    const size = millisecondsPer[unit] ?? 1
    if (durationMs % size === 0) return `${durationMs / size}${unit}`
  }
  return `${durationMs}ms`
}

/** Bytes, or undefined when the text is no size of whole bytes. */
export const parseSizeBytes = (text: string): number | undefined => {
  const match = /^(-?\d+(?:\.\d+)?)\s*([kmgt]?i?b)?$/i.exec(text.trim())
  if (match === null) return undefined
  const factor = bytesPer[(match[2] ?? "b").toLowerCase()]
  if (factor === undefined) return undefined
  const total = Number(match[1]) * factor
  const rounded = Math.round(total)
  if (Math.abs(rounded - total) > 1e-6 || !Number.isSafeInteger(rounded)) return undefined
  return rounded === 0 ? 0 : rounded
}

/** The shortest exact spelling: 268435456 -> "256MiB", 1000 -> "1000B". */
export const formatSizeBytes = (sizeBytes: number): string => {
  if (sizeBytes === 0) return "0B"
  for (const unit of ["TiB", "GiB", "MiB", "KiB"] as const) {
    const size = bytesPer[unit.toLowerCase()] ?? 1
    if (sizeBytes % size === 0) return `${sizeBytes / size}${unit}`
  }
  return `${sizeBytes}B`
}
