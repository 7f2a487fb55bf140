/**
 * What is seen of each setting of `acl`: what clients may do, and what the broker remembers of it. One row per key.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import type { WholeBroker } from "./whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-acl-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const fileOf = (name: string, ...rules: ReadonlyArray<object>): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify({ rules }))
  return path
}

type Acl = NonNullable<SettingsInput["acl"]>

/** A publisher on 100 topics under rules that ask. */
const rulesAsked = (name: string, acl: Acl, see: (broker: WholeBroker) => void): Seen => ({
  settings: { acl: { "rules-file": fileOf(name, { effect: "allow" }), ...acl } },
  see: async (broker) => {
    const client = await broker.join("client")
    for (let i = 0; i < 500; i++) await client.publish(`t/${i}`, "x")
    await client.quiet()
    see(broker)
  }
})

const slotBytes = 8

export const seenByAcl: Readonly<Record<string, Seen>> = {
  "acl.rules-file": {
    settings: { acl: { "rules-file": fileOf("file", { effect: "allow", topics: "a" }) } },
    see: async (broker) => {
      const client = await broker.join("client")
      assert.strictEqual(await client.subscribe("a", 1), 1)
      assert.strictEqual(await client.subscribe("b", 1), 0x87)
    }
  },
  "acl.no-match": {
    settings: { acl: { "no-match": "allow", "rules-file": fileOf("no-match", { effect: "deny", topics: "a" }) } },
    see: async (broker) => {
      const client = await broker.join("client")
      assert.strictEqual(await client.subscribe("a", 1), 0x87)
      assert.strictEqual(await client.subscribe("b", 1), 1)
    }
  },
  "acl.check-retained-source": {
    settings: { acl: { "check-retained-source": false, "rules-file": fileOf("source", { effect: "allow" }) } },
    see: async (broker) => {
      const writer = await broker.join("writer")
      await writer.publish("t", "kept", { qos: 1, retain: true })
      fileOf("source", { effect: "deny", "client-ids": "writer" }, { effect: "allow" })
      assert.deepEqual(await Effect.runPromise(broker.running.access.reload), [])
      assert.strictEqual(await writer.publish("t", "no", { qos: 1, retain: true }), 0x87)
      const reader = await broker.join("reader")
      await reader.subscribe("t")
      assert.deepEqual(await reader.payloads(1), ["kept"])
    }
  },
  "acl.max-cached-topics": rulesAsked("topics", { "max-cached-topics": 64 }, ({ core }) =>
    assert.strictEqual(core.verdictBytes, 64 * slotBytes)
  ),
  "acl.max-cache-memory": rulesAsked("memory", { "max-cache-memory": "64KiB" }, ({ core }) =>
    assert.isAtMost(core.verdictBytes, 65_536)
  )
}
