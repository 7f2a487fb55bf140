/**
 * The bytes on their way to one client: collected in a slab, written once per loop turn.
 *
 *   reserve/append ──► slab ──(end of turn, or slab full)──► transport ──(done)──► slab back to the pool
 *                       │ hold(ticket): from here on                ▲
 *                       └──────► slabs that wait ──(release)────────┘
 *
 * Invariants
 * - Bytes leave in the order of the calls; below one slab per turn there is one write per turn, besides an answer alone.
 * - While the transport still has an earlier write of ours, the end of a turn adds no further one: the slab goes
 *   on filling and leaves when the transport is done. A client that stopped reading, fed 64 bytes a turn, would
 *   otherwise hold one whole slab for every 64 bytes.
 * - Bytes added after hold(ticket) leave after release() of that ticket, never before; what was added before hold() is
 *   not delayed by it. Where nothing is held, holding costs nothing: the fast paths know nothing of it.
 * - No slab is held while there is nothing to send. Nothing is allocated per message: one callback per outbox, and
 *   a queue of the slabs in flight in the order in which the transport gives them back.
 * - It never drops: whoever delivers looks at `congested` first and decides what a full queue means for a QoS.
 *   `limitBytes` may be passed by what must be answered (acknowledgements, one packet of the maximum size).
 * - After close() every call stays legal and has no effect; the broker need not ask before each byte.
 *
 * Elsewhere: which packets and what a limit means (broker), who waits for which ticket (broker/holds.ts), where held
 * bytes lie (held-runs.ts), sizes of slabs (slab-pool.ts), the turn (flush-turn.ts).
 */
import { assert } from "../base/assert.ts"
import type { FlushTurn, TurnMember } from "./flush-turn.ts"
import { HeldRuns, type SetAside } from "./held-runs.ts"
import { lent } from "./lent-memory.ts"
import { SLAB_BYTES, type SlabPool } from "./slab-pool.ts"
import type { Transport } from "./transport.ts"

/** From here on a range is handed over where it lies: the copy would cost more than a write of its own. */
export const BY_REFERENCE_BYTES_MIN = 16_384

/** What hold() came to: nothing (a later ticket is waited for already), the turn's run waits longer, a run of its own. */
export const Hold = { behind: 0, raised: 1, began: 2 } as const

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
  /** In write order; NO_SLAB stands for a range that was handed over by reference, or whose slab is not full yet. */
  readonly #inFlight: Array<Buffer> = [NO_SLAB]
  #usedBytes = 0
  /** Bytes up to which the fast path may fill `slab`; 0 when there is none. */
  #roomBytes = 0
  /** Bytes in slabs that wait, less those of `slab` that the transport has. */
  #heldBytes = 0
  #held: HeldRuns | undefined = undefined
  /** From the first hold() until everything held has been written. */
  #holding = false
  /** A run began in this turn: what is held now joins it. */
  #runIsOpen = false
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
    // Room for one: most have one write under way, and push() on an array without memory takes it for 17.
    this.#inFlight.pop()
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
    return this.#usedBytes + this.#heldBytes + this.#transport.unsentBytes
  }

  get congested(): boolean {
    return this.#usedBytes + this.#heldBytes + this.#transport.unsentBytes > this.#limitBytes
  }

  /** The peer was, or will be, written something that nothing holds back. */
  get hasSent(): boolean {
    const held = this.#holding ? this.#held?.limit(1) : this.#usedBytes
    return this.writesDone > 0 || this.#inFlight.length > 0 || (held ?? 0) > 0
  }

  /** Contiguous room of at most SLAB_BYTES; the caller fills exactly that much of `slab`, from the offset returned. */
  reserve(bytes: number): number {
    const offset = this.#usedBytes
    const end = offset + bytes
    if (end > this.#roomBytes) return this.#makeRoom(bytes)
    this.#usedBytes = end
    return offset
  }

  /** Any number of bytes. From BY_REFERENCE_BYTES_MIN on, the range must not be changed any more, unless it is lent. */
  append(source: Buffer, start: number, end: number): void {
    const bytes = end - start
    if (bytes >= BY_REFERENCE_BYTES_MIN) {
      // [LENT-1]
      if (source === lent.buffer) this.#appendLent(source, start, end)
      else this.#writeByReference(source, start, end)
    } else {
      const offset = this.reserve(bytes)
      source.copy(this.slab, offset, start, end)
    }
  }

  /**
   * For an answer behind which nothing is expected in this turn: where nothing is in front of it, it leaves from where it lies,
   * without a slab and without waiting for the end of the turn. Measured with CONNACK: a connect takes 6 % less processor time.
   */
  appendAlone(packet: Buffer): void {
    const sent = this.#sendInPlace(packet, 0, packet.length)
    if (sent < packet.length) this.append(packet, sent, packet.length)
  }

  /**
   * Bytes added from here on leave when release() was told of `ticket` [KEEP-2] [KEEP-4] (broker/holds.ts). What is held within one turn leaves together,
   * with the highest of its tickets.
   */
  hold(ticket: number): (typeof Hold)[keyof typeof Hold] {
    if (this.#closed) return Hold.behind
    this.#held ??= new HeldRuns()
    const held = this.#held
    if (!this.#holding) {
      this.#holding = true
      held.slabBase = 0
      held.writtenTo = 0
    }
    if (held.waits && ticket <= held.lastTicket) return Hold.behind
    if (held.waits && this.#runIsOpen) {
      // [KEEP-2]
      held.raise(ticket)
      return Hold.raised
    }
    held.begin(ticket, held.slabBase + this.#usedBytes)
    this.#runIsOpen = true
    this.#joinTurn()
    return Hold.began
  }

  /** Every ticket up to `kept` is kept: what waited for them leaves with this turn. */
  release(kept: number): void {
    if (this.#closed || this.#held?.release(kept) !== true) return
    this.#joinTurn()
  }

  /** Forgets what is held: the connection ends and the peer will not be told. What is added now is behind nothing. */
  dropHeld(): void {
    if (this.#holding && this.#held?.waits === true) this.#discardFrom(this.#held, this.#held.limit(0))
  }

  /** Asks for one call of onDrained; it never comes from within this call. */
  awaitDrain(): void {
    this.#drainAwaited = true
    this.#joinTurn()
  }

  /** Writes what is collected now and not held, whatever is in flight. */
  flush(): void {
    if (this.#holding) {
      this.#flushFree(this.#held as HeldRuns)
      return
    }
    const bytes = this.#usedBytes
    if (bytes === 0) return
    const slab = this.slab
    this.#forgetSlab()
    this.#send(slab, 0, bytes, slab)
  }

  /** For FlushTurn. */
  endTurn(): void {
    this.#dirty = false
    this.#runIsOpen = false
    if (this.#inFlight.length === 0) this.flush()
    this.#reportDrain()
  }

  /** Nothing is accepted any more; what was not flushed is dropped. Slabs in flight come back with their writes. */
  close(): void {
    if (this.#closed) return
    if (this.#holding) {
      const held = this.#held as HeldRuns
      this.#discardFrom(held, held.writtenTo)
    }
    this.#closed = true
    this.#holding = false
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
    if (used > 0 && used + bytes <= this.#gatherBytes && !this.#isPartlyWritten) {
      const small = this.slab
      this.#useSlab(this.#pool.take(SLAB_BYTES), used + bytes)
      small.copy(this.slab, 0, 0, used)
      this.#pool.give(small)
      return used
    }
    if (this.#holding) this.#setAside(this.#held as HeldRuns)
    else this.flush()
    this.#useSlab(this.#pool.take(bytes), bytes)
    this.#joinTurn()
    return 0
  }

  /**
   * What the network does not take at once is copied, slab by slab; or, when another outbox has done that, written from the
   * copy that all further ones share.
   */
  #appendLent(source: Buffer, start: number, end: number): void {
    if (this.#closed) return
    if (!this.#holding && this.#inFlight.length === 0) this.flush()
    const sent = this.#sendInPlace(source, start, end)
    if (start + sent === end) return
    const copy = lent.copyForAll(start, end)
    if (copy !== undefined) {
      this.#writeByReference(copy, sent, copy.length)
      return
    }
    for (let from = start + sent; from < end; ) {
      const room = this.#gatherBytes - this.#usedBytes
      const bytes = Math.min(end - from, room > 0 ? room : this.#gatherBytes)
      const offset = this.reserve(bytes)
      source.copy(this.slab, offset, from, from + bytes)
      from += bytes
    }
  }

  /** Bytes that the network took from where they lie; nothing while there is something in front of them. */
  #sendInPlace(source: Buffer, start: number, end: number): number {
    const isFirst = this.#usedBytes === 0 && this.#inFlight.length === 0 && !this.#holding && !this.#closed
    if (!isFirst) return 0 // [KEEP-2] [KEEP-4]
    const sent = this.#transport.writeNow?.(source, start, end) ?? 0
    if (sent > 0) this.writesDone += 1
    return sent
  }

  #writeByReference(source: Buffer, start: number, end: number): void {
    if (this.#closed) return
    if (this.#holding) {
      const held = this.#held as HeldRuns
      this.#setAside(held)
      held.setAside(source, start, end - start, false)
      this.#heldBytes = held.bytes
      this.#joinTurn()
      return
    }
    this.flush()
    this.#send(source, start, end, NO_SLAB)
  }

  /** What the network takes at once is done with; the rest is the transport's, and `slab` with it, until it reports. */
  #send(buffer: Buffer, start: number, end: number, slab: Buffer): void {
    const isFirst = this.#inFlight.length === 0
    const from = isFirst ? start + (this.#transport.writeNow?.(buffer, start, end) ?? 0) : start
    if (from === end) {
      this.writesDone += 1
      if (slab !== NO_SLAB) this.#pool.give(slab)
      return
    }
    this.#inFlight.push(slab)
    this.#transport.write(buffer.subarray(from, end), this.#done)
  }

  /** While holding, the transport may have the first part of the slab that is still being filled. */
  get #isPartlyWritten(): boolean {
    return this.#holding && this.#heldBytes < 0
  }

  /** The slab is full, and something in it or before it waits. */
  #setAside(held: HeldRuns): void {
    if (this.#usedBytes > 0) held.setAside(this.slab, 0, this.#usedBytes, true)
    this.#heldBytes = held.bytes
    this.#forgetSlab()
  }

  /** Writes everything up to the first byte that waits [KEEP-2] [KEEP-4]. */
  #flushFree(held: HeldRuns): void {
    const { aside } = held
    const end = held.slabBase + this.#usedBytes
    const limit = held.limit(end)
    let next = 0
    for (; next < aside.length; next++) {
      const { buffer, isSlab, lengthBytes, offset, position } = aside[next] as SetAside
      const to = Math.min(limit, position + lengthBytes)
      const isWhole = to === position + lengthBytes
      if (to > held.writtenTo) {
        const from = offset + held.writtenTo - position
        held.writtenTo = to
        this.#send(buffer, from, offset + to - position, isWhole && isSlab ? buffer : NO_SLAB)
      }
      if (!isWhole) break
    }
    if (next > 0) aside.splice(0, next)
    if (aside.length === 0 && limit > held.writtenTo) this.#flushSlab(held, limit)
    this.#heldBytes = held.bytes
    if (!held.waits) this.#holding = false
  }

  /** The outbox's own slab, up to `limit`; it is kept while there is more in it. */
  #flushSlab(held: HeldRuns, limit: number): void {
    const { slab } = this
    const from = held.writtenTo - held.slabBase
    const to = limit - held.slabBase
    held.writtenTo = limit
    const isWhole = to === this.#usedBytes
    if (isWhole) {
      held.slabBase = limit
      this.#forgetSlab()
    }
    this.#send(slab, from, to, isWhole ? slab : NO_SLAB)
  }

  /** Nothing from position `limit` on is written any more [KEEP-4]. */
  #discardFrom(held: HeldRuns, limit: number): void {
    this.#setAside(held)
    held.forgetMarks()
    const { aside, writtenTo } = held
    for (let last = aside.at(-1); last !== undefined && last.position + last.lengthBytes > limit; last = aside.at(-1)) {
      if (last.position < limit && limit > writtenTo) {
        last.lengthBytes = limit - last.position
        break
      }
      aside.pop()
      if (last.isSlab) this.#giveBack(last.buffer, writtenTo > last.position)
    }
    held.slabBase = limit
    this.#heldBytes = held.bytes
  }

  /** A slab of which nothing more is written; if the transport still has a part of it, that was the last write. */
  #giveBack(slab: Buffer, isPartlyWritten: boolean): void {
    if (isPartlyWritten && this.#inFlight.length > 0) this.#inFlight[this.#inFlight.length - 1] = slab
    else this.#pool.give(slab)
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
