/**
 * JSON Schema (draft-07) of the configuration, for editors: completion, hover texts, red lines.
 *
 * Draft-07 because the YAML language server reads nothing newer. Old spellings are in it too, marked with a
 * deprecation message, since the loader takes them. What a pattern cannot say (bounds of "30s") the loader
 * says; a document that loads is always valid here (tested with every preset).
 */
import type { Leaf } from "../settings/leaves.ts"
import type { RecordField, SettingSpec } from "../settings/setting.ts"
import { formatDurationMs, formatSizeBytes } from "../settings/units.ts"
import { spellings } from "./key-names.ts"

export const schemaFileName = "promptmq.schema.json"

type JsonObject = { [key: string]: unknown }

export const jsonSchema = (): JsonObject => {
  const root = sectionSchema()
  for (const spelling of spellings.values()) {
    let section = root
    const segments = spelling.key.split(".")
    for (const segment of segments.slice(0, -1)) {
      const properties = section["properties"] as Record<string, JsonObject>
      section = properties[segment] ??= sectionSchema()
    }
    const deprecation = spelling.isAlias ? { deprecationMessage: `old spelling of ${spelling.leaf.key}` } : {}
    const properties = section["properties"] as Record<string, JsonObject>
    properties[segments.at(-1) ?? ""] = { ...leafSchema(spelling.leaf), ...deprecation }
  }
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "PromptMQ configuration",
    ...root
  }
}

export const jsonSchemaText = (): string => `${JSON.stringify(jsonSchema(), null, 2)}\n`

/** An empty section ("wal:" with every line commented out) is null in YAML. */
const sectionSchema = (): JsonObject => ({ type: ["object", "null"], additionalProperties: false, properties: {} })

const leafSchema = (leaf: Leaf): JsonObject => ({
  description: descriptionOf(leaf),
  ...(leaf.fallback === undefined || leaf.secret ? {} : { default: leaf.fallback }),
  ...typeOf(leaf.spec)
})

const typeOf = (spec: SettingSpec): JsonObject => {
  const bounds = { minimum: spec.minimum, maximum: spec.maximum }
  switch (spec.kind) {
    case "boolean":
      return { type: "boolean" }
    case "integer":
      return { type: "integer", ...bounds }
    case "size":
      return { type: ["integer", "string"], ...bounds, pattern: "^\\d+(\\.\\d+)?\\s*([kKmMgGtT]?[iI]?[bB])?$" }
    case "duration":
      // The only number that is a duration is 0.
      return { type: ["string", "integer"], minimum: 0, maximum: 0, pattern: "^((\\d+(\\.\\d+)?(ms|s|m|h|d))+|0)$" }
    case "choice":
      return { type: "string", enum: spec.choices }
    case "text":
      return { type: ["string", "integer"] }
    case "list":
      return { type: ["string", "array"], items: { type: "string" } }
    case "records":
      return { type: "array", items: recordSchema(spec.fields ?? []) }
  }
}

/** The first field is the entry's identity. */
const recordSchema = (fields: ReadonlyArray<RecordField>): JsonObject => ({
  type: "object",
  additionalProperties: false,
  required: fields.slice(0, 1).map(({ key }) => key),
  properties: Object.fromEntries(
    fields.map(({ key, spec }) => [key, { description: spec.summary, ...typeOf(spec as SettingSpec) }])
  )
})

const descriptionOf = (leaf: Leaf): string => {
  const more = [boundsWords(leaf), `--${leaf.flag}`, leaf.env, leaf.live ? "changeable while running" : ""]
  return `${leaf.summary} (${more.filter(Boolean).join(", ")})`
}

/** "1MiB to 64GiB", "" for settings without bounds. */
export const boundsWords = (bounded: Partial<Pick<Leaf, "minimum" | "maximum" | "unit" | "choices">>): string => {
  const { choices, maximum, minimum, unit } = bounded
  if (minimum === undefined || maximum === undefined) return choices?.join(", ") ?? ""
  const shown = (value: number): string => {
    if (unit === "ms") return formatDurationMs(value)
    if (unit === "s") return formatDurationMs(value * 1000)
    return unit === "B" ? formatSizeBytes(value) : String(value)
  }
  return `${shown(minimum)} to ${shown(maximum)}`
}
