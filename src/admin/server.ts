/**
 * The admin listener: node:http inside a scope, one table of routes (routes.ts), JSON in and out.
 *
 * The scope's end takes no new connection, lets answers under way finish for `closeGraceMs`, then cuts.
 * Bounded: connections, header and body size, time for a request. A request passes, in this order: place
 * (Host, Origin), path, method, token, body. A route that throws is answered 500 and told to the log.
 *
 * Deliberately elsewhere: the dashboard's files, metrics in the Prometheus format, TLS.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenError } from "../listener/listen-error.ts"
import { serve } from "../listener/serve.ts"
import { isLoopback, type ListenAddress } from "../settings/address.ts"
import type { Log } from "../telemetry/logging.ts"
import type { AdminError } from "./admin-error.ts"
import { failures } from "./failures.ts"
import { type Guard, makeGuard } from "./guard.ts"
import { type AdminSources, type Answer, failureAnswer, routes } from "./routes.ts"
import { openTokenFile } from "./token-file.ts"

export interface AdminOptions extends AdminSources {
  readonly address: ListenAddress
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
const closeGraceMs = 500
const connectionsMax = 128
const serverLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000
}

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
  const server = createServer(serverLimits, (request, response) => void handle(request, response, guard, options))
  server.maxConnections = connectionsMax
  const bound = yield* serve(server, { name: "admin", ...options.address })
  yield* Effect.addFinalizer(() => closeGently(server))
  return { host: bound.host, port: bound.port, tokenFile: options.tokenFile }
})

function closeGently(server: Server): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs)
    server.close(() => {
      clearTimeout(cut)
      resume(Effect.void)
    })
  })
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  options: AdminOptions
): Promise<void> {
  try {
    const answer = await answerOf(request, response, guard, options)
    if (answer !== undefined) send(response, answer)
  } catch (cause) {
    const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    options.log.write("error", "the admin API failed", { method: request.method, path: request.url }, message)
    if (!response.headersSent) send(response, failureAnswer("internal"))
  }
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
  const atPath = routes.filter((route) => route.path === url.pathname)
  if (atPath.length === 0) return failureAnswer("notFound")
  const method = request.method === "HEAD" ? "GET" : request.method
  const route = atPath.find((each) => each.method === method)
  if (route === undefined) {
    response.setHeader("allow", atPath.map((each) => each.method).join(", "))
    return failureAnswer("wrongMethod")
  }
  if (route.isTokenNeeded && !guard.isTokenRight(request.headers)) return failureAnswer("unauthorized")
  if (route.method === "GET") return route.answer(options, url.searchParams, undefined)
  const body = await readBody(request)
  if (body === "gone") return undefined
  if (body === "too-large") return failureAnswer("bodyTooLarge")
  const parsed = body.length === 0 && route.method === "POST" ? {} : parseJson(body)
  return parsed === undefined ? failureAnswer("malformed") : route.answer(options, url.searchParams, parsed)
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
