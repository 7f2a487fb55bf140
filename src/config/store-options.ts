/**
 * From settings to what the store is opened with, and to the sentence that says what can be lost.
 *
 *   PLAN-3        force-fsync overrules everything that asks for less: mode, acknowledgement, no-sync, topics
 *
 *   storage.wal   force-fsync ─► immediate, durable      no-sync ─► never      else sync-mode
 *   acknowledge   auto = what suits the mode (wal/policy.ts)
 *
 * lossOf is the table of the README in words: per policy what a crash of the process and what a power cut may take of
 * what was acknowledged. It is derived from the policy in force, so it changes with it at run time.
 */
import type { Settings } from "../settings/settings.ts"
import { formatDurationMs } from "../settings/units.ts"
import type { DurableStoreOptions } from "../store/durable-store.ts"
import type { TopicPolicy } from "../store/topic-policy.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { acknowledgeByDefault, BATCH_WAIT_MS, type LogPolicy, type SyncPolicy } from "../wal/policy.ts"

export const logPolicyOf = ({ storage: { wal } }: Settings): LogPolicy => {
  // [PLAN-3]
  if (wal.forceFsync) return { sync: { mode: "immediate" }, acknowledge: "durable" }
  const sync = syncPolicyOf(wal)
  return { sync, acknowledge: wal.acknowledge === "auto" ? acknowledgeByDefault(sync) : wal.acknowledge }
}

const syncPolicyOf = (wal: Settings["storage"]["wal"]): SyncPolicy => {
  if (wal.noSync) return { mode: "never" }
  switch (wal.syncMode) {
    case "immediate":
      return { mode: "immediate" }
    case "batch":
      return { mode: "batch", records: wal.batchSyncSize, waitMs: wal.batchSyncWaitMs }
    case "periodic":
      return { mode: "periodic", intervalMs: wal.syncIntervalMs }
  }
}

/** force-fsync overrules what topics ask for: none of them asks for less. No history is kept longer than any may be. */
export const topicPoliciesOf = ({ storage, topics }: Settings): ReadonlyArray<TopicPolicy> => {
  const { maxMessageAgeMs } = storage.compaction
  return topics.policies.map((policy) => {
    const replayMs = policy.replayMs === undefined ? undefined : Math.min(policy.replayMs, maxMessageAgeMs)
    // [PLAN-3]
    return { ...policy, replayMs, ...(storage.wal.forceFsync ? { acknowledge: undefined } : {}) }
  })
}

/** Frames that stay in memory for readers that are near: this share of storage.memory-buffer, and no more than that. */
const CACHE_SHARE = 0.5
const CACHE_BYTES_MAX = 24 * 1_048_576

export const storeOptionsOf = (settings: Settings): Omit<DurableStoreOptions, "retained"> => {
  const { dataDir, memoryBufferBytes, onCorruption, wal, walDir } = settings.storage
  return {
    fs: diskFs,
    dataDirectory: dataDir,
    logDirectory: walDir,
    index: "lmdb",
    segmentBytes: wal.segmentSizeBytes,
    policy: logPolicyOf(settings),
    topicPolicies: topicPoliciesOf(settings),
    onCorruption,
    pendingBytesMax: wal.pendingBytesMax,
    limitBytes: memoryBufferBytes,
    cacheBytes: Math.min(CACHE_BYTES_MAX, Math.floor(memoryBufferBytes * CACHE_SHARE))
  }
}

/** Of what was acknowledged at QoS 1 and 2; undefined = nothing. */
export interface Loss {
  readonly crash: string | undefined
  readonly powerCut: string | undefined
}

export const lossOf = (settings: Settings): Loss => {
  if (settings.storage.engine !== "wal") return { crash: "everything", powerCut: "everything" }
  const { acknowledge, sync } = logPolicyOf(settings)
  return { crash: undefined, powerCut: acknowledge === "durable" ? undefined : unsynced(sync) }
}

const unsynced = (sync: SyncPolicy): string => {
  switch (sync.mode) {
    case "immediate":
      return "what came during the last sync"
    case "batch":
      return `the last ${sync.records} messages or ${formatDurationMs(sync.waitMs ?? BATCH_WAIT_MS)}, and what came during one sync`
    case "periodic":
      return `the last ${formatDurationMs(sync.intervalMs)}, and what came during one sync`
    case "never":
      return "all that came since the log's last file began"
  }
}

/** One sentence for the person who starts the broker. */
export const promiseOf = (settings: Settings): string => {
  const { storage, topics } = settings
  if (storage.engine !== "wal") {
    return "state is in memory: sessions, retained and queued messages end with the process"
  }
  const { acknowledge, sync } = logPolicyOf(settings)
  const { powerCut } = lossOf(settings)
  const how = `${modeName(sync)}, acknowledged when ${acknowledge === "durable" ? "synced" : "written"}`
  const loses = powerCut === undefined ? "nor does a power cut" : `a power cut loses at most ${powerCut}`
  const weaker = topics.policies.filter((policy) => policy.acknowledge === "written").length
  const policies = weaker === 1 ? "topic policy acknowledges" : "topic policies acknowledge"
  const but = weaker === 0 || storage.wal.forceFsync ? "" : `; ${weaker} ${policies} what is written`
  return `${how}: a crash loses nothing acknowledged, ${loses}${but}`
}

const modeName = (sync: SyncPolicy): string => {
  if (sync.mode === "batch") return `batch of ${sync.records}`
  return sync.mode === "periodic" ? `periodic, every ${formatDurationMs(sync.intervalMs)}` : sync.mode
}
