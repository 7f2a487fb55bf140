/**
 * Payloads as lines: JSON set out, bytes as a table, what has changed between two texts, numbers that can be plotted. Plain.
 *
 * Invariant: the work is bounded, whatever a payload is: HEX_BYTES_MAX, DIFF_LINES_MAX, FIELDS_MAX.
 */

export const pretty = (value: string): string => {
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === "object" ? JSON.stringify(parsed, null, 2) : value
  } catch {
    return value
  }
}

const HEX_BYTES_MAX = 4096
const HEX_ROW = 16

export const hexOf = (bytes: Uint8Array): string => {
  const lines: Array<string> = []
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES_MAX); at += HEX_ROW) {
    const row = [...bytes.subarray(at, at + HEX_ROW)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    const text = row.map((byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : ".")).join("")
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(HEX_ROW * 3 - 1)}  ${text}`)
  }
  return lines.join("\n")
}

export interface DiffLine {
  readonly kind: "same" | "less" | "more"
  readonly text: string
}

const DIFF_LINES_MAX = 400

/** By the longest common run of lines; beyond DIFF_LINES_MAX lines everything is told as changed. */
export const changedLines = (before: string, after: string): ReadonlyArray<DiffLine> => {
  const [old, now] = [before.split("\n"), after.split("\n")]
  if (Math.max(old.length, now.length) > DIFF_LINES_MAX) {
    return [
      ...old.map((text) => ({ kind: "less", text }) as const),
      ...now.map((text) => ({ kind: "more", text }) as const)
    ]
  }
  const common = commonLengths(old, now)
  const lines: Array<DiffLine> = []
  let [i, j] = [0, 0]
  while (i < old.length || j < now.length) {
    const isSame = i < old.length && j < now.length && old[i] === now[j]
    if (isSame) lines.push({ kind: "same", text: old[i++] as string })
    else if (j >= now.length || (i < old.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)))
      lines.push({ kind: "less", text: old[i++] as string })
    else lines.push({ kind: "more", text: now[j] as string })
    if (isSame || lines.at(-1)?.kind === "more") j++
  }
  return lines
}

/** Lengths of the longest common run from (i, j) on. */
const commonLengths = (
  old: ReadonlyArray<string>,
  now: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<number>> => {
  const table = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0))
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const [row, below] = [table[i] as Array<number>, table[i + 1] as Array<number>]
      row[j] = old[i] === now[j] ? (below[j + 1] as number) + 1 : Math.max(below[j] as number, row[j + 1] as number)
    }
  }
  return table
}

export interface Field {
  /** "celsius", "engine.rpm", "values[2]"; "" when the payload itself is a number. */
  readonly path: string
  readonly value: number
}

const FIELDS_MAX = 40

/** [DASH-11] Every number of a payload, with its place: what can be plotted by a click. */
export const numbersIn = (payload: string): ReadonlyArray<Field> => {
  const fields: Array<Field> = []
  const walk = (value: unknown, path: string): void => {
    if (fields.length >= FIELDS_MAX) return
    if (typeof value === "number") fields.push({ path, value })
    else if (Array.isArray(value)) for (const [i, each] of value.entries()) walk(each, `${path}[${i}]`)
    else if (typeof value === "object" && value !== null) {
      for (const [name, each] of Object.entries(value)) walk(each, path === "" ? name : `${path}.${name}`)
    }
  }
  try {
    walk(JSON.parse(payload), "")
  } catch {
    // No JSON, no numbers.
  }
  return fields
}
