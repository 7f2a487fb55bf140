/**
 * A stretch of the log as it lies in memory: frames in one buffer, everything else in columns.
 *
 *   bytes        PUBLISH frames, one after the other; record i lies in [starts[i], starts[i + 1]). Empty when cold:
 *                a log that has its frames elsewhere too may give the buffer away, the columns stay
 *   topicIds     the topic column that scanning readers walk; NO_TOPIC where the position holds no message
 *   publishers   session number of the publisher (No Local), 0 = the broker
 *   flags        bit 0: the frame carries a property section (5.0); bit 1: QoS 1 or 2
 *   following    distance to the next record of the same topic, 0 = none yet (the forward chain)
 *   expiries     wall ms, allocated with the first record that expires
 *   places       where the record lies in its file; for logs that have files
 *
 * Columns grow by doubling, so a segment of large messages does not pay for small ones. Postings (record
 * indexes sorted by topic) are made on the first question after sealing, by a stable radix sort: a
 * comparison sort of a full segment stalls the loop for some ten milliseconds.
 *
 * `weight` is what fills a segment: frames, and what each record takes beside its frame where it is stored.
 */
import { assert } from "../base/assert.ts"

const RECORDS_FIRST = 256
const DIGIT_BITS = 11
const DIGIT_COUNT = 1 << DIGIT_BITS
/** Per record: starts, topicIds, publishers, following 4 each, flags 1; and 8 once a record expires; and 4 with places. */
const COLUMNS_BYTES = 17
const EXPIRY_BYTES = 8
const PLACE_BYTES = 4

/** In the topic column: no message at this position. */
export const NO_TOPIC = 0xffff_ffff
/** What a position without a message adds to the weight. */
const SKIPPED_WEIGHT = 8

const FLAG_VERSION_5 = 1
const FLAG_ACKNOWLEDGED = 2

export function messageFlags(isVersion5: boolean, qos: number): number {
  return (isVersion5 ? FLAG_VERSION_5 : 0) | (qos > 0 ? FLAG_ACKNOWLEDGED : 0)
}

/** What a new segment of that length will take of the memory budget. */
export function newSegmentBytes(lengthBytes: number, hasPlaces: boolean): number {
  return lengthBytes + RECORDS_FIRST * (COLUMNS_BYTES + EXPIRY_BYTES + (hasPlaces ? PLACE_BYTES : 0))
}

const COLD: Buffer = Buffer.alloc(0)

export interface Postings {
  /** Distinct topics, ascending. */
  readonly topics: Uint32Array
  /** Where topic i's record indexes start in `records`; one more entry than topics. */
  readonly starts: Uint32Array
  readonly records: Uint32Array
}

export class MemorySegment {
  readonly base: number
  /** Weight it takes; the buffer, while there is one, is as long. */
  readonly lengthBytes: number
  bytes: Buffer
  count = 0
  used = 0
  weight = 0
  /** Topics that had no record in the log before. */
  topicsNew = 0
  starts = new Uint32Array(RECORDS_FIRST + 1)
  topicIds = new Uint32Array(RECORDS_FIRST)
  publishers = new Uint32Array(RECORDS_FIRST)
  flags = new Uint8Array(RECORDS_FIRST)
  following = new Uint32Array(RECORDS_FIRST)
  expiries: Float64Array | undefined = undefined
  places: Uint32Array | undefined
  #postings: Postings | undefined = undefined

  constructor(base: number, bytes: Buffer, hasPlaces: boolean) {
    this.base = base
    this.lengthBytes = bytes.length
    this.bytes = bytes
    this.places = hasPlaces ? new Uint32Array(RECORDS_FIRST) : undefined
  }

  get end(): number {
    return this.base + this.count
  }

  /** What the segment takes of the log's budget, hot or cold. */
  get footprintBytes(): number {
    return this.lengthBytes + this.topicIds.length * this.#recordBytes
  }

  /** By how much the next record can make it grow beyond its buffer. */
  get growthBytes(): number {
    const { length } = this.topicIds
    const after = this.count === length ? length * 2 : length
    const most = this.expiries === undefined ? this.#recordBytes + EXPIRY_BYTES : this.#recordBytes
    return after * most - length * this.#recordBytes
  }

  /** Topics whose newest record lies here: they leave the log with this segment. */
  countLast(): number {
    let count = 0
    for (let i = 0; i < this.count; i++) if (this.following[i] === 0 && this.topicIds[i] !== NO_TOPIC) count += 1
    return count
  }

  get #recordBytes(): number {
    const places = this.places === undefined ? 0 : PLACE_BYTES
    return COLUMNS_BYTES + places + (this.expiries === undefined ? 0 : EXPIRY_BYTES)
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
    assert(this.used + size <= this.lengthBytes, "the record lies inside the segment")
    const i = this.count
    if (i === this.topicIds.length) this.#grow()
    this.topicIds[i] = topicId
    this.publishers[i] = publisher
    this.flags[i] = flags
    this.following[i] = 0
    if (expiresAtMs !== Number.POSITIVE_INFINITY) {
      this.expiries ??= new Float64Array(this.topicIds.length).fill(Number.POSITIVE_INFINITY)
    }
    if (this.expiries !== undefined) this.expiries[i] = expiresAtMs
    this.used += size
    this.weight += size + overheadBytes
    this.count = i + 1
    this.starts[i + 1] = this.used
  }

  /** A position that holds no message. */
  skip(): void {
    this.push(0, SKIPPED_WEIGHT, NO_TOPIC, 0, 0, Number.POSITIVE_INFINITY)
  }

  get isHot(): boolean {
    return this.bytes.length > 0
  }

  /** Gives the buffer away; frames are to be had from their places from now on. */
  release(): Buffer {
    const { bytes } = this
    this.bytes = COLD
    return bytes
  }

  isVersion5(i: number): boolean {
    return ((this.flags[i] as number) & FLAG_VERSION_5) !== 0
  }

  /** Whether the record's frame asks for acknowledgement: QoS 1 or 2. */
  isAcknowledged(i: number): boolean {
    return ((this.flags[i] as number) & FLAG_ACKNOWLEDGED) !== 0
  }

  /** Index of the first record of `topicId` at or after index `from`, or -1. For sealed segments. */
  find(topicId: number, from: number): number {
    const { records, starts, topics } = (this.#postings ??= makePostings(this.topicIds, this.count))
    const at = lowerBound(topics, 0, topics.length, topicId)
    if (at === topics.length || topics[at] !== topicId) return -1
    const end = starts[at + 1] as number
    const found = lowerBound(records, starts[at] as number, end, from)
    return found === end ? -1 : (records[found] as number)
  }

  /** The same by walking the column. For the active segment, whose postings would be stale at once. */
  walk(topicId: number, from: number): number {
    for (let i = from; i < this.count; i++) if (this.topicIds[i] === topicId) return i
    return -1
  }

  #grow(): void {
    const length = this.topicIds.length * 2
    this.starts = grown(new Uint32Array(length + 1), this.starts)
    this.topicIds = grown(new Uint32Array(length), this.topicIds)
    this.publishers = grown(new Uint32Array(length), this.publishers)
    this.flags = grown(new Uint8Array(length), this.flags)
    this.following = grown(new Uint32Array(length), this.following)
    if (this.places !== undefined) this.places = grown(new Uint32Array(length), this.places)
    if (this.expiries !== undefined) {
      this.expiries = grown(new Float64Array(length).fill(Number.POSITIVE_INFINITY), this.expiries)
    }
  }
}

const grown = <A extends { set(from: A): void }>(to: A, from: A): A => {
  to.set(from)
  return to
}

/** First index in [low, high) whose value is >= wanted; `high` when there is none. */
const lowerBound = (values: Uint32Array, low: number, high: number, wanted: number): number => {
  let from = low
  let to = high
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((values[middle] as number) < wanted) from = middle + 1
    else to = middle
  }
  return from
}

/** Stable least-significant-digit radix sort of the record indexes by topic id. */
const makePostings = (topicIds: Uint32Array, count: number): Postings => {
  let highest = 0
  for (let i = 0; i < count; i++) if ((topicIds[i] as number) > highest) highest = topicIds[i] as number
  let records = new Uint32Array(count)
  for (let i = 0; i < count; i++) records[i] = i
  let other = new Uint32Array(count)
  for (let shift = 0; shift < 32 && highest >>> shift > 0; shift += DIGIT_BITS) {
    const positions = new Uint32Array(DIGIT_COUNT + 1)
    for (let i = 0; i < count; i++) {
      const digit = ((topicIds[i] as number) >>> shift) & (DIGIT_COUNT - 1)
      positions[digit + 1] = (positions[digit + 1] as number) + 1
    }
    for (let i = 1; i <= DIGIT_COUNT; i++) positions[i] = (positions[i] as number) + (positions[i - 1] as number)
    for (let i = 0; i < count; i++) {
      const record = records[i] as number
      const digit = ((topicIds[record] as number) >>> shift) & (DIGIT_COUNT - 1)
      const at = positions[digit] as number
      other[at] = record
      positions[digit] = at + 1
    }
    const swap = records
    records = other
    other = swap
  }
  const topics: Array<number> = []
  const starts: Array<number> = []
  for (let i = 0; i < count; i++) {
    const topic = topicIds[records[i] as number] as number
    if (topics.length === 0 || topics[topics.length - 1] !== topic) {
      topics.push(topic)
      starts.push(i)
    }
  }
  starts.push(count)
  return { topics: Uint32Array.from(topics), starts: Uint32Array.from(starts), records }
}
