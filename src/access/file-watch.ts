/**
 * Tells when a file has changed and is whole again: looked at again and again (listener/file-state.ts).
 *
 * Invariants
 * - A change counts when two looks in a row saw the same, so a file that is being copied is left alone.
 * - Each state of the file is told once, whether what follows works or not.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { stateOfFile } from "../listener/file-state.ts"

const LOOK_INTERVAL_MS = 1_000

/** Runs until it is interrupted; `acted` answers with the state that was acted upon last. */
export const watchFile = <E>(
  file: string,
  acted: () => string,
  onChange: Effect.Effect<unknown, E>
): Effect.Effect<unknown, E> =>
  Effect.suspend(() => {
    let seen = acted()
    return Effect.suspend(() => {
      const state = stateOfFile(file)
      const isSettled = state === seen
      seen = state
      return isSettled && state !== acted() ? onChange : Effect.void
    }).pipe(Effect.repeat(Schedule.spaced(LOOK_INTERVAL_MS)))
  })
