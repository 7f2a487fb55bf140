/**
 * /api/v1, answered by Effect's HttpApi from the declaration in api/: decoding, roles, handlers, encoding. Loaded with
 * the first request: it brings the schemas along, which the broker's start does not wait for.
 *
 *   server.ts ── method, path ──▶ find() ──▶ 404, 405
 *             ── body, caller ──▶ answer() ──▶ Authorization (role) ──▶ handlers/*.ts
 *
 * Invariants
 * - Who calls was found out before a body is read (server.ts); here only the role is judged, by the declaration. A request
 *   without a caller gets 401, whoever brought it here.
 * - What a schema refuses is told with its place. What a handler did not expect is told to the log, and to nobody else.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { AdminApi } from "./api/api.ts"
import { Authorization, Caller, type Role, roles } from "./api/shared.ts"
import type { Caught } from "./caught.ts"
import { clientsHandlers } from "./handlers/clients.ts"
import { configurationHandlers } from "./handlers/configuration.ts"
import type { HandlerSources } from "./handlers/handler-sources.ts"
import { messagesHandlers } from "./handlers/messages.ts"
import { securityHandlers } from "./handlers/security.ts"
import { storageHandlers } from "./handlers/storage.ts"
import { doorHandlers, systemHandlers } from "./handlers/system.ts"
import { topicsHandlers } from "./handlers/topics.ts"
import { refusal } from "./refusal.ts"
import { RequestAddress } from "./request-address.ts"
import { roleOf } from "./role-of.ts"
import { schemaFailure } from "./schema-failure.ts"

export interface EndpointFound {
  /** Undefined: anybody may. */
  readonly role: Role | undefined
}

export interface AppRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly url: string
  readonly body: Buffer
  readonly caller: Caller["Service"] | undefined
  readonly address: string
}

export interface AppAnswer {
  readonly status: number
  /** JSON. */
  readonly body: Uint8Array
}

export interface HttpApp {
  /** The endpoint, or the methods that the path takes; none = there is no such path. */
  readonly find: (method: string, path: string) => EndpointFound | ReadonlyArray<string>
  readonly answer: (request: AppRequest) => Promise<AppAnswer | Caught>
}

const PARAMETER_LENGTH_MAX = 16 * 1024

export const makeHttpApp = Effect.fnUntraced(function* (
  sources: HandlerSources
): Effect.fn.Return<HttpApp, never, Scope.Scope> {
  const callers = new WeakMap<object, Caller["Service"]>()
  const handlers = Layer.mergeAll(
    systemHandlers(sources),
    doorHandlers(sources),
    clientsHandlers(sources),
    topicsHandlers(sources),
    messagesHandlers(sources),
    storageHandlers(sources),
    securityHandlers(sources),
    configurationHandlers(sources)
  ).pipe(Layer.provide(authorization(callers)))
  const routes = HttpApiBuilder.layer(AdminApi).pipe(Layer.provide(handlers), Layer.provide(HttpServer.layerServices))
  const app = yield* Effect.provideService(HttpRouter.toHttpEffect(routes), HttpRouter.RouterConfig, {
    // As long as a request's head may be (door.ts): names of clients are.
    maxParamLength: PARAMETER_LENGTH_MAX
  })
  const answer = async ({ address, body, caller, method, url }: AppRequest): Promise<AppAnswer | Caught> => {
    const source = new Request(`http://admin${url}`, {
      method,
      ...(body.length === 0 ? {} : { body: new Uint8Array(body), headers: { "content-type": "application/json" } })
    })
    if (caller !== undefined) callers.set(source, caller)
    // The path as it came: "." and ".." are names of clients, too.
    const request = HttpServerRequest.fromWeb(source).modify({ url })
    const exit = await Effect.runPromiseExit(
      Effect.scoped(
        app.pipe(
          Effect.provideService(HttpServerRequest.HttpServerRequest, request),
          Effect.provideService(RequestAddress, address)
        )
      )
    )
    return Exit.isSuccess(exit) ? appAnswer(exit.value) : caught(exit.cause)
  }
  return { find: finder(), answer }
})

const authorization = (callers: WeakMap<object, Caller["Service"]>) =>
  Layer.succeed(Authorization, {
    bearer: (httpEffect, { credential, endpoint }) =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        // The credential was judged by callers.ts; here it is let go of.
        Redacted.wipeUnsafe(credential)
        const caller = callers.get(request.source)
        if (caller === undefined) return yield* Effect.fail(refusal("unauthorized")) // [ADM-1]
        const needed = roleOf(endpoint.annotations)
        if (roles.indexOf(caller.role) < roles.indexOf(needed)) {
          // [ADM-1]
          const fact = `the token "${caller.name}" has the role ${caller.role}, this takes ${needed}`
          return yield* Effect.fail(refusal("roleTooLow", { fact }))
        }
        return yield* Effect.provideService(httpEffect, Caller, caller)
      })
  })

/** The declaration as a list of methods and paths, with who may. */
const finder = (): HttpApp["find"] => {
  const endpoints: Array<{ method: string; segments: ReadonlyArray<string>; role: Role | undefined }> = []
  HttpApi.reflect(AdminApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, middleware }) => {
      const role = middleware.size === 0 ? undefined : roleOf(endpoint.annotations)
      endpoints.push({ method: endpoint.method, segments: endpoint.path.split("/"), role })
    }
  })
  return (method, path) => {
    const segments = path.split("/")
    const atPath = endpoints.filter((each) => isAt(each.segments, segments))
    const found = atPath.find((each) => each.method === method)
    return found === undefined ? atPath.map((each) => each.method) : { role: found.role }
  }
}

const isAt = (declared: ReadonlyArray<string>, asked: ReadonlyArray<string>): boolean =>
  declared.length === asked.length &&
  declared.every((segment, i) => (segment.startsWith(":") ? asked[i] !== "" : segment === asked[i]))

const appAnswer = ({ body, status }: HttpServerResponse.HttpServerResponse): AppAnswer => ({
  status,
  body: body._tag === "Uint8Array" ? body.body : new Uint8Array(0)
})

const caught = (cause: Cause.Cause<unknown>): Caught => {
  const error = Cause.squash(cause)
  if (HttpApiSchemaError.is(error) && error.kind !== "Body" && error.kind !== "ResponseHeaders") {
    return { refused: schemaFailure(error) }
  }
  const detail = HttpApiSchemaError.is(error) ? error.cause.message : Cause.pretty(cause)
  return { failed: detail }
}
