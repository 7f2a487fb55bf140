/**
 * The texts of src/settings/settings-input.ts and its sections that fill a file of their own: the type of the settings object for embedding, one member per key with
 * its summary, from the same list as the flags and the JSON Schema.
 *
 * test/config/regenerate.ts writes it; embed.test.ts fails when the file is not what that would write.
 */
import { fileURLToPath } from "node:url"
import { boundsWords } from "../../src/config/json-schema.ts"
import { type Leaf, settingsLeaves } from "../../src/settings/leaves.ts"
import type { RecordField, SettingSpec } from "../../src/settings/setting.ts"

/** In a file of its own, or the whole would be longer than a file may be. */
const apart: Readonly<Record<string, string>> = { auth: "AuthInput", limits: "LimitsInput" }

const fileOf = (name: string) => fileURLToPath(new URL(`../../src/settings/${name}.ts`, import.meta.url))

const headerOf = (what: string) => `/**
 * ${what}
 *
 * Generated from the settings' declaration: change that (declare-*.ts), then run node test/config/regenerate.ts.
 * Older spellings of keys are understood as well but have no type here. Bounds are judged when it is read.
 */
`

const units = `
/** "100ms", "30s", "1h30m"; 0 is the only number that needs no unit. */
export type DurationText = string
/** Bytes, or "64KiB", "1.5GiB". */
export type SizeText = string | number
`

interface Tree {
  [segment: string]: Tree | Leaf
}

/** By file. */
export const settingsInputTexts = (): ReadonlyMap<string, string> => {
  const tree: Tree = {}
  for (const leaf of settingsLeaves) {
    let section = tree
    for (const segment of leaf.path.slice(0, -1)) section = (section[segment] ??= {}) as Tree
    section[leaf.path.at(-1) ?? ""] = leaf
  }
  const texts = new Map<string, string>()
  const names = Object.entries(apart)
  for (const [section, name] of names) {
    const what = headerOf(`The section ${section} of the settings as an object (settings-input.ts).`)
    const text = `export interface ${name} {\n${linesOf(tree[section] as Tree, "  ")}}\n`
    const used = ["DurationText", "SizeText"].filter((type) => text.includes(type))
    const imports = used.length === 0 ? "" : `import type { ${used.join(", ")} } from "./settings-input.ts"\n`
    texts.set(fileOf(`settings-input-${section}`), `${what}${imports}\n${text}`)
  }
  const what =
    "The settings as an object, for embedding: the configuration file's keys; what is left out has its default."
  const imports = names
    .map(([section, name]) => `import type { ${name} } from "./settings-input-${section}.ts"\n`)
    .join("")
  const whole = `export interface SettingsInput {\n${linesOf(tree, "  ")}}\n`
  return texts.set(fileOf("settings-input"), `${headerOf(what)}${imports}${units}\n${whole}`)
}

function linesOf(tree: Tree, indent: string): string {
  return Object.entries(tree)
    .map(([segment, node]) => {
      const name = /^\w+$/.test(segment) ? segment : JSON.stringify(segment)
      const type = indent === "  " ? apart[segment] : undefined
      if (type !== undefined) return `${indent}readonly ${name}?: ${type}\n`
      if (!isLeaf(node)) return `${indent}readonly ${name}?: {\n${linesOf(node, `${indent}  `)}${indent}}\n`
      return `${indent}/** ${wordsOf(node)} */\n${member(`${indent}readonly ${name}?:`, typeOf(node.spec, indent), indent)}\n`
    })
    .join("")
}

const lineLengthMax = 120

/** As Biome formats it: a union that is too long for the line stands one below the other. */
function member(head: string, type: string, indent: string): string {
  if (type.includes("\n") || head.length + 1 + type.length <= lineLengthMax) return `${head} ${type}`
  return [head, ...type.split(" | ").map((choice) => `${indent}  | ${choice}`)].join("\n")
}

function isLeaf(node: Tree | Leaf): node is Leaf {
  return typeof node["key"] === "string"
}

function wordsOf(leaf: Leaf): string {
  const fallback = leaf.fallbackWords ?? JSON.stringify(leaf.fallback)
  const bounds = leaf.kind === "choice" ? "" : boundsWords(leaf)
  return [leaf.summary, ...(bounds === "" ? [] : [`${bounds}.`]), `Default: ${fallback}.`].join(" ")
}

function typeOf(spec: SettingSpec, indent: string): string {
  switch (spec.kind) {
    case "boolean":
      return "boolean"
    case "integer":
      return "number"
    case "size":
      return "SizeText"
    case "duration":
      return "DurationText | 0"
    case "choice":
      return (spec.choices ?? []).map((choice) => JSON.stringify(choice)).join(" | ")
    case "text":
      return "string"
    case "list":
      return "string | ReadonlyArray<string>"
    case "records":
      return `ReadonlyArray<{\n${(spec.fields ?? []).map((field, index) => fieldLine(field, index, indent)).join("\n")}\n${indent}}>`
  }
}

/** The first field is the entry's identity. */
function fieldLine({ key, spec }: RecordField, index: number, indent: string): string {
  const name = /^\w+$/.test(key) ? key : JSON.stringify(key)
  const bounds = spec.kind === "choice" ? "" : boundsWords(spec as SettingSpec)
  const words = bounds === "" ? spec.summary : `${spec.summary} ${bounds}.`
  const type = typeOf(spec as SettingSpec, `${indent}  `)
  return `${indent}  /** ${words} */\n${indent}  readonly ${name}${index === 0 ? "" : "?"}: ${type}`
}
