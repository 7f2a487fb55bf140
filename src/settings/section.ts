/**
 * A section = a group of settings (and of sections) under one key.
 *
 * Fields carry TypeScript names (camelCase, unit last: maxPacketSizeBytes); keys carry the seeds' names
 * (kebab-case, no unit: max-packet-size). The mapping is made here, once, and is the Schema's own
 * `encodeKeys`, so that the Schema decodes a document as it is written.
 *
 * Because every setting's encoded side is unknown, one decoding pass with `errors: "all"` reports every bad
 * value; a section that is missing decodes as if it were empty.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Setting } from "./setting.ts"

// `any`: a member of whatever type; encode makes Setting invariant, so `unknown` would admit none.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Member = Setting<any> | Section<any>
export type Members = Readonly<Record<string, Member>>

export interface Section<F extends Members> extends Schema.Codec<Decoded<F>, unknown> {
  readonly members: F
}

export type Decoded<F extends Members> = { readonly [K in keyof F]: F[K]["Type"] }

export const section = <const F extends Members>(members: F): Section<F> => {
  const keys = Object.fromEntries(Object.entries(members).map(([field, member]) => [field, segmentOf(field, member)]))
  const codec = Schema.Struct(members as Schema.Struct.Fields).pipe(
    Schema.encodeKeys(keys as never),
    Schema.withDecodingDefaultKey(Effect.succeed({}) as never)
  )
  return Object.assign(codec, { members }) as unknown as Section<F>
}

/** The key's segment for a field: maxPacketSizeBytes -> max-packet-size. */
export const segmentOf = (field: string, member: Member): string => {
  if ("members" in member) return kebab(field)
  return member.spec.key ?? kebab(field.replace(/(Ms|Seconds|Bytes)$/, ""))
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
