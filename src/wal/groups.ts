/**
 * The groups of the appender: records that wait to be written together, each group the frame-to-be of one write.
 *
 * Two slabs of GROUP_BYTES swap in the ordinary case: one is in flight, the other fills. A burst takes more of them, a
 * large record takes one of its own size; pendingBytesMax bounds their sum. At most SPARE_SLABS_MAX are kept.
 *
 * Invariants
 * - A group's bytes begin with room for the frame header; its records lie one behind the other behind it.
 * - Groups leave in the order in which they were opened, so LSNs leave dense.
 */
import { makeSlab, type Slab } from "./checksum.ts"
import { FRAME_HEADER_BYTES } from "./frame.ts"

const GROUP_BYTES = 1_048_576
const SPARE_SLABS_MAX = 6

export class Group {
  readonly slab: Slab
  used = FRAME_HEADER_BYTES
  count = 0
  firstLsn = 0
  /** A record in it asked for a sync, whatever the mode. */
  asksSync = false
  hasMessages = false
  /** Up to here it may be filled even when that is more than an ordinary frame: what it was made for fits. */
  readonly roomBytes: number

  constructor(slab: Slab, roomBytes: number) {
    this.slab = slab
    this.roomBytes = roomBytes
  }
}

export class Groups {
  readonly #waiting: Array<Group> = []
  readonly #spares: Array<Slab> = []
  /** Without room at first: a log that is only opened takes no memory. */
  #filling: Group = new Group(makeSlab(FRAME_HEADER_BYTES), 0)
  /** Bytes of groups that are filling or waiting, and of the one in flight. */
  pendingBytes = 0

  get isEmpty(): boolean {
    return this.#filling.count === 0 && this.#waiting.length === 0
  }
  /** Groups that are full already: the next frame need not wait for the end of the turn. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** The group that takes `sizeBytes` of records next; `maxBytes` is what one frame may hold. */
  forRecord(sizeBytes: number, maxBytes: number): Group {
    const filling = this.#filling
    const room = filling.slab.bytes.length < maxBytes ? filling.slab.bytes.length : maxBytes
    const end = filling.used + sizeBytes
    if (end <= room || end <= filling.roomBytes) return filling
    if (filling.count > 0) this.#waiting.push(filling)
    else this.#release(filling.slab)
    const needed = FRAME_HEADER_BYTES + sizeBytes
    const slab = needed > GROUP_BYTES ? makeSlab((needed + 7) & ~7) : this.#take()
    this.#filling = new Group(slab, needed)
    return this.#filling
  }

  /** The group that is to be written next, undefined when there is none. */
  next(): Group | undefined {
    const first = this.#waiting.shift()
    if (first !== undefined) return first
    if (this.#filling.count === 0) return undefined
    const filled = this.#filling
    this.#filling = new Group(this.#take(), 0)
    return filled
  }

  /** The group has been written, or will never be. */
  finish(group: Group): void {
    this.pendingBytes -= group.used - FRAME_HEADER_BYTES
    this.#release(group.slab)
  }

  /** Forgets everything that was not written. */
  clear(): void {
    this.#waiting.length = 0
    this.#filling = new Group(this.#take(), 0)
    this.pendingBytes = 0
  }

  #take(): Slab {
    return this.#spares.pop() ?? makeSlab(GROUP_BYTES)
  }

  #release(slab: Slab): void {
    if (slab.bytes.length === GROUP_BYTES && this.#spares.length < SPARE_SLABS_MAX) this.#spares.push(slab)
  }
}
