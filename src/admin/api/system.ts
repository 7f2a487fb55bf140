/**
 * The broker as a whole: what it is, how it does, its log of events.
 *
 *   GET  /system         viewer   version, addresses, counters, memory
 *   GET  /overview       viewer   the snapshot that /events repeats once a second
 *   GET  /history        viewer   ?seconds=: the last snapshots in columns, one row per 10 s, 24 h at most
 *   GET  /logs           viewer   the last entries, ?level= ?client= ?after=
 *   GET  /logs/level     viewer   the log's level, and what is raised for a time
 *   POST /logs/level     operator { level, seconds, client? }: another level for a time, of all entries or of one client's
 *   DELETE /logs/level   operator ?client=: ends that before its time
 *   GET  /audit          admin    who changed what
 *   GET  /whoami         viewer   the caller's name and role
 *   POST /login          anybody  { code }: exchanges the one-time code of the link printed at the start for a token
 *
 * Beside the API, on the same listener: GET /api/v1/events (server-sent events: "snapshot" once a second, "event" when
 * something happens; the token as a header, so by fetch), /health and its sisters, /metrics, /debug/pprof.
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { DropTotal } from "./messages.ts"
import { Authorization, BadRequest, Busy, NotFound, Role, RoleNeeded, Unauthorized, WholeNumber } from "./shared.ts"
import { StorageInfo } from "./storage.ts"

const CounterSample = Schema.Struct({
  /** Name of the metric family: promptmq_packets_total. */
  family: Schema.String,
  labels: Schema.Record(Schema.String, Schema.String),
  value: Schema.Number
})

export const SystemInfo = Schema.Struct({
  version: Schema.String,
  node: Schema.String,
  pid: Schema.Number,
  startedAt: Schema.String,
  uptimeSeconds: Schema.Number,
  /** Every address the broker listens on, as "name scheme://host:port". */
  addresses: Schema.Array(Schema.String),
  counters: Schema.Array(CounterSample),
  memory: Schema.Struct({
    rssBytes: Schema.Number,
    heapUsedBytes: Schema.Number,
    externalBytes: Schema.Number,
    arrayBuffersBytes: Schema.Number
  }),
  log: Schema.Struct({
    records: Schema.Number,
    bytes: Schema.Number,
    limitBytes: Schema.Number,
    segments: Schema.Number,
    topics: Schema.Number
  }),
  storage: StorageInfo,
  /** Reasons with at least one drop. */
  drops: Schema.Array(DropTotal)
})
export type SystemInfo = typeof SystemInfo.Type

export const HealthCheck = Schema.Struct({
  name: Schema.String,
  status: Schema.Literals(["ok", "failing"]),
  /** What is wrong; absent when the check is ok. */
  fact: Schema.optionalKey(Schema.String)
})

/** Rates are of the last second; latencies of the last ten. null = nothing to measure. */
export const Overview = Schema.Struct({
  at: Schema.String,
  status: Schema.Literals(["ok", "failing"]),
  checks: Schema.Array(HealthCheck),
  clientsConnected: Schema.Number,
  sessions: Schema.Number,
  subscriptions: Schema.Number,
  topics: Schema.Number,
  retainedMessages: Schema.Number,
  retainedBytes: Schema.Number,
  messagesInPerSecond: Schema.Number,
  messagesOutPerSecond: Schema.Number,
  bytesInPerSecond: Schema.Number,
  bytesOutPerSecond: Schema.Number,
  connectsPerSecond: Schema.Number,
  dropsPerSecond: Schema.Number,
  dropsByReason: Schema.Record(Schema.String, Schema.Number),
  inFlight: Schema.Number,
  /** Messages that wait for sessions which are away or behind: an upper bound where their filters overlap. */
  waitingMessages: Schema.Number,
  unsentBytes: Schema.Number,
  publishAckP50Ms: Schema.NullOr(Schema.Number),
  publishAckP99Ms: Schema.NullOr(Schema.Number),
  syncP50Ms: Schema.NullOr(Schema.Number),
  syncP99Ms: Schema.NullOr(Schema.Number),
  loopLagP99Ms: Schema.Number,
  logRecords: Schema.Number,
  logBytes: Schema.Number,
  diskBytes: Schema.Number,
  diskSpace: Schema.Literals(["ok", "low", "scarce", "full"]),
  pressure: Schema.Number,
  /** Tickets that are appended and not durable. */
  notDurable: Schema.Number,
  rssBytes: Schema.Number,
  heapUsedBytes: Schema.Number,
  cpuRatio: Schema.Number
})
export type Overview = typeof Overview.Type

/** Columns of equal length, oldest first; a name is one of Overview's numbers. */
export const History = Schema.Struct({
  stepSeconds: Schema.Number,
  at: Schema.Array(Schema.String),
  columns: Schema.Record(Schema.String, Schema.Array(Schema.NullOr(Schema.Number)))
})
export type History = typeof History.Type

export const LogEntry = Schema.Struct({
  number: Schema.Number,
  at: Schema.String,
  level: Schema.String,
  message: Schema.String,
  clientIdentifier: Schema.NullOr(Schema.String),
  fields: Schema.Record(Schema.String, Schema.Json)
})
export type LogEntry = typeof LogEntry.Type

export const LogLevels = Schema.Literals(["trace", "debug", "info", "warn", "error", "fatal", "panic"])

/** For a time another level holds; the setting log.level stays what it is, and nothing has to be set back. */
export const LogRaise = Schema.Struct({
  level: LogLevels,
  /** null = all entries. */
  client: Schema.NullOr(Schema.String),
  until: Schema.String
})

export const LogLevelView = Schema.Struct({
  /** The setting log.level. */
  level: LogLevels,
  raises: Schema.Array(LogRaise)
})
export type LogLevelView = typeof LogLevelView.Type

/** A day, so that nobody leaves a log at debug for good. */
const raiseSecondsMax = 86_400

export const LogRaiseRequest = Schema.Struct({
  level: LogLevels,
  seconds: Schema.Number.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(raiseSecondsMax)),
  client: Schema.optionalKey(Schema.String.check(Schema.isNonEmpty()))
})

export const AuditEntry = Schema.Struct({
  at: Schema.String,
  who: Schema.String,
  role: Role,
  address: Schema.String,
  /** "POST /api/v1/clients/c1/kick" */
  what: Schema.String,
  outcome: Schema.Number
})
export type AuditEntry = typeof AuditEntry.Type

export const Login = Schema.Struct({ token: Schema.String, role: Role, expiresAt: Schema.String })
export type Login = typeof Login.Type

export class System extends HttpApiGroup.make("system")
  .add(
    HttpApiEndpoint.get("system", "/system", { success: SystemInfo }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("overview", "/overview", { success: Overview }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("history", "/history", {
      query: { seconds: Schema.optionalKey(WholeNumber) },
      success: History,
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("logs", "/logs", {
      query: {
        level: Schema.optionalKey(Schema.String),
        client: Schema.optionalKey(Schema.String),
        after: Schema.optionalKey(WholeNumber),
        limit: Schema.optionalKey(WholeNumber)
      },
      success: Schema.Array(LogEntry),
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("logLevel", "/logs/level", { success: LogLevelView }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("raiseLogLevel", "/logs/level", {
      payload: LogRaiseRequest,
      success: LogLevelView,
      error: [BadRequest, Busy]
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.delete("endLogRaise", "/logs/level", {
      query: { client: Schema.optionalKey(Schema.String) },
      success: LogLevelView,
      error: NotFound
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.get("audit", "/audit", {
      query: { limit: Schema.optionalKey(WholeNumber) },
      success: Schema.Array(AuditEntry)
    }).annotate(RoleNeeded, "admin"),
    HttpApiEndpoint.get("whoami", "/whoami", {
      success: Schema.Struct({ name: Schema.String, role: Role })
    }).annotate(RoleNeeded, "viewer")
  )
  .middleware(Authorization) {}

/** A group of its own: it is what one asks without a token. */
export class Door extends HttpApiGroup.make("door").add(
  HttpApiEndpoint.post("login", "/login", {
    payload: Schema.Struct({ code: Schema.String }),
    success: Login,
    error: [Unauthorized, Busy]
  })
) {}
