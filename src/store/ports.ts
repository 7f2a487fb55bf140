/**
 * The store's ports: what the broker may rely on, in words. The memory engine implements them now; the
 * durable engine (WAL + LMDB) and a replicated log later. test/contract/store holds every engine to this.
 *
 * MessageLog
 * - A message is addressed by Pos {partition, sequence}; embedded there is one partition, 0, and only the
 *   sequence travels. Sequences are dense safe integers, one per record, never reused.
 * - append() is synchronous and plain. The record becomes visible through the tail handler: embedded in
 *   the same call, a replicated log later, always in sequence order.
 * - Promises are counted in tickets: every record of the store, message or not, takes the next one; `ticket` is the
 *   one given last. `kept` rises when the mode's promise holds for every ticket up to it; acknowledgements wait for
 *   that, deliveries at QoS 0 and 1 do not. Sequences number messages only.
 * - D, the delivery position, is `delivered`: live sessions have been handed everything below it, readers
 *   read below it. The broker's tail handler moves it, nobody else.
 * - What was read (buffer and offsets in LogRecord) is valid until the caller returns to the event loop.
 * - A record may be overtaken by the ring's tail, but not before it was shown: read() then answers false and
 *   the reader jumps to `first`, with a row in the drop ledger. Nothing vanishes silently.
 *
 * SessionStore
 * - What must outlive the process beside messages: sessions, subscriptions, groups, wills, QoS 2 state. Each call is a
 *   record in the same log and answers its ticket, 0 when nothing needs to be waited for (the memory engine), or -1 when
 *   the store takes none now. Records are whole values, except the five of QoS 2, which are single steps.
 * - saveCursor() is lazy and whole: what was handed over since the last one may be handed over again after a crash at
 *   QoS 1; at QoS 2 the steps say exactly what was.
 *
 * Liveness
 * - Only the broker knows which messages somebody still needs; compaction asks through LivenessRoots.
 *
 * Every change of session state carries a fencing Token {clientIdentifier, epoch}: an answer that arrives
 * for an older epoch is discarded.
 */
import type * as Effect from "effect/Effect"
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
/** One of `kept`, `durable`, `written` has risen. Once per batch. */
export type KeptHandler = () => void

/** What an acknowledgement of a record waits for: the broker's policy, or its topic's own. */
export const KeepLane = { policy: 0, durable: 1, written: 2 } as const

/** Why append() answered -1. */
export type AppendRefusal = "too-large" | "topic-quota" | "memory" | "disk-full" | "busy" | "closed"

export interface MessageLog {
  readonly partition: number
  /** Lowest sequence still readable. */
  readonly first: number
  /** The sequence the next record will get. */
  readonly next: number
  /** Ticket of the record appended last, of any kind; 0 when there was none. */
  readonly ticket: number
  /** Every ticket up to it is kept as the sync mode promises. */
  readonly kept: number
  /** Every ticket up to it is on the platter, or with the operating system. Where there is neither: as `kept`. */
  readonly durable: number
  readonly written: number
  /** Of the last append(): which promise its topic asks for (KeepLane), and why it was refused. */
  readonly lane: number
  readonly refusal: AppendRefusal
  /** Share of what the log may hold back or hold, 0..1: publishers are slowed before append() refuses. */
  readonly pressure: number
  /**
   * Appends the frame of `view` (QoS and RETAIN as published) and answers its sequence, or -1: see `refusal`.
   * `packetIdentifier` is the publisher's at QoS 2 where its session is persistent: kept in the frame, it is the proof
   * that the message was received; else 0.
   */
  append(
    view: PublishView,
    topic: LogTopicHolder,
    publisher: number,
    expiresAtMs: number,
    packetIdentifier: number
  ): number
  /** The records appended next, of `bytes` bytes of body in at most four records, are kept together or not at all. */
  together(bytes: number): void
  onTail(handler: TailHandler): void
  onKept(handler: KeptHandler): void
  /**
   * Whether read() can answer without the disk. If not: load(), and try again when it has called back (never within
   * the call, and also when the record turned out to be lost: then read() answers false).
   */
  isReady(sequence: number): boolean
  /** Bytes of the record's frame, wherever that is; 0 when the record is gone. Absent = the log does not know by itself. */
  frameSize?(sequence: number): number
  /** Of all records: no queue holds more. Absent = the log does not know by itself. */
  readonly frameBytes?: number
  load(sequence: number, done: () => void): void
  /** Fills `record`; false when the sequence was overtaken or lost, or holds no message any more. */
  read(sequence: number, record: LogRecord): boolean
  /** Smallest sequence >= from that holds a message, or `next`: what compaction took is stepped over at once. */
  nextMessage(from: number): number
  /** Topic id at a sequence, -1 when it holds no message (any more). Cheap: the topic column. */
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
  /** The sequence below which the topic's policy lets messages go by their age, whoever waits for them; 0 = none. */
  agedBelow?(topicId: number): number
  /** Of engines that keep messages though nobody waits for them; undefined where there is no such thing. */
  readonly history?: MessageHistory | undefined
  /** The sequence below which the next append of that size would have to forget records, or -1 while there is room. */
  wouldDropBelow(sizeBytes: number): number
  statistics(): LogStatistics
}

/** Messages that topics keep because their policy says so, at every QoS: what a `$replay` subscription begins with. */
export interface MessageHistory {
  /** Is every message of the topic to be logged? Asked per message: nothing to do while no policy keeps any. */
  keeps(topic: LogTopicHolder): boolean
  /** The same of a topic with records in the log. */
  isKept(topicId: number): boolean
  /** Every ticket up to it is as safe as the log will make it by itself: history is read when that covers it. */
  readonly settled: number
  /** The position from which on everything lies that came at that wall time or later, and little else (time-marks.ts). */
  positionAt(ms: number): number
}

/** Where the log remembers a topic's id between appends (the router's topic entry), and whether it keeps its messages. */
export interface LogTopicHolder {
  readonly bytes: Buffer
  logTopic: number
  /** The log's own: whether `logTopic` is still this topic's. */
  logStamp: number
  /** Undefined or 0 at first. */
  history?: number
}

export interface LogStatistics {
  readonly records: number
  readonly bytes: number
  readonly limitBytes: number
  readonly segments: number
  readonly topics: number
}

/** One stretch of a subscription's history; Infinity is written as "open". */
export interface SavedInterval {
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifier: number
  readonly from: number
  readonly to: number
}

/** Filter text as subscribed, "$share/..." included. */
export interface SavedSubscription {
  readonly intervals: ReadonlyArray<SavedInterval>
  /** The SUBSCRIBE asked for retained messages below this position, and they were not all sent when it was saved; -1 = none wanted. */
  readonly retainedBelow: number
  /** The SUBSCRIBE asked for history, and it was not all sent when it was saved. */
  readonly replay?: SavedReplay | undefined
}

/** Of a `$replay` subscription that has not come to the head yet. */
export interface SavedReplay {
  /** The first position that is not handed over. */
  readonly next: number
  /** From here on everything that matches is handed over, below it history. */
  readonly head: number
  /** At or above `next`, and handed over at QoS 2 already. */
  readonly handed: ReadonlyArray<number>
}

export interface SavedWill {
  readonly topic: string
  readonly isVersion5: boolean
  /** The PUBLISH frame to be, as buildPublish makes it. */
  readonly frame: Buffer
  readonly delaySeconds: number
}

export interface SavedSession {
  readonly clientIdentifier: string
  /** Names the session in records; never given again. */
  readonly number: number
  readonly epoch: number
  /** Infinity = for ever; 0 = only its will outlives the process. */
  readonly expiryIntervalSeconds: number
  readonly username: string | undefined
  /** Wall ms at which its connection ended; 0 while it is connected. */
  readonly disconnectedAtMs: number
  readonly will: SavedWill | undefined
}

/** A message handed over and not acknowledged; or, with state 0 and identifier 0, at or above the cursor and done with. */
export interface SavedExchange {
  readonly packetIdentifier: number
  /** ExchangeState of session/outgoing-window.ts. */
  readonly state: number
  readonly sequence: number
  /** Why it was sent: for an ordinary subscription, as a retained message at SUBSCRIBE, for a shared subscription, as history. */
  readonly kind: "ordinary" | "retained" | "shared" | "replay"
  /** The filter of a retained message's subscription, the text of a shared or a replayed one; "" of an ordinary one. */
  readonly filter: string
}

/** How far a session is, as a whole. */
export interface SavedCursor {
  /** Everything below was handed over, expired or did not match, but for `open`. */
  readonly cursor: number
  /** In the order in which they were first sent. */
  readonly open: ReadonlyArray<SavedExchange>
  /** QoS 2 identifiers received and not released. */
  readonly incoming: ReadonlyArray<number>
  /** Retained messages that a SUBSCRIBE asked for and that are not all sent: topics after `after` are left. */
  readonly retained: ReadonlyArray<{
    readonly filter: string
    readonly below: number
    readonly after: string | undefined
  }>
  /** History that is not all sent; `filter` is the subscription's text. */
  readonly replays?: ReadonlyArray<SavedReplay & { readonly filter: string }> | undefined
}

/** How far a shared subscription is: its cursor, and messages below it that nobody has (QoS 1 ones that are with a member included). */
export interface SavedGroup {
  readonly bornAt: number
  readonly cursor: number
  readonly requeued: ReadonlyArray<number>
}

/** A session as found at the start: the last whole values, and the steps of QoS 2 after them. */
export interface RecoveredSession {
  readonly session: SavedSession
  /** As they were saved: what is left of `retainedBelow` and `replay` is the cursor's. */
  readonly subscriptions: ReadonlyMap<string, SavedSubscription>
  readonly cursor: SavedCursor
  /** At or above the cursor, and handed over at QoS 2 already (kind "ordinary"): the reader passes over them. */
  readonly handed: ReadonlySet<number>
  /** Steps of QoS 2 came after the saved cursor: the log is kept from them on until it is saved again. */
  readonly isBehind?: boolean
}

export interface Recovered {
  readonly sessions: ReadonlyArray<RecoveredSession>
  /** `handed`: given to a member at QoS 2 (sent() of kind "shared", whoever that was) since the group was saved, below its cursor too. */
  readonly groups: ReadonlyMap<string, SavedGroup & { readonly handed: ReadonlySet<number> }>
  /** Above every session number in the store. */
  readonly nextSessionNumber: number
}

export interface SessionStore {
  /** False for the memory engine: nothing needs to be called then, though everything may be. */
  readonly isDurable: boolean
  /** What the start found. Taken once: it is forgotten then. */
  takeRecovered(): Recovered
  saveSession(session: SavedSession): number
  /** The session, its subscriptions, cursor and will are no more. */
  endSession(number: number): number
  saveSubscription(number: number, filter: string, subscription: SavedSubscription): number
  endSubscription(number: number, filter: string): number
  saveCursor(number: number, cursor: SavedCursor): number
  saveGroup(text: string, group: SavedGroup): number
  endGroup(text: string): number
  /** QoS 2 received whose message was not logged under its packet identifier by append(). */
  received(number: number, packetIdentifier: number): number
  /** PUBREL received. */
  released(number: number, packetIdentifier: number): number
  /** QoS 2 PUBLISH is about to be sent. */
  sent(number: number, exchange: SavedExchange): number
  /** PUBREC received: PUBREL is about to be sent. */
  sentReceived(number: number, packetIdentifier: number): number
  /** PUBCOMP received, or the exchange ended otherwise. */
  sentDone(number: number, packetIdentifier: number): number
}

/** What compaction may not touch; a message that is none of these may go. */
export interface Liveness {
  /** The lowest position at which somebody may still read this topic; Infinity when nobody does. */
  neededFrom(topicId: number): number
  /** Held singly: sent and not acknowledged, or waiting in a shared subscription. Rising. */
  readonly held: ReadonlyArray<number>
}
export interface LivenessRoots {
  /** Saves what is not saved yet, so that what a crash would recover needs no more than what is answered. */
  prepare(): Effect.Effect<Liveness>
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
  /** Who published it; the broker knows the kind. In memory only: absent after a restart. */
  readonly source?: unknown
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
