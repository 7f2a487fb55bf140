/**
 * The routes, one table: path, method, whether a token is needed, and a plain function that answers; what the store
 * has to do takes its time and answers with a promise.
 * Probes and metrics, which are text and need no token, are answered before: probes.ts, metrics-page.ts.
 * Everything shown comes in through AdminSources; nothing here knows where it lives.
 */
import { isAbsolute } from "node:path"
import type { UserAdmin } from "../access/user-admin.ts"
import type { AclDesk } from "../broker/acl-desk.ts"
import type { BansDesk } from "../broker/keep-bans.ts"
import type { Sample } from "../metrics/counters.ts"
import type { DropLedger } from "../metrics/drop-ledger.ts"
import { dropReasons } from "../metrics/drop-reasons.ts"
import { settingsLeaves } from "../settings/leaves.ts"
import type { LogStatistics } from "../store/ports.ts"
import { type AclAnswer, explainRules, listRules, previewRules, reloadRules } from "./acl-routes.ts"
import type {
  Drops,
  Failure,
  SettingsChanged,
  SettingsList,
  StorageBackedUp,
  StorageCompacted,
  StorageInfo,
  StorageSynced,
  SystemInfo
} from "./api.ts"
import { addBan, type BansView, type BanView, listBans, removeBan } from "./ban-routes.ts"
import { changeSettings, type SettingsAccess, wireValue } from "./change-settings.ts"
import { type FailureName, failureEntry, failures } from "./failures.ts"
import type { MetricsPage } from "./metrics-page.ts"
import type { HealthCheck } from "./probes.ts"
import { addUser, listUsers, putUser, removeUser, type UsersView, type UserView } from "./user-routes.ts"

export interface AdminSources {
  readonly version: string
  readonly addresses: () => ReadonlyArray<string>
  readonly counters: () => ReadonlyArray<Sample>
  readonly logStatistics: () => LogStatistics
  readonly drops: Pick<DropLedger, "total" | "rows">
  readonly checks: ReadonlyArray<HealthCheck>
  /** Undefined where this listener serves no metrics. */
  readonly metrics?: MetricsPage | undefined
  readonly settings: SettingsAccess
  /** Absent: this listener knows of no bans. */
  readonly bans?: BansDesk | undefined
  /** Absent: auth.chain does not name user-database. */
  readonly users?: UserAdmin | undefined
  /** Absent: this listener knows of no rules. */
  readonly acl?: AclDesk | undefined
  readonly storage: () => StorageInfo
  /** Undefined with the memory engine. */
  readonly storageWork: StorageWork | undefined
}

/** Each rejects with an Error whose message says why it could not be done. */
export interface StorageWork {
  readonly sync: () => Promise<StorageSynced>
  readonly compact: () => Promise<StorageCompacted>
  readonly backup: (folder: string) => Promise<StorageBackedUp>
}

export interface Answer {
  readonly status: number
  readonly body:
    | SystemInfo
    | Drops
    | SettingsList
    | SettingsChanged
    | StorageSynced
    | StorageCompacted
    | StorageBackedUp
    | BansView
    | BanView
    | UsersView
    | UserView
    | AclAnswer["body"]
    | Readonly<Record<string, never>>
    | Failure
}

export interface Route {
  /** One that ends with a slash takes the rest of the path, decoded, as `id` of the query. */
  readonly path: string
  readonly method: "GET" | "PATCH" | "POST" | "PUT" | "DELETE"
  readonly isTokenNeeded: boolean
  /** `body` is the parsed JSON of a PATCH or POST; a POST may have none. */
  readonly answer: (sources: AdminSources, query: URLSearchParams, body: unknown) => Answer | Promise<Answer>
}

export const routes: ReadonlyArray<Route> = [
  { path: "/api/v1/system", method: "GET", isTokenNeeded: true, answer: system },
  { path: "/api/v1/drops", method: "GET", isTokenNeeded: true, answer: drops },
  { path: "/api/v1/settings", method: "GET", isTokenNeeded: true, answer: listSettings },
  { path: "/api/v1/settings", method: "PATCH", isTokenNeeded: true, answer: patchSettings },
  { path: "/api/v1/storage/sync", method: "POST", isTokenNeeded: true, answer: storageWork(({ sync }) => sync()) },
  {
    path: "/api/v1/storage/compact",
    method: "POST",
    isTokenNeeded: true,
    answer: storageWork((work) => work.compact())
  },
  { path: "/api/v1/storage/backup", method: "POST", isTokenNeeded: true, answer: backUp },
  { path: "/api/v1/bans", method: "GET", isTokenNeeded: true, answer: onBans(listBans) },
  {
    path: "/api/v1/bans",
    method: "POST",
    isTokenNeeded: true,
    answer: onBans((bans, _query, body) => addBan(bans, body))
  },
  {
    path: "/api/v1/bans/",
    method: "DELETE",
    isTokenNeeded: true,
    answer: onBans((bans, query) => removeBan(bans, query.get("id") ?? ""))
  },
  { path: "/api/v1/acl", method: "GET", isTokenNeeded: true, answer: onAcl(listRules) },
  { path: "/api/v1/acl/reload", method: "POST", isTokenNeeded: true, answer: onAcl(reloadRules) },
  { path: "/api/v1/acl/preview", method: "GET", isTokenNeeded: true, answer: onAcl(previewRules) },
  {
    path: "/api/v1/acl/explain",
    method: "POST",
    isTokenNeeded: true,
    answer: onAcl((acl, _query, body) => explainRules(acl, body))
  },
  { path: "/api/v1/users", method: "GET", isTokenNeeded: true, answer: onUsers(listUsers) },
  {
    path: "/api/v1/users",
    method: "POST",
    isTokenNeeded: true,
    answer: onUsers((users, _query, body) => addUser(users, body))
  },
  {
    path: "/api/v1/users/",
    method: "PUT",
    isTokenNeeded: true,
    answer: onUsers((users, query, body) => putUser(users, query.get("id") ?? "", body))
  },
  {
    path: "/api/v1/users/",
    method: "DELETE",
    isTokenNeeded: true,
    answer: onUsers((users, query) => removeUser(users, query.get("id") ?? ""))
  }
]

function onUsers(
  answer: (users: UserAdmin, query: URLSearchParams, body: unknown) => Answer | Promise<Answer>
): Route["answer"] {
  return ({ users }, query, body) =>
    users === undefined ? failureAnswer("noUserDatabase") : answer(users, query, body)
}

function onAcl(
  answer: (acl: AclDesk, query: URLSearchParams, body: unknown) => AclAnswer | Promise<AclAnswer>
): Route["answer"] {
  return ({ acl }, query, body) => (acl === undefined ? failureAnswer("notFound") : answer(acl, query, body))
}

function onBans(answer: (bans: BansDesk, query: URLSearchParams, body: unknown) => Answer): Route["answer"] {
  return ({ bans }, query, body) => (bans === undefined ? failureAnswer("notFound") : answer(bans, query, body))
}

export function failureAnswer(name: FailureName): Answer {
  return { status: failures[name].status, body: { errors: [failureEntry(name)] } }
}

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString()
const rowsDefault = 200
const rowsMax = 10_000

function system(sources: AdminSources): Answer {
  const memory = process.memoryUsage()
  const uptimeSeconds = process.uptime()
  const body: SystemInfo = {
    version: sources.version,
    node: process.version,
    pid: process.pid,
    startedAt,
    uptimeSeconds: Math.round(uptimeSeconds * 1000) / 1000,
    addresses: sources.addresses(),
    counters: sources.counters(),
    memory: {
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      externalBytes: memory.external,
      arrayBuffersBytes: memory.arrayBuffers
    },
    log: sources.logStatistics(),
    storage: sources.storage(),
    drops: dropTotals(sources)
  }
  return { status: 200, body }
}

function drops(sources: AdminSources, query: URLSearchParams): Answer {
  const limitText = query.get("limit") ?? String(rowsDefault)
  const limit = /^\d{1,5}$/.test(limitText) ? Number(limitText) : 0
  if (limit < 1 || limit > rowsMax) return failureAnswer("badLimit")
  const rows = sources.drops.rows()
  const body: Drops = {
    totals: dropTotals(sources),
    rows: rows.slice(0, limit).map((row) => ({
      reason: dropReasons[row.reason]?.name ?? String(row.reason),
      clientIdentifier: row.clientIdentifier,
      topic: row.topic,
      count: row.count,
      firstAt: new Date(row.firstAtMs).toISOString(),
      lastAt: new Date(row.lastAtMs).toISOString(),
      ...(row.firstSequence === undefined ? {} : { firstSequence: row.firstSequence }),
      ...(row.lastSequence === undefined ? {} : { lastSequence: row.lastSequence })
    })),
    rowsLeftOut: Math.max(0, rows.length - limit)
  }
  return { status: 200, body }
}

function dropTotals(sources: AdminSources): SystemInfo["drops"] {
  return dropReasons
    .map(({ id, name, meaning, change }) => ({ reason: name, count: sources.drops.total(id), meaning, change }))
    .filter((total) => total.count > 0)
}

function listSettings(sources: AdminSources): Answer {
  const current = sources.settings.current()
  const settings = settingsLeaves.map((leaf) => ({
    key: leaf.key,
    value: leaf.secret ? "(hidden)" : (wireValue(current, leaf) ?? null),
    origin: sources.settings.originOf(leaf.key),
    live: leaf.live,
    summary: leaf.summary
  }))
  return { status: 200, body: { settings } }
}

function patchSettings(sources: AdminSources, _query: URLSearchParams, wanted: unknown): Answer {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return failureAnswer("malformed")
  const verdict = changeSettings(sources.settings, wanted as Readonly<Record<string, unknown>>)
  if ("refused" in verdict) return { status: 422, body: { errors: verdict.refused } }
  const { settings, changed } = verdict.accepted
  if (changed.length > 0) {
    sources.settings.apply(
      settings,
      changed.map(({ key }) => key)
    )
  }
  return { status: 200, body: { changed: changed.map(({ key, value }) => ({ key, value: value ?? null })) } }
}

function storageWork(
  work: (of: StorageWork, body: unknown) => Promise<StorageSynced | StorageCompacted | StorageBackedUp>
): Route["answer"] {
  return async (sources, _query, body) => {
    if (sources.storageWork === undefined) return failureAnswer("notDurable")
    try {
      return { status: 200, body: await work(sources.storageWork, body) }
    } catch (cause) {
      const fact = cause instanceof Error ? cause.message : String(cause)
      return { status: failures.storageFailed.status, body: { errors: [failureEntry("storageFailed", { fact })] } }
    }
  }
}

function backUp(sources: AdminSources, query: URLSearchParams, body: unknown): Answer | Promise<Answer> {
  const folder = (body as { readonly folder?: unknown } | null)?.folder
  if (typeof folder !== "string" || !isAbsolute(folder)) return failureAnswer("noFolder")
  return storageWork((work) => work.backup(folder))(sources, query, body)
}
