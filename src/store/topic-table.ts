/**
 * Topic ids by the topic's bytes, and the bytes by the id: no string and no object per topic, so that millions of topics
 * that come and go are no work for the garbage collector.
 *
 *   slots    open addressing by hash, a power of two, at most half full; 0 = free, else 1 + id
 *   hashes   per id            places   per id: where its entry begins in the chunks, ABSENT when it has none
 *   chunk    entries one behind the other, each a multiple of 4 bytes:
 *
 *            | id u32 | length u16 | the topic's bytes | 0..3 unused |
 *
 * Names are written to the active chunk. A chunk of which less than 1 / SPARSE_SHARE is still in use moves what is into
 * the active one, and is free: what is held is at most that many times what is needed.
 *
 * Invariants
 * - An answer is exact: bytes are compared, the hash only says where to look.
 * - Between an id's home slot and its slot no slot is free: removal shifts followers back. [TOP-1]
 * - A chunk is given back when none of its names is in use, and those in use are where `places` says. [TOP-2]
 * - Topics can be chosen so that their hashes collide. What finds no slot within PROBES_MAX goes to a map, whose hashes
 *   nobody outside can choose; it is asked when the slots do not know.
 *
 * Elsewhere: which ids there are (log-topics.ts).
 */
import { assert } from "../base/assert.ts"
import { copyBytes, equalBytes, hashBytes } from "../base/bytes.ts"

const SLOTS_FIRST = 512
const PROBES_MAX = 64
/** Holds two names of the greatest length. */
const CHUNK_BYTES = 131_072
const ENTRY_HEADER_BYTES = 6
const SPARSE_SHARE = 4
/** What is counted for a topic by itself has room for such a name. */
const SHORT_NAME_BYTES = 64
const ABSENT = -1

interface Chunk {
  readonly bytes: Buffer
  used: number
  /** Of those, what topics have that are in the table. */
  live: number
}

export class TopicTable {
  #count = 0
  #slots = new Int32Array(SLOTS_FIRST)
  #hashes = new Int32Array(SLOTS_FIRST / 2)
  #places = new Float64Array(SLOTS_FIRST / 2).fill(ABSENT)
  readonly #crowded = new Map<string, number>()
  readonly #chunks: Array<Chunk | undefined> = []
  readonly #freeChunks: Array<number> = []
  #active = ABSENT
  #spare: Buffer | undefined = undefined
  #longBytes = 0

  get size(): number {
    return this.#count
  }

  /** Bytes of all names, of each those above SHORT_NAME_BYTES. */
  get longBytes(): number {
    return this.#longBytes
  }

  /** Chunks that hold names. */
  get chunks(): number {
    return this.#chunks.length - this.#freeChunks.length
  }

  /** -1: it is not in the table. */
  find(buffer: Buffer, start: number, end: number): number {
    const hash = hashBytes(buffer, start, end)
    const mask = this.#slots.length - 1
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const id = (this.#slots[(hash + probe) & mask] as number) - 1
      if (id < 0) break
      if (this.#hashes[id] === hash && this.#isNamed(id, buffer, start, end)) return id
    }
    return this.#crowded.size === 0 ? -1 : (this.#crowded.get(buffer.toString("utf8", start, end)) ?? -1)
  }

  /** What find() does not know, under an id that names nothing. */
  add(buffer: Buffer, start: number, end: number, id: number): void {
    const hash = hashBytes(buffer, start, end)
    if (id >= this.#hashes.length) this.#growColumns(id)
    this.#hashes[id] = hash
    this.#write(buffer, start, end, id)
    this.#longBytes += longBytes(end - start)
    this.#count += 1
    if (this.#count * 2 > this.#slots.length) this.#growSlots()
    this.#place(id)
  }

  remove(id: number): void {
    const place = this.#places[id] as number
    assert(place !== ABSENT, "the topic is in the table")
    this.#unplace(id)
    this.#count -= 1
    this.#places[id] = ABSENT
    const at = Math.floor(place / CHUNK_BYTES)
    const chunk = this.#chunks[at] as Chunk
    const length = lengthAt(chunk.bytes, place % CHUNK_BYTES)
    this.#longBytes -= longBytes(length)
    chunk.live -= entryBytes(length)
    this.#tidy(at)
  }

  /** "" = the id names no topic. */
  name(id: number): string {
    const place = this.#places[id] ?? ABSENT
    if (place === ABSENT) return ""
    const { bytes } = this.#chunks[Math.floor(place / CHUNK_BYTES)] as Chunk
    const offset = place % CHUNK_BYTES
    const start = offset + ENTRY_HEADER_BYTES
    return bytes.toString("utf8", start, start + lengthAt(bytes, offset))
  }

  #isNamed(id: number, buffer: Buffer, start: number, end: number): boolean {
    const place = this.#places[id] as number
    const { bytes } = this.#chunks[Math.floor(place / CHUNK_BYTES)] as Chunk
    const offset = place % CHUNK_BYTES
    return lengthAt(bytes, offset) === end - start && equalBytes(buffer, start, end, bytes, offset + ENTRY_HEADER_BYTES)
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1
    const home = this.#hashes[id] as number
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = (home + probe) & mask
      if (this.#slots[slot] !== 0) continue
      this.#slots[slot] = id + 1
      return
    }
    this.#crowded.set(this.name(id), id)
  }

  #unplace(id: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    const home = this.#hashes[id] as number
    let probe = 0
    while (probe < PROBES_MAX && slots[(home + probe) & mask] !== id + 1) probe++
    if (probe === PROBES_MAX) {
      this.#crowded.delete(this.name(id))
      return
    }
    let free = (home + probe) & mask
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const follower = slots[slot] as number
      // It may move back unless its home lies behind the free slot. [TOP-1]
      if (((slot - (this.#hashes[follower - 1] as number)) & mask) < ((slot - free) & mask)) continue
      slots[free] = follower
      free = slot
    }
    slots[free] = 0
  }

  #growSlots(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    for (const held of old) if (held !== 0) this.#place(held - 1)
  }

  #growColumns(id: number): void {
    const length = Math.max(id + 1, this.#hashes.length * 2)
    const hashes = new Int32Array(length)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const places = new Float64Array(length).fill(ABSENT, this.#places.length)
    places.set(this.#places)
    this.#places = places
  }

  #write(buffer: Buffer, start: number, end: number, id: number): void {
    const sizeBytes = entryBytes(end - start)
    if (this.#active === ABSENT || (this.#chunks[this.#active] as Chunk).used + sizeBytes > CHUNK_BYTES) this.#begin()
    const chunk = this.#chunks[this.#active] as Chunk
    const { bytes, used } = chunk
    bytes[used] = id
    bytes[used + 1] = id >>> 8
    bytes[used + 2] = id >>> 16
    bytes[used + 3] = id >>> 24
    bytes[used + 4] = end - start
    bytes[used + 5] = (end - start) >>> 8
    copyBytes(bytes, used + ENTRY_HEADER_BYTES, buffer, start, end)
    this.#places[id] = this.#active * CHUNK_BYTES + used
    chunk.used += sizeBytes
    chunk.live += sizeBytes
  }

  /** A new active chunk. */
  #begin(): void {
    const full = this.#active
    const bytes = this.#spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.#spare = undefined
    this.#active = this.#freeChunks.pop() ?? this.#chunks.length
    this.#chunks[this.#active] = { bytes, used: 0, live: 0 }
    if (full !== ABSENT) this.#tidy(full)
  }

  /** Gives a chunk back that is hardly used. */
  #tidy(at: number): void {
    const chunk = this.#chunks[at] as Chunk
    if (at === this.#active || chunk.live * SPARSE_SHARE > CHUNK_BYTES) return
    const { bytes, used } = chunk
    for (let offset = 0; offset < used && chunk.live > 0; ) {
      const length = lengthAt(bytes, offset)
      const id = idAt(bytes, offset)
      const start = offset + ENTRY_HEADER_BYTES
      // Else the topic is gone, or its name was written anew. [TOP-2]
      if (this.#places[id] === at * CHUNK_BYTES + offset) {
        chunk.live -= entryBytes(length)
        this.#write(bytes, start, start + length, id)
      }
      offset += entryBytes(length)
    }
    this.#chunks[at] = undefined
    this.#freeChunks.push(at)
    this.#spare = bytes
  }
}

function entryBytes(length: number): number {
  return (ENTRY_HEADER_BYTES + length + 3) & ~3
}

function longBytes(length: number): number {
  return Math.max(0, length - SHORT_NAME_BYTES)
}

function idAt(bytes: Buffer, offset: number): number {
  const high = ((bytes[offset + 3] as number) << 24) | ((bytes[offset + 2] as number) << 16)
  return (high | ((bytes[offset + 1] as number) << 8) | (bytes[offset] as number)) >>> 0
}

function lengthAt(bytes: Buffer, offset: number): number {
  return ((bytes[offset + 5] as number) << 8) | (bytes[offset + 4] as number)
}
