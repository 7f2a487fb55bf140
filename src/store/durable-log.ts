/**
 * The message log on disk: MessageLog over the write-ahead log, its index in memory.
 *
 *   append ─► record into the WAL's group ─► frame into the hot segment, columns, chains ─► onTail, in the same call
 *   the WAL:  placed ─► columns learn where   written ─► segments may cool   kept ─► onKept
 *
 * A position is a record's LSN less one, so that the log begins at 0 and `kept` is the WAL's kept LSN. Records of other
 * kinds (appendOther) take positions too, and so do LSNs that were lost: there topicAt() answers -1, read() false.
 *
 *   memory   columns and topics of all records (inside `limitBytes`), frames of the newest ones: hot segments, together
 *            `cacheBytes` at most, but for the one that fills and what is not written yet (WAL: pendingBytesMax)
 *   disk     whole files; one is removed when all its records left the log, so files hold up to one segment more than
 *            the log does, and a start may find records again that had left it
 *
 * Recovery hands every record to #recover, which rebuilds index, chains and topic counts from the records alone.
 *
 * Read from the cold part: synchronous, see durable-files.ts. append() answers -1 also while the log takes no message
 * now: its queue is full, the disk is nearly full, it has failed or is closing. `pressure` tells publishers earlier.
 *
 * Elsewhere: bytes, syncs, promises (src/wal); what records of other kinds mean (their owners).
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { assert } from "../base/assert.ts"
import { copyBytes } from "../base/bytes.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import { type Log, type LogHandlers, type LogOptions, openLog, type SpaceLevel } from "../wal/log.ts"
import type { LogPolicy } from "../wal/policy.ts"
import { RECORD_HEADER_BYTES, RecordFlag, RecordType, RecordView } from "../wal/record.ts"
import type { RecoveryReport } from "../wal/recover.ts"
import type { StoreFailed, StoreRefused } from "../wal/store-error.ts"
import type { StoreFault, StoreFs } from "../wal/store-fs.ts"
import { DurableFiles } from "./durable-files.ts"
import { LogIndex } from "./log-index.ts"
import { type MemorySegment, messageFlags, NO_TOPIC } from "./memory-segment.ts"
import type { KeptHandler, LogRecord, LogTopicHolder, MessageLog, TailHandler } from "./ports.ts"

/** Header and padding of a record on disk. */
const OVERHEAD_BYTES = RECORD_HEADER_BYTES + 8
const REMOVAL_RETRY_MS = 1000

export interface DurableLogOptions extends LogOptions {
  readonly fs: StoreFs
  /** What the log may hold: records, their columns, topics. The oldest go beyond it. */
  readonly limitBytes: number
  /** Frames kept in memory for readers that are near. */
  readonly cacheBytes: number
  /** Records of other kinds found by recovery, in order; the view is valid during the call. */
  readonly onOther?: ((record: RecordView, sequence: number) => void) | undefined
  readonly onSpace?: ((level: SpaceLevel) => void) | undefined
}

export const openDurableLog = (
  options: DurableLogOptions
): Effect.Effect<DurableLog, StoreFault | StoreRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const files = new DurableFiles(options.fs, options.logDirectory)
    yield* Effect.addFinalizer(() => Effect.sync(() => files.close()))
    const log = new DurableLog(options, files)
    log.begin(yield* openLog(options.fs, options, log.handlers, log.recover))
    yield* Effect.forkScoped(log.removal)
    return log
  })

export class DurableLog extends LogIndex implements MessageLog {
  readonly #options: DurableLogOptions
  readonly #files: DurableFiles
  /** Segments whose frames are in memory, oldest first; the active one is the last. */
  readonly #hot: Array<MemorySegment> = []
  #hotBytes = 0
  #writtenBelow = 0
  #wal: Log | undefined = undefined
  #isShort = false
  /** Sequences of records of other kinds that have no file yet. */
  readonly #othersUnplaced: Array<number> = []
  readonly #othersFound = new Set<number>()
  #recoveredId = -1
  #recoveredFrom = 0
  readonly #removable = Latch.makeUnsafe(false)
  readonly #record = new RecordView()
  readonly #view = new PublishView()
  #onTail: TailHandler = () => {}
  #onKept: KeptHandler = () => {}

  constructor(options: DurableLogOptions, files: DurableFiles) {
    super({ limitBytes: options.limitBytes, overheadBytes: OVERHEAD_BYTES, hasPlaces: true })
    this.#options = options
    this.#files = files
  }

  get kept(): number {
    return this.#log.appender.keptLsn
  }
  /** Share of the memory for records that are not written yet, 0..1: publishers are slowed before append() refuses. */
  get pressure(): number {
    return this.#log.appender.pressure
  }
  get report(): RecoveryReport {
    return this.#log.report
  }
  get space(): SpaceLevel {
    return this.#log.space()
  }
  get policy(): LogPolicy {
    return this.#log.appender.policy
  }
  /** Everything below is on the platter, whatever the policy promises. */
  get durable(): number {
    return this.#log.appender.durableLsn
  }
  /** Frames in memory. */
  get hotBytes(): number {
    return this.#hotBytes
  }
  /** Records that could not be read back from their file. */
  get readFaults(): number {
    return this.#files.faults
  }
  setPolicy(policy: LogPolicy): Effect.Effect<void> {
    return this.#log.setPolicy(policy)
  }
  /** Returns when everything appended so far is on the platter. */
  get force(): Effect.Effect<void, StoreFailed> {
    return this.#log.force
  }
  /** Never succeeds. Race the program with it. */
  get failure(): Effect.Effect<never, StoreFailed> {
    return this.#log.failure
  }

  onTail(handler: TailHandler): void {
    this.#onTail = handler
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }

  append(view: PublishView, topic: LogTopicHolder, publisher: number, expiresAtMs: number): number {
    const size = canonicalPublishSize(view, topic.bytes.length)
    if (this.#isShort || !this.holds(size)) return -1
    const { appender } = this.#log
    const { topics } = this
    const topicId = topics.resolve(topic)
    const topicSequence = topics.sequences[topicId] as number
    const record = this.#record
    record.type = RecordType.message
    record.flags = view.qos | (view.retain ? RecordFlag.retain : 0) | (view.isVersion5 ? RecordFlag.version5 : 0)
    record.topicId = topicId
    record.publisher = publisher
    record.topicSequence = topicSequence
    record.expiresAtMs = expiresAtMs
    const lsn = appender.reserve(record, size, false)
    if (lsn < 0) {
      this.forgetIfUnused(topicId)
      return -1
    }
    assert(lsn === this.next + 1, "every record takes one position")
    const { body, bodyOffset } = appender
    writeCanonicalPublish(body, bodyOffset, view, topic.bytes)
    const flags = messageFlags(view.isVersion5, view.qos)
    this.#book(topicId, body, bodyOffset, size, publisher, flags, expiresAtMs, bodyOffset - RECORD_HEADER_BYTES)
    topics.sequences[topicId] = topicSequence + 1
    this.#onTail(lsn - 1, 1)
    return lsn - 1
  }

  /** Appends a record of another kind; answers its sequence, or -1 when the log takes none now. It is no message. */
  appendOther(record: RecordView, asksSync: boolean): number {
    assert(record.type !== RecordType.message, "messages are appended by append()")
    const lsn = this.#log.appender.append(record, asksSync)
    if (lsn < 0) return -1
    this.#othersUnplaced.push(lsn - 1)
    this.skipTo(lsn)
    return lsn - 1
  }

  read(sequence: number, record: LogRecord): boolean {
    const segment = this.segmentOf(sequence)
    if (segment === undefined) return false
    const i = sequence - segment.base
    if (segment.topicIds[i] === NO_TOPIC) return false
    this.fill(segment, i, record)
    if (!segment.isHot) return this.#files.read(sequence, placesOf(segment)[i] as number, record)
    record.buffer = segment.bytes
    record.start = segment.starts[i] as number
    record.end = segment.starts[i + 1] as number
    return true
  }

  /** What the WAL tells. All but onKept and onSpace may come before begin(). */
  readonly handlers: LogHandlers = {
    onSegment: ({ id, seed }) => this.#files.learn(id, seed),
    onPlaced: (firstLsn, count, segmentId, offset) => this.#place(firstLsn - 1, count, segmentId, offset),
    onWritten: (lsn) => {
      this.#writtenBelow = lsn
      this.#cool()
      // Not where segments are dropped: it runs the waiting fiber at once, which must find the index whole.
      if (this.#files.dead(this.first) !== undefined) this.#removable.openUnsafe()
    },
    onDurable: () => {},
    onKept: (lsn) => this.#onKept(lsn),
    onSpace: (level) => {
      this.#isShort = level === "scarce" || level === "full"
      this.#options.onSpace?.(level)
    }
  }

  /** Recovery's sink: one record that was found, and where. */
  readonly recover = (record: RecordView, segmentId: number, offset: number): void => {
    const sequence = record.lsn - 1
    if (this.#recoveredId < 0) this.startAt(sequence)
    this.skipTo(sequence)
    if (this.#recoveredId !== segmentId) {
      this.#recoveredId = segmentId
      this.#recoveredFrom = sequence
    }
    this.#writtenBelow = record.lsn
    if (record.type === RecordType.message) this.#recoverMessage(record, offset)
    else {
      this.skipTo(record.lsn)
      this.#othersFound.add(segmentId)
      this.#options.onOther?.(record, sequence)
    }
    this.#cool()
  }

  /** Recovery is over: which files there are, and where the log goes on. */
  begin(wal: Log): void {
    const { appender, sealed } = wal
    this.#wal = wal
    for (const { decoded, id } of sealed) {
      this.#files.learn(id, decoded.seed)
      this.#files.begin(id, decoded.header.baseLsn - 1)
    }
    const goesOn = appender.nextLsn - 1
    if (this.#recoveredId < 0) this.startAt(goesOn)
    this.skipTo(goesOn)
    const { id } = appender.segment
    this.#files.begin(id, this.#recoveredId === id ? this.#recoveredFrom : goesOn)
    this.#files.markOthers(this.#othersFound)
    this.#writtenBelow = goesOn
    this.#isShort = wal.space() === "scarce" || wal.space() === "full"
    if (this.#files.dead(this.first) !== undefined) this.#removable.openUnsafe()
  }

  /** Removes dead files, one at a time and each for good before the next: a gap would be taken for damage. */
  readonly removal: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    yield* this.#removable.await
    const { fs, logDirectory } = this.#options
    for (let file = this.#files.dead(this.first); file !== undefined; file = this.#files.dead(this.first)) {
      const removed = yield* fs.unlink(file.path).pipe(
        Effect.andThen(fs.syncDirectory(logDirectory)),
        Effect.as(true),
        Effect.catch((fault) => Effect.as(Effect.logWarning(`${fault.message}; it is tried again`), false))
      )
      if (removed) this.#files.forget(file)
      else yield* Effect.sleep(REMOVAL_RETRY_MS)
    }
    this.#removable.closeUnsafe()
  }).pipe(Effect.forever)

  protected override rolled(segment: MemorySegment): void {
    this.#hot.push(segment)
    this.#hotBytes += segment.lengthBytes
  }

  /** Its buffer is not used again: somebody may have read from it in this very turn. */
  protected override dropped(segment: MemorySegment): void {
    if (this.#hot[0] === segment) {
      this.#hot.shift()
      this.#hotBytes -= segment.lengthBytes
    }
  }

  get #log(): Log {
    assert(this.#wal !== undefined, "the log is open")
    return this.#wal
  }

  #recoverMessage(record: RecordView, offset: number): void {
    const { topics } = this
    const { buffer, end, flags, start } = record
    const view = this.#view
    const isVersion5 = (flags & RecordFlag.version5) !== 0
    viewTrusted(view, buffer, start, end, isVersion5)
    const topicId = topics.resolveName(buffer.toString("utf8", view.topicStart, view.topicEnd))
    const indexed = messageFlags(isVersion5, flags & RecordFlag.qos)
    this.#book(topicId, buffer, start, end - start, record.publisher, indexed, record.expiresAtMs, offset)
    topics.sequences[topicId] = record.topicSequence + 1
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
    place: number
  ): void {
    this.pin(topicId)
    this.room(sizeBytes)
    this.unpin(topicId)
    const { active } = this
    copyBytes(active.bytes, active.used, source, at, at + sizeBytes)
    this.push(sizeBytes, topicId, publisher, flags, expiresAtMs)
    placesOf(active)[active.count - 1] = place
  }

  /** Until now the column held the record's offset in its frame. */
  #place(from: number, count: number, segmentId: number, offset: number): void {
    const { last } = this.#files
    const file = last === undefined || last.id !== segmentId ? this.#files.begin(segmentId, from) : last
    const others = this.#othersUnplaced
    while ((others[0] ?? Number.POSITIVE_INFINITY) < from + count) {
      others.shift()
      file.hasOthers = true
    }
    for (let sequence = Math.max(from, this.first); sequence < from + count; sequence++) {
      const segment = this.segmentOf(sequence)
      if (segment === undefined) break
      const i = sequence - segment.base
      const places = placesOf(segment)
      places[i] = (places[i] as number) + offset
    }
  }

  /** Frames beyond the cache's share leave memory, the oldest first, once they are in their file. */
  #cool(): void {
    while (this.#hotBytes > this.#options.cacheBytes) {
      const oldest = this.#hot[0]
      if (oldest === undefined || oldest === this.active || oldest.end > this.#writtenBelow) return
      this.#hot.shift()
      this.#hotBytes -= oldest.lengthBytes
      // This runs in a turn of the WAL's own: what readers were handed in theirs is over.
      this.recycle(oldest.release())
    }
  }
}

function placesOf({ places }: MemorySegment): Uint32Array {
  assert(places !== undefined, "records of this log have places")
  return places
}
