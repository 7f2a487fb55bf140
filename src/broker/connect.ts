/**
 * CONNECT: from the first packet to CONNACK. Version, limits, authentication, session take-over, clean start
 * or resume.
 *
 * Invariants
 * - CONNACK is the first packet a client sees [MQTT-3.2.0-1], and no second one follows [MQTT-3.2.0-2].
 * - A refused connection leaves no trace: no session, no will, nothing of what was pipelined [MQTT-3.1.4-6].
 * - Taking over: the old connection has left (its will decided, its subscriptions detached) before the new one
 *   owns the session, so no message is handed to both.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ConnectRefused, Identity } from "../access/access.ts"
import { assert } from "../base/assert.ts"
import type { ConnectPacket, Properties } from "../codec/codec.ts"
import { Fault } from "../codec/fault.ts"
import { unsupportedVersion5 } from "../codec/faults.ts"
import { connectVersion } from "../codec/read-connect.ts"
import { ReasonCode, ReturnCode } from "../codec/reason-codes.ts"
import { Counter } from "../metrics/counters.ts"
import { topicFault } from "../router/topic-filter.ts"
import { Session } from "../session/session.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { endSession } from "./end-session.ts"
import { watchKeepAlive } from "./keep-alive.ts"
import { queuePump } from "./pump-queue.ts"
import { goOnline } from "./session-mode.ts"
import { cancelSessionTimers } from "./timers.ts"

export const receiveConnect = (
  core: Core,
  client: Client,
  buffer: Buffer,
  start: number,
  end: number
): Fault | undefined => {
  client.state = ClientState.connecting
  const packet = core.codec.decodeConnect(buffer, start, end)
  if (packet instanceof Fault) {
    client.version = packet === unsupportedVersion5 ? 5 : (connectVersion(buffer, start, end) ?? 4)
    client.isVersion5 = client.version === 5
    return packet
  }
  client.version = packet.version
  client.isVersion5 = packet.version === 5
  const refusal = judgeConnect(core, packet)
  if (refusal !== undefined) return refusal
  authenticate(core, client, packet)
  return undefined
}

/** What is wrong with a CONNECT that the bytes alone do not tell. */
const judgeConnect = (core: Core, packet: ConnectPacket): Fault | undefined => {
  const { limits } = core
  const { clientIdentifier, properties, version, will } = packet
  if (core.draining) return new Fault(ReasonCode.serverUnavailable, "the broker is shutting down")
  if (core.connections > limits.connectionsMax)
    return new Fault(ReasonCode.quotaExceeded, "mqtt.max-connections is reached")
  if (core.sessions.size >= limits.sessionsMax && !core.sessions.has(clientIdentifier)) {
    return new Fault(ReasonCode.quotaExceeded, "limits.max-sessions is reached")
  }
  if (clientIdentifier === "" && (version === 3 || (version === 4 && !packet.cleanStart))) {
    // [MQTT-3.1.3-8]; MQTT 3.1 has no empty identifiers at all
    return new Fault(ReasonCode.clientIdentifierNotValid, "an empty client identifier needs a clean session")
  }
  if (Buffer.byteLength(clientIdentifier) > limits.clientIdentifierLengthMax) {
    return new Fault(ReasonCode.clientIdentifierNotValid, "the client identifier is longer than mqtt.max-client-id-len")
  }
  if (properties.authenticationMethod !== undefined) {
    return new Fault(ReasonCode.badAuthenticationMethod, "no such authentication method") // [MQTT-4.12.0-1]
  }
  if (will === undefined) return undefined
  if (will.qos > limits.qosMax) return new Fault(ReasonCode.qosNotSupported, "the will's QoS is not supported") // [MQTT-3.2.2-12]
  if (will.retain && !limits.retainAvailable) {
    return new Fault(ReasonCode.retainNotSupported, "the will is retained, which is switched off") // [MQTT-3.2.2-13]
  }
  if (Buffer.byteLength(will.topic) > limits.topicLengthBytesMax) {
    return new Fault(ReasonCode.topicNameInvalid, "the will's topic is longer than mqtt.max-topic-len")
  }
  if (will.topic.startsWith("$")) return new Fault(ReasonCode.notAuthorized, "wills are not published to $ topics")
  return topicFault(will.topic, limits.topicLevelsMax)
}

const authenticate = (core: Core, client: Client, packet: ConnectPacket): void => {
  const clientIdentifier = packet.clientIdentifier === "" ? core.options.randomText() : packet.clientIdentifier // [MQTT-3.2.2-16]
  const { username, password } = packet
  const { listener, peer } = client.connection.transport
  if (client.access.allowsEverything) {
    accept(core, client, packet, { clientIdentifier, username })
    return
  }
  client.connection.stop()
  const attempt = client.access.authenticate({ clientIdentifier, username, password, listener, peer })
  core.options.run(
    Effect.matchCause(attempt, {
      onSuccess: (identity) => {
        core.tick()
        if (client.state === ClientState.connecting) accept(core, client, packet, identity)
        client.connection.go()
      },
      onFailure: (cause) => {
        core.tick()
        if (client.state !== ClientState.connecting) return
        const { reasonCode, why } = refusalOf(cause)
        refuseConnect(core, client, reasonCode, why)
      }
    })
  )
}

/** A refusal says its own code; anything else that went wrong is a refusal too: fails closed. */
const refusalOf = (cause: Cause.Cause<ConnectRefused>): { readonly reasonCode: number; readonly why: string } => {
  const failure = Cause.findErrorOption(cause)
  if (failure._tag === "Some") return failure.value
  return { reasonCode: ReasonCode.serverUnavailable, why: `authentication died: ${Cause.pretty(cause)}` }
}

const accept = (core: Core, client: Client, packet: ConnectPacket, identity: Identity): void => {
  const { clientIdentifier } = identity
  const before = core.sessions.get(clientIdentifier)
  const old = before?.connection as Client | undefined
  if (old !== undefined) closeClient(core, old, "taken-over", ReasonCode.sessionTakenOver, "session taken over") // [MQTT-3.1.4-3]
  let session = core.sessions.get(clientIdentifier)
  if (session !== undefined && packet.cleanStart) {
    endSession(core, session, "cleaned") // [MQTT-3.1.2-4] [MQTT-3.1.4-4]
    session = undefined
  }
  const sessionPresent = session !== undefined // [MQTT-3.2.2-3]
  session ??= newSession(core, clientIdentifier)
  const event = sessionPresent ? Counter.sessionsResumed : Counter.sessionsCreated
  core.count[event] = (core.count[event] as number) + 1
  cancelSessionTimers(core, session) // a pending will dies with the return [MQTT-3.1.3-9]

  adopt(core, client, session, packet, identity)
  const properties = connackProperties(core, client, packet, session)
  const connack = core.codec.encodeConnack(client.version, sessionPresent, ReasonCode.success, properties)
  send(core, client, connack)
  client.state = ClientState.connected
  core.count[Counter.connectionsAccepted] = (core.count[Counter.connectionsAccepted] as number) + 1
  core.options.report({ level: "debug", what: "connected", clientIdentifier, peer: client.connection.transport.peer })

  for (const subscription of session.subscriptions.values()) if (subscription.active) core.router.attach(subscription)
  client.resend = session.window.openIdentifiers()
  goOnline(core, session, client)
  queuePump(core, client)
  watchKeepAlive(core, client)
}

const newSession = (core: Core, clientIdentifier: string): Session => {
  const session = new Session(clientIdentifier, core.nextSessionNumber(), core.limits.inFlightMax)
  session.cursor = core.delivered
  core.sessions.set(clientIdentifier, session)
  return session
}

/** The session is this connection's from here on. */
const adopt = (core: Core, client: Client, session: Session, packet: ConnectPacket, identity: Identity): void => {
  assert(session.connection === undefined, "the old connection has left")
  const { properties } = packet
  const { limits } = core
  const wished =
    packet.version === 5 ? (properties.sessionExpiryInterval ?? 0) : packet.cleanStart ? 0 : Number.POSITIVE_INFINITY
  session.connection = client
  session.epoch += 1
  session.expiryIntervalSeconds = Math.min(wished, limits.sessionExpirySecondsMax)
  session.username = identity.username
  session.window.limit = Math.min(limits.inFlightMax, properties.receiveMaximum ?? 65_535) // [MQTT-3.3.4-9]
  client.session = session
  client.epoch = session.epoch
  client.identity = identity
  client.connectedAtMs = core.nowMs
  client.lastReceivedMs = core.loopMs
  client.will = packet.will
  client.incomingOpen = session.incoming?.size ?? 0
  client.maximumPacketSizeBytes = properties.maximumPacketSize ?? Number.POSITIVE_INFINITY
  client.requestProblemInformation = properties.requestProblemInformation !== 0
  client.keepAliveMs = keepAliveSeconds(core, packet) * 1000
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
  if (packet.clientIdentifier === "") properties.assignedClientIdentifier = session.clientIdentifier // [MQTT-3.1.3-7]
  if ((packet.properties.sessionExpiryInterval ?? 0) !== session.expiryIntervalSeconds) {
    properties.sessionExpiryInterval = session.expiryIntervalSeconds
  }
  if (client.keepAliveMs !== packet.keepAliveSeconds * 1000) properties.serverKeepAlive = client.keepAliveMs / 1000
  if (limits.receiveMaximum < 65_535) properties.receiveMaximum = limits.receiveMaximum
  if (limits.qosMax < 2) properties.maximumQos = limits.qosMax // [MQTT-3.2.2-9]
  if (!limits.retainAvailable) properties.retainAvailable = 0
  if (limits.topicAliasMaximum > 0) properties.topicAliasMaximum = limits.topicAliasMaximum
  if (!limits.wildcardAvailable) properties.wildcardSubscriptionAvailable = 0
  if (!limits.sharedAvailable) properties.sharedSubscriptionAvailable = 0
  return properties
}

/** CONNACK with the reason, then close [MQTT-3.2.2-7]. Before CONNECT was understood the connection just ends. */
export const refuseConnect = (core: Core, client: Client, reasonCode: number, why: string): void => {
  if (client.state === ClientState.closed) return
  const { clientIdentifier } = client.identity ?? { clientIdentifier: undefined }
  const { peer } = client.connection.transport
  core.options.report({ level: "info", what: "connection refused", clientIdentifier, peer, why })
  core.count[Counter.connectionsRefused] = (core.count[Counter.connectionsRefused] as number) + 1
  const heardConnect = client.state === ClientState.connecting
  const code = client.isVersion5 ? reasonCode : returnCodeOf(reasonCode)
  if (heardConnect && code !== undefined) {
    send(core, client, core.codec.encodeConnack(client.version, false, code, {})) // Session Present 0 [MQTT-3.2.2-6]
  }
  closeClient(core, client, "refused", undefined, why)
}

/** MQTT 3.x knows five reasons; for a malformed CONNECT it has none and the connection just closes. */
const returnCodeOf = (reasonCode: number): number | undefined => {
  switch (reasonCode) {
    case ReasonCode.unsupportedProtocolVersion:
      return ReturnCode.unacceptableProtocolVersion
    case ReasonCode.clientIdentifierNotValid:
      return ReturnCode.identifierRejected
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
      return undefined
  }
}

const send = (core: Core, client: Client, packet: Buffer): void => {
  client.connection.outbox.append(packet, 0, packet.length)
  core.count[Counter.packetsOut + 2] = (core.count[Counter.packetsOut + 2] as number) + 1
  core.count[Counter.bytesOut] = (core.count[Counter.bytesOut] as number) + packet.length
}
