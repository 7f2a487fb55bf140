/**
 * CONNECT: version, limits, authentication. How it ends, with a session or a refusal, is in accept.ts.
 *
 * Invariants
 * - CONNACK is the first packet a client sees [MQTT-3.2.0-1], and no second one follows [MQTT-3.2.0-2].
 * - Fails closed: whatever goes wrong while authenticating is a refusal.
 */
import * as Effect from "effect/Effect"
import type { ConnectPacket } from "../codec/codec.ts"
import { Fault } from "../codec/fault.ts"
import { unknownProtocolName, unsupportedVersion5 } from "../codec/faults.ts"
import { connectVersion } from "../codec/read-connect.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { topicFault } from "../router/topic-filter.ts"
import { accept, countDenied, refuseWill } from "./accept.ts"
import { judgeStranger } from "./admission.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { refusalOf, startEnhanced } from "./enhanced.ts"
import { refuseLogin } from "./failed-logins.ts"
import { isUnrestricted } from "./permissions.ts"
import { userPropertiesFault } from "./user-properties.ts"
import { mayLeaveWill } from "./wills.ts"

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
    // Whoever that is, it has no CONNACK to be told: the connection just ends [MQTT-3.1.2-1].
    if (packet === unknownProtocolName) client.state = ClientState.awaitConnect
    client.version = packet === unsupportedVersion5 ? 5 : (connectVersion(buffer, start, end) ?? 4)
    client.isVersion5 = client.version === 5
    return packet
  }
  client.version = packet.version
  client.isVersion5 = packet.version === 5
  client.claimedIdentifier = packet.clientIdentifier
  client.maximumPacketSizeBytes = packet.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY
  const refusal = judgeConnect(core, client, packet)
  if (refusal !== undefined) return refusal
  authenticate(core, client, packet)
  return undefined
}

/** What is wrong with a CONNECT that the bytes alone do not tell. */
const judgeConnect = (core: Core, client: Client, packet: ConnectPacket): Fault | undefined => {
  const { limits } = core
  const { clientIdentifier, properties, version, will } = packet
  if (core.draining) return new Fault(ReasonCode.serverUnavailable, "the broker is shutting down")
  const turnedAway =
    judgeStranger(core, client, packet) ??
    userPropertiesFault(core, properties) ??
    userPropertiesFault(core, will?.properties ?? noProperties) // [LIM-9]
  if (turnedAway !== undefined) return turnedAway
  if (core.connections > limits.connectionsMax)
    return new Fault(ReasonCode.quotaExceeded, "mqtt.max-connections is reached")
  if (core.sessions.size >= limits.sessionsMax && !core.sessions.has(clientIdentifier)) {
    return new Fault(ReasonCode.quotaExceeded, "limits.max-sessions is reached")
  }
  if (clientIdentifier === "" && (version === 3 || (version === 4 && !packet.cleanStart))) {
    // [v3.1.1 MQTT-3.1.3-8]; MQTT 3.1 has no empty identifiers at all [v3.1 3.1-identifier]
    return new Fault(ReasonCode.clientIdentifierNotValid, "an empty client identifier needs a clean session")
  }
  if (Buffer.byteLength(clientIdentifier) > limits.clientIdentifierLengthMax) {
    // [v3.1.1 MQTT-3.1.3-9]
    return new Fault(ReasonCode.clientIdentifierNotValid, "the client identifier is longer than mqtt.max-client-id-len")
  }
  const method = properties.authenticationMethod
  if (method !== undefined && !client.access.methods.has(method)) {
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

const noProperties = {}

const authenticate = (core: Core, client: Client, packet: ConnectPacket): void => {
  // [MQTT-3.2.2-16] [v3.1.1 MQTT-3.1.3-6]
  const clientIdentifier = packet.clientIdentifier === "" ? core.options.randomText() : packet.clientIdentifier
  const { username, password } = packet
  const { listener, peer, peerCertificate: certificate, pskIdentity } = client.connection.transport
  const { access } = client
  const claimed = { clientIdentifier, username, listener, peer }
  const isAsked = packet.properties.authenticationMethod !== undefined || !access.admitsEverybody
  if (!isAsked && (packet.will === undefined || isUnrestricted(access, claimed))) {
    accept(core, client, packet, claimed)
    return
  }
  const request = { clientIdentifier, username, password, listener, peer, certificate, pskIdentity }
  if (packet.properties.authenticationMethod !== undefined) {
    startEnhanced(core, client, packet, request)
    return
  }
  client.connection.stop()
  const attempt = Effect.flatMap(access.authenticate(request), (identity) =>
    Effect.map(mayLeaveWill(core, access, identity, packet.will), (isWillAllowed) => ({ identity, isWillAllowed }))
  )
  core.options.run(
    Effect.matchCause(Effect.raceFirst(attempt, abandoned(client)), {
      onSuccess: ({ identity, isWillAllowed }) => {
        client.abandonLogin = undefined
        core.tick()
        if (client.state === ClientState.connecting) {
          if (isWillAllowed) accept(core, client, packet, identity)
          else refuseWill(core, client)
        }
        client.connection.go()
      },
      onFailure: (cause) => {
        core.tick()
        if (client.state !== ClientState.connecting) return
        const { reasonCode, why } = refusalOf(cause)
        countDenied(core, packet)
        refuseLogin(core, client, request, reasonCode, why)
      }
    })
  )
}

/**
 * [LGN-1] Who was cut off (server.connect-timeout, a shutdown) is not judged any more: it waits in no queue, and no password
 * is hashed for it. Who hangs up is noticed only then, because nothing is read from a connection that waits for us.
 */
const abandoned = (client: Client): Effect.Effect<never> =>
  Effect.callback<never>((resume) => {
    client.abandonLogin = () => {
      client.abandonLogin = undefined
      resume(Effect.interrupt)
    }
  })
