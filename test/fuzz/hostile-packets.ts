/**
 * Packets as nobody should send them, by a grammar and a seed: mostly well-formed, one field wrong now and then.
 *
 *   grammar (below)  ──▶ fields, each from a pool of legal and of odd values
 *   spoil            ──▶ flags, lengths, single bytes, truncation, other packets' properties
 *
 * A packet that is always wrong closes its connection and shows nothing; most here are legal, so that the broker is
 * deep in some state when the wrong one comes. Written against the standard's byte tables, not against src/codec; only
 * the list of properties is taken from there.
 */
import type { Limits } from "../../src/broker/limits.ts"
import { propertyTable } from "../../src/codec/properties.ts"
import type { Random } from "../fault/random.ts"

export type Version = 3 | 4 | 5

/** Takes-over are wanted: few identifiers for several connections. */
const clientIdentifiers = ["", "a", "b", "c", "d", "e", "f", "ä", "$share", "x".repeat(40)]
const levels = ["a", "a", "b", "b", "c", "", "ä", "healthy", "dup", "l".repeat(30)]
const oddTopics = ["", "#", "+", "a/#", "a+", "\u0000", "$share/g/a", "$SYS/broker", "/".repeat(60), "a".repeat(3000)]
const oddFilters = [
  ...["", "a#", "#/a", "+a", "\u0000", "$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a"],
  ...[
    "$share/g/#/x",
    "$share/g/$share/h/a",
    "$SHARE/g/a",
    "$queue/a",
    "/".repeat(60),
    "+/".repeat(40),
    "f".repeat(3000)
  ]
]
const wholeNumbers = [
  0, 1, 2, 3, 5, 20, 127, 128, 255, 256, 16_383, 16_384, 65_535, 268_435_455, 0xffff_fffe, 0xffff_ffff
]
const reasonCodes = [0, 0x04, 0x10, 0x11, 0x18, 0x19, 0x80, 0x83, 0x87, 0x8e, 0x91, 0x92, 0x97, 0x99, 0x9b, 0xa2, 0xff]
const legalCodes: Readonly<Record<number, ReadonlyArray<number>>> = {
  4: [0, 0, 0x10, 0x80, 0x97],
  5: [0, 0, 0, 0x10, 0x80, 0x97],
  6: [0, 0, 0x92],
  7: [0, 0, 0x92],
  14: [0, 0x04, 0x80, 0x93],
  15: [0x18, 0x19]
}
const payloadBytes = [0, 0, 1, 5, 20, 100, 600, 1500]
/** Receive Maximum, Maximum Packet Size and Session Expiry: what makes states of their own, more often than chance. */
const telling: Readonly<Record<number, ReadonlyArray<number>>> = {
  17: [0, 1, 5, 60, 60, 0xffff_ffff],
  24: [0, 1, 3, 60],
  33: [1, 1, 2, 3, 65_535],
  34: [0, 1, 2, 3, 65_535],
  35: [1, 1, 2, 3],
  39: [1, 2, 5, 10, 15, 20, 24, 28, 32, 40, 200, 0xffff_ffff],
  2: [0, 1, 2, 10],
  11: [1, 2, 127, 128, 268_435_455]
}

/** What one client knows of its connection, true or not. */
export interface Knowledge {
  version: Version
  /** Packet identifiers the server used towards it, newest last. */
  readonly heard: Array<number>
  /** Identifiers it used itself. */
  readonly used: Array<number>
  /** It has begun to authenticate, or the server has asked it to go on. */
  authenticates: boolean
}

export class PacketMaker {
  readonly #random: Random
  /** Share of fields that are odd. */
  readonly #oddity: number
  readonly #limits: Limits

  /** What the broker announces is kept, unless a field is odd. */
  constructor(random: Random, oddity: number, limits: Limits) {
    this.#random = random
    this.#oddity = oddity
    this.#limits = limits
  }

  connect(knowledge: Knowledge): Buffer {
    const random = this.#random
    const { version } = knowledge
    const will = random.chance(0.4)
    let flags = (random.chance(0.4) ? 2 : 0) | (will ? 4 | (random.below(3) << 3) | (random.below(2) << 5) : 0)
    const user = random.chance(0.2)
    knowledge.authenticates = version === 5 && random.chance(0.1)
    if (user) flags |= 0x80 | (random.below(2) << 6)
    if (this.#odd()) flags ^= 1 << random.below(8)
    const name = this.#odd() ? random.pick(["MQTT", "MQIsdp", "mqtt", ""]) : version === 3 ? "MQIsdp" : "MQTT"
    const level = this.#odd() ? random.pick([0, 2, 3, 4, 5, 6, 0x83, 0x84]) : version
    return this.#packet(0x10, [
      text(name),
      [level, flags],
      two(random.pick([0, 0, 1, 2, 30, 65_535])),
      version === 5 ? (knowledge.authenticates ? METHOD : this.#properties(2, random.below(4))) : [],
      text(this.#clientIdentifier()),
      will ? [...(version === 5 ? this.#properties(1, random.below(3)) : []), ...text(this.#topic())] : [],
      will ? data(this.#payload(5)) : [],
      (flags & 0x80) !== 0 ? text("user") : [],
      (flags & 0x40) !== 0 ? data(Buffer.from("secret")) : []
    ])
  }

  /** Any packet, by the frequencies of a busy and careless client. */
  any(knowledge: Knowledge): Buffer {
    const { version } = knowledge
    const choice = this.#random.below(100)
    if (this.#odd()) return this.#last(knowledge)
    if (knowledge.authenticates && this.#random.chance(0.2)) return this.auth(this.#random.pick([0x18, 0x19, 0x19]))
    if (choice < 40) return this.#publish(knowledge)
    if (choice < 56) return this.#subscribe(knowledge)
    if (choice < 62) return this.#unsubscribe(knowledge)
    if (choice < 94) return this.#acknowledgement(knowledge)
    if (choice < 99 || this.#random.chance(0.5)) return this.#packet(0xc0, [])
    return this.#packet(0xe0, [version === 5 ? this.#reasonAndProperties(14) : []])
  }

  /** AUTH of the one method there is, legal where it is awaited. */
  auth(reasonCode: number): Buffer {
    const properties = [0x15, ...text("w"), ...(this.#odd() ? [] : [0x16, ...text("word")])]
    return this.#packet(0xf0, [[reasonCode], variable(properties.length), properties])
  }

  /** What a connection hardly survives. */
  #last(knowledge: Knowledge): Buffer {
    const choice = this.#random.below(4)
    if (choice === 0) return this.#packet(0xf0, [this.#reasonAndProperties(15)])
    if (choice === 1) return this.connect(knowledge)
    if (choice === 2) return this.#packet(this.#random.below(256), [this.#garbage(12)])
    return this.#garbage(30)
  }

  #publish(knowledge: Knowledge): Buffer {
    const random = this.#random
    const qos = this.#odd() ? 3 : random.below(this.#limits.qosMax + 1)
    const duplicate = random.chance(0.15) && (qos > 0 || this.#odd())
    const retain = random.chance(0.25) && (this.#limits.retainAvailable || this.#odd())
    const first = 0x30 | (duplicate ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
    const mayAlias = knowledge.version === 5 && (this.#limits.topicAliasMaximum > 0 || this.#odd())
    const aliased = mayAlias && random.chance(0.15)
    return this.#packet(first, [
      text(aliased && random.chance(0.3) ? "" : this.#topic()),
      qos > 0 ? two(this.#ownIdentifier(knowledge)) : [],
      knowledge.version === 5 ? this.#properties(1 << 3, random.below(3), aliased ? 0x23 : 0) : [],
      this.#payload()
    ])
  }

  #subscribe(knowledge: Knowledge): Buffer {
    const random = this.#random
    const entries: Array<ReadonlyArray<number>> = []
    const mayShare = this.#limits.sharedAvailable || this.#odd()
    const count = this.#odd() ? random.pick([0, 12, 30]) : 1 + random.below(3)
    for (let i = 0; i < count; i++) {
      const filter = this.#filter()
      const shared = filter.startsWith("$share")
      if (shared && !mayShare) continue
      const flags = knowledge.version === 5 ? this.#options(shared) : 0
      entries.push([...text(filter), this.#odd() ? random.below(256) : random.below(3) | flags])
    }
    const properties = knowledge.version === 5 ? this.#properties(1 << 8, random.below(2)) : []
    return this.#packet(0x82, [two(this.#ownIdentifier(knowledge)), properties, ...entries])
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP, for identifiers heard, used or made up, of the right kind or not. */
  #acknowledgement(knowledge: Knowledge): Buffer {
    const random = this.#random
    const type = 4 + random.below(4)
    const pool = type === 6 && random.chance(0.7) ? knowledge.used : knowledge.heard
    const known = pool.length > 0 && !this.#odd()
    const identifier = known
      ? (pool[pool.length - 1 - random.below(Math.min(pool.length, 6))] as number)
      : this.#number16()
    const long = knowledge.version === 5 && random.chance(0.3)
    return this.#packet((type << 4) | (type === 6 ? 2 : 0), [
      two(identifier),
      long ? this.#reasonAndProperties(type) : []
    ])
  }

  #unsubscribe(knowledge: Knowledge): Buffer {
    const filters = Array.from({ length: this.#odd() ? this.#random.pick([0, 30]) : 1 + this.#random.below(2) }, () =>
      text(this.#filter())
    )
    const properties = knowledge.version === 5 ? this.#properties(1 << 10, this.#random.below(2)) : []
    return this.#packet(0xa2, [two(this.#ownIdentifier(knowledge)), properties, ...filters])
  }

  #odd(): boolean {
    return this.#random.chance(this.#oddity)
  }

  #number16(): number {
    return this.#odd() ? 0 : this.#random.pick([1, 2, 3, 4, 5, 6, 255, 256, 65_535])
  }

  #clientIdentifier(): string {
    if (this.#odd()) return this.#random.pick(["\u0000", "healthy2", "x".repeat(300)])
    return this.#random.pick(clientIdentifiers)
  }

  #ownIdentifier({ used }: Knowledge): number {
    const identifier = this.#odd() ? this.#number16() : 1 + this.#random.below(8)
    used.push(identifier)
    return identifier
  }

  #topic(): string {
    if (this.#odd()) return this.#random.pick(oddTopics)
    return Array.from({ length: 1 + this.#random.below(2) }, () => this.#random.pick(levels)).join("/") || "/"
  }

  #filter(): string {
    const random = this.#random
    if (this.#odd()) return random.pick(oddFilters)
    const words = Array.from({ length: 1 + random.below(2) }, () => (random.chance(0.3) ? "+" : random.pick(levels)))
    if (random.chance(0.25)) words.push("#")
    const filter = random.chance(0.1) ? "#" : words.join("/") || "a/+"
    return random.chance(0.3) ? `$share/${random.pick(["g", "h", "ä"])}/${filter}` : filter
  }

  /** No Local, Retain As Published, Retain Handling. */
  #options(shared: boolean): number {
    const random = this.#random
    return (
      (random.chance(0.2) && (!shared || this.#odd()) ? 4 : 0) | (random.chance(0.3) ? 8 : 0) | (random.below(3) << 4)
    )
  }

  #payload(choices: number = payloadBytes.length): Buffer {
    const large = this.#limits.packetSizeBytesMax > 20_000 && choices > 5 && this.#random.chance(0.04)
    const bytes = this.#odd() ? 2500 : large ? 70_000 : (payloadBytes[this.#random.below(choices)] as number)
    return Buffer.alloc(bytes, 65 + this.#random.below(4))
  }

  #garbage(bytesMax: number): Buffer {
    return Buffer.from(Array.from({ length: this.#random.below(bytesMax) }, () => this.#random.below(256)))
  }

  #reasonAndProperties(type: number): ReadonlyArray<number> {
    const code = this.#random.pick(this.#odd() ? reasonCodes : (legalCodes[type] ?? [0]))
    return this.#random.chance(0.5) ? [code] : [code, ...this.#properties(1 << type, this.#random.below(2))]
  }

  #properties(place: number, count: number, wanted = 0): ReadonlyArray<number> {
    const random = this.#random
    const authenticates = random.chance(0.05)
    const legal = propertyTable.filter(
      ({ id, places, serverOnly }) =>
        (places & ~serverOnly & place) !== 0 && id !== 0x23 && (authenticates || (id !== 0x15 && id !== 0x16))
    )
    const body: Array<number> = wanted === 0 ? [] : [...this.#property(wanted)]
    const seen = new Set([wanted])
    for (let i = 0; i < count; i++) {
      const odd = this.#odd()
      const id = odd ? random.below(48) : (random.pick(legal)?.id ?? 0x26)
      if (seen.has(id) && id !== 0x26 && !odd) continue
      seen.add(id)
      body.push(...this.#property(id))
    }
    const length = this.#odd() ? Math.max(0, body.length + random.below(5) - 2) : body.length
    return [...variable(length), ...body]
  }

  #property(id: number): ReadonlyArray<number> {
    const random = this.#random
    const row = propertyTable.find((candidate) => candidate.id === id)
    const numbers = this.#odd() ? wholeNumbers : (telling[id] ?? [0, 1])
    const value = random.pick(numbers)
    const words = this.#odd() ? ["\u0000", "#", "w".repeat(2000)] : ["w", "a/b", "key"]
    switch (row?.kind) {
      case 1:
        return [id, value & 0xff]
      case 2:
        return [id, ...two(value & 0xffff)]
      case 3:
        return [id, ...four(value)]
      case 4:
        return [id, ...variable(Math.min(value, 268_435_455))]
      case 6:
        return [id, ...data(this.#garbage(8))]
      case 7:
        return [id, ...text(random.pick(words)), ...text(random.pick(words))]
      default:
        return [id, ...text(random.pick(words))]
    }
  }

  /** Puts the parts together, and now and then not quite. */
  #packet(first: number, parts: ReadonlyArray<ArrayLike<number>>): Buffer {
    const random = this.#random
    let body = Buffer.concat(parts.map((part) => Buffer.from(part as ReadonlyArray<number>)))
    let head = first
    let length = body.length
    if (this.#odd())
      switch (random.below(5)) {
        case 0:
          head ^= 1 << random.below(8)
          break
        case 1:
          length = Math.max(0, length + random.below(7) - 3)
          break
        case 2:
          body = body.subarray(0, random.below(body.length + 1))
          length = body.length
          break
        case 3:
          if (body.length > 0) body[random.below(body.length)] = random.below(256)
          break
        default:
          return Buffer.from([
            head,
            ...random.pick([
              [0xff, 0xff, 0xff, 0x7f],
              [0xff, 0xff, 0xff, 0xff],
              [0x80, 0x00]
            ]),
            ...body
          ])
      }
    return Buffer.concat([Buffer.from([head, ...variable(length)]), body])
  }
}

/** Authentication Method and Data. */
const METHOD = [11, 0x15, 0, 1, 0x77, 0x16, 0, 4, 0x77, 0x6f, 0x72, 0x64]

const two = (value: number): Array<number> => [(value >> 8) & 0xff, value & 0xff]
const four = (value: number): Array<number> => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
const data = (bytes: Buffer): Array<number> => [...two(bytes.length), ...bytes]
const text = (value: string): Array<number> => data(Buffer.from(value))

const variable = (value: number): Array<number> => {
  const bytes: Array<number> = []
  for (let left = value; ; left >>>= 7) {
    bytes.push((left & 127) | (left > 127 ? 128 : 0))
    if (left <= 127) return bytes
  }
}
