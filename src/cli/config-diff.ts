/**
 * `promptmq config diff`: what a reload of the running broker would do now: settings that would change, those that wait for
 * a restart, what is wrong, and which clients would lose what. Changes nothing.
 *
 * Exit codes: 0 a reload would be applied; 3 it would be refused; 4 no broker answers; 5 no token.
 */
import { ConfigDiff } from "../admin/api/settings.ts"
import { openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { placeOptions } from "./api-place.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { changeLine } from "./reload.ts"
import { printProblem, say, type World } from "./world.ts"

const IMPACTS_SHOWN_MAX = 50

export const body = commandBody({
  notes: ["Asks the running broker, which compares what it runs with with the file as it is now."],
  examples: [{ line: "promptmq config diff", why: "before promptmq reload" }],
  operands: [],
  options: { json: flag("one JSON document on stdout, for programs"), ...placeOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const api = await openApi(options, world)
    if (api instanceof UsageFault || typeof api === "number") return api
    const diff = await api.ask({ path: "/api/v1/config/diff" }, ConfigDiff)
    if (diff instanceof ApiFault) return tell(diff, world)
    if (options.json) world.stdout.write(`${JSON.stringify({ version: 1, ...diff })}\n`)
    else tellDiff(diff, world)
    return diff.problems.some(({ severity }) => severity === "error") ? exitCodes.configInvalid : exitCodes.done
  }
})

function tellDiff({ changes, clientsAffected, impacts, problems }: ConfigDiff, world: World): void {
  for (const { code, fact, fix, key, place, severity } of problems) {
    const where = place === "" ? undefined : { file: place }
    printProblem(world, { code, severity, key: key === "" ? undefined : key, place: where, fact, fix })
  }
  for (const change of changes) world.stdout.write(`${changeLine(change)}\n`)
  for (const { clientIdentifier, decidedBy, what } of impacts.slice(0, IMPACTS_SHOWN_MAX)) {
    world.stdout.write(`${JSON.stringify(clientIdentifier)} loses ${what}  (${decidedBy})\n`)
  }
  if (impacts.length > IMPACTS_SHOWN_MAX)
    say(world, `and ${impacts.length - IMPACTS_SHOWN_MAX} more: --json shows them`)
  const isRefused = problems.some(({ severity }) => severity === "error")
  if (isRefused) {
    say(world, "a reload would be refused")
    return
  }
  const settings = changes.length === 0 ? "no setting would change" : `${changes.length} would change`
  const clients = clientsAffected === 1 ? "1 client loses something" : `${clientsAffected} clients lose something`
  say(world, `${settings}; ${clientsAffected === 0 ? "no connected client loses anything" : clients}`)
}
