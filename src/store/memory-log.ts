/**
 * The message log in memory: a ring of segments inside a byte budget (`storage.memory-buffer`).
 *
 * It keeps every rule of MessageLog (ports.ts) but outliving the process: appended is visible and kept at
 * once. When the budget is used up the oldest segment goes; readers behind `first` jump and write a ledger
 * row. The frames lie in the segments' buffers and nowhere else.
 *
 * Elsewhere: the ring, its budget, topics and chains (log-index.ts).
 */
import type { PublishView } from "../codec/publish-view.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import { LogIndex } from "./log-index.ts"
import { type MemorySegment, messageFlags } from "./memory-segment.ts"
import type { KeptHandler, LogRecord, LogTopicHolder, MessageLog, TailHandler } from "./ports.ts"

export interface MemoryLogOptions {
  readonly limitBytes: number
}

export class MemoryLog extends LogIndex implements MessageLog {
  #onTail: TailHandler = () => {}
  #onKept: KeptHandler = () => {}

  constructor({ limitBytes }: MemoryLogOptions) {
    super({ limitBytes, overheadBytes: 0, hasPlaces: false })
  }

  get kept(): number {
    return this.next
  }

  onTail(handler: TailHandler): void {
    this.#onTail = handler
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }

  append(view: PublishView, topic: LogTopicHolder, publisher: number, expiresAtMs: number): number {
    const size = canonicalPublishSize(view, topic.bytes.length)
    if (!this.holds(size)) return -1
    this.room(size)
    const topicId = this.topics.resolve(topic)
    writeCanonicalPublish(this.active.bytes, this.active.used, view, topic.bytes)
    const sequence = this.push(size, topicId, publisher, messageFlags(view.isVersion5, view.qos), expiresAtMs)
    this.#onTail(sequence, 1)
    this.#onKept(sequence + 1)
    return sequence
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

  protected override rolled(): void {
    // Nothing to do: the ring holds the segment.
  }
  protected override dropped(segment: MemorySegment): void {
    this.recycle(segment.bytes)
  }
}
