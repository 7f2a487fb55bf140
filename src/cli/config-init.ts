/**
 * `promptmq config init`: writes a configuration with every key, commented out with its default, except
 * what the preset sets; and the JSON Schema beside it. An existing configuration is never overwritten; the
 * schema is, it is generated and belongs to this version.
 */
import { writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { jsonSchemaText, schemaFileName } from "../config/json-schema.ts"
import { readErrorWords } from "../config/layers.ts"
import { presetByName, presetNames } from "../config/presets.ts"
import { configInit } from "../config/yaml.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { complain, say, type World } from "./world.ts"

const fileDefault = "promptmq.yaml"

export const body = commandBody({
  notes: [`Without a file name: ${fileDefault}. With "-" the text goes to stdout and no file is written.`],
  examples: [
    { line: "promptmq config init", why: `writes ${fileDefault} and ${schemaFileName}` },
    { line: "promptmq config init --preset edge broker.yaml", why: "starting from a preset" }
  ],
  operands: [{ name: "file", summary: `file to write (${fileDefault})`, isRequired: false, isFile: true }],
  options: { preset: text("start from a preset", { placeholder: "name", choices: presetNames }) },
  isHelpWhenBare: false,
  run: async ({ options, operands }, world) => {
    const sample = configInit(options.preset === undefined ? undefined : presetByName(options.preset))
    const name = operands[0] ?? fileDefault
    if (name === "-") {
      world.stdout.write(sample)
      return exitCodes.done
    }
    return writeBoth(name, sample, world)
  }
})

function writeBoth(name: string, sample: string, world: World): ExitCode {
  const file = resolve(world.workingDirectory, name)
  const schema = join(dirname(file), schemaFileName)
  const failed = writeNew(file, sample, "wx") ?? writeNew(schema, jsonSchemaText(), "w")
  if (failed !== undefined) {
    const isThere = failed.words === "already exists"
    const fix = isThere ? "choose another name; it is not overwritten" : "choose a folder that this user may write to"
    complain(world, { code: "E1001", fact: `${failed.file}: ${failed.words}`, fix })
    return exitCodes.failed
  }
  say(world, `wrote ${name} and ${schemaFileName} beside it`)
  say(world, `next: promptmq server -c ${name}`)
  return exitCodes.done
}

interface Failed {
  readonly file: string
  readonly words: string
}

function writeNew(file: string, content: string, mode: "w" | "wx"): Failed | undefined {
  try {
    writeFileSync(file, content, { flag: mode })
    return undefined
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST"
    return { file, words: isThere ? "already exists" : readErrorWords(cause) }
  }
}
