/**
 * Where did my message go? The drop ledger, the message passport, and live traces.
 *
 *   GET    /drops                   viewer     rows of the ledger: ?client= ?topic= ?reason=
 *   GET    /messages/{sequence}     viewer     the passport of one logged message: who was to get it, and what became of it
 *   GET    /traces                  viewer     traces that run or ended and are still kept
 *   POST   /traces                  operator   starts one: by client, topic filter or address; bounded in time and size
 *   GET    /traces/{id}             viewer     its steps, ?after=N for those behind the Nth
 *   DELETE /traces/{id}             operator   ends and forgets it
 *
 * A trace sees from its start on. What was before it is answered by the passport (from the log, the sessions' cursors and
 * the ledger) for messages that were logged.
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import {
  Authorization,
  BadRequest,
  Busy,
  Done,
  NotFound,
  Payload,
  pageQuery,
  QoS,
  RoleNeeded,
  WholeNumber
} from "./shared.ts"

export const DropRow = Schema.Struct({
  reason: Schema.String,
  /** "(other)" for what is no longer kept apart; topic too. */
  clientIdentifier: Schema.String,
  topic: Schema.String,
  count: Schema.Number,
  firstAt: Schema.String,
  lastAt: Schema.String,
  firstSequence: Schema.optionalKey(Schema.Number),
  lastSequence: Schema.optionalKey(Schema.Number)
})
export type DropRow = typeof DropRow.Type

export const DropTotal = Schema.Struct({
  reason: Schema.String,
  count: Schema.Number,
  meaning: Schema.String,
  /** What to change, and the settings that decide it. */
  change: Schema.String
})
export type DropTotal = typeof DropTotal.Type

export const DropList = Schema.Struct({
  totals: Schema.Array(DropTotal),
  rows: Schema.Array(DropRow),
  rowsLeftOut: Schema.Number
})
export type DropList = typeof DropList.Type

/** In the order a message goes through them. */
export const stepKinds = [
  "accepted",
  "refused",
  "matched",
  "logged",
  "committed",
  "queued",
  "sent",
  "acknowledged",
  "completed",
  "dropped",
  "retained"
] as const

export const TraceStep = Schema.Struct({
  /** Number within the trace, from 1. */
  number: Schema.Number,
  at: Schema.String,
  step: Schema.Literals(stepKinds),
  /** Steps of one message have one; it is the log's sequence when it was logged. */
  message: Schema.Number,
  sequence: Schema.NullOr(Schema.Number),
  /** The publisher of "accepted" to "logged", the receiver of the others. */
  clientIdentifier: Schema.String,
  topic: Schema.String,
  qos: QoS,
  /** "to 3 sessions", a drop's reason, a packet identifier ... */
  detail: Schema.String,
  payload: Schema.NullOr(Payload)
})
export type TraceStep = typeof TraceStep.Type

export const TraceRequest = Schema.Struct({
  client: Schema.optionalKey(Schema.String),
  /** A topic filter. */
  topic: Schema.optionalKey(Schema.String),
  address: Schema.optionalKey(Schema.String),
  seconds: Schema.optionalKey(Schema.Number),
  stepsMax: Schema.optionalKey(Schema.Number),
  withPayload: Schema.optionalKey(Schema.Boolean)
})
export type TraceRequest = typeof TraceRequest.Type

export const TraceInfo = Schema.Struct({
  id: Schema.String,
  client: Schema.NullOr(Schema.String),
  topic: Schema.NullOr(Schema.String),
  address: Schema.NullOr(Schema.String),
  startedAt: Schema.String,
  endsAt: Schema.String,
  state: Schema.Literals(["running", "ended"]),
  steps: Schema.Number,
  stepsMax: Schema.Number,
  /** Steps that did not fit. */
  stepsLeftOut: Schema.Number,
  startedBy: Schema.String
})
export type TraceInfo = typeof TraceInfo.Type

/** What became of a message for one session that was to get it. */
export const Delivery = Schema.Struct({
  clientIdentifier: Schema.String,
  share: Schema.NullOr(Schema.String),
  filter: Schema.String,
  qos: QoS,
  state: Schema.Literals(["waiting", "in flight", "received", "done", "dropped", "unknown"]),
  /** Why dropped, the packet identifier in flight, how many records are before it. */
  detail: Schema.String
})

export const Passport = Schema.Struct({
  sequence: Schema.Number,
  topic: Schema.String,
  qos: QoS,
  retain: Schema.Boolean,
  publishedAt: Schema.NullOr(Schema.String),
  publisher: Schema.NullOr(Schema.String),
  expiresAt: Schema.NullOr(Schema.String),
  payload: Payload,
  isDurable: Schema.Boolean,
  /** At most 1,000; `matched` counts all. */
  matched: Schema.Number,
  deliveries: Schema.Array(Delivery)
})
export type Passport = typeof Passport.Type

const byId = { params: { id: Schema.String }, error: NotFound }

export class Messages extends HttpApiGroup.make("messages")
  .add(
    HttpApiEndpoint.get("drops", "/drops", {
      query: {
        limit: pageQuery.limit,
        client: Schema.optionalKey(Schema.String),
        topic: Schema.optionalKey(Schema.String),
        reason: Schema.optionalKey(Schema.String)
      },
      success: DropList,
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("passport", "/messages/:sequence", {
      params: { sequence: Schema.NumberFromString },
      success: Passport,
      error: [NotFound, BadRequest]
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("traces", "/traces", { success: Schema.Array(TraceInfo) }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("startTrace", "/traces", {
      payload: TraceRequest,
      success: TraceInfo,
      error: [BadRequest, Busy]
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.get("trace", "/traces/:id", {
      ...byId,
      query: { after: Schema.optionalKey(WholeNumber), limit: pageQuery.limit },
      success: Schema.Struct({ trace: TraceInfo, steps: Schema.Array(TraceStep) })
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.delete("endTrace", "/traces/:id", { ...byId, success: Done }).annotate(RoleNeeded, "operator")
  )
  .middleware(Authorization) {}
