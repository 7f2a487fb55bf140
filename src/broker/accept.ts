/**
 * The end of CONNECT: CONNACK with success, and the session belongs to this connection; or CONNACK with the
 * reason, and the connection ends. Session take-over, clean start, resume, what the server announces.
 *
 * Invariants
 * - A refused connection leaves no trace: no session, no will, nothing of what was pipelined [MQTT-3.1.4-6].
 * - Taking over: the old connection has left (its will decided, its subscriptions detached) before the new one
 *   owns the session, so no message is handed to both.
 */
import type { Identity } from "../access/access.ts"
import { assert } from "../base/assert.ts"
import type { ConnectPacket, Properties } from "../codec/codec.ts"
import { ReasonCode, ReturnCode } from "../codec/reason-codes.ts"
import { Counter, listenerIndex } from "../metrics/counters.ts"
import { Session } from "../session/session.ts"
import { connected, judgeIdentity } from "./admission.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { endSession } from "./end-session.ts"
import { holdUntilKept } from "./holds.ts"
import { watchIdentity } from "./identity-expiry.ts"
import { watchKeepAlive } from "./keep-alive.ts"
import { setIdentity } from "./permissions.ts"
import { queuePump } from "./pump-queue.ts"
import { receiptsOf } from "./receipts.ts"
import { doubtOf } from "./recheck.ts"
import { saveConnecting } from "./save-session.ts"
import { send, sendAlone } from "./send.ts"
import { goOnline } from "./session-mode.ts"
import { settleThrottles } from "./throttle.ts"
import { cancelSessionTimers } from "./timers.ts"
import { forgetOrphan, orphanOf, willOf } from "./wills.ts"

/** Properties only the authentication exchange knows: its method and last data. */
export const accept = (
  core: Core,
  client: Client,
  packet: ConnectPacket,
  identity: Identity,
  authentication: Pick<Properties, "authenticationMethod" | "authenticationData"> = {}
): void => {
  const { clientIdentifier } = identity
  const doubt = doubtOf(identity)
  if (doubt !== undefined) {
    refuseConnect(core, client, ReasonCode.notAuthorized, doubt) // [RCK-1]
    return
  }
  client.will = packet.will === undefined ? undefined : willOf(packet.will)
  const before = core.sessions.get(clientIdentifier) ?? orphanOf(core, clientIdentifier)
  if (before !== undefined && isOfAnother(core, client, before, identity)) {
    refuseConnect(core, client, ReasonCode.notAuthorized, "the session belongs to another user") // [ACL-6]
    return
  }
  const old = before?.connection as Client | undefined
  const refusal = judgeIdentity(core, identity, old)
  if (refusal !== undefined) {
    refuseConnect(core, client, refusal.reasonCode, refusal.why)
    return
  }
  if (old !== undefined) closeClient(core, old, "taken-over", ReasonCode.sessionTakenOver, "session taken over") // [MQTT-3.1.4-3]
  let session = core.sessions.get(clientIdentifier)
  if (session !== undefined && packet.cleanStart) {
    endSession(core, session, "cleaned") // [MQTT-3.1.2-4] [MQTT-3.1.4-4] [v3.1.1 MQTT-3.1.2-6]
    session = undefined
  }
  const sessionPresent = session !== undefined // [MQTT-3.2.2-3] [v3.1.1 MQTT-3.2.2-2]
  session ??= newSession(core, clientIdentifier)
  const expirySeconds = sessionExpirySeconds(core, packet)
  const ticket = saveConnecting(core, session, {
    clientIdentifier,
    number: session.number,
    epoch: session.epoch + 1,
    expiryIntervalSeconds: expirySeconds,
    username: identity.username,
    disconnectedAtMs: 0,
    will: client.will
  })
  if (ticket < 0) {
    if (!sessionPresent) core.sessions.delete(clientIdentifier)
    refuseConnect(core, client, ReasonCode.quotaExceeded, "the store takes no session now")
    return
  }
  forgetOrphan(core, clientIdentifier)
  countSession(core, session, sessionPresent)
  cancelSessionTimers(core, session) // a pending will dies with the return [MQTT-3.1.3-9]

  adopt(core, client, session, packet, identity, expirySeconds)
  // [RST-8] The will of a session that ends with its connection is not waited for; the end of what was there before is,
  // however it ended: after "no session present" none may come back from the disk.
  if (session.persistent || sessionPresent) holdUntilKept(core, client, ticket)
  else holdUntilKept(core, client, core.endedTicket)
  const properties = { ...connackProperties(core, client, packet, session), ...authentication }
  const connack = core.codec.encodeConnack(client.version, sessionPresent, ReasonCode.success, properties)
  if (!sendAlone(core, client, connack)) {
    client.will = undefined
    closeClient(core, client, "refused", undefined, "the client's Maximum Packet Size leaves no room for CONNACK")
    return
  }
  settleThrottles(core, client)
  client.state = ClientState.connected
  client.connection.transport.limitIncoming?.(Number.POSITIVE_INFINITY)
  client.connection.countHeld(undefined)
  connected(core, client, identity)
  countAccepted(core, client, packet)
  const { peer } = client.connection.transport
  if (core.isTold("debug")) core.options.report({ level: "debug", what: "connected", clientIdentifier, peer })
  const how = (sessionPresent ? resumedWords : newWords)[packet.version]
  core.clientEvents.add(clientIdentifier, "connected", core.nowMs, peer, undefined, how)

  if (session.subscriptions.size > 0) {
    for (const subscription of session.subscriptions.values()) if (subscription.active) core.router.attach(subscription)
  }
  client.resend = session.window.openIdentifiers() // [MQTT-4.4.0-1]
  goOnline(core, session, client)
  if (client.mustPump || session.shared !== undefined) queuePump(core, client)
  watchKeepAlive(core, client)
  watchIdentity(core, client)
}

const countSession = ({ count }: Core, { will }: Session, sessionPresent: boolean): void => {
  const event = sessionPresent ? Counter.sessionsResumed : Counter.sessionsCreated
  count[event] = (count[event] as number) + 1
  if (will !== undefined) count[Counter.willsCancelled] = (count[Counter.willsCancelled] as number) + 1
}

const newWords = { 3: "MQTT 3.1, new session", 4: "MQTT 3.1.1, new session", 5: "MQTT 5.0, new session" } as const
const resumedWords = {
  3: "MQTT 3.1, session resumed",
  4: "MQTT 3.1.1, session resumed",
  5: "MQTT 5.0, session resumed"
} as const

const countAccepted = ({ count }: Core, client: Client, packet: ConnectPacket): void => {
  const accepted = Counter.connectionsAccepted + listenerIndex(client.connection.transport.listener)
  count[accepted] = (count[accepted] as number) + 1
  const method = Counter.authAllowed + authMethodOf(packet)
  count[method] = (count[method] as number) + 1
}

/** It said who it is, and was not believed. */
export const countDenied = ({ count }: Core, packet: ConnectPacket): void => {
  const denied = Counter.authDenied + authMethodOf(packet)
  count[denied] = (count[denied] as number) + 1
}

/** Index in authMethods. */
export const authMethodOf = ({ password, properties, username }: ConnectPacket): number => {
  if (properties.authenticationMethod !== undefined) return 2
  return username === undefined && password === undefined ? 0 : 1
}

/** A proven user's session is nobody else's, to resume or to end. One that nobody has proved is his who comes. */
const isOfAnother = (
  { limits: { ownSessionsOnly } }: Core,
  { access }: Client,
  { username }: Session,
  identity: Identity
): boolean => ownSessionsOnly && !access.admitsEverybody && username !== undefined && username !== identity.username

const newSession = (core: Core, clientIdentifier: string): Session => {
  const session = new Session(clientIdentifier, core.nextSessionNumber(), core.limits.inFlightMax)
  session.cursor = core.delivered
  session.savedCursor = core.delivered
  core.sessions.set(clientIdentifier, session)
  return session
}

/** In 3.x Clean Session 0 asks to be kept for good [v3.1.1 MQTT-3.1.2-4]. */
const sessionExpirySeconds = ({ limits }: Core, { cleanStart, properties, version }: ConnectPacket): number => {
  const wished = version === 5 ? (properties.sessionExpiryInterval ?? 0) : cleanStart ? 0 : Number.POSITIVE_INFINITY
  return Math.min(wished, limits.sessionExpirySecondsMax)
}

/** The session is this connection's from here on. */
const adopt = (
  core: Core,
  client: Client,
  session: Session,
  packet: ConnectPacket,
  identity: Identity,
  expirySeconds: number
): void => {
  assert(session.connection === undefined, "the old connection has left")
  const { properties } = packet
  const { limits } = core
  session.connection = client
  session.epoch += 1
  session.expiryIntervalSeconds = expirySeconds
  session.username = identity.username
  session.window.limit = Math.min(limits.inFlightMax, properties.receiveMaximum ?? 65_535) // [MQTT-3.3.4-9]
  client.session = session
  client.epoch = session.epoch
  setIdentity(client, identity)
  client.connectedAtMs = core.nowMs
  client.lastReceivedMs = core.loopMs
  client.incomingOpen = session.incoming?.size ?? 0
  client.maximumPacketSizeBytes = properties.maximumPacketSize ?? Number.POSITIVE_INFINITY
  client.topicAliasMaximum = Math.min(properties.topicAliasMaximum ?? 0, limits.topicAliasMaximum)
  client.outgoingAliases = client.topicAliasMaximum > 0 ? new Map() : undefined
  client.requestProblemInformation = properties.requestProblemInformation !== 0
  client.receipts = receiptsOf(packet)
  client.keepAliveMs = keepAliveSeconds(core, packet) * 1000
  client.cleanStart = packet.cleanStart
}

/** The client's wish, or ours where the wish is none or too long and a maximum is set [MQTT-3.1.2-21]. */
const keepAliveSeconds = (core: Core, packet: ConnectPacket): number => {
  const { keepAliveSeconds: own, keepAliveSecondsMax: max } = core.limits
  const wish = packet.keepAliveSeconds
  if (packet.version !== 5 || max >= 65_535) return wish
  return wish === 0 || wish > max ? Math.min(own, max) : wish
}

/** Only what differs from what the standard assumes when it is absent. */
const connackProperties = (core: Core, client: Client, packet: ConnectPacket, session: Session): Properties => {
  if (!client.isVersion5) return {}
  const { limits } = core
  const properties: Properties = { maximumPacketSize: limits.packetSizeBytesMax }
  if (packet.clientIdentifier !== session.clientIdentifier)
    properties.assignedClientIdentifier = session.clientIdentifier // [MQTT-3.1.3-7]
  if ((packet.properties.sessionExpiryInterval ?? 0) !== session.expiryIntervalSeconds) {
    properties.sessionExpiryInterval = session.expiryIntervalSeconds
  }
  if (client.keepAliveMs !== packet.keepAliveSeconds * 1000) properties.serverKeepAlive = client.keepAliveMs / 1000
  if (limits.receiveMaximum < 65_535) properties.receiveMaximum = limits.receiveMaximum
  if (limits.qosMax < 2) properties.maximumQos = limits.qosMax // [MQTT-3.2.2-9]
  if (!limits.retainAvailable) properties.retainAvailable = 0
  if (limits.responseInformation !== "" && packet.properties.requestResponseInformation === 1) {
    properties.responseInformation = limits.responseInformation // [MQTT-3.1.2-28]
  }
  if (limits.topicAliasMaximum > 0) properties.topicAliasMaximum = limits.topicAliasMaximum
  if (!limits.wildcardAvailable) properties.wildcardSubscriptionAvailable = 0
  if (!limits.sharedAvailable) properties.sharedSubscriptionAvailable = 0
  return properties
}

/** CONNACK with the reason, then close [MQTT-3.2.2-7]. Before CONNECT was understood the connection just ends. */
export const refuseConnect = (core: Core, client: Client, reasonCode: number, why: string): void => {
  if (client.state === ClientState.closed) return
  const clientIdentifier = client.claimedIdentifier === "" ? undefined : client.claimedIdentifier
  const { peer } = client.connection.transport
  core.options.report({ level: "info", what: "connection refused", clientIdentifier, peer, why })
  refuseQuietly(core, client, reasonCode, why, why)
}

/** The log knows already; `words` are for the client. */
export const refuseQuietly = (core: Core, client: Client, reasonCode: number, words: string, why: string): void => {
  if (client.state === ClientState.closed) return
  const refused = Counter.connectionsRefused + listenerIndex(client.connection.transport.listener)
  core.count[refused] = (core.count[refused] as number) + 1
  const { claimedIdentifier } = client
  if (claimedIdentifier !== "") {
    const { peer } = client.connection.transport
    core.clientEvents.add(claimedIdentifier, "refused", core.nowMs, peer, reasonCode, why)
  }
  const heardConnect = client.state === ClientState.connecting
  const code = client.isVersion5 ? reasonCode : returnCodeOf(reasonCode)
  if (heardConnect && code !== undefined) {
    // The reason in words where the client has room for them [MQTT-3.2.2-19], Session Present 0 [MQTT-3.2.2-6].
    const told = core.codec.encodeConnack(client.version, false, code, { reasonString: words })
    if (!send(core, client, told)) send(core, client, core.codec.encodeConnack(client.version, false, code, {}))
  }
  closeClient(core, client, "refused", undefined, why)
}

/** The client may not publish what it leaves as its will (security.md, row 22). */
export const refuseWill = (core: Core, client: Client): void =>
  refuseConnect(core, client, ReasonCode.notAuthorized, "the rules forbid the will")

/** MQTT 3.x knows five reasons; for a malformed CONNECT it has none and the connection just closes. */
const returnCodeOf = (reasonCode: number): number | undefined => {
  switch (reasonCode) {
    case ReasonCode.unsupportedProtocolVersion:
      return ReturnCode.unacceptableProtocolVersion
    case ReasonCode.clientIdentifierNotValid:
      return ReturnCode.identifierRejected // [v3.1.1 MQTT-3.1.3-9]
    case ReasonCode.badUserNameOrPassword:
      return ReturnCode.badUserNameOrPassword
    case ReasonCode.notAuthorized:
    case ReasonCode.banned:
      return ReturnCode.notAuthorized
    case ReasonCode.serverUnavailable:
    case ReasonCode.serverBusy:
    case ReasonCode.quotaExceeded:
      return ReturnCode.serverUnavailable
    default:
      return undefined // [v3.1.1 MQTT-3.2.2-6]
  }
}
