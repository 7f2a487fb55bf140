/**
 * What a server sends, read strictly: flags, lengths, properties and codes are held to the standard's tables in
 * every packet of every test. A packet that the standard forbids is a Breach.
 *
 * 3.x packets have the same fields: `code` is the return code, `properties` are empty.
 */
import { type Properties, readSection } from "./properties.ts"
import { Breach, Reading } from "./reading.ts"

export type Version = 3 | 4 | 5

interface Common {
  /** First byte: type and flags. */
  readonly first: number
  /** The whole packet as it came. */
  readonly bytes: Buffer
  readonly properties: Properties
}
export interface Connack extends Common {
  readonly kind: "connack"
  readonly sessionPresent: boolean
  readonly code: number
}
export interface Publish extends Common {
  readonly kind: "publish"
  readonly topic: string
  readonly payload: Buffer
  /** The payload as text. */
  readonly text: string
  readonly qos: 0 | 1 | 2
  readonly dup: boolean
  readonly retain: boolean
  /** 0 at QoS 0, which has none. */
  readonly id: number
}
export type AcknowledgementKind = "puback" | "pubrec" | "pubrel" | "pubcomp"
export interface Acknowledgement<K extends AcknowledgementKind> extends Common {
  readonly kind: K
  readonly id: number
  readonly code: number
}
export interface Answer<K extends "suback" | "unsuback"> extends Common {
  readonly kind: K
  readonly id: number
  readonly codes: ReadonlyArray<number>
}
export interface Pingresp extends Common {
  readonly kind: "pingresp"
}
export interface Coded<K extends "disconnect" | "auth"> extends Common {
  readonly kind: K
  readonly code: number
}
export type Packet =
  | Connack
  | Publish
  | Acknowledgement<"puback">
  | Acknowledgement<"pubrec">
  | Acknowledgement<"pubrel">
  | Acknowledgement<"pubcomp">
  | Answer<"suback">
  | Answer<"unsuback">
  | Pingresp
  | Coded<"disconnect">
  | Coded<"auth">
export type Kind = Packet["kind"]
export type PacketOf<K extends Kind> = Extract<Packet, { kind: K }>

/** Reason codes by packet, for a server that sends it; written from the standard's Table 2-6. */
export const serverCodes: Readonly<Record<string, ReadonlyArray<number>>> = {
  connack: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
    0x9c, 0x9d, 0x9f
  ],
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  // 0x8C is in no row for DISCONNECT, but 4.12 asks for it; 0x04 and 0x92 are for others.
  disconnect: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
    0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2
  ],
  auth: [0x00, 0x18]
}
const codes3: Readonly<Record<string, ReadonlyArray<number>>> = {
  connack: [0, 1, 2, 3, 4, 5],
  suback: [0x00, 0x01, 0x02, 0x80]
}

const kinds: ReadonlyArray<Kind | undefined> = [
  undefined,
  undefined,
  "connack",
  "publish",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  undefined,
  "suback",
  undefined,
  "unsuback",
  undefined,
  "pingresp",
  "disconnect",
  "auth"
]

/** Length of the first packet in `bytes`, 0 while it is not complete. */
export const packetLength = (bytes: Buffer): number => {
  let length = 0
  for (let index = 0; index < 4; index++) {
    const byte = bytes[1 + index]
    if (byte === undefined) return 0
    length += (byte & 127) * 128 ** index
    if (byte >= 128) continue
    if (byte === 0 && index > 0) throw new Breach("Remaining Length is not in its shortest form")
    const whole = 2 + index + length
    return bytes.length < whole ? 0 : whole
  }
  throw new Breach("Remaining Length has more than four bytes")
}

/** `bytes` is exactly one packet. */
export const readPacket = (bytes: Buffer, version: Version): Packet => {
  const first = bytes[0] as number
  const kind = kinds[first >> 4]
  if (kind === undefined) throw new Breach(`a server does not send 0x${first.toString(16)}`)
  let bodyAt = 1
  while ((bytes[bodyAt++] as number) >= 128);
  const reading = new Reading(bytes, bodyAt)
  const packet = kind === "publish" ? readPublish(reading, first, version) : readOther(reading, first, kind, version)
  if (reading.left > 0) throw new Breach(`${kind} goes on after its last field`)
  return packet
}

const readPublish = (reading: Reading, first: number, version: Version): Publish => {
  const qos = (first >> 1) & 3
  const dup = (first & 8) !== 0
  if (qos === 3) throw new Breach("PUBLISH has both QoS bits set [MQTT-3.3.1-4]")
  if (qos === 0 && dup) throw new Breach("PUBLISH has DUP at QoS 0 [MQTT-3.3.1-2]")
  const topic = reading.text("Topic Name")
  if (/[+#]/.test(topic)) throw new Breach("a Topic Name holds a wildcard [MQTT-3.3.2-2]")
  const id = qos === 0 ? 0 : reading.two("Packet Identifier")
  if (qos > 0 && id === 0) throw new Breach("PUBLISH has Packet Identifier 0 [MQTT-2.2.1-4]")
  const properties = version === 5 ? readSection(reading, "publish") : {}
  if (topic === "" && properties.topicAlias === undefined) throw new Breach("PUBLISH names no topic [MQTT-4.7.3-1]")
  const payload = reading.take(reading.left, "payload")
  return {
    kind: "publish",
    first,
    bytes: reading.bytes,
    properties,
    topic,
    payload,
    text: payload.toString("utf8"),
    qos: qos as 0 | 1 | 2,
    dup,
    retain: (first & 1) !== 0,
    id
  }
}

const readOther = (reading: Reading, first: number, kind: Exclude<Kind, "publish">, version: Version): Packet => {
  const flags = first & 15
  if (flags !== (kind === "pubrel" ? 2 : 0)) throw new Breach(`${kind} has flags ${flags} [MQTT-2.1.3-1]`)
  const common = { first, bytes: reading.bytes }
  switch (kind) {
    case "connack":
      return { ...common, kind, ...readConnack(reading, version) }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp": {
      const id = readIdentifier(reading, kind)
      return { ...common, kind, id, ...readTail(reading, kind, version) } as Packet
    }
    case "suback":
    case "unsuback":
      return { ...common, kind, ...readAnswer(reading, kind, version) } as Packet
    case "pingresp":
      return { ...common, kind, properties: {} }
    default:
      if (version !== 5) throw new Breach(`${kind} is sent by no server of this version`)
      return { ...common, kind, ...readTail(reading, kind, version) } as Packet
  }
}

const readConnack = (reading: Reading, version: Version) => {
  const flags = reading.byte("CONNACK flags")
  const code = reading.byte("code")
  if (flags > 1 || (flags === 1 && version === 3)) throw new Breach(`CONNACK flags are ${flags} [MQTT-3.2.2-1]`)
  if (flags === 1 && code !== 0) throw new Breach("Session Present in a refusal [MQTT-3.2.2-6]")
  judgeCode(code, "connack", version)
  const properties = version === 5 ? readSection(reading, "connack") : {}
  return { sessionPresent: flags === 1, code, properties }
}

const readIdentifier = (reading: Reading, kind: string): number => {
  const id = reading.two("Packet Identifier")
  if (id === 0) throw new Breach(`${kind} has Packet Identifier 0`)
  return id
}

/** Reason code and properties where both may be left out. */
const readTail = (reading: Reading, kind: string, version: Version) => {
  if (version !== 5 || reading.left === 0) return { code: 0, properties: {} }
  const code = reading.byte("Reason Code")
  judgeCode(code, kind, version)
  return { code, properties: reading.left === 0 ? {} : readSection(reading, kind) }
}

const readAnswer = (reading: Reading, kind: "suback" | "unsuback", version: Version) => {
  const id = readIdentifier(reading, kind)
  const properties = version === 5 ? readSection(reading, kind) : {}
  const codes = kind === "unsuback" && version !== 5 ? [] : [...reading.take(reading.left, "Reason Codes")]
  for (const code of codes) judgeCode(code, kind, version)
  return { id, codes, properties }
}

const judgeCode = (code: number, kind: string, version: Version): void => {
  const allowed = version === 5 ? serverCodes[kind] : codes3[kind]
  if (allowed?.includes(code) === false) throw new Breach(`${kind} carries code 0x${code.toString(16)}`)
}
