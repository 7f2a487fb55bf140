/**
 * The store's ports: what the broker may rely on, in words. The memory engine implements them now; the
 * durable engine (WAL + LMDB) and a replicated log later. test/contract/store holds every engine to this.
 *
 * MessageLog
 * - A message is addressed by Pos {partition, sequence}; embedded there is one partition, 0, and only the
 *   sequence travels. Sequences are dense safe integers, one per record, never reused.
 * - append() is synchronous and plain. The record becomes visible through the tail handler: embedded in
 *   the same call, a replicated log later, always in sequence order. `kept` rises when the mode's promise
 *   holds for everything below it; acknowledgements wait for that, deliveries at QoS 0 and 1 do not.
 * - D, the delivery position, is `delivered`: live sessions have been handed everything below it, readers
 *   read below it. The broker's tail handler moves it, nobody else.
 * - What was read (buffer and offsets in LogRecord) is valid until the caller returns to the event loop.
 * - A record may be overtaken by the ring's tail, but not before it was shown: read() then answers false and
 *   the reader jumps to `first`, with a row in the drop ledger. Nothing vanishes silently.
 *
 * Every change of session state carries a fencing Token {clientIdentifier, epoch}: an answer that arrives
 * for an older epoch is discarded.
 */
import type { PublishView } from "../codec/publish-view.ts"

/** Registers of one record as read from the log; reused, like PublishView. */
export class LogRecord {
  sequence = 0
  /** The record's PUBLISH frame: alias resolved, QoS >= 1 frames keep the room of their packet identifier. */
  buffer: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  isVersion5 = false
  topicId = 0
  /** Number of the publishing session (No Local), 0 for the broker itself. */
  publisher = 0
  /** Wall time in ms after which the message must not be sent any more; Infinity = never. */
  expiresAtMs = Number.POSITIVE_INFINITY
}

/** What the log calls for records that became visible, in order. Per record embedded, per batch elsewhere. */
export type TailHandler = (firstSequence: number, count: number) => void
export type KeptHandler = (keptBelow: number) => void

export interface MessageLog {
  readonly partition: number
  /** Lowest sequence still readable. */
  readonly first: number
  /** The sequence the next record will get. */
  readonly next: number
  /** Everything below is kept as the sync mode promises. */
  readonly kept: number
  /** Appends the frame of `view` (QoS and RETAIN as published) and answers its sequence, or -1 when the record is larger than the log may hold, or the log takes none now (disk full, closed). */
  append(view: PublishView, topic: LogTopicHolder, publisher: number, expiresAtMs: number): number
  onTail(handler: TailHandler): void
  onKept(handler: KeptHandler): void
  /** Fills `record`; false when the sequence was overtaken or not written yet. */
  read(sequence: number, record: LogRecord): boolean
  /** Topic id at a sequence, -1 when overtaken. Cheap: the topic column. */
  topicAt(sequence: number): number
  /** Name of a topic that has records in the log. */
  topicName(topicId: number): string
  /** Id of a topic with records in the log, or -1. */
  topicId(name: string): number
  /** One more than the highest id ever given: readers re-match ids at or above the last bound they saw. */
  readonly topicIdBound: number
  /** Rises when retired ids are given again: whoever remembers ids starts anew. */
  readonly topicEpoch: number
  /** Smallest sequence >= from whose topic is `topicId`, or -1. */
  nextOfTopic(topicId: number, from: number): number
  /** Records of the topic that the log holds at QoS 1 and 2: what a session that was overtaken can still get. */
  countOfTopic(topicId: number): number
  /** The topic's newest record, or -1. */
  lastOfTopic(topicId: number): number
  /** The next record of the same topic as the record at `sequence`, or -1: none yet, or `sequence` was overtaken. */
  following(sequence: number): number
  /** The sequence below which the next append of that size would have to forget records, or -1 while there is room. */
  wouldDropBelow(sizeBytes: number): number
  statistics(): LogStatistics
}

/** Where the log remembers a topic's id between appends (the router's topic entry). */
export interface LogTopicHolder {
  readonly bytes: Buffer
  logTopic: number
}

export interface LogStatistics {
  readonly records: number
  readonly bytes: number
  readonly limitBytes: number
  readonly segments: number
  readonly topics: number
}

/** A retained message. `frame` is a RETAIN 1 PUBLISH frame as in LogRecord. */
export interface RetainedMessage {
  readonly topic: string
  readonly frame: Buffer
  readonly isVersion5: boolean
  readonly publisher: number
  /** Log position at which it was set: a subscription that took effect at or below it got it live. */
  readonly sequence: number
  readonly storedAtMs: number
  readonly expiresAtMs: number
}

export interface RetainedStore {
  readonly count: number
  readonly bytes: number
  /** Replaces the topic's retained message. False when a limit forbids it. */
  set(message: RetainedMessage): boolean
  clear(topic: string): boolean
  get(topic: string): RetainedMessage | undefined
  /**
   * The matching topics in the store's own stable order, strictly after `after` (undefined = from the
   * start), at most `limit` of them; visits at most a bounded number of nodes. Topics that appear or vanish between two
   * calls may or may not be seen; every other one is seen exactly once.
   */
  page(filter: string, after: string | undefined, limit: number): RetainedPage
}
export interface RetainedPage {
  readonly messages: ReadonlyArray<RetainedMessage>
  /** Pass as `after` to go on; undefined when the walk is complete. */
  readonly next: string | undefined
}
