/**
 * A message log that stands before another one and answers every question as that one does. Doubles for tests extend it
 * and write down what they do otherwise: when records are shown and kept, what is refused, what is lost or has to be loaded.
 */
import type { LogRecord, LogStatistics, MessageLog } from "../../src/store/ports.ts"

export abstract class WrappedLog<Inner extends MessageLog = MessageLog> {
  protected readonly inner: Inner

  constructor(inner: Inner) {
    this.inner = inner
  }

  get partition(): number {
    return this.inner.partition
  }
  get first(): number {
    return this.inner.first
  }
  get next(): number {
    return this.inner.next
  }
  get topicIdBound(): number {
    return this.inner.topicIdBound
  }
  get topicEpoch(): number {
    return this.inner.topicEpoch
  }
  together(bytes: number): void {
    this.inner.together(bytes)
  }
  isReady(sequence: number): boolean {
    return this.inner.isReady(sequence)
  }
  load(sequence: number, done: () => void): void {
    this.inner.load(sequence, done)
  }
  read(sequence: number, record: LogRecord): boolean {
    return this.inner.read(sequence, record)
  }
  topicAt(sequence: number): number {
    return this.inner.topicAt(sequence)
  }
  topicName(topicId: number): string {
    return this.inner.topicName(topicId)
  }
  topicId(name: string): number {
    return this.inner.topicId(name)
  }
  nextMessage(from: number): number {
    return this.inner.nextMessage(from)
  }
  nextOfTopic(topicId: number, from: number): number {
    return this.inner.nextOfTopic(topicId, from)
  }
  countOfTopic(topicId: number): number {
    return this.inner.countOfTopic(topicId)
  }
  lastOfTopic(topicId: number): number {
    return this.inner.lastOfTopic(topicId)
  }
  following(sequence: number): number {
    return this.inner.following(sequence)
  }
  wouldDropBelow(sizeBytes: number): number {
    return this.inner.wouldDropBelow(sizeBytes)
  }
  statistics(): LogStatistics {
    return this.inner.statistics()
  }
}
