/**
 * Bans as the admin API handles them, and their file: read at the start, written when something changed.
 *
 * With the memory engine, which keeps nothing at exit, there is a file only where limits.bans-file names one.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Ban, type BanKind, banValue } from "../access/bans.ts"
import { type BansFileError, loadBans, saveBans } from "../access/bans-file.ts"
import type { Settings } from "../settings/settings.ts"
import { enforceBan } from "./admission.ts"
import type { Core } from "./core.ts"
import { keepSaving } from "./keep-saving.ts"

const SAVE_MS = 1000

export interface BanRequest {
  readonly kind: BanKind
  readonly value: string
  readonly why: string
  /** Who asks for it, as the list of bans shows it. */
  readonly by: string
  /** Undefined = for good. */
  readonly forMs: number | undefined
}

export interface BansDesk {
  readonly list: () => ReadonlyArray<Ban>
  /** "bad-value": not one of its kind. "full": limits.max-bans is reached. */
  readonly add: (request: BanRequest) => Ban | "bad-value" | "full"
  readonly remove: (kind: BanKind, value: string) => boolean
}

export const keepBans = (
  core: Core,
  { limits, storage }: Settings
): Effect.Effect<BansDesk, BansFileError, Scope.Scope> =>
  Effect.gen(function* () {
    const ofStore = storage.engine === "memory" ? "" : join(storage.dataDir, "bans.json")
    const file = limits.bansFile === "" ? ofStore : limits.bansFile
    core.tick()
    const { bans } = core.fairness
    if (file !== "") yield* loadBans(file, bans, core.nowMs)
    core.counters.gauge("bans", () => bans.size)
    let saved = bans.changes
    const save = (): void => {
      if (file === "" || saved === bans.changes) return
      saved = bans.changes
      try {
        saveBans(file, bans.list(core.nowMs))
        saved = bans.changes
      } catch (cause) {
        saved = -1
        const why = cause instanceof Error ? cause.message : String(cause)
        core.options.report({ level: "warn", what: "the bans could not be saved: a restart forgets them", why })
      }
    }
    yield* keepSaving("the keeper of bans", SAVE_MS, async () => save())
    return {
      list: () => {
        core.tick()
        return bans.list(core.nowMs)
      },
      add: (request) => {
        core.tick()
        const ban = banOf(request, Math.floor(core.nowMs))
        if (ban === undefined) return "bad-value"
        if (!bans.add(ban, core.nowMs)) return "full"
        enforceBan(core)
        save()
        return ban
      },
      remove: (kind, value) => {
        const isRemoved = bans.remove(kind, banValue(kind, value) ?? value)
        if (isRemoved) save()
        return isRemoved
      }
    }
  })

const banOf = ({ by, forMs, kind, value, why }: BanRequest, nowMs: number): Ban | undefined => {
  const compared = banValue(kind, value)
  if (compared === undefined) return undefined
  const untilMs = forMs === undefined ? undefined : nowMs + forMs
  return { kind, value: compared, why, by, createdAtMs: nowMs, untilMs }
}
