/**
 * Asks the broker that holds a store, through its admin API: the address and the token file are those of the
 * configuration by which it was started. For `store backup` and `store stats` on a store in use.
 *
 * Exit codes: 8 when there is no admin API to ask (the store is in use, and nothing else may touch it), 5 when the token
 * is refused, 1 when the broker says no.
 */
import { readFileSync } from "node:fs"
import { readErrorWords } from "../config/layers.ts"
import { formatAddress, type ListenAddress } from "../settings/address.ts"
import type { Settings } from "../settings/settings.ts"
import { holderWords } from "../store/tools/place.ts"
import type { LockHolder } from "../wal/store-fs.ts"
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
  const { bind, enabled, tokenFile } = settings.admin
  if (!enabled) return inUse(holder, "its admin API is off (admin.enabled)", world)
  let token: string
  try {
    token = readFileSync(tokenFile, "utf8").trim()
  } catch (cause) {
    return inUse(holder, `its admin token cannot be read: ${tokenFile}: ${readErrorWords(cause)}`, world)
  }
  const url = `http://${formatAddress(reachable(bind))}${request.path}`
  try {
    const response = await fetch(url, {
      method: request.body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(answerTimeoutMs)
    })
    const answer: unknown = await response.json()
    return response.status === httpOk ? { answer } : refused(answer, response.status, world)
  } catch (cause) {
    return inUse(holder, `its admin API does not answer at ${url}: ${wordsOf(cause)}`, world)
  }
}

/** An address that listens everywhere is called at home. */
function reachable({ host, port }: ListenAddress): ListenAddress {
  return { host: host === "" || host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host, port }
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

function wordsOf(cause: unknown): string {
  const error = cause as { readonly message?: string; readonly cause?: { readonly code?: string } }
  return error.cause?.code ?? error.message ?? String(cause)
}
