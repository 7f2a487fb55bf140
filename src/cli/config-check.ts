/**
 * `promptmq config check`: judges a configuration as the broker would, without starting it. All problems at
 * once, exit code 3; warnings alone are no failure. Variables of the environment count, as they would.
 */

import { ConfigInvalid } from "../config/config-invalid.ts"
import type { LoadedSettings } from "../config/load.ts"
import { toJson } from "../config/problem.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag } from "./grammar/option.ts"
import { load, printInvalid } from "./settings-options.ts"
import { paint, printProblem, say, type World } from "./world.ts"

export const body = commandBody({
  notes: ["Without a file: the one the broker would find (PROMPTMQ_CONFIG, ~/.promptmq.yaml, ./.promptmq.yaml)."],
  examples: [{ line: "promptmq config check broker.yaml", why: "exit code 0: it would start; 3: it would not" }],
  operands: [{ name: "file", summary: "configuration file", isRequired: false, isFile: true }],
  options: { json: flag("all problems as one JSON document on stdout") },
  isHelpWhenBare: false,
  run: async ({ options, operands }, world) => {
    const loaded = await load(operands[0], new Map(), world)
    const isInvalid = loaded instanceof ConfigInvalid
    const problems = isInvalid ? [...loaded.warnings, ...loaded.problems] : loaded.warnings
    if (options.json) {
      const report = { version: 1, valid: !isInvalid, problems: problems.map(toJson) }
      world.stdout.write(`${JSON.stringify(report)}\n`)
    } else if (isInvalid) printInvalid(world, loaded)
    else {
      for (const warning of problems) printProblem(world, warning)
      tellValid(world, loaded.file, problems.length)
      if (loaded.file !== undefined && !setsAnything(loaded)) say(world, "it sets nothing: every value is the default")
    }
    return isInvalid ? exitCodes.configInvalid : (exitCodes.done satisfies ExitCode)
  }
})

/** An empty file is valid, and hardly ever what somebody wanted. */
const setsAnything = ({ origins }: LoadedSettings): boolean =>
  [...origins.values()].some(({ source }) => source === "file")

function tellValid(world: World, file: string | undefined, warnings: number): void {
  const count = warnings === 0 ? "" : `, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`
  say(world, `${paint(world, world.stderr, "good", "valid")}${count}: ${file ?? "defaults and variables, no file"}`)
}
