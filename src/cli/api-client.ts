/**
 * The operating commands' side of /api/v1: asks, decodes with the declaration's own schemas (admin/api), and turns every
 * refusal into an ApiFault (api-fault.ts). For commands that change or list something; what must start fast asks api-http.ts.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ApiFault, notReached, refusalOf } from "./api-fault.ts"
import { type ApiRequest, askHttp } from "./api-http.ts"
import { type ApiPlace, chooseBroker, type placeOptions, type TokenFault } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import type { Decoded, UsageFault } from "./grammar/option.ts"
import type { World } from "./world.ts"

type Decodable = Schema.ConstraintDecoder<unknown>

export interface Api {
  readonly url: URL
  ask<S extends Decodable>(request: ApiRequest, answer: S): Promise<S["Type"] | ApiFault>
}

/** The API of the broker that the options mean. */
export async function openApi(
  options: Decoded<typeof placeOptions>,
  world: World
): Promise<Api | ExitCode | UsageFault> {
  const place = await chooseBroker(options, world)
  return typeof place === "object" && "url" in place ? apiAt(place) : place
}

export function apiAt({ token, tokenFault, url }: ApiPlace): Api {
  return {
    url,
    ask: async (request, schema) => {
      if (tokenFault !== undefined) return withoutToken(url, tokenFault)
      const answer = await askHttp(url, token, request)
      if ("unreached" in answer) return notReached(url, answer.unreached)
      if (answer.status < 200 || answer.status > 299) return refusalOf(answer)
      return decoded(answer.body, schema)
    }
  }
}

/** No token to show. Whether that matters depends on whether anybody is there. */
async function withoutToken(url: URL, { fact, isRefused }: TokenFault): Promise<ApiFault> {
  const answer = await askHttp(url, undefined, { path: "/health" })
  if ("unreached" in answer) return notReached(url, answer.unreached)
  const fix = isRefused
    ? "run it as the user who runs the broker, or use a token of your own: --token-file"
    : "give the broker's own configuration (-c, --data-dir), or a file with one of its tokens: --token-file"
  const problem = {
    code: isRefused ? "E5002" : "E5003",
    fact: `no token for the broker at ${url.origin}: ${fact}`,
    fix
  }
  return new ApiFault(exitCodes.refused, [problem])
}

function decoded<S extends Decodable>(body: unknown, schema: S): S["Type"] | ApiFault {
  const result = Schema.decodeUnknownResult(schema)(body)
  if (Result.isSuccess(result)) return result.success
  const fact = `the answer cannot be understood: ${String(result.failure.message).replaceAll(/\s*\n\s*/g, " ")}`
  const fix = "the broker is of another version: promptmq --version, promptmq status"
  return new ApiFault(exitCodes.failed, [{ code: "E1001", fact, fix }])
}
