/**
 * Every configuration key of the original's documents and source: the tree of its documents, the spellings of its source
 * where they differ (A9, weakness 11), and those of its SQLite days (A14).
 *
 * `default` is the original's, as a document would write it; `because` says why ours is another one.
 * `example` is a value that is not our default, to see that the key does something.
 */
import { alias, type Here, notTaken, same } from "./row.ts"

export interface KeyRow {
  readonly key: string
  readonly from: string
  readonly here: Here
  readonly default?: string
  readonly because?: string
  readonly example: string
  /** Further lines that go with the example. */
  readonly beside?: string
  /** The example is understood, and refused with this code and these words. */
  readonly refused?: readonly [code: string, words: RegExp]
}

const key = (name: string, from: string, seedDefault: string, example: string, more: Partial<KeyRow> = {}): KeyRow => ({
  key: name,
  from,
  here: same,
  default: seedDefault,
  example,
  ...more
})
const spelled = (name: string, from: string, of: string, example: string, more: Partial<KeyRow> = {}): KeyRow => ({
  key: name,
  from,
  here: alias(of),
  example,
  ...more
})
const gone = (name: string, example: string, because: string): KeyRow => ({
  key: name,
  from: "A14",
  here: notTaken(because),
  example
})

const loopback = "everything is on loopback until somebody decides otherwise"
const noCluster = ["E3402", /cannot join a cluster/] as const
const oneStore = "there is no SQLite engine; the error names the key that answers the same question here"

export const keyRows: ReadonlyArray<KeyRow> = [
  key("log.level", "A19", "info", "debug"),
  key("log.format", "A19", "json", "text", { because: "auto: json where it is no terminal" }),
  key("server.bind", "A3", "0.0.0.0:1883", "127.0.0.1:1999", { because: loopback }),
  key("server.ws-bind", "A3", "0.0.0.0:8080", '""', { because: loopback }),
  key("server.tls", "A4", "false", "true", {
    refused: ["E3201", /TLS needs tls-cert and tls-key/]
  }),
  key("server.tls-cert", "A4", '""', "chain.pem"),
  key("server.tls-key", "A4", '""', "key.pem"),
  key("server.read-buffer", "A6", "4096", "8192", { because: "the run time reads up to 64 KiB at once" }),
  key("server.write-buffer", "A6", "4096", "8192", { because: "larger writes cost fewer system calls" }),
  key("server.read-timeout", "A6", "30s", "20s"),
  key("server.write-timeout", "A6", "30s", "20s"),
  key("server.daemon", "A21", "false", "true"),
  key("server.pid-file", "A21", '""', "/run/promptmq.pid"),
  key("mqtt.max-packet-size", "A5", "65535", "1MiB", { because: "a 16-bit limit made MQTT's 256 MiB impossible" }),
  key("mqtt.max-client-id-len", "A5", "65535", "23"),
  key("mqtt.max-topic-len", "A5", "65535", "100"),
  key("mqtt.max-qos", "A5", "2", "1"),
  key("mqtt.keep-alive", "A5", "60", "30"),
  key("mqtt.max-inflight", "A5", "20", "50"),
  key("mqtt.max-connections", "A5", "10000", "50000"),
  key("mqtt.retain-available", "A5", "true", "false"),
  key("mqtt.wildcard-available", "A5", "true", "false"),
  key("mqtt.shared-sub-available", "A5", "true", "false"),
  key("storage.data-dir", "A20", "./data", "/tmp/elsewhere", {
    because: "the user's state folder, wherever it is started"
  }),
  key("storage.wal-dir", "A20", "./wal", "/tmp/elsewhere", { because: "below the data folder" }),
  key("storage.memory-buffer", "A8", "268435456", "1048576"),
  spelled("storage.wal-sync-interval", "A9", "storage.wal.sync-interval", "50ms"),
  spelled("storage.wal-no-sync", "A9", "storage.wal.no-sync", "true"),
  key("storage.wal.sync-mode", "A9", "periodic", "batch", {
    because: "an acknowledgement is a promise: nothing acknowledged is lost unless somebody asks for speed instead"
  }),
  key("storage.wal.sync-interval", "A9", "100ms", "1s"),
  key("storage.wal.batch-sync-size", "A9", "100", "50"),
  key("storage.wal.force-fsync", "A9", "false", "true"),
  key("storage.wal.crash-recovery-validation", "A9", "false", "true"),
  key("storage.compaction.max-message-age", "A10", "2h", "24h"),
  key("storage.compaction.max-wal-size", "A10", "104857600", "50MiB"),
  key("storage.compaction.check-interval", "A10", "5m", "1m"),
  key("storage.compaction.concurrent-workers", "A10", "2", "4", {
    because: "one log instead of one per topic: one file at a time keeps commits fast"
  }),
  key("storage.compaction.batch-size", "A10", "1000", "500"),
  key("cluster.enabled", "A22", "false", "true", { refused: noCluster }),
  key("cluster.bind", "A22", "0.0.0.0:7946", "127.0.0.1:7000", { because: loopback }),
  key("cluster.peers", "A22", "[]", "[node-2:7946]"),
  key("cluster.node-id", "A22", '""', "node-1"),
  key("metrics.enabled", "A15", "true", "false"),
  key("metrics.bind", "A15", "0.0.0.0:9090", "127.0.0.1:9191", { because: `with the admin listener; ${loopback}` }),
  key("metrics.path", "A15", "/metrics", "/figures"),
  spelled("cluster.cluster", "weakness 11", "cluster.enabled", "true", { refused: noCluster }),
  spelled("cluster.cluster-bind", "weakness 11", "cluster.bind", "127.0.0.1:7000"),
  spelled("metrics.metrics", "weakness 11", "metrics.enabled", "false"),
  spelled("metrics.metrics-bind", "weakness 11", "metrics.bind", "127.0.0.1:9191"),
  spelled("metrics.metrics-path", "weakness 11", "metrics.path", "/figures"),
  spelled("storage.cleanup.max-message-age", "A14", "storage.compaction.max-message-age", "24h"),
  spelled("storage.cleanup.check-interval", "A14", "storage.compaction.check-interval", "1h"),
  spelled("storage.cleanup.batch-size", "A14", "storage.compaction.batch-size", "500"),
  gone("storage.sqlite.cache-size", "50000", `${oneStore}: storage.memory-buffer`),
  gone("storage.sqlite.temp-store", "MEMORY", "nothing is sorted in temporary tables"),
  gone("storage.sqlite.mmap-size", "268435456", `${oneStore}: storage.memory-buffer`),
  gone("storage.sqlite.busy-timeout", "30000", "one process owns the store, so nobody waits for a lock"),
  gone("storage.sqlite.synchronous", "NORMAL", `${oneStore}: storage.wal.sync-mode`),
  gone("storage.sqlite.journal-mode", "WAL", `${oneStore}: storage.engine`),
  gone("storage.sqlite.foreign-keys", "true", "there are no tables")
]

/** What the original's validation said, and what says it here. */
export const validationRules: ReadonlyArray<readonly [rule: string, document: string, code: string, key: string]> = [
  ["max-qos <= 2", "mqtt: { max-qos: 3 }", "E3105", "mqtt.max-qos"],
  ["memory-buffer >= 1048576", "storage: { memory-buffer: 1048575 }", "E3105", "storage.memory-buffer"],
  ["tls needs a certificate", "server: { tls: true, tls-key: k.pem }", "E3201", "server.tls"],
  ["tls needs a key", "server: { tls: true, tls-cert: c.pem }", "E3201", "server.tls"],
  ["sync-mode is one of three", "storage: { wal: { sync-mode: sometimes } }", "E3107", "storage.wal.sync-mode"],
  [
    "batch-sync-size > 0 in batch mode",
    "storage: { wal: { sync-mode: batch, batch-sync-size: 0 } }",
    "E3105",
    "storage.wal.batch-sync-size"
  ],
  [
    "sync-interval > 0 in periodic mode",
    "storage: { wal: { sync-mode: periodic, sync-interval: 0 } }",
    "E3105",
    "storage.wal.sync-interval"
  ]
]
