/**
 * Writes the generated files of config/ anew: node test/config/regenerate.ts
 *
 * They are the presets, the JSON Schema and the tables of config/README.md. test/config/generated.test.ts
 * fails when one of them is not what this would write (but for the spacing that Biome gives them afterwards).
 * The type of the settings object for embedding (src/settings/settings-input.ts) is written along with them.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { jsonSchemaText, schemaFileName } from "../../src/config/json-schema.ts"
import { presets, presetYaml } from "../../src/config/presets.ts"
import { withReference } from "../../src/config/reference.ts"
import { settingsInputTexts } from "../package/settings-input.ts"

export const configFolder = fileURLToPath(new URL("../../config/", import.meta.url))

export const generatedFiles = (): ReadonlyMap<string, string> =>
  new Map([
    ...presets.map((preset): [string, string] => [`${preset.name}.yaml`, presetYaml(preset)]),
    [schemaFileName, jsonSchemaText()],
    ["README.md", withReference(readFileSync(`${configFolder}README.md`, "utf8")) ?? "config/README.md has no markers"]
  ])

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of generatedFiles()) writeFileSync(`${configFolder}${name}`, text)
  for (const [file, text] of settingsInputTexts()) writeFileSync(file, text)
  const biome = fileURLToPath(new URL("../../node_modules/.bin/biome", import.meta.url))
  execFileSync(biome, ["format", "--write", configFolder], { stdio: "inherit" })
}
