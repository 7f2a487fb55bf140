/**
 * Older names for the same figures: those the original registered, and those that only its documents promise. One
 * table; off with metrics.legacy-names: false. No figure is counted for them: each is read from where it is.
 *
 * Names that the tables of this room have anyway (promptmq_connections_total, promptmq_message_size_bytes ...) are not
 * repeated here. A histogram is told once it has something, with every third bound and the last: whoever needs more
 * reads the figure under its own name.
 * "Goroutines" are what keeps this run time busy: sockets, timers, reads and writes under way.
 */
import { Counter, type Counters } from "./counters.ts"
import { type Family, histogramValues } from "./family.ts"
import type { GaugeKey } from "./gauge-table.ts"
import { type HistogramKey, histogramTable } from "./meter.ts"

/** What is not in the counters. */
export interface RuntimeValues {
  readonly residentBytes: number
  readonly activeResources: number
  readonly messagesPerSecond: number
}

interface Row {
  readonly name: string
  readonly type: "counter" | "gauge"
  /** The family that tells the same. */
  readonly same: string
  readonly read: (counters: Counters, runtime: RuntimeValues) => number
}

const messagesIn = (counters: Counters): number => counters.sum(Counter.messagesIn, 3)
const gauge = (key: GaugeKey) => (counters: Counters) => counters.read(key)
const cell = (index: number) => (counters: Counters) => counters.values[index] as number
const storageBytes = (counters: Counters): number =>
  counters.read(counters.hasGauge("walBytes") ? "walBytes" : "logBytes")

const rows: ReadonlyArray<Row> = [
  row("counter", "messages_published_total", "promptmq_messages_total{direction=in}", messagesIn),
  row("counter", "messages_received_total", "promptmq_messages_total{direction=in}", messagesIn),
  row("counter", "bytes_published_total", "promptmq_payload_bytes_total{direction=in}", cell(Counter.payloadIn)),
  row("counter", "bytes_received_total", "promptmq_network_bytes_total{direction=in}", cell(Counter.bytesIn)),
  row("counter", "qos0_messages_total", "promptmq_messages_total{direction=in,qos=0}", cell(Counter.messagesIn)),
  row("counter", "qos1_messages_total", "promptmq_messages_total{direction=in,qos=1}", cell(Counter.messagesIn + 1)),
  row("counter", "qos2_messages_total", "promptmq_messages_total{direction=in,qos=2}", cell(Counter.messagesIn + 2)),
  row("counter", "messages_retained_total", "promptmq_retained_total{event=set}", cell(Counter.retainedSet)),
  row("counter", "sqlite_write_errors_total", "promptmq_wal_write_errors_total", gauge("walWriteErrors")),
  row("counter", "storage_operations_total", "promptmq_persistence_operations_total", gauge("storagePersisted")),
  row("gauge", "connections_current", "promptmq_connections", gauge("connections")),
  row("gauge", "active_connections", "promptmq_connections", gauge("connections")),
  row("gauge", "storage_size_bytes", "promptmq_wal_bytes", storageBytes),
  row("gauge", "storage_usage_bytes", "promptmq_wal_bytes", storageBytes),
  ...["memory_usage_bytes", "system_memory_usage_bytes", "system_memory_usage"].map((name) =>
    row("gauge", name, "process_resident_memory_bytes", (_, { residentBytes }) => residentBytes)
  ),
  ...["goroutines_total", "system_goroutines"].map((name) =>
    row("gauge", name, "nodejs_active_resources", (_, { activeResources }) => activeResources)
  ),
  ...["throughput_messages_per_second", "messages_per_second"].map((name) =>
    row("gauge", name, "promptmq_message_rate", (_, runtime) => runtime.messagesPerSecond)
  )
]

const microseconds = 1_000_000
const histograms: ReadonlyArray<{ readonly name: string; readonly key: HistogramKey; readonly scale: number }> = [
  { name: "promptmq_message_processing_latency_microseconds", key: "processing", scale: microseconds },
  { name: "promptmq_processing_latency_microseconds", key: "processing", scale: microseconds },
  { name: "promptmq_message_processing_duration", key: "processing", scale: 1 },
  { name: "promptmq_wal_write_latency_microseconds", key: "walAppend", scale: microseconds },
  { name: "promptmq_sqlite_write_latency_microseconds", key: "walAppend", scale: microseconds },
  { name: "promptmq_storage_wal_write_duration_seconds", key: "walAppend", scale: 1 },
  { name: "promptmq_wal_sync_duration", key: "walSync", scale: 1 },
  { name: "promptmq_recovery_duration_seconds", key: "walRecovery", scale: 1 }
]

export const legacyNames: ReadonlyArray<string> = [...rows, ...histograms].map(({ name }) => name)

export const legacyFamilies = (counters: Counters, runtime: RuntimeValues): ReadonlyArray<Family> => [
  ...rows.map(({ name, read, same, type }) => ({
    name,
    type,
    help: `Older name of ${same}.`,
    values: [{ labels: {}, value: read(counters, runtime) }]
  })),
  ...histograms.map(({ key, name, scale }) => ({
    name,
    type: "histogram" as const,
    help: `Older name of ${histogramTable[key].family}.`,
    values: isMoved(counters, key) ? histogramValues(name, {}, counters.meter.histograms[key], scale, 3) : []
  }))
]

const isMoved = ({ meter }: Counters, key: HistogramKey): boolean =>
  meter.histograms[key].some(({ count }) => count > 0)

function row(type: Row["type"], name: string, same: string, read: Row["read"]): Row {
  return { name: `promptmq_${name}`, type, same, read }
}
