/**
 * QoS 2 both ways: exactly once, wherever in the handshake the connection is lost.
 *
 * A publisher and a subscriber, each a correct MQTT client with a memory of its own, and a network that may take a
 * packet and the connection with it, in either direction, at every step; or that leaves the old connection open when
 * the client comes back (take-over). The publisher has four packet identifiers and uses them again and again; it
 * repeats PUBLISH and PUBREL on a new connection as it must, and now and then on the same one. Log embedded, late, and
 * one that gives tickets and keeps its promises late: there no packet may come before the record it stands for is kept.
 * MQTT 5.0 and 3.1.1.
 *
 * PROMPTMQ_HISTORIES says how many (default 3,000), PROMPTMQ_SEED repeats a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LateLog } from "../support/late-log.ts"
import { SlowStore } from "../support/slow-store.ts"
import * as packets from "./client-packets.ts"
import { Complaint, check } from "./oracle.ts"
import { type Peer, World } from "./world.ts"

const HISTORIES = Number(process.env["PROMPTMQ_HISTORIES"] ?? 3000)
const SEED = Number(process.env["PROMPTMQ_SEED"] ?? Math.floor(Math.random() * 0x7fff_ffff))
const STEPS_MAX = 120
const IDENTIFIERS = 4
const STRAYS_FROM = 200
const PUBREC = 5
const PUBREL = 6
const PUBCOMP = 7

type Version = 4 | 5
type Step = readonly [verb: number, a: number, b: number]

interface Scenario {
  readonly log: "embedded" | "late" | "slow"
  readonly publisherVersion: Version
  readonly subscriberVersion: Version
  /** Messages exchanged before: where in the ring of its identifiers the broker stands. */
  readonly exchanged: number
}

const verbs = [
  ...Array<"publish">(6).fill("publish"),
  ...Array<"answer">(8).fill("answer"),
  ...Array<"run">(5).fill("run"),
  ...Array<"lose publisher">(2).fill("lose publisher"),
  ...Array<"lose subscriber">(2).fill("lose subscriber"),
  ...Array<"connect publisher">(2).fill("connect publisher"),
  ...Array<"connect subscriber">(2).fill("connect subscriber"),
  "repeat",
  "stray",
  "stall",
  "show",
  "show",
  "promise"
] as const

/** What a client of either kind has: a connection, which may be lost, and answers it has not sent yet. */
class End {
  readonly name: string
  readonly version: Version
  peer: Peer | undefined = undefined
  connection = 0
  /** Answers owed, in order. */
  answers: Array<Buffer> = []

  constructor(name: string, version: Version) {
    this.name = name
    this.version = version
  }

  get connected(): boolean {
    return this.peer !== undefined
  }

  send(packet: Buffer): void {
    this.peer?.send(packet)
  }

  lose(): void {
    this.peer?.forget()
    this.peer?.cut()
    this.peer = undefined
    this.answers = []
  }
}

class History {
  readonly trace: Array<string> = []
  readonly #world: World
  readonly #late: LateLog | undefined
  readonly #slow: SlowStore | undefined
  readonly #publisher: End
  readonly #subscriber: End
  /** The publisher's memory: what is open, by packet identifier. */
  readonly #open = new Map<number, { readonly number: number; released: boolean }>()
  readonly #freeIdentifiers = Array.from({ length: IDENTIFIERS }, (_, i) => i + 1)
  #published = 0
  /** The subscriber's memory: received and not released. */
  readonly #unreleased = new Map<number, number>()
  /** What its application was given. */
  readonly #given: Array<number> = []

  constructor({ exchanged, log: kind, publisherVersion, subscriberVersion }: Scenario) {
    const log = new MemoryLog({ limitBytes: 4_194_304 })
    this.#late = kind === "late" ? new LateLog(log) : undefined
    this.#slow = kind === "slow" ? new SlowStore() : undefined
    const limits = { receiveMaximum: IDENTIFIERS, sessionExpirySecondsMax: 1_000_000 }
    const options = { log: this.#slow ?? this.#late ?? log, limits, outboxBytesMax: 500 }
    this.#world = new World(this.#slow === undefined ? options : { ...options, sessionStore: this.#slow.sessions })
    this.#publisher = new End("publisher", publisherVersion)
    this.#subscriber = new End("subscriber", subscriberVersion)
    this.#connectPublisher(false)
    this.#connectSubscriber(false, 100)
    this.#subscriber.send(packets.subscribe(1, { filter: "t", qos: 2 }, subscriberVersion))
    this.#completeAll()
    for (let i = 0; i < exchanged; i++) {
      this.#publish(false)
      this.#completeAll()
    }
  }

  take([verb, a, b]: Step): void {
    this.#perform(verbs[verb % verbs.length] as (typeof verbs)[number], a, b)
    this.#world.run(b % 3)
  }

  #perform(verb: (typeof verbs)[number], a: number, b: number): void {
    const end = a % 2 === 0 ? this.#publisher : this.#subscriber
    if (verb === "publish") this.#publish(a % 5 === 0)
    else if (verb === "answer") this.#answer(end, b % 6 === 0)
    else if (verb === "run") this.#world.run(a % 3 === 0 ? undefined : a % 8)
    else if (verb === "lose publisher") this.#lose(this.#publisher)
    else if (verb === "lose subscriber") this.#lose(this.#subscriber)
    else if (verb === "connect publisher") this.#connectPublisher(true)
    else if (verb === "connect subscriber") this.#connectSubscriber(true, 1 + (a % 4))
    else if (verb === "repeat") this.#repeat(a)
    else if (verb === "stray") this.#stray(end, a, b)
    else if (verb === "stall") this.#stall(end)
    else if (verb === "show") this.#late?.showTail(1 + (a % 3))
    else this.#promise(1 + (a % 3))
  }

  #promise(records: number): void {
    this.#late?.promise(records)
    this.#slow?.keep(records)
  }

  /** The packet says that the newest such record is there for good. */
  #isKeptBy(what: string, record: string): void {
    if (this.#slow === undefined) return
    const ticket = this.#slow.ticketOf(record)
    check(ticket > 0, `${what} came without a record: ${record}`)
    check(ticket <= this.#slow.kept, `${what} came before its record was kept: ${record}`)
  }

  #publish(isLost: boolean): void {
    if (!this.#publisher.connected || this.#freeIdentifiers.length === 0) return
    const id = this.#freeIdentifiers.shift() as number
    const number = this.#published++
    this.#open.set(id, { number, released: false })
    this.trace.push(`publishes ${number} id ${id}${isLost ? ", lost" : ""}`)
    if (isLost) this.#publisher.lose()
    else this.#publisher.send(this.#frame(id, number, false))
  }

  #frame(packetIdentifier: number, number: number, duplicate: boolean): Buffer {
    const payload = Buffer.alloc(40)
    payload.writeUInt32BE(number)
    return packets.publish({ topic: "t", qos: 2, payload, packetIdentifier, duplicate }, this.#publisher.version)
  }

  /** Sends the oldest answer a client owes; `isLost`: it never arrives, and the connection with it. */
  #answer(end: End, isLost: boolean): void {
    const answer = end.answers.shift()
    if (answer === undefined) return
    this.trace.push(`${end.name} sends ${nameOf(answer)}${isLost ? ", lost" : ""}`)
    if (isLost) end.lose()
    else end.send(answer)
  }

  #lose(end: End): void {
    if (!end.connected) return
    this.trace.push(`${end.name} loses its connection`)
    end.lose()
  }

  /** On the same connection: superfluous, and harmless. */
  #repeat(a: number): void {
    const all = [...this.#open]
    const [id, open] = all[a % all.length] ?? [0, undefined]
    if (open === undefined || !this.#publisher.connected) return
    this.trace.push(`repeats ${open.released ? "PUBREL" : "PUBLISH"} id ${id}`)
    this.#publisher.send(open.released ? packets.acknowledge(PUBREL, id) : this.#frame(id, open.number, true))
  }

  /** Acknowledgements of what nobody knows. */
  #stray(end: End, a: number, b: number): void {
    const id = STRAYS_FROM + b
    this.trace.push(`${end.name} sends a stray ${PUBREC + (a % 3)}`)
    end.send(packets.acknowledge(PUBREC + (a % 3), id))
  }

  #stall({ name, peer }: End): void {
    if (peer === undefined) return
    this.trace.push(`${name} ${peer.stalled ? "goes on" : "stalls"}`)
    if (peer.stalled) peer.unstall()
    else peer.stall()
  }

  #connect(end: End, wasHere: boolean, receiveMaximum: number, onPacket: (packet: packets.Received) => void): void {
    const connection = end.connection + 1
    this.trace.push(`${end.name} connects (${connection})${end.connected ? ", taking over" : ""}`)
    end.connection = connection
    end.answers = []
    end.peer?.forget() // not cut: the broker still has the old connection
    const { clientIdentifier, version } = { clientIdentifier: end.name, version: end.version }
    end.peer = this.#world.connect((packet) => {
      if (end.connection !== connection) return
      if (packet.type === 2) {
        this.#isKeptBy("CONNACK", `SESSION ${end.name}`)
        check(packet.sessionPresent === wasHere, `${end.name}: session present ${packet.sessionPresent}`)
      } else onPacket(packet)
    }, version)
    const options = { clientIdentifier, version, sessionExpirySeconds: 1_000_000, receiveMaximum }
    end.peer.send(packets.connect(version === 5 ? options : { clientIdentifier, version }))
  }

  #connectPublisher(wasHere: boolean): void {
    this.#connect(this.#publisher, wasHere, 100, (packet) => this.#publishAnswered(packet))
    for (const [id, { number, released }] of this.#open) {
      this.#publisher.send(released ? packets.acknowledge(PUBREL, id) : this.#frame(id, number, true)) // [MQTT-4.4.0-1]
    }
  }

  #connectSubscriber(wasHere: boolean, receiveMaximum: number): void {
    const first = this.#subscriber.connection + 1
    this.#connect(this.#subscriber, wasHere, receiveMaximum, (packet) => this.#received(packet, first))
  }

  #publishAnswered({ packetIdentifier: id, reasonCode, type }: packets.Received): void {
    const open = this.#open.get(id)
    if (type === PUBREC && open !== undefined) {
      check(reasonCode < 0x80, `message ${open.number} was refused with ${reasonCode}`)
      if (this.#late !== undefined) check(this.#isKept(), `message ${open.number} was acknowledged before it was kept`)
      this.#isKeptBy("PUBREC", `MSG ${this.#slow?.sequenceOf(id)} id ${id}`)
      open.released = true
      this.#publisher.answers.push(packets.acknowledge(PUBREL, id))
    } else if (type === PUBCOMP && open?.released === true) {
      this.#isKeptBy("PUBCOMP", `Q2REL id ${id}`)
      this.trace.push(`message ${open.number} is complete`)
      this.#open.delete(id)
      // A PUBREL that was repeated must not come after the identifier is used again.
      this.#publisher.answers = this.#publisher.answers.filter((answer) => answer.readUInt16BE(2) !== id)
      this.#freeIdentifiers.push(id)
    } else if (type !== PUBREC && type !== PUBCOMP && type !== PUBREL) {
      throw new Complaint(`publisher: unexpected packet ${type}, reason ${reasonCode}`)
    }
  }

  #isKept(): boolean {
    return (this.#late?.kept ?? 0) > 0
  }

  #received(packet: packets.Received, connection: number): void {
    const { duplicate, packetIdentifier: id, qos, type } = packet
    if (type !== 3 && id >= STRAYS_FROM) return
    if (type === PUBREL) {
      this.#isKeptBy("PUBREL", `Q2OUT-REC id ${id}`)
      this.trace.push(`gets PUBREL ${id}`)
      this.#unreleased.delete(id)
      this.#subscriber.answers.push(packets.acknowledge(PUBCOMP, id))
      return
    }
    if (type !== 3) {
      check(type === 9, `subscriber: unexpected packet ${type}, reason ${packet.reasonCode}`)
      this.#isKeptBy("SUBACK", "SUB t")
      return
    }
    const number = packet.payload.readUInt32BE(0)
    this.trace.push(`gets ${number} id ${id}${duplicate ? " DUP" : ""}`)
    check(qos === 2, `message ${number} came at QoS ${qos}`)
    check(!duplicate || connection > 1, `message ${number} has DUP on the session's first connection`)
    this.#isKeptBy("PUBLISH", `Q2OUT ${this.#slow?.sequenceSentAs(id)} id ${id} ordinary`)
    const held = this.#unreleased.get(id)
    if (held === undefined) {
      this.#unreleased.set(id, number)
      this.#given.push(number)
      check(
        number === this.#given.length - 1,
        `message ${number} was given to the application as number ${this.#given.length - 1}`
      )
    } else {
      check(held === number, `message ${number} came with identifier ${id}, which is open for ${held}`)
      check(duplicate, `message ${number} came again without DUP`)
    }
    this.#subscriber.answers.push(packets.acknowledge(PUBREC, id))
  }

  #completeAll(): void {
    for (let left = true; left; ) {
      this.#world.run()
      this.#late?.showTail()
      this.#promise(Number.POSITIVE_INFINITY)
      this.#world.run()
      left = this.#publisher.answers.length + this.#subscriber.answers.length > 0
      this.#answer(this.#publisher, false)
      this.#answer(this.#subscriber, false)
    }
  }

  /** No more losses: everything completes, and every message was given exactly once, in order. */
  finish(): void {
    this.trace.push("the end")
    this.#connectPublisher(true)
    this.#connectSubscriber(true, 100)
    this.#completeAll()
    check(this.#open.size === 0, `${this.#open.size} messages are never complete`)
    check(this.#given.length === this.#published, `${this.#given.length} of ${this.#published} messages were given`)
    for (const session of this.#world.core.sessions.values()) {
      check(session.window.inFlight === 0, `${session.clientIdentifier} has exchanges open`)
      check((session.incoming?.size ?? 0) === 0, `${session.clientIdentifier}: identifiers are never released`)
    }
  }
}

const nameOf = (answer: Buffer): string =>
  `${["", "", "", "", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"][(answer[0] as number) >> 4]} ${answer.readUInt16BE(2)}`

const runHistory = (scenario: Scenario, steps: ReadonlyArray<Step>): void => {
  const history = new History(scenario)
  try {
    for (const step of steps) history.take(step)
    history.finish()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    error.message += `\n${JSON.stringify(scenario)}\n${history.trace.map((line) => `  ${line}`).join("\n")}`
    throw error
  }
}

const version = fc.constantFrom<Version>(4, 5)
const step: fc.Arbitrary<Step> = fc.tuple(fc.nat(verbs.length - 1), fc.nat(255), fc.nat(255))
const steps = fc.array(step, { minLength: 20, maxLength: STEPS_MAX, size: "max" })
const scenario: fc.Arbitrary<Scenario> = fc.record({
  exchanged: fc.nat(20),
  log: fc.constantFrom("embedded" as const, "late" as const, "slow" as const, "slow" as const),
  publisherVersion: version,
  subscriberVersion: version
})

describe("QoS 2", () => {
  it("is exactly once, whatever is lost and when", { timeout: 600_000 }, () => {
    const startedMs = performance.now()
    fc.assert(fc.property(scenario, steps, runHistory), { numRuns: HISTORIES, seed: SEED })
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    process.stdout.write(`QoS 2: ${HISTORIES} histories, seed ${SEED}, ${seconds} s\n`)
    assert.isAbove(HISTORIES, 0)
  })
})
