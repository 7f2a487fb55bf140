/**
 * Loading: defaults < file < variables < flags, every problem in one report, every value with its origin.
 *
 * Steps: find the file · read the three layers · judge every written value, also one that a higher layer
 * overrides (a wrong line in a file is wrong even when today's flag hides it) · take the highest good value
 * of each key · decode once through the Schema · ask the rules whose keys are good · resolve folders.
 *
 * The search for a file: --config, $PROMPTMQ_CONFIG, else .promptmq.yaml in the home folder, then in the
 * working directory; without any, the defaults. Nothing is started, created or written here.
 */
import { readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { leafByKey, settingsLeaves } from "../settings/leaves.ts"
import { resolveSettings, type Surroundings } from "../settings/resolve.ts"
import { settingRules } from "../settings/rules.ts"
import { ValueRefused } from "../settings/setting-fault.ts"
import { type Settings, settingsSchema } from "../settings/settings.ts"
import { ConfigInvalid } from "./config-invalid.ts"
import { readDocument } from "./document.ts"
import { fileVariable } from "./key-names.ts"
import { environmentLayer, flagLayer, type Layer, type LayerValue, readErrorWords } from "./layers.ts"
import { defaultOrigin, type Origin, originOf } from "./origin.ts"
import type { Place, Problem } from "./problem.ts"

export interface LoadInput extends Surroundings {
  /** The file of --config, as typed. */
  readonly file?: string | undefined
  /** Leaf key -> text of the flag. */
  readonly flags: ReadonlyMap<string, string>
}

export interface LoadedSettings {
  readonly settings: Settings
  /** Every leaf's key -> where its value came from. */
  readonly origins: ReadonlyMap<string, Origin>
  readonly warnings: ReadonlyArray<Problem>
  /** The file that was read, if any, as an absolute path. */
  readonly file: string | undefined
}

export const loadSettings = (input: LoadInput): Effect.Effect<LoadedSettings, ConfigInvalid> =>
  Effect.suspend(() => {
    const found = findFile(input)
    const fileLayer = found === undefined ? emptyLayer : readFile(found)
    const layers = [fileLayer, environmentLayer(input.environment, input.workingDirectory), flagLayer(input.flags)]
    return judge(layers, input, found?.path)
  })

/** Judges a document by itself, for an import or an API: no variables, no flags. */
export const checkText = (
  text: string,
  file: string,
  surroundings: Surroundings
): Effect.Effect<LoadedSettings, ConfigInvalid> =>
  Effect.suspend(() => judge([documentLayer(text, file)], surroundings, undefined))

interface FoundFile {
  readonly path: string
  /** As shown in messages: as typed, or relative to the working directory. */
  readonly shown: string
  readonly mustExist: boolean
}

const findFile = (input: LoadInput): FoundFile | undefined => {
  const named = input.file ?? input.environment[fileVariable]
  if (named !== undefined && named !== "") {
    return { path: resolve(input.workingDirectory, named), shown: named, mustExist: true }
  }
  for (const folder of [input.homeDirectory, input.workingDirectory]) {
    const path = join(folder, ".promptmq.yaml")
    const inside = relative(input.workingDirectory, path)
    if (canBeRead(path)) return { path, shown: inside.startsWith("..") ? path : inside, mustExist: false }
  }
  return undefined
}

/** A file that is there but not readable counts as found: skipping it would be ignoring a configuration. */
const canBeRead = (path: string): boolean => {
  try {
    readFileSync(path)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== "ENOENT" && (cause as NodeJS.ErrnoException).code !== "ENOTDIR"
  }
}

interface FileLayer extends Layer {
  readonly isReadable: boolean
}

const emptyLayer: FileLayer = { values: [], problems: [], isReadable: true }

const readFile = (found: FoundFile): FileLayer => {
  try {
    return documentLayer(readFileSync(found.path, "utf8"), found.shown)
  } catch (cause) {
    const fact = `cannot be read: ${readErrorWords(cause)}`
    const fix = "name a file that exists and that this user may read"
    const problem: Problem = {
      code: "E3001",
      severity: "error",
      key: undefined,
      place: { file: found.shown },
      fact,
      fix
    }
    return { values: [], problems: [problem], isReadable: false }
  }
}

const documentLayer = (text: string, file: string): FileLayer => {
  const document = readDocument(text, file)
  const values = document.values.map((written) => ({
    leaf: written.spelling.leaf,
    raw: written.raw,
    place: written.keyPlace,
    valuePlace: written.valuePlace,
    excerpt: written.excerpt,
    inner: written.inner
  }))
  return { values, problems: document.problems, isReadable: document.isReadable }
}

const judge = (
  layers: ReadonlyArray<Layer>,
  surroundings: Surroundings,
  file: string | undefined
): Effect.Effect<LoadedSettings, ConfigInvalid> => {
  const problems = layers.flatMap((layer) => layer.problems)
  const bad = new Set(problems.flatMap((problem) => (problem.severity === "error" && problem.key ? [problem.key] : [])))
  const chosen = new Map<string, LayerValue>()
  for (const value of layers.flatMap((layer) => layer.values)) {
    const problem = problemOf(value)
    if (problem === undefined) {
      chosen.set(value.leaf.key, value)
    } else {
      problems.push(problem)
      bad.add(value.leaf.key)
    }
  }
  const settings = decode(chosen)
  // With an unreadable file nothing is known about the combination of values.
  const isReadable = layers.every((layer) => (layer as Partial<FileLayer>).isReadable !== false)
  if (isReadable) problems.push(...brokenRules(settings, chosen, bad))
  problems.sort(byPlace)
  const errors = problems.filter((problem) => problem.severity === "error")
  const warnings = problems.filter((problem) => problem.severity === "warning")
  if (errors.length > 0) return Effect.fail(new ConfigInvalid({ problems: errors, warnings }))
  const origins = new Map(
    settingsLeaves.map((leaf) => {
      const value = chosen.get(leaf.key)
      return [leaf.key, value === undefined ? defaultOrigin : originOf(value.place)] as const
    })
  )
  return Effect.succeed({ settings: resolveSettings(settings, surroundings), origins, warnings, file })
}

const problemOf = (value: LayerValue): Problem | undefined => {
  const { leaf, raw } = value
  const place = value.valuePlace
  const excerpt = value.excerpt === undefined ? {} : { excerpt: value.excerpt }
  if (raw === null) {
    const fix = `write a value, or remove the key to take the default (${leaf.fallbackWords ?? JSON.stringify(leaf.fallback)})`
    return { code: "E3103", severity: "error", key: leaf.key, place, fact: "has no value", fix, ...excerpt }
  }
  const decoded = leaf.spec.decode(raw)
  if (!(decoded instanceof ValueRefused)) return undefined
  const { at = "", code, fact, fix } = decoded.fault
  const inner = value.inner?.get(at) ?? { place, ...excerpt }
  return { code, fact, fix, severity: "error", key: leaf.key + at, ...inner }
}

const decode = (chosen: ReadonlyMap<string, LayerValue>): Settings => {
  const document: Record<string, unknown> = {}
  for (const value of chosen.values()) {
    let section = document
    for (const segment of value.leaf.path.slice(0, -1)) section = (section[segment] ??= {}) as Record<string, unknown>
    section[value.leaf.path.at(-1) ?? ""] = value.raw
  }
  // Every value passed its own decoder above, so a failure here is our mistake and may throw.
  return Schema.decodeUnknownSync(settingsSchema as Schema.Codec<Settings, unknown>)(document)
}

const brokenRules = (
  settings: Settings,
  chosen: ReadonlyMap<string, LayerValue>,
  bad: ReadonlySet<string>
): ReadonlyArray<Problem> => {
  const isWritten = (key: string) => chosen.has(key)
  return settingRules.flatMap((rule): ReadonlyArray<Problem> => {
    if (rule.keys.some((key) => bad.has(key))) return []
    const fault = rule.check(settings, isWritten)
    if (fault === undefined) return []
    const key = rule.keys.find(isWritten) ?? rule.keys[0]
    const written = key === undefined ? undefined : chosen.get(key)
    const excerpt = written?.excerpt === undefined ? {} : { excerpt: written.excerpt }
    return [
      { ...fault, severity: rule.severity, key: leafByKey.get(key ?? "")?.key, place: written?.valuePlace, ...excerpt }
    ]
  })
}

/** File by line, then variables by name, then flags, then what has no place; stable within. */
const byPlace = (left: Problem, right: Problem): number => {
  const rank = (place: Place | undefined): number =>
    place === undefined ? 3 : "flag" in place ? 2 : "environment" in place ? 1 : 0
  const line = (place: Place | undefined): number =>
    place !== undefined && "file" in place ? (place.line ?? 0) * 100_000 + (place.column ?? 0) : 0
  return rank(left.place) - rank(right.place) || line(left.place) - line(right.place)
}
