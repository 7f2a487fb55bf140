/**
 * A setting that is a list of records: topics.policies. Each entry is a small section of its own, its fields are
 * settings of the usual kinds.
 *
 *   - filter: "alarms/#"        the identity: necessary, and only once in the list
 *     max-messages: 100         a field; one that is left out is undefined (maybe())
 *
 * What is wrong is told with the entry's index and the key: `at` is "[1].max-messages", and the loader finds the line.
 * In variables and flags the list is written as JSON (from-text.ts).
 */
import { nearest } from "./nearest.ts"
import { type Decoded, type Members, segmentOf } from "./section.ts"
import { type RecordField, type Setting, type SettingWords, setting, type WireRecord } from "./setting.ts"
import { quoted, ValueRefused } from "./setting-fault.ts"

export const recordsMax = 256

export const records = <const F extends Members>(
  words: SettingWords & { readonly fields: F; readonly identity: keyof F & string }
): Setting<ReadonlyArray<Decoded<F>>> => {
  const fields = fieldsOf(words.fields)
  const { identity } = words
  return setting<ReadonlyArray<Decoded<F>>>({
    ...words,
    kind: "records",
    fallback: [],
    fields,
    decode: (raw) => decodeRecords(raw, fields, identity) as ReadonlyArray<Decoded<F>> | ValueRefused,
    encode: (value) => value.map((entry) => encodeRecord(entry as Entry, fields))
  })
}

/** A field that may be left out: undefined then. What it would be by default is its example. */
export const maybe = <A>({ spec }: Setting<A>): Setting<A | undefined> =>
  setting<A | undefined>({
    ...spec,
    fallback: undefined,
    decode: (raw) => (raw === undefined ? undefined : spec.decode(raw)),
    encode: (value) => (value === undefined ? undefined : spec.encode(value))
  })

type Entry = Readonly<Record<string, unknown>>

function fieldsOf(members: Members): ReadonlyArray<RecordField> {
  return Object.entries(members).flatMap(([field, member]) =>
    "members" in member ? [] : [{ field, key: segmentOf(field, member), spec: member.spec }]
  )
}

function decodeRecords(
  raw: unknown,
  fields: ReadonlyArray<RecordField>,
  identity: string
): ReadonlyArray<Entry> | ValueRefused {
  if (raw === "") return []
  if (!Array.isArray(raw)) {
    const fix = `write a list of entries with ${keysOf(fields)}; in a variable or flag as JSON`
    return new ValueRefused("E3103", `${quoted(raw, false)} is not a list of entries`, fix)
  }
  if (raw.length > recordsMax) {
    return new ValueRefused("E3111", `the list has ${raw.length} entries`, `write at most ${recordsMax}`)
  }
  const entries: Array<Entry> = []
  for (const [index, item] of raw.entries()) {
    const entry = decodeRecord(item, fields, identity)
    if (entry instanceof ValueRefused) return entry.below(`[${index}]`)
    const twin = entries.findIndex((earlier) => earlier[identity] === entry[identity])
    if (twin !== -1) {
      const fact = `${quoted(entry[identity], false)} is also the ${identity} of entry [${twin}]`
      return new ValueRefused("E3114", fact, "keep one of the two").below(`[${index}].${identity}`)
    }
    entries.push(entry)
  }
  return entries
}

function decodeRecord(raw: unknown, fields: ReadonlyArray<RecordField>, identity: string): Entry | ValueRefused {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return new ValueRefused("E3103", `${quoted(raw, false)} is not an entry`, `write keys below it: ${keysOf(fields)}`)
  }
  const written = raw as Entry
  const unknown = Object.keys(written).find((key) => fields.every((field) => field.key !== key))
  if (unknown !== undefined) return unknownKey(unknown, fields).below(`.${unknown}`)
  if (written[identity] === undefined) {
    return new ValueRefused("E3103", `has no ${identity}`, `write its ${identity}`)
  }
  const entry: Record<string, unknown> = {}
  for (const { field, key, spec } of fields) {
    const value = written[key]
    const fix = `write a value, or remove ${key}`
    const decoded = value === null ? new ValueRefused("E3103", "has no value", fix) : spec.decode(value)
    if (decoded instanceof ValueRefused) return decoded.below(`.${key}`)
    entry[field] = decoded
  }
  return entry
}

function unknownKey(key: string, fields: ReadonlyArray<RecordField>): ValueRefused {
  const close = nearest(
    key,
    fields.map((field) => field.key)
  )
  const fix = close === undefined ? `an entry has ${keysOf(fields)}` : `did you mean ${close}?`
  return new ValueRefused("E3101", "is not a key of this version", fix)
}

function keysOf(fields: ReadonlyArray<RecordField>): string {
  return fields.map(({ key }) => key).join(", ")
}

function encodeRecord(entry: Entry, fields: ReadonlyArray<RecordField>): WireRecord {
  const written: Record<string, boolean | number | string> = {}
  for (const { field, key, spec } of fields) {
    const wire = spec.encode(entry[field])
    if (wire !== undefined && typeof wire !== "object") written[key] = wire
  }
  return written
}
