/**
 * Compaction as a fiber: it looks, decides (compaction-plan.ts), drops and copies, and is never in anybody's way.
 *
 *   when    every check-interval; at once when the log is larger than max-wal-size or space is short, but not sooner
 *           than PASS_GAP_MS after the pass before, and ever more rarely while passes gain nothing
 *   pass    liveness roots saved and durable ─► files measured ─► snapshots reach the control records ─► plan
 *           ─► dead files dropped ─► others copied, `concurrentWorkers` at a time
 *
 * Promises
 * - What is dropped or left out nobody needs, and what a crash would recover does not need it either: prepare() has
 *   saved and synced before anything is judged, and the files were listed before that.
 * - A file goes from the middle of the log after a SEG-DROP that is durable [WAL-13]; a SEG-DROP that goes with its file
 *   is told again before.
 * - Copying is limited to max-copy-rate, twice that above max-wal-size, and to less while commits feel it
 *   (copy-pace.ts) [CMP-1]; unlinking is not.
 * - When what lives alone is more than max-wal-size it is said once, and not tried again at once.
 *
 * A fault that leaves open what is on the platter ends the store (`abort`); a full disk or an unreadable input does not.
 *
 * Elsewhere: bytes (wal/compact.ts); who needs what (compaction-need.ts); where records lie (compaction-target.ts).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { type CompactedSegment, compactSegments, dropSegment } from "../wal/compact.ts"
import type { LsnRange } from "../wal/lsn-ranges.ts"
import { RecordFlag, RecordType } from "../wal/record.ts"
import { DropLedger, segmentDropRecord, type ToldDrop } from "../wal/segment-drop.ts"
import type { StoreFailed } from "../wal/store-error.ts"
import { isFull, type StoreFault, type StoreFs } from "../wal/store-fs.ts"
import { Need } from "./compaction-need.ts"
import { type Plan, plan } from "./compaction-plan.ts"
import type { CompactionFile, CompactionTarget, EnsureSnapshot } from "./compaction-target.ts"
import { CopyPace } from "./copy-pace.ts"
import type { LivenessRoots } from "./ports.ts"
import { TokenBucket } from "./token-bucket.ts"

/** Changeable while it runs. */
export interface CompactionSettings {
  readonly maxWalSizeBytes: number
  readonly maxMessageAgeMs: number
  readonly checkIntervalMs: number
  readonly batchSize: number
  readonly concurrentWorkers: number
  /** Per second. */
  readonly maxCopyRateBytes: number
}

export interface CompactorOptions {
  readonly fs: StoreFs
  readonly logDirectory: string
  readonly quarantineDirectory: string
  readonly storeUuid: string
  readonly epoch: number
  readonly segmentBytes: number
  readonly settings: () => CompactionSettings
  readonly target: CompactionTarget
  readonly roots: LivenessRoots
  readonly ensureSnapshot: EnsureSnapshot
  /** What the log told of gaps when it was opened. */
  readonly dropped: ReadonlyArray<ToldDrop>
  readonly nowMs: () => number
  readonly randomHex: (bytes: number) => string
}

/** Since the start. */
export interface CompactionStatistics {
  readonly passes: number
  readonly filesDropped: number
  readonly filesCopied: number
  readonly bytesCopied: number
  readonly bytesFreed: number
  /** Time that all passes took. */
  readonly passMs: number
  /** Copies under way, and those that wait for one of them to be done; pressed = for want of room. */
  readonly copying: number
  readonly waiting: number
  readonly isPressed: boolean
  /** What lives alone is more than max-wal-size. */
  readonly isOverLimit: boolean
  /** 99th percentile of commits, in ms: while nothing is copied, and while something is; 0 before the first. */
  readonly commitQuietMs: number
  readonly commitCopyingMs: number
}

const COPY_BURST_BYTES = 1_048_576
/** How often sizes are looked at. */
const LOOK_MS = 250
const PASS_GAP_MS = 1000
/** A log that is stalled by a full disk makes no SEG-DROP durable: the pass goes on without. */
const TELL_LIMIT_MS = 5000
const PREPARE_LIMIT_MS = 30_000

export class Compactor {
  readonly #options: CompactorOptions
  readonly #ledger: DropLedger
  /** Inputs that could not be read: left alone until the next start. */
  readonly #unreadable = new Set<string>()
  readonly #bucket: TokenBucket
  readonly #copyPace = new CopyPace()
  readonly #one = Semaphore.makeUnsafe(1)
  #passes = 0
  #filesDropped = 0
  #filesCopied = 0
  #bytesCopied = 0
  #bytesFreed = 0
  #passMs = 0
  #copying = 0
  #waiting = 0
  #isOverLimit = false

  constructor(options: CompactorOptions) {
    this.#options = options
    this.#ledger = new DropLedger(options.dropped)
    this.#bucket = new TokenBucket(COPY_BURST_BYTES, 0)
  }

  get statistics(): CompactionStatistics {
    return {
      passes: this.#passes,
      filesDropped: this.#filesDropped,
      filesCopied: this.#filesCopied,
      bytesCopied: this.#bytesCopied,
      bytesFreed: this.#bytesFreed,
      passMs: this.#passMs,
      copying: this.#copying,
      waiting: this.#waiting,
      isPressed: this.#isPressed,
      isOverLimit: this.#isOverLimit,
      commitQuietMs: this.#copyPace.quietMs,
      commitCopyingMs: this.#copyPace.copyingMs
    }
  }

  /** What the appender tells: a commit took so long. */
  readonly committed = (tookMs: number): void => this.#copyPace.committed(tookMs)

  /** Never succeeds; fails when the log has failed. */
  readonly run: Effect.Effect<never, StoreFailed> = Effect.gen({ self: this }, function* () {
    let lastMs = yield* Clock.currentTimeMillis
    let gapMs = PASS_GAP_MS
    while (true) {
      yield* Effect.sleep(LOOK_MS)
      const { checkIntervalMs } = this.#options.settings()
      const sinceMs = (yield* Clock.currentTimeMillis) - lastMs
      if (sinceMs < checkIntervalMs && !(this.#isPressed && sinceMs >= gapMs)) continue
      const freedBefore = this.#bytesFreed
      const { isBlocked } = yield* this.pass
      const isFutile = this.#bytesFreed === freedBefore && !isBlocked
      gapMs = isFutile ? Math.min(checkIntervalMs, gapMs * 2) : PASS_GAP_MS
      lastMs = yield* Clock.currentTimeMillis
    }
  })

  /** One look at everything, and all that follows from it. `isBlocked`: something waits for a snapshot. */
  readonly pass: Effect.Effect<{ readonly isBlocked: boolean }, StoreFailed> = Effect.suspend(() =>
    this.#one.withPermit(this.#timed(this.#passNow))
  )

  /** Runs the effect while nothing is dropped and nothing copied. */
  paused<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return this.#one.withPermit(effect)
  }

  readonly #passNow: Effect.Effect<{ readonly isBlocked: boolean }, StoreFailed> = Effect.gen(
    { self: this },
    function* () {
      const { roots, target } = this.#options
      const { batchSize, concurrentWorkers } = this.#options.settings()
      // First the files, then who needs what: what is appended meanwhile is in none of them.
      const files = target.files()
      const saved = Effect.tap(roots.prepare(), () => target.force)
      const prepared = yield* Effect.timeoutOption(saved, PREPARE_LIMIT_MS)
      // A log that is stalled saves nothing: what a crash would need is not known then.
      if (prepared._tag === "None") return { isBlocked: false }
      const need = new Need(target, prepared.value)
      const measures = yield* Effect.forEach(files, (file) => need.measure(file, batchSize))
      const decide = (coveredLsn: number) =>
        plan({
          ...this.#options.settings(),
          measures,
          fixed: this.#unreadable,
          totalBytes: target.totalBytes,
          segmentBytes: this.#options.segmentBytes,
          isSpaceShort: target.space !== "ok",
          nowMs: this.#options.nowMs(),
          coveredLsn
        })
      const wished = decide(0)
      const decided = wished.blockedLsn === 0 ? wished : decide(yield* this.#options.ensureSnapshot(wished.blockedLsn))
      yield* this.#dropAll(decided.drop)
      yield* this.#copyAll(decided.copy, need, concurrentWorkers)
      this.#passes++
      yield* this.#sayWhenOver(decided)
      return { isBlocked: decided.blockedLsn > 0 }
    }
  )

  #timed<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.flatMap(Clock.currentTimeMillis, (fromMs) =>
      Effect.ensuring(
        effect,
        Effect.map(Clock.currentTimeMillis, (nowMs) => {
          this.#passMs += nowMs - fromMs
        })
      )
    )
  }

  get #isPressed(): boolean {
    const { settings, target } = this.#options
    return target.totalBytes > settings().maxWalSizeBytes || target.space !== "ok"
  }

  /** Files in which nothing is needed. Those at the front first: they need no record, so also a full log lets them go. */
  #dropAll(files: ReadonlyArray<CompactionFile>): Effect.Effect<void, StoreFailed> {
    return Effect.gen({ self: this }, function* () {
      const going = new Set(files.map(({ path }) => path))
      const stay = this.#options.target.files().filter(({ path }) => !going.has(path))
      const first = stay[0]?.firstLsn ?? Number.POSITIVE_INFINITY
      const front = files.filter(({ firstLsn }) => firstLsn < first)
      const middle = files.filter(({ firstLsn }) => firstLsn >= first)
      const isTold = yield* this.#tell(this.#ledger.toTellAgain(front, [...middle, ...stay].sort(byLsn)))
      if (!isTold) return
      for (const file of front) yield* this.#drop(file)
      const gaps = middle.filter(({ firstLsn, lastLsn }) => lastLsn >= firstLsn)
      const ranges = gaps.map(({ firstLsn, lastLsn }) => ({ from: firstLsn, to: lastLsn }))
      if (!(yield* this.#tell([...joined(ranges), ...this.#ledger.toTellAgain(middle, stay)]))) return
      for (const file of middle) yield* this.#drop(file)
    })
  }

  #drop(file: CompactionFile): Effect.Effect<void> {
    const { fs, logDirectory, target } = this.#options
    return dropSegment(fs, logDirectory, file.path).pipe(
      Effect.andThen(
        Effect.sync(() => {
          target.dropped(file)
          this.#ledger.went([file])
          this.#filesDropped++
          this.#bytesFreed += file.sizeBytes
        })
      ),
      Effect.catch((fault) => this.#fault(fault, [file]))
    )
  }

  /** Gaps that are about to be, or of which the record is about to go. False when the log takes no record now. */
  #tell(ranges: ReadonlyArray<LsnRange>): Effect.Effect<boolean, StoreFailed> {
    const { target } = this.#options
    return Effect.gen({ self: this }, function* () {
      if (ranges.length === 0) return true
      const told: Array<ToldDrop> = []
      for (const range of ranges) {
        const lsn = target.appendControl(segmentDropRecord(0, range))
        if (lsn < 0) return false
        told.push({ ...range, lsn })
      }
      const isDurable = yield* Effect.timeoutOption(target.force, TELL_LIMIT_MS) // [WAL-13]
      if (isDurable._tag === "None") return false
      for (const range of told) this.#ledger.tell(range, range.lsn)
      return true
    })
  }

  /** What the inputs tell of gaps is told again for all of them at once: one must not rely on a record in another. */
  #copyAll(runs: Plan["copy"], need: Need, concurrency: number): Effect.Effect<void, StoreFailed> {
    return Effect.gen({ self: this }, function* () {
      const again = this.#ledger.toTellAgain(runs.flat(), this.#options.target.files())
      if (!(yield* this.#tell(again))) return
      this.#waiting = runs.length
      yield* Effect.acquireUseRelease(
        Effect.map(Clock.currentTimeMillis, (nowMs) => this.#copyPace.begin(nowMs)),
        () => Effect.forEach(runs, (inputs) => this.#working(this.#copy(inputs, need)), { concurrency, discard: true }),
        () => Effect.sync(() => this.#copyPace.end())
      )
    })
  }

  #working<A, E>(copy: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      this.#waiting -= 1
      this.#copying += 1
      return Effect.ensuring(
        copy,
        Effect.sync(() => {
          this.#copying -= 1
        })
      )
    })
  }

  #copy(inputs: ReadonlyArray<CompactionFile>, need: Need): Effect.Effect<void, StoreFailed> {
    const { fs, target } = this.#options
    return Effect.gen({ self: this }, function* () {
      const files = target.files()
      const from = files.findIndex(({ path }) => path === inputs[0]?.path)
      const behind = files[from + inputs.length]
      // What was to be dropped in between is still there: an output must not stand for what it does not hold.
      if (inputs.some(({ path }, i) => files[from + i]?.path !== path)) return
      // A gap behind the last input becomes the output's own, and needs to be told no more.
      const lastLsn = behind === undefined ? (inputs.at(-1)?.lastLsn ?? 0) : behind.firstLsn - 1
      const { epoch, logDirectory, nowMs, quarantineDirectory, randomHex, settings, storeUuid } = this.#options
      const request = { epoch, logDirectory, quarantineDirectory, storeUuid, inputs, lastLsn }
      const output = yield* compactSegments(fs, {
        ...request,
        nowMs: nowMs(),
        salt: randomHex(8),
        batchRecords: settings().batchSize,
        isLive: ({ flags, sequence, type }) =>
          type === RecordType.message && need.isLive(sequence, (flags & RecordFlag.retain) !== 0),
        pace: (writtenBytes) => this.#pace(writtenBytes, need),
        replaced: (made) => this.#replaced(inputs, made)
      }).pipe(Effect.catch((fault) => Effect.as(this.#fault(fault, inputs), "failed" as const)))
      if (output === undefined) return yield* this.#dropAll(inputs)
      if (output === "failed" || output.damages.length === 0) return
      yield* Effect.logError(`${inputs.map(({ path }) => path).join(", ")}: damaged; what could be read was kept`)
    })
  }

  #replaced(inputs: ReadonlyArray<CompactionFile>, made: CompactedSegment): void {
    const { survivors } = made
    const firstSequence = inputs[0]?.firstSequence ?? 0
    const endSequence = inputs.at(-1)?.endSequence ?? 0
    const output = { ...made, firstSequence, endSequence, lastControlLsn: 0 }
    this.#options.target.replaced(inputs, output, survivors.sequences, survivors.messageOffsets)
    this.#ledger.went(inputs)
    this.#filesCopied += inputs.length
    this.#bytesFreed += inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - made.sizeBytes
  }

  #pace(writtenBytes: number, need: Need): Effect.Effect<void> {
    need.nextStep()
    if (writtenBytes === 0) return Effect.void
    this.#bytesCopied += writtenBytes
    const allowed = this.#options.settings().maxCopyRateBytes * (this.#isPressed ? 2 : 1)
    return Effect.gen({ self: this }, function* () {
      const nowMs = yield* Clock.currentTimeMillis
      const waitMs = this.#bucket.take(writtenBytes, allowed * this.#copyPace.judge(nowMs), nowMs) // [CMP-1]
      if (waitMs > 0) yield* Effect.sleep(waitMs)
      need.nextStep()
    })
  }

  /** Full: later. An input that cannot be read: not again. Anything else may have left the log half changed. */
  #fault(fault: StoreFault, inputs: ReadonlyArray<CompactionFile>): Effect.Effect<void> {
    const isReading = fault.operation === "read" || fault.operation === "open"
    const input = inputs.find(({ path }) => path === fault.path)
    if (isFull(fault)) return Effect.logWarning(`compaction waits for space: ${fault.message}`)
    if (isReading && input !== undefined) {
      this.#unreadable.add(input.path)
      return Effect.logError(`${fault.message}; the file is left as it is`)
    }
    return Effect.sync(() => this.#options.target.abort(fault))
  }

  #sayWhenOver({ blockedLsn, bytesAfter }: Plan): Effect.Effect<void> {
    const { maxWalSizeBytes } = this.#options.settings()
    const isOver = bytesAfter > maxWalSizeBytes && blockedLsn === 0
    const isNew = isOver && !this.#isOverLimit
    this.#isOverLimit = isOver
    if (!isNew) return Effect.void
    return Effect.logWarning(
      `the log holds ${bytesAfter} bytes that are still needed, more than compaction.max-wal-size (${maxWalSizeBytes})`
    )
  }
}

/** Says when it ends for another reason than its scope. */
export const superviseCompactor = (compactor: Compactor) =>
  compactor.run.pipe(
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("compaction died", cause)
    ),
    Effect.forkScoped
  )

function byLsn(a: CompactionFile, b: CompactionFile): number {
  return a.firstLsn - b.firstLsn
}

function joined(ranges: ReadonlyArray<LsnRange>): ReadonlyArray<LsnRange> {
  const made: Array<LsnRange> = []
  for (const range of ranges) {
    const last = made.at(-1)
    if (last !== undefined && last.to + 1 === range.from) made[made.length - 1] = { from: last.from, to: range.to }
    else made.push(range)
  }
  return made
}
