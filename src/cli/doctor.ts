/**
 * `promptmq doctor`: what is open, what will not hold, and what to do about each. Reads the configuration as the broker
 * would, looks at files and at the machine, starts nothing and changes nothing.
 *
 * Exit codes: 0 nothing that has to be done (warnings may be there); 1 a problem; 3 the configuration is not valid.
 */
import { ConfigInvalid } from "../config/config-invalid.ts"
import type { LoadedSettings } from "../config/load.ts"
import { fileModes } from "./doctor/files.ts"
import type { Finding, State } from "./doctor/finding.ts"
import { machine } from "./doctor/machine.ts"
import { openness } from "./doctor/openness.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag } from "./grammar/option.ts"
import { configOption, load, printInvalid, settingsFlags, settingsOptions } from "./settings-options.ts"
import { paint, printProblem, type Style, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "Run it as the user that runs the broker, on the machine that runs it: files, limits and the disk are judged as they are here and now.",
    "The disk is measured by some small writes with a sync in the data folder; the file is removed again."
  ],
  examples: [
    { line: "promptmq doctor", why: "for the configuration that the broker would find" },
    { line: "promptmq doctor -c broker.yaml --json", why: "for a program; exit code 1: there is a problem" }
  ],
  operands: [],
  options: { json: flag("one JSON document on stdout, for programs"), ...configOption, ...settingsOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const loaded = await load(options.config, settingsFlags(options), world)
    if (loaded instanceof ConfigInvalid) {
      printInvalid(world, loaded)
      return exitCodes.configInvalid
    }
    const findings = examine(loaded, world)
    if (options["json"] === true) world.stdout.write(`${JSON.stringify({ version: 1, findings })}\n`)
    else {
      for (const each of loaded.warnings) printProblem(world, each)
      world.stdout.write(words(findings, world))
    }
    return findings.some(({ state }) => state === "problem") ? exitCodes.failed : exitCodes.done
  }
})

/** As `promptmq doctor` prints it. */
export function doctorText(loaded: LoadedSettings, world: World): string {
  return words(examine(loaded, world), world)
}

function examine({ file, settings }: LoadedSettings, world: World): ReadonlyArray<Finding> {
  return [...openness(settings), ...fileModes(settings, file), ...machine(settings, world.wallClockMs())]
}

const styles: Readonly<Record<State, Style>> = { ok: "good", note: "faint", warning: "warning", problem: "error" }
const stateWidth = "problem".length

function words(findings: ReadonlyArray<Finding>, world: World): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, fact, fix, state }) => {
    const head = `${paint(world, world.stdout, styles[state], state.padEnd(stateWidth))}  ${check.padEnd(width)}  ${fact}`
    return fix === undefined ? [head] : [head, `${" ".repeat(stateWidth + width + 4)}fix: ${fix}`]
  })
  const counted = (["problem", "warning"] as const).map((state) => {
    const count = findings.filter((finding) => finding.state === state).length
    return `${count} ${state}${count === 1 ? "" : "s"}`
  })
  return `${[...lines, counted.join(", ")].join("\n")}\n`
}
