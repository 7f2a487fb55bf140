/**
 * Names that are neither metrics nor settings: paths over HTTP, figures of the store, levels and shapes of the log, verbs of
 * the build script and of the command, examples, ports, what a release is called.
 */
import { alias, type Here, notTaken, renamed, same } from "./row.ts"

export interface PathRow {
  readonly path: string
  readonly from: string
  readonly accept: string
  readonly role: "nobody" | "admin"
  readonly contentType: RegExp
  readonly body: RegExp
}

/** On port 9090, as the original's documents have it; here that is the admin listener. */
export const pathRows: ReadonlyArray<PathRow> = [
  {
    path: "/metrics",
    from: "A15",
    accept: "*/*",
    role: "nobody",
    contentType: /^text\/plain/,
    body: /^# HELP promptmq_/
  },
  {
    path: "/metrics",
    from: "A15",
    accept: "application/openmetrics-text",
    role: "nobody",
    contentType: /^application\/openmetrics-text/,
    body: /# EOF\n$/
  },
  { path: "/health", from: "A15", accept: "text/plain", role: "nobody", contentType: /^text\/plain/, body: /^OK\n$/ },
  // What curl asks for. The original's "OK" was always OK; here the checks behind the word are told.
  {
    path: "/health",
    from: "A15",
    accept: "*/*",
    role: "nobody",
    contentType: /json/,
    body: /^\{"status":"ok","checks":\[/
  },
  {
    path: "/debug/pprof/profile?seconds=1",
    from: "A18",
    accept: "*/*",
    role: "admin",
    contentType: /^application\/octet-stream/,
    body: /./s
  },
  {
    path: "/debug/pprof/heap?seconds=1",
    from: "A18",
    accept: "*/*",
    role: "admin",
    contentType: /^application\/octet-stream/,
    body: /./s
  }
]

/** A13: keys of the store's statistics, at GET /api/v1/storage/stats. */
export const statKeys: ReadonlyArray<string> =
  `total_messages total_bytes topic_count memory_buffer_size memory_buffer_count next_message_id total_wal_size sync_mode
force_fsync crash_recovery wal_stats_sample compaction_total_compactions compaction_messages_removed
compaction_space_reclaimed_bytes compaction_total_duration_ms compaction_active_workers compaction_critical_queue_depth
compaction_normal_queue_depth`.split(/\s+/)

/** Of each entry of wal_stats_sample. */
export const walStatKeys: ReadonlyArray<string> =
  "path size nosync sync_mode batch_size batch_counter pending_batch".split(" ")

/** A9, A13: what the store could be asked for. */
export const storageRequests: ReadonlyArray<readonly [what: string, here: Here]> = [
  ["messages by topic with limit", renamed("GET /topics/messages?topic=a/1&limit=2", "it is a question of the API")],
  ["force flush", renamed("POST /storage/sync", "what is flushed is synced")],
  ["compact topic", renamed("POST /storage/compact", "one log for all topics: a pass looks at all of them")],
  ["stats", renamed("GET /storage/stats", "it is a question of the API")],
  ["sync mode at run time", renamed("PATCH /settings", "as every live setting")]
]

/** A19. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "panic"] as const
export const logFormats = ["json", "text", "console"] as const
/** A24 asks for rotation and names no keys; these are ours, with a value that is not the default. */
export const rotationKeys: ReadonlyArray<readonly [key: string, example: string]> = [
  ["log.file", "/var/log/promptmq.log"],
  ["log.rotate-size", "1MiB"],
  ["log.rotate-age", "1d"],
  ["log.rotate-keep", "3"]
]

/** A26: verbs of the build script -> scripts of package.json. */
export const scriptVerbs: ReadonlyArray<readonly [verb: string, here: Here]> = [
  ["clean", same],
  ["deps", same],
  ["test", same],
  ["benchmark", alias("bench")],
  ["lint", same],
  ["build", same],
  ["build-all", alias("release")],
  [
    "install",
    renamed("npm install --global .", "a script of that name would run whenever somebody installs the package")
  ],
  ["package", same],
  ["dev", same],
  ["docker", same],
  ["ci", same],
  ["release", same],
  ["help", same]
]

/** Ways to start and ask the command: A25, A26 and the notes beside them. */
export const commandLines: ReadonlyArray<readonly [words: ReadonlyArray<string>, from: string]> = [
  [[], "D0: promptmq alone starts the server"],
  [["server"], "D1: promptmq server"],
  [["health"], "the image's health check"]
]

/** A27 and the presets of D0: file of config/, and what the documents say is in it. */
export const exampleRows: ReadonlyArray<{
  readonly name: string
  readonly from: string
  readonly here: Here
  /** As documented; a value of ours that is another one is told with the reason. */
  readonly values: Readonly<Record<string, string>>
  readonly differs?: Readonly<Record<string, string>>
}> = [
  { name: "development", from: "A27", here: same, values: {} },
  { name: "production", from: "A27", here: same, values: {} },
  {
    name: "high-throughput",
    from: "A27, D0",
    here: same,
    values: {
      "storage.memory-buffer": "1073741824",
      "storage.wal.sync-mode": "periodic",
      "storage.wal.sync-interval": "1s",
      "mqtt.max-qos": "1",
      "mqtt.max-inflight": "50",
      "mqtt.max-connections": "50000"
    }
  },
  {
    name: "high-durability",
    from: "A27, D0",
    here: same,
    values: {
      "storage.memory-buffer": "1048576",
      "storage.wal.sync-mode": "immediate",
      "storage.wal.force-fsync": "true",
      "storage.compaction.max-message-age": "24h",
      "storage.compaction.max-wal-size": "50MiB"
    },
    differs: {
      "storage.memory-buffer":
        "the small buffer was to flush sooner; here nothing is acknowledged from memory, and it holds the index"
    }
  },
  {
    name: "balanced",
    from: "D0",
    here: same,
    values: {
      "storage.memory-buffer": "67108864",
      "storage.wal.sync-mode": "batch",
      "storage.wal.batch-sync-size": "50"
    }
  },
  {
    name: "cluster",
    from: "A27",
    here: same,
    values: {
      "storage.wal.batch-sync-size": "100",
      "storage.compaction.max-message-age": "4h",
      "cluster.enabled": "true"
    },
    differs: { "cluster.enabled": "this version cannot join a cluster, and refuses to pretend" }
  },
  {
    name: "sqlite-tuning",
    from: "A27",
    here: notTaken("there is no SQLite engine; its keys are refused with the keys that take their place"),
    values: {}
  }
]

/** A25. */
export const imagePorts: ReadonlyArray<number> = [1883, 8080, 9090]
export const composeVariables: ReadonlyArray<string> = ["PROMPTMQ_LOG_LEVEL"]
/** Original's name -> the platform of an archive here, which is named as Node.js names platforms. */
export const releasePlatforms: ReadonlyArray<readonly [theirs: string, ours: string]> = [
  ["linux amd64", "linux-x64"],
  ["linux arm64", "linux-arm64"],
  ["darwin amd64", "darwin-x64"],
  ["darwin arm64", "darwin-arm64"],
  ["windows amd64", "win32-x64"]
]

/** Kinds of names of which the documents and the source of the broker have none, so that nobody looks for them here. */
export const nothingNamed: ReadonlyArray<readonly [what: string, why: string]> = [
  [
    "events and webhooks",
    "A24 promises plugins without naming a hook; events of clients are GET /clients/{id} and the log"
  ],
  [
    "$SYS topics",
    "the library below the original had them; ours are Mosquitto's, in test/behaviour/sys-topics.test.ts"
  ],
  ["errors", "the original logged texts; ours have codes, in src/config/error-codes.ts"]
]
