/**
 * Settings whose room is not built yet, or that this version refuses, with the reason. A key leaves this list
 * with the room that observes it (test/behaviour/observed-settings.test.ts holds the lists complete).
 */
const refused = "refused when it is asked for, never ignored (test/config/rules.test.ts)"
const secured = "the TLS and Unix listeners have tests of their own, with certificates and files (test/listener)"
const compaction = "compaction has tests of its own, with a log that has something to compact (test/store/compactor)"
const logFile = "the command's log in a file: test/cli/server-log.test.ts, test/telemetry/log-file.test.ts"
const away = "a collector that is away has tests of its own (test/telemetry/otel-spans.test.ts)"
const slowDisk = "a disk whose syncs wait: test/behaviour/store-failure.test.ts"
const cluster = "clustering comes later; cluster.enabled is refused"

/** Each needs a server, a key or a certificate of its own. */
const providers: Readonly<Record<string, ReadonlyArray<string>>> = {
  custom: ["module", "timeout", "max-in-flight", "max-waiting"],
  http: [
    "url",
    "plain-http",
    "authorization",
    "ca",
    "cert",
    "key",
    "timeout",
    "max-response-size",
    "max-in-flight",
    "max-waiting",
    "breaker-failures",
    "breaker-pause",
    "max-rules",
    "egress"
  ],
  jwt: [
    "token-from",
    "hmac-key-file",
    "hmac-key-encoding",
    "public-key-file",
    "jwks-url",
    "jwks-ca",
    "jwks-refresh",
    "jwks-cooldown",
    "jwks-keep",
    "jwks-timeout",
    "max-jwks-size",
    "egress",
    "algorithms",
    "issuers",
    "audiences",
    "clock-tolerance",
    "require-expiry",
    "max-token-size",
    "username-claim",
    "client-id-claim",
    "groups-claim",
    "rules-claim",
    "superuser-claim",
    "max-rules"
  ],
  ldap: [
    "url",
    "start-tls",
    "plain-ldap",
    "ca",
    "user-dn",
    "bind-dn",
    "bind-password",
    "user-base",
    "user-filter",
    "group-base",
    "group-filter",
    "group-attribute",
    "scope",
    "max-groups",
    "timeout",
    "max-connections",
    "max-waiting",
    "breaker-failures",
    "breaker-pause"
  ],
  psk: ["file", "hint"],
  x509: ["username", "client-id"]
}
const ofProviders = Object.entries(providers).flatMap(([name, keys]) =>
  keys.map((key) => [
    `auth.${name}.${key}`,
    `its provider has tests of its own: test/access/${name}-*.test.ts, test/behaviour/authentication-${name}.test.ts`
  ])
)

export const seenLater: Readonly<Record<string, string>> = {
  ...Object.fromEntries(ofProviders),
  "server.tls-crl": secured,
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
  "acl.session-takeover": "it needs users: with rules and users in test/behaviour/authorisation-writing",
  "admin.login-link-time": "it needs a clock of its own: test/admin/callers.test.ts",
  "health.max-sync-delay": slowDisk,
  "storage.wal.slow-sync": slowDisk,
  "storage.wal.stalled-sync": slowDisk,
  "storage.wal.max-pending": "a disk that takes nothing: test/wal/promises.test.ts, test/store/durable-log.test.ts",
  "limits.max-hold-back": "it needs a clock of its own: HOLD-2 in test/broker/wait-in-memory.test.ts",
  "limits.bans-file":
    "bans over a restart have tests of their own (test/access/bans.test.ts, test/behaviour/limits-bans.test.ts)",
  "server.read-buffer": "the run time decides how much it reads; a written key is a warning (E3307)",
  "server.daemon": "a process of its own: test/cli/daemon.test.ts",
  "server.watch-config": "it needs a file: test/behaviour/reload.test.ts",
  "log.file": logFile,
  "log.rotate-size": logFile,
  "log.rotate-age": logFile,
  "log.rotate-keep": logFile,
  "tracing.max-queued-spans": away,
  "tracing.export-timeout": away,
  "storage.on-corruption": "a damaged store is started both ways, as a process (test/cli/data-folder.test.ts)",
  "storage.compaction.max-message-age": compaction,
  "storage.compaction.max-wal-size": compaction,
  "storage.compaction.check-interval": compaction,
  "storage.compaction.concurrent-workers": compaction,
  "storage.compaction.batch-size": compaction,
  "storage.compaction.max-copy-rate": compaction,
  "cluster.enabled": refused,
  "cluster.bind": cluster,
  "cluster.peers": cluster,
  "cluster.node-id": cluster
}
