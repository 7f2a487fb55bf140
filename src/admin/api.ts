/**
 * The admin API's answers, as schemas: what the dashboard and the commands decode, what the tests hold the
 * server to. Imports no server code; the server imports only the types, so it does not pay for them.
 *
 *   GET   /health             no token    Health       200, or 503 when a check fails
 *   GET   /api/v1/system      token       SystemInfo
 *   GET   /api/v1/drops       token       Drops        ?limit=1..10000, default 200
 *   GET   /api/v1/settings    token       SettingsList
 *   PATCH /api/v1/settings    token       SettingsChanged; body {"log.level": "debug", ...}: all or nothing
 *   POST  /api/v1/storage/sync     token  StorageSynced: all that was appended before is on the disk now
 *   POST  /api/v1/storage/compact  token  StorageCompacted: one round of compaction, now
 *   POST  /api/v1/storage/backup   token  StorageBackedUp; body {"folder": "/new/folder"}
 *
 * Every refusal is a Failure: a list, because all problems of a request are told at once. Names and meanings
 * are stable within /api/v1; members may be added. Times are RFC 3339, sizes bytes, durations seconds.
 */
import * as Schema from "effect/Schema"

const CheckResult = Schema.Struct({
  name: Schema.String,
  status: Schema.Literals(["ok", "failing"]),
  /** What is wrong; absent when the check is ok. */
  fact: Schema.optionalKey(Schema.String)
})

export const Health = Schema.Struct({
  status: Schema.Literals(["ok", "failing"]),
  checks: Schema.Array(CheckResult)
})
export type Health = typeof Health.Type

const CounterSample = Schema.Struct({
  /** Name of the metric family: promptmq_packets_total. */
  family: Schema.String,
  labels: Schema.Record(Schema.String, Schema.String),
  value: Schema.Number
})

const DropTotal = Schema.Struct({
  reason: Schema.String,
  count: Schema.Number,
  /** What the reason means, and what to change. */
  meaning: Schema.String,
  change: Schema.String
})

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

export const SystemInfo = Schema.Struct({
  version: Schema.String,
  node: Schema.String,
  pid: Schema.Number,
  startedAt: Schema.String,
  uptimeSeconds: Schema.Number,
  /** Every address the broker listens on, as "name scheme://host:port". */
  addresses: Schema.Array(Schema.String),
  counters: Schema.Array(CounterSample),
  memory: Schema.Struct({
    rssBytes: Schema.Number,
    heapUsedBytes: Schema.Number,
    externalBytes: Schema.Number,
    arrayBuffersBytes: Schema.Number
  }),
  log: Schema.Struct({
    records: Schema.Number,
    bytes: Schema.Number,
    limitBytes: Schema.Number,
    segments: Schema.Number,
    topics: Schema.Number
  }),
  storage: StorageInfo,
  /** Reasons with at least one drop. */
  drops: Schema.Array(DropTotal)
})
export type SystemInfo = typeof SystemInfo.Type

export const Drops = Schema.Struct({
  totals: Schema.Array(DropTotal),
  rows: Schema.Array(
    Schema.Struct({
      reason: Schema.String,
      /** "(other)" for what is no longer kept apart; topic too. */
      clientIdentifier: Schema.String,
      topic: Schema.String,
      count: Schema.Number,
      firstAt: Schema.String,
      lastAt: Schema.String,
      /** Range of log sequences, where the messages were logged ones. */
      firstSequence: Schema.optionalKey(Schema.Number),
      lastSequence: Schema.optionalKey(Schema.Number)
    })
  ),
  /** Rows that the limit left out. */
  rowsLeftOut: Schema.Number
})
export type Drops = typeof Drops.Type

const WireValue = Schema.Union([
  Schema.Boolean,
  Schema.Number,
  Schema.String,
  Schema.Array(Schema.String),
  Schema.Array(Schema.Record(Schema.String, Schema.Union([Schema.Boolean, Schema.Number, Schema.String]))),
  /** Unset. */
  Schema.Null
])

const SettingView = Schema.Struct({
  key: Schema.String,
  /** As it would be written in YAML; "(hidden)" for a secret. */
  value: WireValue,
  /** "default", "broker.yaml:14:5", "PROMPTMQ_LOG_LEVEL", "--log-level", "admin API". */
  origin: Schema.String,
  /** May be changed here. */
  live: Schema.Boolean,
  summary: Schema.String
})

export const SettingsList = Schema.Struct({ settings: Schema.Array(SettingView) })
export type SettingsList = typeof SettingsList.Type

/** The settings that have another value now. They hold until the broker stops: no file is written. */
export const SettingsChanged = Schema.Struct({
  changed: Schema.Array(Schema.Struct({ key: Schema.String, value: WireValue }))
})
export type SettingsChanged = typeof SettingsChanged.Type

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

export const Failure = Schema.Struct({
  errors: Schema.Array(
    Schema.Struct({
      code: Schema.String,
      /** The setting it is about. */
      key: Schema.optionalKey(Schema.String),
      fact: Schema.String,
      fix: Schema.String
    })
  )
})
export type Failure = typeof Failure.Type
export type FailureEntry = Failure["errors"][number]
