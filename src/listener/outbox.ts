/**
 * The bytes on their way to one client: collected in a slab, written once per loop turn.
 *
 *   reserve/append ──► slab ──(end of turn, or slab full)──► transport.write ──(done)──► slab back to the pool
 *
 * Invariants
 * - Bytes leave in the order of the calls; below one slab per turn there is one write per turn.
 * - While the transport still has an earlier write of ours, the end of a turn adds no further one: the slab goes
 *   on filling and leaves when the transport is done. A client that stopped reading, fed 64 bytes a turn, would
 *   otherwise hold one whole slab for every 64 bytes.
 * - No slab is held while there is nothing to send. Nothing is allocated per message: one callback per outbox, and
 *   a queue of the slabs in flight in the order in which the transport gives them back.
 * - It never drops: whoever delivers looks at `congested` first and decides what a full queue means for a QoS.
 *   `limitBytes` may be passed by what must be answered (acknowledgements, one packet of the maximum size).
 * - After close() every call stays legal and has no effect; the broker need not ask before each byte.
 *
 * Elsewhere: which packets and what a limit means (broker), sizes of slabs (slab-pool.ts), the turn (flush-turn.ts).
 */
import { assert } from "../base/assert.ts"
import type { FlushTurn, TurnMember } from "./flush-turn.ts"
import { SLAB_BYTES, type SlabPool } from "./slab-pool.ts"
import type { Transport } from "./transport.ts"

/** From here on a range is handed over where it lies: the copy would cost more than a write of its own. */
export const BY_REFERENCE_BYTES_MIN = 16_384

const NO_SLAB: Buffer = Buffer.alloc(0)

export class Outbox implements TurnMember {
  /** Where reserve() made room. Another one after each reserve(): read it again, do not keep it. */
  slab: Buffer = NO_SLAB
  /** Called once per awaitDrain(), when at most half of the limit is queued; not after close(). */
  onDrained: (() => void) | undefined = undefined
  /** Writes the transport is done with: a client that reads at all makes it rise. */
  writesDone = 0

  readonly #transport: Transport
  readonly #pool: SlabPool
  readonly #turn: FlushTurn
  readonly #limitBytes: number
  readonly #gatherBytes: number
  readonly #done = (): void => this.#written()
  /** In write order; NO_SLAB stands for a range that was handed over by reference. */
  readonly #inFlight: Array<Buffer> = []
  #usedBytes = 0
  /** Bytes up to which the fast path may fill `slab`; 0 when there is none. */
  #roomBytes = 0
  #dirty = false
  #drainAwaited = false
  #closed = false

  /** `gatherBytes`: from there on a slab is written without waiting for the end of the turn. */
  constructor(
    transport: Transport,
    pool: SlabPool,
    turn: FlushTurn,
    limitBytes: number,
    gatherBytes: number = SLAB_BYTES
  ) {
    this.#gatherBytes = Math.min(gatherBytes, SLAB_BYTES)
    this.#transport = transport
    this.#pool = pool
    this.#turn = turn
    this.#limitBytes = limitBytes
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Bytes accepted here that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.#usedBytes + this.#transport.unsentBytes
  }

  get congested(): boolean {
    return this.#usedBytes + this.#transport.unsentBytes > this.#limitBytes
  }

  /** Contiguous room of at most SLAB_BYTES; the caller fills exactly that much of `slab`, from the offset returned. */
  reserve(bytes: number): number {
    const offset = this.#usedBytes
    const end = offset + bytes
    if (end > this.#roomBytes) return this.#makeRoom(bytes)
    this.#usedBytes = end
    return offset
  }

  /** Any number of bytes. From BY_REFERENCE_BYTES_MIN on, the range must not be changed any more. */
  append(source: Buffer, start: number, end: number): void {
    const bytes = end - start
    if (bytes >= BY_REFERENCE_BYTES_MIN) {
      this.#writeByReference(source, start, end)
    } else {
      const offset = this.reserve(bytes)
      source.copy(this.slab, offset, start, end)
    }
  }

  /** Asks for one call of onDrained; it never comes from within this call. */
  awaitDrain(): void {
    this.#drainAwaited = true
    this.#joinTurn()
  }

  /** Writes what is collected now, whatever is in flight. */
  flush(): void {
    const bytes = this.#usedBytes
    if (bytes === 0) return
    const slab = this.slab
    this.#inFlight.push(slab)
    this.#forgetSlab()
    this.#transport.write(slab.subarray(0, bytes), this.#done)
  }

  /** For FlushTurn. */
  endTurn(): void {
    this.#dirty = false
    if (this.#inFlight.length === 0) this.flush()
    this.#reportDrain()
  }

  /** Nothing is accepted any more; what was not flushed is dropped. Slabs in flight come back with their writes. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#drainAwaited = false
    if (this.slab !== NO_SLAB) this.#pool.give(this.slab)
    this.#forgetSlab()
  }

  #makeRoom(bytes: number): number {
    assert(bytes <= SLAB_BYTES, "more than a slab was reserved")
    if (this.#closed) {
      this.slab = this.#pool.scratch
      return 0
    }
    const used = this.#usedBytes
    if (used > 0 && used + bytes <= this.#gatherBytes) {
      const small = this.slab
      this.#useSlab(this.#pool.take(SLAB_BYTES), used + bytes)
      small.copy(this.slab, 0, 0, used)
      this.#pool.give(small)
      return used
    }
    this.flush()
    this.#useSlab(this.#pool.take(bytes), bytes)
    this.#joinTurn()
    return 0
  }

  #writeByReference(source: Buffer, start: number, end: number): void {
    if (this.#closed) return
    this.flush()
    this.#inFlight.push(NO_SLAB)
    this.#transport.write(source.subarray(start, end), this.#done)
  }

  /** The transport is done with the oldest write. */
  #written(): void {
    const slab = this.#inFlight.shift()
    assert(slab !== undefined, "a write was reported done twice")
    this.writesDone += 1
    if (slab !== NO_SLAB) this.#pool.give(slab)
    if (this.#closed) return
    // Bytes of a turn that is still running wait for its end; those of turns gone by were waiting for this.
    if (!this.#dirty && this.#inFlight.length === 0) this.flush()
    this.#reportDrain()
  }

  #reportDrain(): void {
    if (!this.#drainAwaited || this.#closed || this.queuedBytes > this.#limitBytes / 2) return
    this.#drainAwaited = false
    this.onDrained?.()
  }

  #useSlab(slab: Buffer, usedBytes: number): void {
    this.slab = slab
    this.#roomBytes = Math.min(slab.length, Math.max(this.#gatherBytes, usedBytes))
    this.#usedBytes = usedBytes
  }

  #forgetSlab(): void {
    this.slab = NO_SLAB
    this.#roomBytes = 0
    this.#usedBytes = 0
  }

  #joinTurn(): void {
    if (this.#dirty || this.#closed) return
    this.#dirty = true
    this.#turn.add(this)
  }
}
