/** What is saved beside the store: at once, again and again, one at a time, and a last time at the stop. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { keepSaving } from "../../src/broker/keep-saving.ts"

const EVERY_MS = 1000
/** Promises that are settled have told whoever waits for them. */
const toldEverybody = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

describe("what is kept beside the store", () => {
  it.effect("is saved at once, and again after each pause", () =>
    Effect.gen(function* () {
      let saves = 0
      yield* keepSaving("it", EVERY_MS, async () => void saves++)
      yield* toldEverybody
      for (let expected = 1; expected < 5; expected++) {
        assert.strictEqual(saves, expected)
        yield* TestClock.adjust(EVERY_MS)
        yield* toldEverybody
      }
    })
  )

  it.effect("is saved a last time at the stop, after the save that is under way", () =>
    Effect.gen(function* () {
      const steps: Array<string> = []
      const gate = Promise.withResolvers<void>()
      const save = async () => {
        steps.push("begins")
        await gate.promise
        steps.push("ends")
      }
      const scope = yield* Scope.make()
      yield* Scope.provide(keepSaving("it", EVERY_MS, save), scope)
      yield* toldEverybody
      const stopping = Effect.runPromise(Scope.close(scope, Exit.void))
      yield* toldEverybody
      assert.deepEqual(steps, ["begins"])
      gate.resolve()
      yield* Effect.promise(() => stopping)
      assert.deepEqual(steps, ["begins", "ends", "begins", "ends"])
    })
  )
})
