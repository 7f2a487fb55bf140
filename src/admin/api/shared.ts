/**
 * What all groups of the admin API share: roles, refusals, pages.
 *
 * Invariants
 * - Every refusal tells all its problems at once: code, fact, fix (failures.ts), with the status of its class. Names
 *   and meanings are stable within /api/v1; members may be added.
 * - Times are RFC 3339 texts, sizes bytes, durations seconds unless the name says otherwise.
 * - A list is a page: at most `limit` items from `offset` on, with the number of all that match. What bounds the work
 *   is the broker's (`items looked at`), so `total` may be a lower bound: `isTotalExact` says so.
 * - Each endpoint names the least role that may call it (RoleNeeded); the middleware judges it before the handler runs.
 *
 * Imports no server code: the dashboard takes its types from here, commands and tests decode with it.
 */
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as Schema from "effect/Schema"
import { pageLimitDefault, pageLimitMax } from "./page-limits.ts"
import { roles } from "./role-names.ts"

export { roles }
export const Role = Schema.Literals(roles)
export type Role = typeof Role.Type

/** Annotation of an endpoint; without one it takes an admin. */
export class RoleNeeded extends Context.Service<RoleNeeded, Role>()("promptmq/admin/RoleNeeded") {}

/** Who called, for handlers and the audit log: the token's name, never the token. */
export class Caller extends Context.Service<
  Caller,
  { readonly name: string; readonly role: Role; readonly address: string }
>()("promptmq/admin/Caller") {}

export const FailureEntry = Schema.Struct({
  code: Schema.String,
  /** The setting, or the member of the body, it is about. */
  key: Schema.optionalKey(Schema.String),
  /** In a file: "broker.yaml:14:5". */
  place: Schema.optionalKey(Schema.String),
  fact: Schema.String,
  fix: Schema.String
})
export type FailureEntry = typeof FailureEntry.Type

const entries = { errors: Schema.Array(FailureEntry) }

export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", entries, { httpApiStatus: 400 }) {}
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", entries, { httpApiStatus: 401 }) {}
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", entries, { httpApiStatus: 403 }) {}
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", entries, { httpApiStatus: 404 }) {}
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", entries, { httpApiStatus: 409 }) {}
export class Unprocessable extends Schema.TaggedError<Unprocessable>()("Unprocessable", entries, {
  httpApiStatus: 422
}) {}
export class Busy extends Schema.TaggedError<Busy>()("Busy", entries, { httpApiStatus: 429 }) {}
export class Failed extends Schema.TaggedError<Failed>()("Failed", entries, { httpApiStatus: 500 }) {}

/** The token in `Authorization: Bearer`; no cookie, so no page can borrow it. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: Caller }>()(
  "promptmq/admin/Authorization",
  { security: { bearer: HttpApiSecurity.bearer }, error: [Unauthorized, Forbidden] }
) {}

export { pageLimitDefault, pageLimitMax }

/** Of a query: 0, 1, 2 ... */
export const WholeNumber = Schema.NumberFromString.check(
  Schema.isInt(),
  Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
)

/** Query of every list. `filter` is a text that one of the shown columns contains; `sort` a column, "-" before it = falling. */
export const pageQuery = {
  limit: Schema.optionalKey(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: pageLimitMax }))
  ),
  offset: Schema.optionalKey(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))
  ),
  filter: Schema.optionalKey(Schema.String),
  sort: Schema.optionalKey(Schema.String)
}

export const pageOf = <S extends Schema.Top>(item: S) =>
  Schema.Struct({ items: Schema.Array(item), total: Schema.Number, isTotalExact: Schema.Boolean })

/** A payload: as text when it is UTF-8, else base64; `sizeBytes` is the whole's, the value may be cut at 64 KiB. */
export const Payload = Schema.Struct({
  encoding: Schema.Literals(["utf8", "base64"]),
  value: Schema.String,
  sizeBytes: Schema.Number,
  isCut: Schema.Boolean
})
export type Payload = typeof Payload.Type

export const QoS = Schema.Literals([0, 1, 2])

export const Done = Schema.Struct({ done: Schema.Literal(true) })
