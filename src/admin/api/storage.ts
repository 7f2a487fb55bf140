/**
 * The store on disk.
 *
 *   GET  /storage            viewer     what it promises, where it is, what the start found
 *   GET  /storage/segments   viewer     the log's files, oldest first
 *   GET  /storage/stats      viewer     the same figures, flat, under the names of the original's documents
 *   POST /storage/sync       operator   all that was appended before is on the disk when it answers
 *   POST /storage/compact    operator   one round of compaction, now
 *   POST /storage/snapshot   operator   writes one now
 *   POST /storage/backup     admin      { folder }: an absolute path on the broker's machine
 *
 * Changing the mode is PATCH /settings, by an admin. With the memory engine everything but GET /storage and /storage/stats
 * is 409.
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Authorization, BadRequest, Conflict, Done, Failed, pageOf, pageQuery, RoleNeeded } from "./shared.ts"

const LsnRange = Schema.Struct({ from: Schema.Number, to: Schema.Number })

/** Bytes that should have been safe and do not verify. */
const StorageDamage = Schema.Struct({
  segment: Schema.String,
  offset: Schema.Number,
  lengthBytes: Schema.Number,
  recordsLost: Schema.Number,
  lost: Schema.Array(LsnRange),
  /** False when an earlier start has reported the same. */
  isNew: Schema.Boolean
})

/** What the start found on the disk. */
const StorageFound = Schema.Struct({
  records: Schema.Number,
  messages: Schema.Number,
  sessions: Schema.Number,
  /** Store format that an earlier version wrote; this start raised it. */
  formatBefore: Schema.optionalKey(Schema.Number),
  /** Of a torn end: written, and never safe. */
  bytesCut: Schema.Number,
  milliseconds: Schema.Number,
  wasClosed: Schema.Boolean,
  damages: Schema.Array(StorageDamage)
})

export const StorageInfo = Schema.Struct({
  engine: Schema.Literals(["memory", "wal"]),
  /** What is lost of what was acknowledged, in a sentence, and by case; null = nothing. */
  promise: Schema.String,
  losesInCrash: Schema.NullOr(Schema.String),
  losesInPowerCut: Schema.NullOr(Schema.String),
  /** Records are numbered by tickets; each of these is the highest one of its kind. */
  appended: Schema.Number,
  written: Schema.Number,
  durable: Schema.Number,
  kept: Schema.Number,
  /** 0 to 1: above a threshold publishers are slowed, at 1 they are refused with 0x97. */
  pressure: Schema.Number,
  /** The rest is there with the wal engine. */
  disk: Schema.optionalKey(
    Schema.Struct({
      /** "scarce" and "full": no new messages are taken until there is room. */
      space: Schema.Literals(["ok", "low", "scarce", "full"]),
      files: Schema.Number,
      bytes: Schema.Number,
      cacheBytes: Schema.Number,
      readFaults: Schema.Number,
      found: StorageFound
    })
  )
})
export type StorageInfo = typeof StorageInfo.Type

export const StorageSynced = Schema.Struct({ durable: Schema.Number })
export type StorageSynced = typeof StorageSynced.Type

export const StorageCompacted = Schema.Struct({
  bytesBefore: Schema.Number,
  bytesAfter: Schema.Number,
  /** Removed without a look inside, and written anew with what is still needed. */
  filesDropped: Schema.Number,
  filesCopied: Schema.Number,
  /** Something could not go yet: it waits for a snapshot. */
  isBlocked: Schema.Boolean
})
export type StorageCompacted = typeof StorageCompacted.Type

export const StorageBackedUp = Schema.Struct({
  folder: Schema.String,
  files: Schema.Number,
  bytes: Schema.Number,
  /** Everything up to this ticket is in it. */
  upTo: Schema.Number
})
export type StorageBackedUp = typeof StorageBackedUp.Type

export const SegmentRow = Schema.Struct({
  name: Schema.String,
  firstTicket: Schema.Number,
  lastTicket: Schema.Number,
  bytes: Schema.Number,
  state: Schema.Literals(["active", "sealed", "sparse"]),
  oldestAt: Schema.NullOr(Schema.String),
  newestAt: Schema.NullOr(Schema.String)
})
export type SegmentRow = typeof SegmentRow.Type

const Stat = Schema.Number

/**
 * The same figures once more, flat, under the names by which the original's documents know them: for whoever has a script
 * that reads these. Everything else tells them in this API's own words.
 */
export const StorageStats = Schema.Struct({
  total_messages: Stat,
  total_bytes: Stat,
  topic_count: Stat,
  /** storage.memory-buffer, and the messages whose bytes are in memory. */
  memory_buffer_size: Stat,
  memory_buffer_count: Stat,
  next_message_id: Stat,
  total_wal_size: Stat,
  sync_mode: Schema.String,
  force_fsync: Schema.Boolean,
  /** storage.wal.crash-recovery-validation */
  crash_recovery: Schema.Boolean,
  /** The newest files of the log, the active one last; there is one log for all topics. None with the memory engine. */
  wal_stats_sample: Schema.Array(
    Schema.Struct({
      path: Schema.String,
      size: Stat,
      nosync: Schema.Boolean,
      sync_mode: Schema.String,
      batch_size: Stat,
      /** Records that no sync has covered yet; 0 of a file that is full. */
      batch_counter: Stat,
      pending_batch: Schema.Boolean
    })
  ),
  compaction_total_compactions: Stat,
  compaction_messages_removed: Stat,
  compaction_space_reclaimed_bytes: Stat,
  compaction_total_duration_ms: Stat,
  compaction_active_workers: Stat,
  /** Copies that wait: for want of room, or in their turn. */
  compaction_critical_queue_depth: Stat,
  compaction_normal_queue_depth: Stat
})
export type StorageStats = typeof StorageStats.Type

const onDisk = [Conflict, Failed] as const

export class Storage extends HttpApiGroup.make("storage")
  .add(
    HttpApiEndpoint.get("storage", "/storage", { success: StorageInfo }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("stats", "/storage/stats", { success: StorageStats }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("segments", "/storage/segments", {
      query: pageQuery,
      success: pageOf(SegmentRow),
      error: Conflict
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("sync", "/storage/sync", { success: StorageSynced, error: onDisk }).annotate(
      RoleNeeded,
      "operator"
    ),
    HttpApiEndpoint.post("compact", "/storage/compact", { success: StorageCompacted, error: onDisk }).annotate(
      RoleNeeded,
      "operator"
    ),
    HttpApiEndpoint.post("snapshot", "/storage/snapshot", { success: Done, error: onDisk }).annotate(
      RoleNeeded,
      "operator"
    ),
    HttpApiEndpoint.post("backup", "/storage/backup", {
      payload: Schema.Struct({ folder: Schema.String }),
      success: StorageBackedUp,
      error: [BadRequest, Conflict, Failed]
    }).annotate(RoleNeeded, "admin")
  )
  .middleware(Authorization) {}
