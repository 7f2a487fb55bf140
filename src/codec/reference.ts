/**
 * The reference codec: the mqtt-packet library in both directions, a fresh parser per frame. For tests only:
 * it is the second opinion that the own codec is held against, and slow.
 *
 * A PUBLISH is parsed and generated again, and the view points into that new frame. It is laid so that it
 * ends at the same offset as the original; user properties may stand in another order.
 *
 * `referenceCannotJudge` is the list of what is beyond it, by name and with the reason. Suites that run with
 * this codec skip what is marked with one of these names.
 */
import { generate, type IConnectPacket, type Packet, parser } from "mqtt-packet"
import { encodePublishProperties } from "./build-publish.ts"
import type { AckView, AuthPacket, Codec, ConnectPacket, DisconnectPacket, Properties } from "./codec.ts"
import { PacketType, type ProtocolVersion, type SubscribePacket, type UnsubscribePacket, type Will } from "./codec.ts"
import { Fault } from "./fault.ts"
import {
  packetTooLarge,
  reasonCodeNotAllowed,
  remainingLengthMalformed,
  trailingBytes,
  truncated,
  unknownProtocolName,
  unsupportedVersion3,
  unsupportedVersion5
} from "./faults.ts"
import { fromLibrary, type LibraryProperties } from "./mqtt-packet-properties.ts"
import { PropertyPlace } from "./properties.ts"
import type { PublishView } from "./publish-view.ts"
import { viewTrusted } from "./read-publish.ts"
import { clientMaySend, ReasonCode } from "./reason-codes.ts"
import { encodeAuth, encodeConnack, encodeDisconnect, encodeSuback, encodeUnsuback } from "./reference-answers.ts"
import {
  judgeFilters,
  judgeLibraryProperties,
  judgePacketIdentifier,
  judgeText,
  judgeTopic,
  placeOf
} from "./reference-judge.ts"

export const referenceCannotJudge = {
  "reason-code": "the library's errors carry no Reason Code; every refusal of its own is told as 0x81",
  "ill-formed-utf8":
    "ill-formed UTF-8 is replaced by U+FFFD, which is a legal character (in PUBLISH the frame grows by it)",
  "first-value-lost": "a duplicate property is not seen when its first value is 0, empty or false",
  "byte-above-1": "a byte property of 2 to 255 becomes true",
  "over-long-integer": "a Variable Byte Integer in a longer form than needed is taken",
  "section-overrun": "a property may reach beyond the Property Length into the next field",
  "trailing-bytes": "bytes behind the last field are ignored",
  "user-property-order": "User Properties are grouped by name and pairs with an empty value can vanish",
  "empty-auth": "an AUTH without a body is refused although its bytes are legal",
  "version-3.1":
    "what only 3.1 allows is refused: DUP on PUBREL, SUBSCRIBE, UNSUBSCRIBE; credentials announced and not sent",
  "duplicate-at-qos-0": "DUP at QoS 0 is dropped without a word",
  runs: "the view points into a new frame, so that a run of frames cannot be seen"
} as const

export const referenceCodec: Codec = {
  name: "reference",
  frameLength,
  readPublish,
  runEnd,
  readAcknowledgement,
  decodeConnect,
  decodeSubscribe,
  decodeUnsubscribe,
  decodeDisconnect,
  decodeAuth,
  checkPing,
  encodeConnack,
  encodeSuback,
  encodeUnsuback,
  encodeDisconnect,
  encodeAuth
}

/** Always a run of one: the view points into a new frame, not into the chunk. */
function runEnd(view: PublishView): number {
  view.runFrames = 1
  view.frameEndRead = view.frameEnd
  return view.frameEnd
}

/** The library gives no lengths: the standard's own loop, section 1.5.5. */
function frameLength(buffer: Buffer, start: number, end: number, maximumPacketSizeBytes: number): number | Fault {
  let multiplier = 1
  let value = 0
  for (let count = 1; count <= 4; count++) {
    const byte = start + count < end ? buffer[start + count] : undefined
    if (byte === undefined) return 0
    value += (byte & 127) * multiplier
    multiplier *= 128
    if (byte >= 128) continue
    if (byte === 0 && count > 1) return remainingLengthMalformed
    const length = 1 + count + value
    return length > maximumPacketSizeBytes ? packetTooLarge : length
  }
  return remainingLengthMalformed
}

/** Any packet, as the library hands it over. */
type Parsed = Packet & { properties?: LibraryProperties; length: number; reasonCode?: number; messageId?: number }

function parse(buffer: Buffer, start: number, end: number, version: ProtocolVersion): Parsed | Fault {
  let packet: Parsed | undefined
  let fault: Fault | undefined
  const fresh = parser({ protocolVersion: version })
  fresh.on("packet", (parsed) => {
    packet ??= parsed as Parsed
  })
  fresh.on("error", (error: Error) => {
    fault ??= new Fault(ReasonCode.malformedPacket, error.message)
  })
  fresh.parse(Buffer.from(buffer.subarray(start, end)))
  return fault ?? packet ?? truncated
}

function readPublish(
  view: PublishView,
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): Fault | undefined {
  const packet = parse(buffer, start, end, version)
  if (packet instanceof Fault) return packet
  if (packet.cmd !== "publish") return truncated
  const fault =
    judgeLibraryProperties(packet.properties, PropertyPlace.publish) ??
    judgeTopic(packet.topic, packet.properties?.topicAlias !== undefined) ??
    (packet.qos === 0 ? undefined : judgePacketIdentifier(packet.messageId))
  if (fault !== undefined) return fault
  const frame = generate(packet, { protocolVersion: version })
  // Longer than it came: text was replaced.
  if (frame.length > end - start) return new Fault(ReasonCode.malformedPacket, "Packet changed while it was read")
  const placed = Buffer.alloc(end)
  frame.copy(placed, end - frame.length)
  viewTrusted(view, placed, end - frame.length, end, version === 5)
  runEnd(view)
  return undefined
}

function readAcknowledgement(
  view: AckView,
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): Fault | undefined {
  const packet = parse(buffer, start, end, version)
  if (packet instanceof Fault) return packet
  if (version !== 5 && packet.length !== 2) return trailingBytes
  const place = placeOf((buffer[start] as number) >> 4)
  const fault = judgePacketIdentifier(packet.messageId) ?? judgeLibraryProperties(packet.properties, place)
  if (fault !== undefined) return fault
  view.packetIdentifier = packet.messageId ?? 0
  view.reasonCode = packet.reasonCode ?? 0
  return undefined
}

function decodeConnect(buffer: Buffer, start: number, end: number): ConnectPacket | Fault {
  const packet = parse(buffer, start, end, 5)
  if (packet instanceof Fault) return connectFault(packet, buffer.subarray(start, end))
  if (packet.cmd !== "connect") return truncated
  const version = packet.protocolVersion ?? 4
  if ((packet as { bridgeMode?: boolean }).bridgeMode === true) return unsupportedVersion3
  if ((packet.protocolId === "MQIsdp") !== (version === 3)) return unsupportedVersion3
  const properties = packet.properties as LibraryProperties | undefined
  const fault =
    judgeLibraryProperties(properties, PropertyPlace.connect) ??
    judgeText(packet.clientId) ??
    (packet.username === undefined ? undefined : judgeText(packet.username))
  if (fault !== undefined) return fault
  const own = fromLibrary(properties)
  if (own.authenticationData !== undefined && own.authenticationMethod === undefined) {
    return new Fault(ReasonCode.protocolError, "Authentication Data without Authentication Method")
  }
  if (version !== 5 && packet.password !== undefined && packet.username === undefined) return truncated
  const will = packet.will === undefined ? undefined : readWill(packet.will, version)
  if (will instanceof Fault) return will
  return {
    version,
    cleanStart: packet.clean ?? false,
    keepAliveSeconds: packet.keepalive ?? 0,
    clientIdentifier: packet.clientId,
    will,
    username: packet.username,
    password: packet.password === undefined ? undefined : Buffer.from(packet.password),
    properties: own
  }
}

/** The library says which of name and level it refuses, not which form an answer should take. */
function connectFault(fault: Fault, frame: Buffer): Fault {
  if (fault.why === "Invalid protocolId") return unknownProtocolName
  if (fault.why !== "Invalid protocol version") return fault
  const nameAt = frame.indexOf("MQTT")
  return nameAt >= 0 && (frame[nameAt + 4] as number) > 5 ? unsupportedVersion5 : unsupportedVersion3
}

function readWill(will: NonNullable<IConnectPacket["will"]>, version: ProtocolVersion): Will | Fault {
  if ((will.qos as number) > 2) return new Fault(ReasonCode.malformedPacket, "Will QoS is 3")
  const library = will.properties as LibraryProperties | undefined
  const fault = judgeLibraryProperties(library, PropertyPlace.will) ?? judgeTopic(will.topic, false)
  if (fault !== undefined) return fault
  const properties: Properties = fromLibrary(library)
  return {
    topic: will.topic,
    payload: Buffer.from(will.payload),
    qos: will.qos ?? 0,
    retain: will.retain ?? false,
    properties,
    isVersion5: version === 5,
    publishProperties: version === 5 ? encodePublishProperties(properties) : Buffer.alloc(0)
  }
}

function decodeSubscribe(
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): SubscribePacket | Fault {
  const packet = parse(buffer, start, end, version)
  if (packet instanceof Fault) return packet
  if (packet.cmd !== "subscribe") return truncated
  const fault =
    judgePacketIdentifier(packet.messageId) ??
    judgeLibraryProperties(packet.properties, PropertyPlace.subscribe) ??
    judgeFilters(packet.subscriptions.map((entry) => entry.topic))
  if (fault !== undefined) return fault
  if (packet.subscriptions.some((entry) => entry.nl === true && entry.topic.startsWith("$share/"))) {
    return new Fault(ReasonCode.protocolError, "No Local is set on a Shared Subscription")
  }
  const entries = packet.subscriptions.map((entry) => ({
    filter: entry.topic,
    qos: entry.qos,
    noLocal: entry.nl ?? false,
    retainAsPublished: entry.rap ?? false,
    retainHandling: (entry.rh ?? 0) as 0 | 1 | 2
  }))
  return { packetIdentifier: packet.messageId ?? 0, properties: fromLibrary(packet.properties), entries }
}

function decodeUnsubscribe(
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): UnsubscribePacket | Fault {
  const packet = parse(buffer, start, end, version)
  if (packet instanceof Fault) return packet
  if (packet.cmd !== "unsubscribe") return truncated
  const fault =
    judgePacketIdentifier(packet.messageId) ??
    judgeLibraryProperties(packet.properties, PropertyPlace.unsubscribe) ??
    judgeFilters(packet.unsubscriptions)
  if (fault !== undefined) return fault
  return {
    packetIdentifier: packet.messageId ?? 0,
    properties: fromLibrary(packet.properties),
    filters: packet.unsubscriptions
  }
}

function decodeDisconnect(
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): DisconnectPacket | Fault {
  const packet = parse(buffer, start, end, version)
  if (packet instanceof Fault) return packet
  if (version !== 5) return packet.length === 0 ? { reasonCode: 0, properties: {} } : trailingBytes
  const reasonCode = packet.reasonCode ?? 0
  if (!clientMaySend(PacketType.disconnect, reasonCode)) return reasonCodeNotAllowed
  const fault = judgeLibraryProperties(packet.properties, PropertyPlace.disconnect)
  return fault ?? { reasonCode, properties: fromLibrary(packet.properties) }
}

function decodeAuth(buffer: Buffer, start: number, end: number): AuthPacket | Fault {
  const packet = parse(buffer, start, end, 5)
  if (packet instanceof Fault) return packet
  const reasonCode = packet.reasonCode ?? 0
  if (!clientMaySend(PacketType.auth, reasonCode)) return reasonCodeNotAllowed
  const fault = judgeLibraryProperties(packet.properties, PropertyPlace.auth)
  if (fault !== undefined) return fault
  const properties = fromLibrary(packet.properties)
  if (properties.authenticationMethod !== undefined) return { reasonCode, properties }
  return new Fault(ReasonCode.protocolError, "Authentication Method is missing")
}

function checkPing(buffer: Buffer, start: number, end: number): Fault | undefined {
  const packet = parse(buffer, start, end, 5)
  if (packet instanceof Fault) return packet
  return packet.length === 0 ? undefined : trailingBytes
}
