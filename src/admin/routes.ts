/**
 * The routes, one table: path, method, whether a token is needed, and a plain function that answers; what the store
 * has to do takes its time and answers with a promise.
 * Everything shown comes in through AdminSources; nothing here knows where it lives.
 */
import { isAbsolute } from "node:path"
import type { Sample } from "../metrics/counters.ts"
import type { DropLedger } from "../metrics/drop-ledger.ts"
import { dropReasons } from "../metrics/drop-reasons.ts"
import { settingsLeaves } from "../settings/leaves.ts"
import type { LogStatistics } from "../store/ports.ts"
import type {
  Drops,
  Failure,
  Health,
  SettingsChanged,
  SettingsList,
  StorageBackedUp,
  StorageCompacted,
  StorageInfo,
  StorageSynced,
  SystemInfo
} from "./api.ts"
import { changeSettings, type SettingsAccess, wireValue } from "./change-settings.ts"
import { type FailureName, failureEntry, failures } from "./failures.ts"

export interface HealthCheck {
  readonly name: string
  /** What is wrong, in a sentence that strangers may read; undefined when all is well. Cheap: asked without a token. */
  readonly check: () => string | undefined
}

export interface AdminSources {
  readonly version: string
  readonly addresses: () => ReadonlyArray<string>
  readonly counters: () => ReadonlyArray<Sample>
  readonly logStatistics: () => LogStatistics
  readonly drops: Pick<DropLedger, "total" | "rows">
  readonly checks: ReadonlyArray<HealthCheck>
  readonly settings: SettingsAccess
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
    | Health
    | SystemInfo
    | Drops
    | SettingsList
    | SettingsChanged
    | StorageSynced
    | StorageCompacted
    | StorageBackedUp
    | Failure
}

export interface Route {
  readonly path: string
  readonly method: "GET" | "PATCH" | "POST"
  readonly isTokenNeeded: boolean
  /** `body` is the parsed JSON of a PATCH or POST; a POST may have none. */
  readonly answer: (sources: AdminSources, query: URLSearchParams, body: unknown) => Answer | Promise<Answer>
}

export const routes: ReadonlyArray<Route> = [
  { path: "/health", method: "GET", isTokenNeeded: false, answer: health },
  { path: "/healthz", method: "GET", isTokenNeeded: false, answer: health },
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
  { path: "/api/v1/storage/backup", method: "POST", isTokenNeeded: true, answer: backUp }
]

export function failureAnswer(name: FailureName): Answer {
  return { status: failures[name].status, body: { errors: [failureEntry(name)] } }
}

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString()
const rowsDefault = 200
const rowsMax = 10_000

function health(sources: AdminSources): Answer {
  const checks = sources.checks.map(({ name, check }): Health["checks"][number] => {
    const fact = outcome(check)
    return fact === undefined ? { name, status: "ok" } : { name, status: "failing", fact }
  })
  const isOk = checks.every((check) => check.status === "ok")
  return { status: isOk ? 200 : 503, body: { status: isOk ? "ok" : "failing", checks } }
}

/** A check that throws is a check that fails. */
function outcome(check: () => string | undefined): string | undefined {
  try {
    return check()
  } catch {
    return "the check itself failed"
  }
}

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
