/**
 * `promptmq config schema`: the JSON Schema (draft-07) of the configuration, for editors and other tools.
 * It is derived from the settings' declaration in config/json-schema.ts.
 */
import { jsonSchemaText } from "../config/json-schema.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"

export const body = commandBody({
  notes: ["config init writes it beside the file it makes, and names it in that file's first line."],
  examples: [
    { line: "promptmq config schema > promptmq.schema.json", why: "after an upgrade: the keys of this version" }
  ],
  operands: [],
  options: {},
  isHelpWhenBare: false,
  run: async (_input, world) => {
    world.stdout.write(jsonSchemaText())
    return exitCodes.done
  }
})
