/**
 * "Where did my message go?" as the admin API asks it: live traces and passports of one broker. And the switch of spans.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Settings } from "../settings/settings.ts"
import type { SpanMaker } from "../telemetry/span-export.ts"
import type { Core } from "./core.ts"
import { type Passport, readPassport } from "./passport.ts"
import { Spans } from "./spans.ts"
import { Traces, traceLimitsOf, watchOf } from "./traces.ts"

export interface TraceDesk extends Pick<Traces, "list" | "start" | "steps" | "end"> {
  /** Undefined: the log holds no message there. */
  readonly passport: (sequence: number) => Promise<Passport | undefined>
}

/** `current` answers the settings in force. */
export const makeTraceDesk = (core: Core, current: () => Settings): TraceDesk => {
  const traces = new Traces(core, () => traceLimitsOf(current()))
  return {
    list: () => traces.list(),
    start: (request, startedBy) => traces.start(request, startedBy),
    steps: (id, after, limit) => traces.steps(id, after, limit),
    end: (id) => traces.end(id),
    passport: (sequence) => Effect.runPromise(readPassport(core, sequence))
  }
}

/** Chosen messages get spans until the scope ends. */
export const followSpans = (
  core: Core,
  maker: SpanMaker,
  { sampleRatio, topics }: Settings["tracing"]
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const spans = new Spans(core, maker, { sampleRatio, topics })
        watchOf(core).spans = spans
        return spans
      }),
      (spans) =>
        Effect.sync(() => {
          spans.close()
          if (core.watch !== undefined) core.watch.spans = undefined
        })
    )
  )
