/**
 * Commands that change something: ask once, say what has changed, as a line or with --json as one document.
 */

import { escaped } from "../../telemetry/log-entry.ts"
import { type Api, openApi } from "../api-client.ts"
import { ApiFault, tell } from "../api-fault.ts"
import { placeOptions } from "../api-place.ts"
import { type ExitCode, exitCodes } from "../exit-codes.ts"
import { type Decoded, flag, UsageFault } from "../grammar/option.ts"
import type { World } from "../world.ts"
import { writeJson } from "./show.ts"

export const actOptions = { json: flag("what has changed, as one JSON document"), ...placeOptions }
export const forceOption = { force: flag("do it without asking back") }

export async function act<A extends object>(
  options: Decoded<typeof actOptions>,
  world: World,
  change: (api: Api) => Promise<A | ApiFault | UsageFault>,
  changed: (answer: A) => string
): Promise<ExitCode | UsageFault> {
  const api = await openApi(options, world)
  if (typeof api === "number" || api instanceof UsageFault) return api
  const answer = await change(api)
  if (answer instanceof UsageFault) return answer
  if (answer instanceof ApiFault) return tell(answer, world)
  if (options.json) writeJson(world, { version: 1, ...answer })
  else world.stdout.write(`${escaped(changed(answer))}\n`)
  return exitCodes.done
}
