/**
 * The message log in memory: a ring of segments inside a byte budget (`storage.memory-buffer`).
 *
 * It keeps every rule of MessageLog (ports.ts) but outliving the process: appended is visible and kept at
 * once. When the budget is used up the oldest segment goes; readers behind `first` jump and write a ledger
 * row. The frames lie in the segments' buffers and nowhere else.
 *
 * Invariants
 * - first = segments[0].base; every position from there to `next` holds a message.
 * - The budget counts frames, columns and topics, so one-shot topics cannot grow the heap either.
 *
 * Elsewhere: segments, topics and chains (log-index.ts).
 */
import type { PublishView } from "../codec/publish-view.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import { LogIndex } from "./log-index.ts"
import { TOPIC_FOOTPRINT_BYTES } from "./log-topics.ts"
import { type MemorySegment, messageFlags, newColumnsBytes } from "./memory-segment.ts"
import { keepPacketIdentifier } from "./packet-identifier.ts"
import {
  KeepLane,
  type KeptHandler,
  type LogRecord,
  type LogStatistics,
  type LogTopicHolder,
  type MessageLog,
  type TailHandler
} from "./ports.ts"

export interface MemoryLogOptions {
  readonly limitBytes: number
}

export class MemoryLog extends LogIndex implements MessageLog {
  readonly #limitBytes: number
  /** Buffers and columns of all segments but the active one. */
  #sealedBytes = 0
  #onTail: TailHandler = () => {}
  #onKept: KeptHandler = () => {}

  constructor({ limitBytes }: MemoryLogOptions) {
    super({ limitBytes, overheadBytes: 0, hasPlaces: false })
    this.#limitBytes = limitBytes
  }

  get first(): number {
    return (this.segments[0] as MemorySegment).base
  }
  /** Records appended: each is kept when append() returns. */
  get ticket(): number {
    return this.next
  }
  get kept(): number {
    return this.next
  }
  get durable(): number {
    return this.next
  }
  get written(): number {
    return this.next
  }
  readonly lane = KeepLane.policy
  /** Everything else finds room: the ring turns. */
  readonly refusal = "too-large"
  readonly pressure = 0

  together(): void {
    // All of memory is lost together.
  }

  onTail(handler: TailHandler): void {
    this.#onTail = handler
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }

  append(
    view: PublishView,
    topic: LogTopicHolder,
    publisher: number,
    expiresAtMs: number,
    packetIdentifier: number
  ): number {
    const size = canonicalPublishSize(view, topic.bytes.length)
    if (size > this.#limitBytes) return -1
    this.room(size)
    const topicId = this.topics.resolve(topic)
    const { bytes, used } = this.active
    writeCanonicalPublish(bytes, used, view, topic.bytes)
    if (packetIdentifier > 0) keepPacketIdentifier(bytes, used, packetIdentifier)
    const flags = messageFlags(view.isVersion5, view.qos, view.retain, view.payloadStart === view.frameEnd)
    const sequence = this.push(size, topicId, publisher, flags, expiresAtMs)
    if (this.#usedBytes() > this.#limitBytes) this.#dropBehind()
    this.#onTail(sequence, 1)
    this.#onKept()
    return sequence
  }

  isReady(): boolean {
    return true
  }
  load(_sequence: number, done: () => void): void {
    queueMicrotask(done)
  }

  read(sequence: number, record: LogRecord): boolean {
    const segment = this.segmentOf(sequence)
    if (segment === undefined) return false
    const i = sequence - segment.base
    this.fill(segment, i, record)
    record.buffer = segment.bytes
    record.start = segment.starts[i] as number
    record.end = segment.starts[i + 1] as number
    return true
  }

  wouldDropBelow(sizeBytes: number): number {
    const { active } = this
    const rolls = this.mustRoll(sizeBytes)
    const added = rolls ? newSegmentBytes(this.lengthFor(sizeBytes)) : active.growthBytes
    let wanted = this.#usedBytes() + added + TOPIC_FOOTPRINT_BYTES
    let below = -1
    for (const segment of this.segments) {
      if (wanted <= this.#limitBytes || segment.count === 0 || (segment === active && !rolls)) break
      below = segment.end
      wanted -= footprint(segment)
      if (wanted > this.#limitBytes) wanted -= segment.countLast() * TOPIC_FOOTPRINT_BYTES
    }
    return below
  }

  statistics(): LogStatistics {
    return {
      records: this.live,
      bytes: this.#usedBytes(),
      limitBytes: this.#limitBytes,
      segments: this.segments.length,
      topics: this.topics.size
    }
  }

  protected override makeRoom(lengthBytes: number, sealed: MemorySegment | undefined): void {
    if (sealed !== undefined) this.#sealedBytes += footprint(sealed)
    const wanted = newSegmentBytes(lengthBytes)
    const usedBytes = (): number => this.#sealedBytes + this.topics.size * TOPIC_FOOTPRINT_BYTES
    while (this.segments.length > 0 && usedBytes() + wanted > this.#limitBytes) this.#dropOldest()
  }

  protected override rolled(): void {
    // Nothing to do: the ring holds the segment.
  }

  protected override grown(): void {
    // Never called: no segment of a ring is packed.
  }

  #usedBytes(): number {
    return this.#sealedBytes + footprint(this.active) + this.topics.size * TOPIC_FOOTPRINT_BYTES
  }

  /** Columns that grew and topics that are new count too: the active segment stays, the oldest ones go. */
  #dropBehind(): void {
    while (this.segments.length > 1 && this.#usedBytes() > this.#limitBytes) this.#dropOldest()
  }

  #dropOldest(): void {
    const segment = this.dropFirst()
    const { topics } = this
    for (let i = 0; i < segment.count; i++) {
      const topicId = segment.topicIds[i] as number
      this.forgetAt(segment, i)
      const distance = segment.following[i] as number
      if (distance > 0) topics.first[topicId] = segment.base + i + distance
    }
    this.#sealedBytes -= footprint(segment)
    this.recycle(segment.bytes)
  }
}

/** What the segment takes of the budget. */
function footprint(segment: MemorySegment): number {
  return segment.lengthBytes + segment.columnsBytes
}

function newSegmentBytes(lengthBytes: number): number {
  return lengthBytes + newColumnsBytes(false)
}
