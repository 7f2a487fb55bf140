/**
 * The open store as people see it: what the start found, how it is now (admin API, counters), and the work it can be
 * asked for.
 *
 * Deliberately elsewhere: what its promise is in words (config/store-options.ts), the routes (handlers/storage.ts).
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import type { Counters } from "../metrics/counters.ts"
import type { Compactor } from "../store/compactor.ts"
import type { DurableStore } from "../store/durable-store.ts"
import { backupLive, type LiveStore } from "../store/tools/backup.ts"
import { AppenderMeter } from "../wal/appender-meter.ts"
import type { Appender } from "../wal/commit.ts"
import type { SpaceLevel } from "../wal/log.ts"
import type { StorePlace } from "../wal/open-store.ts"
import type { StoreFailed } from "../wal/store-error.ts"
import type { StoreFs } from "../wal/store-fs.ts"
import type { SegmentRow, StorageCompacted, StorageInfo } from "./api/storage.ts"
import type { HealthCheck } from "./probes.ts"
import type { CompactionFigures, StorageWork } from "./sources.ts"

type DiskInfo = NonNullable<StorageInfo["disk"]>

/** What the start found. */
export type StoreFound = DiskInfo["found"]

export interface StoreView {
  readonly found: StoreFound
  readonly info: () => DiskInfo
  readonly work: StorageWork
  readonly compaction: () => CompactionFigures
  /** Is the log alive, and what is written soon safe? */
  readonly checks: ReadonlyArray<HealthCheck>
}

export interface ViewOptions {
  readonly store: DurableStore
  /** Sessions that are back. */
  readonly sessions: number
  readonly fs: StoreFs
  readonly place: StorePlace
  readonly counters: Counters
  readonly compactor: Compactor
  /** What a slow disk may take for a sync before the store counts as not ready; on top the interval of periodic syncs. */
  readonly syncDelayMsMax: () => number
}

export function viewStore({ compactor, counters, fs, place, sessions, store, syncDelayMsMax }: ViewOptions): StoreView {
  const { log } = store
  const found = foundBy(store, sessions)
  const info = (): DiskInfo => ({
    space: log.space,
    files: log.files().length + 1,
    bytes: log.totalBytes,
    cacheBytes: log.hotBytes + log.cold.heldBytes,
    readFaults: log.readFaults,
    found
  })
  describe(store, found, counters, info)
  describeCompaction(compactor, counters)
  describePersisted(store, compactor, counters)
  counters.meter.of("walRecovery").observe(store.report.milliseconds / 1000)
  const nextAtStart = log.next
  const messagesAtStart = log.statistics().records
  const live: LiveStore = {
    durableLsn: () => log.durable,
    force: log.force,
    withoutCompaction: (effect) => compactor.paused(effect)
  }
  return {
    found,
    info,
    checks: logChecks(store, syncDelayMsMax),
    compaction: () => ({
      ...compactor.statistics,
      // Nothing else takes a message out of the log's index.
      messagesRemoved: messagesAtStart + (log.next - nextAtStart) - log.statistics().records
    }),
    work: {
      sync: () => Effect.runPromise(Effect.map(log.force, () => ({ durable: log.durable }))),
      compact: () => Effect.runPromise(compactNow(store, compactor)),
      snapshot: () => Effect.runPromise(Effect.asVoid(store.snapshotNow)),
      segments: () => segmentsOf(store),
      backup: (folder) =>
        Effect.runPromise(
          Effect.map(backupLive(fs, place, live, folder, Date.now), ({ bytes, durableLsn, files }) => ({
            folder,
            files,
            bytes,
            upTo: durableLsn
          }))
        )
    }
  }
}

function logChecks({ log }: DurableStore, syncDelayMsMax: () => number): ReadonlyArray<HealthCheck> {
  const { appender } = log.wal
  const unsynced = (): string | undefined => {
    const sinceMs = appender.meter?.unsyncedSinceMs
    if (sinceMs === undefined || appender.policy.sync.mode === "never") return undefined
    return performance.now() - sinceMs > syncDelayMsMax() + intervalOf(appender)
      ? "the log is written and not synced"
      : undefined
  }
  return [
    { name: "log", probes: ["live", "ready"], check: () => (appender.isFailed ? "the log has failed" : undefined) },
    { name: "log-synced", check: unsynced }
  ]
}

function intervalOf({ policy }: Appender): number {
  return policy.sync.mode === "periodic" ? policy.sync.intervalMs : 0
}

function foundBy({ log, report }: DurableStore, sessions: number): StoreFound {
  return {
    records: log.report.records,
    messages: report.messages,
    sessions,
    ...(report.formatBefore === undefined ? {} : { formatBefore: report.formatBefore }),
    bytesCut: report.bytesCut,
    milliseconds: report.milliseconds,
    wasClosed: report.wasClosed,
    damages: report.damages.map(({ isNew, lengthBytes, lost, offset, segment }) => ({
      segment,
      offset,
      lengthBytes,
      recordsLost: lost.reduce((sum, { from, to }) => sum + to - from + 1, 0),
      lost,
      isNew
    }))
  }
}

/** One pass, whatever the time of the next. */
function compactNow({ log }: DurableStore, compactor: Compactor): Effect.Effect<StorageCompacted, StoreFailed> {
  return Effect.gen(function* () {
    const bytesBefore = log.totalBytes
    const before = compactor.statistics
    const { isBlocked } = yield* compactor.pass
    const { filesCopied, filesDropped } = compactor.statistics
    return {
      bytesBefore,
      bytesAfter: log.totalBytes,
      filesDropped: filesDropped - before.filesDropped,
      filesCopied: filesCopied - before.filesCopied,
      isBlocked
    }
  })
}

/** The active one, which the log writes to, is the last. */
function segmentsOf({ log }: DurableStore): ReadonlyArray<SegmentRow> {
  const sealed = log.files()
  const rows = sealed.map(({ firstLsn, gen, lastLsn, newestMs, path, sizeBytes }, i): SegmentRow => {
    const before = sealed[i - 1]
    return {
      name: basename(path),
      firstTicket: firstLsn,
      lastTicket: lastLsn,
      bytes: sizeBytes,
      state: gen > 0 ? "sparse" : "sealed",
      oldestAt: before === undefined ? null : timeText(before.newestMs),
      newestAt: timeText(newestMs)
    }
  })
  const last = sealed.at(-1)
  const bytes = log.totalBytes - sealed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  rows.push({
    name: "(active)",
    firstTicket: last === undefined ? 1 : last.lastLsn + 1,
    lastTicket: log.ticket,
    bytes,
    state: "active",
    oldestAt: last === undefined ? null : timeText(last.newestMs),
    newestAt: null
  })
  return rows
}

export const spaceWords: Readonly<Record<SpaceLevel, string>> = {
  ok: "the disk has room",
  low: "less than a tenth of the disk is free",
  scarce: "the disk is nearly full: no new messages are taken",
  full: "the disk is full: no new messages are taken"
}

const timeText = (ms: number): string | null => (Number.isFinite(ms) && ms > 0 ? new Date(ms).toISOString() : null)

const spaceLevels: ReadonlyArray<SpaceLevel> = ["ok", "low", "scarce", "full"]

function describe({ log }: DurableStore, found: StoreFound, counters: Counters, info: () => DiskInfo): void {
  const lost = found.damages.reduce((sum, { recordsLost }) => sum + recordsLost, 0)
  counters.gauge("storageAppended", () => log.ticket)
  counters.gauge("storageWrittenLsn", () => log.written)
  counters.gauge("storageDurableLsn", () => log.durable)
  counters.gauge("storageKeptLsn", () => log.kept)
  counters.gauge("storagePressure", () => log.pressure)
  counters.gauge("storageSpaceLevel", () => spaceLevels.indexOf(log.space))
  counters.gauge("walSegments", () => info().files)
  counters.gauge("walBytes", () => info().bytes)
  counters.gauge("storageCacheBytes", () => info().cacheBytes)
  counters.gauge("storageReadFaults", () => log.readFaults)
  const { appender } = log.wal
  const { counted } = appender
  const meter = meterOf(appender, counters)
  counters.gauge("walLagBytes", () => meter.lagBytes)
  counters.gauge("walBufferBytes", () => appender.pendingBytes)
  counters.gauge("walLastSync", () => meter.lastSyncMs / 1000)
  counters.gauge("walWriteErrors", () => counted.faults)
  counters.gauge("storageFrames", () => counted.frames)
  counters.gauge("storageBytesWritten", () => counted.bytes)
  counters.gauge("storageSyncs", () => counted.syncs)
  counters.gauge("storageSyncSeconds", () => counted.syncMs / 1000)
  counters.gauge("storageBytesRead", () => log.cold.bytesRead)
  counters.gauge("storageRecordsLost", () => lost)
}

/** Measures writes and syncs from now on. */
function meterOf(appender: Appender, { meter }: Counters): AppenderMeter {
  const wallMs = Date.now
  appender.meter = new AppenderMeter(
    meter,
    () => appender.policy.sync.mode,
    () => performance.now(),
    wallMs
  )
  return appender.meter
}

function describePersisted({ log }: DurableStore, compactor: Compactor, counters: Counters): void {
  const { walGroupSize } = counters.meter.histograms
  counters.gauge("storagePersisted", () => ({
    "write,success": walGroupSize.reduce((sum, records) => sum + records.sum, 0),
    "write,error": log.wal.appender.counted.faults,
    "read,success": log.cold.reads,
    "read,error": log.readFaults,
    "delete,success": compactor.statistics.filesDropped + compactor.statistics.filesCopied
  }))
}

function describeCompaction(compactor: Compactor, counters: Counters): void {
  counters.gauge("storageCompactions", () => compactor.statistics.passes)
  counters.gauge("storageBytesCopied", () => compactor.statistics.bytesCopied)
  counters.gauge("storageBytesFreed", () => compactor.statistics.bytesFreed)
}
