/**
 * What is seen of each setting of `server`, `storage`, `admin` and `log`: sockets, files, deadlines, log entries.
 * One row per key.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import type { Packet } from "mqtt-packet"
import { builtCommand, Child } from "./child.ts"
import { RawClient } from "./raw-client.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import type { WholeBroker } from "./whole-broker.ts"
import { tcpWire } from "./wire.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-settings-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
const fileOf = (name: string): string => join(folder, name)

const admin = { enabled: true, bind: "127.0.0.1:0", "token-file": fileOf("token") }

const health = async ({ running }: WholeBroker): Promise<number> =>
  (await fetch(`http://127.0.0.1:${running.admin?.port}/health`)).status

/** A client that takes nothing, and a publisher that goes on until the broker has had enough of that. */
const flood = async (broker: WholeBroker): Promise<RawClient> => {
  const stalled = await broker.joinInMemory("stalled")
  await stalled.subscribe("flood")
  stalled.wire.stopReading()
  const publisher = await broker.join("publisher")
  for (let i = 0; i < 20; i++) await publisher.publish("flood", Buffer.alloc(10_000))
  await publisher.quiet()
  return stalled
}

export const seenByServer: Readonly<Record<string, Seen>> = {
  "server.bind": {
    settings: { server: { bind: ["127.0.0.1:0", "127.0.0.2:0"] } },
    see: async ({ running }) => {
      assert.deepEqual(
        running.listeners.map(({ host, kind }) => `${kind} ${host}`),
        ["tcp 127.0.0.1", "tcp 127.0.0.2"]
      )
      for (const { host, port } of running.listeners) {
        const client = RawClient.over(await tcpWire(port, host), 5)
        assert.strictEqual((await client.connect(host)).reasonCode, 0)
      }
    }
  },
  "server.ws-bind": {
    settings: { server: { "ws-bind": ["127.0.0.1:0"] } },
    see: async (broker) => {
      assert.strictEqual((await fetch(`http://127.0.0.1:${broker.portOf("websocket")}/mqtt`)).status, 426)
    }
  },
  "server.ws-paths": {
    settings: { server: { "ws-bind": ["127.0.0.1:0"], "ws-paths": ["/here"] } },
    see: async (broker) => {
      const status = async (path: string) =>
        (await fetch(`http://127.0.0.1:${broker.portOf("websocket")}${path}`)).status
      assert.deepEqual([await status("/here"), await status("/mqtt")], [426, 404])
    }
  },
  "server.write-buffer": {
    settings: { server: { "write-buffer": "1KiB" } },
    see: async (broker) => {
      const client = await broker.joinInMemory("client")
      await client.subscribe("gathered", 1)
      const sizes: Array<number> = []
      const { onBytes } = client.wire
      client.wire.onBytes = (bytes) => {
        sizes.push(bytes.length)
        onBytes(bytes)
      }
      const publisher = await broker.join("publisher")
      // One turn of the loop: without the limit these ten come in one write of 4 KB.
      const packetOf = (messageId: number): Packet => ({
        cmd: "publish",
        topic: "gathered",
        payload: Buffer.alloc(400),
        qos: 1,
        messageId,
        dup: false,
        retain: false
      })
      publisher.send(...Array.from({ length: 10 }, (_, i) => packetOf(i + 1)))
      for (let i = 0; i < 10; i++) await client.take("publish")
      assert.isAtMost(Math.max(...sizes), 1024)
    }
  },
  "server.connect-timeout": {
    settings: { server: { "connect-timeout": "100ms" } },
    see: async (broker) => (await broker.dial()).closed()
  },
  "server.read-timeout": {
    settings: { server: { "read-timeout": "200ms" } },
    see: async (broker) => {
      const client = await broker.join("client")
      client.sendRaw("30 7f 00 01")
      await client.closed()
    }
  },
  "server.write-timeout": {
    settings: { server: { "write-timeout": "200ms" } },
    see: async (broker) => {
      const watcher = await broker.join("watcher")
      await flood(broker)
      while (broker.core.sessions.has("stalled")) await watcher.quiet()
    }
  },
  "server.shutdown-timeout": {
    settings: { server: { "shutdown-timeout": "100ms" } },
    see: async (broker) => {
      await flood(broker)
      // Without it the stalled client would be waited for much longer; which of the two is first is the test.
      const { promise, resolve } = Promise.withResolvers<string>()
      const timer = setTimeout(() => resolve("still waiting"), 1500)
      assert.strictEqual(await Promise.race([broker.stop().then(() => "stopped"), promise]), "stopped")
      clearTimeout(timer)
    }
  },
  "server.max-outgoing-bytes": {
    settings: { server: { "max-outgoing-bytes": "64KiB" } },
    see: async (broker) => {
      await flood(broker)
      assert.isAbove(broker.drops["outgoing-buffer-full"] ?? 0, 0)
    }
  },
  "server.pid-file": {
    settings: { server: { "pid-file": fileOf("pid") } },
    see: async (broker) => {
      assert.strictEqual(readFileSync(fileOf("pid"), "utf8").trim(), String(process.pid))
      await broker.stop()
      assert.isFalse(existsSync(fileOf("pid")))
    }
  },
  "storage.data-dir": {
    settings: { storage: { "data-dir": fileOf("data") }, admin: { enabled: true, bind: "127.0.0.1:0" } },
    see: async () => assert.strictEqual(statSync(join(fileOf("data"), "admin-token")).mode & 0o777, 0o600)
  },
  "storage.memory-buffer": {
    settings: { storage: { "memory-buffer": "2MiB" } },
    see: async (broker) => assert.strictEqual(broker.core.log.statistics().limitBytes, 2_097_152)
  },
  "admin.enabled": { settings: { admin }, see: async (broker) => assert.strictEqual(await health(broker), 200) },
  "admin.bind": {
    settings: { admin: { ...admin, bind: "127.0.0.2:0" } },
    see: async ({ running }) => {
      assert.strictEqual((await fetch(`http://127.0.0.2:${running.admin?.port}/health`)).status, 200)
    }
  },
  "admin.token-file": {
    settings: { admin: { ...admin, "token-file": fileOf("other-token") } },
    see: async ({ running }) => {
      const authorization = `Bearer ${readFileSync(fileOf("other-token"), "utf8").trim()}`
      const url = `http://127.0.0.1:${running.admin?.port}/api/v1/system`
      assert.strictEqual((await fetch(url, { headers: { authorization } })).status, 200)
      assert.strictEqual((await fetch(url)).status, 401)
    }
  },
  "log.level": {
    settings: { log: { level: "debug" } },
    see: async (broker) => {
      await (await broker.join("somebody")).leave()
      assert.isTrue(broker.log.some((line) => line.includes("level=debug") && line.includes("somebody")))
    }
  },
  "log.recent-entries": {
    settings: {
      admin: { ...admin, "token-file": fileOf("ring-token") },
      log: { level: "debug", "recent-entries": 10 }
    },
    see: async (broker) => {
      for (let i = 0; i < 12; i++) await (await broker.join(`client-${i}`)).leave()
      const authorization = `Bearer ${readFileSync(fileOf("ring-token"), "utf8").trim()}`
      const url = `http://127.0.0.1:${broker.running.admin?.port}/api/v1/logs`
      const entries = (await (await fetch(url, { headers: { authorization } })).json()) as ReadonlyArray<unknown>
      assert.strictEqual(entries.length, 10)
    }
  },
  "log.format": {
    settings: {},
    see: async () => {
      const words = [
        "--bind",
        "127.0.0.1:0",
        "--ws-bind",
        "",
        "--no-admin",
        "--data-dir",
        folder,
        "--log-level",
        "debug"
      ]
      await using child = new Child(process.execPath, [builtCommand, "server", ...words, "--log-format", "text"])
      const port = Number(/:(\d+)$/.exec(await child.line(/mqtt:/))?.[1])
      await RawClient.over(await tcpWire(port), 5).connect("somebody")
      await child.line(/^time=\S+ level=debug message=connected/)
    }
  }
}
