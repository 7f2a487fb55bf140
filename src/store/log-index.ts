/**
 * What every engine of the message log knows about its records: the ring of segments, the topics and their chains, the
 * budget, and the answers to all questions of MessageLog that ask where, not what. Engines add the bytes: append, read.
 *
 * One append, in this order: is it small enough (holds), the topic's id (topics.resolve), room for it (room), the frame
 * into active.bytes at active.used, the booking (push). room() may forget the oldest segments; a topic whose id must
 * outlive that, though no record of it may be left, is pinned meanwhile.
 *
 * Invariants
 * - Segments are contiguous: segment[i].end = segment[i + 1].base; first = segments[0].base.
 * - following[] links each record to the next one of its topic; topics.first/last are the chain's ends.
 * - The active (last) segment is never dropped, so a record that append() accepted is readable at least until the next
 *   append.
 * - The budget counts frames, what a record takes beside its frame, columns and topics, so one-shot topics cannot grow
 *   the heap either.
 */
import { assert } from "../base/assert.ts"
import { LogTopics, TOPIC_FOOTPRINT_BYTES } from "./log-topics.ts"
import { MemorySegment, NO_TOPIC, newSegmentBytes } from "./memory-segment.ts"
import type { LogRecord, LogStatistics } from "./ports.ts"

const SEGMENT_BYTES = 1_048_576
const SEGMENT_BYTES_MIN = 4096
/** What new topics of one segment may weigh, in segments. */
const TOPICS_SHARE = 2
/** The ring keeps at least this many segments, so that dropping one drops a small share of it. */
const SEGMENTS_MIN = 8

export interface LogIndexOptions {
  readonly limitBytes: number
  /** What a record takes beside its frame where it is stored. */
  readonly overheadBytes: number
  /** Records have a place in a file, to be remembered. */
  readonly hasPlaces: boolean
}

export abstract class LogIndex {
  readonly partition = 0
  protected readonly topics = new LogTopics()
  protected readonly segments: Array<MemorySegment>
  protected active: MemorySegment
  protected readonly segmentBytes: number
  readonly #options: LogIndexOptions
  #lastRead: MemorySegment
  #spare: Buffer | undefined = undefined
  #footprintBytes = 0

  constructor(options: LogIndexOptions) {
    const share = Math.floor(options.limitBytes / SEGMENTS_MIN)
    this.#options = options
    this.segmentBytes = Math.max(SEGMENT_BYTES_MIN, Math.min(SEGMENT_BYTES, share))
    this.active = this.#empty(0)
    this.#lastRead = this.active
    this.segments = [this.active]
  }

  get first(): number {
    return (this.segments[0] as MemorySegment).base
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

  /** Where the next append would cut the log, if it had to make room now for `sizeBytes`; -1 while there is room. */
  wouldDropBelow(sizeBytes: number): number {
    const { hasPlaces, limitBytes } = this.#options
    const { active } = this
    const rolls = this.#mustRoll(sizeBytes)
    const added = rolls ? newSegmentBytes(this.#lengthFor(sizeBytes), hasPlaces) : active.growthBytes
    let wanted = this.#usedBytes() + added + TOPIC_FOOTPRINT_BYTES
    let below = -1
    for (const segment of this.segments) {
      if (wanted <= limitBytes || segment.count === 0 || (segment === active && !rolls)) break
      below = segment.end
      wanted -= segment.footprintBytes
      if (wanted > limitBytes) wanted -= segment.countLast() * TOPIC_FOOTPRINT_BYTES
    }
    return below
  }

  topicAt(sequence: number): number {
    const segment = this.segmentOf(sequence)
    if (segment === undefined) return -1
    const topicId = segment.topicIds[sequence - segment.base] as number
    return topicId === NO_TOPIC ? -1 : topicId
  }

  topicName(topicId: number): string {
    return this.topics.name(topicId)
  }

  topicId(name: string): number {
    return this.topics.find(name)
  }

  countOfTopic(topicId: number): number {
    return topicId < this.topics.bound ? (this.topics.acknowledged[topicId] as number) : 0
  }

  lastOfTopic(topicId: number): number {
    return topicId < this.topics.bound ? (this.topics.last[topicId] as number) : -1
  }

  following(sequence: number): number {
    const segment = this.segmentOf(sequence)
    if (segment === undefined) return -1
    const distance = segment.following[sequence - segment.base] as number
    return distance === 0 ? -1 : sequence + distance
  }

  nextOfTopic(topicId: number, from: number): number {
    const { topics } = this
    if (topicId >= topics.bound || (topics.counts[topicId] as number) === 0) return -1
    if ((topics.last[topicId] as number) < from) return -1
    if ((topics.first[topicId] as number) >= from) return topics.first[topicId] as number
    if ((topics.last[topicId] as number) === from) return from
    for (let i = this.#indexOf(from); i < this.segments.length; i++) {
      const segment = this.segments[i] as MemorySegment
      const at = Math.max(0, from - segment.base)
      const found = segment === this.active ? segment.walk(topicId, at) : segment.find(topicId, at)
      if (found >= 0) return segment.base + found
    }
    return -1
  }

  statistics(): LogStatistics {
    return {
      records: this.next - this.first,
      bytes: this.#usedBytes(),
      limitBytes: this.#options.limitBytes,
      segments: this.segments.length,
      topics: this.topics.size
    }
  }

  /** Called with each segment that becomes active, and with each that leaves the log. */
  protected abstract rolled(segment: MemorySegment): void
  protected abstract dropped(segment: MemorySegment): void

  protected holds(sizeBytes: number): boolean {
    return sizeBytes + this.#options.overheadBytes <= this.#options.limitBytes
  }

  /** Makes the active segment one that has room for a frame of that size. */
  protected room(sizeBytes: number): void {
    if (this.#mustRoll(sizeBytes)) this.#roll(this.#lengthFor(sizeBytes))
  }

  /** Books the record whose frame was just written into the active segment; answers its sequence. */
  protected push(sizeBytes: number, topicId: number, publisher: number, flags: number, expiresAtMs: number): number {
    const { active, topics } = this
    const sequence = active.end
    active.push(sizeBytes, this.#options.overheadBytes, topicId, publisher, flags, expiresAtMs)
    this.#link(topicId, sequence)
    if (active.isAcknowledged(active.count - 1))
      topics.acknowledged[topicId] = (topics.acknowledged[topicId] as number) + 1
    if (this.#usedBytes() > this.#options.limitBytes) this.#dropBehind()
    return sequence
  }

  /** The positions below `sequence` that are not taken hold no message. */
  protected skipTo(sequence: number): void {
    while (this.next < sequence) {
      this.room(0)
      this.active.skip()
      if (this.#usedBytes() > this.#options.limitBytes) this.#dropBehind()
    }
  }

  /** Where an empty log begins. */
  protected startAt(sequence: number): void {
    assert(this.next === this.first, "a log that holds something has begun")
    this.active = this.#empty(sequence)
    this.segments[0] = this.active
    this.#lastRead = this.active
  }

  /** Keeps the id of a topic without records while room is made; unpin() before push(). */
  protected pin(topicId: number): void {
    this.topics.counts[topicId] = (this.topics.counts[topicId] as number) + 1
  }
  protected unpin(topicId: number): void {
    this.topics.counts[topicId] = (this.topics.counts[topicId] as number) - 1
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
    record.sequence = segment.base + i
    record.isVersion5 = segment.isVersion5(i)
    record.topicId = segment.topicIds[i] as number
    record.publisher = segment.publishers[i] as number
    record.expiresAtMs = segment.expiries === undefined ? Number.POSITIVE_INFINITY : (segment.expiries[i] as number)
  }

  protected segmentOf(sequence: number): MemorySegment | undefined {
    const last = this.#lastRead
    if (sequence >= last.base && sequence < last.end) return last
    if (sequence < this.first || sequence >= this.active.end) return undefined
    const segment = this.segments[this.#indexOf(sequence)] as MemorySegment
    assert(sequence >= segment.base && sequence < segment.end, "segments are contiguous")
    this.#lastRead = segment
    return segment
  }

  /** The active segment is never dropped, so it must not grow heavier than its share: by frames, or by topics it brought. */
  #mustRoll(sizeBytes: number): boolean {
    const { lengthBytes, topicsNew, weight } = this.active
    const isHeavy = topicsNew * TOPIC_FOOTPRINT_BYTES > this.segmentBytes * TOPICS_SHARE
    return weight + sizeBytes + this.#options.overheadBytes > lengthBytes || isHeavy
  }

  #lengthFor(sizeBytes: number): number {
    return Math.max(sizeBytes + this.#options.overheadBytes, this.segmentBytes)
  }

  #usedBytes(): number {
    return this.#footprintBytes + this.active.footprintBytes + this.topics.size * TOPIC_FOOTPRINT_BYTES
  }

  #empty(base: number): MemorySegment {
    return new MemorySegment(base, Buffer.alloc(0), this.#options.hasPlaces)
  }

  /** Appends the record to its topic's forward chain. */
  #link(topicId: number, sequence: number): void {
    const { active, topics } = this
    if ((topics.counts[topicId] as number) === 0) {
      topics.first[topicId] = sequence
      active.topicsNew += 1
    } else {
      const previous = topics.last[topicId] as number
      const segment = previous >= active.base ? active : (this.segmentOf(previous) as MemorySegment)
      segment.following[previous - segment.base] = sequence - previous
    }
    topics.last[topicId] = sequence
    topics.counts[topicId] = (topics.counts[topicId] as number) + 1
  }

  /** Seals the active segment and opens one of that length; makes room by dropping the oldest. */
  #roll(lengthBytes: number): void {
    const { hasPlaces, limitBytes } = this.#options
    const sealed = this.active
    if (sealed.count === 0) this.segments.pop()
    else this.#footprintBytes += sealed.footprintBytes
    const added = newSegmentBytes(lengthBytes, hasPlaces)
    while (
      this.segments.length > 0 &&
      this.#footprintBytes + this.topics.size * TOPIC_FOOTPRINT_BYTES + added > limitBytes
    ) {
      this.#dropOldest()
    }
    const spare = this.#spare
    const bytes = spare !== undefined && spare.length === lengthBytes ? spare : Buffer.allocUnsafeSlow(lengthBytes)
    this.#spare = undefined
    this.active = new MemorySegment(sealed.end, bytes, hasPlaces)
    this.#lastRead = this.active
    this.segments.push(this.active)
    this.rolled(this.active)
  }

  /** Columns that grew and topics that are new count too: the active segment stays, the oldest ones go. */
  #dropBehind(): void {
    while (this.segments.length > 1 && this.#usedBytes() > this.#options.limitBytes) this.#dropOldest()
    this.#lastRead = this.active
  }

  #dropOldest(): void {
    const segment = this.segments.shift() as MemorySegment
    const { topics } = this
    for (let i = 0; i < segment.count; i++) {
      const topicId = segment.topicIds[i] as number
      if (topicId === NO_TOPIC) continue
      const left = (topics.counts[topicId] as number) - 1
      topics.counts[topicId] = left
      if (segment.isAcknowledged(i)) topics.acknowledged[topicId] = (topics.acknowledged[topicId] as number) - 1
      if (left === 0) topics.retire(topicId)
      else topics.first[topicId] = segment.base + i + (segment.following[i] as number)
    }
    this.#footprintBytes -= segment.footprintBytes
    this.dropped(segment)
  }

  /** Index of the segment that holds `sequence`, or of the nearest one. */
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
