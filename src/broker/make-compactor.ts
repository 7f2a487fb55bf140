/**
 * The compactor of a running broker: the store's compaction (store/compactor.ts), told by the broker what somebody still
 * needs (liveness.ts), with the settings as they are at each pass.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { Compactor } from "../store/compactor.ts"
import type { DurableStore } from "../store/durable-store.ts"
import type { StoreFs } from "../wal/store-fs.ts"
import type { Core } from "./core.ts"
import { livenessRoots } from "./liveness.ts"
import type { SettingsHolder } from "./services.ts"

export const makeCompactor = (
  { ensureSnapshot, log, storeUuid }: DurableStore,
  fs: StoreFs,
  held: SettingsHolder,
  core: Core
) => {
  const { dataDir, wal, walDir } = held.initial.storage
  return new Compactor({
    fs,
    logDirectory: walDir,
    quarantineDirectory: join(dataDir, "quarantine"),
    storeUuid,
    epoch: log.wal.epoch,
    segmentBytes: wal.segmentSizeBytes,
    settings: () => held.current.storage.compaction,
    target: log,
    roots: livenessRoots(core),
    ensureSnapshot,
    dropped: log.wal.dropped,
    nowMs: Date.now,
    randomHex: (bytes) => randomBytes(bytes).toString("hex")
  })
}
