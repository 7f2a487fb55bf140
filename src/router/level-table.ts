/**
 * Literal levels of filters, interned: equal bytes, equal id. A level that a million filters share is
 * held once, and the tree compares numbers.
 *
 *   id ──offsets, lengths──▶ arena (the bytes of all levels, one after the other)
 *      ──references──▶ how many tree nodes use it; 0 = the id is free
 *
 * Invariants
 * - `find` answers an id only for exactly these bytes; nothing is normalized [MQTT-4.7.3-4].
 * - Ids are positive, dense and reused after the last reference is gone.
 * - Bytes of freed levels are garbage in the arena. When it is full the live bytes move to a new one, larger
 *   only if less than a quarter would be free: the arena stays below three times what is in use.
 *
 * Memory: about 30 bytes per distinct level besides its bytes; no string, no object per level.
 */
import { assert } from "../base/assert.ts"
import { ByteHash } from "../base/byte-hash.ts"
import { equalBytes } from "../base/bytes.ts"
import { OpenTable } from "./open-table.ts"

export class LevelTable {
  private readonly table: OpenTable = new OpenTable((id) => this.hashes[id] as number)
  private hashes = new Int32Array(LEVELS_MIN)
  private offsets = new Uint32Array(LEVELS_MIN)
  private lengths = new Uint16Array(LEVELS_MIN)
  private references = new Uint32Array(LEVELS_MIN)
  private arena: Buffer = Buffer.allocUnsafeSlow(ARENA_BYTES_MIN)
  private arenaUsed = 0
  private arenaGarbage = 0
  private idsUsed = 1
  private readonly freeIds: Array<number> = []
  private readonly hash: ByteHash

  constructor(hash: ByteHash = new ByteHash()) {
    this.hash = hash
  }

  /** The id of the level bytes[start, end), or 0 when no filter holds that level. */
  find(bytes: Buffer, start: number, end: number): number {
    const hash = this.hash.of(bytes, start, end)
    const { slots, mask } = this.table
    let id: number
    for (let slot = hash & mask; (id = slots[slot] as number) !== 0; slot = (slot + 1) & mask) {
      if (this.hashes[id] !== hash || this.lengths[id] !== end - start) continue
      if (equalBytes(bytes, start, end, this.arena, this.offsets[id] as number)) return id
    }
    return 0
  }

  /** The id of the level bytes[start, end), with one reference taken on it. */
  acquire(bytes: Buffer, start: number, end: number): number {
    const found = this.find(bytes, start, end)
    if (found !== 0) {
      this.references[found] = (this.references[found] as number) + 1
      return found
    }
    const id = this.freeIds.pop() ?? this.nextId()
    this.offsets[id] = this.store(bytes, start, end)
    this.lengths[id] = end - start
    this.hashes[id] = this.hash.of(bytes, start, end)
    this.references[id] = 1
    this.table.insert(id)
    return id
  }

  release(id: number): void {
    const references = this.references[id] as number
    assert(references > 0, "a level is released that nobody holds")
    this.references[id] = references - 1
    if (references > 1) return
    this.table.remove(id)
    this.arenaGarbage += this.lengths[id] as number
    this.freeIds.push(id)
  }

  /** Distinct levels held. */
  get size(): number {
    return this.idsUsed - 1 - this.freeIds.length
  }

  /** Bytes that the arena takes, garbage and room to grow included. */
  get sizeBytes(): number {
    return this.arena.length
  }

  private nextId(): number {
    const id = this.idsUsed++
    if (id < this.hashes.length) return id
    // Transferred, not copied: the old memory is given back at once, not by the next collection.
    this.hashes = new Int32Array(this.hashes.buffer.transfer(this.hashes.byteLength * 2))
    this.offsets = new Uint32Array(this.offsets.buffer.transfer(this.offsets.byteLength * 2))
    this.lengths = new Uint16Array(this.lengths.buffer.transfer(this.lengths.byteLength * 2))
    this.references = new Uint32Array(this.references.buffer.transfer(this.references.byteLength * 2))
    return id
  }

  /** Copies the bytes into the arena and answers where they begin. */
  private store(bytes: Buffer, start: number, end: number): number {
    const sizeBytes = end - start
    if (this.arenaUsed + sizeBytes > this.arena.length) this.makeRoom(sizeBytes)
    const offset = this.arenaUsed
    const copied = bytes.copy(this.arena, offset, start, end)
    assert(copied === sizeBytes, "the arena of levels is too small for what it holds")
    this.arenaUsed += copied
    return offset
  }

  /** A new arena without the garbage, at least a quarter of it free. */
  private makeRoom(sizeBytes: number): void {
    const live = this.arenaUsed - this.arenaGarbage
    let capacity = this.arena.length
    while ((live + sizeBytes) * 4 > capacity * 3) capacity *= 2
    const arena = Buffer.allocUnsafeSlow(capacity)
    let used = 0
    for (let id = 1; id < this.idsUsed; id++) {
      if (this.references[id] === 0) continue
      const offset = this.offsets[id] as number
      this.offsets[id] = used
      used += this.arena.copy(arena, used, offset, offset + (this.lengths[id] as number))
    }
    this.arena = arena
    this.arenaUsed = used
    this.arenaGarbage = 0
  }
}

const LEVELS_MIN = 64
const ARENA_BYTES_MIN = 1024
