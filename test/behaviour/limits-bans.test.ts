/**
 * Goal: an operator bans by the admin API; the banned one leaves at once, is told why when it comes back, and stays
 * banned over a restart, until the ban ends or is taken back.
 * Method: the whole broker with its admin listener and a store on disk, stopped and started again.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-limits-bans-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settings = {
  admin: { enabled: true, bind: "127.0.0.1:0" },
  storage: { engine: "wal", "data-dir": join(folder, "data") }
} as const

const ask = async ({ running }: WholeBroker, method: string, path: string, body?: unknown) => {
  const { port = 0, tokenFile = "" } = running.admin ?? {}
  const token = readFileSync(tokenFile, "utf8").trim()
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const request = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/bans${path}`, request)
  return { status: response.status, json: (await response.json()) as Record<string, never> }
}

const codeOf = async (broker: WholeBroker, name: string, username?: string): Promise<number | undefined> => {
  const client = await broker.dial()
  return (await client.connect(name, username === undefined ? {} : { username })).reasonCode
}

describe("bans", () => {
  it("by the admin API hold at once, over a restart, and until they are taken back", async () => {
    {
      await using broker = await startWhole(settings)
      const there = await broker.join("c/1")
      const made = await ask(broker, "POST", "", { client: "c/1", seconds: 3600, reason: "loud" })
      assert.strictEqual(made.status, 200)
      assert.strictEqual(made.json["id"], "client:c/1")
      assert.strictEqual(made.json["by"], "admin (admin)")
      await there.refused(0x98)
      assert.strictEqual(await codeOf(broker, "c/1"), 0x8a)
      assert.strictEqual((await ask(broker, "POST", "", { user: "mallory" })).status, 200)
    }
    const file = join(folder, "data", "bans.json")
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    await using broker = await startWhole(settings)
    assert.strictEqual(await codeOf(broker, "c/1"), 0x8a)
    assert.strictEqual(await codeOf(broker, "c2", "mallory"), 0x8a)
    assert.strictEqual(await codeOf(broker, "c3"), 0)
    const { json } = await ask(broker, "GET", "")
    assert.deepStrictEqual(
      (json["items"] as unknown as ReadonlyArray<{ id: string }>).map(({ id }) => id),
      ["client:c/1", "user:mallory"]
    )
    assert.strictEqual((await ask(broker, "DELETE", `/${encodeURIComponent("client:c/1")}`)).status, 200)
    assert.strictEqual((await ask(broker, "DELETE", `/${encodeURIComponent("client:c/1")}`)).status, 404)
    assert.strictEqual(await codeOf(broker, "c/1"), 0)
    // By address, as the last one: it holds for this machine too.
    assert.strictEqual((await ask(broker, "POST", "", { address: "127.0.0.0/8" })).status, 200)
    assert.strictEqual(await codeOf(broker, "c9"), 0x8a)
  })

  it("that name nobody, or too much, are refused", async () => {
    await using broker = await startWhole({
      ...settings,
      storage: { engine: "memory", "data-dir": join(folder, "other") }
    })
    for (const body of [
      {},
      { client: "a", user: "b" },
      { address: "broker.example" },
      { client: "" },
      { client: 5 },
      { client: "a", seconds: 0 },
      { client: "a", seconds: -1 },
      { client: "a", for: "ever" },
      []
    ]) {
      assert.strictEqual((await ask(broker, "POST", "", body)).status, 400, JSON.stringify(body))
    }
    assert.deepStrictEqual((await ask(broker, "GET", "")).json["items"] as unknown, [])
  })
})
