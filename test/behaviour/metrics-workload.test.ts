/**
 * Goal: every metric says what happened, exactly.
 * Method: one broker with its log on disk, a fixed workload over TCP, one scrape. Each family is in the table below: with
 * the value that the workload gives it, or with the reason why it has no mover here. Bytes are compared with what went
 * through the sockets.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { legacyNames } from "../../src/metrics/legacy-names.ts"
import { histogramTable } from "../../src/metrics/meter.ts"
import { scrape } from "../support/scrape.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import type { Wire } from "../support/wire.ts"

const root = mkdtempSync(join(tmpdir(), "promptmq-metrics-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const startWithLog = (name: string, metrics = {}): Promise<WholeBroker> =>
  startWhole({
    admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(root, `${name}-token`) },
    storage: { engine: "wal", "data-dir": join(root, name), wal: { "sync-mode": "immediate" } },
    metrics: { "sys-interval": "0s", ...metrics }
  })

/** Counts what the clients' sockets carry from now on. */
const countBytes = (broker: WholeBroker): { sent: number; received: number } => {
  const bytes = { sent: 0, received: 0 }
  const open = broker.open
  const opened = async (): Promise<Wire> => {
    const wire = await open()
    return {
      send: (each) => {
        bytes.sent += each.length
        wire.send(each)
      },
      destroy: () => wire.destroy(),
      stopReading: () => wire.stopReading(),
      startReading: () => wire.startReading(),
      set onBytes(handler: (each: Buffer) => void) {
        wire.onBytes = (each) => {
          bytes.received += each.length
          handler(each)
        }
      },
      set onClose(handler: () => void) {
        wire.onClose = handler
      }
    } as Wire
  }
  Object.assign(broker, { open: opened })
  return bytes
}

/** What happens. Every number in the table follows from here. */
const play = async (broker: WholeBroker): Promise<void> => {
  const forever = { clean: false, properties: { sessionExpiryInterval: 3600 } }
  const will = { topic: "will", payload: Buffer.from("bye!"), qos: 0 as const, retain: false }
  const reader = await broker.join("reader", forever)
  await reader.subscribe("a/#", 2)
  await reader.subscribe("$share/g/b", 1)
  await reader.subscribe("will", 0)
  await reader.subscribe("gone", 0)
  await reader.unsubscribe("gone")
  const writer = await broker.join("writer", { version: 4, will, username: "u", password: Buffer.from("p") })
  await writer.publish("a/0", "0123456789")
  await writer.publish("a/1", "x".repeat(100), { qos: 1 })
  await writer.publish("a/2", "x".repeat(1000), { qos: 2 })
  await writer.publish("a/kept", "kept", { qos: 1, retain: true })
  await writer.publish("nobody", "lost", { qos: 1 })
  for (let i = 0; i < 4; i++) await reader.message()
  // Somebody comes late, gets what is retained, and clears it.
  const late = await broker.join("late", { will })
  await late.subscribe("a/kept", 1)
  await late.message()
  await late.publish("a/kept", "", { qos: 1, retain: true })
  await late.message()
  await reader.message()
  await late.leave()
  // The writer's will is published, the reader goes, misses two messages, and comes back for them.
  await writer.vanish()
  assert.strictEqual(String((await reader.message()).payload), "bye!")
  await reader.leave()
  const other = await broker.join("other")
  for (const payload of ["missed 1", "missed 2"]) await other.publish("a/3", payload, { qos: 1 })
  const again = await broker.join("reader", forever)
  await again.payloads(2)
  // Taken over, refused, and thrown out.
  const taker = await broker.join("other")
  await other.refused(0x8e)
  const forbidden = await broker.dial()
  await forbidden.connect("forbidden", { will: { ...will, topic: "$SYS/x" } })
  await forbidden.closed()
  const wrong = await broker.join("wrong")
  wrong.sendRaw("f0 00")
  await wrong.refused(0x82)
  await again.quiet()
  await taker.quiet()
}

type Expected = number | "above 0" | { readonly sameAs: string }

/** Series or whole families (without braces: the sum of their series). */
const moved: Readonly<Record<string, Expected>> = {
  'promptmq_packets_total{direction="in",type="connect"}': 8,
  'promptmq_packets_total{direction="in",type="publish"}': 8,
  'promptmq_packets_total{direction="in",type="puback"}': 7,
  'promptmq_packets_total{direction="in",type="pubrec"}': 1,
  'promptmq_packets_total{direction="in",type="pubrel"}': 1,
  'promptmq_packets_total{direction="in",type="pubcomp"}': 1,
  'promptmq_packets_total{direction="in",type="subscribe"}': 5,
  'promptmq_packets_total{direction="in",type="unsubscribe"}': 1,
  'promptmq_packets_total{direction="in",type="pingreq"}': 4,
  'promptmq_packets_total{direction="in",type="disconnect"}': 2,
  'promptmq_packets_total{direction="in",type="auth"}': 1,
  'promptmq_packets_total{direction="out",type="connack"}': 8,
  'promptmq_packets_total{direction="out",type="publish"}': 10,
  'promptmq_packets_total{direction="out",type="puback"}': 6,
  'promptmq_packets_total{direction="out",type="pubrec"}': 1,
  'promptmq_packets_total{direction="out",type="pubrel"}': 1,
  'promptmq_packets_total{direction="out",type="pubcomp"}': 1,
  'promptmq_packets_total{direction="out",type="suback"}': 5,
  'promptmq_packets_total{direction="out",type="unsuback"}': 1,
  'promptmq_packets_total{direction="out",type="pingresp"}': 4,
  'promptmq_packets_total{direction="out",type="disconnect"}': 2,
  'promptmq_messages_total{direction="in",qos="0"}': 1,
  'promptmq_messages_total{direction="in",qos="1"}': 6,
  'promptmq_messages_total{direction="in",qos="2"}': 1,
  'promptmq_messages_total{direction="out",qos="0"}': 2,
  'promptmq_messages_total{direction="out",qos="1"}': 7,
  'promptmq_messages_total{direction="out",qos="2"}': 1,
  'promptmq_payload_bytes_total{direction="in"}': 1134,
  'promptmq_payload_bytes_total{direction="out"}': 1138,
  'promptmq_sockets_total{listener="tcp"}': 8,
  'promptmq_connections_total{listener="tcp",result="accepted"}': 7,
  'promptmq_connections_total{listener="tcp",result="refused"}': 1,
  'promptmq_auth_total{method="none",result="allowed"}': 6,
  'promptmq_auth_total{method="password",result="allowed"}': 1,
  'promptmq_disconnections_total{cause="client"}': 2,
  'promptmq_disconnections_total{cause="lost"}': 1,
  'promptmq_disconnections_total{cause="taken-over"}': 1,
  'promptmq_disconnections_total{cause="protocol-error"}': 1,
  'promptmq_sessions_total{event="created"}': 6,
  'promptmq_sessions_total{event="resumed"}': 1,
  'promptmq_subscriptions_total{event="subscribed"}': 5,
  'promptmq_subscriptions_total{event="unsubscribed"}': 1,
  'promptmq_wills_total{event="published"}': 1,
  'promptmq_wills_total{event="cancelled"}': 1,
  'promptmq_retained_total{event="set"}': 1,
  'promptmq_retained_total{event="cleared"}': 1,
  'promptmq_retained_total{event="sent"}': 1,
  'promptmq_connections{listener="tcp"}': 2,
  promptmq_connections_max: 3,
  'promptmq_sessions{state="connected"}': 2,
  'promptmq_sessions{state="disconnected"}': 0,
  'promptmq_subscriptions{state="connected"}': 3,
  promptmq_shared_subscriptions: 1,
  promptmq_filters: 3,
  'promptmq_messages_dropped_total{reason="no-subscriber"}': 1,
  promptmq_messages_dropped_total: 1,
  'promptmq_publish_ack_seconds_count{qos="1"}': 6,
  'promptmq_publish_ack_seconds_count{qos="2"}': 1,
  promptmq_publish_ack_seconds_sum: "above 0",
  'promptmq_delivery_seconds_count{qos="0"}': 2,
  'promptmq_delivery_seconds_count{qos="1"}': 7,
  'promptmq_delivery_seconds_count{qos="2"}': 1,
  promptmq_delivery_seconds_sum: "above 0",
  promptmq_processing_seconds_count: "above 0",
  promptmq_message_size_bytes_count: 8,
  promptmq_message_size_bytes_sum: 1134,
  'promptmq_message_size_bytes_bucket{le="64"}': 6,
  'promptmq_message_size_bytes_bucket{le="256"}': 7,
  'promptmq_message_size_bytes_bucket{le="1024"}': 8,
  promptmq_connection_duration_seconds_count: 5,
  promptmq_topics: "above 0",
  promptmq_log_records: "above 0",
  promptmq_log_bytes: "above 0",
  promptmq_storage_cache_bytes: "above 0",
  promptmq_wal_bytes: "above 0",
  promptmq_wal_segments: 1,
  promptmq_wal_last_sync_timestamp_seconds: "above 0",
  promptmq_wal_append_seconds_count: sameAs("promptmq_storage_frames_total"),
  promptmq_wal_sync_seconds_count: sameAs("promptmq_storage_syncs_total"),
  promptmq_wal_group_size_count: sameAs("promptmq_storage_frames_total"),
  promptmq_wal_group_size_sum: sameAs("promptmq_storage_records_appended_total"),
  promptmq_wal_recovery_duration_seconds_count: 1,
  'promptmq_persistence_operations_total{operation="write",status="success"}': sameAs(
    "promptmq_storage_records_appended_total"
  ),
  promptmq_storage_records_appended_total: "above 0",
  promptmq_storage_written_lsn: sameAs("promptmq_storage_records_appended_total"),
  promptmq_storage_durable_lsn: sameAs("promptmq_storage_records_appended_total"),
  promptmq_storage_kept_lsn: sameAs("promptmq_storage_records_appended_total"),
  promptmq_storage_frames_total: "above 0",
  promptmq_storage_bytes_written_total: "above 0",
  promptmq_storage_syncs_total: "above 0",
  promptmq_build_info: 1,
  promptmq_uptime_seconds: "above 0",
  promptmq_config_reload_success: 1,
  promptmq_config_last_reload_timestamp_seconds: "above 0"
}

const elsewhere = "it has no mover here: "
/** Families that this workload leaves alone. What is told as 0 here is 0, and not absent. */
const unmoved: Readonly<Record<string, string>> = {
  promptmq_acl_total: `${elsewhere}everything is allowed; test/behaviour/metrics-access.test.ts`,
  promptmq_retained_messages: `${elsewhere}it is cleared again; test/behaviour/metrics-gauges.test.ts`,
  promptmq_retained_bytes: `${elsewhere}as above`,
  promptmq_inflight_messages: `${elsewhere}all is acknowledged; test/behaviour/metrics-gauges.test.ts`,
  promptmq_queued_messages: `${elsewhere}nothing waits in the end; test/behaviour/metrics-others.test.ts`,
  promptmq_queued_bytes: `${elsewhere}as above`,
  promptmq_slowed_publishers: `${elsewhere}publishers that are slowed: test/broker/slow-down.test.ts`,
  promptmq_outgoing_bytes: `${elsewhere}everybody reads; test/behaviour/metrics-others.test.ts`,
  promptmq_storage_pressure_ratio: `${elsewhere}the disk keeps up; it is the log's own figure (test/wal)`,
  promptmq_storage_space_level: `${elsewhere}a disk that fills up: test/behaviour/durable-full-disk.test.ts`,
  promptmq_wal_lag_bytes: `${elsewhere}all is synced; test/wal/appender-meter.test.ts`,
  promptmq_wal_buffer_usage_bytes: `${elsewhere}all is written`,
  promptmq_wal_write_errors_total: `${elsewhere}a disk that fails: test/wal/appender-meter.test.ts`,
  promptmq_storage_sync_seconds_total: `${elsewhere}whole milliseconds, which a fast disk does not need`,
  promptmq_storage_bytes_read_total: `${elsewhere}all is in memory`,
  promptmq_storage_read_faults_total: `${elsewhere}a disk that fails: test/store`,
  promptmq_storage_records_lost_total: `${elsewhere}damage: test/store`,
  promptmq_storage_compaction_passes_total: `${elsewhere}compaction: test/behaviour/metrics-others.test.ts`,
  promptmq_storage_compaction_copied_bytes_total: `${elsewhere}compaction has nothing to copy: test/store/compactor.test.ts`,
  promptmq_storage_compaction_freed_bytes_total: `${elsewhere}as above`,
  promptmq_gc_duration_seconds: `${elsewhere}the run time collects when it wants; test/telemetry/runtime-figures.test.ts`,
  promptmq_message_rate: `${elsewhere}a rate over five seconds; test/telemetry/runtime-figures.test.ts`,
  promptmq_user_quotas_total: `${elsewhere}users without a quota; test/behaviour/limits-quotas.test.ts`,
  promptmq_open_sockets: "limits of connections have tests of their own",
  promptmq_unauthenticated_bytes: "limits of connections have tests of their own",
  promptmq_bans: "bans have tests of their own",
  promptmq_memory_used_bytes: "the ceiling of memory has tests of its own",
  promptmq_memory_level: "the ceiling of memory has tests of its own",
  promptmq_admission_lag_seconds: "the watch over load has tests of its own"
}

describe("metrics", () => {
  it("say exactly what a fixed workload did", async () => {
    await using broker = await startWithLog("workload")
    const bytes = countBytes(broker)
    await play(broker)
    let scraped = await scrape(broker)
    // A cursor may be on its way to the disk.
    const isSafe = (): boolean =>
      scraped.sum("promptmq_storage_records_appended_total") === scraped.sum("promptmq_storage_durable_lsn")
    while (!isSafe()) scraped = await scrape(broker)
    const wrong: Array<string> = []
    for (const [name, expected] of Object.entries(moved)) {
      const value = name.includes("{") ? scraped.value(name) : scraped.sum(name)
      const wanted = typeof expected === "object" ? scraped.sum(expected.sameAs) : expected
      const isRight = wanted === "above 0" ? (value ?? 0) > 0 : value === wanted
      if (!isRight) wrong.push(`${name} is ${value}, not ${wanted}`)
    }
    assert.deepEqual(wrong, [])
    assert.strictEqual(scraped.value('promptmq_network_bytes_total{direction="in"}'), bytes.sent)
    assert.strictEqual(scraped.value('promptmq_network_bytes_total{direction="out"}'), bytes.received)
  })

  it("are all in the table, with HELP and TYPE, or have a reason", async () => {
    await using broker = await startWithLog("families")
    const { text } = await scrape(broker)
    const families = [...text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map(([, name = ""]) => name)
    const helps = [...text.matchAll(/^# HELP (\S+) .+\.$/gm)].map(([, name = ""]) => name)
    assert.deepEqual(families, helps)
    assert.deepEqual(families, [...new Set(families)])
    const inTable = Object.keys(moved).map((name) => name.replace(/\{.*/, "").replace(/_(bucket|sum|count)$/, ""))
    const known = new Set([...inTable, ...Object.keys(unmoved), ...legacyNames, "promptmq_network_bytes_total"])
    const own = families.filter((name) => name.startsWith("promptmq_"))
    assert.deepEqual(
      own.filter((name) => !known.has(name)),
      [],
      "a new family has its mover in this table, or a reason"
    )
    assert.deepEqual(
      [...known].filter((name) => !own.includes(name)),
      [],
      "the table names a family that is not told"
    )
    for (const { family } of Object.values(histogramTable)) assert.include(own, family)
  })

  it("are fewer than 300 series when idle, and keep to the names' rules", async () => {
    await using broker = await startWithLog("idle")
    const { series, text } = await scrape(broker)
    assert.isBelow(series.size, 300)
    for (const [, name = "", type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      assert.match(name, /^(promptmq|nodejs|process)_[a-z0-9_]+$/)
      if (legacyNames.includes(name)) continue
      assert.strictEqual(name.endsWith("_total"), type === "counter", name)
      assert.notMatch(name, /_(ms|milliseconds|microseconds|kb|percent)(_|$)/, "base units only")
    }
    for (const name of series.keys())
      assert.notMatch(name, /[{,](client|topic|peer|user)=/, "no label grows with its users")
  })
})

/** Counts the same from another side. */
function sameAs(other: string): { readonly sameAs: string } {
  return { sameAs: other }
}
