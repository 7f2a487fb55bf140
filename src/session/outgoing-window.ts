/**
 * The messages a server has handed to one client and that are not yet acknowledged: packet identifiers,
 * their QoS 1 or 2 state, and where each message lies in the log.
 *
 * This is the cursor's "holes" (src/store/log-reader.ts): everything below the cursor that is in here was
 * handed over but not acknowledged, everything else below it is done with.
 *
 * Invariants
 * - inFlight + free identifiers = capacity; capacity <= 65,535; identifiers are 1..capacity [MQTT-2.2.1-3].
 * - An identifier is reused only after its exchange ended, and the longest idle one goes first [MQTT-2.2.1-4].
 * - At most `limit` exchanges are open at a time, counting those held back after a resume with a smaller
 *   Receive Maximum [MQTT-3.3.4-9]; `limit` may shrink below inFlight, never the other way round by itself.
 * - Memory follows use: nothing is allocated before the first QoS > 0 delivery.
 * - After a restart the identifiers that were open are open again, each under its number: the client knows them.
 */
import { assert } from "../base/assert.ts"

export const ExchangeState = {
  free: 0,
  /** QoS 1 PUBLISH sent. */
  awaitPuback: 1,
  /** QoS 2 PUBLISH sent. */
  awaitPubrec: 2,
  /** PUBREL sent: the message itself is the receiver's now. */
  awaitPubcomp: 3
} as const

/** An exchange as it was before a restart. */
export interface OpenExchange {
  readonly packetIdentifier: number
  readonly state: number
  readonly sequence: number
}

const CAPACITY_FIRST = 16
const CAPACITY_MAX = 65_535
const NOTHING8 = new Uint8Array(0)
const NOTHING16 = new Uint16Array(0)
const NOTHING64 = new Float64Array(0)

export class OutgoingWindow {
  /** Receive Maximum in force: the smaller of the client's and the setting. */
  limit: number
  inFlight = 0
  #capacity = 0
  #state = NOTHING8
  #sequence = NOTHING64
  #order = NOTHING64
  #free = NOTHING16
  #freeHead = 0
  #nextOrder = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get full(): boolean {
    return this.inFlight >= this.limit
  }

  /** Opens an exchange and answers its packet identifier. `sequence` is the message's log position, -1 when it is in no log. */
  open(state: number, sequence: number): number {
    assert(this.inFlight < this.limit, "the window has room")
    if (this.inFlight === this.#capacity) this.#grow()
    const packetIdentifier = this.#free[this.#freeHead] as number
    this.#freeHead = this.#freeHead + 1 === this.#capacity ? 0 : this.#freeHead + 1
    this.inFlight += 1
    this.#state[packetIdentifier] = state
    this.#sequence[packetIdentifier] = sequence
    this.#order[packetIdentifier] = this.#nextOrder++
    return packetIdentifier
  }

  /** Opens exchanges under the identifiers they had, in the order in which they were first sent. On a window never used. */
  reopen(exchanges: ReadonlyArray<OpenExchange>): void {
    assert(this.#capacity === 0, "only a window that was never used is brought back")
    let highest = exchanges.length === 0 ? 0 : CAPACITY_FIRST
    for (const { packetIdentifier } of exchanges) highest = Math.max(highest, packetIdentifier)
    if (highest === 0) return
    this.#allocate(highest)
    for (const { packetIdentifier, state, sequence } of exchanges) {
      assert(packetIdentifier > 0 && state !== ExchangeState.free, "what comes back is open")
      assert(this.#state[packetIdentifier] === ExchangeState.free, "an identifier is open once")
      this.#state[packetIdentifier] = state
      this.#sequence[packetIdentifier] = sequence
      this.#order[packetIdentifier] = this.#nextOrder++
      this.inFlight += 1
    }
    let free = 0
    for (let id = 1; id <= highest; id++) if (this.#state[id] === ExchangeState.free) this.#free[free++] = id
  }

  /** State of an identifier; `free` for identifiers never used. */
  state(packetIdentifier: number): number {
    return packetIdentifier <= this.#capacity ? (this.#state[packetIdentifier] as number) : ExchangeState.free
  }

  sequence(packetIdentifier: number): number {
    return this.#sequence[packetIdentifier] as number
  }

  /** PUBREC received: from here on only PUBREL is repeated [MQTT-4.3.3-6]. */
  released(packetIdentifier: number): void {
    assert(this.state(packetIdentifier) === ExchangeState.awaitPubrec, "PUBREC answers an open QoS 2 PUBLISH")
    this.#state[packetIdentifier] = ExchangeState.awaitPubcomp
  }

  /** Ends an exchange; the identifier goes to the end of the line. */
  close(packetIdentifier: number): void {
    assert(this.state(packetIdentifier) !== ExchangeState.free, "only an open exchange is closed")
    this.#state[packetIdentifier] = ExchangeState.free
    const freeCount = this.#capacity - this.inFlight
    this.#free[(this.#freeHead + freeCount) % this.#capacity] = packetIdentifier
    this.inFlight -= 1
  }

  /** Open identifiers in the order their messages were first sent [MQTT-4.6.0-1]. Cold: after a resume. */
  openIdentifiers(): Array<number> {
    const found: Array<number> = []
    for (let id = 1; id <= this.#capacity; id++) if (this.#state[id] !== ExchangeState.free) found.push(id)
    return found.sort((a, b) => (this.#order[a] as number) - (this.#order[b] as number))
  }

  /** Lowest log position still unacknowledged, Infinity when there is none. Cold: decides which intervals and records are still needed. */
  lowestSequence(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (let id = 1; id <= this.#capacity; id++) {
      const sequence = this.#sequence[id] as number
      if (this.#state[id] !== ExchangeState.free && sequence >= 0 && sequence < lowest) lowest = sequence
    }
    return lowest
  }

  #grow(): void {
    const before = this.#capacity
    const after = Math.min(CAPACITY_MAX, Math.max(CAPACITY_FIRST, before * 2))
    assert(after > before, "a window never needs more than 65,535 identifiers")
    this.#allocate(after)
    // All old identifiers are in use when the window grows, so the line of free ones is just the new ones.
    for (let i = 0; i < after - before; i++) this.#free[i] = before + 1 + i
  }

  #allocate(capacity: number): void {
    const state = new Uint8Array(capacity + 1)
    const sequence = new Float64Array(capacity + 1)
    const order = new Float64Array(capacity + 1)
    state.set(this.#state)
    sequence.set(this.#sequence)
    order.set(this.#order)
    this.#state = state
    this.#sequence = sequence
    this.#order = order
    this.#free = new Uint16Array(capacity)
    this.#freeHead = 0
    this.#capacity = capacity
  }
}
