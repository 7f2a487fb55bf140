/**
 * The user database: what cannot be opened is refused with a way out, a damaged value is a user who cannot log in.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { open } from "lmdb"
import { ProviderRefused } from "../../src/access/providers.ts"
import { openUserDatabase } from "../../src/access/user-database.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-user-database-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
const userNamed = (username: string) => ({ version: 1 as const, username, hash, createdAtMs: 1, changedAtMs: 2 })

describe("the user database", () => {
  it.live("a folder that cannot be one is refused", () =>
    Effect.gen(function* () {
      const directory = join(folder, "file")
      writeFileSync(directory, "")
      const error = yield* Effect.flip(openUserDatabase({ directory, onDamage: () => {} }))
      assert.instanceOf(error, ProviderRefused)
      assert.strictEqual(error.problems[0]?.code, "E3513")
    })
  )

  it.live("names that mean something to file systems and to order are names like all others", () =>
    Effect.gen(function* () {
      const users = yield* openUserDatabase({ directory: join(folder, "names"), onDamage: () => {} })
      const names = ["../x", "a\0b", "é", "e\u0301", "A", "a", "x".repeat(60_000)]
      for (const name of names) yield* Effect.promise(() => users.put(userNamed(name)))
      assert.strictEqual(users.count(), names.length)
      for (const name of names) assert.strictEqual(users.find(name)?.stored.username, name)
      assert.isUndefined(users.find("b"))
      assert.isDefined(users.anyRecipe(0))
      assert.deepEqual(users.anyRecipe(0xffff_ffff)?.kind, "argon2id")
      assert.strictEqual(statSync(join(folder, "names", "data.mdb")).mode & 0o777, 0o600)
    })
  )

  it.live("a value that is damaged is told, and opens nothing", () =>
    Effect.gen(function* () {
      const directory = join(folder, "damaged")
      yield* Effect.scoped(
        Effect.flatMap(openUserDatabase({ directory, onDamage: () => {} }), (users) =>
          Effect.promise(() => users.put(userNamed("alice")))
        )
      )
      yield* Effect.promise(async () => {
        const raw = open<string, Buffer>({ path: directory, keyEncoding: "binary", encoding: "string" })
        for (const { key, value } of raw.getRange({}))
          await raw.put(Buffer.from(key), value.replace("argon2id", "none"))
        await raw.close()
      })
      const told: Array<string> = []
      const users = yield* openUserDatabase({ directory, onDamage: (what) => void told.push(what) })
      assert.isUndefined(users.find("alice"))
      assert.strictEqual(told.length, 1)
      assert.deepEqual(users.page(undefined, 10), [])
    })
  )
})
