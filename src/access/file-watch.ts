/**
 * Tells when a file has changed and is whole again. The file system is asked, not listened to: that also sees network
 * folders, mounted secrets and a file that is exchanged by renaming.
 *
 * Invariants
 * - A change counts when two looks in a row saw the same, so a file that is being copied is left alone.
 * - Each state of the file is told once, whether what follows works or not.
 */
import { statSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

const LOOK_INTERVAL_MS = 1_000

/** A text that is another one when the file is; also for a file that is not there. */
export const stateOfFile = (file: string): string => {
  try {
    const { ctimeNs, dev, ino, mtimeNs, size } = statSync(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(":")
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? "unknown"
  }
}

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
