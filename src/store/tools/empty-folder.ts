/**
 * A folder that a tool may fill: it is not there, or holds nothing. Nothing is ever overwritten or mixed.
 */
import { rmSync } from "node:fs"
import * as Effect from "effect/Effect"
import { LOCK_NAME, type StorePlace } from "../../wal/open-store.ts"
import type { StoreFault, StoreFs } from "../../wal/store-fs.ts"
import { type ToolRefused, toolRefused } from "./place.ts"

/** Where a restore puts its files until all are there. */
export const RESTORING = "restoring"

export const mustBeEmpty = (
  fs: StoreFs,
  folder: string,
  place: StorePlace
): Effect.Effect<void, StoreFault | ToolRefused> =>
  Effect.gen(function* () {
    if ((yield* fs.list(folder)).includes(RESTORING)) removeRestoring(folder)
    // The log's own folder, and the lock of a process that is gone, are what an empty store consists of.
    const others = (yield* fs.list(folder)).filter(
      (name) => name !== LOCK_NAME && `${folder}/${name}` !== place.logDirectory
    )
    if (others.length === 0) return // [TOOL-2]
    return yield* toolRefused(
      "not-empty",
      `${folder} is not empty: it holds ${others[0]}`,
      "move it aside, or name another folder; nothing is ever overwritten"
    )
  })

export function removeRestoring(folder: string): void {
  rmSync(`${folder}/${RESTORING}`, { recursive: true, force: true })
}
