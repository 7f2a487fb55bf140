/**
 * QoS 1 and 2 messages that wait in memory for a place in one client's window, oldest first: copies of their frames in
 * chunks of a pool that all clients share. For sessions that end with their connection; others wait in the log, which
 * has their messages anyway.
 *
 *   chunk    record, record, ... one frame never lies in two chunks; a large frame has a chunk of its own
 *   record   4  bytes of the frame
 *            4  flags: bits 0..1 QoS, 2 RETAIN, 3 version 5; from bit 8 on how many subscription identifiers
 *            8  log position, -1 = in no log
 *            8  wall ms after which it must not be sent, Infinity = never
 *            8  per subscription identifier
 *               the frame, padded to 8
 *
 * Invariants
 * - What is held is bounded twice: records per client, and chunks in the pool for all of them; push() answers false
 *   beyond.
 * - A frame read is valid until shift(): its chunk is somebody else's then.
 * - Nobody who waits for nothing holds a chunk.
 *
 * Elsewhere: who waits here and who in the log, and when it goes on (broker/wait-in-memory.ts).
 */
import { assert } from "../base/assert.ts"
import { copyBytes } from "../base/bytes.ts"

export const CHUNK_BYTES = 4096
/** Chunks kept for the next one who has to wait. */
const FREE_MAX = 256
const HEADER_BYTES = 24
const WORD_BYTES = 8
const RETAIN = 4
const VERSION_5 = 8
const IDENTIFIERS_SHIFT = 8

class Chunk {
  readonly bytes: Buffer
  readonly integers: Int32Array
  readonly doubles: Float64Array
  next: Chunk | undefined = undefined
  readAt = 0
  used = 0

  constructor(lengthBytes: number) {
    const memory = new ArrayBuffer(lengthBytes)
    this.bytes = Buffer.from(memory)
    this.integers = new Int32Array(memory)
    this.doubles = new Float64Array(memory)
  }
}

/** The memory of all who wait. */
export class WaitingPool {
  /** Of chunks in use. */
  usedBytes = 0
  #free: Chunk | undefined = undefined
  #freeCount = 0

  /** Undefined where that would be more than `limitBytes` for all. */
  take(lengthBytes: number, limitBytes: number): Chunk | undefined {
    const wanted = Math.max(CHUNK_BYTES, lengthBytes)
    if (this.usedBytes + wanted > limitBytes) return undefined
    this.usedBytes += wanted
    const chunk = this.#free
    if (wanted > CHUNK_BYTES || chunk === undefined) return new Chunk(wanted)
    this.#free = chunk.next
    this.#freeCount -= 1
    chunk.next = undefined
    return chunk
  }

  give(chunk: Chunk): void {
    const { length } = chunk.bytes
    this.usedBytes -= length
    if (length > CHUNK_BYTES || this.#freeCount === FREE_MAX) return
    chunk.readAt = 0
    chunk.used = 0
    chunk.next = this.#free
    this.#free = chunk
    this.#freeCount += 1
  }
}

/** Registers of one message: of the one that is to wait, or of the oldest that does. */
export class WaitingFrame {
  buffer: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  isVersion5 = false
  qos = 0
  retain = false
  sequence = -1
  expiresAtMs = Number.POSITIVE_INFINITY
  identifiers: ReadonlyArray<number> | undefined = undefined
}

export class WaitingFrames {
  count = 0
  /** Of its records. */
  bytes = 0
  /** Its client takes long: nobody waits for it (broker/hold-back.ts), until it has taken all. */
  isSlow = false
  #head: Chunk | undefined = undefined
  #tail: Chunk | undefined = undefined

  /** False when there is no room, here or in the pool. */
  push(pool: WaitingPool, frame: WaitingFrame, limitBytes: number, poolLimitBytes: number): boolean {
    const { buffer, end, expiresAtMs, identifiers, isVersion5, qos, retain, sequence, start } = frame
    const identifierCount = identifiers === undefined ? 0 : identifiers.length
    const size = recordBytes(end - start, identifierCount)
    if (this.bytes + size > limitBytes) return false
    let chunk = this.#tail
    if (chunk === undefined || chunk.used + size > chunk.bytes.length) {
      chunk = this.#extend(pool, size, poolLimitBytes)
      if (chunk === undefined) return false
    }
    const at = chunk.used
    chunk.used = at + size
    chunk.integers[at >> 2] = end - start
    chunk.integers[(at >> 2) + 1] =
      qos | (retain ? RETAIN : 0) | (isVersion5 ? VERSION_5 : 0) | (identifierCount << IDENTIFIERS_SHIFT)
    const words = at >> 3
    chunk.doubles[words + 1] = sequence
    chunk.doubles[words + 2] = expiresAtMs
    for (let i = 0; i < identifierCount; i++) chunk.doubles[words + 3 + i] = identifiers?.[i] as number
    copyBytes(chunk.bytes, at + HEADER_BYTES + identifierCount * WORD_BYTES, buffer, start, end)
    this.bytes += size
    this.count += 1
    return true
  }

  /** The oldest; there is one. */
  read(frame: WaitingFrame): void {
    const chunk = this.#first
    const at = chunk.readAt
    const flags = chunk.integers[(at >> 2) + 1] as number
    const words = at >> 3
    const identifierCount = flags >>> IDENTIFIERS_SHIFT
    frame.buffer = chunk.bytes
    frame.start = at + HEADER_BYTES + identifierCount * WORD_BYTES
    frame.end = frame.start + (chunk.integers[at >> 2] as number)
    frame.qos = flags & 3
    frame.retain = (flags & RETAIN) !== 0
    frame.isVersion5 = (flags & VERSION_5) !== 0
    frame.sequence = chunk.doubles[words + 1] as number
    frame.expiresAtMs = chunk.doubles[words + 2] as number
    frame.identifiers =
      identifierCount === 0 ? undefined : [...chunk.doubles.subarray(words + 3, words + 3 + identifierCount)]
  }

  /** The oldest waits no longer. */
  shift(pool: WaitingPool): void {
    const chunk = this.#first
    const at = chunk.readAt
    const identifierCount = (chunk.integers[(at >> 2) + 1] as number) >>> IDENTIFIERS_SHIFT
    const size = recordBytes(chunk.integers[at >> 2] as number, identifierCount)
    chunk.readAt = at + size
    this.bytes -= size
    this.count -= 1
    if (chunk.readAt < chunk.used) return
    this.#head = chunk.next
    if (this.#head === undefined) {
      this.#tail = undefined
      this.isSlow = false
    }
    pool.give(chunk)
  }

  /** Nobody waits any more; answers how many did. */
  clear(pool: WaitingPool): number {
    const { count } = this
    for (let chunk = this.#head; chunk !== undefined; ) {
      const { next } = chunk
      pool.give(chunk)
      chunk = next
    }
    this.#head = undefined
    this.#tail = undefined
    this.bytes = 0
    this.count = 0
    return count
  }

  get #first(): Chunk {
    assert(this.#head !== undefined, "somebody waits")
    return this.#head
  }

  #extend(pool: WaitingPool, size: number, poolLimitBytes: number): Chunk | undefined {
    const chunk = pool.take(size, poolLimitBytes)
    if (chunk === undefined) return undefined
    if (this.#tail === undefined) this.#head = chunk
    else this.#tail.next = chunk
    this.#tail = chunk
    return chunk
  }
}

const recordBytes = (frameBytes: number, identifiers: number): number =>
  HEADER_BYTES + identifiers * WORD_BYTES + ((frameBytes + WORD_BYTES - 1) & -WORD_BYTES)
