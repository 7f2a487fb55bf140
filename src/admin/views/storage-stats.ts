/**
 * The store's figures under the names of the original's documents (api/storage.ts, StorageStats). Where this store is built
 * otherwise the nearest thing is told: one log instead of one per topic, passes instead of single compactions.
 */
import type { Core } from "../../broker/core.ts"
import { SessionMode } from "../../session/session.ts"
import type { Settings } from "../../settings/settings.ts"
import type { StorageStats } from "../api/storage.ts"
import type { CompactionFigures, StorageWork } from "../sources.ts"

const filesShownMax = 16

interface StatsSources {
  readonly core: Core
  readonly settings: Settings
  /** Undefined with the memory engine. */
  readonly work: StorageWork | undefined
  readonly compaction: CompactionFigures | undefined
}

export const storageStats = ({ compaction, core, settings, work }: StatsSources): StorageStats => {
  const { bytes, records, topics } = core.log.statistics()
  const { storage } = settings
  const { wal } = storage
  const files = work?.segments() ?? []
  const notDurable = core.log.ticket - core.log.durable
  return {
    total_messages: records,
    total_bytes: bytes,
    topic_count: topics,
    memory_buffer_size: storage.memoryBufferBytes,
    memory_buffer_count: waitingInMemory(core),
    next_message_id: core.log.next,
    total_wal_size: files.reduce((sum, file) => sum + file.bytes, 0),
    sync_mode: wal.syncMode,
    force_fsync: wal.forceFsync,
    crash_recovery: wal.crashRecoveryValidation,
    wal_stats_sample: files.slice(-filesShownMax).map(({ bytes: size, name: path, state }) => ({
      path,
      size,
      nosync: wal.noSync,
      sync_mode: wal.syncMode,
      batch_size: wal.batchSyncSize,
      batch_counter: state === "active" ? notDurable : 0,
      pending_batch: state === "active" && notDurable > 0
    })),
    compaction_total_compactions: compaction?.passes ?? 0,
    compaction_messages_removed: compaction?.messagesRemoved ?? 0,
    compaction_space_reclaimed_bytes: compaction?.bytesFreed ?? 0,
    compaction_total_duration_ms: compaction?.passMs ?? 0,
    compaction_active_workers: compaction?.copying ?? 0,
    compaction_critical_queue_depth: compaction?.isPressed === true ? compaction.waiting : 0,
    compaction_normal_queue_depth: compaction?.isPressed === true ? 0 : (compaction?.waiting ?? 0)
  }
}

/** The memory engine has all of them there; else those that wait for a client whose session ends with its connection. */
const waitingInMemory = (core: Core): number => {
  if (!core.isDurable) return core.log.statistics().records
  let count = 0
  for (const { mode, waiting } of core.sessions.values()) {
    if (mode !== SessionMode.offline) count += waiting?.count ?? 0
  }
  return count
}
