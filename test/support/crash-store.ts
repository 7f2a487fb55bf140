/**
 * A message log and a session store in memory that remember every record by its ticket, and can be crashed: what a new
 * process would find is a prefix of the records, as long as what was kept or longer.
 *
 *   log.append, sessions.saveX ──▶ records ──(promise)──▶ kept
 *                                    └──(crash at a ticket >= kept)──▶ a new CrashStore, with that prefix folded
 *
 * Records that were to be kept together are never cut apart. `plain` folds the records itself, the simple way; `bytes`
 * encodes each as the durable store does and lets that store's model read them back.
 *
 * What compaction would take can be taken: read() and the topic column then say so, positions stay.
 */

import { PublishView } from "../../src/codec/publish-view.ts"
import { viewTrusted } from "../../src/codec/read-publish.ts"
import { ExchangeState } from "../../src/session/outgoing-window.ts"
import { type ControlRecord, decodeControl } from "../../src/store/control-records.ts"
import { DurableSessions } from "../../src/store/durable-sessions.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import {
  type KeptHandler,
  type Liveness,
  LogRecord,
  type LogTopicHolder,
  type MessageHistory,
  type MessageLog,
  type Recovered,
  type RecoveredSession,
  type RetainedStore,
  type SavedCursor,
  type SavedExchange,
  type SessionStore,
  type TailHandler
} from "../../src/store/ports.ts"
import { SessionImage } from "../../src/store/session-image.ts"
import { RecordView } from "../../src/wal/record.ts"
import { WrappedLog } from "./wrapped-log.ts"

export type Engine = "plain" | "bytes"

const LOG_BYTES = 1_048_576
const TOGETHER_MAX = 4

interface MessageRecord {
  readonly kind: "message"
  readonly sequence: number
  readonly frame: Buffer
  readonly topic: string
  readonly isVersion5: boolean
  readonly retain: boolean
  readonly publisher: number
  readonly expiresAtMs: number
  readonly packetIdentifier: number
}
export type StoreRecord = MessageRecord | ControlRecord

export class CrashStore implements SessionStore {
  readonly engine: Engine
  readonly records: Array<StoreRecord>
  readonly log: CrashLog
  readonly isDurable = true
  /** While set the store takes nothing. */
  refuses = false
  /** A cut right before one of these tickets would part what belongs together. */
  readonly #glued: Set<number>
  #gluedBytes = 0
  #gluedCount = 0
  #recovered: Recovered

  constructor(
    engine: Engine,
    records: ReadonlyArray<StoreRecord> = [],
    glued: Iterable<number> = [],
    dropped: Iterable<number> = []
  ) {
    this.engine = engine
    this.records = [...records]
    this.#glued = new Set(glued)
    this.log = new CrashLog(this, new Set(dropped))
    for (const record of records) if (record.kind === "message") this.log.refill(record)
    this.log.kept = records.length
    this.#recovered = engine === "plain" ? foldPlain(records) : foldBytes(records)
  }

  /** Tickets at which a crash may cut, from what is kept on. */
  cuts(): Array<number> {
    const found: Array<number> = []
    for (let ticket = this.log.kept; ticket <= this.records.length; ticket++) {
      if (!this.#glued.has(ticket + 1)) found.push(ticket)
    }
    return found
  }

  crash(ticket: number): CrashStore {
    const glued = [...this.#glued].filter((each) => each <= ticket)
    return new CrashStore(this.engine, this.records.slice(0, ticket), glued, this.log.dropped)
  }

  /** Retained values as the records set and clear them. */
  *retained(): Generator<MessageRecord & { readonly isClear: boolean }> {
    const view = new PublishView()
    for (const record of this.records) {
      if (record.kind !== "message" || !record.retain) continue
      viewTrusted(view, record.frame, 0, record.frame.length, record.isVersion5)
      yield { ...record, isClear: view.payloadStart === view.frameEnd }
    }
  }

  /** As recovery does before the broker is there. */
  bringBackRetained(retained: RetainedStore): void {
    for (const { expiresAtMs, frame, isClear, isVersion5, publisher, sequence, topic } of this.retained()) {
      if (isClear) retained.clear(topic)
      else retained.set({ topic, frame, isVersion5, publisher, sequence, storedAtMs: 0, expiresAtMs })
    }
  }

  /** What nobody needs goes, newest of each topic's retained records excepted. */
  compact({ held, neededFrom }: Liveness): number {
    const { log } = this
    const kept = new Set(held)
    const retained = new Map<string, number>()
    for (const { sequence, topic } of this.retained()) retained.set(topic, sequence)
    for (const sequence of retained.values()) kept.add(sequence)
    let gone = 0
    for (let sequence = 0; sequence < log.next; sequence++) {
      const topicId = log.topicAt(sequence)
      if (topicId < 0 || sequence >= neededFrom(topicId) || kept.has(sequence)) continue
      log.dropped.add(sequence)
      gone += 1
    }
    return gone
  }

  /** Kept when the next `count` records are; all without a count. */
  promise(count: number = Number.POSITIVE_INFINITY): void {
    this.log.promise(Math.min(this.records.length, this.log.kept + count))
  }

  together(bytes: number): void {
    this.#gluedBytes = bytes
    this.#gluedCount = 0
  }

  write(record: StoreRecord, bodyBytes: number): number {
    this.records.push(record)
    const ticket = this.records.length
    if (this.#gluedBytes > 0) {
      if (this.#gluedCount > 0) this.#glued.add(ticket)
      this.#gluedCount += 1
      this.#gluedBytes -= bodyBytes
      if (this.#gluedBytes < 0) throw new Error("what belongs together is larger than announced")
      if (this.#gluedCount === TOGETHER_MAX) this.#gluedBytes = 0
    }
    return ticket
  }

  /** Encodes as the durable store does: the records are then what its decoder reads. */
  readonly #encoder = new DurableSessions((record) => {
    if (this.refuses) return -1
    const view = new RecordView()
    view.type = record.type
    view.publisher = record.publisher
    view.buffer = Buffer.from(record.buffer.subarray(record.start, record.end))
    view.end = view.buffer.length
    const decoded = decodeControl(view)
    if (decoded === undefined || decoded === "other") throw new Error(`record type ${record.type} cannot be read back`)
    return this.write(decoded, view.end)
  }, NOTHING)

  takeRecovered(): Recovered {
    const recovered = this.#recovered
    this.#recovered = NOTHING
    return recovered
  }
  saveSession: SessionStore["saveSession"] = (session) => this.#encoder.saveSession(session)
  endSession: SessionStore["endSession"] = (number) => this.#encoder.endSession(number)
  saveSubscription: SessionStore["saveSubscription"] = (number, filter, subscription) =>
    this.#encoder.saveSubscription(number, filter, subscription)
  endSubscription: SessionStore["endSubscription"] = (number, filter) => this.#encoder.endSubscription(number, filter)
  saveCursor: SessionStore["saveCursor"] = (number, cursor) => this.#encoder.saveCursor(number, cursor)
  saveGroup: SessionStore["saveGroup"] = (text, group) => this.#encoder.saveGroup(text, group)
  endGroup: SessionStore["endGroup"] = (text) => this.#encoder.endGroup(text)
  received: SessionStore["received"] = (number, id) => this.#encoder.received(number, id)
  released: SessionStore["released"] = (number, id) => this.#encoder.released(number, id)
  sent: SessionStore["sent"] = (number, exchange) => this.#encoder.sent(number, exchange)
  sentReceived: SessionStore["sentReceived"] = (number, id) => this.#encoder.sentReceived(number, id)
  sentDone: SessionStore["sentDone"] = (number, id) => this.#encoder.sentDone(number, id)
}

const NOTHING: Recovered = { sessions: [], groups: new Map(), nextSessionNumber: 1 }

/** The memory engine's log, with tickets and a promise that comes when it is told to. */
export class CrashLog extends WrappedLog<MemoryLog> implements MessageLog {
  kept = 0
  readonly dropped: Set<number>
  readonly #store: CrashStore
  readonly #view = new PublishView()
  readonly #record = new LogRecord()
  #onKept: KeptHandler = () => undefined

  constructor(store: CrashStore, dropped: Set<number>) {
    super(new MemoryLog({ limitBytes: LOG_BYTES }))
    this.#store = store
    this.dropped = dropped
  }

  promise(ticket: number): void {
    if (ticket <= this.kept) return
    this.kept = ticket
    this.#onKept()
  }

  refill({ expiresAtMs, frame, isVersion5, packetIdentifier, publisher, topic }: MessageRecord): void {
    viewTrusted(this.#view, frame, 0, frame.length, isVersion5)
    const holder = { bytes: Buffer.from(topic), logTopic: -1, logStamp: 0 }
    this.inner.append(this.#view, holder, publisher, expiresAtMs, packetIdentifier)
  }

  append(
    view: PublishView,
    topic: LogTopicHolder,
    publisher: number,
    expiresAtMs: number,
    packetIdentifier: number
  ): number {
    if (this.#store.refuses) return -1
    const { isVersion5, retain } = view
    const sequence = this.inner.next
    // The ticket first: who is shown the record asks for it.
    const at = this.#store.records.length
    const record = { kind: "message" as const, sequence, topic: topic.bytes.toString(), isVersion5, retain }
    const rest = { publisher, expiresAtMs, packetIdentifier }
    this.#store.write({ ...record, ...rest, frame: NO_FRAME }, view.frameEnd - view.frameStart)
    this.inner.append(view, topic, publisher, expiresAtMs, packetIdentifier)
    this.inner.read(sequence, this.#record)
    const frame = Buffer.from(this.#record.buffer.subarray(this.#record.start, this.#record.end))
    this.#store.records[at] = { ...record, ...rest, frame }
    return sequence
  }

  override together(bytes: number): void {
    this.#store.together(bytes)
  }
  onTail(handler: TailHandler): void {
    this.inner.onTail(handler)
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }
  get ticket(): number {
    return this.#store.records.length
  }
  get durable(): number {
    return this.kept
  }
  get written(): number {
    return this.kept
  }
  agedBelow: (topicId: number) => number = () => 0
  /** None, unless the test says which topics keep theirs. */
  history: MessageHistory | undefined = undefined
  readonly lane = 0
  readonly refusal = "disk-full"
  readonly pressure = 0
  override isReady(): boolean {
    return true
  }
  override load(_sequence: number, done: () => void): void {
    queueMicrotask(done)
  }
  override read(sequence: number, record: LogRecord): boolean {
    return !this.dropped.has(sequence) && this.inner.read(sequence, record)
  }
  override topicAt(sequence: number): number {
    return this.dropped.has(sequence) ? -1 : this.inner.topicAt(sequence)
  }
  override nextMessage(from: number): number {
    let at = this.inner.nextMessage(from)
    while (this.dropped.has(at)) at = this.inner.nextMessage(at + 1)
    return at
  }
  override nextOfTopic(topicId: number, from: number): number {
    let at = this.inner.nextOfTopic(topicId, from)
    while (at >= 0 && this.dropped.has(at)) at = this.inner.nextOfTopic(topicId, at + 1)
    return at
  }
  override following(sequence: number): number {
    const topicId = this.inner.topicAt(sequence)
    return topicId < 0 ? -1 : this.nextOfTopic(topicId, sequence + 1)
  }
}
const NO_FRAME: Buffer = Buffer.alloc(0)

const foldBytes = (records: ReadonlyArray<StoreRecord>): Recovered => {
  const image = new SessionImage(undefined)
  records.forEach((record, i) => {
    if (record.kind !== "message") image.apply(record, i + 1)
    else image.message(record.publisher, record.packetIdentifier, record.sequence, i + 1)
  })
  return image.toRecovered()
}

/** The same once more, without thought for speed: every session is folded from all the records by itself. */
const foldPlain = (records: ReadonlyArray<StoreRecord>): Recovered => {
  const numbers = new Set<number>([0])
  const texts = new Set<string>()
  for (const record of records) {
    if (record.kind === "message") numbers.add(record.publisher)
    else if (record.kind === "group") texts.add(record.text)
    else numbers.add(record.number)
  }
  const sessions = [...numbers].flatMap((number) => foldSession(records, number))
  const groups = new Map([...texts].flatMap((text) => foldGroup(records, text)))
  return { sessions, groups, nextSessionNumber: Math.max(...numbers) + 1 }
}

const WHOLE = new Set(["message", "session", "session-end", "subscription", "cursor"])

const foldSession = (records: ReadonlyArray<StoreRecord>, number: number): Array<RecoveredSession> => {
  const own = records.filter((each) => {
    if (each.kind === "message") return each.publisher === number
    return each.kind !== "group" && each.number === number
  })
  const end = own.findLastIndex(({ kind }) => kind === "session-end")
  const life = own.slice(end + 1)
  const session = life.findLast((each) => each.kind === "session")?.session
  if (session === undefined) return []
  const cursorAt = life.findLastIndex(({ kind }) => kind === "cursor")
  const saved = life[cursorAt]
  const none: SavedCursor = { cursor: 0, open: [], incoming: [], retained: [] }
  const cursor = saved?.kind === "cursor" ? saved.cursor : none
  const open = cursor.open.filter(({ state }) => state !== ExchangeState.free)
  const done = cursor.open.filter(({ state }) => state === ExchangeState.free)
  const handed = new Set(done.filter(({ kind }) => kind === "ordinary").map(({ sequence }) => sequence))
  let retainedHanded = done.filter(({ kind }) => kind === "retained")
  const incoming = new Set(cursor.incoming)
  const retained = new Map(cursor.retained.map((each) => [each.filter, each]))
  const replays = new Map((cursor.replays ?? []).map((each) => [each.filter, each]))
  for (const step of life.slice(cursorAt + 1)) {
    if (step.kind === "message" && step.packetIdentifier > 0) incoming.add(step.packetIdentifier)
    if (step.kind === "received") incoming.add(step.packetIdentifier)
    if (step.kind === "released") incoming.delete(step.packetIdentifier)
    if (step.kind === "sent-received" || step.kind === "sent-done") {
      const at = open.findIndex(({ packetIdentifier }) => packetIdentifier === step.packetIdentifier)
      if (at >= 0 && step.kind === "sent-done") open.splice(at, 1)
      else if (at >= 0) open[at] = { ...(open[at] as SavedExchange), state: ExchangeState.awaitPubcomp }
    }
    if (step.kind === "subscription" && step.subscription !== undefined && step.subscription.retainedBelow >= 0) {
      retained.set(step.filter, { filter: step.filter, below: step.subscription.retainedBelow, after: undefined })
    }
    if (step.kind === "subscription") retainedHanded = retainedHanded.filter((each) => each.filter !== step.filter)
    if (step.kind === "subscription") {
      const { filter, subscription } = step
      if (subscription?.replay === undefined) replays.delete(filter)
      else replays.set(filter, { filter, ...subscription.replay })
    }
    if (step.kind !== "sent") continue
    const { filter, kind, packetIdentifier, sequence } = step.exchange
    const before = open.findIndex((each) => each.packetIdentifier === packetIdentifier)
    if (before >= 0) open.splice(before, 1)
    open.push(step.exchange)
    if (kind === "ordinary" && sequence >= cursor.cursor) handed.add(sequence)
    const wanted = retained.get(filter)
    const replay = replays.get(filter)
    if (kind === "replay" && replay !== undefined)
      replays.set(filter, { ...replay, handed: [...replay.handed, sequence] })
    if (kind === "retained" && wanted !== undefined) {
      retainedHanded.push({ packetIdentifier: 0, state: ExchangeState.free, kind, filter, sequence })
    }
  }
  const subscriptions: RecoveredSession["subscriptions"] = new Map(
    life
      .flatMap((each) => (each.kind === "subscription" ? [each.filter] : []))
      .flatMap((filter) => {
        const last = life.findLast((each) => each.kind === "subscription" && each.filter === filter)
        if (last?.kind !== "subscription" || last.subscription === undefined) return []
        return [[filter, { intervals: last.subscription.intervals, retainedBelow: -1 }] as const]
      })
  )
  const left = [...retained.values()].filter(({ filter }) => subscriptions.has(filter))
  const found = {
    cursor: cursor.cursor,
    open: [...open, ...retainedHanded.filter(({ filter }) => subscriptions.has(filter))],
    incoming: [...incoming],
    retained: left,
    ...(replays.size > 0 ? { replays: [...replays.values()] } : {})
  }
  const isStep = ({ kind }: StoreRecord) => !WHOLE.has(kind)
  return [{ session, subscriptions, cursor: found, handed, isBehind: life.slice(cursorAt + 1).some(isStep) }]
}

type RecoveredGroup = Recovered["groups"] extends ReadonlyMap<string, infer G> ? G : never

const foldGroup = (records: ReadonlyArray<StoreRecord>, text: string): Array<readonly [string, RecoveredGroup]> => {
  const at = records.findLastIndex((each) => each.kind === "group" && each.text === text)
  const last = records[at]
  if (last?.kind !== "group" || last.group === undefined) return []
  const handed = new Set<number>()
  for (const step of records.slice(at + 1)) {
    if (step.kind === "sent" && step.exchange.kind === "shared" && step.exchange.filter === text) {
      handed.add(step.exchange.sequence)
    }
  }
  const requeued = last.group.requeued.filter((sequence) => !handed.has(sequence))
  return [[text, { ...last.group, requeued, handed }]]
}
