/**
 * A segment of the message log in memory: one buffer for the frames, typed columns for the rest.
 *
 *   bytes        frames, one behind the other; empty when the segment is cold: its frames lie in a file only
 *   starts       offset of each frame, and behind the last one
 *   sequences    of a sparse segment: each record's sequence; of a dense one record i has base + i
 *   topicIds     the topic column that scanning readers walk; NO_TOPIC once the message is gone
 *   publishers   session number of the publisher (No Local), 0 = the broker
 *   flags        see SegmentFlag
 *   following    distance to the next record of the same topic: a hint (log-index.ts), 0 = none known
 *   expiries     wall ms, allocated with the first record that expires
 *   places       where the record lies in its file; for logs that have files
 *
 * Columns grow by doubling, so a segment of large messages does not pay for small ones; seal() cuts them to what is used.
 * What is cold has them packed (packed-columns.ts): whoever may meet a cold segment asks topicIdAt() and its like.
 * `weight` is what fills a segment: frames, and what each record takes beside its frame where it is stored.
 *
 * Elsewhere: which records live, and which segments are rebuilt as sparse ones (log-index.ts, durable-index.ts).
 */
import { assert } from "../base/assert.ts"
import { NO_TOPIC, PackedColumns } from "./packed-columns.ts"
import type { LogRecord } from "./ports.ts"
import { bytesOfPostings, lowerBound, makePostings, type Postings, placeOfTopic } from "./postings.ts"

const RECORDS_FIRST = 256
/** Per record: starts, topicIds, publishers, following 4 each, flags 1; 8 once one expires, 4 with places, 8 if sparse. */
const COLUMNS_BYTES = 17
const EXPIRY_BYTES = 8
const PLACE_BYTES = 4
const SEQUENCE_BYTES = 8
/** Distances that the column cannot hold are not remembered. */
const DISTANCE_MAX = 0xffff_ffff

export const SegmentFlag = {
  /** The frame carries a property section (5.0). */
  version5: 1,
  /** QoS 1 or 2. */
  acknowledged: 2,
  retain: 4,
  /** With `retain`: without payload, it clears the retained value. */
  clear: 8
} as const

export function messageFlags(isVersion5: boolean, qos: number, retain: boolean, isEmpty: boolean): number {
  let flags = isVersion5 ? SegmentFlag.version5 : 0
  if (qos > 0) flags |= SegmentFlag.acknowledged
  if (retain) flags |= isEmpty ? SegmentFlag.retain | SegmentFlag.clear : SegmentFlag.retain
  return flags
}

/** What the columns of a new segment take. */
export function newColumnsBytes(hasPlaces: boolean): number {
  return RECORDS_FIRST * (COLUMNS_BYTES + EXPIRY_BYTES + (hasPlaces ? PLACE_BYTES : 0))
}

const COLD: Buffer = Buffer.alloc(0)
const PACKED = new Uint32Array(0)
const PACKED_FLAGS = new Uint8Array(0)

export class MemorySegment {
  readonly base: number
  /** Weight it takes; the buffer, while there is one, is as long. */
  readonly lengthBytes: number
  bytes: Buffer
  count = 0
  /** The sequence behind the last record's. */
  end: number
  used = 0
  weight = 0
  /** Records that hold a message still. */
  live = 0
  /** Topics that had no record in the log before. */
  topicsNew = 0
  /** LSN of the newest record, in logs that have files. */
  lastLsn = 0
  starts: Uint32Array
  topicIds: Uint32Array
  publishers: Uint32Array
  flags: Uint8Array
  following: Uint32Array
  expiries: Float64Array | undefined = undefined
  sequences: Float64Array | undefined = undefined
  places: Uint32Array | undefined
  /** Of the postings as the log has counted them (log-index.ts). */
  countedBytes = 0
  /** Of the columns as the log has counted them (durable-index.ts). */
  countedColumnsBytes = 0
  #packed: PackedColumns | undefined = undefined
  #postings: Postings | undefined = undefined
  #goneSincePostings = 0

  constructor(base: number, bytes: Buffer, hasPlaces: boolean, records = RECORDS_FIRST) {
    this.base = base
    this.end = base
    this.lengthBytes = bytes.length
    this.bytes = bytes
    this.starts = new Uint32Array(records + 1)
    this.topicIds = new Uint32Array(records)
    this.publishers = new Uint32Array(records)
    this.flags = new Uint8Array(records)
    this.following = new Uint32Array(records)
    this.places = hasPlaces ? new Uint32Array(records) : undefined
  }

  /** What the columns take of the log's budget. */
  get columnsBytes(): number {
    if (this.#packed === undefined) return this.topicIds.length * this.#recordBytes
    return this.#packed.bytes + (this.expiries?.byteLength ?? 0) + (this.sequences?.byteLength ?? 0)
  }

  /** What its postings take, as long as it has some. */
  get postingsBytes(): number {
    return this.#postings === undefined ? 0 : bytesOfPostings(this.#postings)
  }

  dropPostings(): void {
    this.#postings = undefined
  }

  /** By how much the next record can make them grow. */
  get growthBytes(): number {
    const { length } = this.topicIds
    const after = this.count === length ? length * 2 : length
    const most = this.expiries === undefined ? this.#recordBytes + EXPIRY_BYTES : this.#recordBytes
    return after * most - length * this.#recordBytes
  }

  /** Topics whose newest record lies here: they leave a log that forgets in order with this segment. */
  countLast(): number {
    let count = 0
    for (let i = 0; i < this.count; i++) if (this.followingAt(i) === 0) count += 1
    return count
  }

  get isHot(): boolean {
    return this.bytes.length > 0
  }

  /** Index of the record of that sequence, which lies within the segment; -1 when there is none. */
  indexOf(sequence: number): number {
    if (this.sequences === undefined) return sequence - this.base
    const at = lowerBound(this.sequences, 0, this.count, sequence)
    return at < this.count && this.sequences[at] === sequence ? at : -1
  }

  /** Index of the first record at or above that sequence; `count` when there is none. */
  indexFrom(sequence: number): number {
    if (sequence <= this.base) return 0
    if (sequence >= this.end) return this.count
    return this.sequences === undefined ? sequence - this.base : lowerBound(this.sequences, 0, this.count, sequence)
  }

  sequenceAt(i: number): number {
    return this.sequences === undefined ? this.base + i : (this.sequences[i] as number)
  }

  /** Index of the next record of the same topic, where record `i` knows of it, and both lie here plain and dense; else -1. */
  nextAlike(i: number): number {
    if (this.#packed !== undefined || this.sequences !== undefined) return -1
    const distance = this.following[i] as number
    const topicId = this.topicIds[i] as number
    const at = i + distance
    return distance > 0 && at < this.count && topicId !== NO_TOPIC && this.topicIds[at] === topicId ? at : -1
  }

  /** Everything of a record but its sequence and its bytes. */
  fill(i: number, record: LogRecord): void {
    record.isVersion5 = this.isVersion5(i)
    record.topicId = this.topicIdAt(i)
    record.publisher = this.publisherAt(i)
    record.expiresAtMs = this.expiryAt(i)
  }

  /** NO_TOPIC = the message is gone. */
  topicIdAt(i: number): number {
    return this.#packed === undefined ? (this.topicIds[i] as number) : this.#packed.topicIdAt(i)
  }
  publisherAt(i: number): number {
    return this.#packed === undefined ? (this.publishers[i] as number) : this.#packed.publisherAt(i)
  }
  flagsAt(i: number): number {
    return this.#packed === undefined ? (this.flags[i] as number) : this.#packed.flagsAt(i)
  }
  followingAt(i: number): number {
    return this.#packed === undefined ? (this.following[i] as number) : this.#packed.followingAt(i)
  }
  /** Of a segment with places. */
  placeAt(i: number): number {
    return this.#packed === undefined ? (this.places?.[i] as number) : this.#packed.placeAt(i)
  }
  sizeAt(i: number): number {
    if (this.#packed !== undefined) return this.#packed.sizeAt(i)
    return (this.starts[i + 1] as number) - (this.starts[i] as number)
  }

  /** The next record pushed has this sequence. */
  skipTo(sequence: number): void {
    assert(sequence >= this.end, "sequences rise")
    if (sequence === this.end) return
    if (this.sequences === undefined) {
      this.sequences = new Float64Array(this.topicIds.length)
      for (let i = 0; i < this.count; i++) this.sequences[i] = this.base + i
    }
    this.end = sequence
  }

  /** Books the record whose `size` bytes were just written at `used`. */
  push(
    size: number,
    overheadBytes: number,
    topicId: number,
    publisher: number,
    flags: number,
    expiresAtMs: number
  ): void {
    const i = this.count
    if (i === this.topicIds.length) this.#resize(i * 2)
    this.topicIds[i] = topicId
    this.publishers[i] = publisher
    this.flags[i] = flags
    this.following[i] = 0
    if (expiresAtMs !== Number.POSITIVE_INFINITY) {
      this.expiries ??= new Float64Array(this.topicIds.length).fill(Number.POSITIVE_INFINITY)
    }
    if (this.expiries !== undefined) this.expiries[i] = expiresAtMs
    if (this.sequences !== undefined) this.sequences[i] = this.end
    this.end += 1
    this.used += size
    this.weight += size + overheadBytes
    this.count = i + 1
    this.live += 1
    this.starts[i + 1] = this.used
  }

  /** The message is gone. */
  forget(i: number): void {
    if (this.#packed === undefined) this.topicIds[i] = NO_TOPIC
    else this.#packed.forget(i)
    this.live -= 1
    this.#goneSincePostings += 1
    // Stale entries are passed over one by one: not when they are many.
    if (this.#goneSincePostings * 4 > this.count) this.#postings = undefined
  }

  /** Remembers the next record of the same topic; answers whether columns grew. */
  link(i: number, sequence: number): boolean {
    const distance = sequence - this.sequenceAt(i)
    const hint = distance < DISTANCE_MAX ? distance : 0
    if (this.#packed !== undefined) return this.#packed.link(i, hint)
    this.following[i] = hint
    return false
  }

  /** Nothing comes any more: columns take what they hold. */
  seal(): void {
    if (this.count > 0 && this.count < this.topicIds.length) this.#resize(this.count)
  }

  /** Gives the buffer away; frames are to be had from their places from now on. */
  release(): Buffer {
    const { bytes } = this
    this.bytes = COLD
    this.pack()
    return bytes
  }

  /** Of a cold segment. */
  pack(): void {
    this.#packed = new PackedColumns(this)
    this.starts = PACKED
    this.topicIds = PACKED
    this.publishers = PACKED
    this.flags = PACKED_FLAGS
    this.following = PACKED
    if (this.places !== undefined) this.places = PACKED
  }

  /** To be written to, until settlePlaces(). Of a segment with places. */
  movePlaces(): Uint32Array {
    if (this.#packed !== undefined) return this.#packed.movePlaces()
    assert(this.places !== undefined, "records of this log have places")
    return this.places
  }

  settlePlaces(): void {
    this.#packed?.settlePlaces()
  }

  /** Wall ms; Infinity = never. */
  expiryAt(i: number): number {
    return this.expiries === undefined ? Number.POSITIVE_INFINITY : (this.expiries[i] as number)
  }

  isVersion5(i: number): boolean {
    return (this.flagsAt(i) & SegmentFlag.version5) !== 0
  }

  /** Whether the record's frame asks for acknowledgement: QoS 1 or 2. */
  isAcknowledged(i: number): boolean {
    return (this.flagsAt(i) & SegmentFlag.acknowledged) !== 0
  }

  /** Index of the first record of `topicId` at or after index `from`, or -1. For sealed segments. */
  find(topicId: number, from: number): number {
    const postings = this.#posted()
    const at = placeOfTopic(postings, topicId)
    if (at < 0) return -1
    const { records, starts } = postings
    const end = starts[at + 1] as number
    for (let i = lowerBound(records, starts[at] as number, end, from); i < end; i++) {
      if (this.topicIdAt(records[i] as number) === topicId) return records[i] as number
    }
    return -1
  }

  /** Index of the last record of `topicId` before index `below`, or -1. For sealed segments. */
  findLast(topicId: number, below: number): number {
    const postings = this.#posted()
    const at = placeOfTopic(postings, topicId)
    if (at < 0) return -1
    const { records, starts } = postings
    const start = starts[at] as number
    for (let i = lowerBound(records, start, starts[at + 1] as number, below) - 1; i >= start; i--) {
      if (this.topicIdAt(records[i] as number) === topicId) return records[i] as number
    }
    return -1
  }

  /** The same by walking the column. For the active segment, whose postings would be stale at once. */
  walk(topicId: number, from: number): number {
    for (let i = from; i < this.count; i++) if (this.topicIds[i] === topicId) return i
    return -1
  }
  walkBack(topicId: number, below: number): number {
    for (let i = below - 1; i >= 0; i--) if (this.topicIds[i] === topicId) return i
    return -1
  }

  get #recordBytes(): number {
    const places = this.places === undefined ? 0 : PLACE_BYTES
    const sequences = this.sequences === undefined ? 0 : SEQUENCE_BYTES
    return COLUMNS_BYTES + places + sequences + (this.expiries === undefined ? 0 : EXPIRY_BYTES)
  }

  #posted(): Postings {
    if (this.#postings === undefined) {
      const topicIds = this.#packed === undefined ? this.topicIds : this.#packed.topicColumn()
      this.#postings = makePostings(topicIds, this.count, NO_TOPIC)
      this.#goneSincePostings = 0
    }
    return this.#postings
  }

  #resize(length: number): void {
    this.starts = resized(new Uint32Array(length + 1), this.starts)
    this.topicIds = resized(new Uint32Array(length), this.topicIds)
    this.publishers = resized(new Uint32Array(length), this.publishers)
    this.flags = resized(new Uint8Array(length), this.flags)
    this.following = resized(new Uint32Array(length), this.following)
    if (this.places !== undefined) this.places = resized(new Uint32Array(length), this.places)
    if (this.sequences !== undefined) this.sequences = resized(new Float64Array(length), this.sequences)
    if (this.expiries !== undefined) {
      this.expiries = resized(new Float64Array(length).fill(Number.POSITIVE_INFINITY), this.expiries)
    }
  }
}

/** A cold segment of what lives in these neighbours. Hints stay as they are: distances of sequences. */
export function gatherSegments(parts: ReadonlyArray<MemorySegment>): MemorySegment {
  const [first] = parts
  const last = parts.at(-1)
  assert(first !== undefined && last !== undefined, "there is something to gather")
  let records = 0
  let expires = false
  for (const part of parts) {
    records += part.live
    if (part.expiries !== undefined) expires = true
  }
  const to = new MemorySegment(first.base, COLD, first.places !== undefined, records)
  to.sequences = new Float64Array(records)
  if (expires) to.expiries = new Float64Array(records)
  for (const part of parts) {
    for (let i = 0; i < part.count; i++) {
      const topicId = part.topicIdAt(i)
      if (topicId === NO_TOPIC) continue
      const at = to.count
      to.end = part.sequenceAt(i)
      to.push(part.sizeAt(i), 0, topicId, part.publisherAt(i), part.flagsAt(i), part.expiryAt(i))
      to.following[at] = part.followingAt(i)
      if (to.places !== undefined) to.places[at] = part.placeAt(i)
    }
  }
  to.pack()
  to.end = last.end
  to.lastLsn = last.lastLsn
  return to
}

interface Column<A> {
  readonly length: number
  set(from: A): void
  subarray(from: number, to: number): A
}

function resized<A extends Column<A>>(to: A, from: A): A {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from)
  return to
}
