/**
 * Users' quotas as the admin API shows them, and the file that carries today's counts over a restart.
 *
 *   <data-dir>/user-quotas.json   {"version":1,"endsAtMs":1,"users":[["alice",12,3456,0]]}   name, messages, bytes, refused
 *
 * Invariants
 * - Mode 0600, written as a whole beside and renamed; at most every SAVE_MS and at the graceful stop. A crash forgets what
 *   was published since the last save: the quota is a limit per day, not an account.
 * - A file of another day, or one that is damaged, begins anew (the latter with a warning): a count that is lost must not
 *   keep a broker from starting.
 * - With the memory engine, which keeps nothing at exit, there is no file.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { replaceFile } from "../access/private-file.ts"
import type { Settings } from "../settings/settings.ts"
import type { Core } from "./core.ts"
import { keepSaving } from "./keep-saving.ts"
import type { UserQuota } from "./user-quotas.ts"

const SAVE_MS = 10_000
const VERSION = 1

export type QuotaName = "messages-per-day" | "bytes-per-day" | "connections" | "subscriptions"

export interface QuotaUse {
  readonly username: string
  readonly quota: QuotaName
  readonly used: number
  readonly max: number
  /** "near": above limits.quota-warning-percent. "exceeded": something was refused, or nothing fits any more. */
  readonly state: "ok" | "near" | "exceeded"
  /** Messages refused today; 0 of quotas that are not counted by the day. */
  readonly refused: number
  /** Wall time; undefined where use ends when it ends. */
  readonly endsAtMs: number | undefined
}

export interface QuotaDesk {
  /** Of every user name that has used something of a quota that is set. */
  readonly list: () => ReadonlyArray<QuotaUse>
}

export const keepQuotas = (core: Core, { storage }: Settings): Effect.Effect<QuotaDesk, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { quotas } = core.fairness
    const desk = { list: () => listOf(core) }
    core.tick()
    if (storage.engine === "memory") return desk
    const file = join(storage.dataDir, "user-quotas.json")
    const told = (what: string, cause: unknown): void => {
      const why = cause instanceof Error ? cause.message : String(cause)
      core.options.report({ level: "warn", what, why })
    }
    const damage = load(core, file)
    if (damage !== undefined) told("the counts of users' quotas could not be read: the day begins anew", damage)
    let saved = quotas.changes
    const saveOnce = async (): Promise<void> => {
      if (saved === quotas.changes) return
      saved = quotas.changes
      try {
        await replaceFile(file, textOf(core))
      } catch (cause) {
        saved = -1
        told("the counts of users' quotas could not be saved: a restart forgets them", cause)
      }
    }
    yield* keepSaving("the keeper of quotas", SAVE_MS, saveOnce)
    return desk
  })

const textOf = ({ fairness: { quotas } }: Core): string => {
  const users = Array.from(quotas.values(), ({ bytes, messages, refused, username }) => [
    username,
    messages,
    bytes,
    refused
  ])
  return `${JSON.stringify({ version: VERSION, endsAtMs: quotas.endsAtMs, users })}\n`
}

/** What is wrong with the file; undefined = nothing, or it is not there. */
const load = ({ fairness: { quotas }, limits, nowMs }: Core, file: string): unknown => {
  try {
    const { endsAtMs, users, version } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>
    if (version !== VERSION || typeof endsAtMs !== "number" || !Array.isArray(users) || !users.every(isRow)) {
      return "it is not what was written"
    }
    if (nowMs >= endsAtMs) return undefined
    quotas.beginDay(nowMs)
    for (const [username, messages, bytes, refused] of users) {
      const user = quotas.of(username, limits.quotaUsersMax, () => true)
      Object.assign(user, { messages, bytes, refused } satisfies Partial<UserQuota>)
    }
    return undefined
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ENOENT" ? undefined : cause
  }
}

const isRow = (row: unknown): row is [string, number, number, number] =>
  Array.isArray(row) &&
  row.length === 4 &&
  typeof row[0] === "string" &&
  row.slice(1).every((each) => Number.isSafeInteger(each) && each >= 0)

const listOf = (core: Core): ReadonlyArray<QuotaUse> => {
  core.tick()
  const { limits } = core
  const { quotas, users } = core.fairness
  const uses: Array<QuotaUse> = []
  const add = (username: string, quota: QuotaName, used: number, max: number, refused = 0, endsAtMs?: number): void => {
    if (max === 0 || used + refused === 0) return
    const isNear = used * 100 >= max * limits.quotaWarningPercent
    const state = refused > 0 || used >= max ? "exceeded" : isNear ? "near" : "ok"
    uses.push({ username, quota, used, max, state, refused, endsAtMs })
  }
  quotas.beginDay(core.nowMs)
  for (const { bytes, messages, refused, username } of quotas.values()) {
    add(username, "messages-per-day", messages, limits.userMessagesPerDayMax, refused, quotas.endsAtMs)
    add(username, "bytes-per-day", bytes, limits.userBytesPerDayMax, refused, quotas.endsAtMs)
  }
  for (const [username, { clients }] of users.entries()) {
    add(username, "connections", clients.size, limits.connectionsPerUserMax)
    if (limits.subscriptionsPerUserMax > 0)
      add(username, "subscriptions", users.filtersOf(username), limits.subscriptionsPerUserMax)
  }
  return uses
}
