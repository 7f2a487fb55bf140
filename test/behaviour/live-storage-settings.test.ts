/**
 * Goal: what a log promises can be changed while it serves: sync mode, acknowledgement, force-fsync, topic policies; a
 * forced sync, a compaction and a backup can be asked for; the promise that is told changes along.
 * Method: the whole broker on a folder of its own, its admin API, and a publisher whose acknowledgements are compared
 * with what is on the disk by then.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { gaugeTable } from "../../src/metrics/gauge-table.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import type { RawClient } from "../support/raw-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-live-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const never = { "storage.wal.sync-mode": "periodic", "storage.wal.sync-interval": "1h" }

const onDisk = (name: string): SettingsInput => ({
  admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(folder, "token") },
  storage: { engine: "wal", "data-dir": join(folder, name) }
})

const ask = async ({ running }: WholeBroker, method: string, path: string, body?: unknown) => {
  const authorization = `Bearer ${readFileSync(join(folder, "token"), "utf8").trim()}`
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const url = `http://127.0.0.1:${running.admin?.port}${path}`
  const response = await fetch(url, { method, headers: { authorization }, ...sent })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const change = async (broker: WholeBroker, settings: Readonly<Record<string, unknown>>): Promise<void> => {
  const { body, status } = await ask(broker, "PATCH", "/api/v1/settings", settings)
  assert.strictEqual(status, 200, JSON.stringify(body))
}

/** Whether a message was on the disk when it was acknowledged. */
const isSafeWhenAcknowledged = async ({ core: { log } }: WholeBroker, publisher: RawClient): Promise<boolean> => {
  assert.strictEqual(await publisher.publish("t", "x", { qos: 1, retain: true }), 0)
  return log.durable >= log.ticket
}

describe("storage settings, changed while the broker runs", () => {
  it("decide about the very next acknowledgement", async () => {
    await using broker = await startWhole(onDisk("modes"))
    const publisher = await broker.join("publisher")
    const isSafe = () => isSafeWhenAcknowledged(broker, publisher)
    assert.isTrue(await isSafe(), "immediate")
    await change(broker, never)
    assert.isFalse(await isSafe(), "periodic")
    assert.include(broker.running.promise(), "a power cut loses at most the last 1h")
    await change(broker, { "storage.wal.force-fsync": true })
    assert.isTrue(await isSafe(), "force-fsync")
    await change(broker, { "storage.wal.force-fsync": false })
    assert.isFalse(await isSafe(), "periodic again")
    await change(broker, { "topics.policies": [{ filter: "t", "force-fsync": true, acknowledge: "durable" }] })
    assert.isTrue(await isSafe(), "a topic that asks for more")
    await change(broker, { "topics.policies": [] })
    await change(broker, { "storage.wal.sync-mode": "batch", "storage.wal.batch-sync-size": 3 })
    assert.isTrue(await isSafe(), "batch, acknowledged after the sync")
    await change(broker, { "storage.wal.acknowledge": "written", "storage.wal.sync-mode": "immediate" })
    assert.include(broker.running.promise(), "acknowledged when written")
    await change(broker, { "storage.wal.no-sync": true })
    assert.isFalse(await isSafe(), "no-sync")
    const refused = await ask(broker, "PATCH", "/api/v1/settings", { "storage.wal.acknowledge": "durable" })
    assert.strictEqual(refused.status, 422)
    assert.include(JSON.stringify(refused.body), "E3209")
  })

  it("quotas of topics hold at once, and errors name the entry", async () => {
    await using broker = await startWhole(onDisk("quotas"))
    const subscriber = await broker.join("subscriber", { properties: { sessionExpiryInterval: 60 } })
    await subscriber.subscribe("#", 1)
    await subscriber.leave()
    const publisher = await broker.join("publisher")
    const publish = (topic: string) => publisher.publish(topic, "x", { qos: 1 })
    assert.strictEqual(await publish("a"), 0)
    await change(broker, { "topics.policies": [{ filter: "a", "max-messages": 1 }] })
    assert.deepEqual([await publish("a"), await publish("b")], [0x97, 0])
    await change(broker, { "topics.policies": [] })
    assert.strictEqual(await publish("a"), 0)
    const entries = [{ filter: "a" }, { filter: "b", "max-messages": 0 }]
    const { body, status } = await ask(broker, "PATCH", "/api/v1/settings", { "topics.policies": entries })
    assert.strictEqual(status, 422)
    const [error] = body["errors"] as ReadonlyArray<{ readonly code: string; readonly key: string }>
    assert.deepEqual([error?.code, error?.key], ["E3105", "topics.policies[1].max-messages"])
  })
})

describe("storage work, asked for over HTTP", () => {
  it("sync puts everything on the disk; compact and backup answer what they did", async () => {
    await using broker = await startWhole(onDisk("work"))
    await change(broker, never)
    const publisher = await broker.join("publisher")
    assert.isFalse(await isSafeWhenAcknowledged(broker, publisher))
    const { ticket } = broker.core.log
    const synced = await ask(broker, "POST", "/api/v1/storage/sync")
    assert.isAtLeast(Number(synced.body["durable"]), ticket)
    const compacted = await ask(broker, "POST", "/api/v1/storage/compact")
    assert.deepEqual([compacted.status, compacted.body["filesDropped"]], [200, 0])
    const target = join(folder, "backup")
    const backup = await ask(broker, "POST", "/api/v1/storage/backup", { folder: target })
    assert.strictEqual(backup.status, 200, JSON.stringify(backup.body))
    assert.isAtLeast(Number(backup.body["upTo"]), ticket)
    assert.isTrue(existsSync(join(target, "log")))
    const again = await ask(broker, "POST", "/api/v1/storage/backup", { folder: target })
    assert.strictEqual(again.status, 500)
    assert.include(JSON.stringify(again.body), "not empty")
    const { body } = await ask(broker, "GET", "/api/v1/system")
    const counters = body["counters"] as ReadonlyArray<{ readonly family: string; readonly value: number }>
    const sample = (name: string) => counters.find(({ family }) => family === `promptmq_storage_${name}`)?.value ?? -1
    assert.isAtLeast(sample("durable_lsn"), ticket)
    for (const name of ["syncs_total", "frames_total", "bytes_written_total"]) assert.isAbove(sample(name), 0, name)
    for (const [key, { family }] of Object.entries(gaugeTable)) {
      if (key.startsWith("storage"))
        assert.isTrue(
          counters.some((each) => each.family === family),
          family
        )
    }
  })
})
