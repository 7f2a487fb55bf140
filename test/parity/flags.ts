/**
 * Every flag of the original: three global ones, thirty-three of `server` in its source, and --wal-sync-mode, which its
 * documents used and its source had not. `value` undefined: a switch. Each sets a key; that is checked by `config show`.
 *
 * --config, the last of the three, names a file instead: test/cli/config-commands.test.ts and precedence.test.ts use it.
 */
export interface FlagRow {
  readonly flag: string
  readonly from: "global" | "server" | "documents"
  readonly key: string
  readonly value: string | undefined
  /** It is on by default: --flag=false, as the original's library wrote it, and --no-flag. */
  readonly isOff?: boolean
  /** Understood and refused, with this code. */
  readonly refused?: string
}

const server = (flag: string, key: string, value?: string, refused?: string): FlagRow => ({
  flag,
  from: "server",
  key,
  value,
  ...(refused === undefined ? {} : { refused })
})

const off = (flag: string, key: string): FlagRow => ({ ...server(flag, key), isOff: true })

export const flagRows: ReadonlyArray<FlagRow> = [
  { flag: "log-level", from: "global", key: "log.level", value: "debug" },
  { flag: "log-format", from: "global", key: "log.format", value: "json" },
  server("bind", "server.bind", "127.0.0.1:1999"),
  server("ws-bind", "server.ws-bind", ""),
  server("tls", "server.tls", undefined, "E3201"),
  server("tls-cert", "server.tls-cert", "c.pem"),
  server("tls-key", "server.tls-key", "k.pem"),
  server("data-dir", "storage.data-dir", "data"),
  server("wal-dir", "storage.wal-dir", "wal"),
  server("memory-buffer", "storage.memory-buffer", "1048576"),
  server("wal-sync-interval", "storage.wal.sync-interval", "1s"),
  server("wal-no-sync", "storage.wal.no-sync"),
  server("max-packet-size", "mqtt.max-packet-size", "65535"),
  server("max-client-id-len", "mqtt.max-client-id-len", "100"),
  server("max-topic-len", "mqtt.max-topic-len", "100"),
  server("max-qos", "mqtt.max-qos", "1"),
  server("keep-alive", "mqtt.keep-alive", "30"),
  server("max-inflight", "mqtt.max-inflight", "50"),
  off("retain-available", "mqtt.retain-available"),
  off("wildcard-available", "mqtt.wildcard-available"),
  off("shared-sub-available", "mqtt.shared-sub-available"),
  server("max-connections", "mqtt.max-connections", "50000"),
  server("read-buffer", "server.read-buffer", "4096"),
  server("write-buffer", "server.write-buffer", "4096"),
  server("read-timeout", "server.read-timeout", "20s"),
  server("write-timeout", "server.write-timeout", "20s"),
  server("cluster", "cluster.enabled", undefined, "E3402"),
  server("cluster-bind", "cluster.bind", "127.0.0.1:7000"),
  server("cluster-peers", "cluster.peers", "a:7946,b:7946"),
  server("node-id", "cluster.node-id", "node-1"),
  off("metrics", "metrics.enabled"),
  server("metrics-bind", "metrics.bind", "127.0.0.1:9191"),
  server("metrics-path", "metrics.path", "/figures"),
  server("daemon", "server.daemon"),
  server("pid-file", "server.pid-file", "promptmq.pid"),
  { flag: "wal-sync-mode", from: "documents", key: "storage.wal.sync-mode", value: "batch" }
]
