/**
 * The folder a tool works on: is there a store, may this version read it, is somebody using it.
 *
 *   inspect()    reads only: FORMAT, the headers of the segments, who holds the lock
 *   holding()    the same under the store's lock, for tools that write: a running broker keeps them out
 *
 * Tools that only read do not take the lock, which would be a write: on a store in use they see a state that was true
 * while they read (stored-records.ts looks twice at what seems damaged), and they say so.
 *
 * Promises of the tools, cited where they are kept:
 *   TOOL-1  damage is told, and its tellers change nothing
 *   TOOL-2  nothing is overwritten or mixed: what is written goes into an empty folder
 *   TOOL-3  a backup that is not as it was is not restored, not in part either
 *   TOOL-4  damaged bytes are kept whole before anything is repaired
 *   TOOL-5  after an import every session waits for the same messages as before, those that were there already too
 *   TOOL-6  an import is judged whole before any of it is written
 *   TOOL-7  compaction of a stopped store keeps what a session reads, holds, or what is retained
 *
 * Elsewhere: opening a store to serve from it (src/wal/open-store.ts), which makes what is missing. Tools make nothing.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { newerThanUs, readFormat } from "../../wal/format-file.ts"
import { lockHolder } from "../../wal/lock-file.ts"
import { LOCK_NAME, type StorePlace } from "../../wal/open-store.ts"
import { refuse, type StoreRefused } from "../../wal/store-error.ts"
import type { LockHolder, StoreFault, StoreFs } from "../../wal/store-fs.ts"
import { type Survey, survey } from "../../wal/survey.ts"
import { durableBySnapshots } from "./snapshot-base.ts"

export const ToolReason = Schema.Literals([
  "no-store",
  "no-backup",
  "not-empty",
  "damaged",
  "bad-input",
  "conflict",
  "busy"
])
export type ToolReason = typeof ToolReason.Type

/** Why a tool did not do what it was asked to; what the store itself refuses is a StoreRefused. */
export class ToolRefused extends Schema.TaggedError<ToolRefused>()("ToolRefused", {
  reason: ToolReason,
  fact: Schema.String,
  fix: Schema.String
}) {
  override get message(): string {
    return `${this.fact} (${this.fix})`
  }
}

export type ToolError = ToolRefused | StoreRefused | StoreFault

export interface Inspected {
  readonly place: StorePlace
  /** Undefined when FORMAT is gone and no segment names it. */
  readonly storeUuid: string | undefined
  readonly format: "good" | "absent" | "damaged"
  readonly holder: LockHolder | undefined
  /** What the snapshots know to have been durable. */
  readonly durableAtLeast: number
  readonly survey: Survey
}

export function toolRefused(reason: ToolReason, fact: string, fix: string): ToolRefused {
  return new ToolRefused({ reason, fact, fix })
}

export const inspect = (fs: StoreFs, place: StorePlace): Effect.Effect<Inspected, ToolError> =>
  Effect.gen(function* () {
    const format = yield* readFormat(fs, place.dataDirectory)
    const found = yield* survey(fs, place.logDirectory)
    const hasSegments = found.segments.length + found.unreadable.length > 0
    if (format === "absent" && !hasSegments) {
      return yield* toolRefused(
        "no-store",
        `there is no store in ${place.dataDirectory}`,
        "name the folder with --data-dir, or the configuration with -c"
      )
    }
    const isRead = typeof format === "object"
    const newer = isRead ? newerThanUs(format, place.dataDirectory) : undefined
    if (newer !== undefined) return yield* newer
    const storeUuid = isRead ? format.storeUuid : found.segments[0]?.decoded.header.storeUuid
    const foreign = found.segments.find(({ decoded }) => decoded.header.storeUuid !== storeUuid)
    if (foreign !== undefined) {
      return yield* refuse(
        "foreign-store",
        foreign.path,
        "the segment belongs to another store",
        "put each store's log into a folder of its own"
      )
    }
    const holder = lockHolder(`${place.dataDirectory}/${LOCK_NAME}`)
    const durableAtLeast = yield* durableBySnapshots(fs, place.dataDirectory, storeUuid)
    return { place, storeUuid, format: isRead ? "good" : format, holder, durableAtLeast, survey: found }
  })

/** Keeps everybody else out until the scope ends. Makes no folder: a store must be there. */
export const holding = (fs: StoreFs, place: StorePlace): Effect.Effect<Inspected, ToolError, Scope.Scope> =>
  Effect.gen(function* () {
    const inspected = yield* inspect(fs, place)
    yield* lockFolder(fs, place.dataDirectory)
    return inspected
  })

export const lockFolder = (
  fs: StoreFs,
  dataDirectory: string
): Effect.Effect<void, StoreRefused | StoreFault, Scope.Scope> => {
  const path = `${dataDirectory}/${LOCK_NAME}`
  const take = Effect.flatMap(fs.lock(path), (holder) => (holder === undefined ? Effect.void : inUse(path, holder)))
  return Effect.asVoid(Effect.acquireRelease(take, () => fs.unlock(path)))
}

export function holderWords({ processId, sinceMs }: LockHolder): string {
  return `pid ${processId}, since ${new Date(sinceMs).toISOString()}`
}

function inUse(path: string, holder: LockHolder): StoreRefused {
  return refuse(
    "locked",
    path,
    `the store is in use by ${holderWords(holder)}`,
    "stop that process first; `promptmq store backup` and `store stats` also ask a running broker"
  )
}
