/**
 * The slabs that outgoing bytes are collected in, shared by all outboxes of one broker.
 *
 * Two sizes: an outbox begins a turn with a small slab and changes to a large one when it needs more. A message
 * fanned out to 10,000 clients in one turn so costs 40 MB and not 640 MB.
 *
 * Invariants
 * - An idle connection holds no slab; a slab is with exactly one outbox (or its transport) or in the pool.
 * - The pool keeps at most `freeSlabsMax` free slabs of each size, and no more than FREE_LARGE_MAX large ones; what comes
 *   back above that goes to the garbage collector. How many are out at once is bounded by the outboxes' limits, not
 *   here: take() never fails, because an answer that has no room to be written in could only be lost.
 *
 * Elsewhere: outbox.ts decides when a slab is taken, grown, written and returned.
 */
import { assert } from "../base/assert.ts"

/** Largest contiguous room an outbox gives, and the size of one write in a flood. */
export const SLAB_BYTES = 65_536
/** What most connections need for the answers of one loop turn. */
export const SMALL_SLAB_BYTES = 4_096
/** A burst to thousands of clients must not leave its slabs with the broker for good: 16 MiB + 4 MiB are kept. */
export const FREE_SLABS_MAX_DEFAULT = 1_024
/** Of the large ones. */
const FREE_LARGE_MAX = 256

export class SlabPool {
  /** Where a closed outbox lets its callers write what nobody will read. */
  readonly scratch: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  readonly #freeSlabsMax: number
  readonly #small: Array<Buffer> = []
  readonly #large: Array<Buffer> = []
  #takenSlabs = 0

  constructor(freeSlabsMax: number = FREE_SLABS_MAX_DEFAULT) {
    this.#freeSlabsMax = freeSlabsMax
  }

  /** Slabs that are with an outbox or a transport now. */
  get takenSlabs(): number {
    return this.#takenSlabs
  }

  get freeBytes(): number {
    return this.#small.length * SMALL_SLAB_BYTES + this.#large.length * SLAB_BYTES
  }

  /** A slab with room for `bytes`; its content is whatever was there before. */
  take(bytes: number): Buffer {
    assert(bytes <= SLAB_BYTES, "no slab is that large")
    this.#takenSlabs++
    if (bytes <= SMALL_SLAB_BYTES) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_SLAB_BYTES)
    return this.#large.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
  }

  give(slab: Buffer): void {
    assert(this.#takenSlabs > 0, "a slab came back twice")
    this.#takenSlabs--
    if (slab.length !== SLAB_BYTES) {
      if (this.#small.length < this.#freeSlabsMax) this.#small.push(slab)
    } else if (this.#large.length < Math.min(this.#freeSlabsMax, FREE_LARGE_MAX)) this.#large.push(slab)
  }
}
