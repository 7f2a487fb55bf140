/**
 * Acknowledgements that wait for their promise: (ticket, client slot, slot generation, packet identifier, packet
 * type), in the order of the tickets, packed in typed arrays. No closure and no promise per message.
 *
 * Each remembers the loop time at which its PUBLISH came: what is released together waited alike, see acknowledge.ts.
 *
 * One ring per promise (KeepLane in store/ports.ts): what waits for a sync holds nobody up who waits for less.
 *
 * Invariant: releasing up to a ticket is popping from the front. Tickets hardly ever fall; one that does waits behind
 * the higher ones before it, so that it leaves later than it might and never earlier.
 */
const LENGTH_FIRST = 256
const RELEASED_AT_ONCE = 32

type Send = (slot: number, generation: number, packetIdentifier: number, packetType: number, arrivedMs: number) => void

export class AcknowledgementRing {
  #tickets = new Float64Array(LENGTH_FIRST)
  #slots = new Uint32Array(LENGTH_FIRST)
  #generations = new Float64Array(LENGTH_FIRST)
  #identifiers = new Uint16Array(LENGTH_FIRST)
  #types = new Uint8Array(LENGTH_FIRST)
  #arrivals = new Float64Array(LENGTH_FIRST)
  #head = 0
  length = 0

  push(
    ticket: number,
    slot: number,
    generation: number,
    packetIdentifier: number,
    packetType: number,
    arrivedMs = 0
  ): void {
    if (this.length === this.#tickets.length) this.#grow()
    const at = (this.#head + this.length) % this.#tickets.length
    this.#tickets[at] = ticket
    this.#slots[at] = slot
    this.#generations[at] = generation
    this.#identifiers[at] = packetIdentifier
    this.#types[at] = packetType
    this.#arrivals[at] = arrivedMs
    this.length += 1
  }

  /** Hands out, in order, everything whose ticket is at most `kept`. */
  release(kept: number, send: Send): void {
    while (this.#releaseSome(kept, send));
  }

  /** False when that was all. In short loops: see HANDED_AT_ONCE in catch-up.ts. */
  #releaseSome(kept: number, send: Send): boolean {
    for (let released = 0; released < RELEASED_AT_ONCE; released++) {
      if (this.length === 0 || (this.#tickets[this.#head] as number) > kept) return false
      const at = this.#head
      this.#head = (at + 1) % this.#tickets.length
      this.length -= 1
      send(
        this.#slots[at] as number,
        this.#generations[at] as number,
        this.#identifiers[at] as number,
        this.#types[at] as number,
        this.#arrivals[at] as number
      )
    }
    return true
  }

  #grow(): void {
    const after = this.#tickets.length * 2
    const head = this.#head
    this.#tickets = spread(new Float64Array(after), this.#tickets, head)
    this.#slots = spread(new Uint32Array(after), this.#slots, head)
    this.#generations = spread(new Float64Array(after), this.#generations, head)
    this.#identifiers = spread(new Uint16Array(after), this.#identifiers, head)
    this.#arrivals = spread(new Float64Array(after), this.#arrivals, head)
    this.#types = spread(new Uint8Array(after), this.#types, head)
    this.#head = 0
  }
}

interface Column<A> {
  readonly length: number
  set(from: A, at?: number): void
  subarray(from: number, to?: number): A
}

/** The whole of a full ring, its head first. */
const spread = <A extends Column<A>>(to: A, from: A, head: number): A => {
  to.set(from.subarray(head))
  to.set(from.subarray(0, head), from.length - head)
  return to
}
