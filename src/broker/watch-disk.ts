/**
 * The watch over syncs: one that takes long (storage.wal.slow-sync) is said in the log of events, one that does not end
 * (stalled-sync) stops the publishers (slow-down.ts) before the log has to refuse them.
 *
 * Times are monotonic: what is compared is how long the same sync has been seen to run, not its own clock.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Core } from "./core.ts"
import { lookAtSlowed } from "./slow-down.ts"

const LOOK_MS = 1000

/** `syncingSinceMs`: when the sync under way began, by any clock; 0 while there is none. */
export const watchDisk = (core: Core, syncingSinceMs: () => number): Effect.Effect<never> => {
  const look = lookAtSync(core, syncingSinceMs)
  return Effect.sync(look).pipe(Effect.repeat(Schedule.spaced(LOOK_MS)), Effect.andThen(Effect.never))
}

export const lookAtSync = (core: Core, syncingSinceMs: () => number): (() => void) => {
  let seen = 0
  let seenAtMs = 0
  let isTold = false
  return () => {
    core.tick()
    const since = syncingSinceMs()
    if (since !== seen) {
      seenAtMs = core.loopMs
      isTold = false
    }
    seen = since
    const tookMs = since > 0 ? core.loopMs - seenAtMs : 0
    const { slowSyncMs, stalledSyncMs } = core.limits
    if (tookMs >= slowSyncMs && !isTold) {
      isTold = true
      const what = `the disk is slow: a sync of the log takes more than ${slowSyncMs} ms`
      core.options.report({ level: "warn", what })
    }
    const isStalled = tookMs >= stalledSyncMs
    if (isStalled === core.isDiskStalled) return
    core.isDiskStalled = isStalled
    const what = isStalled ? "a sync of the log takes long: publishers wait for it" : "the log is synced again"
    core.options.report({ level: "warn", what })
    lookAtSlowed(core)
  }
}
