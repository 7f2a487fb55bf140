/**
 * Goal: $SYS as users of Mosquitto know it: the same names, retained, under the rules of access, never in `#`, in no log.
 * Method: subscribers of the whole broker, with its log on disk; the names are compared with those of a real mosquitto.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { eventually } from "../support/eventually.ts"
import { RawClient } from "../support/raw-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import { tcpWire } from "../support/wire.ts"

const root = mkdtempSync(join(tmpdir(), "promptmq-sys-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const start = (name: string, interval = "1h"): Promise<WholeBroker> =>
  startWhole({
    storage: { engine: "wal", "data-dir": join(root, name) },
    metrics: { "sys-interval": interval }
  })

const values = async (client: RawClient): Promise<ReadonlyMap<string, string>> => {
  await client.subscribe("$SYS/#")
  // Retained messages come by pages: the last one has come when none follows.
  const found = new Map<string, string>()
  for (let before = -1; found.size > before; ) {
    before = found.size
    for (const { payload, topic } of await client.pending()) found.set(topic, String(payload))
  }
  return found
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0))
    })
  })

/** A mosquitto's own topics: of its first second, before it knows any rate. */
const mosquittoNames = async (): Promise<ReadonlySet<string>> => {
  const port = await freePort()
  const file = join(root, "mosquitto.conf")
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\n`)
  const child = spawn("mosquitto", ["-c", file], {
    stdio: "ignore",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` }
  })
  try {
    const client = RawClient.over(await eventually(() => tcpWire(port).catch(() => undefined)), 4)
    await client.connect("names")
    const names = new Set<string>()
    await client.subscribe("$SYS/#")
    while (!names.has("$SYS/broker/uptime")) names.add((await client.message()).topic)
    for (const { topic } of await client.pending()) names.add(topic)
    return names
  } finally {
    child.kill()
    if (child.exitCode === null) await once(child, "exit")
  }
}

describe("$SYS", () => {
  it("has every name of a real mosquitto, in its form", async () => {
    await using broker = await start("names")
    const ours = await values(await broker.join("reader", { version: 4 }))
    const theirs = await mosquittoNames()
    assert.isAbove(theirs.size, 40)
    assert.deepEqual(
      [...theirs].filter((topic) => !ours.has(topic)),
      []
    )
    assert.match(ours.get("$SYS/broker/uptime") ?? "", /^\d+ seconds$/)
    assert.strictEqual(ours.get("$SYS/broker/version"), "promptmq version test")
    assert.match(ours.get("$SYS/broker/load/messages/received/1min") ?? "", /^\d+\.\d\d$/)
    for (const [topic, value] of ours) {
      if (!/uptime|version|load/.test(topic)) assert.match(value, /^\d+$/, topic)
    }
  })

  it("counts what happened, as of the last interval", async () => {
    await using broker = await start("counts", "100ms")
    const reader = await broker.join("reader")
    const writer = await broker.join("writer")
    await reader.subscribe("a/#", 1)
    await writer.publish("a/1", "12345", { qos: 1 })
    await writer.publish("a/kept", "xyz", { qos: 0, retain: true })
    await reader.payloads(2)
    const watcher = await broker.join("watcher")
    const wanted = new Map([
      ["publish/messages/received", "2"],
      ["publish/bytes/received", "8"],
      ["retained messages/count", "1"],
      ["clients/connected", "3"],
      ["clients/total", "3"],
      ["load/connections/1min", ""]
    ])
    await watcher.subscribe("$SYS/broker/#")
    while (wanted.size > 0) {
      const { payload, retain, topic } = await watcher.message()
      const name = topic.slice("$SYS/broker/".length)
      const value = wanted.get(name)
      if (value === String(payload) || (value === "" && Number(payload) > 0)) wanted.delete(name)
      assert.isBoolean(retain)
    }
  })

  it("is not in #, in no log, in no figure of retained messages, and gone with the setting", async () => {
    await using broker = await start("apart", "100ms")
    const everything = await broker.join("everything", { clean: false, properties: { sessionExpiryInterval: 60 } })
    await everything.subscribe("#", 2)
    const system = await broker.join("system")
    await system.subscribe("$SYS/broker/bytes/sent", 2)
    for (let i = 0; i < 3; i++) assert.strictEqual((await system.message()).qos, 0)
    await everything.quiet()
    assert.strictEqual(broker.core.log.statistics().records, 0)
    assert.strictEqual(broker.core.retained.count, 0)
    assert.strictEqual(broker.core.retained.bytes, 0)
  })

  it("is off at 0", async () => {
    await using broker = await start("off", "0s")
    assert.strictEqual((await values(await broker.join("reader"))).size, 0)
  })

  it("is read live by who was there before, and retained by who comes later", async () => {
    await using broker = await start("live", "100ms")
    const first = await broker.join("first")
    await first.subscribe("$SYS/broker/uptime")
    const retained = await first.message()
    assert.isTrue(retained.retain)
    let live = await first.message()
    while (live.retain) live = await first.message()
    assert.isFalse(live.retain)
    const later = await broker.join("later")
    await later.subscribe("$SYS/broker/uptime")
    assert.isTrue((await later.message()).retain)
  })
})
