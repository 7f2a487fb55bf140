/**
 * The message log on disk: MessageLog over the write-ahead log, its index in memory.
 *
 *   append ─► record into the WAL's group ─► frame into the hot segment, columns, chains ─► onTail, in the same call
 *   the WAL:  placed ─► columns learn where   written ─► segments may cool   moved ─► onKept
 *
 * Two numbers: the LSN counts all records and is the ticket; the sequence counts messages, and stands in their records.
 * A start goes on above every sequence that may ever have been given: each LSN that is not there any more counts as one.
 *
 *   memory   columns and topics of all messages, inside `limitBytes`; frames of the newest ones: `cacheBytes` at most, but
 *            for the segment that fills and what is not written yet (WAL: pendingBytesMax); blocks read back: `coldBytes`
 *   disk     everything until compaction takes it (compaction-target.ts)
 *
 * Promises, cited where they are kept (mutants: test/mutants/message-log-mutants.ts)
 *   LOG-1  no sequence is given twice, whatever compaction or damage took
 *   LOG-2  a message that is not in its file yet is in memory
 *   LOG-3  no message is handed out whose bytes do not verify
 *   LOG-4  what cannot be read back costs the message it hit and no other, and is told once
 *   LOG-5  what compaction moved is read from where it lies now, at every moment
 *   LOG-6  a retained value that was replaced or cleared does not come back
 *   LOG-7  nothing is forgotten to make room: append() answers -1 and `refusal` says why; `pressure` tells it earlier
 *
 * Recovery hands every record to `recover`, which rebuilds index, chains and topic counts from the records alone, and
 * passes on what others rebuild from it: onMessage (retained values, QoS 2), onOther (sessions).
 *
 * Elsewhere: bytes, syncs, promises (src/wal); what other records mean (control-records.ts); memory (durable-index.ts);
 * reading back (cold-reads.ts).
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { assert } from "../base/assert.ts"
import { copyBytes } from "../base/bytes.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import type { ActiveSegment } from "../wal/commit.ts"
import { type Log, type LogHandlers, type LogOptions, openLog, type SpaceLevel } from "../wal/log.ts"
import type { LogPolicy } from "../wal/policy.ts"
import { RECORD_HEADER_BYTES, RecordFlag, RecordType, RecordView, recordSize } from "../wal/record.ts"
import type { RecoveryReport } from "../wal/recover.ts"
import type { StoreFailed, StoreRefused } from "../wal/store-error.ts"
import type { StoreFault, StoreFs } from "../wal/store-fs.ts"
import { COLD_BYTES_DEFAULT, ColdPlace, ColdReads } from "./cold-reads.ts"
import type { CompactionTarget } from "./compaction-target.ts"
import type { LogFile } from "./durable-files.ts"
import { DurableIndex, type DurableIndexOptions, placesOf } from "./durable-index.ts"
import { messageFlags } from "./memory-segment.ts"
import { NO_TOPIC } from "./packed-columns.ts"
import { keepPacketIdentifier } from "./packet-identifier.ts"
import {
  type AppendRefusal,
  KeepLane,
  type KeptHandler,
  type LogRecord,
  type LogTopicHolder,
  type MessageLog,
  type TailHandler
} from "./ports.ts"
import { RecoveredFiles } from "./recovered-files.ts"
import { laneOf, type TopicPolicy } from "./topic-policy.ts"
import { LsnQueue } from "./unplaced.ts"

/** Header and padding of a record on disk. */
const OVERHEAD_BYTES = RECORD_HEADER_BYTES + 8

/** A message that could not be read back: said once. */
export interface LostMessage {
  readonly topic: string
  readonly sequence: number
  /** As far as its damaged bytes tell; 0 = they do not. */
  readonly lsn: number
  readonly path: string
  readonly offset: number
}

export interface DurableLogOptions extends LogOptions, DurableIndexOptions {
  readonly fs: StoreFs
  /** Blocks of files kept for readers that are behind. */
  readonly coldBytes?: number | undefined
  readonly topicPolicies?: ReadonlyArray<TopicPolicy> | undefined
  /** Recovery: each record of another kind, in order; the view is valid during the call. */
  readonly onOther?: ((record: RecordView) => void) | undefined
  /** Recovery: each message, in order with those; record and view are valid during the call. */
  readonly onMessage?: ((record: RecordView, view: PublishView, sequence: number) => void) | undefined
  /** A message was logged that is also the proof of its reception: `publisher`'s state has a step there (QoS 2). */
  readonly onReceived?: ((publisher: number, lsn: number) => void) | undefined
  /** Recovery, at its end: what others know to have been given. The log goes on there or above. */
  readonly sequenceAtLeast?: (() => number) | undefined
  readonly onSpace?: ((level: SpaceLevel) => void) | undefined
  readonly onLost?: ((lost: LostMessage) => void) | undefined
}

export const openDurableLog = (
  options: DurableLogOptions
): Effect.Effect<DurableLog, StoreFault | StoreRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const log = new DurableLog(options)
    yield* Effect.addFinalizer(() => Effect.sync(() => log.closeFiles()))
    log.begin(yield* openLog(options.fs, options, log.handlers, log.recover))
    yield* Effect.addFinalizer(() => Effect.sync(() => log.stop()))
    return log
  })

export class DurableLog extends DurableIndex implements MessageLog, CompactionTarget {
  readonly #options: DurableLogOptions
  readonly #cold: ColdReads
  readonly #defer: (task: () => void) => void
  readonly #nowMs: () => number
  #wal: Log | undefined = undefined
  #file: ActiveSegment | undefined = undefined
  #isShort = false
  #isStopped = false
  #isSlicing = false
  /** Sequences below have a place in a file; below #writtenBelow its bytes are there. */
  #placedBelow = 0
  #writtenBelow = 0
  readonly #othersUnplaced = new LsnQueue()
  readonly #proofsUnplaced = new LsnQueue()
  readonly #found = new RecoveredFiles()
  readonly #place = new ColdPlace()
  readonly #record = new RecordView()
  readonly #view = new PublishView()
  #onTail: TailHandler = () => {}
  #onKept: KeptHandler = () => {}
  lane: number = KeepLane.policy
  refusal: AppendRefusal = "closed"

  constructor(options: DurableLogOptions) {
    super(options, OVERHEAD_BYTES)
    this.#options = options
    this.#defer = options.defer ?? setImmediate
    this.#nowMs = options.nowMs ?? Date.now
    this.setTopicPolicies(options.topicPolicies ?? [])
    this.#cold = new ColdReads({
      fs: options.fs,
      budgetBytes: options.coldBytes ?? COLD_BYTES_DEFAULT,
      writtenBelow: () => this.#writtenBelow,
      defer: this.#defer,
      onLost: (lost) => {
        const topicId = this.topicAt(lost.sequence)
        options.onLost?.({ ...lost, topic: topicId < 0 ? "" : this.topicName(topicId) })
      }
    })
  }

  /** The write-ahead log: store, epoch, what it knows of dropped files. */
  get wal(): Log {
    assert(this.#wal !== undefined, "the log is open")
    return this.#wal
  }
  get ticket(): number {
    return this.wal.appender.nextLsn - 1
  }
  get kept(): number {
    return this.wal.appender.keptLsn
  }
  get durable(): number {
    return this.wal.appender.durableLsn
  }
  get written(): number {
    return this.wal.appender.writtenLsn
  }
  get pressure(): number {
    return Math.max(this.wal.appender.pressure, this.memoryShare)
  }
  /** What no sync will come for by itself is as safe as it gets once it is written. */
  get settled(): number {
    return this.policy.sync.mode === "never" ? this.written : this.durable
  }
  get report(): RecoveryReport {
    return this.wal.report
  }
  get space(): SpaceLevel {
    return this.wal.space()
  }
  get policy(): LogPolicy {
    return this.wal.appender.policy
  }
  /** What was read back from files, and what could not be. */
  get cold(): Pick<ColdReads, "faults" | "bytesRead" | "blockingReads" | "heldBytes" | "reads"> {
    return this.#cold
  }
  /** Messages that could not be read back from their file. */
  get readFaults(): number {
    return this.#cold.faults
  }
  /** Bytes of all files, the active one's used part included. */
  get totalBytes(): number {
    return this.table.sealedBytes + (this.#file?.position ?? 0)
  }
  setPolicy(policy: LogPolicy): Effect.Effect<void> {
    return this.wal.setPolicy(policy)
  }
  abort(fault: StoreFault): void {
    this.wal.appender.abort(fault)
  }
  /** Returns when everything appended so far is on the platter. */
  get force(): Effect.Effect<void, StoreFailed> {
    return this.wal.force
  }
  /** Never succeeds. Race the program with it. */
  get failure(): Effect.Effect<never, StoreFailed> {
    return this.wal.failure
  }

  onTail(handler: TailHandler): void {
    this.#onTail = handler
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }

  together(bytes: number): void {
    this.wal.appender.together(bytes)
  }

  append(
    view: PublishView,
    topic: LogTopicHolder,
    publisher: number,
    expiresAtMs: number,
    packetIdentifier: number
  ): number {
    const size = canonicalPublishSize(view, topic.bytes.length)
    const topicId = this.topics.resolve(topic)
    const policy = this.policyOf(topicId)
    // Deleting a retained message goes on when the disk is full: it is what makes room.
    const isDelete = view.retain && view.payloadStart === view.frameEnd
    const refusal = this.#refusalOf(topicId, size, policy, isDelete)
    if (refusal !== undefined) return this.#refuse(refusal, topicId)
    const record = this.#record
    const sequence = this.next
    record.type = RecordType.message
    record.flags = view.qos | (view.retain ? RecordFlag.retain : 0) | (view.isVersion5 ? RecordFlag.version5 : 0)
    record.sequence = sequence
    record.publisher = publisher
    record.expiresAtMs = expiresAtMs
    const { appender } = this.wal
    const lsn = appender.reserve(record, size, policy?.forceFsync === true)
    if (lsn < 0) return this.#refuse(appender.isFailed ? "closed" : "busy", topicId)
    const { body, bodyOffset } = appender
    writeCanonicalPublish(body, bodyOffset, view, topic.bytes)
    if (packetIdentifier > 0) {
      keepPacketIdentifier(body, bodyOffset, packetIdentifier)
      this.#proofsUnplaced.push(lsn)
      this.#options.onReceived?.(publisher, lsn)
    }
    this.lane = policy === undefined ? KeepLane.policy : laneOf(policy)
    const flags = messageFlags(view.isVersion5, view.qos, view.retain, view.payloadStart === view.frameEnd)
    this.room(size)
    this.#book(topicId, body, bodyOffset, size, publisher, flags, expiresAtMs, bodyOffset - RECORD_HEADER_BYTES, lsn)
    this.#onTail(sequence, 1)
    return sequence
  }

  /** Appends a record of another kind; answers its ticket, or -1 when the log takes none now. */
  appendOther(record: RecordView, asksSync: boolean): number {
    assert(record.type !== RecordType.message, "messages are appended by append()")
    if (this.#isStopped) return -1
    const lsn = this.wal.appender.append(record, asksSync)
    if (lsn >= 0) this.#othersUnplaced.push(lsn)
    return lsn
  }

  appendControl(record: RecordView): number {
    return this.appendOther(record, false)
  }

  isReady(sequence: number): boolean {
    return !this.#find(sequence) || this.#cold.isReady(this.#place)
  }

  load(sequence: number, done: () => void): void {
    if (this.#find(sequence)) this.#cold.load(this.#place, done)
    else this.#defer(done)
  }

  read(sequence: number, record: LogRecord): boolean {
    const segment = this.segmentOf(sequence)
    const i = segment === undefined ? -1 : segment.indexOf(sequence)
    if (segment === undefined || i < 0 || segment.topicIdAt(i) === NO_TOPIC) return false
    this.fill(segment, i, record)
    if (!segment.isHot) return this.#find(sequence) && this.#cold.read(this.#place, record)
    record.buffer = segment.bytes
    record.start = segment.starts[i] as number
    record.end = segment.starts[i + 1] as number
    return true
  }

  /** What the WAL tells. All but onMoved and onSpace may come before begin(). */
  readonly handlers: LogHandlers = {
    onSegment: (segment) => this.#beginFile(segment),
    onPlaced: (firstLsn, count, _segmentId, offset) => this.#placed(firstLsn, count, offset),
    onWritten: (lsn) => {
      this.#writtenBelow = this.#placedBelow
      this.cool(lsn)
    },
    onDurable: () => {},
    onKept: () => {},
    onMoved: () => this.#onKept(),
    onSpace: (level) => {
      this.#isShort = level === "scarce" || level === "full"
      this.#options.onSpace?.(level)
    }
  }

  /** Recovery's sink: one record that was found, and where. */
  readonly recover = (record: RecordView, segmentId: number, offset: number): void => {
    if (record.type === RecordType.message) this.#recoverMessage(record, segmentId, offset)
    else {
      this.#found.see(record, segmentId, false)
      this.#options.onOther?.(record)
    }
  }

  /** Recovery is over: which files there are, and where the log goes on. */
  begin(wal: Log): void {
    const { appender, sealed } = wal
    const { segment } = appender
    this.#wal = wal
    let from = 0
    for (const { decoded, gen, id, lastLsn, path, sizeBytes } of sealed) {
      const found = this.#found.of(id)
      const { header, seed } = decoded
      from = found?.from ?? from
      this.table.begin({ id, gen, path, seed, firstLsn: header.baseLsn, from, lastControlLsn: found?.control ?? 0 })
      from = found?.below ?? from
      // Its own last one, not what the next file begins with: a gap in between has to be told of, again and again. [WAL-13]
      this.table.seal(sizeBytes, lastLsn, from, found?.newestMs ?? header.createdMs)
    }
    const goesOn = Math.max(this.#found.goesOnAt(appender.nextLsn), this.#options.sequenceAtLeast?.() ?? 0)
    this.#follow(segment, this.#found.of(segment.id)?.from ?? goesOn, this.#found.of(segment.id)?.control ?? 0)
    this.goOnAt(goesOn)
    this.#placedBelow = goesOn
    this.#writtenBelow = goesOn
    this.#isShort = wal.space() === "scarce" || wal.space() === "full"
  }

  /** Takes nothing more; what was appended is still written and synced. */
  stop(): void {
    this.#isStopped = true
  }

  closeFiles(): void {
    this.#cold.close()
  }

  protected override moving(): void {
    if (this.#isSlicing) return
    this.#isSlicing = true
    this.#defer(this.#sliceOn)
  }

  protected override closed(file: LogFile): void {
    this.#cold.forget(file)
  }

  /** Fills #place; false when the record is in memory, or gone. */
  #find(sequence: number): boolean {
    const segment = this.segmentOf(sequence)
    if (segment === undefined || segment.isHot) return false
    const i = segment.indexOf(sequence)
    if (i < 0 || segment.topicIdAt(i) === NO_TOPIC) return false
    const file = this.table.of(sequence)
    if (file === undefined || file.isGone) return false
    const place = this.#place
    place.file = file
    place.offset = this.placeOf(file, segment, i, sequence)
    place.sizeBytes = recordSize(segment.sizeAt(i))
    place.sequence = sequence
    return place.offset >= 0
  }

  readonly #sliceOn = (): void => {
    this.#isSlicing = this.slice()
    if (this.#isSlicing) this.#defer(this.#sliceOn)
  }

  #refusalOf(
    topicId: number,
    sizeBytes: number,
    policy: TopicPolicy | undefined,
    isDelete: boolean
  ): AppendRefusal | undefined {
    if (this.#isStopped) return "closed"
    if (this.#isShort && !isDelete) return "disk-full"
    if (sizeBytes + OVERHEAD_BYTES > this.#options.limitBytes) return "too-large"
    if (!this.hasMemory(sizeBytes)) return "memory" // [LOG-7]
    return policy !== undefined && this.isOver(topicId, sizeBytes, policy) ? "topic-quota" : undefined
  }

  #refuse(refusal: AppendRefusal, topicId: number): -1 {
    this.refusal = refusal
    this.forgetIfUnused(topicId)
    return -1
  }

  #recoverMessage(record: RecordView, segmentId: number, offset: number): void {
    const { buffer, end, flags, sequence, start } = record
    if (sequence < this.next) return
    const view = this.#view
    const isVersion5 = (flags & RecordFlag.version5) !== 0
    viewTrusted(view, buffer, start, end, isVersion5)
    // The proof that its message was received: a file that holds it holds state of a session.
    this.#found.see(record, segmentId, view.qos === 2 && view.packetIdentifier > 0)
    const topicId = this.topics.resolveBytes(buffer, view.topicStart, view.topicEnd)
    const indexed = messageFlags(isVersion5, view.qos, view.retain, view.payloadStart === view.frameEnd)
    this.roomAt(end - start, sequence)
    this.#book(topicId, buffer, start, end - start, record.publisher, indexed, record.expiresAtMs, offset, record.lsn)
    this.#writtenBelow = sequence + 1
    this.history.marks.written(sequence, sequence + 1, record.writtenMs)
    this.cool(record.lsn)
    this.#options.onMessage?.(record, view, sequence)
  }

  /** Takes a frame that lies in `source` into the index and the hot segment. */
  #book(
    topicId: number,
    source: Buffer,
    at: number,
    sizeBytes: number,
    publisher: number,
    flags: number,
    expiresAtMs: number,
    place: number,
    lsn: number
  ): void {
    const { active } = this
    copyBytes(active.bytes, active.used, source, at, at + sizeBytes)
    this.push(sizeBytes, topicId, publisher, flags, expiresAtMs)
    placesOf(active)[active.count - 1] = place
    active.lastLsn = lsn
  }

  /** Until now the column held the record's offset in its frame. */
  #placed(firstLsn: number, count: number, offset: number): void {
    const { last } = this.table
    assert(last !== undefined, "records go to a file that was named")
    const others = this.#othersUnplaced.takeBelow(firstLsn + count)
    if (others > 0) last.lastControlLsn = Math.max(last.lastControlLsn, this.#othersUnplaced.last)
    if (this.#proofsUnplaced.takeBelow(firstLsn + count) > 0) {
      last.lastControlLsn = Math.max(last.lastControlLsn, this.#proofsUnplaced.last)
    }
    const end = this.#placedBelow + count - others
    if (end > this.#placedBelow) this.history.marks.written(this.#placedBelow, end, this.#nowMs())
    for (let sequence = this.#placedBelow; sequence < end; ) {
      const segment = this.segmentOf(sequence)
      assert(segment !== undefined, "what is not placed yet is in the log")
      const places = placesOf(segment)
      const to = Math.min(end, segment.end) - segment.base
      for (let i = sequence - segment.base; i < to; i++) places[i] = (places[i] as number) + offset
      sequence = segment.base + to
    }
    this.#placedBelow = end
  }

  /** The WAL goes on in this file; the first of all is taken by begin(), behind those that were found. */
  #beginFile(segment: ActiveSegment): void {
    if (this.#file === undefined) return
    this.table.seal(this.#file.position, segment.baseLsn - 1, this.#placedBelow, this.#nowMs())
    this.#follow(segment, this.#placedBelow, 0)
  }

  #follow(segment: ActiveSegment, from: number, lastControlLsn: number): void {
    const { baseLsn: firstLsn, file, id, seed } = segment
    this.#file = segment
    this.table.begin({ id, gen: 0, path: file.path, seed, firstLsn, from, lastControlLsn })
  }
}
