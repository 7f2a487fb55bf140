/**
 * The three places where values are written, each read into the same form: file < variables < flags.
 *
 * A variable NAME_FILE gives the value by naming a file (for secrets; accepted for any key). Variables are
 * errors when they start with PROMPTMQ_ and nobody knows them, because a misspelt one would be silently
 * without effect; the ones Kubernetes makes up are left alone.
 */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { valueFromText } from "../settings/from-text.ts"
import { textLengthMax } from "../settings/kinds.ts"
import type { Leaf } from "../settings/leaves.ts"
import { environmentPrefix, leafByKey } from "../settings/leaves.ts"
import type { InnerPlaces } from "./document.ts"
import { goneFact, goneVariables } from "./gone-keys.ts"
import { fileVariable, isForeignVariable, nearestKey, nearestVariable, variables } from "./key-names.ts"
import type { Place, Problem } from "./problem.ts"

export interface LayerValue {
  readonly leaf: Leaf
  readonly raw: unknown
  /** Where to show that it was written. */
  readonly place: Place
  /** Where to show what is wrong with it. */
  readonly valuePlace: Place
  readonly excerpt?: string | undefined
  /** Where the parts of a list of records stand, where that is known. */
  readonly inner?: InnerPlaces
}

export interface Layer {
  readonly values: ReadonlyArray<LayerValue>
  readonly problems: ReadonlyArray<Problem>
}

export const environmentLayer = (
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string
): Layer => {
  const values = new Map<string, LayerValue>()
  const problems: Array<Problem> = []
  const names = Object.keys(environment).filter(
    (name) => name.startsWith(environmentPrefix) && !isForeignVariable(name, environment[name])
  )
  for (const name of names.sort()) {
    const text = environment[name]
    if (text === undefined || name === fileVariable) continue
    const place = { environment: name }
    const report = (code: string, key: string | undefined, fact: string, fix: string, isWarning = false) =>
      problems.push({ code, severity: isWarning ? "warning" : "error", key, place, fact, fix })
    const direct = variables.get(name)
    const spelling = direct ?? (name.endsWith("_FILE") ? variables.get(name.slice(0, -"_FILE".length)) : undefined)
    const gone = goneVariables.get(name)
    if (gone !== undefined) {
      report("E3404", undefined, goneFact, gone)
      continue
    }
    if (spelling === undefined) {
      const close = nearestVariable(name)
      const fix = close === undefined ? "unset it; promptmq config schema lists every key" : `did you mean ${close}?`
      report("E3102", undefined, "is not a variable of this version", fix)
      continue
    }
    const { leaf } = spelling
    const content = direct === undefined ? readSecretFile(resolve(workingDirectory, text)) : { text }
    if ("reason" in content) {
      report("E3113", leaf.key, content.reason, `name a readable file of at most ${textLengthMax} bytes`)
      continue
    }
    const earlier = values.get(leaf.key)
    if (earlier !== undefined) {
      report(
        "E3112",
        leaf.key,
        `is also set by ${(earlier.place as { environment: string }).environment}`,
        "unset one of the two"
      )
      continue
    }
    if (spelling.isAlias) report("E3301", spelling.key, `is the old spelling of ${leaf.key}`, `set ${leaf.env}`, true)
    values.set(leaf.key, { leaf, raw: valueFromText(leaf, content.text), place, valuePlace: place })
  }
  return { values: [...values.values()], problems }
}

export const flagLayer = (flags: ReadonlyMap<string, string>): Layer => {
  const values: Array<LayerValue> = []
  const problems: Array<Problem> = []
  for (const [key, text] of flags) {
    const leaf = leafByKey.get(key)
    const place = { flag: `--${leaf?.flag ?? key}` }
    const report = (code: string, fact: string, fix: string) =>
      problems.push({ code, severity: "error", key, place, fact, fix })
    if (leaf === undefined) {
      report("E3101", "is not a key of this version", `did you mean ${nearestKey(key) ?? "another one"}?`)
    } else if (leaf.secret) {
      report("E3115", "a secret on the command line is readable by every user of this machine", `set ${leaf.env}_FILE`)
    } else {
      values.push({ leaf, raw: valueFromText(leaf, text), place, valuePlace: place })
    }
  }
  return { values, problems }
}

const readSecretFile = (path: string): { readonly text: string } | { readonly reason: string } => {
  try {
    const text = readFileSync(path, "utf8").replace(/\r?\n$/, "")
    return text.length > textLengthMax ? { reason: `${path} is too long for a value` } : { text }
  } catch (cause) {
    return { reason: `cannot read ${path}: ${readErrorWords(cause)}` }
  }
}

/** "no such file", "permission denied": what a failed read means to people. */
export const readErrorWords = (cause: unknown): string => {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error"
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "it is a folder",
    ENOTDIR: "part of the path is no folder"
  }
  return words[code] ?? code
}
