/**
 * The limits on asking others: the breaker by itself on a clock of its own, the guard around questions that hang, fail
 * and answer.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { CircuitBreaker, Guard } from "../../src/access/circuit-breaker.ts"
import { ProviderFailed } from "../../src/access/provider.ts"

const broken = Effect.fail(new ProviderFailed({ provider: "x", reasonCode: 0x88, why: "broken" }))
const codeOf = (asked: Effect.Effect<unknown, ProviderFailed>): Effect.Effect<number> =>
  Effect.match(asked, { onSuccess: () => 0, onFailure: ({ reasonCode }) => reasonCode })

class Clock {
  nowMs = 0
  readonly breaker = new CircuitBreaker({ failuresMax: 3, pauseMs: 100, loopClockMs: () => this.nowMs })
}

describe("the breaker", () => {
  it("opens after so many failures in a row, and not after as many with an answer between", () => {
    const { breaker } = new Clock()
    for (const act of ["failed", "failed", "succeeded", "failed", "failed"] as const) breaker[act]()
    assert.isTrue(breaker.admits())
    breaker.failed()
    assert.isFalse(breaker.admits())
  })

  it("lets one try when the pause is over; its answer closes, its failure begins the next pause", () => {
    const clock = new Clock()
    const { breaker } = clock
    for (let i = 0; i < 3; i++) breaker.failed()
    clock.nowMs = 100
    assert.deepEqual([breaker.admits(), breaker.admits(), breaker.isPausing], [true, false, true])
    breaker.failed()
    clock.nowMs = 199
    assert.isFalse(breaker.admits())
    clock.nowMs = 200
    assert.isTrue(breaker.admits())
    breaker.succeeded()
    assert.deepEqual([breaker.admits(), breaker.admits()], [true, true])
  })
})

describe("the guard", () => {
  const guardOf = (more: Partial<ConstructorParameters<typeof Guard>[0]> = {}) =>
    new Guard({ name: "x", inFlightMax: 1, waitingMax: 1, timeoutMs: 1000, ...more })

  it.effect("one at a time, one waits, the next is told that it is busy; places come back", () =>
    Effect.gen(function* () {
      const guard = guardOf()
      const gate = yield* Deferred.make<void>()
      let most = 0
      let now = 0
      const question = Effect.acquireUseRelease(
        Effect.sync(() => {
          most = Math.max(most, ++now)
        }),
        () => Deferred.await(gate),
        () => Effect.sync(() => void now--)
      )
      const first = yield* Effect.forkChild(codeOf(guard.run(question)))
      const second = yield* Effect.forkChild(codeOf(guard.run(question)))
      yield* Effect.yieldNow
      assert.strictEqual(yield* codeOf(guard.run(question)), 0x89)
      yield* Deferred.succeed(gate, undefined)
      assert.deepEqual([yield* Fiber.join(first), yield* Fiber.join(second), most], [0, 0, 1])
      assert.strictEqual(yield* codeOf(guard.run(question)), 0)
    })
  )

  it.effect("no answer in time is a failure, counts for the breaker, and gives the place back", () =>
    Effect.gen(function* () {
      const breaker = new CircuitBreaker({ failuresMax: 2, pauseMs: 100, loopClockMs: () => 0 })
      const guard = guardOf({ breaker })
      for (let i = 0; i < 2; i++) {
        const asked = yield* Effect.forkChild(codeOf(guard.run(Effect.never)))
        yield* Effect.yieldNow
        yield* TestClock.adjust(1000)
        assert.strictEqual(yield* Fiber.join(asked), 0x88)
      }
      let wasAsked = false
      assert.strictEqual(yield* codeOf(guard.run(Effect.sync(() => void (wasAsked = true)))), 0x88)
      assert.isFalse(wasAsked, "the open breaker asks nobody")
    })
  )

  it.effect("while it is open nobody waits for a place", () =>
    Effect.gen(function* () {
      const breaker = new CircuitBreaker({ failuresMax: 1, pauseMs: 100, loopClockMs: () => 0 })
      const guard = guardOf({ breaker, waitingMax: 5 })
      const slow = yield* Effect.forkChild(codeOf(guard.run(Effect.never)))
      yield* Effect.yieldNow
      breaker.failed()
      assert.strictEqual(yield* codeOf(guard.run(Effect.void)), 0x88)
      yield* Fiber.interrupt(slow)
    })
  )

  it.effect("failures pass through, as they are", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* codeOf(guardOf().run(broken)), 0x88)
    })
  )
})
