/**
 * Clients, their sessions and subscriptions. A client is a session, connected or not: its identifier is its name.
 *
 *   GET    /clients                          viewer     a page of ClientRow; sorts by any column
 *   GET    /clients/{id}                     viewer     ClientDetail
 *   POST   /clients/{id}/kick                operator   ends the connection with 0x98
 *   POST   /clients/{id}/drop-queue          operator   forgets what waits; each message a row in the ledger
 *   POST   /clients/{id}/unsubscribe         operator   { filter }
 *   DELETE /clients/{id}                     operator   ends the session for good (and its connection)
 *   GET    /subscriptions                    viewer     of all sessions; ?topic= only those that match this topic
 *   GET    /shared                           viewer     groups of shared subscriptions
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Authorization, Conflict, Done, NotFound, pageOf, pageQuery, QoS, RoleNeeded } from "./shared.ts"

export const ClientRow = Schema.Struct({
  clientIdentifier: Schema.String,
  state: Schema.Literals(["connected", "absent"]),
  username: Schema.NullOr(Schema.String),
  /** Of the last connection; null when this process has not seen one. */
  address: Schema.NullOr(Schema.String),
  listener: Schema.NullOr(Schema.String),
  protocol: Schema.NullOr(Schema.Literals(["3.1", "3.1.1", "5.0"])),
  connectedAt: Schema.NullOr(Schema.String),
  disconnectedAt: Schema.NullOr(Schema.String),
  keepAliveSeconds: Schema.NullOr(Schema.Number),
  /** null = for good. */
  sessionExpirySeconds: Schema.NullOr(Schema.Number),
  subscriptions: Schema.Number,
  inFlight: Schema.Number,
  inFlightMax: Schema.Number,
  /** Log records between its cursor and the head: an upper bound of the messages that wait. */
  behindRecords: Schema.Number,
  /** Bytes for it that the kernel has not taken. */
  unsentBytes: Schema.Number,
  /** What this connection has carried, TLS and WebSocket included; 0 while it is away. */
  receivedBytes: Schema.Number,
  sentBytes: Schema.Number,
  drops: Schema.Number
})
export type ClientRow = typeof ClientRow.Type

export const SubscriptionRow = Schema.Struct({
  clientIdentifier: Schema.String,
  filter: Schema.String,
  /** Group of a shared subscription. */
  share: Schema.NullOr(Schema.String),
  qos: QoS,
  noLocal: Schema.Boolean,
  retainAsPublished: Schema.Boolean,
  retainHandling: Schema.Literals([0, 1, 2]),
  subscriptionIdentifier: Schema.NullOr(Schema.Number)
})
export type SubscriptionRow = typeof SubscriptionRow.Type

export const ClientEvent = Schema.Struct({
  at: Schema.String,
  what: Schema.Literals([
    "connected",
    "disconnected",
    "taken-over",
    "refused",
    "expired",
    "kicked",
    "banned",
    "queue-dropped",
    "quota-near",
    "quota-exceeded"
  ]),
  address: Schema.NullOr(Schema.String),
  /** Reason code as a number and in the standard's words, where the event has one. */
  reasonCode: Schema.NullOr(Schema.Number),
  detail: Schema.String
})
export type ClientEvent = typeof ClientEvent.Type

export const ClientDetail = Schema.Struct({
  ...ClientRow.fields,
  /** As it said at CONNECT; null while it is away. */
  cleanStart: Schema.NullOr(Schema.Boolean),
  provider: Schema.NullOr(Schema.String),
  groups: Schema.Array(Schema.String),
  credentialsExpireAt: Schema.NullOr(Schema.String),
  certificate: Schema.NullOr(
    Schema.Struct({ subject: Schema.String, fingerprint: Schema.String, expiresAt: Schema.String })
  ),
  maximumPacketSizeBytes: Schema.NullOr(Schema.Number),
  topicAliasMaximum: Schema.Number,
  will: Schema.NullOr(
    Schema.Struct({
      topic: Schema.String,
      qos: QoS,
      retain: Schema.Boolean,
      delaySeconds: Schema.Number,
      sizeBytes: Schema.Number
    })
  ),
  subscriptionList: Schema.Array(SubscriptionRow),
  /** At most 200, oldest first. */
  inFlightList: Schema.Array(
    Schema.Struct({
      packetIdentifier: Schema.Number,
      qos: QoS,
      topic: Schema.NullOr(Schema.String),
      sequence: Schema.NullOr(Schema.Number),
      state: Schema.Literals(["sent", "received", "released"])
    })
  ),
  events: Schema.Array(ClientEvent)
})
export type ClientDetail = typeof ClientDetail.Type

export const SharedGroup = Schema.Struct({
  share: Schema.String,
  filter: Schema.String,
  strategy: Schema.String,
  members: Schema.Array(Schema.String),
  behindRecords: Schema.Number,
  inFlight: Schema.Number
})
export type SharedGroup = typeof SharedGroup.Type

const byId = { params: { id: Schema.String }, error: [NotFound, Conflict] }

export class Clients extends HttpApiGroup.make("clients")
  .add(
    HttpApiEndpoint.get("list", "/clients", { query: pageQuery, success: pageOf(ClientRow) }).annotate(
      RoleNeeded,
      "viewer"
    ),
    HttpApiEndpoint.get("detail", "/clients/:id", { ...byId, success: ClientDetail }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("kick", "/clients/:id/kick", { ...byId, success: Done }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.post("dropQueue", "/clients/:id/drop-queue", {
      ...byId,
      success: Schema.Struct({ dropped: Schema.Number })
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.post("unsubscribe", "/clients/:id/unsubscribe", {
      ...byId,
      payload: Schema.Struct({ filter: Schema.String }),
      success: Done
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.delete("end", "/clients/:id", { ...byId, success: Done }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.get("subscriptions", "/subscriptions", {
      query: { ...pageQuery, topic: Schema.optionalKey(Schema.String), client: Schema.optionalKey(Schema.String) },
      success: pageOf(SubscriptionRow)
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("shared", "/shared", { query: pageQuery, success: pageOf(SharedGroup) }).annotate(
      RoleNeeded,
      "viewer"
    )
  )
  .middleware(Authorization) {}
