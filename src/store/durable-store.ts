/**
 * The durable engine as one thing: log, sessions, retained messages, index, snapshots, compaction, in one scope.
 *
 *   start   lock ─► index, or else the newest snapshot ─► the log's records on top ─► sessions, retained messages
 *   end     log synced ─► index applied ─► CLOSE in the log ─► LMDB closed ─► lock released
 *
 * From the log come the control records above what index or snapshot hold, the QoS 2 steps above their session's cursor,
 * and all messages. What is acknowledged is what the log keeps: index and snapshots are derived, whatever happens to them
 * costs time at the next start, and no acknowledgement waits for them.
 *
 * Elsewhere: the log (durable-log.ts), what wins at a start (open-base.ts), the model of a start (session-image.ts), the
 * index's life (indexer.ts).
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type OpenedStore, openStore } from "../wal/open-store.ts"
import type { RecordView } from "../wal/record.ts"
import type { StoreFailed, StoreRefused } from "../wal/store-error.ts"
import type { StoreFault } from "../wal/store-fs.ts"
import { decodeControl, isStepType } from "./control-records.ts"
import { type DurableLog, type DurableLogOptions, openDurableLog } from "./durable-log.ts"
import { DurableSessions } from "./durable-sessions.ts"
import { Indexer } from "./indexer.ts"
import { type MemoryRetainedOptions, makeMemoryRetained } from "./memory-retained.ts"
import { openBase, type StoreBase } from "./open-base.ts"
import type { Recovered, RetainedStore, SessionStore } from "./ports.ts"
import { RetainedRecovery } from "./retained-recovery.ts"

export interface DurableStoreOptions extends DurableLogOptions {
  readonly retained: MemoryRetainedOptions
  /** "memory": no LMDB; snapshots are made from a copy in memory. */
  readonly index: "lmdb" | "memory"
  /** See LmdbOptions.checkFromBytes. */
  readonly indexCheckFromBytes?: number | undefined
}

/** What the start found: for the start line and the admin API. */
export interface StoreReport {
  readonly messages: number
  readonly sessions: number
  readonly subscriptions: number
  readonly retained: number
  /** An earlier version wrote the store, which has this version's format now. */
  readonly formatBefore: number | undefined
  readonly bytesCut: number
  readonly damages: DurableLog["report"]["damages"]
  readonly milliseconds: number
  /** The last run ended in good order; also of a store that is new. */
  readonly wasClosed: boolean
  readonly index: "used" | "rebuilt from snapshot" | "rebuilt from the log"
}

export interface DurableStore {
  readonly log: DurableLog
  readonly sessions: SessionStore
  readonly retained: RetainedStore
  readonly report: StoreReport
  readonly storeUuid: string
  /** Never succeeds. Race the program with it. */
  readonly failure: Effect.Effect<never, StoreFailed>
  /** Up to which LSN snapshots stand in for control records: see Indexer. */
  readonly ensureSnapshot: (lsn: number) => Effect.Effect<number, StoreFailed>
  /** Everything so far is durable and in a new snapshot, whose path is answered: what a backup begins with. */
  readonly snapshotNow: Effect.Effect<string | undefined, StoreFailed>
  /** What the index has; false in `isIndexed` once it was given up. */
  readonly indexState: () => { readonly isIndexed: boolean; readonly appliedLsn: number }
}

/** By then the doors of a broker with a small store are open. */
const INDEX_AFTER_MS = 500
/** Applying the index at the end may take so long; it is derivable. The sync before it has no limit. */
const FLUSH_LIMIT_MS = 10_000

export const openDurableStore = (
  options: DurableStoreOptions
): Effect.Effect<DurableStore, StoreFault | StoreRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const nowMs = options.nowMs ?? Date.now
    const fromMs = nowMs()
    const opened = yield* openStore(options.fs, options, { nowMs, randomHex: options.randomHex ?? randomHex })
    const { storeUuid } = opened
    const base = yield* openBase({ ...options, storeUuid, nowMs })
    const retained = makeMemoryRetained(options.retained)
    const started: Started = { sessions: undefined }
    const log = yield* recoverLog(options, opened, base, new RetainedRecovery(retained, fromMs), started)
    const recovered = base.image.toRecovered()
    const sessions = new DurableSessions((record, asksSync) => log.appendOther(record, asksSync), recovered)
    started.sessions = sessions
    for (const { firstLsn, key } of base.image.uncovered()) sessions.noteStep(key, firstLsn)
    sessions.changes = base.changes
    const { index, snapshots } = base
    const indexer = new Indexer({ storeUuid, log, sessions, index, snapshots, firstAfterMs: INDEX_AFTER_MS })
    yield* Effect.addFinalizer(() => finish(indexer, base.markClean))
    yield* Effect.forkScoped(indexer.run)
    const report = reportOf(log, recovered, retained, base, opened, nowMs() - fromMs)
    return {
      log,
      sessions,
      retained,
      report,
      storeUuid,
      failure: log.failure,
      ensureSnapshot: (lsn) => indexer.ensureSnapshot(lsn),
      snapshotNow: indexer.snapshotNow,
      indexState: () => ({ isIndexed: indexer.isIndexed, appliedLsn: indexer.appliedLsn })
    }
  })

/** Set once there is one: recovery comes before it. */
interface Started {
  sessions: DurableSessions | undefined
}

const recoverLog = (
  options: DurableStoreOptions,
  opened: OpenedStore,
  { appliedLsn, changes, image }: StoreBase,
  retained: RetainedRecovery,
  started: Started
): Effect.Effect<DurableLog, StoreFault | StoreRefused, Scope.Scope> =>
  Effect.gen(function* () {
    let unread = 0
    const onOther = (record: RecordView): void => {
      // Whole values up to there came with the base: they are not even looked at.
      if (record.lsn <= appliedLsn && !isStepType(record.type)) return
      const control = decodeControl(record)
      if (control === "other") return
      if (control === undefined) {
        unread++
        return
      }
      image.apply(control, record.lsn)
      if (record.lsn <= appliedLsn) return
      changes.take(control, record.lsn, Buffer.from(record.buffer.subarray(record.start, record.end)))
    }
    const log = yield* openDurableLog({
      ...options,
      opened,
      durableAtLeast: Math.max(appliedLsn, options.durableAtLeast ?? 0),
      onOther,
      onMessage: (record, view, sequence) => {
        retained.take(record, view, sequence)
        image.message(record.publisher, view.qos === 2 ? view.packetIdentifier : 0, sequence, record.lsn)
      },
      onReceived: (publisher, lsn) => started.sessions?.noteStep(publisher, lsn),
      sequenceAtLeast: () => image.nextSequence
    })
    if (unread > 0)
      yield* Effect.logWarning(`${unread} control records mean nothing to this version and were passed over`)
    if (retained.refused.size > 0) {
      yield* Effect.logWarning(`${retained.refused.size} retained messages found no room in the limits and are dropped`)
    }
    return log
  })

function reportOf(
  log: DurableLog,
  { sessions }: Recovered,
  retained: RetainedStore,
  { source }: StoreBase,
  { formatBefore, isNew }: OpenedStore,
  milliseconds: number
): StoreReport {
  const { bytesCut, damages, wasClosed } = log.report
  return {
    messages: log.statistics().records,
    sessions: sessions.length,
    subscriptions: sessions.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0),
    retained: retained.count,
    formatBefore,
    bytesCut,
    damages,
    milliseconds,
    wasClosed,
    index:
      source === "index" || isNew ? "used" : source === "snapshot" ? "rebuilt from snapshot" : "rebuilt from the log"
  }
}

/** The log is synced first; then the index has all of it, and may be called clean. */
const finish = (indexer: Indexer, markClean: () => void): Effect.Effect<void> =>
  Effect.interruptible(indexer.flush).pipe(
    Effect.tap((isApplied) => Effect.sync(() => isApplied && markClean())),
    Effect.timeoutOption(FLUSH_LIMIT_MS),
    Effect.ignore
  )

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString("hex")
}
