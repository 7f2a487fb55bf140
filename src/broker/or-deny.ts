/**
 * A decision that fails or dies is a denial, with one line in the log. Whoever waits for a verdict asks through here:
 * packets (ask.ts) and wills (wills.ts).
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Core } from "./core.ts"

export const orDeny = <A>(
  core: Core,
  about: { readonly clientIdentifier: string } | undefined,
  decision: Effect.Effect<A>,
  denied: A = false as A
): Effect.Effect<A> =>
  Effect.catchCause(decision, (cause) => {
    core.options.report({
      level: "warn",
      what: "authorisation failed, so it is denied",
      clientIdentifier: about?.clientIdentifier,
      why: Cause.pretty(cause)
    })
    return Effect.succeed(denied)
  })
