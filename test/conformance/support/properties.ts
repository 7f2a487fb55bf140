/**
 * The properties of MQTT 5.0 as the suite knows them: its own table, written from the standard's Table 2-4, so
 * that a mistake in the broker's table is not repeated here.
 *
 * Writing judges nothing: strings may be bytes that are no UTF-8, values may be out of range. Reading judges
 * everything: what a server may not send is a Breach.
 */
import { Breach, type Reading } from "./reading.ts"

/** A string, or bytes in place of one, which may be ill-formed. */
export type Text = string | Buffer

export interface Properties<T extends Text = string> {
  payloadFormatIndicator?: number
  messageExpiryInterval?: number
  contentType?: T
  responseTopic?: T
  correlationData?: Buffer
  subscriptionIdentifier?: ReadonlyArray<number>
  sessionExpiryInterval?: number
  assignedClientIdentifier?: T
  serverKeepAlive?: number
  authenticationMethod?: T
  authenticationData?: Buffer
  requestProblemInformation?: number
  willDelayInterval?: number
  requestResponseInformation?: number
  responseInformation?: T
  serverReference?: T
  reasonString?: T
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQos?: number
  retainAvailable?: number
  userProperty?: ReadonlyArray<readonly [T, T]>
  maximumPacketSize?: number
  wildcardSubscriptionAvailable?: number
  subscriptionIdentifierAvailable?: number
  sharedSubscriptionAvailable?: number
}

/** What one writes: a value may stand there several times, also where it must not. */
export type Wished = Properties<Text>

type Shape = "byte" | "two" | "four" | "variable" | "text" | "binary" | "pair"

interface Row {
  readonly id: number
  readonly name: keyof Properties
  readonly shape: Shape
  /** Packets of the server that may carry it. */
  readonly from: string
  readonly most?: number
  readonly least?: number
}

const answers = "connack puback pubrec pubrel pubcomp suback unsuback disconnect auth"

const rows: ReadonlyArray<Row> = [
  { id: 0x01, name: "payloadFormatIndicator", shape: "byte", from: "publish", most: 1 },
  { id: 0x02, name: "messageExpiryInterval", shape: "four", from: "publish" },
  { id: 0x03, name: "contentType", shape: "text", from: "publish" },
  { id: 0x08, name: "responseTopic", shape: "text", from: "publish" },
  { id: 0x09, name: "correlationData", shape: "binary", from: "publish" },
  { id: 0x0b, name: "subscriptionIdentifier", shape: "variable", from: "publish", least: 1 },
  { id: 0x11, name: "sessionExpiryInterval", shape: "four", from: "connack" },
  { id: 0x12, name: "assignedClientIdentifier", shape: "text", from: "connack" },
  { id: 0x13, name: "serverKeepAlive", shape: "two", from: "connack" },
  { id: 0x15, name: "authenticationMethod", shape: "text", from: "connack auth" },
  { id: 0x16, name: "authenticationData", shape: "binary", from: "connack auth" },
  { id: 0x17, name: "requestProblemInformation", shape: "byte", from: "" },
  { id: 0x18, name: "willDelayInterval", shape: "four", from: "" },
  { id: 0x19, name: "requestResponseInformation", shape: "byte", from: "" },
  { id: 0x1a, name: "responseInformation", shape: "text", from: "connack" },
  { id: 0x1c, name: "serverReference", shape: "text", from: "connack disconnect" },
  { id: 0x1f, name: "reasonString", shape: "text", from: answers },
  { id: 0x21, name: "receiveMaximum", shape: "two", from: "connack", least: 1 },
  { id: 0x22, name: "topicAliasMaximum", shape: "two", from: "connack" },
  { id: 0x23, name: "topicAlias", shape: "two", from: "publish", least: 1 },
  { id: 0x24, name: "maximumQos", shape: "byte", from: "connack", most: 1 },
  { id: 0x25, name: "retainAvailable", shape: "byte", from: "connack", most: 1 },
  { id: 0x26, name: "userProperty", shape: "pair", from: `publish ${answers}` },
  { id: 0x27, name: "maximumPacketSize", shape: "four", from: "connack", least: 1 },
  { id: 0x28, name: "wildcardSubscriptionAvailable", shape: "byte", from: "connack", most: 1 },
  { id: 0x29, name: "subscriptionIdentifierAvailable", shape: "byte", from: "connack", most: 1 },
  { id: 0x2a, name: "sharedSubscriptionAvailable", shape: "byte", from: "connack", most: 1 }
]

export const twoBytes = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])

const fourBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const variable = (value: number): Buffer => {
  const bytes: Array<number> = []
  let rest = value
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** A string or binary field: two bytes of length, then the bytes. */
export const field = (value: Text): Buffer => {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([twoBytes(bytes.length), bytes])
}

/** One property: identifier and value. */
export const property = (name: keyof Properties, value: unknown): Buffer => {
  const { id, shape } = rows.find((row) => row.name === name) as Row
  return Buffer.concat([Buffer.from([id]), valueBytes(shape, value)])
}

const valueBytes = (shape: Shape, value: unknown): Buffer => {
  switch (shape) {
    case "byte":
      return Buffer.from([value as number])
    case "two":
      return twoBytes(value as number)
    case "four":
      return fourBytes(value as number)
    case "variable":
      return variable(value as number)
    case "pair":
      return Buffer.concat((value as ReadonlyArray<Text>).map(field))
    default:
      return field(value as Text)
  }
}

/** Property Length and properties, in the order in which they are written down. */
export const section = (properties: Wished): Buffer => {
  const parts = Object.entries(properties).flatMap(([name, value]) => {
    const isList = name === "userProperty" || name === "subscriptionIdentifier"
    const values = isList ? (value as ReadonlyArray<unknown>) : [value]
    return values.map((each) => property(name as keyof Properties, each))
  })
  return rawSection(...parts)
}

/** Property Length in front of whatever one likes. */
export const rawSection = (...parts: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([variable(body.length), body])
}

/** Reads a section that the server sent in a packet of this kind. */
export const readSection = (reading: Reading, kind: string): Properties => {
  const length = reading.variable("Property Length")
  const end = reading.at + length
  if (end > reading.end) throw new Breach(`${kind}: Property Length ${length} reaches beyond the packet`)
  const found: Record<string, unknown> = {}
  while (reading.at < end) readOne(reading, kind, found)
  if (reading.at !== end) throw new Breach(`${kind}: the last property reaches beyond Property Length`)
  return found as Properties
}

const readOne = (reading: Reading, kind: string, found: Record<string, unknown>): void => {
  const id = reading.variable("property identifier")
  const row = rows.find((each) => each.id === id)
  if (row === undefined || !row.from.split(" ").includes(kind)) {
    throw new Breach(`${kind} holds property 0x${id.toString(16)}, which a server must not send there`)
  }
  const { name, shape, most = Number.POSITIVE_INFINITY, least = 0 } = row
  const value = readValue(reading, shape, name)
  if (typeof value === "number" && (value > most || value < least)) throw new Breach(`${kind}: ${name} is ${value}`)
  if (name === "userProperty" || name === "subscriptionIdentifier") {
    found[name] = [...((found[name] as ReadonlyArray<unknown> | undefined) ?? []), value]
  } else if (name in found) throw new Breach(`${kind} holds ${name} twice`)
  else found[name] = value
}

const readValue = (reading: Reading, shape: Shape, name: string): unknown => {
  switch (shape) {
    case "byte":
      return reading.byte(name)
    case "two":
      return reading.two(name)
    case "four":
      return reading.four(name)
    case "variable":
      return reading.variable(name)
    case "text":
      return reading.text(name)
    case "pair":
      return [reading.text(name), reading.text(name)]
    default:
      return reading.binary(name)
  }
}
