/** What the run time is doing: a loop that was held shows, so does a collection; rates are over the last window. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Meter } from "../../src/metrics/meter.ts"
import { RuntimeFigures, SAMPLE_MS } from "../../src/telemetry/runtime-figures.ts"

const turn = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1)))

describe("runtime figures", () => {
  it.live("see a loop that was held, until the window after", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const figures = yield* RuntimeFigures.open(() => 0, undefined)
        // The run time's timer has to have started before it can be late.
        while (figures.families().length === 0 || figures.lagMaxMs === 0) yield* turn
        figures.sample(0)
        // Again, because a window that has just begun takes the first turn only as its beginning.
        while (figures.lagMaxMs < 100) {
          const until = performance.now() + 300
          while (performance.now() < until);
          yield* turn
        }
        figures.sample(1)
        assert.isAtLeast(figures.lagMaxMs, 100)
        figures.sample(2)
        figures.sample(3)
        assert.isBelow(figures.lagMaxMs, 300)
      })
    )
  )

  it.live("tell the rate of messages over the last window", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let messages = 100
        const figures = yield* RuntimeFigures.open(() => messages, undefined)
        figures.sample(1_000_000)
        messages = 600
        figures.sample(1_000_000 + SAMPLE_MS)
        assert.strictEqual(figures.messagesPerSecond, 500 / (SAMPLE_MS / 1000))
      })
    )
  )

  it.live("book collections of the garbage collector", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const meter = new Meter()
        const figures = yield* RuntimeFigures.open(() => 0, meter)
        let kept: Array<unknown> = []
        while (meter.of("gc").count === 0) {
          kept = Array.from({ length: 100_000 }, () => ({}))
          yield* turn
        }
        assert.isAbove(kept.length, 0)
        const collector = figures.families().find(({ name }) => name === "nodejs_gc_seconds_total")
        const seconds = collector?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
        assert.isAbove(seconds, 0)
      })
    )
  )

  it.live("have the names that boards know", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const names = (yield* RuntimeFigures.open(() => 0, undefined)).families().map(({ name }) => name)
        for (const name of [
          "nodejs_eventloop_lag_seconds",
          "process_cpu_seconds_total",
          "process_resident_memory_bytes",
          "process_start_time_seconds",
          "nodejs_heap_size_used_bytes"
        ])
          assert.include(names, name)
      })
    )
  )
})
