/**
 * One log entry and its values, made safe before any format sees them.
 *
 * Values come from strangers (client identifiers, topics, reason strings). Invariants
 * - An entry is one line, whatever its values hold: control characters, line separators and characters
 *   that reorder or hide text are written as \uXXXX, so nobody can forge a line or blank one out.
 * - A value is at most `valueLengthMax` characters, an object at most `membersMax` members, `depthMax` deep.
 * - What is named like a secret is not shown; bytes are counted, never shown (payloads, passwords).
 */
import { settingsLeaves } from "../settings/leaves.ts"

export type LogLevelName = "trace" | "debug" | "info" | "warn" | "error" | "fatal"

export type LogFields = Readonly<Record<string, unknown>>

export interface LogEntry {
  readonly atMs: number
  readonly level: LogLevelName
  readonly message: string
  readonly fields: LogFields
  /** Several lines, such as a stack; undefined when nothing failed. */
  readonly cause: string | undefined
}

export type PlainValue =
  | string
  | number
  | boolean
  | null
  | ReadonlyArray<PlainValue>
  | { readonly [name: string]: PlainValue }

export const valueLengthMax = 1024
const causeLengthMax = 8192
const membersMax = 32
const depthMax = 4
const hidden = "(redacted)"

/** Fields as plain data: safe to print in any format after `escaped`. Undefined ones are left out. */
export function plainFields(fields: LogFields): { [name: string]: PlainValue } {
  return plainObject(Object.entries(fields), 1)
}

/** The text with everything that is not plain printable written as \uXXXX. Valid inside a JSON string. */
export function escaped(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`
    }).join("")
  )
}

export function shortened(text: string, lengthMax = valueLengthMax): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}...(${text.length - lengthMax} more)`
}

/** The cause's lines, each safe on its own. */
export function causeLines(cause: string): ReadonlyArray<string> {
  return shortened(cause, causeLengthMax).split("\n").map(escaped)
}

function plainObject(
  entries: ReadonlyArray<readonly [string, unknown]>,
  depth: number
): { [name: string]: PlainValue } {
  const plain: { [name: string]: PlainValue } = Object.create(null)
  for (const [name, value] of entries.slice(0, membersMax)) {
    if (value === undefined || typeof value === "function") continue
    plain[shortened(name, 64)] = isSecretName(name) ? hidden : plainValue(value, depth)
  }
  return plain
}

function plainValue(value: unknown, depth: number): PlainValue {
  switch (typeof value) {
    case "string":
      return shortened(value)
    case "number":
      return Number.isFinite(value) ? value : String(value)
    case "boolean":
      return value
    case "object":
      return value === null ? null : plainReference(value, depth)
    default:
      return shortened(String(value))
  }
}

function plainReference(value: object, depth: number): PlainValue {
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
  if (value instanceof Error) return shortened(`${value.name}: ${value.message}`)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "(no date)" : value.toISOString()
  if (depth >= depthMax) return "(deeper)"
  if (Array.isArray(value)) return value.slice(0, membersMax).map((item) => plainValue(item, depth + 1))
  // Effect's Redacted and its like say themselves how they want to be seen.
  if ("toJSON" in value && typeof value.toJSON === "function") return plainValue(value.toJSON(), depth + 1)
  return plainObject(Object.entries(value), depth + 1)
}

/** Parts of names, whatever stands around them. */
const secretWords = ["passw", "passphrase", "secret", "token", "authorization", "credential", "private.?key"]
const secretPattern = new RegExp(secretWords.join("|"), "i")
/** Settings that are marked secret, by all the names they have. */
const secretSettings: ReadonlySet<string> = new Set(
  settingsLeaves
    .filter(({ secret }) => secret)
    .flatMap(({ env, field, key, path }) => [key, env, path.at(-1) ?? key, field.at(-1) ?? key])
)

/** Named like a secret; a file that holds one is no secret. */
function isSecretName(name: string): boolean {
  return (secretPattern.test(name) && !/file$/i.test(name)) || secretSettings.has(name)
}
