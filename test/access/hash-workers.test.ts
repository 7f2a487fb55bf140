/**
 * Hashes in threads of their own: bounded, in order, failing closed.
 */
import * as crypto from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HashUnavailable, openHashWorkers } from "../../src/access/hash-workers.ts"
import { derive, type HashRecipe, newRecipe } from "../../src/access/password-hash.ts"

const salt = Buffer.alloc(16, 7)
const cheap: HashRecipe = { kind: "scrypt", costLog2: 4, blockSize: 8, lanes: 1, salt, length: 32 }
const password = Buffer.from("secret")

describe("hash workers", () => {
  it.live("every kind is what this thread would have computed", () =>
    Effect.gen(function* () {
      const workers = yield* openHashWorkers({ threads: 2, queueMax: 10 })
      const recipes: ReadonlyArray<HashRecipe> = [
        newRecipe("argon2id", salt),
        newRecipe("scrypt", salt),
        { kind: "pbkdf2-sha512", iterations: 101, salt, length: 64 },
        { kind: "pbkdf2-sha256", iterations: 4096, salt, length: 32 },
        { kind: "sha512", salt, length: 64 }
      ]
      for (const recipe of recipes) {
        const hash = yield* workers.derive(password, recipe)
        assert.deepEqual(Buffer.from(hash), Buffer.from(derive(crypto, password, recipe)), recipe.kind)
      }
      assert.strictEqual(String(password), "secret")
    })
  )

  it.live("no thread before there is work, never more than allowed, and a full queue is busy", () =>
    Effect.gen(function* () {
      const workers = yield* openHashWorkers({ threads: 2, queueMax: 3 })
      assert.strictEqual(workers.running(), 0)
      const exits = yield* Effect.all(
        Array.from({ length: 8 }, () => Effect.exit(workers.derive(password, newRecipe("argon2id", salt)))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(workers.running(), 2)
      assert.strictEqual(workers.waiting(), 0)
      const reasons = exits.map((exit) => (Exit.isSuccess(exit) ? "done" : "refused"))
      assert.deepEqual(reasons, [...Array(5).fill("done"), ...Array(3).fill("refused")])
      const error = yield* Effect.flip(Effect.all([exits[7] ?? Effect.void]))
      assert.instanceOf(error, HashUnavailable)
      assert.strictEqual((error as HashUnavailable).reason, "busy")
    })
  )

  it.live("what cannot be computed fails, and the thread goes on", () =>
    Effect.gen(function* () {
      const workers = yield* openHashWorkers({ threads: 1, queueMax: 3 })
      const impossible: HashRecipe = { kind: "pbkdf2-sha512", iterations: 0, salt, length: 64 }
      const failed = yield* Effect.flip(workers.derive(password, impossible))
      assert.strictEqual(failed.reason, "died")
      assert.strictEqual((yield* workers.derive(password, cheap)).length, 32)
      assert.strictEqual(workers.running(), 1)
    })
  )

  it.live("who has left the queue is not computed for", () =>
    Effect.gen(function* () {
      const workers = yield* openHashWorkers({ threads: 1, queueMax: 3 })
      const slow = workers.derive(password, newRecipe("argon2id", salt))
      const gone = workers.derive(password, cheap).pipe(Effect.timeoutOption(0))
      const [, outcome] = yield* Effect.all([slow, gone], { concurrency: "unbounded" })
      assert.strictEqual(outcome._tag, "None")
      assert.strictEqual(workers.waiting(), 0)
    })
  )

  it.live("the scope's end answers who waits", () =>
    Effect.gen(function* () {
      const derived = yield* Effect.scoped(
        Effect.map(openHashWorkers({ threads: 1, queueMax: 3 }), (workers) => workers.derive(password, cheap))
      )
      assert.strictEqual((yield* Effect.flip(derived)).reason, "died")
    })
  )
})
