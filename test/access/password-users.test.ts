/**
 * Names nobody has cost what known ones cost, and every way that is not the right password is a no.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ConnectRequest } from "../../src/access/access.ts"
import { HashUnavailable, type HashWorkers } from "../../src/access/hash-workers.ts"
import type { HashRecipe } from "../../src/access/password-hash.ts"
import { checkPassword, type PasswordUsers } from "../../src/access/password-users.ts"
import { request, withPassword } from "../contract/provider.ts"

const kinds: ReadonlyArray<HashRecipe> = [
  { kind: "argon2id", memoryKiB: 19_456, passes: 2, lanes: 1, salt: Buffer.alloc(16, 1), length: 32 },
  { kind: "pbkdf2-sha512", iterations: 101, salt: Buffer.alloc(12, 2), length: 64 }
]

class Recorder implements HashWorkers {
  readonly recipes: Array<HashRecipe> = []
  reason: "busy" | "died" | undefined
  /** The "hash" is the password with the salt behind it. */
  derive(password: Uint8Array, recipe: HashRecipe) {
    this.recipes.push(recipe)
    if (this.reason !== undefined) return Effect.fail(new HashUnavailable({ reason: this.reason, why: "no" }))
    return Effect.succeed(Buffer.concat([password, recipe.salt]))
  }
  waiting = () => 0
  running = () => 0
  asked = () => this.recipes.length
}

const usersWith = (recipes: ReadonlyArray<HashRecipe>) => {
  const hashes = new Recorder()
  const users: PasswordUsers = {
    provider: "test",
    find: (username) => {
      const recipe = recipes[["alice", "bob"].indexOf(username)]
      return recipe && { hash: { recipe, hash: Buffer.concat([Buffer.from("right"), recipe.salt]) }, groups: ["g"] }
    },
    anyRecipe: (number) => recipes[number % recipes.length],
    hashes,
    key: Buffer.alloc(32, 9)
  }
  const ask = (asked: ConnectRequest) => Effect.runPromise(Effect.result(checkPassword(users, asked)))
  return { hashes, ask }
}

describe("user names and passwords", () => {
  it("the right one, and only that", async () => {
    const { ask } = usersWith(kinds)
    const right = await ask(withPassword("alice", "right"))
    assert.strictEqual(right._tag === "Success" && right.success.kind, "allowed")
    for (const password of ["wrong", "", "righ", "rightt"]) {
      const answer = await ask(withPassword("alice", password))
      assert.strictEqual(answer._tag === "Success" && answer.success.kind, "denied", password)
    }
  })

  it("a name nobody has is hashed for like one that somebody has, the same way each time", async () => {
    const { ask, hashes } = usersWith(kinds)
    const names = Array.from({ length: 40 }, (_, index) => `nobody-${index}`)
    for (const name of names) {
      const answer = await ask(withPassword(name, "right"))
      assert.strictEqual(answer._tag === "Success" && answer.success.kind, "unknown")
    }
    const first = hashes.recipes.splice(0)
    assert.strictEqual(first.length, names.length)
    for (const name of names) await ask(withPassword(name, "wrong"))
    assert.deepEqual(hashes.recipes, first)
    assert.sameMembers([...new Set(first.map(({ kind }) => kind))], ["argon2id", "pbkdf2-sha512"])
    const salts = new Set(first.map(({ salt }) => Buffer.from(salt).toString("hex")))
    assert.strictEqual(salts.size, names.length)
    for (const { salt } of kinds) assert.isFalse(salts.has(Buffer.from(salt).toString("hex")))
  })

  it("with no user at all a password costs something as well", async () => {
    const { ask, hashes } = usersWith([])
    await ask(withPassword("alice", "right"))
    assert.strictEqual(hashes.recipes[0]?.kind, "argon2id")
  })

  it("a name without a password: denied where the name is known, not this provider's business where it is not", async () => {
    const { ask, hashes } = usersWith(kinds)
    const known = await ask(request({ username: "alice" }))
    assert.strictEqual(known._tag === "Success" && known.success.kind, "denied")
    const nobody = await ask(request({ username: "mallory" }))
    assert.strictEqual(nobody._tag === "Success" && nobody.success.kind, "unknown")
    assert.strictEqual(hashes.recipes.length, 0)
  })

  for (const [reason, code] of [
    ["busy", 0x89],
    ["died", 0x88]
  ] as const) {
    it(`a hash that cannot be had (${reason}) is a failure, for names nobody has too`, async () => {
      const { ask, hashes } = usersWith(kinds)
      hashes.reason = reason
      for (const name of ["alice", "nobody"]) {
        const answer = await ask(withPassword(name, "right"))
        assert.strictEqual(answer._tag === "Failure" && answer.failure.reasonCode, code)
      }
    })
  }
})
