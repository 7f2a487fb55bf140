/**
 * Commands that ask the running broker one thing and tell the whole answer: as lines, or with --json as one document.
 * Those that change one thing and say one line are in act.ts, lists and what is watched in show.ts.
 */
import type * as Schema from "effect/Schema"
import { openApi } from "../api-client.ts"
import { ApiFault } from "../api-fault.ts"
import type { ApiRequest } from "../api-http.ts"
import { placeOptions } from "../api-place.ts"
import type { ExitCode } from "../exit-codes.ts"
import { type Decoded, flag, UsageFault } from "../grammar/option.ts"
import type { World } from "../world.ts"
import { writeJson } from "./show.ts"

export const askOnceOptions = { json: flag("one JSON document on stdout, for programs"), ...placeOptions }

export interface Question<A> {
  readonly request: ApiRequest
  readonly schema: Schema.ConstraintDecoder<A>
  readonly refused: (fault: ApiFault, world: World) => ExitCode
  readonly told: (answer: A) => void
  readonly code: (answer: A) => ExitCode
}

export async function askOnce<A extends object>(
  options: Decoded<typeof askOnceOptions>,
  world: World,
  { code, refused, request, schema, told }: Question<A>
): Promise<ExitCode | UsageFault> {
  const api = await openApi(options, world)
  if (api instanceof UsageFault || typeof api === "number") return api
  const answer = await api.ask(request, schema)
  if (answer instanceof ApiFault) return refused(answer, world)
  if (options.json) writeJson(world, { version: 1, ...answer })
  else told(answer)
  return code(answer)
}
