/**
 * Looks at the process itself, some times a second: how late its event loop is, and how much memory it has.
 *
 * The lag is the time by which a timer comes too late, as a mean that forgets: one long turn (a collection of garbage, a
 * snapshot, a machine that was paused) refuses nobody, however long it was; a loop that is late all the time does.
 */
import { totalmem } from "node:os"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Core } from "./core.ts"
import { lookAtMemory } from "./memory-ceiling.ts"

const LOOK_MS = 250
/** Share of the newest look in the mean. */
const NEWEST = 0.25
/** What one look may say at most, in limits.max-loop-lag: below 1 / NEWEST, so that one look alone never refuses. */
const LOOK_LIMITS_MAX = 3
const CEILING_SHARE = 0.8
/** Code, stacks and the run time itself, which are in no heap. */
const BESIDE_HEAP_BYTES = 67_108_864

export interface LoadReader {
  readonly monotonicMs: () => number
  readonly usedBytes: () => number
  /** What there is for the process, where no limit is set. */
  readonly availableBytes: () => number
}

export const processLoad: LoadReader = {
  monotonicMs: () => performance.now(),
  usedBytes: () => {
    const { external, heapUsed, rss } = process.memoryUsage()
    return Math.min(rss, heapUsed + external + BESIDE_HEAP_BYTES)
  },
  availableBytes: () => {
    const constrained = process.constrainedMemory()
    const total = totalmem()
    return constrained > 0 && constrained < total ? constrained : total
  }
}

export const watchLoad = (core: Core, reader: LoadReader = processLoad): Effect.Effect<never> => {
  const look = lookAtLoad(core, reader)
  return Effect.sync(look).pipe(Effect.repeat(Schedule.spaced(LOOK_MS)), Effect.andThen(Effect.never))
}

export const lookAtLoad = (core: Core, reader: LoadReader): (() => void) => {
  let beforeMs = reader.monotonicMs()
  return () => {
    const nowMs = reader.monotonicMs()
    const lagMs = Math.max(0, nowMs - beforeMs - LOOK_MS)
    beforeMs = nowMs
    const { loopLagMsMax, memoryBytesMax } = core.limits
    const toldMs = loopLagMsMax > 0 ? Math.min(lagMs, loopLagMsMax * LOOK_LIMITS_MAX) : lagMs
    core.fairness.loopLagMs += (toldMs - core.fairness.loopLagMs) * NEWEST
    core.tick()
    lookAtMemory(
      core,
      reader.usedBytes(),
      memoryBytesMax > 0 ? memoryBytesMax : reader.availableBytes() * CEILING_SHARE
    )
  }
}
