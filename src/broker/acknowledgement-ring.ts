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
  release(
    kept: number,
    send: (slot: number, generation: number, packetIdentifier: number, packetType: number, arrivedMs: number) => void
  ): void {
    while (this.length > 0 && (this.#tickets[this.#head] as number) <= kept) {
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
  }

  #grow(): void {
    const before = this.#tickets.length
    const order = Array.from({ length: this.length }, (_, i) => (this.#head + i) % before)
    this.#tickets = spread(new Float64Array(before * 2), this.#tickets, order)
    this.#slots = spread(new Uint32Array(before * 2), this.#slots, order)
    this.#generations = spread(new Float64Array(before * 2), this.#generations, order)
    this.#identifiers = spread(new Uint16Array(before * 2), this.#identifiers, order)
    this.#arrivals = spread(new Float64Array(before * 2), this.#arrivals, order)
    this.#types = spread(new Uint8Array(before * 2), this.#types, order)
    this.#head = 0
  }
}

const spread = <A extends { [index: number]: number }>(to: A, from: A, order: ReadonlyArray<number>): A => {
  for (let i = 0; i < order.length; i++) to[i] = from[order[i] as number] as number
  return to
}
