/**
 * Runs a loop in the background of the current scope. A forked fiber that fails is silent in Effect; through
 * here it says so. Every loop of the broker goes through this one door.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

export const supervise = Effect.fnUntraced(function* <E, R>(name: string, loop: Effect.Effect<unknown, E, R>) {
  return yield* loop.pipe(
    Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`${name} died`, cause))),
    Effect.forkScoped
  )
})
