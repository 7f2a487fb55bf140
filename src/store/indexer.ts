/**
 * Keeps the derived index behind the log, and the snapshots behind the index. One fiber, one step at a time.
 *
 *   a whole value was saved ─► (50 ms, or 5,000 changes) ─► sealed at an LSN ─► the log is durable up to it ─► committed
 *
 * Promises
 *   IDX-1  nothing is committed that the log may still lose: the index is never ahead of it
 *   IDX-2  a commit is on the platter, values and applied LSN together, when it is called one
 *   IDX-3  a file that an unclean end left behind is mapped into this process only after another one has read all of it
 *   IDX-4  the log may lose control records only up to what the older of two snapshots covers, and an index that is older
 *          than the newest snapshot is not used
 *   IDX-5  a start counts every record once: what a whole value covers is not applied on top of it (session-image.ts)
 *   IDX-6  QoS 2 state and retained messages come back exactly (session-image.ts, retained-recovery.ts)
 *   IDX-7  a full device is no end of the process: no file is mapped that has no blocks (lmdb-index.ts)
 *
 * The index is never anybody's answer: when it fails it is given up for this run, with one warning, and made anew at
 * the next start. If it failed for want of room, what it holds is whole, and goes on in memory, so that snapshots, and
 * with them compaction, which makes room, go on too. Otherwise there are no snapshots until the next start.
 *
 * Elsewhere: what is put aside (durable-sessions.ts), files (lmdb-index.ts, snapshot.ts), the start (durable-store.ts).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import type { StoreFailed } from "../wal/store-error.ts"
import type { StoreFault } from "../wal/store-fs.ts"
import type { DurableSessions } from "./durable-sessions.ts"
import { IndexChanges } from "./index-changes.ts"
import { type IndexEntry, type IndexMeta, openValue } from "./index-values.ts"
import { readVerified } from "./lmdb-index.ts"
import type { Snapshots } from "./snapshot.ts"
import { IndexFailed, MemoryIndex, type StoreIndex } from "./store-index.ts"

/** What the indexer needs of the log. */
export interface IndexedLog {
  readonly ticket: number
  readonly durable: number
  readonly next: number
  readonly force: Effect.Effect<void, StoreFailed>
}

export interface IndexerOptions {
  readonly storeUuid: string
  readonly log: IndexedLog
  readonly sessions: DurableSessions
  readonly index: StoreIndex
  readonly snapshots: Snapshots
  /** It begins by itself after so long, or when many changes wait: a start has better things to do. */
  readonly firstAfterMs?: number | undefined
}

const INTERVAL_MS = 50
const CHANGES_MAX = 5000
/** A snapshot is made by itself when so many bytes of control records came since the last, or its size if that is more. */
const CONTROL_BYTES_MAX = 32 * 1_048_576
const SNAPSHOT_INTERVAL_MS_MIN = 1000
/** Snapshots may cost the disk this much. */
const SNAPSHOT_BYTES_PER_SECOND = 4 * 1_048_576

interface Sealed {
  readonly changes: IndexChanges
  readonly meta: IndexMeta
  readonly coveredLsn: number
}

export class Indexer {
  readonly #options: IndexerOptions
  readonly #one = Semaphore.makeUnsafe(1)
  readonly #waiting = Latch.makeUnsafe(true)
  readonly #full = Latch.makeUnsafe(false)
  #index: StoreIndex | undefined
  #sealed: Sealed | undefined = undefined
  #snapshotAtMs = Number.NEGATIVE_INFINITY
  /** Of the sealed set that was committed last. */
  #coveredLsn = 0

  constructor(options: IndexerOptions) {
    this.#options = options
    this.#index = options.index
    options.sessions.onChange = () => {
      this.#waiting.openUnsafe()
      if ((options.sessions.changes?.count ?? 0) >= CHANGES_MAX) this.#full.openUnsafe()
    }
  }

  /** False once it was given up. */
  get isIndexed(): boolean {
    return this.#index !== undefined
  }
  /** Every control record up to here is in the index. */
  get appliedLsn(): number {
    return this.#index?.meta?.appliedLsn ?? 0
  }

  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    Effect.andThen(
      Effect.raceFirst(Effect.sleep(this.#options.firstAfterMs ?? 0), this.#full.await),
      Effect.forever(this.#turn)
    )
  )

  readonly #turn: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    yield* this.#waiting.await
    yield* Effect.raceFirst(Effect.sleep(INTERVAL_MS), this.#full.await)
    this.#full.closeUnsafe()
    this.#waiting.closeUnsafe()
    yield* this.#one.withPermit(this.#step)
    if (this.#sealed !== undefined || (this.#options.sessions.changes?.count ?? 0) > 0) this.#waiting.openUnsafe()
    // A log that failed ends the program; nothing is to be saved then.
    if (this.#isSnapshotDue) yield* Effect.ignore(this.#one.withPermit(this.#snapshot))
  })

  /** Everything appended so far: durable, and in the index unless that was given up. True when it is. */
  readonly flush: Effect.Effect<boolean, StoreFailed> = Effect.suspend(() => this.#one.withPermit(this.#flushNow))

  /**
   * Up to which LSN the snapshots stand in for control records; makes a new one first where that is less than `lsn`, and
   * the last one is long enough ago. Two are needed before the answer rises.
   */
  ensureSnapshot(lsn: number): Effect.Effect<number, StoreFailed> {
    const { snapshots } = this.#options
    return Effect.suspend(() =>
      snapshots.coveredLsn >= lsn ? Effect.void : this.#one.withPermit(this.#snapshot)
    ).pipe(Effect.andThen(Effect.sync(() => snapshots.coveredLsn)))
  }

  /** A new snapshot now, whenever the last one was made; its path, undefined when there is no index to make it from. */
  readonly snapshotNow: Effect.Effect<string | undefined, StoreFailed> = Effect.suspend(() => {
    this.#snapshotAtMs = Number.NEGATIVE_INFINITY
    return this.#one.withPermit(this.#snapshot)
  }).pipe(Effect.andThen(Effect.sync(() => (this.isIndexed ? this.#options.snapshots.path : undefined))))

  /** A step of the fiber: seals what waits, commits what is durable. */
  readonly #step: Effect.Effect<void> = Effect.suspend(() => {
    const { log, sessions } = this.#options
    if (this.#sealed === undefined && (sessions.changes?.count ?? 0) > 0) this.#seal()
    const sealed = this.#sealed
    const isKept = sealed !== undefined && sealed.meta.appliedLsn <= log.durable // [IDX-1]
    return isKept ? this.#commit(sealed) : Effect.void
  })

  readonly #flushNow: Effect.Effect<boolean, StoreFailed> = Effect.gen({ self: this }, function* () {
    const { log } = this.#options
    yield* log.force
    yield* this.#step
    if (this.#index === undefined) return false
    if (this.#sealed === undefined) this.#seal()
    yield* log.force
    yield* this.#step
    return this.isIndexed && this.#sealed === undefined
  })

  #seal(): void {
    const { log, sessions, storeUuid } = this.#options
    const { changes } = sessions
    if (changes === undefined) return
    const { nextSessionNumber } = sessions
    const meta = { storeUuid, appliedLsn: log.ticket, nextSessionNumber, nextSequence: log.next }
    this.#sealed = { changes, meta, coveredLsn: Math.min(log.ticket, sessions.firstUncoveredLsn - 1) } // [IDX-4]
    sessions.changes = new IndexChanges()
  }

  #commit({ changes, coveredLsn, meta }: Sealed): Effect.Effect<void> {
    const index = this.#index
    if (index === undefined) return Effect.void
    return index.commit(changes.operations(), meta).pipe(
      Effect.andThen(
        Effect.sync(() => {
          this.#sealed = undefined
          this.#coveredLsn = coveredLsn
        })
      ),
      Effect.catch((failed) => this.#giveUp(failed))
    )
  }

  /** [IDX-2] What it committed before is whole; what comes next is not tried on it. */
  #giveUp(failed: IndexFailed): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { sessions } = this.#options
      const before = this.#index
      const entries = failed.isFull && before !== undefined ? readVerified(before) : undefined
      if (entries === undefined) {
        this.#index = undefined
        this.#sealed = undefined
        sessions.changes = undefined
        return Effect.logWarning(`${failed.message}; it is given up for this run, and made anew at the next start`)
      }
      const inMemory = new MemoryIndex()
      for (const entry of entries) inMemory.put(entry)
      inMemory.meta = before?.meta
      this.#index = inMemory
      const warning = Effect.logWarning(`${failed.message}; it goes on in memory, and is made anew at the next start`)
      return Effect.andThen(warning, this.#sealed === undefined ? Effect.void : this.#commit(this.#sealed))
    })
  }

  get #isSnapshotDue(): boolean {
    const { sessions, snapshots } = this.#options
    return sessions.controlBytes > Math.max(CONTROL_BYTES_MAX, snapshots.sizeBytes)
  }

  readonly #snapshot: Effect.Effect<void, StoreFailed> = Effect.gen({ self: this }, function* () {
    const { sessions, snapshots } = this.#options
    const nowMs = yield* Clock.currentTimeMillis
    const waitMs = Math.max(SNAPSHOT_INTERVAL_MS_MIN, (snapshots.sizeBytes / SNAPSHOT_BYTES_PER_SECOND) * 1000)
    if (nowMs - this.#snapshotAtMs < waitMs || !(yield* this.#flushNow)) return
    const index = this.#index
    if (index?.meta === undefined) return
    this.#snapshotAtMs = nowMs
    sessions.controlBytes = 0
    const header = { ...index.meta, coveredLsn: this.#coveredLsn }
    yield* snapshots.make(header, verified(index)).pipe(
      Effect.catch((fault: StoreFault) => Effect.logWarning(`no snapshot was made: ${fault.message}`)),
      Effect.catchDefect((cause) => this.#giveUp(new IndexFailed({ isFull: false, cause })))
    )
  }).pipe(Effect.uninterruptible)
}

/** A damaged value must not get into a snapshot, where it would count as good. */
function* verified(index: StoreIndex): Generator<IndexEntry> {
  for (const entry of index.entries()) {
    if (openValue(entry.key, entry.value) === undefined) throw new Error("a value does not verify")
    yield entry
  }
}
