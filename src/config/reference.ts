/**
 * The reference of all settings as Markdown tables, one per section; config/README.md holds it between two
 * markers, and a test compares.
 *
 * Variables have no column: their names follow from the keys by the rule the README states.
 */
import type { Leaf } from "../settings/leaves.ts"
import { settingsLeaves } from "../settings/leaves.ts"
import type { SettingSpec } from "../settings/setting.ts"
import { errorCodes } from "./error-codes.ts"
import { boundsWords } from "./json-schema.ts"
import { yamlValue } from "./yaml-text.ts"

export const referenceStart = "<!-- generated: settings -->"
export const referenceEnd = "<!-- end of generated text -->"

export const referenceMarkdown = (): string => {
  const parents = new Set(settingsLeaves.map((leaf) => leaf.path.slice(0, -1).join(".")))
  const tables = [...parents].map((parent) => {
    const leaves = settingsLeaves.filter((leaf) => leaf.path.slice(0, -1).join(".") === parent)
    return [
      `### ${parent}`,
      "",
      "| key | default | values | flag | live | meaning |",
      "|---|---|---|---|---|---|",
      ...leaves.map(row),
      ...leaves.flatMap(fieldsOf)
    ]
  })
  return tables.map((lines) => lines.join("\n")).join("\n\n")
}

export const errorCodesMarkdown = (): string =>
  ["| code | title | what to do |", "|---|---|---|"]
    .concat(Object.entries(errorCodes).map(([code, { title, fix }]) => `| ${code} | ${cell(title)} | ${cell(fix)} |`))
    .join("\n")

/** Replaces the text between the markers. Undefined when the document has none. */
export const withReference = (document: string): string | undefined => {
  const start = document.indexOf(referenceStart)
  const end = document.indexOf(referenceEnd)
  if (start === -1 || end < start) return undefined
  const text = `\n\n## All settings\n\n${referenceMarkdown()}\n\n## Error codes\n\n${errorCodesMarkdown()}\n\n`
  return document.slice(0, start + referenceStart.length) + text + document.slice(end)
}

const row = (leaf: Leaf): string => {
  const written = leaf.fallback === "" || leaf.fallback === undefined ? "" : `\`${yamlValue(leaf.fallback)}\``
  const fallback = leaf.fallbackWords ?? (written === "" ? "none" : written)
  const old = leaf.aliases.length === 0 ? "" : ` Old spelling: ${leaf.aliases.map((key) => `\`${key}\``).join(", ")}.`
  const values = boundsWords(leaf) || (leaf.kind === "boolean" ? "true, false" : leaf.kind)
  const flag = leaf.secret ? "none (a secret)" : `\`--${leaf.flag}\``
  const cells = [`\`${leaf.key}\``, fallback, values, flag, leaf.live ? "yes" : "", leaf.summary + old]
  return `| ${cells.map(cell).join(" | ")} |`
}

/** A table of its own for the entries of a list of records. */
const fieldsOf = (leaf: Leaf): ReadonlyArray<string> => {
  const fields = leaf.spec.fields ?? []
  if (fields.length === 0) return []
  const rows = fields.map(({ key, spec }, index) => {
    const values = boundsWords(spec as SettingSpec) || (spec.kind === "boolean" ? "true, false" : spec.kind)
    return `| ${[`\`${key}\``, values, index === 0 ? "yes" : "", spec.summary].map(cell).join(" | ")} |`
  })
  return [
    "",
    `Each entry of \`${leaf.key}\`:`,
    "",
    "| key | values | necessary | meaning |",
    "|---|---|---|---|",
    ...rows
  ]
}

const cell = (text: string): string => text.replace(/\|/g, "\\|")
