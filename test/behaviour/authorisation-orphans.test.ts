/**
 * Goal: a will that a crash left behind without its session is judged like every other: by the rules of now, at publish
 * (security.md, row 22), and it stays its user's: nobody else's CONNECT may take it away (row 37).
 * Method: a whole broker with the durable store; its folder is copied while it runs, as a power cut would leave it, and
 * a second broker starts on the copy, with other rules.
 */
import * as crypto from "node:crypto"
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { derive, formatPasswordHash, newRecipe } from "../../src/access/password-hash.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-orphans-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const recipe = newRecipe("argon2id", crypto.randomBytes(16))
const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from("secret"), recipe) })
const passwords = join(folder, "passwords")
writeFileSync(passwords, `alice:${hash}\nmallory:${hash}\n`, { mode: 0o600 })
const as = (username: string) => ({ username, password: Buffer.from("secret") })

const open = "rules: [{ effect: allow, topics: '#' }]\n"
const withoutWills = "rules: [{ effect: deny, actions: will, topics: will/denied }, { effect: allow, topics: '#' }]\n"

const settings = (name: string, rules: string): SettingsInput => {
  writeFileSync(join(folder, `${name}.yaml`), rules)
  return {
    storage: { engine: "wal", "data-dir": join(folder, name) },
    acl: { "rules-file": join(folder, `${name}.yaml`) },
    auth: { chain: ["password-file"], "password-file": passwords, "allow-anonymous": true }
  }
}

/** Wills of clients whose sessions end with their connections, and a broker that is no more. */
const crash = async (name: string, rules: string, delaySeconds: number): Promise<WholeBroker> => {
  await using before = await startWhole(settings(`${name}-before`, open))
  for (const topic of ["denied", "allowed"]) {
    const properties = { willDelayInterval: delaySeconds }
    const will = { topic: `will/${topic}`, payload: Buffer.from(topic), qos: 1, retain: true, properties } as const
    const connectProperties = { sessionExpiryInterval: 0 }
    await before.join(topic, { ...as("alice"), will, properties: connectProperties })
  }
  // The log is one: what came before an acknowledged message is on the disk.
  await (await before.join("other")).publish("t", "x", { qos: 1, retain: true })
  const isLock = (path: string) => path.endsWith("LOCK")
  const copied = { recursive: true, filter: (path: string) => !isLock(path) }
  cpSync(join(folder, `${name}-before`), join(folder, `${name}-after`), copied)
  return startWhole(settings(`${name}-after`, rules))
}

describe("a will that a crash left behind", () => {
  it("[attack: a will that outlives its right] is kept back when the rules have changed since", async () => {
    await using broker = await crash("rules", withoutWills, 0)
    const reader = await broker.join("reader")
    await reader.subscribe("will/#", 1)
    const message = await reader.message()
    assert.strictEqual(message.topic, "will/allowed")
    await reader.quiet()
    assert.isUndefined(broker.drops["no-subscriber"])
    assert.strictEqual(broker.drops["not-authorized"], 1)
  })

  it("[attack: taking another user's will away] stays while somebody else asks for its client identifier", async () => {
    await using broker = await crash("owner", open, 3600)
    const thief = await broker.dial()
    assert.strictEqual((await thief.connect("denied", as("mallory"))).reasonCode, 0x87)
    const anonymous = await broker.dial()
    assert.strictEqual((await anonymous.connect("denied")).reasonCode, 0x87)
    const owner = await broker.join("allowed", as("alice"))
    await owner.leave()
    const reader = await broker.join("reader")
    await reader.subscribe("will/#", 1)
    await reader.quiet()
    assert.deepEqual(
      broker.core.counters
        .samples()
        .filter(({ family }) => family === "promptmq_wills_total")
        .map(({ labels, value }) => [labels["event"], value]),
      [
        ["published", 0],
        ["cancelled", 1]
      ]
    )
  })
})
