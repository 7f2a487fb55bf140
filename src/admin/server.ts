/**
 * The admin listener: node:http inside a scope, one table of routes (routes.ts), JSON in and out.
 *
 * Bounded: the size of a body. A request passes, in this order: place
 * (Host, Origin), path, method, token, body. A route that throws is answered 500 and told to the log.
 *
 * Deliberately elsewhere: the listening socket (door.ts), probes (probes.ts), the page of metrics (metrics-page.ts), the
 * dashboard's files, TLS.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenError } from "../listener/listen-error.ts"
import { isLoopback, type ListenAddress } from "../settings/address.ts"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "../telemetry/logging.ts"
import type { AdminError } from "./admin-error.ts"
import { type Door, openDoor } from "./door.ts"
import { failures } from "./failures.ts"
import { type Guard, makeGuard } from "./guard.ts"
import { answerMetrics, sendText } from "./metrics-page.ts"
import { answerProbe, type HealthCheck, isProbe, type ProbeAnswer } from "./probes.ts"
import { type AdminSources, type Answer, failureAnswer, routes } from "./routes.ts"
import { openTokenFile } from "./token-file.ts"

export interface AdminOptions extends AdminSources {
  readonly address: ListenAddress
  /** Opened before; else one is opened at `address`. */
  readonly door?: Door | undefined
  readonly tokenFile: string
  readonly log: Log
}

export interface OpenedAdmin {
  readonly host: string
  /** The port taken, also when 0 was asked for. */
  readonly port: number
  readonly tokenFile: string
}

export const bodyBytesMax = 64 * 1024
const bodyBytesReadMax = 16 * bodyBytesMax

export const openAdmin = Effect.fnUntraced(function* (
  options: AdminOptions
): Effect.fn.Return<OpenedAdmin, AdminError | ListenError, Scope.Scope> {
  const token = yield* openTokenFile(options.tokenFile)
  const isLoopbackOnly = isLoopback(options.address)
  if (!isLoopbackOnly) {
    options.log.write(
      "warn",
      "the admin listener is reachable from other machines, and its token travels in plain text"
    )
  }
  const guard = makeGuard(token, isLoopbackOnly, options.address.host)
  const visit = (request: IncomingMessage, response: ServerResponse): void =>
    void handle(request, response, guard, options)
  const door = options.door ?? (yield* openDoor("admin", options.address, visit))
  door.serve(visit)
  // A door that was there before stays a little longer, for probes.
  yield* Effect.addFinalizer(() => Effect.sync(() => door.serve(probesOnly(options, "the broker is shutting down"))))
  return { host: door.host, port: door.port, tokenFile: options.tokenFile }
})

/**
 * For probes while the store is recovered: openAdmin takes the door over. Undefined where it cannot be opened yet: who has
 * the port is told then, because a second broker on the same data has more to say than that.
 */
export const openEarly = (
  { bind, enabled }: Settings["admin"],
  checks: ReadonlyArray<HealthCheck>
): Effect.Effect<Door | undefined, never, Scope.Scope> =>
  enabled
    ? Effect.orElseSucceed(
        openDoor("admin", bind, probesOnly({ address: bind, checks }, "the broker is starting")),
        () => undefined
      )
    : Effect.succeed(undefined)

/** What answers while there is no broker behind the door yet, or any more. `what` stands for every other path. */
export function probesOnly(
  { address, checks }: Pick<AdminOptions, "address" | "checks">,
  what: string
): (request: IncomingMessage, response: ServerResponse) => void {
  const isLoopbackOnly = isLoopback(address)
  const guard = makeGuard("", isLoopbackOnly, address.host)
  return (request, response) => {
    const url = URL.parse(request.url ?? "", "http://admin")
    const refusal = guard.refusePlace(request.headers)
    if (refusal !== undefined) send(response, failureAnswer(refusal))
    else if (url !== null && isProbe(url.pathname)) {
      const asker = { accept: request.headers.accept ?? "", isTrusted: isLoopbackOnly }
      sendText(response, answerProbe(checks, url.pathname, url.searchParams, asker))
    } else sendText(response, { status: 503, contentType: "text/plain; charset=utf-8", text: `${what}\n` })
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  options: AdminOptions
): Promise<void> {
  try {
    const answer = (await plainAnswerOf(request, guard, options)) ?? (await answerOf(request, response, guard, options))
    if (answer === undefined) return
    if ("text" in answer) sendText(response, answer)
    else send(response, answer)
  } catch (cause) {
    const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    options.log.write("error", "the admin API failed", { method: request.method, path: request.url }, message)
    if (!response.headersSent) send(response, failureAnswer("internal"))
  }
}

/** Probes and metrics: text, and no token. Undefined when it is neither. */
async function plainAnswerOf(
  request: IncomingMessage,
  guard: Guard,
  { address, checks, metrics }: AdminOptions
): Promise<ProbeAnswer | undefined> {
  const url = URL.parse(request.url ?? "", "http://admin")
  const isGet = request.method === "GET" || request.method === "HEAD"
  if (!isGet || url === null || guard.refusePlace(request.headers) !== undefined) return undefined
  const accept = request.headers.accept ?? ""
  if (metrics !== undefined && url.pathname === metrics.path) return answerMetrics(metrics, accept)
  if (!isProbe(url.pathname)) return undefined
  const isTrusted = isLoopback(address) || guard.isTokenRight(request.headers)
  return answerProbe(checks, url.pathname, url.searchParams, { accept, isTrusted })
}

/** Undefined when nobody waits for an answer any more. */
async function answerOf(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  options: AdminOptions
): Promise<Answer | undefined> {
  const refusal = guard.refusePlace(request.headers)
  if (refusal !== undefined) return failureAnswer(refusal)
  const url = URL.parse(request.url ?? "", "http://admin")
  if (url === null) return failureAnswer("malformed")
  const atPath = routes.filter((route) => isAtPath(route.path, url))
  if (isProbe(url.pathname) || url.pathname === options.metrics?.path) {
    response.setHeader("allow", "GET")
    return failureAnswer("wrongMethod")
  }
  if (atPath.length === 0) return failureAnswer("notFound")
  const method = request.method === "HEAD" ? "GET" : request.method
  const route = atPath.find((each) => each.method === method)
  if (route === undefined) {
    response.setHeader("allow", atPath.map((each) => each.method).join(", "))
    return failureAnswer("wrongMethod")
  }
  if (route.isTokenNeeded && !guard.isTokenRight(request.headers)) return failureAnswer("unauthorized")
  if (route.method === "GET" || route.method === "DELETE") return route.answer(options, url.searchParams, undefined)
  const body = await readBody(request)
  if (body === "gone") return undefined
  if (body === "too-large") return failureAnswer("bodyTooLarge")
  const parsed = body.length === 0 && route.method === "POST" ? {} : parseJson(body)
  return parsed === undefined ? failureAnswer("malformed") : route.answer(options, url.searchParams, parsed)
}

/** A path that ends with a slash is followed by an id, which is handed on with the query. */
function isAtPath(path: string, { pathname, searchParams }: URL): boolean {
  if (!path.endsWith("/") || path === "/") return path === pathname
  if (!pathname.startsWith(path) || pathname.length === path.length) return false
  try {
    searchParams.set("id", decodeURIComponent(pathname.slice(path.length)))
    return true
  } catch {
    return false
  }
}

function readBody(request: IncomingMessage): Promise<Buffer | "too-large" | "gone"> {
  return new Promise((resolve) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bodyBytesMax) chunks.push(chunk)
      // A little too much is read to its end and thrown away, or the reset of the connection hides the answer.
      else if (bytes > bodyBytesReadMax) {
        request.pause()
        resolve("too-large")
      }
    })
    request.on("end", () => resolve(bytes > bodyBytesMax ? "too-large" : Buffer.concat(chunks)))
    request.on("close", () => resolve("gone"))
  })
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"))
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, answer: Answer): void {
  response.statusCode = answer.status
  response.setHeader("content-type", "application/json; charset=utf-8")
  response.setHeader("cache-control", "no-store")
  response.setHeader("x-content-type-options", "nosniff")
  if (answer.status === failures.unauthorized.status) response.setHeader("www-authenticate", "Bearer")
  // What is left of a body that is too large is not read: the connection ends with the answer.
  if (answer.status === failures.bodyTooLarge.status) response.setHeader("connection", "close")
  response.end(`${JSON.stringify(answer.body)}\n`)
}
