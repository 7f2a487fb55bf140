/**
 * `promptmq reload`: the running broker reads its configuration again, and the files it names: all or nothing. As SIGHUP
 * does it, with an answer.
 *
 * Exit codes: 0 applied (also when something waits for a restart, which is said); 3 refused, the old configuration is in
 * force; 4 no broker answers; 5 no token, or one of too low a role.
 */
import { type ConfigChange, Reloaded } from "../admin/api/settings.ts"
import { type ApiFault, tell } from "./api-fault.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { askOnce, askOnceOptions } from "./operate/ask-once.ts"
import { say, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "The configuration is read as at the start: the same file, the broker's own variables and flags. Certificates, users and rules are read again too.",
    "What is wrong changes nothing. promptmq config diff says before what would change, and who would lose what."
  ],
  examples: [
    { line: "promptmq config diff && promptmq reload", why: "look first" },
    { line: "promptmq reload --json", why: "what was applied, for a program" }
  ],
  operands: [],
  options: askOnceOptions,
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    askOnce(options, world, {
      request: { method: "POST", path: "/api/v1/config/reload", body: {} },
      schema: Reloaded,
      refused: tellRefusal,
      told: (outcome) => tellReloaded(outcome, world),
      code: () => exitCodes.done
    })
})

export type Change = typeof ConfigChange.Type

/** "log.level  info -> debug" */
export function changeLine({ after, before, effect, key, origin }: Change): string {
  const word = (value: Change["after"]): string => (value === null ? "(unset)" : JSON.stringify(value))
  const notes = [
    ...(effect === "restart" ? ["waits for a restart"] : []),
    ...(origin === "admin API" ? ["undoes a change through the admin API"] : [])
  ]
  return `${key}  ${word(before)} -> ${word(after)}${notes.length === 0 ? "" : `  (${notes.join("; ")})`}`
}

function tellReloaded({ applied, waiting }: Reloaded, world: World): void {
  for (const change of [...applied, ...waiting]) world.stdout.write(`${changeLine(change)}\n`)
  const count = applied.length === 1 ? "1 setting changed" : `${applied.length} settings changed`
  const rest = waiting.length === 0 ? "" : `, ${waiting.length} wait for a restart`
  say(world, `read again: ${count}${rest}; certificates, users and rules are those of their files`)
}

function tellRefusal(fault: ApiFault, world: World): ExitCode {
  const code = tell(fault, world)
  const isConfiguration = fault.problems.some((problem) => problem.code.startsWith("E3"))
  if (isConfiguration) say(world, "refused: the old configuration is in force")
  return isConfiguration ? exitCodes.configInvalid : code
}
