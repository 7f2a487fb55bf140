/**
 * The open store as people see it: what the start found, how it is now (admin API, counters), and the work it can be
 * asked for.
 *
 * Deliberately elsewhere: what its promise is in words (config/store-options.ts), the routes (routes.ts).
 */
import * as Effect from "effect/Effect"
import type { Counters } from "../metrics/counters.ts"
import type { Compactor } from "../store/compactor.ts"
import type { DurableStore } from "../store/durable-store.ts"
import { backupLive, type LiveStore } from "../store/tools/backup.ts"
import type { SpaceLevel } from "../wal/log.ts"
import type { StorePlace } from "../wal/open-store.ts"
import type { StoreFailed } from "../wal/store-error.ts"
import type { StoreFs } from "../wal/store-fs.ts"
import type { StorageCompacted, StorageInfo } from "./api.ts"
import type { StorageWork } from "./routes.ts"

type DiskInfo = NonNullable<StorageInfo["disk"]>

/** What the start found. */
export type StoreFound = DiskInfo["found"]

export interface StoreView {
  readonly found: StoreFound
  readonly info: () => DiskInfo
  readonly work: StorageWork
}

export interface ViewOptions {
  readonly store: DurableStore
  /** Sessions that are back. */
  readonly sessions: number
  readonly fs: StoreFs
  readonly place: StorePlace
  readonly counters: Counters
  readonly compactor: Compactor
}

export function viewStore({ compactor, counters, fs, place, sessions, store }: ViewOptions): StoreView {
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
  const live: LiveStore = {
    durableLsn: () => log.durable,
    force: log.force,
    withoutCompaction: (effect) => compactor.paused(effect)
  }
  return {
    found,
    info,
    work: {
      sync: () => Effect.runPromise(Effect.map(log.force, () => ({ durable: log.durable }))),
      compact: () => Effect.runPromise(compactNow(store, compactor)),
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

function foundBy({ log, report }: DurableStore, sessions: number): StoreFound {
  return {
    records: log.report.records,
    messages: report.messages,
    sessions,
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

const spaceLevels: ReadonlyArray<SpaceLevel> = ["ok", "low", "scarce", "full"]

function describe({ log }: DurableStore, found: StoreFound, counters: Counters, info: () => DiskInfo): void {
  const lost = found.damages.reduce((sum, { recordsLost }) => sum + recordsLost, 0)
  counters.gauge("storageAppended", () => log.ticket)
  counters.gauge("storageWrittenLsn", () => log.written)
  counters.gauge("storageDurableLsn", () => log.durable)
  counters.gauge("storageKeptLsn", () => log.kept)
  counters.gauge("storagePressure", () => log.pressure)
  counters.gauge("storageSpaceLevel", () => spaceLevels.indexOf(log.space))
  counters.gauge("storageFiles", () => info().files)
  counters.gauge("storageDiskBytes", () => info().bytes)
  counters.gauge("storageCacheBytes", () => info().cacheBytes)
  counters.gauge("storageReadFaults", () => log.readFaults)
  const { counted } = log.wal.appender
  counters.gauge("storageFrames", () => counted.frames)
  counters.gauge("storageBytesWritten", () => counted.bytes)
  counters.gauge("storageSyncs", () => counted.syncs)
  counters.gauge("storageSyncSeconds", () => counted.syncMs / 1000)
  counters.gauge("storageBytesRead", () => log.cold.bytesRead)
  counters.gauge("storageRecordsLost", () => lost)
}

function describeCompaction(compactor: Compactor, counters: Counters): void {
  counters.gauge("storageCompactions", () => compactor.statistics.passes)
  counters.gauge("storageBytesCopied", () => compactor.statistics.bytesCopied)
  counters.gauge("storageBytesFreed", () => compactor.statistics.bytesFreed)
}
