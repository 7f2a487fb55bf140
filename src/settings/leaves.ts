/**
 * The settings as a list: what the loader, the flags, the JSON Schema, the tables and the samples walk.
 *
 * A leaf has one key, one flag and one environment variable; older spellings are aliases of the key and
 * have variables of their own. The derivation is mechanical, so uniqueness is tested (test/settings), not
 * argued: no two leaves share a key, flag or variable, aliases included.
 */
import type { Members } from "./section.ts"
import { segmentOf } from "./section.ts"
import type { SettingKind, SettingSpec, WireValue } from "./setting.ts"
import { settingsSchema } from "./settings.ts"

export interface Leaf {
  /** "storage.wal.sync-mode" */
  readonly key: string
  /** ["storage", "wal", "sync-mode"] */
  readonly path: ReadonlyArray<string>
  /** ["storage", "wal", "syncMode"]: where the decoded value is in Settings. */
  readonly field: ReadonlyArray<string>
  /** "wal-sync-mode", without dashes in front. */
  readonly flag: string
  /** "PROMPTMQ_STORAGE_WAL_SYNC_MODE" */
  readonly env: string
  readonly kind: SettingKind
  readonly choices: ReadonlyArray<string> | undefined
  /** Bounds of the decoded number, in `unit`. */
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly unit: "ms" | "s" | "B" | undefined
  /** The default as written in YAML; undefined = unset. */
  readonly fallback: WireValue
  /** The default in words, where the written one says little. */
  readonly fallbackWords: string | undefined
  readonly summary: string
  readonly secret: boolean
  readonly live: boolean
  /** Other accepted spellings of the key. */
  readonly aliases: ReadonlyArray<string>
  readonly spec: SettingSpec
}

export const environmentPrefix = "PROMPTMQ_"

/** "storage.wal.sync-mode" -> "PROMPTMQ_STORAGE_WAL_SYNC_MODE" */
export const environmentName = (key: string): string => environmentPrefix + key.replace(/[.-]/g, "_").toUpperCase()

const walk = (members: Members, path: ReadonlyArray<string>, field: ReadonlyArray<string>): Array<Leaf> =>
  Object.entries(members).flatMap(([name, member]) => {
    const memberPath = [...path, segmentOf(name, member)]
    const memberField = [...field, name]
    if ("members" in member) return walk(member.members, memberPath, memberField)
    return [leafOf(member.spec, memberPath, memberField)]
  })

const leafOf = (spec: SettingSpec, path: ReadonlyArray<string>, field: ReadonlyArray<string>): Leaf => ({
  key: path.join("."),
  path,
  field,
  flag: spec.flag ?? path.join("-"),
  env: environmentName(path.join(".")),
  kind: spec.kind,
  choices: spec.choices,
  minimum: spec.minimum,
  maximum: spec.maximum,
  unit: spec.unit,
  fallback: spec.fallback,
  fallbackWords: spec.fallbackWords,
  summary: spec.summary,
  secret: spec.secret === true,
  live: spec.live === true,
  aliases: spec.aliases ?? [],
  spec
})

export const settingsLeaves: ReadonlyArray<Leaf> = walk(settingsSchema.members, [], [])

export const leafByKey: ReadonlyMap<string, Leaf> = new Map(settingsLeaves.map((leaf) => [leaf.key, leaf]))

/** The decoded value of a leaf. */
export const settingValue = (settings: object, leaf: Leaf): unknown => {
  let value: unknown = settings
  for (const name of leaf.field) value = (value as Record<string, unknown>)[name]
  return value
}
