/**
 * `promptmq config show`: every setting with its effective value, as YAML that could be used as a file;
 * with --origin where each came from. Secrets are never shown.
 */
import { ConfigInvalid } from "../config/config-invalid.ts"
import { showJson, showYaml } from "../config/show.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag } from "./grammar/option.ts"
import { configOption, load, printInvalid, settingsFlags, settingsOptions } from "./settings-options.ts"
import { printProblem } from "./world.ts"

export const body = commandBody({
  notes: ["Takes every flag that server takes, to see what it would do."],
  examples: [
    { line: "promptmq config show --origin", why: "what is set, and by whom" },
    { line: "promptmq config show -c broker.yaml --log-level debug --json", why: "for programs" }
  ],
  operands: [],
  options: {
    ...configOption,
    origin: flag("after each value where it came from: default, file:line:column, variable or flag"),
    json: flag("one JSON object, keyed by setting: value, origin, live"),
    ...settingsOptions
  },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const loaded = await load(options.config, settingsFlags(options), world)
    if (loaded instanceof ConfigInvalid) {
      printInvalid(world, loaded)
      return exitCodes.configInvalid
    }
    for (const warning of loaded.warnings) printProblem(world, warning)
    const text = options.json ? `${JSON.stringify(showJson(loaded))}\n` : showYaml(loaded, { origin: options.origin })
    world.stdout.write(text.endsWith("\n") ? text : `${text}\n`)
    return exitCodes.done
  }
})
