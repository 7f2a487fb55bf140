/**
 * The oracle: what one session must be handed, kept the naive way, as a queue of its own that is filled at
 * publish time from the subscriptions it has at that moment. The broker keeps no such queues; it must look as
 * if it did. This file judges what a client receives; histories.ts makes the broker live through histories.
 *
 * Rules per session, QoS 1 and 2:
 * - first receipts come in the order of publishing, whatever their topic: there is one cursor;
 * - effective QoS, RETAIN, Subscription Identifiers and expiry are those of the moment of publishing;
 * - QoS 1: once per connection and never after its PUBACK; QoS 2: once; repeats carry DUP, and only on a later
 *   connection than the one they were sent on first;
 * - packet identifiers of open exchanges differ, and there are never more of them than Receive Maximum;
 * - what is never completed has exactly one row in the drop ledger.
 */
import { naiveMatch } from "../contract/naive-match.ts"
import type { Received } from "./client-packets.ts"

export interface Options {
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly identifier: number
}

/** A message as published. */
export interface Message {
  readonly number: number
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
  readonly expirySeconds: number | undefined
  readonly expiresAtMs: number
  /** The log's head when it was published. */
  readonly sequence: number
}

export class Expected {
  readonly message: Message
  readonly qos: number
  readonly retain: boolean
  readonly identifiers: ReadonlyArray<number>
  /** Subscriptions at QoS > 0 that match: counters that sit on filters count it that often. */
  readonly weight: number
  /** The session's connection at the moment of publishing, -1 when there was none. */
  readonly connection: number
  receivedOn: Array<number> = []
  released = false
  done = false

  constructor(message: Message, matching: ReadonlyArray<Options>, weight: number, connection: number) {
    this.message = message
    this.qos = Math.min(message.qos, Math.max(...matching.map(({ qos }) => qos)))
    this.retain = message.retain && matching.some(({ retainAsPublished }) => retainAsPublished)
    this.identifiers = matching.map(({ identifier }) => identifier).filter((identifier) => identifier !== 0)
    this.weight = weight
    this.connection = connection
  }
}

export interface Acknowledgement {
  readonly type: number
  readonly packetIdentifier: number
  readonly expected: Expected | undefined
}

export class Complaint extends Error {}

export const check = (fact: boolean, what: string): void => {
  if (!fact) throw new Complaint(what)
}

/** What one client knows and must get. */
export class ModelSession {
  readonly name: string
  exists = false
  /** Number of its current or last connection. */
  connection = -1
  connected = false
  expirySeconds = 0
  offlineSinceMs = 0
  receiveMaximum = 0
  readonly subscriptions = new Map<string, Options>()
  /** This life's queue, by message number. */
  queue = new Map<number, Expected>()
  /** QoS 0 deliveries of this connection, by message number: at once or not at all. */
  zeros = new Map<number, Expected>()
  /** Those that travel through a log which shows them later: perhaps, perhaps on the next connection. */
  lateZeros = new Map<number, Expected>()
  /** Of these, the ones that may expire on the way, and then are in the ledger. */
  lateZerosExpiring = 0
  /** Never completed and its session gone. */
  readonly buried: Array<Expected> = []
  /** Counted by filters, but not for this session: No Local. */
  phantoms = 0
  pending: Array<Acknowledgement> = []
  #incoming = new Map<number, Expected>()
  #open = new Map<number, Expected>()
  #lastNumber = -1

  constructor(name: string) {
    this.name = name
  }

  published(message: Message, isOwn: boolean, isLate: boolean): void {
    if (!this.exists) return
    const all = [...this.subscriptions].filter(([filter]) => naiveMatch(filter, message.topic)).map(([, each]) => each)
    const matching = isOwn ? all.filter(({ noLocal }) => !noLocal) : all
    const weight = message.qos === 0 ? 0 : all.filter(({ qos }) => qos > 0).length
    if (matching.length === 0) {
      this.phantoms += weight
      return
    }
    const expected = new Expected(message, matching, weight, this.connected ? this.connection : -1)
    if (expected.qos > 0) this.queue.set(message.number, expected)
    else {
      this.phantoms += weight
      if (isLate) {
        this.lateZeros.set(message.number, expected)
        if (message.expirySeconds !== undefined) this.lateZerosExpiring += 1
      } else if (this.connected) this.zeros.set(message.number, expected)
    }
  }

  /** The client has a connection, for this life or a new one. */
  connectedAs(connection: number, receiveMaximum: number, expirySeconds: number): void {
    this.exists = true
    this.connected = true
    this.connection = connection
    this.receiveMaximum = receiveMaximum
    this.expirySeconds = expirySeconds
    this.zeros.clear()
    this.pending = []
    this.#open.clear()
  }

  connectionEnded(nowMs: number): void {
    this.connected = false
    this.offlineSinceMs = nowMs
    this.pending = []
    if (this.expirySeconds === 0) this.end()
  }

  end(): void {
    for (const expected of this.queue.values()) if (!expected.done) this.buried.push(expected)
    this.queue = new Map()
    this.lateZeros.clear()
    this.subscriptions.clear()
    this.#incoming.clear()
    this.#lastNumber = -1
    this.exists = false
  }

  timePassed(nowMs: number): void {
    if (this.exists && !this.connected && nowMs >= this.offlineSinceMs + this.expirySeconds * 1000) this.end()
  }

  /** A PUBLISH came. `notBeforeMs`: it was surely not sent earlier. */
  received(packet: Received, notBeforeMs: number, roomy: boolean): void {
    const number = packet.payload.readUInt32BE(0)
    const name = `${this.name}: message ${number}`
    if (packet.qos === 0) {
      const zero = this.zeros.get(number) ?? this.lateZeros.get(number)
      check(zero !== undefined, `${name} at QoS 0 was not to come, or came twice`)
      this.#sameOptions(name, packet, zero as Expected)
      this.zeros.delete(number)
      this.lateZeros.delete(number)
      return
    }
    const expected = this.queue.get(number) as Expected
    check(expected !== undefined, `${name} was not to come`)
    this.#sameOptions(name, packet, expected)
    const again = expected.receivedOn.length > 0
    check(!expected.done, `${name} came after it was acknowledged`)
    check(!expected.released, `${name} came after PUBREC`)
    check(expected.receivedOn.at(-1) !== this.connection, `${name} came twice on one connection`)
    check(packet.duplicate || !again, `${name} came again without DUP`)
    check(!packet.duplicate || expected.connection !== this.connection, `${name} has DUP on its first connection`)
    check(again || packet.duplicate || expected.message.expiresAtMs > notBeforeMs, `${name} had expired`)
    if (!again) {
      check(number > this.#lastNumber, `${name} came after ${this.#lastNumber}`)
      this.#lastNumber = number
    }
    expected.receivedOn.push(this.connection)
    this.#exchangeOpened(name, packet, expected, roomy)
  }

  #exchangeOpened(name: string, packet: Received, expected: Expected, roomy: boolean): void {
    const id = packet.packetIdentifier
    check(id > 0, `${name} has no packet identifier`)
    check(!this.#open.has(id), `${name} uses ${id}, which is open`)
    this.#open.set(id, expected)
    check(this.#open.size <= this.receiveMaximum, `${name} passes Receive Maximum ${this.receiveMaximum}`)
    if (packet.qos === 2) {
      const held = this.#incoming.get(id)
      // A record that the ring overtook ends its exchange; its identifier may come again.
      check(held === undefined || held === expected || !roomy, `${name} uses ${id}, which is not released`)
      this.#incoming.set(id, expected)
    }
    this.pending.push({ type: packet.qos === 1 ? 4 : 5, packetIdentifier: id, expected })
  }

  /** PUBREL came. */
  releasedBy(packetIdentifier: number): void {
    this.pending.push({ type: 7, packetIdentifier, expected: this.#incoming.get(packetIdentifier) })
  }

  /** The client acknowledges, and the server reads it at once. */
  acknowledged({ type, packetIdentifier, expected }: Acknowledgement, isRefusal: boolean): void {
    if (type === 5 && !isRefusal) {
      if (expected !== undefined) expected.released = true
      return
    }
    this.#open.delete(packetIdentifier)
    this.#incoming.delete(packetIdentifier)
    if (expected !== undefined) expected.done = true
  }

  /** What is still owed. */
  get owed(): ReadonlyArray<Expected> {
    return [...this.queue.values()].filter((expected) => !expected.done)
  }

  #sameOptions(name: string, packet: Received, expected: Expected): void {
    const { message } = expected
    check(packet.topic === message.topic, `${name}: topic ${packet.topic}, not ${message.topic}`)
    check(packet.qos === expected.qos, `${name}: QoS ${packet.qos}, not ${expected.qos}`)
    check(packet.retain === expected.retain, `${name}: RETAIN ${packet.retain}, not ${expected.retain}`)
    const identifiers = packet.identifiers.toSorted().join()
    const wanted = expected.identifiers.toSorted().join()
    check(identifiers === wanted, `${name}: identifiers ${identifiers}, not ${wanted}`)
    const most = message.expirySeconds ?? -1
    const isInRange =
      most === -1 ? packet.expirySeconds === -1 : packet.expirySeconds >= 1 && packet.expirySeconds <= most
    check(isInRange, `${name}: expiry ${packet.expirySeconds} of ${most}`)
  }
}
