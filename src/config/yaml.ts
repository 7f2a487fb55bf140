/**
 * The full commented configuration that `promptmq config init` writes.
 *
 * Every key stands there once with its sentence, bounds, flag and variable; it is commented out and shows
 * its default, unless the chosen preset sets it. Uncommenting a line is all it takes to change a setting;
 * the file as written loads and means exactly the preset.
 */

import type { Leaf } from "../settings/leaves.ts"
import { settingsLeaves } from "../settings/leaves.ts"
import { boundsWords, schemaFileName } from "./json-schema.ts"
import { type Preset, schemaLine } from "./presets.ts"
import { commentLines, type YamlEntry, yamlDocument, yamlValue } from "./yaml-text.ts"

/** The commented sample, with the preset's values active. Write json-schema's text beside it. */
export const configInit = (preset?: Preset): string => {
  const head = [
    schemaLine,
    "#",
    ...commentLines(
      `PromptMQ configuration. Check it with: promptmq config check <this file>. Effective values with their origin: promptmq config show --origin. Editors complete and check it with ${schemaFileName} beside it (promptmq config schema). A flag wins over a variable, a variable over this file; PROMPTMQ_..._FILE takes a value from a file.`,
      ""
    ),
    ...(preset === undefined ? [] : ["#", ...commentLines(`Preset "${preset.name}". ${preset.purpose}`, "")])
  ]
  const values = new Map(preset?.values.map(([key, value, why]) => [key, { value, why }]))
  const entries = settingsLeaves.map((leaf): YamlEntry => {
    const chosen = values.get(leaf.key)
    return {
      path: leaf.path,
      comment: [describe(leaf), ...(chosen === undefined ? [] : [`Preset: ${chosen.why}`])],
      value: yamlValue(chosen === undefined ? leaf.fallback : chosen.value),
      isCommentedOut: chosen === undefined
    }
  })
  return `${head.join("\n")}\n\n${yamlDocument(entries)}`
}

const describe = (leaf: Leaf): string => {
  const bounds = boundsWords(leaf)
  const unset = leaf.fallbackWords === undefined ? [] : [`default: ${leaf.fallbackWords}`]
  const secret = leaf.secret ? [`best set by ${leaf.env}_FILE`] : [`--${leaf.flag}`, leaf.env]
  return `${leaf.summary} (${[...(bounds === "" ? [] : [bounds]), ...unset, ...secret].join("; ")})`
}
