/**
 * Goal: the metrics that the fixed workload (metrics-workload.test.ts) leaves alone move too, and the page itself keeps to
 * both formats, to its switches and to its door.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { legacyNames } from "../../src/metrics/legacy-names.ts"
import { scrape } from "../support/scrape.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const root = mkdtempSync(join(tmpdir(), "promptmq-metrics-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const start = (name: string, more = {}, metrics = {}): Promise<WholeBroker> =>
  startWhole({
    admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(root, `${name}-token`) },
    metrics: { "sys-interval": "0s", ...metrics },
    ...more
  })

const onDisk = (name: string) => ({ storage: { engine: "wal" as const, "data-dir": join(root, name) } })
const forever = { clean: false, properties: { sessionExpiryInterval: 3600 } }

describe("metrics: what waits", () => {
  it("counts messages that wait for an absent session, and estimates their bytes", async () => {
    await using broker = await start("queued")
    const reader = await broker.join("reader", forever)
    await reader.subscribe("a/#", 1)
    await reader.leave()
    const writer = await broker.join("writer")
    for (let i = 0; i < 5; i++) await writer.publish("a/1", "x".repeat(100), { qos: 1 })
    const away = await scrape(broker)
    assert.strictEqual(away.value("promptmq_queued_messages"), 5)
    assert.isAtLeast(away.value("promptmq_queued_bytes") ?? 0, 500)
    const again = await broker.join("reader", forever)
    await again.payloads(5)
    await again.quiet()
    assert.strictEqual((await scrape(broker)).value("promptmq_queued_messages"), 0)
  })

  it("counts what was sent and not acknowledged, and bytes that the network has not taken", async () => {
    await using broker = await start("outgoing")
    const reader = await broker.joinInMemory("reader")
    await reader.subscribe("a/#", 1)
    const writer = await broker.join("writer")
    await writer.publish("a/1", "x", { qos: 1 })
    assert.strictEqual((await scrape(broker)).value("promptmq_inflight_messages"), 1)
    reader.wire.stopReading()
    for (let i = 0; i < 10; i++) await writer.publish("a/1", Buffer.alloc(50_000), { qos: 0 })
    await writer.quiet()
    assert.isAtLeast((await scrape(broker)).value("promptmq_outgoing_bytes") ?? 0, 100_000)
  })

  it("counts acknowledgements that wait for a sync, with their time", async () => {
    await using broker = await start("acks", onDisk("acks"))
    const reader = await broker.join("reader", forever)
    await reader.subscribe("a/#", 1)
    const writer = await broker.join("writer")
    for (let i = 0; i < 4; i++) await writer.publish("a/1", "x", { qos: 1 })
    const { value } = await scrape(broker)
    assert.strictEqual(value('promptmq_publish_ack_seconds_count{qos="1"}'), 4)
    const [acknowledged = 0, synced = 0] = [
      'publish_ack_seconds_sum{qos="1"}',
      'wal_sync_seconds_sum{mode="immediate"}'
    ].map((name) => value(`promptmq_${name}`))
    assert.isAbove(acknowledged, 0)
    assert.isAbove(synced, 0)
  })

  it("counts passes of compaction", async () => {
    await using broker = await start("compaction", onDisk("compaction"))
    const { port, tokenFile } = broker.running.admin ?? { port: 0, tokenFile: "" }
    const { readFileSync } = await import("node:fs")
    const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`
    const before = (await scrape(broker)).value("promptmq_storage_compaction_passes_total") ?? -1
    const url = `http://127.0.0.1:${port}/api/v1/storage/compact`
    await fetch(url, { method: "POST", headers: { authorization, "content-type": "application/json" }, body: "{}" })
    assert.isAbove((await scrape(broker)).value("promptmq_storage_compaction_passes_total") ?? -1, before)
  })
})

describe("metrics: the page", () => {
  it("is told as Prometheus text or as OpenMetrics, with the same values", async () => {
    await using broker = await start("formats", onDisk("formats"))
    const client = await broker.join("client")
    await client.publish("a", "x", { qos: 1 })
    const plain = await scrape(broker)
    const open = await scrape(broker, "application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
    assert.match(plain.contentType, /^text\/plain; version=0\.0\.4/)
    assert.match(open.contentType, /^application\/openmetrics-text; version=1\.0\.0/)
    assert.isTrue(open.text.endsWith("# EOF\n"))
    const drifts =
      /seconds|rate|memory|heap|external|buffers|resources|fds|lag|utilization|uptime|goroutines|per_second/
    for (const [name, value] of plain.series) {
      if (!drifts.test(name)) assert.strictEqual(open.value(name), value, name)
    }
    const families = [...open.text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name)
    assert.strictEqual(new Set(families).size, families.length, "no family twice")
  })

  it("has no log's figures without a log, nor older names when they are switched off while it runs", async () => {
    await using broker = await start("memory")
    const told = await scrape(broker)
    assert.isFalse([...told.series.keys()].some((name) => /^promptmq_wal_(sync|append|group)_/.test(name)))
    for (const name of legacyNames) assert.include(told.text, `# TYPE ${name} `)
    const { port, tokenFile } = broker.running.admin ?? { port: 0, tokenFile: "" }
    const { readFileSync } = await import("node:fs")
    const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`
    const body = JSON.stringify({ "metrics.legacy-names": false })
    const headers = { authorization, "content-type": "application/json" }
    const changed = await fetch(`http://127.0.0.1:${port}/api/v1/settings`, { method: "PATCH", headers, body })
    assert.strictEqual(changed.status, 200)
    const { text } = await scrape(broker)
    for (const name of legacyNames) assert.notInclude(text, `# TYPE ${name} `)
  })

  it("is served at its own addresses only where those are not the admin listener's", async () => {
    await using broker = await start("door", {}, { bind: ["127.0.0.1:0", "127.0.0.2:0"] })
    assert.strictEqual(broker.running.metricsAt.length, 1)
    const [own] = broker.running.metricsAt
    assert.strictEqual(own?.host, "127.0.0.2")
    assert.include((await scrape(broker)).text, "promptmq_build_info")
    const foreign = await fetch(`http://${own?.host}:${own?.port}/metrics`, { method: "POST" })
    assert.strictEqual(foreign.status, 405)
  })

  it("every name of the original and of its documents is told", async () => {
    await using broker = await start("names", onDisk("names"), { topics: ["#"] })
    const client = await broker.join("client")
    await client.publish("a", "x", { qos: 1 })
    const { text } = await scrape(broker)
    const told = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name))
    const missing = seedNames.map((name) => `promptmq_${name}`).filter((name) => !told.has(name))
    assert.deepEqual(missing, [])
  })
})

/** Registered by the original; then only promised, by three generations of documents. */
const seedNames = [
  ..."connections_total disconnections_total messages_published_total messages_received_total bytes_published_total".split(
    " "
  ),
  ..."bytes_received_total qos0_messages_total qos1_messages_total qos2_messages_total topic_messages_total".split(" "),
  ..."topic_bytes_total wal_write_errors_total persistence_operations_total connections_current".split(" "),
  ..."topic_subscribers wal_buffer_usage_bytes memory_usage_bytes goroutines_total uptime_seconds".split(" "),
  ..."throughput_messages_per_second connection_duration_seconds message_processing_latency_microseconds".split(" "),
  ..."processing_latency_microseconds message_size_bytes wal_write_latency_microseconds".split(" "),
  ..."wal_recovery_duration_seconds gc_duration_seconds".split(" "),
  ..."messages_total messages_per_second wal_sync_duration storage_size_bytes active_connections".split(" "),
  ..."storage_wal_write_duration_seconds system_memory_usage_bytes".split(" "),
  ..."sqlite_write_latency_microseconds sqlite_write_errors_total storage_usage_bytes".split(" "),
  ..."recovery_duration_seconds messages_retained_total storage_operations_total".split(" "),
  ..."message_processing_duration system_memory_usage system_goroutines".split(" ")
]
