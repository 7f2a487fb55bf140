/**
 * What is seen of each setting of `metrics`: pages, their series, and what subscribers of $SYS get. One row per key.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { scrape } from "./scrape.ts"
import type { Seen } from "./settings-seen-mqtt.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-metrics-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
const admin = { enabled: true, bind: "127.0.0.1:0", "token-file": join(folder, "token") }

export const seenByMetrics: Readonly<Record<string, Seen>> = {
  "metrics.enabled": {
    settings: { admin, metrics: { enabled: false } },
    see: async ({ running }) => {
      const page = await fetch(`http://127.0.0.1:${running.admin?.port}/metrics`)
      assert.strictEqual(page.status, 404)
    }
  },
  "metrics.bind": {
    settings: { metrics: { bind: ["127.0.0.1:0", "127.0.0.2:0"] } },
    see: async ({ running }) => {
      assert.lengthOf(running.metricsAt, 2)
      for (const { host, port } of running.metricsAt) {
        const page = await fetch(`http://${host}:${port}/metrics`)
        assert.include(await page.text(), "promptmq_build_info")
        assert.strictEqual((await fetch(`http://${host}:${port}/readyz`)).status, 200)
        assert.strictEqual((await fetch(`http://${host}:${port}/api/v1/system`)).status, 404)
      }
    }
  },
  "metrics.path": {
    settings: { admin, metrics: { path: "/figures" } },
    see: async ({ running }) => {
      const at = `http://127.0.0.1:${running.admin?.port}`
      assert.strictEqual((await fetch(`${at}/figures`)).status, 200)
      assert.strictEqual((await fetch(`${at}/metrics`)).status, 404)
    }
  },
  "metrics.legacy-names": {
    settings: { admin, metrics: { "legacy-names": false } },
    see: async (broker) => assert.notInclude((await scrape(broker)).text, "promptmq_qos0_messages_total")
  },
  "metrics.topics": {
    settings: { admin, metrics: { topics: ["plant/+"] } },
    see: async (broker) => {
      const client = await broker.join("client")
      for (const topic of ["plant/1", "plant/1", "plant/1/2", "other"]) await client.publish(topic, "four", { qos: 1 })
      const { value } = await scrape(broker)
      assert.strictEqual(value('promptmq_topic_messages_total{topic="plant/1"}'), 2)
      assert.strictEqual(value('promptmq_topic_bytes_total{topic="plant/1"}'), 8)
      assert.isUndefined(value('promptmq_topic_messages_total{topic="other"}'))
    }
  },
  "metrics.max-topic-series": {
    settings: { admin, metrics: { topics: ["#"], "max-topic-series": 2 } },
    see: async (broker) => {
      const client = await broker.join("client")
      for (const topic of ["a", "b", "c", "d", "a"]) await client.publish(topic, "x", { qos: 1 })
      const { value } = await scrape(broker)
      assert.strictEqual(value('promptmq_topic_messages_total{topic="a"}'), 2)
      assert.strictEqual(value('promptmq_topic_messages_total{topic="(other)"}'), 2)
      assert.isUndefined(value('promptmq_topic_messages_total{topic="c"}'))
    }
  },
  "metrics.sys-interval": {
    settings: { metrics: { "sys-interval": "100ms" } },
    see: async (broker) => {
      const client = await broker.join("client")
      await client.subscribe("$SYS/broker/bytes/sent")
      const values = [await client.message(), await client.message(), await client.message()]
      const totals = values.map(({ payload }) => Number(payload))
      assert.deepEqual(
        totals,
        totals.toSorted((a, b) => a - b)
      )
      assert.isAbove(totals.at(-1) ?? 0, 0)
    }
  }
}
