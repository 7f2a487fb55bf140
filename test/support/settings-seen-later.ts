/**
 * Settings whose room is not built yet, or that this version refuses, with the reason. A key leaves this list
 * with the room that observes it (test/behaviour/observed-settings.test.ts holds the lists complete).
 */
const refused = "refused when it is asked for, never ignored (test/config/rules.test.ts)"
const secured = "the TLS and Unix listeners have tests of their own, with certificates and files (test/listener)"
const compaction = "compaction has tests of its own, with a log that has something to compact (test/store/compactor)"
const metrics = "the Prometheus exporter comes with telemetry; a written key is a warning"
const cluster = "clustering comes later; cluster.enabled is refused"

export const seenLater: Readonly<Record<string, string>> = {
  "server.tls": secured,
  "server.tls-bind": secured,
  "server.wss-bind": secured,
  "server.tls-cert": secured,
  "server.tls-key": secured,
  "server.tls-key-passphrase": secured,
  "server.tls-ca": secured,
  "server.tls-client-auth": secured,
  "server.tls-min-version": secured,
  "server.tls-ciphers": secured,
  "server.unix-bind": secured,
  "server.unix-mode": secured,
  "server.read-buffer": "the run time decides how much it reads; a written key is a warning (E3307)",
  "server.daemon": refused,
  "storage.on-corruption": "a damaged store is started both ways, as a process (test/cli/data-folder.test.ts)",
  "storage.compaction.max-message-age": compaction,
  "storage.compaction.max-wal-size": compaction,
  "storage.compaction.check-interval": compaction,
  "storage.compaction.concurrent-workers": compaction,
  "storage.compaction.batch-size": compaction,
  "metrics.enabled": metrics,
  "metrics.bind": metrics,
  "metrics.path": metrics,
  "cluster.enabled": refused,
  "cluster.bind": cluster,
  "cluster.peers": cluster,
  "cluster.node-id": cluster
}
