/**
 * What is read from its owner when somebody asks, by key: values that rise and fall, and what the store counts for itself.
 * Nobody counts them twice, so none can drift or turn negative.
 *
 * Elsewhere: what the path of a message counts (counters.ts), who reads what from whom (broker/gauges.ts,
 * admin/store-view.ts), names of other projects for the same figures (legacy-names.ts).
 */

export interface ReadFamily {
  readonly family: string
  readonly help: string
  readonly label?: string
  /** Of what its owner counts, and only ever counts up. */
  readonly type?: "counter"
}

/** By key: family, help, and the one label that tells the values of the family apart. */
export const gaugeTable = {
  connections: { family: "promptmq_connections", help: "Open connections.", label: "listener" },
  connectionsMax: { family: "promptmq_connections_max", help: "Most connections that were open at the same time." },
  sessions: { family: "promptmq_sessions", help: "Sessions by whether their client is connected.", label: "state" },
  subscriptions: {
    family: "promptmq_subscriptions",
    help: "Subscriptions by the state of their session.",
    label: "state"
  },
  sharedSubscriptions: { family: "promptmq_shared_subscriptions", help: "Groups of shared subscriptions." },
  filters: { family: "promptmq_filters", help: "Distinct topic filters." },
  topics: { family: "promptmq_topics", help: "Topics with records in the log." },
  retainedMessages: { family: "promptmq_retained_messages", help: "Retained messages." },
  retainedBytes: { family: "promptmq_retained_bytes", help: "Bytes of retained messages." },
  inflightMessages: { family: "promptmq_inflight_messages", help: "Sent messages not yet acknowledged." },
  queuedMessages: { family: "promptmq_queued_messages", help: "Messages in the log that sessions still wait for." },
  queuedBytes: {
    family: "promptmq_queued_bytes",
    help: "Bytes of those, estimated: their number times the mean size of a record."
  },
  slowedPublishers: { family: "promptmq_slowed_publishers", help: "Publishers that are not read from for a while." },
  openSockets: { family: "promptmq_open_sockets", help: "Sockets of all listeners, before and after CONNECT." },
  unauthenticatedBytes: {
    family: "promptmq_unauthenticated_bytes",
    help: "Bytes of unfinished packets held for clients that have not said who they are."
  },
  bans: { family: "promptmq_bans", help: "Client ids, users and networks that are banned." },
  memoryUsedBytes: {
    family: "promptmq_memory_used_bytes",
    help: "Memory of the process, as limits.max-memory counts it."
  },
  memoryLevel: {
    family: "promptmq_memory_level",
    help: "0 enough, 1 warned, 2 publishers slowed, 3 connections refused, 4 QoS 0 dropped, 5 clients disconnected."
  },
  loopLag: {
    family: "promptmq_admission_lag_seconds",
    help: "Mean delay of the event loop, as limits.max-loop-lag sees it."
  },
  outgoingBytes: { family: "promptmq_outgoing_bytes", help: "Bytes written that the network has not taken yet." },
  logRecords: { family: "promptmq_log_records", help: "Records in the message log." },
  logBytes: { family: "promptmq_log_bytes", help: "Bytes in the message log." },
  ...storage("", {
    storageWrittenLsn: ["written_lsn", "Highest record that is with the operating system."],
    storageDurableLsn: ["durable_lsn", "Highest record that is on the disk."],
    storageKeptLsn: ["kept_lsn", "Highest record that is kept as the sync mode promises."],
    storageCacheBytes: ["cache_bytes", "Bytes of messages in memory, of those that are on the disk."],
    storagePressure: ["pressure_ratio", "Share of what the store may hold back that is used."],
    storageSpaceLevel: ["space_level", "Room on the disk: 0 enough, 1 low, 2 scarce, 3 full."]
  }),
  walBytes: { family: "promptmq_wal_bytes", help: "Bytes of the log's files." },
  walSegments: { family: "promptmq_wal_segments", help: "Files of the log." },
  walLagBytes: { family: "promptmq_wal_lag_bytes", help: "Bytes of records that no sync has covered yet." },
  walBufferBytes: { family: "promptmq_wal_buffer_usage_bytes", help: "Bytes of records that are not written yet." },
  walLastSync: {
    family: "promptmq_wal_last_sync_timestamp_seconds",
    help: "When the last sync of the log ended; 0 = none since the start."
  },
  walWriteErrors: {
    family: "promptmq_wal_write_errors_total",
    help: "Writes and syncs of the log that failed, for want of room or for good.",
    type: "counter"
  },
  storagePersisted: {
    family: "promptmq_persistence_operations_total",
    help: "Records written, records read back from the disk, files deleted, by outcome.",
    label: "operation,status",
    type: "counter"
  },
  ...storage("counter", {
    storageAppended: [
      "records_appended_total",
      "Records appended to the log, of every kind, since the store was made."
    ],
    storageFrames: ["frames_total", "Groups of records written to the log, each in one write."],
    storageBytesWritten: ["bytes_written_total", "Bytes written to the log."],
    storageSyncs: ["syncs_total", "Syncs of the log."],
    storageSyncSeconds: ["sync_seconds_total", "Time that syncs of the log took."],
    storageBytesRead: ["bytes_read_total", "Bytes read back from the log's files for readers that are behind."],
    storageReadFaults: ["read_faults_total", "Records that could not be read back."],
    storageRecordsLost: ["records_lost_total", "Records that damage took, as found at the start."],
    storageCompactions: ["compaction_passes_total", "Times that compaction looked at the log."],
    storageBytesCopied: ["compaction_copied_bytes_total", "Bytes that compaction wrote anew."],
    storageBytesFreed: ["compaction_freed_bytes_total", "Bytes of files that compaction made free."]
  })
} as const satisfies Record<string, ReadFamily>

export type GaugeKey = keyof typeof gaugeTable

function storage<const Rows extends Readonly<Record<string, readonly [name: string, help: string]>>>(
  type: "counter" | "",
  rows: Rows
): { readonly [K in keyof Rows]: ReadFamily } {
  const families = Object.entries(rows).map(([key, [name, help]]) => [
    key,
    { family: `promptmq_storage_${name}`, help, ...(type === "" ? {} : { type }) }
  ])
  return Object.fromEntries(families)
}
