/**
 * The settings as an object, for embedding: the configuration file's keys; what is left out has its default.
 *
 * Generated from the settings' declaration: change that (declare-*.ts), then run node test/config/regenerate.ts.
 * Older spellings of keys are understood as well but have no type here. Bounds are judged when it is read.
 */
import type { AuthInput } from "./settings-input-auth.ts"
import type { LimitsInput } from "./settings-input-limits.ts"

/** "100ms", "30s", "1h30m"; 0 is the only number that needs no unit. */
export type DurationText = string
/** Bytes, or "64KiB", "1.5GiB". */
export type SizeText = string | number

export interface SettingsInput {
  readonly server?: {
    /** Addresses of the MQTT listeners; ":1883" means every address, "" none. Default: ["127.0.0.1:1883"]. */
    readonly bind?: string | ReadonlyArray<string>
    /** Addresses of the WebSocket listeners; "" turns WebSocket off. Default: ["127.0.0.1:8080"]. */
    readonly "ws-bind"?: string | ReadonlyArray<string>
    /** Paths that accept a WebSocket upgrade; any other answers 404. Default: ["/mqtt","/"]. */
    readonly "ws-paths"?: string | ReadonlyArray<string>
    /** Open tls-bind and wss-bind with TLS, beside the plain listeners; needs tls-cert and tls-key. Default: false. */
    readonly tls?: boolean
    /** Addresses of the MQTT listeners with TLS, open while tls is true; "" none. Default: ["127.0.0.1:8883"]. */
    readonly "tls-bind"?: string | ReadonlyArray<string>
    /** Addresses of the WebSocket listeners with TLS, open while tls is true; "" none. Default: ["127.0.0.1:8084"]. */
    readonly "wss-bind"?: string | ReadonlyArray<string>
    /** PEM file with the certificate chain, the broker's own certificate first; read again when it changes. Default: "". */
    readonly "tls-cert"?: string
    /** PEM file with the private key; read again when it changes. Default: "". */
    readonly "tls-key"?: string
    /** Passphrase of an encrypted private key. Default: "". */
    readonly "tls-key-passphrase"?: string
    /** PEM file with the authorities that sign clients' certificates; read again when it changes. Default: "". */
    readonly "tls-ca"?: string
    /** PEM file with revocation lists, one of each authority in tls-ca and between; a certificate without a list in force is refused. Read again when it changes. Default: none. */
    readonly "tls-crl"?: string
    /** Certificates of clients: not asked for, checked when shown, or necessary. One that tls-ca did not sign is refused. Default: "none". */
    readonly "tls-client-auth"?: "none" | "request" | "require"
    /** Oldest TLS version accepted; the newest that both sides know is used. Default: "tlsv1.2". */
    readonly "tls-min-version"?: "tlsv1.2" | "tlsv1.3"
    /** Cipher suites in OpenSSL's notation, best first; those of TLS 1.3 may be left out. Default: the list of Node.js. */
    readonly "tls-ciphers"?: string
    /** Paths of Unix domain sockets that accept MQTT, for programs on this machine. Default: []. */
    readonly "unix-bind"?: string | ReadonlyArray<string>
    /** Mode of the socket files: whoever may write may connect. Default: "0660". */
    readonly "unix-mode"?: string
    /** Origins whose pages may open a WebSocket, any other answers 403; "*" = every page. None: every page where clients must log in; where anonymous ones may come in, pages of this machine only. Default: []. */
    readonly "ws-origins"?: string | ReadonlyArray<string>
    /** Listeners on which every connection begins with a PROXY header (version 1 or 2) of a proxy in proxy-trusted. Default: []. */
    readonly "proxy-protocol"?: string | ReadonlyArray<string>
    /** Addresses and networks of the proxies whose word about a client's address counts. Default: []. */
    readonly "proxy-trusted"?: string | ReadonlyArray<string>
    /** Take a WebSocket client's address from X-Forwarded-For where a proxy in proxy-trusted sends it. Default: false. */
    readonly "forwarded-for"?: boolean
    /** Accepted for older configurations: the run time reads up to 64 KiB at once, whatever is written here. 1KiB to 16MiB. Default: "64KiB". */
    readonly "read-buffer"?: SizeText
    /** Bytes for one client gathered in a turn of the loop before they are written without waiting for its end. 1KiB to 64KiB. Default: "64KiB". */
    readonly "write-buffer"?: SizeText
    /** Longest time an unfinished packet may take to arrive; 0s = no limit. Idle clients are keep-alive's business. 0s to 1h. Default: "30s". */
    readonly "read-timeout"?: DurationText | 0
    /** Longest time a client may take nothing of what waits for it before it is disconnected; 0s = no limit. 0s to 1h. Default: "30s". */
    readonly "write-timeout"?: DurationText | 0
    /** Longest time from the accepted socket to a complete CONNECT. 10ms to 10m. Default: "10s". */
    readonly "connect-timeout"?: DurationText | 0
    /** Longest graceful stop; then what is left is cut off. 10ms to 10m. Default: "10s". */
    readonly "shutdown-timeout"?: DurationText | 0
    /** Unsent bytes per connection before QoS 0 messages are dropped and QoS 1 and 2 fall back to the log. 64KiB to 1GiB. Default: "4MiB". */
    readonly "max-outgoing-bytes"?: SizeText
    /** Reload when the configuration file changes; else SIGHUP, promptmq reload or the admin API does it. Default: false. */
    readonly "watch-config"?: boolean
    /** Run detached from the terminal; the command ends when the broker is ready, or with its error. Default: false. */
    readonly daemon?: boolean
    /** File that holds the process id while the broker runs. Default: none. */
    readonly "pid-file"?: string
  }
  readonly mqtt?: {
    /** Largest packet accepted; announced to MQTT 5 clients. 64B to 256MiB. Default: "2MiB". */
    readonly "max-packet-size"?: SizeText
    /** Longest client identifier in bytes; every broker must take 23. 23 to 65535. Default: 65535. */
    readonly "max-client-id-len"?: number
    /** Longest topic name or filter in bytes. 1 to 65535. Default: 65535. */
    readonly "max-topic-len"?: number
    /** Most levels of a topic name or filter. 1 to 65535. Default: 32. */
    readonly "max-topic-levels"?: number
    /** Highest QoS granted and accepted; announced to MQTT 5 clients. 0 to 2. Default: 2. */
    readonly "max-qos"?: number
    /** Seconds given as Server Keep Alive to MQTT 5 clients that ask for more than max-keep-alive, or for none while max-keep-alive is below its default. 0 to 65535. Default: 60. */
    readonly "keep-alive"?: number
    /** Longest keep-alive a client may ask for, in seconds. 1 to 65535. Default: 65535. */
    readonly "max-keep-alive"?: number
    /** Unacknowledged QoS 1 and 2 messages on their way to one client (its own Receive Maximum may be lower). 1 to 65535. Default: 20. */
    readonly "max-inflight"?: number
    /** Unacknowledged QoS 1 and 2 messages accepted from one client; announced to MQTT 5 clients. 1 to 65535. Default: 1024. */
    readonly "receive-maximum"?: number
    /** Topic aliases a client may use; announced to MQTT 5 clients. 0 to 65535. Default: 32. */
    readonly "topic-alias-maximum"?: number
    /** Most clients connected at once. 1 to 1000000. Default: 10000. */
    readonly "max-connections"?: number
    /** Accept retained messages; announced to MQTT 5 clients. Default: true. */
    readonly "retain-available"?: boolean
    /** Accept filters with + and #; announced to MQTT 5 clients. Default: true. */
    readonly "wildcard-available"?: boolean
    /** Accept shared subscriptions; announced to MQTT 5 clients. Default: true. */
    readonly "shared-sub-available"?: boolean
    /** How a shared subscription chooses the member that gets a message. Default: "round-robin". */
    readonly "shared-strategy"?:
      | "round-robin"
      | "random"
      | "sticky"
      | "least-inflight"
      | "hash-clientid"
      | "hash-topic"
      | "key-ordered"
    /** User property whose value key-ordered shared subscriptions keep in order. Default: the topic. */
    readonly "shared-key-property"?: string
    /** Server that MQTT 5 clients are sent to (reason code 0x9C) when this one stops. Default: none. */
    readonly "server-reference"?: string
    /** Topic prefix for responses, told to MQTT 5 clients that ask for Response Information. Default: none. */
    readonly "response-information"?: string
    /** Longest time a session outlives its connection; clients that ask for more are told. 0s to 49710d. Default: "7d". */
    readonly "max-session-expiry"?: DurationText | 0
    /** Most filters one client may hold; more are answered 0x97. 1 to 10000000. Default: 10000. */
    readonly "max-subscriptions-per-client"?: number
    /** Most retained messages; one more is delivered but not kept, with a row in the drop ledger. 0 to 100000000. Default: 1000000. */
    readonly "max-retained-messages"?: number
    /** Most bytes of retained messages; what is above is delivered but not kept, with a row in the drop ledger. 0B to 1TiB. Default: "256MiB". */
    readonly "max-retained-bytes"?: SizeText
    /** Publishers of retained messages whose names are kept for those who look, the newest; 0 = none. 0 to 100000000. Default: 100000. */
    readonly "max-retained-publishers"?: number
  }
  readonly storage?: {
    /** Where messages, sessions and retained values live: on disk (wal), or in memory, which loses them at exit. Default: "wal". */
    readonly engine?: "memory" | "wal" | "sqlite"
    /** Folder of everything the broker keeps; created with mode 0700. Default: $XDG_STATE_HOME/promptmq, else ~/.local/state/promptmq. */
    readonly "data-dir"?: string
    /** Folder of the log. Default: <data-dir>/log. */
    readonly "wal-dir"?: string
    /** Memory for messages: the ring of the memory engine; in the wal engine the log's index and its newest messages. 1MiB to 64GiB. Default: "256MiB". */
    readonly "memory-buffer"?: SizeText
    /** How often it is written down how far sessions are: after a crash QoS 1 messages sent since come again. 10ms to 1m. Default: "100ms". */
    readonly "cursor-save-interval"?: DurationText | 0
    /** At the start, when bytes that were safe do not verify: keep all that does and report the rest, or refuse. Default: "salvage". */
    readonly "on-corruption"?: "salvage" | "refuse"
    readonly wal?: {
      /** When the log is synced: for every group of messages, every batch-sync-size messages, or every sync-interval. Default: "immediate". */
      readonly "sync-mode"?: "immediate" | "batch" | "periodic"
      /** Time between syncs in periodic mode. 1ms to 1h. Default: "100ms". */
      readonly "sync-interval"?: DurationText | 0
      /** Messages per sync in batch mode; batch-sync-wait after the first of them at the latest. 1 to 1000000. Default: 100. */
      readonly "batch-sync-size"?: number
      /** Longest time that a message waits in batch mode for those that would fill its batch. 1ms to 10s. Default: "5ms". */
      readonly "batch-sync-wait"?: DurationText | 0
      /** Acknowledge QoS 1 and 2 after the sync (durable) or after the write; auto = written in periodic mode, else durable. Default: "auto". */
      readonly acknowledge?: "auto" | "durable" | "written"
      /** Sync every group and acknowledge after it, whatever mode, topics and no-sync say. Default: false. */
      readonly "force-fsync"?: boolean
      /** Never sync while messages flow: fast, and a power cut may lose all that came since the log's last file began. Default: false. */
      readonly "no-sync"?: boolean
      /** Verify every record once more after recovery, before the listeners open. Default: false. */
      readonly "crash-recovery-validation"?: boolean
      /** Time of one sync from which on the log of events says that the disk is slow. 10ms to 1h. Default: "1s". */
      readonly "slow-sync"?: DurationText | 0
      /** Time of one sync from which on publishers wait for its end, and health says so. 100ms to 1h. Default: "10s". */
      readonly "stalled-sync"?: DurationText | 0
      /** Bytes of records on their way to the disk; publishers are slowed before, and refused with 0x97 above it. 1MiB to 4GiB. Default: "32MiB". */
      readonly "max-pending"?: SizeText
      /** Size of one log file. 4MiB to 256MiB. Default: "16MiB". */
      readonly "segment-size"?: SizeText
    }
    readonly compaction?: {
      /** Age at which history that nobody waits for may go, whatever replay a topic's policy asks for. 1s to 3650d. Default: "2h". */
      readonly "max-message-age"?: DurationText | 0
      /** Size of the log above which compaction starts at once. 8MiB to 16TiB. Default: "100MiB". */
      readonly "max-wal-size"?: SizeText
      /** Time between looks for something to compact. 1s to 1d. Default: "5m". */
      readonly "check-interval"?: DurationText | 0
      /** Log files compacted at the same time. 1 to 16. Default: 1. */
      readonly "concurrent-workers"?: number
      /** Records copied before compaction lets other work run. 1 to 1000000. Default: 1000. */
      readonly "batch-size"?: number
      /** Bytes copied per second at most, twice that above max-wal-size; down to a sixteenth while commits take more than twice their usual time. 64KiB to 16GiB. Default: "8MiB". */
      readonly "max-copy-rate"?: SizeText
    }
  }
  readonly topics?: {
    /** Quotas, acknowledgement, replay and age of single topics; the first entry that matches a topic counts. Default: []. */
    readonly policies?: ReadonlyArray<{
      /** Topics it is about; the first entry that matches a topic counts. */
      readonly filter: string
      /** When QoS 1 and 2 are acknowledged: after the sync, or after the write. */
      readonly acknowledge?: "durable" | "written"
      /** Sync at once for a message of these topics. */
      readonly "force-fsync"?: boolean
      /** Most bytes of each topic in the log; a message above that is refused with 0x97. 1KiB to 16TiB. */
      readonly "max-bytes"?: SizeText
      /** Most messages of each topic in the log; one above that is refused with 0x97. 1 to 1000000000. */
      readonly "max-messages"?: number
      /** How long messages are kept for $replay, at QoS 0 too, although nobody waits for them; storage.compaction.max-message-age bounds it. 1s to 3650d. */
      readonly replay?: DurationText | 0
      /** Age at which a message goes although a session still waits for it, with a row in the drop ledger. 1s to 3650d. */
      readonly "max-age"?: DurationText | 0
    }>
    /** Topic names whose matching filters are remembered. 1024 to 16777216. Default: 65536. */
    readonly "cached-entries"?: number
  }
  readonly auth?: AuthInput
  readonly acl?: {
    /** File with the rules, in YAML, or an acl_file of Mosquitto. Read again when it changes; a bad one leaves the old rules at work. Default: no rules: whoever may connect may publish and subscribe. */
    readonly "rules-file"?: string
    /** What holds where there are rules and none of them does. Default: "deny". */
    readonly "no-match"?: "deny" | "allow"
    /** Send a retained message only while the client that published it may still publish it, as far as that is known. Default: true. */
    readonly "check-retained-source"?: boolean
    /** Who may resume or replace a session that belongs to a user name: that user alone, or whoever has the client identifier. Asked where credentials are. Default: "same-user". */
    readonly "session-takeover"?: "same-user" | "anyone"
    /** Topics per connection whose verdicts are kept; rounded up to a power of two. 64 to 1048576. Default: 16384. */
    readonly "max-cached-topics"?: number
    /** Memory for verdicts of all connections together; beyond it, less is kept per connection. 64KiB to 16GiB. Default: "64MiB". */
    readonly "max-cache-memory"?: SizeText
  }
  readonly limits?: LimitsInput
  readonly admin?: {
    /** Serve /health, the admin API and the dashboard. Default: true. */
    readonly enabled?: boolean
    /** Address of the admin listener. Default: "127.0.0.1:9090". */
    readonly bind?: string
    /** File with the admin token; made at the first start with mode 0600. Default: <data-dir>/admin-token. */
    readonly "token-file"?: string
    /** File with further tokens and their roles, written by promptmq token add; read again when it changes. Default: <data-dir>/tokens. */
    readonly "tokens-file"?: string
    /** File that gets a line of JSON for every change made through the admin API, besides the log. Default: none. */
    readonly "audit-file"?: string
    /** Changes that GET /api/v1/audit remembers. 10 to 100000. Default: 1000. */
    readonly "max-audit-entries"?: number
    /** Wrong tokens and login codes that an address may show in a minute; then it waits for the rest of it. 1 to 1000000. Default: 30. */
    readonly "max-wrong-tokens"?: number
    /** Connections to the admin listener, and to each address of metrics.bind, at the same time. 4 to 10000. Default: 128. */
    readonly "max-connections"?: number
    /** How long the login link that is printed at the start is good, for one use. 10s to 1d. Default: "10m". */
    readonly "login-link-time"?: DurationText | 0
    /** How long who came by the login link stays logged in. 1m to 30d. Default: "12h". */
    readonly "session-time"?: DurationText | 0
    /** Open streams of GET /api/v1/events, such as dashboards; 0 = none. 0 to 100. Default: 32. */
    readonly "max-event-streams"?: number
  }
  readonly health?: {
    /** Delay of the event loop in the last seconds above which the check event-loop fails. 10ms to 1h. Default: "1s". */
    readonly "max-loop-lag"?: DurationText | 0
    /** Time that written records may wait for their sync, beside sync-interval, before the check log-synced fails. 100ms to 1h. Default: "10s". */
    readonly "max-sync-delay"?: DurationText | 0
  }
  readonly metrics?: {
    /** Serve metrics in the Prometheus format, and measure times for them. Default: true. */
    readonly enabled?: boolean
    /** Addresses of the metrics; at the admin listener's own address it serves them. Default: admin.bind. */
    readonly bind?: string | ReadonlyArray<string>
    /** Path of the metrics. Default: "/metrics". */
    readonly path?: string
    /** Tell the figures under their older names too, those that only documents promise included. Default: true. */
    readonly "legacy-names"?: boolean
    /** Topic filters: topics that match one get series of their own (messages, bytes, subscribers). Default: []. */
    readonly topics?: string | ReadonlyArray<string>
    /** Most topics with series of their own; all others count together, as topic (other). 1 to 10000. Default: 100. */
    readonly "max-topic-series"?: number
    /** How often the $SYS topics are published; 0 = never. 0s to 1h. Default: "10s". */
    readonly "sys-interval"?: DurationText | 0
  }
  readonly tracing?: {
    /** Make OpenTelemetry spans of published messages and their deliveries, and send them to tracing.endpoint. Default: false. */
    readonly enabled?: boolean
    /** Where spans go: the whole address of a collector's OTLP/HTTP receiver. Default: "http://127.0.0.1:4318/v1/traces". */
    readonly endpoint?: string
    /** HTTP headers sent along with spans, such as a token the collector asks for. Default: none. */
    readonly headers?: string
    /** Name of the service in the spans (service.name). Default: "promptmq". */
    readonly "service-name"?: string
    /** Share of messages that get spans, 0 to 1; decided by the trace id, and never for a trace that is marked unsampled. Default: "0.01". */
    readonly "sample-ratio"?: string
    /** Topic filters: only messages whose topic matches one get spans. Default: all topics. */
    readonly topics?: string | ReadonlyArray<string>
    /** Most spans that wait for the collector; above that they are dropped and counted. 16 to 1000000. Default: 2048. */
    readonly "max-queued-spans"?: number
    /** Longest time for handing one batch of spans to the collector; at the broker's stop at most 3s. 100ms to 1m. Default: "10s". */
    readonly "export-timeout"?: DurationText | 0
    /** Most live traces (promptmq trace, the dashboard) kept at once, those that ended included. 1 to 100. Default: 8. */
    readonly "max-traces"?: number
    /** Most steps one live trace keeps; what comes after that is counted only. 1 to 1000000. Default: 10000. */
    readonly "max-steps"?: number
    /** Longest time one live trace runs. 1s to 1d. Default: "1h". */
    readonly "max-duration"?: DurationText | 0
    /** Most memory for the steps of one live trace. 64KiB to 1GiB. Default: "8MiB". */
    readonly "max-trace-size"?: SizeText
    /** What a live trace keeps of a payload, where it was asked for payloads. 0B to 64KiB. Default: "1KiB". */
    readonly "max-payload-shown"?: SizeText
    /** Most events remembered of all clients (connected, disconnected, refused ...), 20 of each; 0 = none. 0 to 10000000. Default: 20000. */
    readonly "max-client-events"?: number
  }
  readonly cluster?: {
    /** Join other brokers. Default: false. */
    readonly enabled?: boolean
    /** Address for other brokers. Default: "127.0.0.1:7946". */
    readonly bind?: string
    /** Addresses of other brokers. Default: []. */
    readonly peers?: string | ReadonlyArray<string>
    /** Name of this broker among its peers. Default: made at the first start. */
    readonly "node-id"?: string
  }
  readonly log?: {
    /** Least severe entry that is logged; panic is another word for fatal. Default: "info". */
    readonly level?: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "panic"
    /** Shape of log entries; auto = console on a terminal, else json. Default: "auto". */
    readonly format?: "auto" | "json" | "text" | "console"
    /** File for the log instead of stdout; opened again at SIGUSR1 and at a reload. Default: stdout. */
    readonly file?: string
    /** Turn log.file over before it grows larger than this; 0B = not by size. 0B to 64GiB. Default: "64MiB". */
    readonly "rotate-size"?: SizeText
    /** Turn log.file over when it is older than this; 0s = not by age. 0s to 366d. Default: "0s". */
    readonly "rotate-age"?: DurationText | 0
    /** How many files that were turned over stay, as <file>.1 and so on, the newest first. 0 to 1000. Default: 7. */
    readonly "rotate-keep"?: number
    /** Newest log entries that are kept in memory for the admin API and the dashboard. 10 to 100000. Default: 2000. */
    readonly "recent-entries"?: number
  }
}
