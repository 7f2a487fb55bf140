/**
 * The reason codes of MQTT 5.0, once, as data. Everything else about them is derived: which code a packet
 * may carry, who may send it, its name in logs and in a Reason String.
 *
 * One code can have several rows (0x00 is "Success" in PUBACK and "Normal disconnection" in DISCONNECT).
 * `sender` says who may put the code into DISCONNECT and AUTH; for the other packets the direction of the
 * packet answers that. CONNACK return codes of MQTT 3.x are another, smaller table (`ReturnCode`).
 *
 * 0x8C is missing from the standard's table 3-10 although section 4.12 sends it in DISCONNECT, and 0x9B is
 * a server's code there although section 3.3.4 lets a client send it: both are taken from anyone.
 */
import { PacketType } from "./codec.ts"

export interface ReasonCodeRow {
  readonly code: number
  readonly name: string
  /** Packet types that may carry the code. */
  readonly packets: ReadonlyArray<number>
  /** For DISCONNECT and AUTH. */
  readonly sender?: "both" | "client" | "server"
}

const { connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, disconnect, auth } = PacketType

export const reasonCodeTable: ReadonlyArray<ReasonCodeRow> = [
  {
    code: 0x00,
    name: "Success",
    packets: [connack, puback, pubrec, pubrel, pubcomp, unsuback, auth],
    sender: "server"
  },
  { code: 0x00, name: "Normal disconnection", packets: [disconnect], sender: "both" },
  { code: 0x00, name: "Granted QoS 0", packets: [suback] },
  { code: 0x01, name: "Granted QoS 1", packets: [suback] },
  { code: 0x02, name: "Granted QoS 2", packets: [suback] },
  { code: 0x04, name: "Disconnect with Will Message", packets: [disconnect], sender: "client" },
  { code: 0x10, name: "No matching subscribers", packets: [puback, pubrec] },
  { code: 0x11, name: "No subscription existed", packets: [unsuback] },
  { code: 0x18, name: "Continue authentication", packets: [auth], sender: "both" },
  { code: 0x19, name: "Re-authenticate", packets: [auth], sender: "client" },
  {
    code: 0x80,
    name: "Unspecified error",
    packets: [connack, puback, pubrec, suback, unsuback, disconnect],
    sender: "both"
  },
  { code: 0x81, name: "Malformed Packet", packets: [connack, disconnect], sender: "both" },
  { code: 0x82, name: "Protocol Error", packets: [connack, disconnect], sender: "both" },
  {
    code: 0x83,
    name: "Implementation specific error",
    packets: [connack, puback, pubrec, suback, unsuback, disconnect],
    sender: "both"
  },
  { code: 0x84, name: "Unsupported Protocol Version", packets: [connack] },
  { code: 0x85, name: "Client Identifier not valid", packets: [connack] },
  { code: 0x86, name: "Bad User Name or Password", packets: [connack] },
  {
    code: 0x87,
    name: "Not authorized",
    packets: [connack, puback, pubrec, suback, unsuback, disconnect],
    sender: "server"
  },
  { code: 0x88, name: "Server unavailable", packets: [connack] },
  { code: 0x89, name: "Server busy", packets: [connack, disconnect], sender: "server" },
  { code: 0x8a, name: "Banned", packets: [connack] },
  { code: 0x8b, name: "Server shutting down", packets: [disconnect], sender: "server" },
  { code: 0x8c, name: "Bad authentication method", packets: [connack, disconnect], sender: "both" },
  { code: 0x8d, name: "Keep Alive timeout", packets: [disconnect], sender: "server" },
  { code: 0x8e, name: "Session taken over", packets: [disconnect], sender: "server" },
  { code: 0x8f, name: "Topic Filter invalid", packets: [suback, unsuback, disconnect], sender: "server" },
  { code: 0x90, name: "Topic Name invalid", packets: [connack, puback, pubrec, disconnect], sender: "both" },
  { code: 0x91, name: "Packet Identifier in use", packets: [puback, pubrec, suback, unsuback] },
  { code: 0x92, name: "Packet Identifier not found", packets: [pubrel, pubcomp] },
  { code: 0x93, name: "Receive Maximum exceeded", packets: [disconnect], sender: "both" },
  { code: 0x94, name: "Topic Alias invalid", packets: [disconnect], sender: "both" },
  { code: 0x95, name: "Packet too large", packets: [connack, disconnect], sender: "both" },
  { code: 0x96, name: "Message rate too high", packets: [disconnect], sender: "both" },
  { code: 0x97, name: "Quota exceeded", packets: [connack, puback, pubrec, suback, disconnect], sender: "both" },
  { code: 0x98, name: "Administrative action", packets: [disconnect], sender: "both" },
  { code: 0x99, name: "Payload format invalid", packets: [connack, puback, pubrec, disconnect], sender: "both" },
  { code: 0x9a, name: "Retain not supported", packets: [connack, disconnect], sender: "server" },
  { code: 0x9b, name: "QoS not supported", packets: [connack, disconnect], sender: "both" },
  { code: 0x9c, name: "Use another server", packets: [connack, disconnect], sender: "server" },
  { code: 0x9d, name: "Server moved", packets: [connack, disconnect], sender: "server" },
  { code: 0x9e, name: "Shared Subscriptions not supported", packets: [suback, disconnect], sender: "server" },
  { code: 0x9f, name: "Connection rate exceeded", packets: [connack, disconnect], sender: "server" },
  { code: 0xa0, name: "Maximum connect time", packets: [disconnect], sender: "server" },
  { code: 0xa1, name: "Subscription Identifiers not supported", packets: [suback, disconnect], sender: "server" },
  { code: 0xa2, name: "Wildcard Subscriptions not supported", packets: [suback, disconnect], sender: "server" }
]

/** The codes by the names that the source uses. */
export const ReasonCode = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQos0: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWillMessage: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2
} as const

/** CONNACK return codes of MQTT 3.1 and 3.1.1. */
export const ReturnCode = {
  accepted: 0,
  unacceptableProtocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5
} as const

/** Indexed by packet type * 256 + code: 1 = the packet may carry it, 2 = and a client may send it. */
const carried = new Uint8Array(16 * 256)
for (const row of reasonCodeTable) {
  for (const packet of row.packets) {
    const clientMay = packet === disconnect || packet === auth ? row.sender !== "server" : true
    carried[packet * 256 + row.code] = clientMay ? 3 : 1
  }
}

/** May this packet type carry this code at all? */
export function mayCarry(packetType: number, reasonCode: number): boolean {
  return ((carried[packetType * 256 + reasonCode] as number) & 1) !== 0
}

/** May a client send this code in this packet type? */
export function clientMaySend(packetType: number, reasonCode: number): boolean {
  return ((carried[packetType * 256 + reasonCode] as number) & 2) !== 0
}

/** The standard's name of the code, as used in that packet type. */
export function reasonCodeName(reasonCode: number, packetType?: number): string {
  let found: ReasonCodeRow | undefined
  for (const row of reasonCodeTable) {
    if (row.code !== reasonCode) continue
    if (packetType === undefined || row.packets.includes(packetType)) return row.name
    found ??= row
  }
  return found?.name ?? `Reason Code 0x${reasonCode.toString(16).padStart(2, "0")}`
}
