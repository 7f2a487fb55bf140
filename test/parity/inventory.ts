/**
 * Every paragraph of the list of what the original had (A1 to A28) and the tests that show it from outside: over a socket,
 * HTTP, a process or a file. What is not taken says why.
 */
export interface InventoryRow {
  readonly item: string
  readonly what: string
  readonly tests: ReadonlyArray<string>
  /** The part that is not here. */
  readonly notTaken?: string
}

const row = (item: string, what: string, tests: string, missing?: string): InventoryRow => ({
  item,
  what,
  tests: tests.split(" ").map((name) => `test/${name}.test.ts`),
  ...(missing === undefined ? {} : { notTaken: missing })
})

export const inventory: ReadonlyArray<InventoryRow> = [
  row("A1", "MQTT 5.0, 3.1.1 and 3.1", "conformance/v5 conformance/v311 conformance/v31"),
  row(
    "A2",
    "QoS, retained, wills, keep-alive, sessions, aliases, options, wildcards, shared subscriptions",
    "behaviour/publish-qos behaviour/exactly-once behaviour/retained-messages behaviour/will-messages behaviour/keep-alive behaviour/session-resume behaviour/topic-alias behaviour/no-local behaviour/wildcards behaviour/overlapping-subscriptions"
  ),
  row("A3", "TCP and WebSocket at once; WebSocket off", "behaviour/listeners behaviour/observed-settings"),
  row("A4", "TLS; refused, never plain text", "behaviour/secure-clients config/rules"),
  row("A5", "limits, each enforced and announced", "behaviour/announced-limits behaviour/observed-settings"),
  row("A6", "buffers and timeouts of sockets", "behaviour/observed-settings"),
  row(
    "A7",
    "a write-ahead log with checksums",
    "wal/formats wal/bit-rot",
    "one log for all topics instead of one per topic"
  ),
  row("A8", "a bounded memory buffer", "behaviour/observed-settings store/durable-log"),
  row(
    "A9",
    "sync modes, changeable while running; forced sync; per topic",
    "config/store-options behaviour/live-storage-settings config/topic-policies"
  ),
  row(
    "A10",
    "compaction by age and size, with limited work",
    "store/compactor store/compaction-plan store/compactor-cuts"
  ),
  row(
    "A11",
    "recovery with checks, of damaged logs too, with progress",
    "wal/cuts behaviour/durable-kill behaviour/health-probes"
  ),
  row("A12", "an index that can be made anew", "store/indexer store/durable-store-index", "LMDB instead of BadgerDB"),
  row("A13", "storage queries and statistics", "parity/surfaces"),
  row("A14", "SQLite keys", "parity/config", "no SQLite engine; each key is refused with what takes its place"),
  row(
    "A15",
    "metrics, OpenMetrics, /health, graceful stop",
    "parity/surfaces behaviour/metrics-prometheus behaviour/graceful-stop"
  ),
  row("A16", "metric names that were registered", "parity/metrics behaviour/metrics-workload"),
  row("A17", "metric names that were promised", "parity/metrics"),
  row("A18", "profiles and run-time statistics", "admin/profiling telemetry/runtime-figures telemetry/leak-watch"),
  row("A19", "structured logs: levels and formats", "parity/surfaces telemetry/logging"),
  row("A20", "YAML or JSON, precedence, validation, reload", "config/precedence config/rules behaviour/reload"),
  row("A21", "daemon mode with a pid file", "cli/daemon telemetry/pid-file"),
  row("A22", "clustering", "parity/config", "cluster.enabled is refused, never ignored"),
  row(
    "A23",
    "JWT, LDAP, custom providers, rules per topic",
    "behaviour/authentication-jwt behaviour/authentication-ldap behaviour/authentication-custom behaviour/authorisation-writing"
  ),
  row(
    "A24",
    "dashboard, log rotation, leak detection",
    "dashboard/pages telemetry/log-file telemetry/leak-watch",
    "plugins other than an authentication module, other protocols and clouds"
  ),
  row("A25", "image, compose, release archives with sums", "package/service-files package/release parity/surfaces"),
  row("A26", "verbs of the build script, flags", "parity/surfaces parity/config"),
  row("A27", "example configurations that load", "config/presets parity/surfaces", "sqlite-tuning, as A14"),
  row("A28", "adversarial and fuzz tests", "attacks/packets fuzz/hostile-input fuzz/grammar")
]
