/**
 * The kinds of setting, one constructor each: boolean, integer, duration, size, choice, text, address, list.
 *
 * Each says what it accepts and refuses with a code, the fact and the fix. Nothing is converted on the
 * quiet: `yes` is no boolean (YAML 1.2), 1.5 is no integer, 30 is no duration. Text of variables and flags
 * was turned into booleans, numbers and lists before (from-text.ts), so there is one decoder per kind.
 */
import type { ListenAddress } from "./address.ts"
import { formatAddress, parseAddress } from "./address.ts"
import { nearest } from "./nearest.ts"
import type { Setting, SettingWords } from "./setting.ts"
import { setting } from "./setting.ts"
import { quoted, ValueRefused } from "./setting-fault.ts"
import { formatDurationMs, formatSizeBytes, parseDurationMs, parseSizeBytes } from "./units.ts"

interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

export const boolean = (words: SettingWords & { readonly fallback: boolean }): Setting<boolean> =>
  setting<boolean>({ ...words, kind: "boolean", decode: decodeBoolean, encode: (value) => value })

/** A boolean with a third state, "not written". */
export const booleanOrUnset = (words: SettingWords): Setting<boolean | undefined> =>
  setting<boolean | undefined>({
    ...words,
    kind: "boolean",
    fallback: undefined,
    decode: (raw) => (raw === undefined ? undefined : decodeBoolean(raw)),
    encode: (value) => value
  })

export const integer = (words: SettingWords & Bounds & { readonly fallback: number }): Setting<number> =>
  setting<number>({
    ...words,
    kind: "integer",
    decode: (raw) => {
      const fix = `write a whole number from ${words.minimum} to ${words.maximum}`
      if (typeof raw !== "number" || !Number.isInteger(raw)) {
        return new ValueRefused("E3104", `${quoted(raw, false)} is not a whole number`, fix)
      }
      return within(raw, words, String, fix)
    },
    encode: (value) => value
  })

/** Decoded to milliseconds. */
export const duration = (words: SettingWords & DurationBounds): Setting<number> => durationIn("ms", 1, words)

/** Decoded to whole seconds. */
export const durationSeconds = (words: SettingWords & DurationBounds): Setting<number> => durationIn("s", 1000, words)

interface DurationBounds {
  readonly fallback: string
  readonly minimum: string
  readonly maximum: string
}

const durationIn = (unit: "ms" | "s", unitMs: number, words: SettingWords & DurationBounds): Setting<number> => {
  const bounds = { minimum: toUnit(words.minimum, unitMs), maximum: toUnit(words.maximum, unitMs) }
  const shown = (value: number) => formatDurationMs(value * unitMs)
  const fix = `write a duration from ${words.minimum} to ${words.maximum}, such as ${words.fallback}`
  return setting<number>({
    ...words,
    ...bounds,
    kind: "duration",
    unit,
    decode: (raw) => {
      const durationMs = raw === 0 ? 0 : typeof raw === "string" ? parseDurationMs(raw) : undefined
      if (durationMs === undefined || durationMs % unitMs !== 0) {
        const bare = typeof raw === "number" || (typeof raw === "string" && /^\d+$/.test(raw))
        const hint = bare ? `add the unit, for example "${raw}s" or "${raw}ms"` : fix
        return new ValueRefused("E3106", `${quoted(raw, false)} is not a duration`, hint)
      }
      return within(durationMs / unitMs, bounds, shown, fix)
    },
    encode: shown
  })
}

const toUnit = (text: string, unitMs: number): number => (parseDurationMs(text) ?? Number.NaN) / unitMs

/** Decoded to bytes. */
export const size = (
  words: SettingWords & { readonly fallback: string; readonly minimum: string; readonly maximum: string }
): Setting<number> => {
  const bounds = {
    minimum: parseSizeBytes(words.minimum) ?? Number.NaN,
    maximum: parseSizeBytes(words.maximum) ?? Number.NaN
  }
  const fix = `write a size from ${words.minimum} to ${words.maximum}, such as ${words.fallback} (or a number of bytes)`
  return setting<number>({
    ...words,
    ...bounds,
    kind: "size",
    unit: "B",
    decode: (raw) => {
      const sizeBytes = typeof raw === "number" ? raw : typeof raw === "string" ? parseSizeBytes(raw) : undefined
      if (sizeBytes === undefined || !Number.isInteger(sizeBytes)) {
        return new ValueRefused("E3108", `${quoted(raw, false)} is not a size`, fix)
      }
      return within(sizeBytes, bounds, formatSizeBytes, fix)
    },
    encode: formatSizeBytes
  })
}

export const choice = <const C extends ReadonlyArray<string>>(
  words: SettingWords & { readonly choices: C; readonly fallback: C[number] }
): Setting<C[number]> =>
  setting<C[number]>({
    ...words,
    kind: "choice",
    decode: (raw) => {
      if (typeof raw === "string" && words.choices.includes(raw)) return raw
      const close = typeof raw === "string" ? nearest(raw, words.choices) : undefined
      const all = words.choices.join(", ")
      return new ValueRefused(
        "E3107",
        `${quoted(raw, false)} is not one of ${all}`,
        close === undefined ? `write one of ${all}` : `did you mean "${close}"?`
      )
    },
    encode: (value) => value
  })

export const text = (
  words: SettingWords & { readonly fallback: string; readonly pattern?: RegExp; readonly patternWords?: string }
): Setting<string> =>
  setting<string>({
    ...words,
    kind: "text",
    decode: (raw) => {
      const value = typeof raw === "number" && Number.isSafeInteger(raw) ? String(raw) : raw
      const shown = quoted(raw, words.secret === true)
      if (typeof value !== "string") return new ValueRefused("E3103", `${shown} is not text`, "write text, in quotes")
      if (value.length > textLengthMax) {
        return new ValueRefused("E3110", `longer than ${textLengthMax} characters`, "write a shorter text")
      }
      if (hasControlCharacter(value) || (words.pattern !== undefined && !words.pattern.test(value))) {
        const fix = `write ${words.patternWords ?? "text without control characters"}`
        return new ValueRefused("E3110", `${shown} cannot be used here`, fix)
      }
      return value
    },
    encode: (value) => value
  })

export const address = (words: SettingWords & { readonly fallback: string }): Setting<ListenAddress> =>
  setting<ListenAddress>({ ...words, kind: "text", decode: decodeAddress, encode: formatAddress })

/** Addresses; one may be written without the list, "" is the empty list. */
export const addresses = (
  words: SettingWords & { readonly fallback: ReadonlyArray<string>; readonly mayBeEmpty: boolean }
): Setting<ReadonlyArray<ListenAddress>> =>
  setting<ReadonlyArray<ListenAddress>>({
    ...words,
    kind: "list",
    decode: (raw) => decodeList(raw, words.mayBeEmpty, decodeAddress),
    encode: (value) => value.map(formatAddress)
  })

export const texts = (
  words: SettingWords & {
    readonly fallback: ReadonlyArray<string>
    readonly pattern: RegExp
    readonly patternWords: string
    readonly mayBeEmpty?: boolean
  }
): Setting<ReadonlyArray<string>> => {
  const decodeItem = (raw: unknown): string | ValueRefused =>
    typeof raw === "string" && words.pattern.test(raw)
      ? raw
      : new ValueRefused("E3110", `${quoted(raw, false)} cannot be used here`, `write ${words.patternWords}`)
  return setting<ReadonlyArray<string>>({
    ...words,
    kind: "list",
    decode: (raw) => decodeList(raw, words.mayBeEmpty === true, decodeItem),
    encode: (value) => value
  })
}

export const textLengthMax = 4096
export const listLengthMax = 64

const decodeBoolean = (raw: unknown): boolean | ValueRefused =>
  typeof raw === "boolean"
    ? raw
    : new ValueRefused("E3103", `${quoted(raw, false)} is not true or false`, "write true or false, without quotes")

const decodeAddress = (raw: unknown): ListenAddress | ValueRefused =>
  (typeof raw === "string" ? parseAddress(raw) : undefined) ??
  new ValueRefused(
    "E3109",
    `${quoted(raw, false)} is not an address`,
    'write "host:port", such as "127.0.0.1:1883", "[::1]:1883", or ":1883" for every address'
  )

const decodeList = <A>(
  raw: unknown,
  mayBeEmpty: boolean,
  decodeItem: (item: unknown) => A | ValueRefused
): ReadonlyArray<A> | ValueRefused => {
  const items: ReadonlyArray<unknown> = Array.isArray(raw) ? raw : raw === "" ? [] : [raw]
  if (items.length === 0 && !mayBeEmpty) return new ValueRefused("E3111", "the list is empty", "write at least one")
  if (items.length > listLengthMax) {
    return new ValueRefused("E3111", `the list has ${items.length} entries`, `write at most ${listLengthMax}`)
  }
  const values: Array<A> = []
  for (const item of items) {
    const value = decodeItem(item)
    if (value instanceof ValueRefused) return value
    values.push(value)
  }
  return values
}

const within = (
  value: number,
  bounds: Bounds,
  shown: (value: number) => string,
  fix: string
): number | ValueRefused => {
  if (value < bounds.minimum) {
    return new ValueRefused("E3105", `${shown(value)} is below the minimum ${shown(bounds.minimum)}`, fix)
  }
  if (value > bounds.maximum) {
    return new ValueRefused("E3105", `${shown(value)} is above the maximum ${shown(bounds.maximum)}`, fix)
  }
  return value
}

const hasControlCharacter = (value: string): boolean => {
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) < 32) return true
  return false
}
