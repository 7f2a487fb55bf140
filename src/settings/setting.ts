/**
 * One setting = one Effect Schema with an annotation. The kinds of setting, and how each reads its value.
 *
 * A kind turns what YAML, JSON or the text of a variable gives (unknown) into the decoded value, or refuses
 * with a SettingFault. The Schema built from it does the decoding everywhere (loader, admin API, embedding);
 * its annotation, SettingSpec, is what flags, variables, JSON Schema, tables and samples are derived from.
 *
 * Invariants: a fallback goes through the same decoder as a written value; every number has a minimum and a
 * maximum; the issue of a refused value carries the SettingFault in its annotation `fault`.
 * Deliberately elsewhere: rules that need two keys (rules.ts), places and printing (config/).
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { ValueRefused } from "./setting-fault.ts"

export type SettingKind = "boolean" | "integer" | "text" | "list" | "duration" | "size" | "choice" | "records"

/** An entry of a list of records, by its keys. */
export type WireRecord = Readonly<Record<string, boolean | number | string>>
/** A value as it stands in YAML or JSON. */
export type WireValue = boolean | number | string | ReadonlyArray<string> | ReadonlyArray<WireRecord> | undefined

/** What an author may say about any setting. */
export interface SettingWords {
  /** One sentence for tables, help and editor hovers. */
  readonly summary: string
  /** The key's last segment where it is not the field name in kebab-case without its unit. */
  readonly key?: string
  /** The seed's flag name; without it the flag is the key with dashes. */
  readonly flag?: string
  /** Other accepted spellings of the full key; each use is answered with one warning. */
  readonly aliases?: ReadonlyArray<string>
  /** May be changed while the broker runs. */
  readonly live?: boolean
  /** Never printed, never accepted on the command line. */
  readonly secret?: boolean
  /** What the default is, in words, where the written fallback does not say it. */
  readonly fallbackWords?: string
}

export interface SettingSpec<A = unknown> extends SettingWords {
  readonly kind: SettingKind
  readonly fallback: WireValue
  /** Bounds of the decoded number: the plain number, milliseconds or seconds, bytes. */
  readonly minimum?: number
  readonly maximum?: number
  readonly unit?: "ms" | "s" | "B"
  readonly choices?: ReadonlyArray<string>
  /** What an entry of a list of records has. */
  readonly fields?: ReadonlyArray<RecordField>
  readonly decode: (raw: unknown) => A | ValueRefused
  readonly encode: (value: A) => WireValue
}

export interface RecordField {
  /** As it is called in the decoded value, and as it is written. */
  readonly field: string
  readonly key: string
  // biome-ignore lint/suspicious/noExplicitAny: fields of one record have different types; encode makes them invariant
  readonly spec: SettingSpec<any>
}

export interface Setting<A> extends Schema.Codec<A, unknown> {
  readonly spec: SettingSpec<A>
}

export const setting = <A>(spec: SettingSpec<A>): Setting<A> => {
  const codec = Schema.Unknown.pipe(
    Schema.decodeTo(
      Schema.Any as Schema.Codec<A, A>,
      SchemaTransformation.transformEffect<A, unknown>({
        decode: (raw) => {
          const value = spec.decode(raw)
          if (!(value instanceof ValueRefused)) return Effect.succeed(value)
          return Effect.fail(new SchemaIssue.InvalidValue({ message: value.fault.fact, fault: value.fault }))
        },
        encode: (value) => Effect.succeed(spec.encode(value))
      })
    ),
    Schema.withDecodingDefaultKey(Effect.succeed(spec.fallback as unknown))
  ).annotate({ description: spec.summary, setting: spec })
  return Object.assign(codec, { spec }) as unknown as Setting<A>
}
