/**
 * What every engine of the message log knows about its records: segments, topics and their chains, and the answers to
 * all questions of MessageLog that ask where, not what. Engines add the bytes (append, read) and decide what goes.
 *
 * One append, in this order: the topic's id (topics.resolve), room for it (room), the frame into active.bytes at
 * active.used, the booking (push). An engine that forgets records while room is made pins the topic meanwhile.
 *
 * Invariants
 * - Segments follow each other: segment[i].end <= segment[i + 1].base. Positions between two hold no message.
 * - Records of a topic lie in [topics.first, topics.last]; both are made exact when they are asked for.
 * - following[] is a hint: the distance to a later record of the topic with none living between, or 0. A record that is
 *   gone keeps its hint as long as its segment is there, so hints lead over gaps; what no hint leads to is looked up in
 *   the postings, and remembered.
 * - The active (last) segment is never dropped, so a record that append() accepted is readable at least until the next
 *   append.
 */
import { assert } from "../base/assert.ts"
import { LogTopics, TOPIC_FOOTPRINT_BYTES } from "./log-topics.ts"
import { MemorySegment, SegmentFlag } from "./memory-segment.ts"
import { NO_TOPIC } from "./packed-columns.ts"
import type { LogRecord } from "./ports.ts"

const SEGMENT_BYTES = 1_048_576
const SEGMENT_BYTES_MIN = 4096
/** What new topics of one segment may weigh, in segments. */
const TOPICS_SHARE = 2
/** A log of that size has at least this many segments, so that one of them is a small share of it. */
const SEGMENTS_MIN = 8
/** Records that are gone are passed over one by one up to here; then the postings are asked. */
const HINTS_MAX = 64

export interface LogIndexOptions {
  readonly limitBytes: number
  /** What a record takes beside its frame where it is stored. */
  readonly overheadBytes: number
  /** Records have a place in a file, to be remembered. */
  readonly hasPlaces: boolean
  /** Frames of one segment; else a share of `limitBytes`. */
  readonly segmentBytes?: number | undefined
}

export abstract class LogIndex {
  readonly partition = 0
  protected readonly topics = new LogTopics()
  protected readonly segments: Array<MemorySegment>
  protected active: MemorySegment
  protected readonly segmentBytes: number
  /** Records that hold a message. */
  protected live = 0
  /** What the postings of all segments take. */
  protected postingsBytes = 0
  #frameBytes = 0
  readonly #overheadBytes: number
  readonly #hasPlaces: boolean
  #lastRead: MemorySegment
  #spare: Buffer | undefined = undefined

  constructor({ hasPlaces, limitBytes, overheadBytes, segmentBytes }: LogIndexOptions) {
    const share = Math.floor(limitBytes / SEGMENTS_MIN)
    this.#overheadBytes = overheadBytes
    this.#hasPlaces = hasPlaces
    this.segmentBytes = segmentBytes ?? Math.max(SEGMENT_BYTES_MIN, Math.min(SEGMENT_BYTES, share))
    this.active = new MemorySegment(0, Buffer.alloc(0), hasPlaces)
    this.#lastRead = this.active
    this.segments = [this.active]
  }

  get next(): number {
    return this.active.end
  }
  get topicIdBound(): number {
    return this.topics.bound
  }
  get topicEpoch(): number {
    return this.topics.epoch
  }

  get frameBytes(): number {
    return this.#frameBytes
  }

  topicAt(sequence: number): number {
    const segment = this.segmentOf(sequence)
    if (segment === undefined) return -1
    const i = segment.indexOf(sequence)
    if (i < 0) return -1
    const topicId = segment.topicIdAt(i)
    return topicId === NO_TOPIC ? -1 : topicId
  }

  frameSize(sequence: number): number {
    const segment = this.segmentOf(sequence)
    const i = segment === undefined ? -1 : segment.indexOf(sequence)
    return segment === undefined || i < 0 || segment.topicIdAt(i) === NO_TOPIC ? 0 : segment.sizeAt(i)
  }

  nextMessage(from: number): number {
    const last = this.#lastRead
    if (from >= last.base && from < last.end && last.sequences === undefined) {
      if (last.topicIdAt(from - last.base) !== NO_TOPIC) return from
    }
    for (let at = this.#indexOf(from); at < this.segments.length; at++) {
      const segment = this.segments[at] as MemorySegment
      if (segment.live === 0) continue
      for (let i = segment.indexFrom(from); i < segment.count; i++) {
        if (segment.topicIdAt(i) === NO_TOPIC) continue
        this.#lastRead = segment
        return segment.sequenceAt(i)
      }
    }
    return this.next
  }

  topicName(topicId: number): string {
    return this.topics.name(topicId)
  }

  topicId(name: string): number {
    return this.topics.find(name)
  }

  countOfTopic(topicId: number): number {
    return this.#isHeld(topicId) ? (this.topics.acknowledged[topicId] as number) : 0
  }

  lastOfTopic(topicId: number): number {
    if (!this.#isHeld(topicId)) return -1
    const { last } = this.topics
    const known = positionOf(last, topicId)
    if (this.topicAt(known) === topicId) return known
    const found = this.#findBack(topicId, known)
    last[topicId] = found
    return found
  }

  nextOfTopic(topicId: number, from: number): number {
    if (!this.#isHeld(topicId) || (this.topics.last[topicId] as number) < from) return -1
    const first = this.firstOfTopic(topicId)
    return first >= from ? first : this.#find(topicId, from)
  }

  following(sequence: number): number {
    const segment = this.segmentOf(sequence)
    if (segment === undefined) return -1
    const near = segment.nextAlike(sequence - segment.base)
    if (near >= 0) return segment.base + near
    const i = segment.indexOf(sequence)
    if (i < 0) return -1
    const topicId = segment.topicIdAt(i)
    if (topicId === NO_TOPIC) return -1
    const distance = segment.followingAt(i)
    if (distance > 0 && this.topicAt(sequence + distance) === topicId) return sequence + distance
    if ((this.topics.last[topicId] as number) <= sequence) return -1
    const found = this.#findAlong(topicId, sequence, distance)
    if (found >= 0 && segment.link(i, found)) this.grown(segment)
    return found
  }

  /** The topic's oldest record; there is one. */
  protected firstOfTopic(topicId: number): number {
    const { first } = this.topics
    const known = positionOf(first, topicId)
    if (this.topicAt(known) === topicId) return known
    const found = this.#find(topicId, known)
    assert(found >= 0, "a topic with records has a first one")
    first[topicId] = found
    return found
  }

  /** Makes the active segment one that has room for a frame of that size. */
  protected room(sizeBytes: number): void {
    if (this.mustRoll(sizeBytes)) this.#roll(this.lengthFor(sizeBytes), this.active.end)
  }

  /** The same, and the record that comes next has this sequence. */
  protected roomAt(sizeBytes: number, sequence: number): void {
    if (this.mustRoll(sizeBytes)) this.#roll(this.lengthFor(sizeBytes), sequence)
    else this.active.skipTo(sequence)
  }

  /** From now on sequences are dense, from this one on. */
  protected goOnAt(sequence: number): void {
    const { active } = this
    if (active.end !== sequence || active.sequences !== undefined) this.#roll(this.segmentBytes, sequence)
  }

  /** Called before a segment of that length is made, with the one that is full; and then with the new one. */
  protected abstract makeRoom(lengthBytes: number, sealed: MemorySegment | undefined): void
  protected abstract rolled(segment: MemorySegment): void
  /** Columns of a segment that is packed take more now. */
  protected abstract grown(segment: MemorySegment): void

  /** Books the record whose frame was just written into the active segment; answers its sequence. */
  protected push(sizeBytes: number, topicId: number, publisher: number, flags: number, expiresAtMs: number): number {
    const { active, topics } = this
    const sequence = active.end
    active.push(sizeBytes, this.#overheadBytes, topicId, publisher, flags, expiresAtMs)
    this.#link(topicId, sequence)
    this.live += 1
    this.#frameBytes += sizeBytes
    topics.bytes[topicId] = (topics.bytes[topicId] as number) + sizeBytes
    if ((flags & SegmentFlag.acknowledged) !== 0)
      topics.acknowledged[topicId] = (topics.acknowledged[topicId] as number) + 1
    if ((flags & SegmentFlag.retain) !== 0) topics.retained[topicId] = sequence
    return sequence
  }

  /** The message of record `i` is gone. */
  protected forgetAt(segment: MemorySegment, i: number): void {
    const { topics } = this
    const topicId = segment.topicIdAt(i)
    const left = (topics.counts[topicId] as number) - 1
    topics.counts[topicId] = left
    const sizeBytes = segment.sizeAt(i)
    topics.bytes[topicId] = (topics.bytes[topicId] as number) - sizeBytes
    this.#frameBytes -= sizeBytes
    if (segment.isAcknowledged(i)) topics.acknowledged[topicId] = (topics.acknowledged[topicId] as number) - 1
    segment.forget(i)
    this.live -= 1
    if (left === 0) topics.retire(topicId)
  }

  /** A topic whose record was not taken after all. */
  protected forgetIfUnused(topicId: number): void {
    if (this.topics.counts[topicId] === 0) this.topics.retire(topicId)
  }

  /** A buffer that nobody reads any more: the next segment takes it. */
  protected recycle(bytes: Buffer): void {
    if (bytes.length === this.segmentBytes) this.#spare = bytes
  }

  /** Everything of a record but its bytes. */
  protected fill(segment: MemorySegment, i: number, record: LogRecord): void {
    record.sequence = segment.sequenceAt(i)
    segment.fill(i, record)
  }

  /** The segment whose range holds the sequence; a record of it need not be there. */
  protected segmentOf(sequence: number): MemorySegment | undefined {
    const last = this.#lastRead
    if (sequence >= last.base && sequence < last.end) return last
    const { active } = this
    if (sequence >= active.base) return sequence < active.end ? active : undefined
    const segment = this.segments[this.#indexOf(sequence)] as MemorySegment
    if (sequence < segment.base || sequence >= segment.end) return undefined
    this.#lastRead = segment
    return segment
  }

  protected dropFirst(): MemorySegment {
    const segment = this.segments.shift()
    assert(segment !== undefined, "there is a segment to drop")
    this.postingsBytes -= segment.countedBytes
    this.#lastRead = this.active
    return segment
  }

  /** Segments [at, at + count) give way to `by`, or to nothing. */
  protected replaceSegments(at: number, count: number, by: MemorySegment | undefined): void {
    assert(at + count < this.segments.length, "the active segment stays")
    for (const segment of by === undefined ? this.segments.splice(at, count) : this.segments.splice(at, count, by)) {
      this.postingsBytes -= segment.countedBytes
    }
    this.#lastRead = this.active
  }

  /** They are made again when somebody asks. */
  protected dropPostings(): void {
    for (const segment of this.segments) {
      segment.dropPostings()
      segment.countedBytes = 0
    }
    this.postingsBytes = 0
  }

  /** Index of the segment that holds `sequence`, or of the nearest one before; 0 when there is none. */
  protected segmentIndexOf(sequence: number): number {
    return this.#indexOf(sequence)
  }

  /** Frames or the topics it brought made the active segment as heavy as one may be. */
  protected mustRoll(sizeBytes: number): boolean {
    const { lengthBytes, topicsNew, weight } = this.active
    const isHeavy = topicsNew * TOPIC_FOOTPRINT_BYTES > this.segmentBytes * TOPICS_SHARE
    return weight + sizeBytes + this.#overheadBytes > lengthBytes || isHeavy
  }

  protected lengthFor(sizeBytes: number): number {
    return Math.max(sizeBytes + this.#overheadBytes, this.segmentBytes)
  }

  #isHeld(topicId: number): boolean {
    return topicId < this.topics.bound && (this.topics.counts[topicId] as number) > 0
  }

  /** Appends the record to its topic's forward chain. */
  #link(topicId: number, sequence: number): void {
    const { active, topics } = this
    if ((topics.counts[topicId] as number) === 0) {
      topics.first[topicId] = sequence
      active.topicsNew += 1
    } else {
      const previous = topics.last[topicId] as number
      const segment = previous >= active.base ? active : this.segmentOf(previous)
      const i = segment === undefined ? -1 : segment.indexOf(previous)
      if (i >= 0 && segment?.link(i, sequence) === true) this.grown(segment)
    }
    topics.last[topicId] = sequence
    topics.counts[topicId] = (topics.counts[topicId] as number) + 1
  }

  /** Seals the active segment and opens one of that length at that sequence. */
  #roll(lengthBytes: number, base: number): void {
    const sealed = this.active
    if (sealed.count === 0) this.segments.pop()
    this.makeRoom(lengthBytes, sealed.count === 0 ? undefined : sealed)
    const spare = this.#spare
    const bytes = spare !== undefined && spare.length === lengthBytes ? spare : Buffer.allocUnsafeSlow(lengthBytes)
    this.#spare = undefined
    this.active = new MemorySegment(base, bytes, this.#hasPlaces)
    this.#lastRead = this.active
    this.segments.push(this.active)
    this.rolled(this.active)
  }

  /** From a record, along the hints of records that are gone, else by looking it up. */
  #findAlong(topicId: number, from: number, distance: number): number {
    let at = from
    let step = distance
    for (let hints = 0; step > 0 && hints < HINTS_MAX; hints++) {
      at += step
      const segment = this.segmentOf(at)
      const i = segment === undefined ? -1 : segment.indexOf(at)
      if (segment === undefined || i < 0) break
      if (segment.topicIdAt(i) === topicId) return at
      step = segment.followingAt(i)
    }
    return this.#find(topicId, Math.max(at, from + 1))
  }

  /** The topic's first record at or above `from`, or -1. */
  #find(topicId: number, from: number): number {
    const last = this.#indexOf(this.topics.last[topicId] as number)
    for (let at = this.#indexOf(from); at <= last; at++) {
      const segment = this.segments[at] as MemorySegment
      if (segment.live === 0) continue
      const start = segment.indexFrom(from)
      const found = segment === this.active ? segment.walk(topicId, start) : segment.find(topicId, start)
      this.#countPostings(segment)
      if (found >= 0) return segment.sequenceAt(found)
    }
    return -1
  }

  /** The topic's last record below `below`; there is one. */
  #findBack(topicId: number, below: number): number {
    for (let at = this.#indexOf(below); at >= 0; at--) {
      const segment = this.segments[at] as MemorySegment
      if (segment.live === 0) continue
      const end = segment.indexFrom(below)
      const found = segment === this.active ? segment.walkBack(topicId, end) : segment.findLast(topicId, end)
      this.#countPostings(segment)
      if (found >= 0) return segment.sequenceAt(found)
    }
    assert(false, "a topic with records has a last one")
  }

  #countPostings(segment: MemorySegment): void {
    const { postingsBytes } = segment
    this.postingsBytes += postingsBytes - segment.countedBytes
    segment.countedBytes = postingsBytes
  }

  #indexOf(sequence: number): number {
    let low = 0
    let high = this.segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.segments[middle] as MemorySegment).base <= sequence) low = middle
      else high = middle - 1
    }
    return low
  }
}

/**
 * A position as the small integer that it is for a long time. Out of a column of doubles it is a double, and a field that
 * was given one becomes a field of doubles: all code that was compiled for such objects is thrown away. For sessions that
 * happened in the middle of the first drain of a process, and made it 12 % longer.
 */
const positionOf = (column: Float64Array, at: number): number => {
  const position = column[at] as number
  return (position | 0) === position ? position | 0 : position
}
