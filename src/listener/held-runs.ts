/**
 * Where an outbox's bytes lie while some of them wait: slabs put aside, and the marks from which on bytes need a ticket.
 *
 *   position    0 ......... writtenTo ......... limit ................................ slabBase ..... end
 *   bytes       the transport's    free to leave     wait for marks[0], marks[1] ...      the outbox's slab
 *
 * Positions count from the moment the outbox began to hold. A slab may lie across `writtenTo` or `limit`: the transport
 * then has its first part while the rest waits or is still being filled.
 *
 * Invariants
 * - Marks rise in position and in ticket; bytes from a mark to the next one need its ticket.
 * - Slabs put aside lie without gaps from at most `writtenTo` to `slabBase`, and each has bytes that are not written.
 * - Bounded by what the outbox accepts: its `congested` counts everything here.
 */
export interface SetAside {
  readonly buffer: Buffer
  /** Of its first byte in `buffer`, and that byte's position. */
  readonly offset: number
  readonly position: number
  lengthBytes: number
  /** It goes back to the pool; else somebody else's memory, written where it lies. */
  readonly isSlab: boolean
}

export class HeldRuns {
  readonly aside: Array<SetAside> = []
  /** Position of the first byte of the outbox's slab. */
  slabBase = 0
  writtenTo = 0
  readonly #tickets: Array<number> = []
  readonly #positions: Array<number> = []

  get waits(): boolean {
    return this.#tickets.length > 0
  }

  /** Bytes put aside and not written, less those of the outbox's slab that are. */
  get bytes(): number {
    return this.slabBase - this.writtenTo
  }

  /** Everything below may leave; `end` where nothing waits. */
  limit(end: number): number {
    return this.#positions[0] ?? end
  }

  /** The ticket that bytes added now would leave with, 0 when none. */
  get lastTicket(): number {
    return this.#tickets[this.#tickets.length - 1] ?? 0
  }

  begin(ticket: number, position: number): void {
    this.#tickets.push(ticket)
    this.#positions.push(position)
  }

  raise(ticket: number): void {
    this.#tickets[this.#tickets.length - 1] = ticket
  }

  /** Whether something that waited may leave now. */
  release(kept: number): boolean {
    let released = 0
    while (released < this.#tickets.length && (this.#tickets[released] as number) <= kept) released += 1
    this.#tickets.splice(0, released)
    this.#positions.splice(0, released)
    return released > 0
  }

  setAside(buffer: Buffer, offset: number, lengthBytes: number, isSlab: boolean): void {
    this.aside.push({ buffer, offset, position: this.slabBase, lengthBytes, isSlab })
    this.slabBase += lengthBytes
  }

  forgetMarks(): void {
    this.#tickets.length = 0
    this.#positions.length = 0
  }
}
