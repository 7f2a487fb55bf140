/**
 * The message log in memory: a ring of segments inside a byte budget (`storage.memory-buffer`).
 *
 * It keeps every rule of MessageLog (ports.ts) but outliving the process: appended is visible and kept at
 * once. When the budget is used up the oldest segment goes; readers behind `first` jump and write a ledger
 * row. The budget counts buffers, columns and topics, so one-shot topics cannot grow the heap either.
 *
 * Invariants
 * - Segments are contiguous: segment[i].base + segment[i].count = segment[i + 1].base; first = segments[0].base.
 * - following[] links each record to the next one of its topic; topics.first/last are the chain's ends.
 * - The active (last) segment is never dropped, so a record that append() accepted is readable at least
 *   until the next append.
 */
import { assert } from "../base/assert.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import { LogTopics, TOPIC_FOOTPRINT_BYTES } from "./log-topics.ts"
import { MemorySegment, newSegmentBytes } from "./memory-segment.ts"
import type { KeptHandler, LogRecord, LogStatistics, LogTopicHolder, MessageLog, TailHandler } from "./ports.ts"

const SEGMENT_BYTES = 1_048_576
/** What new topics of one segment may weigh, in segments. */
const TOPICS_SHARE = 2
/** The ring keeps at least this many segments, so that dropping one drops a small share of it. */
const SEGMENTS_MIN = 8

export interface MemoryLogOptions {
  readonly limitBytes: number
}

export class MemoryLog implements MessageLog {
  readonly partition = 0
  readonly #limitBytes: number
  readonly #segmentBytes: number
  readonly #segments: Array<MemorySegment>
  readonly #topics = new LogTopics()
  #active: MemorySegment
  #lastRead: MemorySegment
  #spare: Buffer | undefined = undefined
  #footprintBytes = 0
  #onTail: TailHandler = () => {}
  #onKept: KeptHandler = () => {}

  constructor(options: MemoryLogOptions) {
    this.#limitBytes = options.limitBytes
    this.#segmentBytes = Math.max(4096, Math.min(SEGMENT_BYTES, Math.floor(options.limitBytes / SEGMENTS_MIN)))
    this.#active = new MemorySegment(0, Buffer.alloc(0))
    this.#lastRead = this.#active
    this.#segments = [this.#active]
  }

  get first(): number {
    return (this.#segments[0] as MemorySegment).base
  }
  get next(): number {
    return this.#active.base + this.#active.count
  }
  get kept(): number {
    return this.next
  }
  get topicIdBound(): number {
    return this.#topics.bound
  }
  get topicEpoch(): number {
    return this.#topics.epoch
  }

  onTail(handler: TailHandler): void {
    this.#onTail = handler
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }

  append(view: PublishView, topic: LogTopicHolder, publisher: number, expiresAtMs: number): number {
    const size = canonicalPublishSize(view, topic.bytes.length)
    if (size > this.#limitBytes) return -1
    if (this.#mustRoll(size)) this.#roll(size)
    const segment = this.#active
    const topicsBefore = this.#topics.size
    const topicId = this.#topics.resolve(topic)
    segment.topicsNew += this.#topics.size - topicsBefore
    const sequence = segment.base + segment.count
    writeCanonicalPublish(segment.bytes, segment.used, view, topic.bytes)
    segment.push(size, topicId, publisher, view.isVersion5, expiresAtMs)
    this.#link(topicId, sequence)
    if (view.qos > 0) this.#topics.acknowledged[topicId] = (this.#topics.acknowledged[topicId] as number) + 1
    if (this.#usedBytes() > this.#limitBytes) this.#dropBehind()
    this.#onTail(sequence, 1)
    this.#onKept(sequence + 1)
    return sequence
  }

  /** Where the next append would cut the log, if it had to make room now for `sizeBytes`; -1 while there is room. */
  wouldDropBelow(sizeBytes: number): number {
    const active = this.#active
    const rolls = this.#mustRoll(sizeBytes)
    const added = rolls ? newSegmentBytes(Math.max(sizeBytes, this.#segmentBytes)) : active.growthBytes
    let wanted = this.#usedBytes() + added + TOPIC_FOOTPRINT_BYTES
    let below = -1
    for (const segment of this.#segments) {
      if (wanted <= this.#limitBytes || segment.count === 0 || (segment === active && !rolls)) break
      below = segment.base + segment.count
      wanted -= segment.footprintBytes
      if (wanted > this.#limitBytes) wanted -= segment.countLast() * TOPIC_FOOTPRINT_BYTES
    }
    return below
  }

  read(sequence: number, record: LogRecord): boolean {
    const segment = this.#segmentOf(sequence)
    if (segment === undefined) return false
    const i = sequence - segment.base
    record.sequence = sequence
    record.buffer = segment.bytes
    record.start = segment.starts[i] as number
    record.end = segment.starts[i + 1] as number
    record.isVersion5 = segment.versions[i] === 1
    record.topicId = segment.topicIds[i] as number
    record.publisher = segment.publishers[i] as number
    record.expiresAtMs = segment.expiries === undefined ? Number.POSITIVE_INFINITY : (segment.expiries[i] as number)
    return true
  }

  topicAt(sequence: number): number {
    const segment = this.#segmentOf(sequence)
    return segment === undefined ? -1 : (segment.topicIds[sequence - segment.base] as number)
  }

  topicName(topicId: number): string {
    return this.#topics.name(topicId)
  }

  topicId(name: string): number {
    return this.#topics.find(name)
  }

  countOfTopic(topicId: number): number {
    return topicId < this.#topics.bound ? (this.#topics.acknowledged[topicId] as number) : 0
  }

  lastOfTopic(topicId: number): number {
    return topicId < this.#topics.bound ? (this.#topics.last[topicId] as number) : -1
  }

  following(sequence: number): number {
    const segment = this.#segmentOf(sequence)
    if (segment === undefined) return -1
    const distance = segment.following[sequence - segment.base] as number
    return distance === 0 ? -1 : sequence + distance
  }

  nextOfTopic(topicId: number, from: number): number {
    const topics = this.#topics
    if (topicId >= topics.bound || (topics.counts[topicId] as number) === 0) return -1
    if ((topics.last[topicId] as number) < from) return -1
    if ((topics.first[topicId] as number) >= from) return topics.first[topicId] as number
    if ((topics.last[topicId] as number) === from) return from
    for (let i = this.#indexOf(from); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as MemorySegment
      const at = Math.max(0, from - segment.base)
      const found = segment === this.#active ? segment.walk(topicId, at) : segment.find(topicId, at)
      if (found >= 0) return segment.base + found
    }
    return -1
  }

  statistics(): LogStatistics {
    return {
      records: this.next - this.first,
      bytes: this.#usedBytes(),
      limitBytes: this.#limitBytes,
      segments: this.#segments.length,
      topics: this.#topics.size
    }
  }

  /** The active segment is never dropped, so it must not grow heavier than its share: by frames, or by topics it brought. */
  #mustRoll(sizeBytes: number): boolean {
    const { bytes, topicsNew, used } = this.#active
    return used + sizeBytes > bytes.length || topicsNew * TOPIC_FOOTPRINT_BYTES > this.#segmentBytes * TOPICS_SHARE
  }

  #usedBytes(): number {
    return this.#footprintBytes + this.#active.footprintBytes + this.#topics.size * TOPIC_FOOTPRINT_BYTES
  }

  /** Appends the record to its topic's forward chain. */
  #link(topicId: number, sequence: number): void {
    const topics = this.#topics
    if ((topics.counts[topicId] as number) === 0) topics.first[topicId] = sequence
    else {
      const previous = topics.last[topicId] as number
      const segment = previous >= this.#active.base ? this.#active : (this.#segmentOf(previous) as MemorySegment)
      segment.following[previous - segment.base] = sequence - previous
    }
    topics.last[topicId] = sequence
    topics.counts[topicId] = (topics.counts[topicId] as number) + 1
  }

  /** Seals the active segment and opens one with room for `size` bytes; makes room by dropping the oldest. */
  #roll(size: number): void {
    const length = Math.max(size, this.#segmentBytes)
    const sealed = this.#active
    if (sealed.count === 0) this.#segments.pop()
    else this.#footprintBytes += sealed.footprintBytes
    const added = newSegmentBytes(length)
    while (
      this.#segments.length > 0 &&
      this.#footprintBytes + this.#topics.size * TOPIC_FOOTPRINT_BYTES + added > this.#limitBytes
    ) {
      this.#dropOldest()
    }
    const spare = this.#spare
    const bytes = spare !== undefined && spare.length === length ? spare : Buffer.allocUnsafeSlow(length)
    this.#spare = undefined
    this.#active = new MemorySegment(sealed.base + sealed.count, bytes)
    this.#lastRead = this.#active
    this.#segments.push(this.#active)
  }

  /** Columns that grew and topics that are new count too: the active segment stays, the oldest ones go. */
  #dropBehind(): void {
    while (this.#segments.length > 1 && this.#usedBytes() > this.#limitBytes) this.#dropOldest()
    this.#lastRead = this.#active
  }

  #dropOldest(): void {
    const segment = this.#segments.shift() as MemorySegment
    const topics = this.#topics
    for (let i = 0; i < segment.count; i++) {
      const topicId = segment.topicIds[i] as number
      const left = (topics.counts[topicId] as number) - 1
      topics.counts[topicId] = left
      if (segment.isAcknowledged(i)) topics.acknowledged[topicId] = (topics.acknowledged[topicId] as number) - 1
      if (left === 0) topics.retire(topicId)
      else topics.first[topicId] = segment.base + i + (segment.following[i] as number)
    }
    this.#footprintBytes -= segment.footprintBytes
    if (segment.bytes.length === this.#segmentBytes) this.#spare = segment.bytes
  }

  #segmentOf(sequence: number): MemorySegment | undefined {
    const last = this.#lastRead
    if (sequence >= last.base && sequence < last.base + last.count) return last
    if (sequence < this.first || sequence >= this.next) return undefined
    const segment = this.#segments[this.#indexOf(sequence)] as MemorySegment
    assert(sequence >= segment.base && sequence < segment.base + segment.count, "segments are contiguous")
    this.#lastRead = segment
    return segment
  }

  /** Index of the segment that holds `sequence`, or of the nearest one. */
  #indexOf(sequence: number): number {
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#segments[middle] as MemorySegment).base <= sequence) low = middle
      else high = middle - 1
    }
    return low
  }
}
