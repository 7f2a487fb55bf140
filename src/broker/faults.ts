/**
 * What a client can do wrong that only the broker can judge: limits it announced, state of the session.
 * What the bytes alone tell is in src/codec. Allocated once; the reason codes are those the standard names.
 */
import { Fault } from "../codec/fault.ts"
import { ReasonCode } from "../codec/reason-codes.ts"

export const notConnected = new Fault(ReasonCode.protocolError, "the first packet must be CONNECT")
export const secondConnect = new Fault(ReasonCode.protocolError, "CONNECT was sent twice")
export const serverOnlyPacket = new Fault(ReasonCode.protocolError, "this packet type is sent by servers only")
export const unknownPacket = new Fault(ReasonCode.malformedPacket, "packet type 0 does not exist")
export const authNotExpected = new Fault(ReasonCode.protocolError, "AUTH without an Authentication Method in CONNECT")
export const authMethodDiffers = new Fault(ReasonCode.protocolError, "Authentication Method differs from CONNECT's")
export const authOutOfTurn = new Fault(ReasonCode.protocolError, "AUTH that nobody waits for")
export const notYetConnected = new Fault(ReasonCode.protocolError, "only AUTH may follow CONNECT before CONNACK")
export const authNotVersion5 = new Fault(ReasonCode.malformedPacket, "AUTH exists from MQTT 5.0 on")
export const qosNotSupported = new Fault(ReasonCode.qosNotSupported, "QoS is above the announced Maximum QoS")
export const retainNotSupported = new Fault(ReasonCode.retainNotSupported, "retained messages are switched off")
export const receiveMaximumExceeded = new Fault(
  ReasonCode.receiveMaximumExceeded,
  "more unacknowledged PUBLISH packets than the announced Receive Maximum"
)
export const aliasTooLarge = new Fault(
  ReasonCode.topicAliasInvalid,
  "Topic Alias is above the announced Topic Alias Maximum"
)
export const aliasUnknown = new Fault(ReasonCode.protocolError, "Topic Alias was not set on this connection")
export const topicTooLong = new Fault(ReasonCode.topicNameInvalid, "topic name is longer than mqtt.max-topic-len")
export const topicTooDeep = new Fault(
  ReasonCode.topicNameInvalid,
  "topic name has more levels than mqtt.max-topic-levels"
)
/** 3.x only: it has no negative acknowledgement, and acknowledging would be a lie. */
export const quotaExceeded = new Fault(ReasonCode.quotaExceeded, "every session the message is for is at its limit")
/** A step of QoS 2 that cannot be saved is not answered: the client repeats it on its next connection. */
export const userQuotaExceeded = new Fault(ReasonCode.quotaExceeded, "the user's quota for today is used up")
export const storeRefuses = new Fault(ReasonCode.quotaExceeded, "the store takes nothing now")
export const tooManyUserProperties = new Fault(
  ReasonCode.quotaExceeded,
  "more user properties in one packet than limits.max-user-properties"
)
export const tooManyFilters = new Fault(
  ReasonCode.quotaExceeded,
  "more filters in one packet than limits.max-filters-per-packet"
)
/** 3.x only: UNSUBACK says nothing but yes there. */
export const notUnsubscribed = new Fault(ReasonCode.implementationSpecificError, "the store takes no change now")
export const sharedNoLocal = new Fault(ReasonCode.protocolError, "No Local on a shared subscription")
export const sessionExpiryRaised = new Fault(
  ReasonCode.protocolError,
  "Session Expiry Interval in DISCONNECT after 0 in CONNECT"
)
