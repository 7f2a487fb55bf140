/**
 * What is kept in a file beside the store (bans, quotas, names) is saved again and again, and a last time at the graceful stop.
 * One save at a time: the last one may come while another is under way.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { supervise } from "./supervise.ts"

/** `saveOnce` never rejects, and does nothing where nothing has changed. The first one is called at once. */
export const keepSaving = (
  name: string,
  everyMs: number,
  saveOnce: () => Promise<void>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    let last = Promise.resolve()
    const save = Effect.promise(() => {
      last = last.then(saveOnce)
      return last
    })
    yield* supervise(name, Effect.repeat(save, Schedule.spaced(everyMs)))
    yield* Effect.addFinalizer(() => save)
  })
