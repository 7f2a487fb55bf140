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
 * - Memory follows use: nothing is allocated before the first QoS > 0 delivery. Identifiers that are free are a list through
 *   their own cells.
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
const NOTHING = new Float64Array(0)
const NONE: ReadonlyArray<number> = []

/** Of the cells that an identifier has. */
const CELLS = 3
/** Log position of the message; of a free identifier the one that is given next after it, 0 = it is the last. */
const SEQUENCE = 0
const STATE = 1
/** Rises with every exchange. */
const ORDER = 2

export class OutgoingWindow {
  /** Receive Maximum in force: the smaller of the client's and the setting. */
  limit: number
  inFlight = 0
  #capacity = 0
  /** One array for all, not one per column: with thousands of sessions the arrays themselves would be most of it. */
  #cells = NOTHING
  /** Free identifiers in the order in which they are given; 0 = there is none. */
  #firstFree = 0
  #lastFree = 0
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
    if (this.#firstFree === 0) this.#grow()
    const packetIdentifier = this.#firstFree
    const cell = packetIdentifier * CELLS
    const cells = this.#cells
    // Small integers, also where they come out of a column of doubles: 8 ns an exchange.
    this.#firstFree = (cells[cell + SEQUENCE] as number) | 0
    if (this.#firstFree === 0) this.#lastFree = 0
    this.inFlight += 1
    cells[cell + SEQUENCE] = sequence
    cells[cell + STATE] = state
    cells[cell + ORDER] = this.#nextOrder++
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
      assert(this.state(packetIdentifier) === ExchangeState.free, "an identifier is open once")
      const cell = packetIdentifier * CELLS
      this.#cells[cell + SEQUENCE] = sequence
      this.#cells[cell + STATE] = state
      this.#cells[cell + ORDER] = this.#nextOrder++
      this.inFlight += 1
    }
    for (let id = 1; id <= highest; id++) if (this.state(id) === ExchangeState.free) this.#line(id)
  }

  /** State of an identifier; `free` for identifiers never used. */
  state(packetIdentifier: number): number {
    return packetIdentifier <= this.#capacity
      ? (this.#cells[packetIdentifier * CELLS + STATE] as number) | 0
      : ExchangeState.free
  }

  /** Of an open exchange. */
  sequence(packetIdentifier: number): number {
    return this.#cells[packetIdentifier * CELLS + SEQUENCE] as number
  }

  /** The open exchange of the message at that log position, 0 when there is none. Cold: looks at all of them. */
  find(sequence: number): number {
    for (let id = 1; id <= this.#capacity && this.inFlight > 0; id++) {
      if (this.state(id) !== ExchangeState.free && this.sequence(id) === sequence) return id
    }
    return 0
  }

  /** PUBREC received: from here on only PUBREL is repeated [MQTT-4.3.3-6]. */
  released(packetIdentifier: number): void {
    assert(this.state(packetIdentifier) === ExchangeState.awaitPubrec, "PUBREC answers an open QoS 2 PUBLISH")
    this.#cells[packetIdentifier * CELLS + STATE] = ExchangeState.awaitPubcomp
  }

  /** Ends an exchange; the identifier goes to the end of the line. */
  close(packetIdentifier: number): void {
    assert(this.state(packetIdentifier) !== ExchangeState.free, "only an open exchange is closed")
    this.#cells[packetIdentifier * CELLS + STATE] = ExchangeState.free
    this.#line(packetIdentifier)
    this.inFlight -= 1
  }

  /** Open identifiers in the order their messages were first sent [MQTT-4.6.0-1]. Cold: after a resume. */
  openIdentifiers(): ReadonlyArray<number> {
    if (this.inFlight === 0) return NONE
    const found: Array<number> = []
    let turns = 0
    let first = 0
    for (let id = 1, last = -1; id <= this.#capacity; id++) {
      if (this.state(id) === ExchangeState.free) continue
      const order = this.#order(id)
      if (order < last) {
        turns += 1
        first = found.length
      }
      last = order
      found.push(id)
    }
    if (turns === 0) return found
    // Identifiers are given in turn: where all are acknowledged in order the line goes round once, and is not to be sorted.
    if (turns === 1 && this.#order(found.at(-1) as number) < this.#order(found[0] as number)) {
      return [...found.slice(first), ...found.slice(0, first)]
    }
    return found.sort((a, b) => this.#order(a) - this.#order(b))
  }

  /** Lowest log position still unacknowledged, Infinity when there is none. Cold: decides which intervals and records are still needed. */
  lowestSequence(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (let id = 1; id <= this.#capacity && this.inFlight > 0; id++) {
      const sequence = this.sequence(id)
      if (this.state(id) !== ExchangeState.free && sequence >= 0 && sequence < lowest) lowest = sequence
    }
    return lowest
  }

  #order(packetIdentifier: number): number {
    return this.#cells[packetIdentifier * CELLS + ORDER] as number
  }

  #line(packetIdentifier: number): void {
    const cells = this.#cells
    cells[packetIdentifier * CELLS + SEQUENCE] = 0
    if (this.#lastFree === 0) this.#firstFree = packetIdentifier
    else cells[this.#lastFree * CELLS + SEQUENCE] = packetIdentifier
    this.#lastFree = packetIdentifier
  }

  /** None is free. */
  #grow(): void {
    const before = this.#capacity
    const after = Math.min(CAPACITY_MAX, Math.max(CAPACITY_FIRST, before * 2))
    assert(after > before, "a window never needs more than 65,535 identifiers")
    this.#allocate(after)
    for (let id = before + 1; id <= after; id++) this.#line(id)
  }

  #allocate(capacity: number): void {
    const cells = new Float64Array((capacity + 1) * CELLS)
    cells.set(this.#cells)
    this.#cells = cells
    this.#capacity = capacity
  }
}
