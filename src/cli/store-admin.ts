/**
 * Asks the broker that holds a store, through its admin API: the address and the token file are those of the
 * configuration by which it was started. For `store backup` and `store stats` on a store in use.
 *
 * Exit codes: 8 when there is no admin API to ask (the store is in use, and nothing else may touch it), 5 when the token
 * is refused, 1 when the broker says no.
 */
import type { Settings } from "../settings/settings.ts"
import { holderWords } from "../store/tools/place.ts"
import type { LockHolder } from "../wal/store-fs.ts"
import { askHttp } from "./api-http.ts"
import { configuredUrl, readToken } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { complain, type World } from "./world.ts"

/** A backup of a large store takes its time; what takes longer than this goes on in the broker all the same. */
const answerTimeoutMs = 3_600_000
const httpOk = 200
const httpUnauthorized = 401

export interface AdminRequest {
  readonly path: string
  readonly body: unknown
}

/** The answer's JSON, or the exit code after saying what went wrong. */
export async function askBroker(
  settings: Settings,
  holder: LockHolder,
  request: AdminRequest,
  world: World
): Promise<{ readonly answer: unknown } | ExitCode> {
  const { enabled, tokenFile } = settings.admin
  if (!enabled) return inUse(holder, "its admin API is off (admin.enabled)", world)
  const { token, tokenFault } = readToken(tokenFile)
  if (tokenFault !== undefined) return inUse(holder, `its admin token cannot be read: ${tokenFault.fact}`, world)
  const url = configuredUrl(settings)
  const method = request.body === undefined ? "GET" : "POST"
  const answer = await askHttp(url, token, { ...request, method, timeoutMs: answerTimeoutMs })
  if ("unreached" in answer) {
    return inUse(holder, `its admin API does not answer at ${url.origin}${request.path}: ${answer.unreached}`, world)
  }
  return answer.status === httpOk ? { answer: answer.body } : refused(answer.body, answer.status, world)
}

function inUse(holder: LockHolder, fact: string, world: World): ExitCode {
  complain(world, {
    code: "E8002",
    fact: `the store is in use by ${holderWords(holder)}, and ${fact}`,
    fix: "give this command the broker's own configuration (-c, --data-dir), or stop the broker"
  })
  return exitCodes.alreadyRunning
}

function refused(answer: unknown, status: number, world: World): ExitCode {
  const { errors } = (answer ?? {}) as {
    readonly errors?: ReadonlyArray<{ readonly fact: string; readonly fix: string }>
  }
  const first = errors?.[0]
  const isToken = status === httpUnauthorized
  complain(world, {
    code: isToken ? "E5001" : "E1001",
    fact: `the broker refused: ${first?.fact ?? `status ${status}`}`,
    fix: first?.fix ?? "its log says why"
  })
  return isToken ? exitCodes.refused : exitCodes.failed
}
