/**
 * The declaration as a whole: names are unique, and each entry is complete. That every key and flag of the seed is among
 * them: test/parity.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { environmentName, leafByKey, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import { ValueRefused } from "../../src/settings/setting-fault.ts"
import { defaultSettings, type Settings, settingsSchema } from "../../src/settings/settings.ts"

const duplicates = (names: ReadonlyArray<string>) => names.filter((name, index) => names.indexOf(name) !== index)

describe("the declaration", () => {
  it("names no two things alike", () => {
    assert.deepStrictEqual(duplicates(settingsLeaves.flatMap((leaf) => [leaf.key, ...leaf.aliases])), [])
    assert.deepStrictEqual(duplicates(settingsLeaves.map((leaf) => leaf.flag)), [])
    const variables = settingsLeaves.map((leaf) => leaf.env)
    assert.deepStrictEqual(duplicates(variables), [])
    // NAME_FILE reads the value of NAME from a file, so it must not be a variable of its own.
    assert.deepStrictEqual(
      variables.filter((name) => variables.includes(`${name}_FILE`)),
      []
    )
  })

  it("lets an alias share a variable only with its own key", () => {
    for (const leaf of settingsLeaves) {
      for (const alias of leaf.aliases) {
        const owner = settingsLeaves.find((other) => other.env === environmentName(alias))
        assert.isTrue(owner === undefined || owner === leaf, alias)
      }
    }
  })

  it("derives names from the key", () => {
    const leaf = leafByKey.get("storage.wal.sync-mode")
    assert.strictEqual(leaf?.flag, "wal-sync-mode")
    assert.strictEqual(leaf?.env, "PROMPTMQ_STORAGE_WAL_SYNC_MODE")
    assert.deepStrictEqual(leaf?.path, ["storage", "wal", "sync-mode"])
    assert.deepStrictEqual(leaf?.field, ["storage", "wal", "syncMode"])
    assert.strictEqual(leafByKey.get("mqtt.receive-maximum")?.flag, "mqtt-receive-maximum")
  })

  for (const leaf of settingsLeaves) {
    it(`${leaf.key} is complete`, () => {
      assert.match(leaf.summary, /^[A-Z].*\.$/s)
      assert.match(leaf.flag, /^[a-z][a-z0-9-]*$/)
      if (leaf.kind === "integer" || leaf.kind === "duration" || leaf.kind === "size") {
        const { minimum = Number.NaN, maximum = Number.NaN } = leaf
        assert.isTrue(Number.isSafeInteger(minimum) && Number.isSafeInteger(maximum) && minimum < maximum)
      }
      if (leaf.kind === "choice") assert.isAtLeast(leaf.choices?.length ?? 0, 2)
      const decoded = leaf.spec.decode(leaf.fallback)
      assert.isFalse(decoded instanceof ValueRefused, "its own default must be legal")
      assert.deepStrictEqual(settingValue(defaultSettings, leaf), decoded)
    })
  }

  it("decodes defaults with units applied", () => {
    const { server, mqtt, storage, auth } = defaultSettings
    assert.deepStrictEqual(server.bind, [{ host: "127.0.0.1", port: 1883 }])
    assert.strictEqual(server.readTimeoutMs, 30_000)
    assert.strictEqual(server.maxOutgoingBytes, 4_194_304)
    assert.strictEqual(mqtt.maxPacketSizeBytes, 2_097_152)
    assert.strictEqual(mqtt.sessionExpirySecondsMax, 604_800)
    assert.strictEqual(storage.memoryBufferBytes, 268_435_456)
    assert.strictEqual(storage.compaction.maxMessageAgeMs, 7_200_000)
    assert.isUndefined(auth.allowAnonymous)
  })

  it("decodes a document as written, and encodes it back to one that means the same", () => {
    const schema = settingsSchema as Schema.Codec<Settings, unknown>
    const settings = Schema.decodeUnknownSync(schema)({
      mqtt: { "max-packet-size": "1MiB" },
      storage: { wal: { "sync-interval": "2s" } }
    })
    assert.strictEqual(settings.mqtt.maxPacketSizeBytes, 1_048_576)
    assert.strictEqual(settings.storage.wal.syncIntervalMs, 2000)
    const document = Schema.encodeSync(schema)(settings)
    assert.deepStrictEqual(Schema.decodeUnknownSync(schema)(document), settings)
  })

  it("carries the fault of a bad value in the issue's message", () => {
    const schema = settingsSchema as Schema.Codec<Settings, unknown>
    assert.throws(() => Schema.decodeUnknownSync(schema)({ mqtt: { "max-qos": 3 } }), /3 is above the maximum 2/)
  })
})
