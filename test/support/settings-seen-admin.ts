/** What is seen of the settings of `admin` that tokens, the audit log and streams of events have. One row per key. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
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
  }
}
