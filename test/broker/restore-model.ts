/**
 * What must outlive a crash, as clients see it, written down by ticket: every change carries the ticket of its record,
 * and a crash that leaves a prefix of the records leaves the changes of that prefix. No queue, no cursor, no window.
 *
 *   Timeline<V>   a value and when it became what it is     rollBack(ticket) = as if nothing later had happened
 *
 * Rules
 * - What a client was told (CONNACK, SUBACK, UNSUBACK, PUBACK, PUBREC, PUBCOMP, PUBLISH at QoS 2) is kept by then.
 * - A message that is there, for a session that subscribed before it, is received: at QoS 1 at least once, and after its
 *   PUBACK only if there was a crash since; at QoS 2 once, by whatever packets.
 * - First receipts of one publisher's messages of one topic and QoS come in their order [MQTT-4.6.0-6].
 */
import { naiveMatch } from "../contract/naive-match.ts"
import type { Received } from "./client-packets.ts"
import { check } from "./oracle.ts"

export class Timeline<V> {
  readonly #steps: Array<{ readonly ticket: number; readonly value: V }>

  constructor(ticket: number, value: V) {
    this.#steps = [{ ticket, value }]
  }

  get value(): V {
    return (this.#steps.at(-1) as { value: V }).value
  }
  /** Since when it is what it is. */
  get ticket(): number {
    return (this.#steps.at(-1) as { ticket: number }).ticket
  }
  set(ticket: number, value: V): void {
    this.#steps.push({ ticket, value })
  }
  /** False when it did not exist yet. */
  rollBack(ticket: number): boolean {
    while (this.#steps.length > 1 && this.ticket > ticket) this.#steps.pop()
    return this.ticket <= ticket
  }
}

export interface Options {
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly identifier: number
}

export interface Message {
  readonly number: number
  readonly publisher: string
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
}

/** One record of a message, as it is for one session. */
export interface Copy {
  readonly ticket: number
  readonly qos: number
  readonly retain: boolean
  readonly identifiers: string
}

/** One message for one session. A publisher that was not answered repeats it: at QoS 1 that is another copy. */
export class Expected {
  readonly message: Message
  copies: Array<Copy> = []
  receipts = 0
  /** PUBACKs since the last crash but for those before `doneAtCrash`. */
  acknowledged = 0
  /** Crashes there had been when it was acknowledged last, -1 before. */
  doneAtCrash = -1

  constructor(message: Message) {
    this.message = message
  }

  /** A copy that waits. */
  get qos(): number {
    return Math.max(...this.copies.map(({ qos }) => qos))
  }
}

const copyOf = (message: Message, matching: ReadonlyArray<Options>, ticket: number): Copy => {
  const qos = Math.min(message.qos, Math.max(...matching.map(({ qos }) => qos)))
  const retain = message.retain && matching.some(({ retainAsPublished }) => retainAsPublished)
  const identifiers = matching.map(({ identifier }) => identifier).filter((identifier) => identifier !== 0)
  return { ticket, qos, retain, identifiers: identifiers.sort().join() }
}

/** One life of a session, from the CONNECT that made it to its end. */
export class Life {
  readonly name: string
  /** As records name it. */
  readonly number: number
  readonly expirySeconds: Timeline<number>
  /** Wall time since when it is offline; 0 = connected. */
  readonly offlineSinceMs: Timeline<number>
  readonly subscriptions = new Map<string, Timeline<Options | undefined>>()
  readonly queue = new Map<number, Expected>()
  /** The subscription asked for retained messages, and its options have not changed since. */
  readonly wantsRetained: Timeline<boolean>
  /** Retained or as they came. */
  readonly seen = new Set<number>()
  readonly #lastOf = new Map<string, number>()

  constructor(name: string, number: number, ticket: number, expirySeconds: number) {
    this.name = name
    this.number = number
    this.expirySeconds = new Timeline(ticket, expirySeconds)
    this.offlineSinceMs = new Timeline(ticket, 0)
    this.wantsRetained = new Timeline(ticket, false)
  }

  get active(): Map<string, Options> {
    const active = new Map<string, Options>()
    for (const [filter, { value }] of this.subscriptions) if (value !== undefined) active.set(filter, value)
    return active
  }

  subscribed(filter: string, options: Options | undefined, ticket: number): void {
    const timeline = this.subscriptions.get(filter)
    if (timeline === undefined) this.subscriptions.set(filter, new Timeline(ticket, options))
    else timeline.set(ticket, options)
  }

  published(message: Message, ticket: number): void {
    const matching = [...this.active]
      .filter(([filter]) => naiveMatch(filter, message.topic))
      .map(([, options]) => options)
      .filter(({ noLocal }) => !noLocal || message.publisher !== this.name)
    if (matching.length === 0) return
    const copy = copyOf(message, matching, ticket)
    if (copy.qos === 0) return
    const expected = this.queue.get(message.number) ?? new Expected(message)
    expected.copies.push(copy)
    this.queue.set(message.number, expected)
  }

  owes(number: number): boolean {
    return this.expirySeconds.value > 0 && this.queue.has(number)
  }

  rollBack(ticket: number): void {
    this.expirySeconds.rollBack(ticket)
    this.offlineSinceMs.rollBack(ticket)
    this.wantsRetained.rollBack(ticket)
    for (const [filter, timeline] of this.subscriptions) {
      if (!timeline.rollBack(ticket)) this.subscriptions.delete(filter)
    }
    for (const [number, expected] of this.queue) {
      expected.copies = expected.copies.filter((copy) => copy.ticket <= ticket)
      if (expected.copies.length === 0) this.queue.delete(number)
    }
    for (const [key, last] of this.#lastOf) this.#lastOf.set(key, Math.min(last, ticket))
  }

  /** A PUBLISH that the application sees. */
  received(packet: Received, number: number, crashes: number): void {
    const name = `${this.name}: message ${number}`
    const expected = this.queue.get(number) as Expected
    check(expected !== undefined, `${name} was not to come`)
    check(packet.topic === expected.message.topic, `${name}: topic ${packet.topic}`)
    const identifiers = packet.identifiers.toSorted().join()
    const isSame = ({ identifiers: own, qos, retain }: Copy) =>
      qos === packet.qos && retain === packet.retain && own === identifiers
    const copy = expected.copies.find(isSame) as Copy
    const told = `QoS ${packet.qos}, RETAIN ${packet.retain}, identifiers ${identifiers}`
    check(copy !== undefined, `${name}: ${told}, not ${JSON.stringify(expected.copies)}`)
    expected.receipts += 1
    if (packet.qos === 2) check(expected.receipts === 1, `${name} came twice at QoS 2`)
    const isOver = expected.acknowledged >= expected.copies.length && expected.doneAtCrash === crashes
    check(!isOver, `${name} came after its PUBACK`)
    if (expected.receipts > 1) return
    const { publisher, topic } = expected.message
    const key = `${publisher} ${topic} ${copy.qos}`
    const last = this.#lastOf.get(key) ?? -1
    check(copy.ticket > last, `${name} came too late`)
    this.#lastOf.set(key, copy.ticket)
  }
}

/** The will of one connection. */
export type WillState =
  | { readonly kind: "connected" }
  | { readonly kind: "waiting"; readonly dueAtMs: number }
  | { readonly kind: "published" }
  | { readonly kind: "cancelled" }

export class ModelWill {
  readonly number: number
  readonly delaySeconds: number
  /** Its session's, as records name it. */
  readonly sessionNumber: number
  readonly expirySeconds: number
  readonly state: Timeline<WillState>

  constructor(number: number, delaySeconds: number, sessionNumber: number, expirySeconds: number, ticket: number) {
    this.number = number
    this.delaySeconds = delaySeconds
    this.sessionNumber = sessionNumber
    this.expirySeconds = expirySeconds
    this.state = new Timeline<WillState>(ticket, { kind: "connected" })
  }

  /** When it is published, of a connection that ends now. What a crash left of a clean session waits its delay. */
  dueAtMs(nowMs: number, afterCrash: boolean): number {
    const lives = this.expirySeconds === 0 && afterCrash ? this.delaySeconds : this.expirySeconds
    return nowMs + Math.min(this.delaySeconds, lives) * 1000
  }
}
