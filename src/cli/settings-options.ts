/**
 * One option per setting, made from the settings' declaration, and loading with them: flags over variables
 * over the file over defaults. Used by `server` and `config show`.
 *
 * The values stay text here: the loader judges them together with those of file and variables, so that all
 * problems are in one report. A list is given as `a,b` or by repeating the flag. Secrets are understood but
 * not listed: the loader refuses them with the safe way to pass one.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ConfigInvalid } from "../config/config-invalid.ts"
import { type LoadedSettings, loadSettings } from "../config/load.ts"
import { yamlValue } from "../config/yaml-text.ts"
import { type Leaf, settingsLeaves } from "../settings/leaves.ts"
import type { Surroundings } from "../settings/resolve.ts"
import { custom, flag, type Option, text } from "./grammar/option.ts"
import { printProblem, type World } from "./world.ts"

export const configOption = {
  config: text("configuration file (YAML or JSON)", { letter: "c", placeholder: "file", isFile: true })
}

/** Flag name to option; the value is its text, undefined when not given. */
export const settingsOptions: Readonly<Record<string, Option<string | undefined>>> = Object.fromEntries(
  settingsLeaves.map((leaf) => [leaf.flag, leaf.kind === "boolean" ? booleanOption(leaf) : valueOption(leaf)])
)

/** Leaf key to text, as the loader wants it. */
export function settingsFlags(options: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  for (const leaf of settingsLeaves) {
    const value = options[leaf.flag]
    if (typeof value === "string") flags.set(leaf.key, value)
  }
  return flags
}

export function load(
  file: string | undefined,
  flags: ReadonlyMap<string, string>,
  world: World
): Promise<LoadedSettings | ConfigInvalid> {
  const input = { file, flags, ...surroundings(world) }
  return Effect.runPromise(Effect.result(loadSettings(input))).then((result) =>
    Result.isSuccess(result) ? result.success : result.failure
  )
}

export function surroundings(world: World): Surroundings {
  return {
    environment: world.env,
    workingDirectory: world.workingDirectory,
    homeDirectory: world.homeDirectory
  }
}

/** Warnings first, as they come from the same walk over the file. */
export function printInvalid(world: World, invalid: ConfigInvalid): void {
  for (const problem of [...invalid.warnings, ...invalid.problems]) printProblem(world, problem)
}

function valueOption(leaf: Leaf): Option<string | undefined> {
  const row = {
    ...words(leaf),
    placeholder: leaf.kind,
    // The loader has the list and the nearest word; here it is for completion only.
    choices: leaf.choices ?? []
  }
  return custom(
    summary(leaf),
    row,
    () => 1,
    (_name, given) => (given.length === 0 ? undefined : given.map((values) => values[0] ?? "").join(","))
  )
}

/** `--flag`, `--no-flag`, `--flag=false`. */
function booleanOption(leaf: Leaf): Option<string | undefined> {
  const like = flag(summary(leaf), { ...words(leaf), isNegatable: true })
  return { ...like, decode: (_name, given) => (given.length === 0 ? undefined : (given.at(-1)?.[0] ?? "true")) }
}

function words(leaf: Leaf) {
  return { section: `Settings: ${leaf.path[0]}`, isHidden: leaf.secret }
}

function summary(leaf: Leaf): string {
  const fallback = leaf.fallbackWords ?? (leaf.fallback === undefined ? "unset" : yamlValue(leaf.fallback))
  return `${leaf.summary} (${fallback})`
}
