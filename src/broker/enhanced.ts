/**
 * Enhanced authentication: AUTH packets between CONNECT and CONNACK, and again on a connection that lasts.
 *
 *   CONNECT(method, data) ▶ begin ─┬▶ AUTH 0x18 ▶ client's AUTH 0x18 ▶ next ─┬▶ CONNACK 0x00
 *   AUTH 0x19 (connected)  ▶ begin ┘          ▲──────────────────────────────┘  AUTH 0x00
 *
 * What a method does is in src/access (EnhancedMethod); this is only the exchange.
 *
 * Invariants
 * - Every AUTH and the final CONNACK repeat CONNECT's method; another one is a protocol error [MQTT-4.12.0-5].
 * - One exchange at a time; AUTH out of turn is a protocol error.
 * - A failed re-authentication ends the connection [MQTT-4.12.1-2].
 * - While a step runs the connection stops scanning, so order is kept.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ConnectRefused, ConnectRequest, EnhancedMethod, EnhancedStep, Identity } from "../access/access.ts"
import type { AuthPacket, ConnectPacket, Properties } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { accept, countDenied, refuseWill } from "./accept.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { refuseLogin, tellFailedLogin, wordsFor } from "./failed-logins.ts"
import { authMethodDiffers, authNotExpected, authOutOfTurn } from "./faults.ts"
import { watchIdentity } from "./identity-expiry.ts"
import { setIdentity } from "./permissions.ts"
import { send } from "./send.ts"
import { mayLeaveWill } from "./wills.ts"

/** An exchange under way, or the method a later re-authentication must use. */
export interface Exchange {
  readonly method: EnhancedMethod
  readonly request: ConnectRequest
  /** CONNECT, while CONNACK is still owed. */
  packet: ConnectPacket | undefined
  /** What the client's next AUTH 0x18 answers; undefined when no answer is awaited. */
  next: EnhancedStep["next"]
}

type Step = Effect.Effect<EnhancedStep, ConnectRefused>

export const startEnhanced = (core: Core, client: Client, packet: ConnectPacket, request: ConnectRequest): void => {
  const { authenticationData, authenticationMethod } = packet.properties
  const method = client.access.methods.get(authenticationMethod ?? "") as EnhancedMethod
  const exchange: Exchange = { method, request, packet, next: undefined }
  client.exchange = exchange
  run(core, client, exchange, method.begin(request, authenticationData))
}

/** AUTH from the client. */
export const receiveAuth = (core: Core, client: Client, packet: AuthPacket): Fault | undefined => {
  const exchange = client.exchange as Exchange | undefined
  if (exchange === undefined) return authNotExpected // [MQTT-4.12.0-7]
  const { authenticationData, authenticationMethod } = packet.properties
  if (authenticationMethod !== exchange.method.name) return authMethodDiffers // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
  if (packet.reasonCode === ReasonCode.continueAuthentication && exchange.next !== undefined) {
    const next = exchange.next
    exchange.next = undefined
    run(core, client, exchange, next(authenticationData))
    return undefined
  }
  const mayBegin = client.state === ClientState.connected && exchange.next === undefined
  if (packet.reasonCode !== ReasonCode.reAuthenticate || !mayBegin) return authOutOfTurn
  run(core, client, exchange, exchange.method.begin(exchange.request, authenticationData))
  return undefined
}

const run = (core: Core, client: Client, exchange: Exchange, step: Step): void => {
  client.connection.stop()
  const judged = Effect.flatMap(step, (answer) => {
    const { identity } = answer
    const will = identity === undefined ? undefined : exchange.packet?.will
    const allowed = mayLeaveWill(core, client.access, identity ?? exchange.request, will)
    return Effect.map(allowed, (isWillAllowed) => ({ answer, isWillAllowed }))
  })
  core.options.run(
    Effect.matchCause(judged, {
      onSuccess: ({ answer, isWillAllowed }) => {
        core.tick()
        if (client.state === ClientState.closed) return
        if (isWillAllowed) apply(core, client, exchange, answer)
        else refuseWill(core, client)
        client.lastReceivedMs = core.loopMs
        client.connection.go()
      },
      onFailure: (cause) => {
        core.tick()
        if (client.state === ClientState.closed) return
        const { reasonCode, why } = refusalOf(cause)
        if (exchange.packet !== undefined) {
          countDenied(core, exchange.packet)
          refuseLogin(core, client, exchange.request, reasonCode, why) // [MQTT-4.12.0-4]
        } else refuseAgain(core, client, exchange, reasonCode, why)
      }
    })
  )
}

const apply = (core: Core, client: Client, exchange: Exchange, answer: EnhancedStep): void => {
  const properties: Properties = { authenticationMethod: exchange.method.name }
  if (answer.data !== undefined) properties.authenticationData = Buffer.from(answer.data)
  if (answer.identity === undefined) {
    exchange.next = answer.next
    sendAuth(core, client, ReasonCode.continueAuthentication, properties) // [MQTT-4.12.0-2]
    return
  }
  const { packet } = exchange
  exchange.packet = undefined
  if (packet !== undefined) accept(core, client, packet, answer.identity, properties)
  else if (isSomebodyElse(client, answer.identity)) {
    refuseAgain(core, client, exchange, ReasonCode.notAuthorized, "it is another user than before")
  } else {
    setIdentity(client, answer.identity)
    sendAuth(core, client, ReasonCode.success, properties) // [MQTT-4.12.1-1]
    watchIdentity(core, client)
  }
}

/** Session, will and subscriptions are those of the user who connected. */
const isSomebodyElse = ({ identity: before }: Client, { clientIdentifier, username }: Identity): boolean =>
  before?.username !== username || before?.clientIdentifier !== clientIdentifier

/** [MQTT-4.12.1-2] DISCONNECT has no reason codes for passwords and for servers that are away. */
const refuseAgain = (core: Core, client: Client, { request }: Exchange, reasonCode: number, why: string): void => {
  tellFailedLogin(core, request, reasonCode, why)
  const told = reasonCode === ReasonCode.serverBusy ? reasonCode : ReasonCode.notAuthorized
  closeClient(core, client, "server", told, wordsFor(told))
}

const sendAuth = (core: Core, client: Client, reasonCode: number, properties: Properties): void => {
  if (send(core, client, core.codec.encodeAuth(reasonCode, properties))) return
  closeClient(core, client, "refused", undefined, "the client's Maximum Packet Size leaves no room for AUTH")
}

/** A refusal says its own code; anything else that went wrong is a refusal too: fails closed. */
export const refusalOf = (
  cause: Cause.Cause<ConnectRefused>
): { readonly reasonCode: number; readonly why: string } => {
  const failure = Cause.findErrorOption(cause)
  if (failure._tag === "Some") return failure.value
  return { reasonCode: ReasonCode.serverUnavailable, why: `authentication died: ${Cause.pretty(cause)}` }
}
