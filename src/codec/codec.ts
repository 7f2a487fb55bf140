/**
 * The codec port: everything the broker knows about bytes on the wire.
 *
 * Two implementations pass one contract suite (test/contract/codec): `own` (production) and `reference` (mqtt-packet both
 * ways; tests only).
 * All functions are plain and synchronous. Decoders judge completely: what they return is legal, and
 * what is illegal comes back as a Fault with the reason code the standard names. A decoder never reads
 * outside [start, end) and never allocates more than a small multiple of what it read.
 */
import type { Fault } from "./fault.ts"
import type { PublishView } from "./publish-view.ts"

/** Protocol level as sent in CONNECT: 3 = MQTT 3.1, 4 = 3.1.1, 5 = 5.0. */
export type ProtocolVersion = 3 | 4 | 5

export type UserProperty = readonly [name: string, value: string]

/** Properties of any packet, by the standard's names. Absent means undefined. */
export interface Properties {
  payloadFormatIndicator?: number
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  subscriptionIdentifier?: number
  sessionExpiryInterval?: number
  assignedClientIdentifier?: string
  serverKeepAlive?: number
  authenticationMethod?: string
  authenticationData?: Buffer
  requestProblemInformation?: number
  willDelayInterval?: number
  requestResponseInformation?: number
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQos?: number
  retainAvailable?: number
  userProperties?: ReadonlyArray<UserProperty>
  maximumPacketSize?: number
  wildcardSubscriptionAvailable?: number
  subscriptionIdentifierAvailable?: number
  sharedSubscriptionAvailable?: number
}

export interface Will {
  readonly topic: string
  /** Own memory, not a window into the read buffer. */
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: Properties
  /** The client that set it speaks 5.0. */
  readonly isVersion5: boolean
  /** The will's property bytes as received, without Will Delay Interval; empty for 3.x. Order kept [MQTT-3.1.3-10]. */
  readonly publishProperties: Buffer
}

export interface ConnectPacket {
  readonly version: ProtocolVersion
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  /** Empty when the server shall assign one. */
  readonly clientIdentifier: string
  readonly will: Will | undefined
  readonly username: string | undefined
  readonly password: Buffer | undefined
  readonly properties: Properties
}

export interface SubscribeEntry {
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}
export interface SubscribePacket {
  readonly packetIdentifier: number
  readonly properties: Properties
  /** Filters are well-formed UTF-8 without U+0000 and not empty; their wildcard and $share syntax is judged by router/filter. */
  readonly entries: ReadonlyArray<SubscribeEntry>
}
export interface UnsubscribePacket {
  readonly packetIdentifier: number
  readonly properties: Properties
  readonly filters: ReadonlyArray<string>
}
export interface DisconnectPacket {
  readonly reasonCode: number
  readonly properties: Properties
}
export interface AuthPacket {
  readonly reasonCode: number
  readonly properties: Properties
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP as registers, reused like PublishView. */
export class AckView {
  packetIdentifier = 0
  reasonCode = 0
}

export interface Codec {
  readonly name: string

  /**
   * Length of the whole frame that starts at `start`, 0 when the fixed header is not complete yet, or a
   * Fault (remaining length malformed: 0x81; frame above `maximumPacketSizeBytes`: 0x95, told before a
   * byte of it is buffered).
   */
  frameLength(buffer: Buffer, start: number, end: number, maximumPacketSizeBytes: number): number | Fault

  /** Fills `view` from a complete PUBLISH frame [start, end). */
  readPublish(
    view: PublishView,
    buffer: Buffer,
    start: number,
    end: number,
    version: ProtocolVersion
  ): Fault | undefined

  /**
   * Run coalescing: `view` holds a QoS 0 PUBLISH without properties; answers the end of the longest run
   * of complete frames from view.frameEnd on (before `end`) that repeat its first byte, its topic and its
   * empty property section. Answers view.frameEnd when there is none. Payload lengths may differ. Sets
   * view.runFrames to the number of frames from view.frameStart to the answer.
   */
  runEnd(view: PublishView, end: number, maximumPacketSizeBytes: number): number

  /** Fills `view` from a complete PUBACK, PUBREC, PUBREL or PUBCOMP frame. */
  readAcknowledgement(
    view: AckView,
    buffer: Buffer,
    start: number,
    end: number,
    version: ProtocolVersion
  ): Fault | undefined

  decodeConnect(buffer: Buffer, start: number, end: number): ConnectPacket | Fault
  decodeSubscribe(buffer: Buffer, start: number, end: number, version: ProtocolVersion): SubscribePacket | Fault
  decodeUnsubscribe(buffer: Buffer, start: number, end: number, version: ProtocolVersion): UnsubscribePacket | Fault
  decodeDisconnect(buffer: Buffer, start: number, end: number, version: ProtocolVersion): DisconnectPacket | Fault
  decodeAuth(buffer: Buffer, start: number, end: number): AuthPacket | Fault
  /** PINGREQ: checks flags and length. */
  checkPing(buffer: Buffer, start: number, end: number): Fault | undefined

  /** For 3.x `reasonCode` is the 3.1.1 return code; properties are ignored. */
  encodeConnack(version: ProtocolVersion, sessionPresent: boolean, reasonCode: number, properties: Properties): Buffer
  encodeSuback(
    version: ProtocolVersion,
    packetIdentifier: number,
    reasonCodes: ReadonlyArray<number>,
    properties: Properties
  ): Buffer
  encodeUnsuback(
    version: ProtocolVersion,
    packetIdentifier: number,
    reasonCodes: ReadonlyArray<number>,
    properties: Properties
  ): Buffer
  /** 5.0 only (a 3.x server has no DISCONNECT). */
  encodeDisconnect(reasonCode: number, properties: Properties): Buffer
  encodeAuth(reasonCode: number, properties: Properties): Buffer
}

/** Packet types, high nibble of the first byte. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15
} as const
