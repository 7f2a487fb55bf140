/**
 * The broker's counters: one Float64Array (exact to 2^53) and one table of families that gives each cell
 * its name. The hot path writes `counters.values[Counter.packetsIn + type]++` and nothing else; names,
 * labels and text are put together only when somebody reads.
 *
 *   family (row of the table) = a run of cells, one per label set
 *   Counter.<key>             = index of the family's first cell
 *
 *   packetsIn, packetsOut     + packet type (0-15, as on the wire)
 *   messagesIn, messagesOut   + QoS (0-2)
 *
 * Values that rise and fall (connections, sessions, retained ...), and what the store counts for itself, are read from
 * their owner by a callback when a sample is taken: nobody counts them twice. Drops are not here: metrics/drop-ledger.ts.
 */

export interface Sample {
  readonly family: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface CounterFamily {
  readonly key: string
  readonly family: string
  readonly help: string
  /** One cell per label set. */
  readonly cells: ReadonlyArray<Readonly<Record<string, string>>>
}

const packetTypes = [
  ...["reserved", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp"],
  ...["subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth"]
]
const packets = (direction: string) => packetTypes.map((type) => ({ direction, type }))
const messages = (direction: string) => ["0", "1", "2"].map((qos) => ({ direction, qos }))

const packetsHelp = "Control packets by direction and type."
const messagesHelp = "Application messages by direction and the QoS of that delivery."
const bytesHelp = "Bytes of MQTT by direction."
const connectionsHelp = "Connections by what became of them."
const sessionsHelp = "Sessions by what happened to them."
const subscriptionsHelp = "Subscriptions made and removed."
const wills = "promptmq_wills_total"
const willsHelp = "Will messages by what became of them."

const table = [
  { key: "packetsIn", family: "promptmq_packets_total", help: packetsHelp, cells: packets("in") },
  { key: "packetsOut", family: "promptmq_packets_total", help: packetsHelp, cells: packets("out") },
  { key: "messagesIn", family: "promptmq_messages_total", help: messagesHelp, cells: messages("in") },
  { key: "messagesOut", family: "promptmq_messages_total", help: messagesHelp, cells: messages("out") },
  { key: "bytesIn", family: "promptmq_network_bytes_total", help: bytesHelp, cells: [{ direction: "in" }] },
  { key: "bytesOut", family: "promptmq_network_bytes_total", help: bytesHelp, cells: [{ direction: "out" }] },
  ...single("promptmq_connections_total", connectionsHelp, "result", [
    ["connectionsAccepted", "accepted"],
    ["connectionsRefused", "refused"]
  ]),
  ...single("promptmq_disconnections_total", "Ended connections by cause.", "cause", [
    ["disconnectionsByClient", "client"],
    ["disconnectionsLost", "lost"],
    ["disconnectionsKeepAlive", "keep-alive"],
    ["disconnectionsTakenOver", "taken-over"],
    ["disconnectionsProtocolError", "protocol-error"],
    ["disconnectionsByServer", "server"]
  ]),
  ...single("promptmq_sessions_total", sessionsHelp, "event", [
    ["sessionsCreated", "created"],
    ["sessionsResumed", "resumed"],
    ["sessionsExpired", "expired"]
  ]),
  ...single("promptmq_subscriptions_total", subscriptionsHelp, "event", [
    ["subscriptionsMade", "subscribed"],
    ["subscriptionsRemoved", "unsubscribed"]
  ]),
  ...single(wills, willsHelp, "event", [
    ["willsPublished", "published"],
    ["willsCancelled", "cancelled"]
  ]),
  ...single("promptmq_retained_total", "Changes of retained messages.", "event", [
    ["retainedSet", "set"],
    ["retainedCleared", "cleared"],
    ["retainedSent", "sent"]
  ])
] as const satisfies ReadonlyArray<CounterFamily>

type CounterKey = (typeof table)[number]["key"]

/** Index of each family's first cell. */
export const Counter = indexOf(table) as { readonly [K in CounterKey]: number }
export const counterCells: number = table.reduce((sum, row) => sum + row.cells.length, 0)

interface ReadFamily {
  readonly family: string
  readonly help: string
  /** Of what its owner counts, and only ever counts up. */
  readonly type?: "counter"
}

/** What is read from its owner, by key: family, help; labels are never needed. */
export const gaugeTable = {
  connections: { family: "promptmq_connections", help: "Open connections." },
  sessions: { family: "promptmq_sessions", help: "Sessions, connected or not." },
  subscriptions: { family: "promptmq_subscriptions", help: "Subscriptions of all sessions." },
  filters: { family: "promptmq_filters", help: "Distinct topic filters." },
  topics: { family: "promptmq_topics", help: "Topics with records in the log." },
  retainedMessages: { family: "promptmq_retained_messages", help: "Retained messages." },
  retainedBytes: { family: "promptmq_retained_bytes", help: "Bytes of retained messages." },
  inflightMessages: { family: "promptmq_inflight_messages", help: "Sent messages not yet acknowledged." },
  outgoingBytes: { family: "promptmq_outgoing_bytes", help: "Bytes written that the network has not taken yet." },
  logRecords: { family: "promptmq_log_records", help: "Records in the message log." },
  logBytes: { family: "promptmq_log_bytes", help: "Bytes in the message log." },
  ...storage("", {
    storageWrittenLsn: ["written_lsn", "Highest record that is with the operating system."],
    storageDurableLsn: ["durable_lsn", "Highest record that is on the disk."],
    storageKeptLsn: ["kept_lsn", "Highest record that is kept as the sync mode promises."],
    storageDiskBytes: ["disk_bytes", "Bytes of the log's files."],
    storageFiles: ["files", "Files of the log."],
    storageCacheBytes: ["cache_bytes", "Bytes of messages in memory, of those that are on the disk."],
    storagePressure: ["pressure_ratio", "Share of what the store may hold back that is used."],
    storageSpaceLevel: ["space_level", "Room on the disk: 0 enough, 1 low, 2 scarce, 3 full."]
  }),
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

export class Counters {
  readonly values = new Float64Array(counterCells)
  readonly #gauges: Partial<Record<GaugeKey, () => number>> = {}

  /** The owner of the value says how to read it. The last one wins. */
  gauge(key: GaugeKey, read: () => number): void {
    this.#gauges[key] = read
  }

  /** Every counter cell that has a name, then every gauge that has an owner. Cold. */
  samples(): ReadonlyArray<Sample> {
    const samples: Array<Sample> = []
    let index = 0
    for (const row of table) {
      for (const labels of row.cells) {
        samples.push({ family: row.family, labels, value: this.values[index] as number })
        index++
      }
    }
    for (const key of Object.keys(this.#gauges) as Array<GaugeKey>) {
      samples.push({ family: gaugeTable[key].family, labels: {}, value: this.#gauges[key]?.() ?? 0 })
    }
    return samples
  }
}

/** Type and help of each family, for the exposition format: one entry per family. */
export function familyFacts(): ReadonlyArray<{ family: string; type: "counter" | "gauge"; help: string }> {
  const facts = new Map<string, { family: string; type: "counter" | "gauge"; help: string }>()
  for (const row of table) facts.set(row.family, { family: row.family, type: "counter", help: row.help })
  for (const row of Object.values<ReadFamily>(gaugeTable)) {
    facts.set(row.family, { family: row.family, type: row.type ?? "gauge", help: row.help })
  }
  return [...facts.values()]
}

function single<const Rows extends ReadonlyArray<readonly [string, string]>>(
  family: string,
  help: string,
  label: string,
  rows: Rows
) {
  return rows.map(([key, value]) => ({ key: key as Rows[number][0], family, help, cells: [{ [label]: value }] }))
}

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

function indexOf(rows: ReadonlyArray<CounterFamily>): Record<string, number> {
  const index: Record<string, number> = {}
  let next = 0
  for (const row of rows) {
    index[row.key] = next
    next += row.cells.length
  }
  return Object.freeze(index)
}
