/** A whole broker with its admin API, asked with the admin's token. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-api-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
let folders = 0

export interface Told {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says is looked at by the assertions
  readonly body: any
}

export const startAdmin = (input: SettingsInput = {}): Promise<WholeBroker> => {
  folders += 1
  const tokenFile = join(folder, `token-${folders}`)
  const admin = { enabled: true, bind: "127.0.0.1:0", "token-file": tokenFile, ...input.admin }
  return startWhole({ ...input, admin, storage: { "data-dir": join(folder, `data-${folders}`), ...input.storage } })
}

export const asker =
  (broker: WholeBroker) =>
  async (request: string, body?: unknown): Promise<Told> => {
    const [method = "GET", path = ""] = request.split(" ")
    const { port = 0, tokenFile = "" } = broker.running.admin ?? {}
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, body: await response.json() }
  }
