/**
 * The declaration as a whole: every key and flag of the seeds exists, names are unique, and each entry is
 * complete. The lists of the seed stand here once more on purpose: they are the contract.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { environmentName, leafByKey, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import { ValueRefused } from "../../src/settings/setting-fault.ts"
import { defaultSettings, type Settings, settingsSchema } from "../../src/settings/settings.ts"

const seedKeys = `log.level log.format
server.bind server.ws-bind server.tls server.tls-cert server.tls-key server.read-buffer server.write-buffer
server.read-timeout server.write-timeout server.daemon server.pid-file
mqtt.max-packet-size mqtt.max-client-id-len mqtt.max-topic-len mqtt.max-qos mqtt.keep-alive mqtt.max-inflight
mqtt.max-connections mqtt.retain-available mqtt.wildcard-available mqtt.shared-sub-available
storage.data-dir storage.wal-dir storage.memory-buffer storage.wal-sync-interval storage.wal-no-sync
storage.wal.sync-mode storage.wal.sync-interval storage.wal.batch-sync-size storage.wal.force-fsync
storage.wal.crash-recovery-validation
storage.compaction.max-message-age storage.compaction.max-wal-size storage.compaction.check-interval
storage.compaction.concurrent-workers storage.compaction.batch-size
cluster.enabled cluster.bind cluster.peers cluster.node-id metrics.enabled metrics.bind metrics.path`.split(/\s+/)

const seedFlags = `log-level log-format bind ws-bind tls tls-cert tls-key data-dir wal-dir memory-buffer
wal-sync-interval wal-no-sync wal-sync-mode max-packet-size max-client-id-len max-topic-len max-qos keep-alive
max-inflight retain-available wildcard-available shared-sub-available max-connections read-buffer write-buffer
read-timeout write-timeout cluster cluster-bind cluster-peers node-id metrics metrics-bind metrics-path daemon
pid-file`.split(/\s+/)

const spelled = new Set(settingsLeaves.flatMap((leaf) => [leaf.key, ...leaf.aliases]))

const duplicates = (names: ReadonlyArray<string>) => names.filter((name, index) => names.indexOf(name) !== index)

describe("the declaration", () => {
  it("has every key of the seed", () =>
    assert.deepStrictEqual(
      seedKeys.filter((key) => !spelled.has(key)),
      []
    ))

  it("has every flag of the seed, and more than forty", () => {
    const flags = settingsLeaves.map((leaf) => leaf.flag)
    assert.deepStrictEqual(
      seedFlags.filter((flag) => !flags.includes(flag)),
      []
    )
    assert.isAtLeast(flags.length, 40)
  })

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
