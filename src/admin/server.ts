/**
 * The admin listener: who is at the door, and who answers.
 *
 *   probes, metrics                 at once, text          probes.ts, metrics-page.ts
 *   /api/v1/events                  a stream               event-streams.ts
 *   /api/v1/...                     JSON                   http-app.ts, loaded with the first request
 *   /openapi.json, /docs            the API for readers    docs.ts, loaded when asked for
 *   /debug/pprof/...                profiles, for admins   profiling.ts
 *   everything else                 the dashboard          static-files.ts
 *
 * A request to the API passes, in this order: place (Host, Origin), path, method, token, body, role. Bounded: the size of
 * a body, wrong tokens per address, streams. What throws is answered 500 and told to the log.
 *
 * Deliberately elsewhere: the listening socket and its limits (door.ts), who a token belongs to (callers.ts), TLS.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { ListenError } from "../listener/listen-error.ts"
import { isLoopback, type ListenAddress } from "../settings/address.ts"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "../telemetry/logging.ts"
import type { AdminError } from "./admin-error.ts"
import type { Caller } from "./api/shared.ts"
import { Attempts } from "./attempts.ts"
import { Audit } from "./audit.ts"
import { Callers } from "./callers.ts"
import { type Door, openDoor } from "./door.ts"
import { type FailureName, failures } from "./failures.ts"
import { type Guard, makeGuard } from "./guard.ts"
import type { HandlerSources } from "./handlers/handler-sources.ts"
import type { AppAnswer, HttpApp } from "./http-app.ts"
import { answerMetrics, sendText } from "./metrics-page.ts"
import { answerProbe, type HealthCheck, isProbe } from "./probes.ts"
import { answerProfiling, isProfiling } from "./profiling.ts"
import { gone, readBody, tooLarge } from "./read-body.ts"
import { sendEntries, sendFailure, sendJson } from "./send.ts"
import type { AdminSources } from "./sources.ts"
import { dashboardFolder, StaticFiles } from "./static-files.ts"
import { openTokenFile } from "./token-file.ts"
import { openWatch } from "./watch.ts"

export interface AdminOptions extends AdminSources {
  readonly address: ListenAddress
  /** Opened before; else one is opened at `address`. */
  readonly door?: Door | undefined
  readonly tokenFile: string
  readonly tokensFile: string
  readonly log: Log
  /** Where the dashboard's files are, if not beside the program. */
  readonly dashboard?: string | undefined
  readonly wallClockMs?: (() => number) | undefined
}

export interface OpenedAdmin {
  readonly host: string
  /** The port taken, also when 0 was asked for. */
  readonly port: number
  readonly tokenFile: string
  /** Good once and for admin.login-link-time: what the link printed at the start carries. */
  readonly loginCode: string
}

/** Everything that answers. */
interface House extends HandlerSources {
  readonly log: Log
  readonly guard: Guard
  readonly isLoopbackOnly: boolean
  readonly wallClockMs: () => number
  readonly app: () => Promise<HttpApp>
  readonly files: () => StaticFiles
}

export const openAdmin = Effect.fnUntraced(function* (
  options: AdminOptions
): Effect.fn.Return<OpenedAdmin, AdminError | ListenError, Scope.Scope> {
  const { address, log, tokenFile, tokensFile, wallClockMs = Date.now } = options
  const token = yield* openTokenFile(tokenFile)
  const isLoopbackOnly = isLoopback(address)
  if (!isLoopbackOnly) {
    log.write("warn", "the admin listener is reachable from other machines, and its token travels in plain text")
  }
  const settings = options.settings.current().admin
  const callers = new Callers({
    token,
    tokensFile,
    wallClockMs,
    loginLinkTimeMs: settings.loginLinkTimeMs,
    sessionTimeMs: () => options.settings.current().admin.sessionTimeMs,
    tell: (level, fact) => log.write(level, fact)
  })
  const audit = new Audit({ entriesMax: settings.maxAuditEntries, file: settings.auditFile, log, wallClockMs })
  const attempts = new Attempts(() => options.settings.current().admin.maxWrongTokens)
  const starting = probesOnly(options, "the broker is starting")
  const door = options.door ?? (yield* openDoor("admin", address, settings.maxConnections, starting))
  const watch = yield* openWatch(options)
  const sources = { ...options, watch, callers, attempts, audit }
  const house: House = {
    ...sources,
    guard: makeGuard(isLoopbackOnly, address.host),
    isLoopbackOnly,
    wallClockMs,
    app: yield* lazyApp(sources),
    files: once(() => new StaticFiles(options.dashboard ?? dashboardFolder()))
  }
  door.serve((request, response) => void handle(house, request, response))
  // A door that was there before stays a little longer, for probes.
  yield* Effect.addFinalizer(() => Effect.sync(() => door.serve(probesOnly(options, "the broker is shutting down"))))
  return { host: door.host, port: door.port, tokenFile, loginCode: callers.loginCode }
})

/** For the life of the scope; a failure to load is tried again with the next request. */
const lazyApp = (sources: HandlerSources): Effect.Effect<() => Promise<HttpApp>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    let app: Promise<HttpApp> | undefined
    return () => {
      app ??= import("./http-app.ts").then(({ makeHttpApp }) =>
        Effect.runPromise(Effect.provideService(makeHttpApp(sources), Scope.Scope, scope))
      )
      app.catch(() => {
        app = undefined
      })
      return app
    }
  })

const once = <A>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => {
    made ??= make()
    return made
  }
}

/**
 * For probes while the store is recovered: openAdmin takes the door over. Undefined where it cannot be opened yet: who has
 * the port is told then, because a second broker on the same data has more to say than that.
 */
export const openEarly = (
  { bind, enabled, maxConnections }: Settings["admin"],
  checks: ReadonlyArray<HealthCheck>
): Effect.Effect<Door | undefined, never, Scope.Scope> =>
  enabled
    ? Effect.orElseSucceed(
        openDoor("admin", bind, maxConnections, probesOnly({ address: bind, checks }, "the broker is starting")),
        () => undefined
      )
    : Effect.succeed(undefined)

/** What answers while there is no broker behind the door yet, or any more. `what` stands for every other path. */
export function probesOnly(
  { address, checks }: Pick<AdminOptions, "address" | "checks">,
  what: string
): (request: IncomingMessage, response: ServerResponse) => void {
  const isLoopbackOnly = isLoopback(address)
  const guard = makeGuard(isLoopbackOnly, address.host)
  return (request, response) => {
    const url = URL.parse(request.url ?? "", "http://admin")
    const refusal = guard.refusePlace(request.headers)
    if (refusal !== undefined) sendFailure(response, refusal)
    else if (url !== null && isProbe(url.pathname)) {
      const asker = { accept: request.headers.accept ?? "", isTrusted: isLoopbackOnly }
      sendText(response, answerProbe(checks, url.pathname, url.searchParams, asker))
    } else sendText(response, { status: 503, contentType: "text/plain; charset=utf-8", text: `${what}\n` })
  }
}

async function handle(house: House, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await answer(house, request, response)
  } catch (cause) {
    tellFailed(house, request, cause instanceof Error ? (cause.stack ?? cause.message) : String(cause))
    if (!response.headersSent) sendFailure(response, "internal")
  }
}

const tellFailed = ({ log }: House, { method, url }: IncomingMessage, detail: string): void =>
  log.write("error", "the admin API failed", { method, path: url?.split("?")[0] }, detail)

const answer = async (house: House, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const refusal = house.guard.refusePlace(request.headers)
  if (refusal !== undefined) return sendFailure(response, refusal)
  const url = request.url ?? ""
  const parsed = URL.parse(url, "http://admin")
  // A target that is not a path ("*", "http://...") is nothing that is asked here.
  if (parsed === null || !url.startsWith("/")) return sendFailure(response, "malformed")
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "")
  const path = url.split("?")[0] as string
  if (path.startsWith("/api/")) return answerApi(house, request, response, method, path)
  if (method !== "GET") return wrongMethod(response, ["GET"])
  if (isProfiling(path)) return answerProfile(house, request, response, parsed)
  return answerPlain(house, request, response, parsed)
}

/** For admins, and with a line in the audit: a profile tells names, and costs the broker time. */
const answerProfile = async (
  house: House,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL
): Promise<void> => {
  const caller = admit(house, request)
  if (caller === "blocked") return sendFailure(response, "tooManyWrong")
  if (caller === undefined) return sendFailure(response, "unauthorized")
  if (caller.role !== "admin") return sendFailure(response, "roleTooLow") // [PROFILE-2]
  const outcome = await answerProfiling(url, response)
  const address = request.socket.remoteAddress ?? ""
  house.audit.add({ who: caller.name, role: caller.role, address, what: `GET ${url.pathname}`, outcome })
}

/** No token is needed for any of these. */
const answerPlain = async (
  house: House,
  request: IncomingMessage,
  response: ServerResponse,
  { pathname, searchParams }: URL
): Promise<void> => {
  const accept = request.headers.accept ?? ""
  const acceptEncoding = String(request.headers["accept-encoding"] ?? "")
  const { checks, metrics } = house
  if (metrics !== undefined && pathname === metrics.path)
    return sendText(response, await answerMetrics(metrics, accept))
  if (isProbe(pathname)) {
    const isTrusted = house.isLoopbackOnly || callerOf(house, request) !== undefined
    return sendText(response, answerProbe(checks, pathname, searchParams, { accept, isTrusted }))
  }
  const isDocument = pathname === "/openapi.json" || pathname === "/docs"
  const { body, headers, status } = isDocument
    ? await (await import("./docs.ts")).answerDocument(pathname, acceptEncoding)
    : house.files().answer(pathname, acceptEncoding)
  response.writeHead(status, headers)
  response.end(body)
}

const answerApi = async (
  house: House,
  request: IncomingMessage,
  response: ServerResponse,
  method: string,
  path: string
): Promise<void> => {
  const address = request.socket.remoteAddress ?? ""
  if (path === "/api/v1/events")
    return method === "GET" ? openStream(house, request, response) : wrongMethod(response, ["GET"])
  if (!isDecodable(path)) return sendFailure(response, "malformed")
  const app = await house.app()
  const found = app.find(method, path)
  if (!("role" in found)) {
    return found.length === 0 ? sendFailure(response, "notFound") : wrongMethod(response, found)
  }
  const caller = admit(house, request)
  if (caller === "blocked" || (caller === undefined && found.role !== undefined)) {
    return sendFailure(response, caller === "blocked" ? "tooManyWrong" : "unauthorized")
  }
  const body = await readBody(request, method)
  if (body === gone) return
  if (body === tooLarge) return sendFailure(response, "bodyTooLarge")
  const known = caller === undefined ? undefined : { ...caller, address }
  const told = await app.answer({ method, url: request.url ?? "", body, caller: known, address })
  const status = send(house, request, response, told)
  // [ADM-5]
  const isChange = method !== "GET" && found.role !== undefined && found.role !== "viewer"
  if (isChange && known !== undefined) {
    house.audit.add({ who: known.name, role: known.role, address, what: `${method} ${path}`, outcome: status })
  }
}

/** Percent signs stand for bytes of UTF-8. */
const isDecodable = (path: string): boolean => {
  try {
    // The answer is used, or whoever bundles this takes the call away.
    return decodeURIComponent(path) !== ""
  } catch {
    return false
  }
}

/** Answers the status. */
const send = (
  house: House,
  request: IncomingMessage,
  response: ServerResponse,
  told: Awaited<ReturnType<HttpApp["answer"]>>
): number => {
  if ("refused" in told) {
    sendEntries(response, "malformed", told.refused)
    return failures.malformed.status
  }
  if ("failed" in told) {
    tellFailed(house, request, told.failed)
    sendFailure(response, "internal")
    return failures.internal.status
  }
  sendJson(response, (told satisfies AppAnswer).status, told.body)
  return told.status
}

const openStream = (house: House, request: IncomingMessage, response: ServerResponse): void => {
  const caller = admit(house, request)
  const isGood = (): boolean => callerOf(house, request) !== undefined
  const { streams, latest } = house.watch
  if (caller === "blocked") sendFailure(response, "tooManyWrong")
  else if (caller === undefined) sendFailure(response, "unauthorized")
  else if (!streams.add(response, latest(), isGood)) sendFailure(response, "tooManyStreams")
}

type CallerShape = Pick<Caller["Service"], "name" | "role">

/** Who calls, with wrong tokens counted. */
const admit = (house: House, request: IncomingMessage): CallerShape | "blocked" | undefined => {
  const { authorization } = request.headers
  if (authorization === undefined) return undefined
  const address = request.socket.remoteAddress ?? ""
  const nowMs = house.wallClockMs()
  if (house.attempts.isBlocked(address, nowMs)) return "blocked" // [ADM-4]
  const caller = callerOf(house, request)
  if (caller === undefined && house.attempts.wrong(address, nowMs)) {
    house.log.write("warn", "too many wrong tokens of the admin API from one address", { address })
  }
  return caller
}

const callerOf = ({ callers }: House, { headers }: IncomingMessage): CallerShape | undefined =>
  callers.callerOf(headers.authorization)

const wrongMethod = (response: ServerResponse, allowed: ReadonlyArray<string>): void => {
  response.setHeader("allow", allowed.join(", "))
  sendFailure(response, "wrongMethod" satisfies FailureName)
}
