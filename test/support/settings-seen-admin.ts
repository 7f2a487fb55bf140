/** What is seen of the settings of `admin` and `health`: tokens, the audit log, streams, connections, probes. One row per key. */
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { appendToken } from "../../src/admin/tokens-file.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import type { WholeBroker } from "./whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-settings-admin-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
const fileOf = (name: string): string => join(folder, name)

const admin = { enabled: true, bind: "127.0.0.1:0", "token-file": fileOf("token"), "tokens-file": fileOf("tokens") }
const viewer = "a-token-of-a-viewer"
appendToken(admin["tokens-file"], "watcher", "viewer", viewer)

const ask = async ({ running }: WholeBroker, path: string, token?: string, method = "GET") => {
  const authorization = `Bearer ${token ?? readFileSync(admin["token-file"], "utf8").trim()}`
  const url = `http://127.0.0.1:${running.admin?.port}/api/v1${path}`
  const response = await fetch(url, { method, headers: { authorization } })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says is looked at by the assertions
  return { status: response.status, body: (await response.json()) as any }
}
/** A change, though a refused one. */
const change = (broker: WholeBroker) => ask(broker, "/clients/nobody", undefined, "DELETE")

export const seenByAdmin: Readonly<Record<string, Seen>> = {
  "admin.tokens-file": {
    settings: { admin },
    see: async (broker) => {
      assert.deepEqual((await ask(broker, "/whoami", viewer)).body, { name: "watcher", role: "viewer" })
    }
  },
  "admin.audit-file": {
    settings: { admin: { ...admin, "audit-file": fileOf("audit") } },
    see: async (broker) => {
      assert.isFalse(existsSync(fileOf("audit")))
      await change(broker)
      const entry = JSON.parse(readFileSync(fileOf("audit"), "utf8"))
      assert.deepInclude(entry, { who: "admin", role: "admin", what: "DELETE /api/v1/clients/nobody", outcome: 404 })
    }
  },
  "admin.max-audit-entries": {
    settings: { admin: { ...admin, "max-audit-entries": 10 } },
    see: async (broker) => {
      for (let i = 0; i < 12; i++) await change(broker)
      assert.lengthOf((await ask(broker, "/audit")).body, 10)
    }
  },
  "admin.max-wrong-tokens": {
    settings: { admin: { ...admin, "max-wrong-tokens": 2 } },
    see: async (broker) => {
      for (const status of [401, 401, 429]) assert.strictEqual((await ask(broker, "/whoami", "wrong")).status, status)
    }
  },
  "admin.max-event-streams": {
    settings: { admin: { ...admin, "max-event-streams": 0 } },
    see: async (broker) => {
      assert.strictEqual((await ask(broker, "/events")).status, 429)
    }
  },
  "admin.max-connections": {
    settings: { admin: { ...admin, "max-connections": 4 } },
    see: async ({ running }) => {
      const port = running.admin?.port ?? 0
      const held = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const socket = connect(port, "127.0.0.1")
          await once(socket, "connect")
          return socket.on("error", () => undefined).resume()
        })
      )
      const gone = once(held[0] as Socket, "close")
      assert.strictEqual((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200)
      await gone
      assert.deepEqual(
        held.map(({ destroyed }) => destroyed),
        [true, false, false, false],
        "who has asked nothing for the longest time gives way"
      )
      for (const socket of held) socket.destroy()
    }
  },
  "admin.session-time": {
    settings: { admin: { ...admin, "session-time": "1m" } },
    see: async ({ running }) => {
      const { loginCode, port } = running.admin ?? { loginCode: "", port: 0 }
      const body = JSON.stringify({ code: loginCode })
      const headers = { "content-type": "application/json" }
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/login`, { method: "POST", headers, body })
      const { expiresAt } = (await answer.json()) as { readonly expiresAt: string }
      const leftMs = Date.parse(expiresAt) - Date.now()
      assert.isAbove(leftMs, 0)
      assert.isAtMost(leftMs, 60_000)
    }
  },
  "health.max-loop-lag": {
    settings: { admin, health: { "max-loop-lag": "50ms" } },
    see: async ({ running }) => {
      // The loop is held up until the probe has noticed: at 1 s, the default, it never would.
      for (let told = ""; !told.includes("[-]event-loop failed: the event loop is late"); ) {
        const until = performance.now() + 150
        while (performance.now() < until);
        const answer = await fetch(`http://127.0.0.1:${running.admin?.port}/readyz?verbose`)
        told = await answer.text()
      }
    }
  },
  "limits.hold-back-windows": {
    settings: { limits: { "hold-back-windows": 0 } },
    see: async (broker) => {
      const slow = await broker.joinInMemory("slow")
      await slow.subscribe("t", 1)
      slow.wire.stopReading()
      const publisher = await broker.join("publisher")
      for (let messageId = 1; messageId <= 600; messageId++) {
        publisher.send({ cmd: "publish", topic: "t", payload: "x", qos: 1, messageId, dup: false, retain: false })
      }
      for (let messageId = 1; messageId <= 600; messageId++) await publisher.take("puback")
      const { waiting } = broker.core.sessions.get("slow") ?? {}
      assert.isAbove(waiting?.count ?? 0, 500)
      assert.deepEqual([waiting?.isSlow, broker.core.heldBack.by.size], [false, 0])
    }
  },
  "limits.max-drop-rows": {
    settings: { limits: { "max-drop-rows": 100 } },
    see: async (broker) => {
      const client = await broker.join("client")
      for (let i = 0; i < 150; i++) await client.publish(`nobody/${i}`, "x", { qos: 1 })
      assert.isAtLeast(broker.core.ledger.rows().length, 90)
      // And one for all others of the reason.
      assert.isAtMost(broker.core.ledger.rows().length, 101)
    }
  }
}
