/**
 * Faults that more than one decoder answers, and those of the hot path, allocated once per cause.
 *
 * Which code: bytes that cannot be what the standard says they are make a Malformed Packet (0x81); values
 * that are readable but not allowed are a Protocol Error (0x82), unless the standard names a code of its
 * own. In 3.x nobody is told: the connection is closed.
 */
import { Fault } from "./fault.ts"
import { ReasonCode } from "./reason-codes.ts"

const malformed = (why: string) => new Fault(ReasonCode.malformedPacket, why)
const illegal = (why: string) => new Fault(ReasonCode.protocolError, why)

/** [MQTT-1.5.5-1] */
export const remainingLengthMalformed = malformed(
  "Remaining Length is not a Variable Byte Integer in its shortest form"
)
/** [MQTT-3.2.2-15] */
export const packetTooLarge = new Fault(ReasonCode.packetTooLarge, "Packet is larger than the Maximum Packet Size")
/** [MQTT-2.1.3-1] */
export const reservedFlags = malformed("Reserved flags of the fixed header have the wrong value")
export const truncated = malformed("Packet ends in the middle of a field")
export const trailingBytes = malformed("Packet goes on after its last field")
/** [MQTT-2.2.1-3] */
export const packetIdentifierZero = illegal("Packet Identifier is zero")
export const reasonCodeNotAllowed = illegal("Reason Code is not allowed in this packet")
export const propertyLengthMalformed = malformed("Property Length is not a Variable Byte Integer in its shortest form")
export const propertiesTooLong = malformed("Property Length reaches beyond the packet")

/** [MQTT-3.3.1-4] */
export const publishQos3 = malformed("PUBLISH has both QoS bits set")
/** [MQTT-3.3.1-2] */
export const duplicateAtQos0 = malformed("PUBLISH has DUP set at QoS 0")
/** [MQTT-3.3.2-1] */
export const topicNotUtf8 = malformed("Topic Name is not well-formed UTF-8 without U+0000")
/** [MQTT-3.3.2-2] */
export const topicHasWildcard = new Fault(ReasonCode.topicNameInvalid, "Topic Name contains a wildcard character")
/** [MQTT-4.7.3-1] */
export const topicEmpty = illegal("Topic Name is empty and there is no Topic Alias")

/**
 * CONNECT asks for a version that is not spoken here. The constant tells in which form CONNACK can be
 * understood: `...3` as a 3.1.1 CONNACK with return code 0x01 [v3.1.1 MQTT-3.1.2-2], `...5` as a 5.0 CONNACK with
 * Reason Code 0x84 [MQTT-3.1.2-2].
 */
export const unsupportedVersion3 = new Fault(ReasonCode.unsupportedProtocolVersion, "Protocol Version is not supported")
export const unsupportedVersion5 = new Fault(ReasonCode.unsupportedProtocolVersion, "Protocol Version is not supported")
/** Not MQTT at all, as far as one can tell: close without an answer [MQTT-3.1.2-1]. */
export const unknownProtocolName = new Fault(ReasonCode.unsupportedProtocolVersion, "Protocol Name is not MQTT")
