/**
 * `promptmq reload`: the running broker reads its configuration again, and the files it names: all or nothing. As SIGHUP
 * does it, with an answer.
 *
 * Exit codes: 0 applied (also when something waits for a restart, which is said); 3 refused, the old configuration is in
 * force; 4 no broker answers; 5 no token, or one of too low a role.
 */
import { type ConfigChange, Reloaded } from "../admin/api/settings.ts"
import { openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { placeOptions } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
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
  options: { json: flag("one JSON document on stdout, for programs"), ...placeOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const api = await openApi(options, world)
    if (api instanceof UsageFault || typeof api === "number") return api
    const outcome = await api.ask({ method: "POST", path: "/api/v1/config/reload", body: {} }, Reloaded)
    if (outcome instanceof ApiFault) return tellRefusal(outcome, world)
    if (options.json) world.stdout.write(`${JSON.stringify({ version: 1, ...outcome })}\n`)
    else tellReloaded(outcome, world)
    return exitCodes.done
  }
})

export type Change = typeof ConfigChange.Type

/** "log.level  info -> debug" */
export function changeLine({ after, before, effect, key }: Change): string {
  const word = (value: Change["after"]): string => (value === null ? "(unset)" : JSON.stringify(value))
  return `${key}  ${word(before)} -> ${word(after)}${effect === "restart" ? "  (waits for a restart)" : ""}`
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
