/**
 * The providers that keep passwords pass the contract of all providers.
 */

import * as crypto from "node:crypto"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { makeProvider as makePasswordFile } from "../../src/access/password-file-provider.ts"
import { derive, formatPasswordHash, newRecipe } from "../../src/access/password-hash.ts"
import { openUserDatabase } from "../../src/access/user-database.ts"
import { makeProvider as makeUserDatabase } from "../../src/access/user-database-provider.ts"
import { providerContract, withPassword } from "../contract/provider.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-providers-"))
const scope = Scope.makeUnsafe()
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
})

const password = "correct horse"
const recipe = newRecipe("argon2id", crypto.randomBytes(16))
const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from(password), recipe) })
const common = {
  good: withPassword("alice", password),
  username: "alice",
  bad: withPassword("alice", "battery staple"),
  foreign: withPassword("nobody", "battery staple"),
  secrets: [password, "battery staple", hash, hash.slice(-20)]
}

providerContract("password-file", () => {
  const file = join(folder, "passwords")
  writeFileSync(file, `alice:${hash}\n`, { mode: 0o600 })
  chmodSync(file, 0o600)
  return {
    ...common,
    make: makePasswordFile,
    settings: { auth: { chain: ["password-file"], "password-file": file } },
    unusable: { auth: { chain: ["password-file"], "password-file": join(folder, "none") } },
    breakSource: () => writeFileSync(file, "alice\n")
  }
})

providerContract("user-database", async () => {
  const opening = openUserDatabase({ directory: join(folder, "users"), onDamage: () => {} })
  const users = await Effect.runPromise(Effect.provideService(opening, Scope.Scope, scope))
  await users.put({ version: 1, username: "alice", hash, createdAtMs: 1, changedAtMs: 1 })
  return {
    ...common,
    make: makeUserDatabase,
    settings: { auth: { chain: ["user-database"] } },
    context: { users },
    // test/access/user-database.test.ts: a folder that cannot be opened.
    unusable: undefined
  }
})
