/**
 * Every metric of A16 (registered in the original) and A17 (promised in its documents, absent from its source).
 *
 * `alias` rows are told while metrics.legacy-names is on. `sameValue` false: the older name counts otherwise than the
 * family beside it, for the reason given. `bounds`: the lowest and the highest bucket that were named.
 */
import { alias, type Here, same } from "./row.ts"

export interface MetricRow {
  /** Without "promptmq_". */
  readonly name: string
  readonly from: "A16" | "A17"
  readonly type: "counter" | "gauge" | "histogram"
  readonly here: Here
  /** Label values that must be there. */
  readonly labels?: ReadonlyArray<string>
  readonly bounds?: readonly [lowest: number, highest: number]
  /** Where the older name's value is not simply that of `of`. */
  readonly differs?: string
}

const counter = (name: string, here: Here, more: Partial<MetricRow> = {}): MetricRow => ({
  name,
  from: "A16",
  type: "counter",
  here,
  ...more
})
const gauge = (name: string, here: Here, more: Partial<MetricRow> = {}): MetricRow => ({
  ...counter(name, here, more),
  type: "gauge"
})
const histogram = (name: string, here: Here, more: Partial<MetricRow> = {}): MetricRow => ({
  ...counter(name, here, more),
  type: "histogram"
})
const promised = (row: MetricRow): MetricRow => ({ ...row, from: "A17" })

const inbound = 'promptmq_messages_total{direction="in"'
const oneStep = "every third bound and the last only"

export const metricRows: ReadonlyArray<MetricRow> = [
  counter("connections_total", same),
  counter("disconnections_total", same),
  counter("messages_published_total", alias(inbound)),
  counter("messages_received_total", alias(inbound)),
  counter("bytes_published_total", alias('promptmq_payload_bytes_total{direction="in"')),
  counter("bytes_received_total", alias('promptmq_network_bytes_total{direction="in"'), {
    differs: "the scrape itself comes in between; the original counted bytes sent under this name"
  }),
  counter("qos0_messages_total", alias(`${inbound},qos="0"}`)),
  counter("qos1_messages_total", alias(`${inbound},qos="1"}`)),
  counter("qos2_messages_total", alias(`${inbound},qos="2"}`)),
  counter("topic_messages_total", same, { labels: ['topic="a/0"'] }),
  counter("topic_bytes_total", same, { labels: ['topic="a/0"'] }),
  counter("wal_write_errors_total", same),
  counter("persistence_operations_total", same, {
    labels: ["write", "read", "delete"].map((operation) => `operation="${operation}",status="success"`)
  }),
  gauge("connections_current", alias("promptmq_connections{")),
  gauge("topic_subscribers", same, { labels: ['topic="a/0"'] }),
  gauge("wal_buffer_usage_bytes", same),
  gauge("memory_usage_bytes", alias("process_resident_memory_bytes"), { differs: "read a moment apart" }),
  gauge("goroutines_total", alias("nodejs_active_resources"), {
    differs: "what keeps this run time busy, as one number; the family tells it by type"
  }),
  gauge("uptime_seconds", same),
  gauge("throughput_messages_per_second", alias("promptmq_message_rate")),
  histogram("connection_duration_seconds", same, { bounds: [1, 28_800] }),
  histogram("message_processing_latency_microseconds", alias("promptmq_message_processing_seconds"), {
    differs: oneStep,
    bounds: [100, 100_000]
  }),
  histogram("processing_latency_microseconds", alias("promptmq_message_processing_seconds"), {
    differs: oneStep,
    bounds: [100, 100_000]
  }),
  histogram("message_size_bytes", same, { bounds: [64, 1_048_576] }),
  histogram("wal_write_latency_microseconds", alias("promptmq_wal_append_seconds"), {
    differs: oneStep,
    bounds: [50, 25_000]
  }),
  histogram("wal_recovery_duration_seconds", same, { bounds: [0.1, 60] }),
  histogram("gc_duration_seconds", same, { bounds: [0.0001, 0.5] }),
  promised(counter("messages_total", same)),
  promised(gauge("messages_per_second", alias("promptmq_message_rate"))),
  promised(histogram("wal_sync_duration", alias("promptmq_wal_sync_seconds"), { differs: oneStep })),
  promised(gauge("storage_size_bytes", alias("promptmq_wal_bytes"))),
  promised(gauge("active_connections", alias("promptmq_connections{"))),
  promised(histogram("storage_wal_write_duration_seconds", alias("promptmq_wal_append_seconds"), { differs: oneStep })),
  promised(
    gauge("system_memory_usage_bytes", alias("process_resident_memory_bytes"), { differs: "read a moment apart" })
  ),
  promised(histogram("sqlite_write_latency_microseconds", alias("promptmq_wal_append_seconds"), { differs: oneStep })),
  promised(counter("sqlite_write_errors_total", alias("promptmq_wal_write_errors_total"))),
  promised(gauge("storage_usage_bytes", alias("promptmq_wal_bytes"))),
  promised(
    histogram("recovery_duration_seconds", alias("promptmq_wal_recovery_duration_seconds"), { differs: oneStep })
  ),
  promised(counter("messages_retained_total", alias('promptmq_retained_total{event="set"}'))),
  promised(counter("storage_operations_total", alias("promptmq_persistence_operations_total"))),
  promised(
    histogram("message_processing_duration", alias("promptmq_message_processing_seconds"), { differs: oneStep })
  ),
  promised(gauge("system_memory_usage", alias("process_resident_memory_bytes"), { differs: "read a moment apart" })),
  promised(
    gauge("system_goroutines", alias("nodejs_active_resources"), {
      differs: "what keeps this run time busy, as one number; the family tells it by type"
    })
  )
]
