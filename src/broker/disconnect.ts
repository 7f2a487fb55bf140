/**
 * The end of a connection, however it comes: DISCONNECT, a fault, keep-alive, take-over, a lost socket, the
 * broker's own stop.
 *
 * Invariants
 * - Everything that follows from the end (subscriptions detached, will decided, session kept or ended) happens
 *   in one synchronous step, when the end is known, not when the socket closes. `leave` runs once.
 * - DISCONNECT is sent only to 5.0 clients that are connected [MQTT-3.14.0-1], as the last packet [MQTT-3.14.4-1].
 * - After DISCONNECT 0x00 the will is forgotten [MQTT-3.14.4-3]; after every other end it is published.
 */
import type { DisconnectPacket, Properties } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { Counter } from "../metrics/counters.ts"
import type { Session } from "../session/session.ts"
import { type Client, ClientState, type CloseCause } from "./client.ts"
import type { ClientEventKind } from "./client-events.ts"
import type { Core } from "./core.ts"
import { endSession, scheduleExpiry } from "./end-session.ts"
import { sessionExpiryRaised } from "./faults.ts"
import { send } from "./send.ts"
import { goOffline } from "./session-mode.ts"
import { returnToGroups } from "./shared.ts"
import { unwatch } from "./timers.ts"
import { decideWill } from "./wills.ts"

/** DISCONNECT from the client. */
export const receiveDisconnect = (core: Core, client: Client, packet: DisconnectPacket): Fault | undefined => {
  const session = client.session as Session
  const wished = packet.properties.sessionExpiryInterval
  if (wished !== undefined) {
    if (wished > 0 && session.expiryIntervalSeconds === 0) return sessionExpiryRaised
    session.expiryIntervalSeconds = Math.min(wished, core.limits.sessionExpirySecondsMax)
  }
  const cause = packet.reasonCode === ReasonCode.normalDisconnection ? "client" : "client-with-will"
  if (client.state === ClientState.closed) return undefined
  leave(core, client, cause, "the client disconnected", packet.reasonCode)
  client.connection.close(core.limits.closeGraceMs) // [MQTT-3.14.4-2]
  return undefined
}

/** Ends the connection from our side. `reasonCode` goes out in DISCONNECT where there is one to tell. */
export const closeClient = (
  core: Core,
  client: Client,
  cause: CloseCause,
  reasonCode: number | undefined,
  why: string,
  properties: Properties = {}
): void => {
  if (client.state === ClientState.closed) return
  if (client.state === ClientState.connected && client.isVersion5 && reasonCode !== undefined) {
    // What waits for the log will not be told any more; where that is CONNACK itself, nothing is [MQTT-3.14.0-1].
    const { outbox } = client.connection
    outbox.dropHeld()
    // The words are left out where they make the packet too large [MQTT-3.14.2-3]; it never has a session expiry [MQTT-3.14.2-2].
    const words = { reasonString: why, ...properties }
    const isTold = !outbox.hasSent || send(core, client, core.codec.encodeDisconnect(reasonCode, words))
    if (!isTold) send(core, client, core.codec.encodeDisconnect(reasonCode, {}))
  }
  leave(core, client, cause, why, reasonCode)
  client.connection.close(core.limits.closeGraceMs) // [MQTT-3.14.4-2] [MQTT-4.13.2-1]
}

/** The transport ended by itself. */
export const connectionLost = (core: Core, client: Client, error: Error | undefined): void => {
  if (client.state !== ClientState.closed)
    leave(core, client, "lost", error?.message ?? "the connection was lost", undefined)
}

const counterOf: Record<CloseCause, number | undefined> = {
  client: Counter.disconnectionsByClient,
  "client-with-will": Counter.disconnectionsByClient,
  lost: Counter.disconnectionsLost,
  "keep-alive": Counter.disconnectionsKeepAlive,
  "taken-over": Counter.disconnectionsTakenOver,
  "protocol-error": Counter.disconnectionsProtocolError,
  server: Counter.disconnectionsByServer,
  banned: Counter.disconnectionsByServer,
  refused: undefined
}

/** What the client's history calls it. */
const eventOf = (cause: CloseCause, reasonCode: number | undefined): ClientEventKind => {
  if (cause === "taken-over" || cause === "banned") return cause
  return cause === "server" && reasonCode === ReasonCode.administrativeAction ? "kicked" : "disconnected"
}

const leave = (core: Core, client: Client, cause: CloseCause, why: string, reasonCode: number | undefined): void => {
  const { session } = client
  client.state = ClientState.closed
  client.closeCause = cause
  unwatch(core, client)
  client.abandonLogin?.()
  core.removeClient(client)
  const counter = counterOf[cause]
  if (session === undefined || session.connection !== client) return
  core.fairness.users.left(client)
  if (counter !== undefined) core.count[counter] = (core.count[counter] as number) + 1
  if (cause === "client" && client.will !== undefined)
    core.count[Counter.willsCancelled] = (core.count[Counter.willsCancelled] as number) + 1
  core.meter?.of("connectionDuration").observe((core.nowMs - client.connectedAtMs) / 1000)
  const { clientIdentifier } = session
  const level = cause === "protocol-error" ? "info" : "debug"
  if (core.isTold(level)) core.options.report({ level, what: `disconnected (${cause})`, clientIdentifier, why })
  const { peer } = client.connection.transport
  core.clientEvents.add(clientIdentifier, eventOf(cause, reasonCode), core.nowMs, peer, reasonCode, why)
  for (const subscription of session.subscriptions.values()) core.router.detach(subscription)
  goOffline(core, session)
  // What waits at QoS 1 and 2 outlives the connection, retained messages of a SUBSCRIBE too; QoS 0 does not.
  session.retainedCursors = session.retainedCursors.filter(({ subscription }) => subscription.qos > 0)
  session.connection = undefined
  if (session.shared !== undefined) returnToGroups(core, session, false)
  client.session = undefined
  session.disconnectedAtMs = Math.floor(core.nowMs)
  // None after DISCONNECT [MQTT-3.14.4-3] [v3.1.1 MQTT-3.14.4-3]. A broker that stops publishes no wills: nobody is
  // left to get them, and the clients did nothing wrong.
  session.will = cause === "client" || core.draining ? undefined : client.will
  if (!session.persistent) {
    endSession(core, session, core.draining ? "shutdown" : "ended")
    return
  }
  if (core.isDurable) core.markDirty(session)
  decideWill(core, session)
  scheduleExpiry(core, session, session.expiryIntervalSeconds * 1000)
}
