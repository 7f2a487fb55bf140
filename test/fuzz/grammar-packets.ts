/**
 * Legal packets of all types and versions as lists of fields, with the answer that the standard demands for each: the
 * half of the grammar that is right. grammar-damage.ts breaks one field of them at a time.
 *
 * Invariants
 * - A script (one connection's packets) is legal from CONNECT to the last packet, and every answer to it is known, in
 *   order. PUBLISH packets towards the client are not answers: they are judged by themselves.
 * - Identifiers of a script's own PUBLISH, SUBSCRIBE and UNSUBSCRIBE are never used twice; acknowledgements of nothing
 *   use identifiers that the server has not come to.
 * - Written against the standard's byte tables; from src/codec comes only the list of properties, which
 *   test/codec/tables.test.ts compares with the catalogue.
 */
import { PropertyKind, PropertyPlace, type PropertyRow, propertyTable } from "../../src/codec/properties.ts"
import type { Random } from "../fault/random.ts"

export type Version = 3 | 4 | 5

/** What a field is decides how it can be damaged. */
export type FieldKind =
  | "protocolName"
  | "protocolLevel"
  | "connectFlags"
  | "number"
  | "identifier"
  | "text"
  | "topic"
  | "filter"
  | "binary"
  | "options"
  | "reasonCode"
  | "properties"
  | "payload"

export interface Property {
  readonly id: number
  /** Without the identifier byte. */
  readonly value: Buffer
}

export interface Field {
  readonly kind: FieldKind
  readonly bytes: Buffer
  /** Of a property section: where it stands, one of PropertyPlace, and what is in it. */
  readonly place?: number
  readonly properties?: ReadonlyArray<Property>
}

/** What the server sends back, if anything: type, identifier where there is one, the codes it may have. */
export interface Answer {
  readonly type: number
  readonly identifier?: number
  readonly codes: ReadonlyArray<number>
  /** SUBACK and UNSUBACK: how many codes. */
  readonly count?: number
}

export interface GrammarPacket {
  readonly type: number
  readonly version: Version
  readonly first: number
  readonly fields: ReadonlyArray<Field>
  readonly answers: ReadonlyArray<Answer>
}

export const TYPE = { connect: 1, publish: 3, puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7, subscribe: 8 } as const
/** Nobody sends so many messages to a client here that the server comes to these. */
const UNKNOWN_IDENTIFIER = 60_000
const CONNACK: Answer = { type: 2, codes: [0] }
/** The one method that fuzz-world.ts knows. */
const METHOD = "w"

export const two = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff])
export const binary = (bytes: Buffer): Buffer => Buffer.concat([two(bytes.length), bytes])
export const text = (value: string): Buffer => binary(Buffer.from(value))
export const variable = (value: number): Buffer => {
  const bytes: Array<number> = []
  for (let left = value; ; left >>>= 7) {
    bytes.push((left & 127) | (left > 127 ? 128 : 0))
    if (left <= 127) return Buffer.from(bytes)
  }
}

export const sectionOf = (properties: ReadonlyArray<Property>): Buffer => {
  const body = Buffer.concat(properties.flatMap(({ id, value }) => [variable(id), value]))
  return Buffer.concat([variable(body.length), body])
}

export const bodyOf = ({ fields }: GrammarPacket): Buffer => Buffer.concat(fields.map(({ bytes }) => bytes))

export const bytesOf = (packet: GrammarPacket, body: Buffer = bodyOf(packet)): Buffer =>
  Buffer.concat([Buffer.from([packet.first]), variable(body.length), body])

/** One connection's packets: CONNECT, then what `next` makes, one after the other. */
export class Script {
  readonly version: Version
  /** CONNECT named a method: AUTH may follow. */
  readonly authenticates: boolean
  readonly #random: Random
  readonly #name: string
  #identifier = 1
  #isAsked = false
  readonly #openQos2: Array<number> = []

  constructor(random: Random, name: string) {
    this.#random = random
    this.#name = name
    this.version = random.pick([5, 5, 5, 4, 3])
    this.authenticates = this.version === 5 && random.chance(0.08)
  }

  /** CONNECT, and AUTH where CONNACK has to be earned. */
  opening(): ReadonlyArray<GrammarPacket> {
    return this.authenticates ? [this.#connect(), this.#auth(0x18, CONNACK)] : [this.#connect()]
  }

  next(): GrammarPacket {
    const random = this.#random
    const choice = random.below(100)
    if (this.authenticates && choice < 15) return this.#authAgain()
    if (choice < 40) return this.publish()
    if (choice < 60) return this.subscribe()
    if (choice < 72) return this.#unsubscribe()
    if (choice < 94) return this.#acknowledgement()
    return this.ping()
  }

  ping(): GrammarPacket {
    return this.#packet(12, 0, [], [{ type: 13, codes: [] }])
  }

  disconnect(): GrammarPacket {
    const { version } = this
    const code = this.#random.pick([0, 4, 0x80, 0x93, 0x98])
    const fields = version === 5 ? [field("reasonCode", Buffer.from([code])), this.#section("disconnect")] : []
    return this.#packet(14, 0, fields, [])
  }

  /** 0x19 is answered by a question, 0x18 by the end of the exchange. */
  #authAgain(): GrammarPacket {
    this.#isAsked = !this.#isAsked
    return this.#isAsked ? this.#auth(0x19, { type: 15, codes: [0x18] }) : this.#auth(0x18, { type: 15, codes: [0] })
  }

  #auth(code: number, answer: Answer): GrammarPacket {
    const method = { id: 0x15, value: text(METHOD) }
    const properties = [method, { id: 0x16, value: text("data") }]
    return this.#packet(15, 0, [field("reasonCode", Buffer.from([code])), section("auth", properties)], [answer])
  }

  publish(topic?: string, given?: number): GrammarPacket {
    const random = this.#random
    const qos = given ?? random.below(3)
    const flags = (qos << 1) | (random.chance(0.1) ? 1 : 0) | (qos > 0 && random.chance(0.1) ? 8 : 0)
    const identifier = this.#identifier++
    if (qos === 2) this.#openQos2.push(identifier)
    const fields = [field("topic", text(topic ?? this.#topic()))]
    if (qos > 0) fields.push(field("identifier", two(identifier)))
    if (this.version === 5) fields.push(this.#section("publish"))
    fields.push(field("payload", Buffer.alloc(random.below(30), 120)))
    const codes = [0, 0x10]
    return this.#packet(3, flags, fields, qos === 0 ? [] : [{ type: qos === 1 ? 4 : 5, identifier, codes }])
  }

  subscribe(filters: ReadonlyArray<string> = this.#filters()): GrammarPacket {
    const identifier = this.#identifier++
    const fields = [field("identifier", two(identifier))]
    if (this.version === 5) fields.push(this.#section("subscribe"))
    for (const filter of filters)
      fields.push(field("filter", text(filter)), field("options", Buffer.from([this.#options(filter)])))
    return this.#packet(8, 2, fields, [{ type: 9, identifier, codes: [0, 1, 2], count: filters.length }])
  }

  #connect(): GrammarPacket {
    const random = this.#random
    const { version } = this
    const will = random.chance(0.4)
    const user = random.chance(0.3)
    const password = user && random.chance(0.5)
    const willFlags = will ? 4 | (random.below(3) << 3) | (random.below(2) << 5) : 0
    const flags = 2 | willFlags | (user ? 0x80 : 0) | (password ? 0x40 : 0)
    const fields = [
      field("protocolName", text(version === 3 ? "MQIsdp" : "MQTT")),
      field("protocolLevel", Buffer.from([version])),
      field("connectFlags", Buffer.from([flags])),
      field("number", two(random.pick([0, 30, 65_535])))
    ]
    const method = [
      { id: 0x15, value: text(METHOD) },
      { id: 0x16, value: text("data") }
    ]
    if (version === 5) fields.push(this.authenticates ? section("connect", method) : this.#section("connect"))
    fields.push(field("text", text(this.#name)))
    if (will) {
      if (version === 5) fields.push(this.#section("will"))
      fields.push(field("topic", text(this.#topic())), field("binary", binary(Buffer.alloc(random.below(9), 119))))
    }
    if (user) fields.push(field("text", text("user")))
    if (password) fields.push(field("binary", text("password")))
    return this.#packet(1, 0, fields, [this.authenticates ? { type: 15, codes: [0x18] } : CONNACK])
  }

  /** Of something the server knows, or of nothing: then it says so, or nothing [MQTT-4.3.3]. */
  #acknowledgement(): GrammarPacket {
    const random = this.#random
    const type = 4 + random.below(4)
    const open = type === TYPE.pubrel && random.chance(0.5) ? this.#openQos2.shift() : undefined
    const identifier = open ?? UNKNOWN_IDENTIFIER + random.below(5000)
    const fields = [field("identifier", two(identifier))]
    const code = random.pick(type === TYPE.pubrel || type === TYPE.pubcomp ? [0, 0x92] : [0, 0, 0x10])
    if (this.version === 5 && random.chance(0.7)) {
      fields.push(field("reasonCode", Buffer.from([code])))
      if (random.chance(0.8)) fields.push(this.#section(type === 4 ? "puback" : type === 5 ? "pubrec" : "pubrel"))
    }
    const answers =
      type === TYPE.pubrel
        ? [{ type: 7, identifier, codes: [open === undefined ? 0x92 : 0] }]
        : type === TYPE.pubrec
          ? [{ type: 6, identifier, codes: [0x92] }]
          : []
    return this.#packet(type, type === TYPE.pubrel ? 2 : 0, fields, answers)
  }

  #unsubscribe(): GrammarPacket {
    const identifier = this.#identifier++
    const filters = this.#filters()
    const fields = [field("identifier", two(identifier))]
    if (this.version === 5) fields.push(this.#section("unsubscribe"))
    for (const filter of filters) fields.push(field("filter", text(filter)))
    const count = this.version === 5 ? filters.length : 0
    return this.#packet(10, 2, fields, [{ type: 11, identifier, codes: [0, 0x11], count }])
  }

  #packet(type: number, flags: number, fields: ReadonlyArray<Field>, answers: ReadonlyArray<Answer>): GrammarPacket {
    return { type, version: this.version, first: (type << 4) | flags, fields, answers }
  }

  #topic(): string {
    return this.#random.pick(["g", "g/a", "g/a/b", "/g", "g/", "ä/ö", "g//x", "\u{1f600}/z"])
  }

  #filters(): ReadonlyArray<string> {
    const some = ["g", "g/a", "g/+", "g/#", "+/a", "ä/#", "#", "+", "g//x", "$share/s/g/#", "$share/t/g"]
    return Array.from({ length: 1 + this.#random.below(3) }, () => this.#random.pick(some))
  }

  #options(filter: string): number {
    const random = this.#random
    const qos = random.below(3)
    if (this.version !== 5) return qos
    const noLocal = filter.startsWith("$share") || random.chance(0.8) ? 0 : 4
    return qos | noLocal | (random.below(2) << 3) | (random.below(3) << 4)
  }

  #section(place: keyof typeof PropertyPlace): Field {
    const random = this.#random
    // Authentication is a script's, not a packet's; so is whether DISCONNECT may name a Session Expiry Interval.
    const others = place === "disconnect" ? [0x11, 0x15, 0x16, 0x23] : [0x15, 0x16, 0x23]
    const legal = allowedIn(PropertyPlace[place]).filter(({ id }) => !others.includes(id))
    const chosen = legal.filter(() => random.chance(0.25))
    const properties = chosen.map((row) => ({ id: row.id, value: legalValueOf(row, random) }))
    if (place === "publish" && random.chance(0.1)) properties.push({ id: 0x23, value: two(1) })
    if (random.chance(0.1)) properties.push({ id: 0x26, value: Buffer.concat([text("k"), text("v")]) })
    return section(place, properties)
  }
}

/** Properties that a client may send there. */
export const allowedIn = (place: number): ReadonlyArray<PropertyRow> =>
  propertyTable.filter(({ places, serverOnly }) => (places & ~serverOnly & place) !== 0)

/** A legal value of a property, in its bytes. */
export const legalValueOf = ({ id, kind, maximum, minimum }: PropertyRow, random: Random): Buffer => {
  // CONNACK must find room: a Maximum Packet Size of little is legal, and nothing can be told to such a client.
  const low = id === 0x27 ? 2000 : minimum
  const number = random.pick([low, Math.min(low + 1, maximum), maximum])
  switch (kind) {
    case PropertyKind.byte:
      return Buffer.from([number])
    case PropertyKind.twoByte:
      return two(number)
    case PropertyKind.fourByte:
      return numberBytes(number)
    case PropertyKind.variable:
      return variable(number)
    case PropertyKind.pair:
      return Buffer.concat([text("name"), text("value")])
    default:
      return text(random.pick(["v", "va/lue", "ü"]))
  }
}

export const numberBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const field = (kind: FieldKind, bytes: Buffer): Field => ({ kind, bytes })
export const section = (place: keyof typeof PropertyPlace | number, properties: ReadonlyArray<Property>): Field => ({
  kind: "properties",
  bytes: sectionOf(properties),
  place: typeof place === "number" ? place : PropertyPlace[place],
  properties
})
