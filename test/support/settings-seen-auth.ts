/**
 * What is seen of each setting of `auth` that is about passwords and about the chain as a whole. One row per key. Keys of
 * the other providers: their own tests, with their own servers (settings-seen-later.ts).
 */
import * as crypto from "node:crypto"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { derive, formatPasswordHash, newRecipe } from "../../src/access/password-hash.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import type { WholeBroker } from "./whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-auth-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const lineOf = (username: string, password: string): string => {
  const recipe = newRecipe("argon2id", crypto.randomBytes(16))
  return `${username}:${formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from(password), recipe) })}\n`
}
const fileWith = (name: string, ...lines: ReadonlyArray<string>): string => {
  const file = join(folder, name)
  writeFileSync(file, lines.join(""))
  chmodSync(file, 0o600)
  return file
}
const users = fileWith("users", lineOf("alice", "wonderland"))
const asking = (auth: SettingsInput["auth"] = {}): SettingsInput => ({
  auth: { chain: ["password-file"], "password-file": users, ...auth }
})
const codeOf = async (broker: WholeBroker, username: string, password: string): Promise<number | undefined> => {
  const client = await broker.dial(5)
  const { reasonCode } = await client.connect("c", { username, password: Buffer.from(password) })
  client.wire.destroy()
  return reasonCode
}
/** Codes of many at once, each with a client identifier and a password of its own. */
const codesOf = async (broker: WholeBroker, count: number): Promise<ReadonlyArray<number | undefined>> => {
  const clients = await Promise.all(Array.from({ length: count }, () => broker.dial(5)))
  const answers = await Promise.all(
    clients.map((client, index) =>
      client.connect(`c${index}`, { username: "alice", password: Buffer.from(`wrong-${index}`) })
    )
  )
  for (const client of clients) client.wire.destroy()
  return answers.map(({ reasonCode }) => reasonCode)
}

const admin = { enabled: true, bind: "127.0.0.1:0", "token-file": join(folder, "token") }
const addUser = async ({ running }: WholeBroker, name: string) => {
  const answer = await fetch(`http://127.0.0.1:${running.admin?.port}/api/v1/users/${name}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${readFileSync(admin["token-file"], "utf8").trim()}` },
    body: JSON.stringify({ password: "password" })
  })
  return { status: answer.status, body: (await answer.json()) as { readonly hash?: string } }
}
/** The second of two equal logins computed no hash. */
const isRemembered = async (broker: WholeBroker, password: string): Promise<boolean> => {
  const { chain } = broker.running.access
  assert.deepEqual(chain, ["password-file"])
  const hashesBefore = broker.running.access.hashed()
  await codeOf(broker, "alice", password)
  const hashesOnce = broker.running.access.hashed()
  assert.strictEqual(hashesOnce - hashesBefore, 1)
  await codeOf(broker, "alice", password)
  return broker.running.access.hashed() === hashesOnce
}

export const seenByAuth: Readonly<Record<string, Seen>> = {
  "auth.chain": {
    settings: asking(),
    see: async (broker) => {
      assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0)
      assert.strictEqual(await codeOf(broker, "alice", "wrong"), 0x86)
    }
  },
  "auth.fall-through": {
    settings: {
      ...asking({ chain: ["password-file", "user-database"], "fall-through": ["password-file"] }),
      admin,
      storage: { "data-dir": join(folder, "falling") }
    },
    see: async (broker) => {
      assert.strictEqual((await addUser(broker, "alice")).status, 200)
      assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0)
      assert.strictEqual(await codeOf(broker, "alice", "password"), 0)
      assert.strictEqual(await codeOf(broker, "alice", "neither"), 0x86)
    }
  },
  "auth.password-file": {
    settings: asking({ "password-file": fileWith("others", lineOf("bob", "builder")) }),
    see: async (broker) => {
      assert.strictEqual(await codeOf(broker, "bob", "builder"), 0)
      assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0x86)
    }
  },
  "auth.password-hash": {
    settings: {
      auth: { chain: ["user-database"], "password-hash": "scrypt" },
      admin,
      storage: { "data-dir": join(folder, "kind") }
    },
    see: async (broker) => assert.strictEqual((await addUser(broker, "alice")).body.hash, "scrypt")
  },
  "auth.hash-workers": {
    settings: asking({ "hash-workers": 1, "hash-queue": 1 }),
    see: async (broker) => {
      // One is computed, one waits, all others are told to come again.
      const codes = await codesOf(broker, 8)
      assert.isAtLeast(codes.filter((code) => code === 0x89).length, 4)
    }
  },
  "auth.hash-queue": {
    settings: asking({ "hash-queue": 3, "hash-workers": 1 }),
    see: async (broker) => {
      const codes = await codesOf(broker, 16)
      const answered = codes.filter((code) => code === 0x86).length
      assert.isAtLeast(answered, 4)
      assert.isAtLeast(codes.filter((code) => code === 0x89).length, 1)
      assert.strictEqual(answered + codes.filter((code) => code === 0x89).length, 16)
    }
  },
  "auth.max-database-users": {
    settings: {
      auth: { chain: ["user-database"], "max-database-users": 1 },
      admin,
      storage: { "data-dir": join(folder, "few") }
    },
    see: async (broker) => {
      assert.strictEqual((await addUser(broker, "alice")).status, 200)
      assert.strictEqual((await addUser(broker, "bob")).status, 409)
    }
  },
  "auth.cache.max-entries": {
    settings: asking({ cache: { "max-entries": 0 } }),
    see: async (broker) => assert.isFalse(await isRemembered(broker, "wonderland"))
  },
  "auth.cache.ttl": {
    settings: asking({ cache: { ttl: "0s" } }),
    see: async (broker) => {
      assert.isFalse(await isRemembered(broker, "wonderland"))
      assert.isTrue(await isRemembered(broker, "wrong"))
    }
  },
  "auth.cache.denied-ttl": {
    settings: asking({ cache: { "denied-ttl": "0s" } }),
    see: async (broker) => {
      assert.isFalse(await isRemembered(broker, "wrong"))
      assert.isTrue(await isRemembered(broker, "wonderland"))
    }
  }
}
