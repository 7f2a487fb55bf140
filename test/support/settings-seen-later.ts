/**
 * Settings whose room is not built yet, or that this version refuses, with the reason. A key leaves this list
 * with the room that observes it (test/behaviour/observed-settings.test.ts holds the lists complete).
 */
const refused = "refused when it is asked for, never ignored (test/config/rules.test.ts)"
const secured = "the TLS and Unix listeners have tests of their own, with certificates and files (test/listener)"
const wal = "the wal engine comes later; a written key is a warning"
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
  "storage.engine": refused,
  "storage.wal-dir": wal,
  "storage.wal.sync-mode": wal,
  "storage.wal.sync-interval": wal,
  "storage.wal.batch-sync-size": wal,
  "storage.wal.acknowledge": wal,
  "storage.wal.force-fsync": wal,
  "storage.wal.no-sync": wal,
  "storage.wal.crash-recovery-validation": wal,
  "storage.wal.segment-size": wal,
  "storage.compaction.max-message-age": wal,
  "storage.compaction.max-wal-size": wal,
  "storage.compaction.check-interval": wal,
  "storage.compaction.concurrent-workers": wal,
  "storage.compaction.batch-size": wal,
  "metrics.enabled": metrics,
  "metrics.bind": metrics,
  "metrics.path": metrics,
  "cluster.enabled": refused,
  "cluster.bind": cluster,
  "cluster.peers": cluster,
  "cluster.node-id": cluster
}
