/**
 * What the admin room is given to show and to act on. Everything the API tells comes in here; nothing in this room knows
 * where it lives. What is absent is answered 409 or as an empty list, whichever the API's declaration says.
 */
import type { UserAdmin } from "../access/user-admin.ts"
import type { AclDesk } from "../broker/acl-desk.ts"
import type { Core } from "../broker/core.ts"
import type { BansDesk } from "../broker/keep-bans.ts"
import type { QuotaDesk } from "../broker/keep-quotas.ts"
import type { LogRing } from "../telemetry/log-ring.ts"
import type { Passport, TraceInfo, TraceRequest, TraceStep } from "./api/messages.ts"
import type { SecurityView } from "./api/security.ts"
import type { ConfigDiff, ConfigProblem, Reloaded } from "./api/settings.ts"
import type { SegmentRow, StorageBackedUp, StorageCompacted, StorageInfo, StorageSynced } from "./api/storage.ts"
import type { SettingsAccess } from "./change-settings.ts"
import type { MetricsPage } from "./metrics-page.ts"
import type { HealthCheck } from "./probes.ts"

export interface AdminSources {
  readonly version: string
  readonly core: Core
  readonly addresses: () => ReadonlyArray<string>
  readonly checks: ReadonlyArray<HealthCheck>
  /** Undefined where this listener serves no metrics. */
  readonly metrics?: MetricsPage | undefined
  readonly settings: SettingsAccess
  readonly logs: LogRing
  /** The event loop's lag of the last seconds, nearly at its worst. */
  readonly loopLagP99Ms: () => number
  readonly security: () => Pick<SecurityView, "listeners" | "chain" | "isAnonymousAllowed">
  /** Absent: this listener knows of no bans. */
  readonly bans?: BansDesk | undefined
  /** Absent: this listener knows of no quotas. */
  readonly quotas?: QuotaDesk | undefined
  /** Absent: auth.chain does not name user-database. */
  readonly users?: UserAdmin | undefined
  /** Absent: this listener knows of no rules. */
  readonly acl?: AclDesk | undefined
  readonly storage: () => StorageInfo
  /** Undefined with the memory engine. */
  readonly storageWork: StorageWork | undefined
  /** Absent with the memory engine. */
  readonly compaction?: (() => CompactionFigures) | undefined
  /** Every problem of a configuration, as a document of its own. Never rejects. */
  readonly checkDocument: (yaml: string) => Promise<ReadonlyArray<ConfigProblem>>
  readonly configuration?: ConfigurationDesk | undefined
  readonly traces?: TraceDesk | undefined
}

/** Each promise rejects with an Error whose message says why it could not be done. */
export interface StorageWork {
  readonly sync: () => Promise<StorageSynced>
  readonly compact: () => Promise<StorageCompacted>
  readonly snapshot: () => Promise<void>
  readonly backup: (folder: string) => Promise<StorageBackedUp>
  /** Oldest first. */
  readonly segments: () => ReadonlyArray<SegmentRow>
}

/** Since the start; `copying` and `waiting` are files now. */
export interface CompactionFigures {
  readonly passes: number
  readonly messagesRemoved: number
  readonly bytesFreed: number
  readonly passMs: number
  readonly copying: number
  readonly waiting: number
  readonly isPressed: boolean
}

/** Settings as they are in the file now. Rejects never. */
export interface ConfigurationDesk {
  readonly diff: () => Promise<ConfigDiff>
  /** Problems: nothing has changed. */
  readonly reload: () => Promise<Reloaded | ReadonlyArray<ConfigProblem>>
}

/** Why no trace was started. */
export interface TraceRefusal {
  readonly reason: "busy" | "bad-request"
  readonly key: string | undefined
  readonly fact: string
  readonly fix: string
}

export interface TraceDesk {
  readonly list: () => ReadonlyArray<TraceInfo>
  /** `by` is the caller's name. */
  readonly start: (request: TraceRequest, by: string) => TraceInfo | TraceRefusal
  readonly steps: (
    id: string,
    after: number,
    limit: number
  ) => { readonly trace: TraceInfo; readonly steps: ReadonlyArray<TraceStep> } | undefined
  readonly end: (id: string) => boolean
  /** Undefined: the log holds no message there. */
  readonly passport: (sequence: number) => Promise<Passport | undefined>
}
