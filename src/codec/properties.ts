/**
 * The 27 properties of MQTT 5.0, once, as data. The decoders, the encoders and the faults are derived from
 * this table; test/codec/tables.test.ts compares it with the conformance catalogue.
 *
 * A property is an identifier byte followed by a value of its kind:
 *
 *   byte        1 byte                  string  2-byte length, UTF-8
 *   twoByte     2 bytes, big-endian     binary  2-byte length, bytes
 *   fourByte    4 bytes, big-endian     pair    two strings
 *   variable    1 to 4 bytes, 7 bits each, least significant first
 *
 * `places` are the packets that may carry it; Will Properties are a place of their own. `serverOnly` are
 * the places where only a server may send it. `minimum` and `maximum` bound numeric values; a value outside
 * is answered with `rangeReasonCode`.
 */
import type { Properties } from "./codec.ts"
import { Fault } from "./fault.ts"
import { ReasonCode } from "./reason-codes.ts"

export const PropertyKind = { byte: 1, twoByte: 2, fourByte: 3, variable: 4, string: 5, binary: 6, pair: 7 } as const
export type PropertyKind = (typeof PropertyKind)[keyof typeof PropertyKind]

/** Where properties stand: one bit per packet type, and one for the will inside CONNECT. */
export const PropertyPlace = {
  will: 1 << 0,
  connect: 1 << 1,
  connack: 1 << 2,
  publish: 1 << 3,
  puback: 1 << 4,
  pubrec: 1 << 5,
  pubrel: 1 << 6,
  pubcomp: 1 << 7,
  subscribe: 1 << 8,
  suback: 1 << 9,
  unsubscribe: 1 << 10,
  unsuback: 1 << 11,
  disconnect: 1 << 14,
  auth: 1 << 15
} as const

/** Identifiers by the names that the source uses. */
export const PropertyId = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  responseTopic: 0x08,
  subscriptionIdentifier: 0x0b,
  willDelayInterval: 0x18,
  reasonString: 0x1f,
  topicAlias: 0x23,
  userProperty: 0x26
} as const

export interface PropertyRow {
  readonly id: number
  readonly name: string
  readonly field: keyof Properties
  readonly kind: PropertyKind
  readonly places: number
  readonly serverOnly: number
  readonly repeatable: boolean
  readonly minimum: number
  readonly maximum: number
  readonly rangeReasonCode: number
}

const { will, connect, connack, publish, puback, pubrec, pubrel, pubcomp } = PropertyPlace
const { subscribe, suback, unsuback, disconnect, auth } = PropertyPlace
const anywhere = Object.values(PropertyPlace).reduce((all, place) => all | place, 0)
const explained = connack | puback | pubrec | pubrel | pubcomp | suback | unsuback | disconnect | auth
const maximumOf = [0, 0xff, 0xffff, 0xffff_ffff, 268_435_455]

type Extra = Partial<Pick<PropertyRow, "serverOnly" | "repeatable" | "minimum" | "maximum" | "rangeReasonCode">>
function row(
  id: number,
  name: string,
  field: keyof Properties,
  kind: keyof typeof PropertyKind,
  places: number,
  extra: Extra = {}
): PropertyRow {
  const defaults = { serverOnly: 0, repeatable: false, minimum: 0, rangeReasonCode: ReasonCode.protocolError }
  const maximum = maximumOf[PropertyKind[kind]] ?? 0
  return { id, name, field, kind: PropertyKind[kind], places, ...defaults, maximum, ...extra }
}

const flag = { maximum: 1 } as const
const positive = { minimum: 1 } as const

export const propertyTable: ReadonlyArray<PropertyRow> = [
  row(0x01, "Payload Format Indicator", "payloadFormatIndicator", "byte", publish | will, flag),
  row(0x02, "Message Expiry Interval", "messageExpiryInterval", "fourByte", publish | will),
  row(0x03, "Content Type", "contentType", "string", publish | will),
  row(0x08, "Response Topic", "responseTopic", "string", publish | will),
  row(0x09, "Correlation Data", "correlationData", "binary", publish | will),
  row(0x0b, "Subscription Identifier", "subscriptionIdentifier", "variable", publish | subscribe, {
    minimum: 1,
    serverOnly: publish // [MQTT-3.3.4-6]
  }),
  row(0x11, "Session Expiry Interval", "sessionExpiryInterval", "fourByte", connect | connack | disconnect),
  row(0x12, "Assigned Client Identifier", "assignedClientIdentifier", "string", connack),
  row(0x13, "Server Keep Alive", "serverKeepAlive", "twoByte", connack),
  row(0x15, "Authentication Method", "authenticationMethod", "string", connect | connack | auth),
  row(0x16, "Authentication Data", "authenticationData", "binary", connect | connack | auth),
  row(0x17, "Request Problem Information", "requestProblemInformation", "byte", connect, flag),
  row(0x18, "Will Delay Interval", "willDelayInterval", "fourByte", will),
  row(0x19, "Request Response Information", "requestResponseInformation", "byte", connect, flag),
  row(0x1a, "Response Information", "responseInformation", "string", connack),
  row(0x1c, "Server Reference", "serverReference", "string", connack | disconnect, { serverOnly: disconnect }),
  row(0x1f, "Reason String", "reasonString", "string", explained),
  row(0x21, "Receive Maximum", "receiveMaximum", "twoByte", connect | connack, positive),
  row(0x22, "Topic Alias Maximum", "topicAliasMaximum", "twoByte", connect | connack),
  row(0x23, "Topic Alias", "topicAlias", "twoByte", publish, {
    minimum: 1,
    rangeReasonCode: ReasonCode.topicAliasInvalid // [MQTT-3.3.2-8]
  }),
  row(0x24, "Maximum QoS", "maximumQos", "byte", connack, flag),
  row(0x25, "Retain Available", "retainAvailable", "byte", connack, flag),
  row(0x26, "User Property", "userProperties", "pair", anywhere, { repeatable: true }),
  row(0x27, "Maximum Packet Size", "maximumPacketSize", "fourByte", connect | connack, positive),
  row(0x28, "Wildcard Subscription Available", "wildcardSubscriptionAvailable", "byte", connack, flag),
  row(0x29, "Subscription Identifier Available", "subscriptionIdentifierAvailable", "byte", connack, flag),
  row(0x2a, "Shared Subscription Available", "sharedSubscriptionAvailable", "byte", connack, flag)
]

/** Identifiers lie below this: they fit one byte, and the columns below are indexed by them. */
export const propertyIdBound = 64

/** Columns of the table, indexed by identifier; kind 0 = no such property. */
export const kindOf = new Uint8Array(propertyIdBound)
/** Places in which a client may send it. */
export const fromClient = new Uint32Array(propertyIdBound)
export const isRepeatable = new Uint8Array(propertyIdBound)
export const minimumOf = new Float64Array(propertyIdBound)
export const maximumValueOf = new Float64Array(propertyIdBound)
export const fieldOf: Array<keyof Properties | undefined> = new Array(propertyIdBound).fill(undefined)
const rowOf: Array<PropertyRow | undefined> = new Array(propertyIdBound).fill(undefined)
const rowOfField = new Map<string, PropertyRow>()

for (const property of propertyTable) {
  rowOf[property.id] = property
  rowOfField.set(property.field, property)
  kindOf[property.id] = property.kind
  fromClient[property.id] = property.places & ~property.serverOnly
  isRepeatable[property.id] = property.repeatable ? 1 : 0
  minimumOf[property.id] = property.minimum
  maximumValueOf[property.id] = property.maximum
  fieldOf[property.id] = property.field
}

/** The row of an identifier that is known to exist. */
export function propertyRow(id: number): PropertyRow | undefined {
  return rowOf[id]
}

/** The row of a field of Properties. */
export function propertyOfField(field: string): PropertyRow {
  return rowOfField.get(field) as PropertyRow
}

/** Why this property cannot stand in this place when a client sends it. */
export function misplacedFault(id: number, place: number): Fault {
  const known = rowOf[id]
  if (known === undefined) return unknownProperty
  if ((known.serverOnly & place) !== 0) {
    return new Fault(ReasonCode.protocolError, `${known.name} may only be sent by a server here`)
  }
  return new Fault(ReasonCode.malformedPacket, `${known.name} does not belong into this packet`)
}

const unknownProperty = new Fault(ReasonCode.malformedPacket, "Unknown property identifier")
