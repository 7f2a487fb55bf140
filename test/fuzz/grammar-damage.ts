/**
 * The half of the grammar that is wrong: one row per way to break a packet, and what the standard demands then.
 *
 *   code     the connection ends: 5.0 is told this code (in CONNACK before it was accepted, in DISCONNECT after), 3.x is
 *            told nothing [v3.1.1 MQTT-4.8.0-1]
 *   silent   it ends without a word: nobody can tell what language that was [MQTT-3.1.2-1]
 *   refuse   it ends with a CONNACK of the form asked for: `five` 5.0, else 3.1.1
 *   wait     the packet is not complete: nothing happens before more comes
 *   answer   it stays, and hears these answers instead of the packet's own
 *
 * A row answers undefined for a packet that it cannot break. Exactly one field is wrong, so that exactly one code is right.
 */
import { PropertyKind, PropertyPlace, propertyTable } from "../../src/codec/properties.ts"
import type { Random } from "../fault/random.ts"
import {
  type Answer,
  allowedIn,
  binary,
  bodyOf,
  bytesOf,
  type Field,
  type FieldKind,
  type GrammarPacket,
  legalValueOf,
  numberBytes,
  type Property,
  section,
  sectionOf,
  text,
  two,
  variable
} from "./grammar-packets.ts"

export type Demand =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "silent" }
  | { readonly kind: "refuse"; readonly five: boolean; readonly code: number }
  | { readonly kind: "wait" }
  | { readonly kind: "answer"; readonly answers: ReadonlyArray<Answer> }

export interface Damaged {
  readonly bytes: Buffer
  readonly demand: Demand
}

type Break = (packet: GrammarPacket, random: Random, limits: GrammarLimits) => Damaged | undefined

/** What the broker under test announces or has been told. */
export interface GrammarLimits {
  readonly topicLevelsMax: number
  readonly topicLengthBytesMax: number
  readonly topicAliasMaximum: number
  readonly filtersPerPacketMax: number
  readonly userPropertiesMax: number
}

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const FILTER_INVALID = 0x8f
const TOPIC_INVALID = 0x90
const ALIAS_INVALID = 0x94
const TOO_LARGE = 0x95
const QUOTA = 0x97

/** Not UTF-8, or not text [MQTT-1.5.4-1] [MQTT-1.5.4-2]; over-long forms, surrogates, above U+10FFFF, cut off, U+0000. */
const notText = ["80", "c0af", "e080af", "f08080af", "eda080", "edbfbf", "f4908080", "ff", "fe", "c3", "f09f98", "00"]
const badFilters = [
  ...["a#", "#/a", "+a", "a/+b", "a/#/b", "##", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a"],
  ...["$share/#/a", "$share/g/a#", "$share/g/#/x"]
]
const serverOnlyTypes = [2, 9, 11, 13]
/** In no table of the standard. */
const unassignedCodes = [0x05, 0x0f, 0x1a, 0x7f, 0xa3, 0xff]
/** 0x9B is not among them: the standard lets clients send it in one place and not in another (src/codec/reason-codes.ts). */
const serverDisconnects = [0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x9a, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2]
const CONNECT = 1
const PUBLISH = 3
const SUBSCRIBE = 8
const DISCONNECT = 14
const AUTH = 15

const code = (bytes: Buffer, value: number): Damaged => ({ bytes, demand: { kind: "code", code: value } })
const silent = (bytes: Buffer): Damaged => ({ bytes, demand: { kind: "silent" } })

export const damages: Readonly<Record<string, Break>> = {
  "flags of the fixed header": (packet, random) => {
    if (packet.type === PUBLISH) return undefined
    const first = packet.first ^ (1 + random.below(15))
    // MQTT 3.1 knows DUP in these.
    if (packet.version === 3 && (packet.first & 15) === 2 && (first & 15) === 10) return undefined
    return code(bytesOf({ ...packet, first }), MALFORMED) // [MQTT-2.1.3-1]
  },
  "QoS 3": (packet) =>
    packet.type === PUBLISH ? code(bytesOf({ ...packet, first: packet.first | 6 }), MALFORMED) : undefined, // [MQTT-3.3.1-4]
  "DUP at QoS 0": (packet) => {
    if (packet.type !== PUBLISH || (packet.first & 6) !== 0) return undefined
    return code(bytesOf({ ...packet, first: packet.first | 8 }), MALFORMED) // [MQTT-3.3.1-2]
  },
  "a packet of servers": (packet, random) =>
    packet.type === CONNECT
      ? silent(Buffer.concat([Buffer.from([random.pick(serverOnlyTypes) << 4, 2, 0, 0])]))
      : code(Buffer.from([random.pick(serverOnlyTypes) << 4, 2, 0, 0]), PROTOCOL_ERROR),
  "packet type 0": (packet) => {
    if (packet.type === AUTH) return undefined // It may be the one before CONNACK, where any other packet is out of turn.
    return packet.type === CONNECT ? silent(Buffer.from([0, 0])) : code(Buffer.from([0, 0]), MALFORMED)
  },
  "another packet before CONNECT": (packet, random) =>
    packet.type === CONNECT ? silent(Buffer.from([random.pick([0x30, 0x82, 0xc0, 0xe0, 0x40]), 0])) : undefined, // [MQTT-3.1.0-1]
  "a second CONNECT": (packet) => {
    const name = packet.version === 3 ? "MQIsdp" : "MQTT"
    const rest = packet.version === 5 ? [2, 0, 0, 0] : [2, 0, 0]
    const body = Buffer.concat([text(name), Buffer.from([packet.version, ...rest]), text("again")])
    return packet.type === CONNECT
      ? undefined
      : code(Buffer.concat([Buffer.from([0x10, body.length]), body]), PROTOCOL_ERROR) // [MQTT-3.1.0-2]
  },
  "AUTH that nobody asked for": (packet, random) => {
    if (packet.type === CONNECT || packet.type === AUTH) return undefined
    const other = section("auth", [{ id: 0x15, value: text("unheard of") }])
    const body = Buffer.concat([Buffer.from([random.pick([0x18, 0x19])]), other.bytes])
    return code(
      Buffer.concat([Buffer.from([0xf0, body.length]), body]),
      packet.version === 5 ? PROTOCOL_ERROR : MALFORMED
    ) // [MQTT-4.12.0-5]
  },
  "a Remaining Length with a byte too many": (packet) => {
    const body = bodyOf(packet)
    const length = variable(body.length)
    if (length.length > 3) return undefined
    length[length.length - 1] = (length[length.length - 1] as number) | 0x80
    return header(packet, Buffer.concat([Buffer.from([packet.first]), length, Buffer.from([0]), body]), MALFORMED) // [MQTT-1.5.5-1]
  },
  "a Remaining Length of five bytes": (packet, random) => {
    const fifth = random.pick([0, 1, 0x7f])
    return header(packet, Buffer.from([packet.first, 0xff, 0xff, 0xff, 0xff, fifth]), MALFORMED)
  },
  "a Remaining Length of 256 MB": (packet) =>
    header(packet, Buffer.from([packet.first, 0xff, 0xff, 0xff, 0x7f]), TOO_LARGE), // [MQTT-3.2.2-15]
  "a Remaining Length that goes on": (packet, random) => {
    const body = bodyOf(packet)
    const length = variable(body.length + 100 + random.below(500))
    return { bytes: Buffer.concat([Buffer.from([packet.first]), length, body]), demand: { kind: "wait" } }
  },
  "cut within a field": (packet, random) => {
    const at = indexOf(packet, random, ({ bytes, kind }) => bytes.length > 1 && kind !== "payload")
    if (at < 0) return undefined
    const before = packet.fields.slice(0, at).map(({ bytes }) => bytes)
    const cut = (packet.fields[at] as Field).bytes
    const left = cut.subarray(0, 1 + random.below(cut.length - 1))
    const bytes = bytesOf(packet, Buffer.concat([...before, left]))
    // Without the version nobody knows how to answer.
    return at === 0 && packet.type === CONNECT ? silent(bytes) : code(bytes, MALFORMED)
  },
  "bytes behind the last field": (packet, random) => {
    const last = packet.fields.at(-1)
    if (packet.type === PUBLISH) return undefined
    const isOptional = packet.version === 5 && last?.kind !== "properties"
    if (isOptional && [4, 5, 6, 7, DISCONNECT].includes(packet.type)) return undefined
    // Behind filters one byte is the half of a length.
    const more = Buffer.alloc(packet.type === SUBSCRIBE || packet.type === 10 ? 1 : 1 + random.below(3))
    return code(bytesOf(packet, Buffer.concat([bodyOf(packet), more])), MALFORMED)
  },
  "text that is none": (packet, random) => {
    const at = indexOf(packet, random, isText)
    if (at < 0) return undefined
    const old = (packet.fields[at] as Field).bytes.subarray(2)
    return code(replaced(packet, at, binary(spoiled(old, random))), MALFORMED)
  },
  "a length beyond the packet": (packet, random) => {
    const at = indexOf(packet, random, (field) => isText(field) || field.kind === "binary")
    if (at < 0) return undefined
    const bytes = Buffer.from((packet.fields[at] as Field).bytes)
    bytes.writeUInt16BE(0xffff - random.below(1000))
    return code(replaced(packet, at, bytes), MALFORMED)
  },
  "a topic or filter of nothing": (packet, random) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "topic" || kind === "filter")
    // With an alias that was set before it is legal.
    const hasAlias = packet.fields.some(({ properties }) => properties?.some(({ id }) => id === 0x23) === true)
    return at < 0 || hasAlias ? undefined : code(replaced(packet, at, text("")), PROTOCOL_ERROR) // [MQTT-4.7.3-1]
  },
  "a wildcard in a topic": (packet, random) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "topic")
    const topic = random.pick(["#", "+", "a/#", "a/+/b", "a+b", "a#"])
    return at < 0 ? undefined : code(replaced(packet, at, text(topic)), TOPIC_INVALID) // [MQTT-3.3.2-2]
  },
  "a topic or filter of too many levels": (packet, random, { topicLengthBytesMax, topicLevelsMax }) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "topic" || kind === "filter")
    if (at < 0) return undefined
    const slashes = random.pick([topicLevelsMax, topicLengthBytesMax])
    const isTopic = packet.fields[at]?.kind === "topic"
    return code(replaced(packet, at, text("/".repeat(slashes))), isTopic ? TOPIC_INVALID : FILTER_INVALID)
  },
  "a topic that is too long": (packet, random, { topicLengthBytesMax }) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "topic")
    return at < 0 ? undefined : code(replaced(packet, at, text("t".repeat(topicLengthBytesMax + 1))), TOPIC_INVALID)
  },
  "a filter that is none": (packet, random) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "filter")
    // No Local stays no second fault on what becomes a shared filter.
    const fields = packet.fields.map((field) =>
      field.kind === "options" ? { ...field, bytes: Buffer.alloc(1) } : field
    )
    return at < 0 ? undefined : code(replaced({ ...packet, fields }, at, text(random.pick(badFilters))), FILTER_INVALID) // [MQTT-4.7.1-1]
  },
  "too many filters": (packet, _random, { filtersPerPacketMax }) => {
    const options = packet.type === SUBSCRIBE ? [0] : []
    if (packet.type !== SUBSCRIBE && packet.type !== 10) return undefined
    const more = Array.from({ length: filtersPerPacketMax + 1 }, () => Buffer.from([0, 1, 0x67, ...options]))
    const head = packet.fields.filter(({ kind }) => kind === "identifier" || kind === "properties")
    return code(bytesOf(packet, Buffer.concat([...head.map(({ bytes }) => bytes), ...more])), QUOTA)
  },
  "a $ topic": (packet, random) => {
    if (packet.type !== PUBLISH) return undefined
    const topic = random.pick(["$SYS/broker/version", "$share/g/a", "$", "$x/y", "$replay/0/a"])
    const codes = packet.version === 5 ? [0x87] : [0]
    const answers = packet.answers.map((answer) => ({ ...answer, codes })) // [MQTT-4.7.2-1]
    return { bytes: replaced(packet, 0, text(topic)), demand: { kind: "answer", answers } }
  },
  "Packet Identifier 0": (packet, random) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "identifier")
    return at < 0 ? undefined : code(replaced(packet, at, two(0)), PROTOCOL_ERROR) // [MQTT-2.2.1-3]
  },
  "subscription options": (packet, random) => {
    const at = indexOf(packet, random, ({ kind }) => kind === "options")
    if (at < 0) return undefined
    const [value, reason] = random.pick([
      [3, PROTOCOL_ERROR],
      [0x30, PROTOCOL_ERROR],
      [0x40, MALFORMED],
      [0x80, MALFORMED]
    ] as const)
    return code(replaced(packet, at, Buffer.from([value])), reason) // [MQTT-3.8.3-5]
  },
  "No Local on a shared subscription": (packet) => {
    if (packet.version !== 5 || packet.type !== SUBSCRIBE) return undefined
    const rest = [section("subscribe", []).bytes, text("$share/g/a"), Buffer.from([4])]
    return code(bytesOf(packet, Buffer.concat([two(1), ...rest])), PROTOCOL_ERROR) // [MQTT-3.8.3-4]
  },
  "Connect Flags": (packet, random) => {
    const at = packet.fields.findIndex(({ kind }) => kind === "connectFlags")
    if (at < 0) return undefined
    const flags = packet.fields[at]?.bytes[0] as number
    const hasWill = (flags & 4) !== 0
    const wrong = random.pick([flags | 1, hasWill ? flags | 0x18 : flags | random.pick([0x08, 0x10, 0x18, 0x20])])
    return code(replaced(packet, at, Buffer.from([wrong])), MALFORMED) // [MQTT-3.1.2-3] [MQTT-3.1.2-11..13]
  },
  "a field that the flags announce is missing": (packet) => {
    const at = packet.fields.findIndex(({ kind }) => kind === "connectFlags")
    // MQTT 3.1 lets the length overrule the flags of user name and password.
    if (at < 0 || packet.version === 3) return undefined
    const flags = packet.fields[at]?.bytes[0] as number
    if ((flags & 0xc0) !== 0) return undefined
    return code(replaced(packet, at, Buffer.from([flags | (packet.version === 5 ? 0x40 : 0x80)])), MALFORMED)
  },
  "a protocol of another name": (packet, random) => {
    if (packet.type !== CONNECT) return undefined
    return silent(replaced(packet, 0, text(random.pick(["mqtt", "HTTP", "", "MQTT ", "MQTTT"])))) // [MQTT-3.1.2-1]
  },
  "a protocol version nobody speaks": (packet, random) => {
    if (packet.type !== CONNECT) return undefined
    const level = random.pick([0, 1, 2, 6, 7, 100, 255, 0x83, 0x84])
    // A bridge's level is the old one with a bit set; levels to come are answered as 5.0 [MQTT-3.1.2-2].
    const five = packet.version !== 3 && level > 5 && level !== 0x83 && level !== 0x84
    return {
      bytes: replaced(packet, 1, Buffer.from([level])),
      demand: { kind: "refuse", five, code: five ? 0x84 : 0x01 }
    }
  },
  "a reason code that is not for this packet": (packet, random) => {
    const at = packet.fields.findIndex(({ kind }) => kind === "reasonCode")
    if (at < 0) return undefined
    const others = packet.type === DISCONNECT ? serverDisconnects : packet.type === AUTH ? [0x00, 0x80] : [0x8e, 0x18]
    return code(replaced(packet, at, Buffer.from([random.pick([...unassignedCodes, ...others])])), PROTOCOL_ERROR)
  },
  "a property that does not exist": (packet, random) => {
    const id = random.pick([0x00, 0x04, 0x05, 0x0a, 0x10, 0x14, 0x1b, 0x20, 0x2b, 0x3f, 0x7f])
    return withProperty(packet, random, { id, value: two(0) }, MALFORMED)
  },
  "a property of another packet": (packet, random) => {
    const at = sectionAt(packet, random)
    if (at < 0) return undefined
    const place = packet.fields[at]?.place ?? 0
    const row = random.pick(propertyTable.filter(({ places }) => (places & place) === 0))
    return putProperty(packet, at, random, { id: row.id, value: legalValueOf(row, random) }, MALFORMED) // [MQTT-2.2.2-1]
  },
  "a property of servers": (packet, random) => {
    const at = sectionAt(packet, random)
    const place = packet.fields[at]?.place ?? 0
    const row = propertyTable.find(({ serverOnly }) => (serverOnly & place) !== 0)
    if (row === undefined) return undefined
    return putProperty(packet, at, random, { id: row.id, value: legalValueOf(row, random) }, PROTOCOL_ERROR) // [MQTT-3.3.4-6]
  },
  "a property twice": (packet, random) => {
    const at = sectionAt(packet, random)
    const place = packet.fields[at]?.place ?? 0
    const rows = allowedIn(place).filter(({ id, repeatable }) => !repeatable && id !== 0x15 && id !== 0x16)
    if (rows.length === 0) return undefined
    const row = random.pick(rows)
    const old = packet.fields[at]?.properties ?? []
    const one = { id: row.id, value: legalValueOf(row, random) }
    const properties = [...old.filter(({ id }) => id !== row.id), one, { ...one, value: legalValueOf(row, random) }]
    return code(replaced(packet, at, sectionOf(shuffled(properties, random))), PROTOCOL_ERROR)
  },
  "a property's value out of range": (packet, random, { topicAliasMaximum }) => {
    const at = sectionAt(packet, random)
    const place = packet.fields[at]?.place ?? 0
    const wrong: Array<readonly [Property, number]> = []
    for (const { id, kind, minimum } of allowedIn(place)) {
      if ([0x01, 0x17, 0x19].includes(id)) wrong.push([{ id, value: Buffer.from([2]) }, PROTOCOL_ERROR])
      if (id === 0x23)
        wrong.push([{ id, value: two(0) }, ALIAS_INVALID]) // [MQTT-3.3.2-8]
      else if (minimum === 1) wrong.push([{ id, value: zeroOf(kind) }, PROTOCOL_ERROR])
      if (id === 0x23) wrong.push([{ id, value: two(topicAliasMaximum + 1) }, ALIAS_INVALID]) // [MQTT-3.3.2-9]
      if (id === 0x08) for (const topic of ["", "r/#", "+"]) wrong.push([{ id, value: text(topic) }, PROTOCOL_ERROR]) // [MQTT-3.3.2-14]
    }
    if (wrong.length === 0) return undefined
    const [property, reason] = random.pick(wrong)
    return putProperty(packet, at, random, property, reason)
  },
  "a property's text that is none": (packet, random) => {
    const at = sectionAt(packet, random)
    const rows = allowedIn(packet.fields[at]?.place ?? 0).filter(({ kind }) => kind === PropertyKind.string)
    const bad = binary(spoiled(Buffer.from("ab"), random))
    const pair = {
      id: 0x26,
      value: random.chance(0.5) ? Buffer.concat([bad, text("v")]) : Buffer.concat([text("n"), bad])
    }
    const row = random.chance(0.5) && rows.length > 0 ? random.pick(rows) : undefined
    return at < 0
      ? undefined
      : putProperty(packet, at, random, row === undefined ? pair : { id: row.id, value: bad }, MALFORMED)
  },
  "a property that is cut off": (packet, random) => {
    const at = sectionAt(packet, random)
    const rows = allowedIn(packet.fields[at]?.place ?? 0)
    if (at < 0 || rows.length === 0) return undefined
    const row = random.pick(rows)
    const value = legalValueOf(row, random)
    const old = (packet.fields[at]?.properties ?? []).filter(({ id }) => id !== row.id)
    const cut = { id: row.id, value: value.subarray(0, random.below(value.length)) }
    return code(replaced(packet, at, sectionOf([...old, cut])), MALFORMED)
  },
  "a Property Length that is wrong": (packet, random) => {
    const at = sectionAt(packet, random)
    if (at < 0) return undefined
    const body = Buffer.concat((packet.fields[at]?.properties ?? []).flatMap(({ id, value }) => [variable(id), value]))
    const rest = packet.fields.slice(at + 1).reduce((sum, { bytes }) => sum + bytes.length, 0)
    const length = random.pick([
      Buffer.from([0x80, 0x00]), // over-long
      Buffer.from([0x80, 0x80, 0x80, 0x80, 0x01]),
      variable(body.length + rest + 1 + random.below(1000)),
      Buffer.from([0xff, 0xff, 0xff, 0x7f])
    ])
    return code(replaced(packet, at, Buffer.concat([length, body])), MALFORMED) // [MQTT-1.5.5-1] [MQTT-2.2.2-1]
  },
  "too many user properties": (packet, random, { userPropertiesMax }) => {
    const at = sectionAt(packet, random)
    // Acknowledgements' properties are passed over: nothing is made of them, so that there is nothing to bound.
    if (at < 0 || (packet.type >= 4 && packet.type <= 7)) return undefined
    const one = { id: 0x26, value: Buffer.alloc(4) }
    const many = Array.from({ length: userPropertiesMax + 1 }, () => one)
    return code(replaced(packet, at, sectionOf([...(packet.fields[at]?.properties ?? []), ...many])), QUOTA)
  },
  "Authentication Data without a method": (packet) => {
    const at = packet.fields.findIndex(({ place }) => place === PropertyPlace.connect)
    if (at < 0) return undefined
    return code(replaced(packet, at, sectionOf([{ id: 0x16, value: text("data") }])), PROTOCOL_ERROR) // [MQTT-4.12.0-5]
  }
}

/** The fixed header is wrong: before CONNECT was read nobody knows the version, and nobody is told. */
const header = (packet: GrammarPacket, bytes: Buffer, value: number): Damaged =>
  packet.type === CONNECT ? silent(bytes) : code(bytes, value)

const isText = ({ kind }: Field): boolean => (["text", "topic", "filter"] as ReadonlyArray<FieldKind>).includes(kind)

/** A field of those that are wanted, by chance; -1 when there is none. */
const indexOf = (packet: GrammarPacket, random: Random, wanted: (field: Field) => boolean): number => {
  const found = packet.fields.flatMap((field, i) => (wanted(field) ? [i] : []))
  return found.length === 0 ? -1 : random.pick(found)
}

const sectionAt = (packet: GrammarPacket, random: Random): number =>
  indexOf(packet, random, ({ kind }) => kind === "properties")

const replaced = (packet: GrammarPacket, at: number, bytes: Buffer): Buffer =>
  bytesOf(packet, Buffer.concat(packet.fields.map((field, i) => (i === at ? bytes : field.bytes))))

const withProperty = (
  packet: GrammarPacket,
  random: Random,
  property: Property,
  reason: number
): Damaged | undefined => {
  const at = sectionAt(packet, random)
  return at < 0 ? undefined : putProperty(packet, at, random, property, reason)
}

/** In place of one of its kind, somewhere among the others. */
const putProperty = (
  packet: GrammarPacket,
  at: number,
  random: Random,
  property: Property,
  reason: number
): Damaged => {
  const others = (packet.fields[at]?.properties ?? []).filter(({ id }) => id !== property.id)
  return code(replaced(packet, at, sectionOf(shuffled([...others, property], random))), reason)
}

const shuffled = <A>(list: ReadonlyArray<A>, random: Random): ReadonlyArray<A> => {
  const left = [...list]
  return list.map(() => left.splice(random.below(left.length), 1)[0] as A)
}

const spoiled = (old: Buffer, random: Random): Buffer => {
  const bad = Buffer.from(random.pick(notText), "hex")
  // What begins a character may be ended by what follows: at the end nothing does.
  const isOpen = ["c3", "f09f98"].includes(bad.toString("hex"))
  return isOpen || random.chance(0.5) ? Buffer.concat([old, bad]) : Buffer.concat([bad, old])
}

const zeroOf = (kind: number): Buffer =>
  kind === PropertyKind.fourByte ? numberBytes(0) : kind === PropertyKind.twoByte ? two(0) : Buffer.from([0])
