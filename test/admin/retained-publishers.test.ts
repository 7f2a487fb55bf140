/**
 * Goal: of a retained message the API says who published it and when, also after a restart, when the publisher's session
 * has ended long ago.
 * Method: a whole broker on a folder of its own, started again.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { asker, startAdmin } from "./whole.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-publishers-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("publishers of retained messages", () => {
  it("are told by the API, over a restart too", async () => {
    const storage = { engine: "wal" as const, "data-dir": join(folder, "data") }
    const file = join(folder, "data", "retained-publishers.jsonl")
    const rowsOf = async (ask: ReturnType<typeof asker>) => {
      const { items } = (await ask("GET /retained?sort=topic")).body
      return items
        .filter(({ topic }: { topic: string }) => !topic.startsWith("$"))
        .map((row: Record<string, unknown>) => [row["topic"], row["publisher"], row["publisherUsername"]])
    }
    const expected = [
      ["by/api", "(admin API)", null],
      ["by/c1", "c1", "alice"],
      ["by/will", "dying", null]
    ]
    let storedAt = ""
    {
      await using broker = await startAdmin({ storage })
      const ask = asker(broker)
      const client = await broker.join("c1", { username: "alice" })
      await client.publish("by/c1", "1", { qos: 1, retain: true })
      const will = { topic: "by/will", payload: Buffer.from("2"), qos: 1 as const, retain: true }
      const dying = await broker.join("dying", { will })
      const watcher = await broker.join("watcher")
      await watcher.subscribe("by/will", 1)
      dying.wire.destroy()
      await watcher.payloads(1)
      assert.strictEqual(
        (await ask("POST /publish", { topic: "by/api", payload: "3", qos: 1, retain: true })).status,
        200
      )
      assert.deepEqual(await rowsOf(ask), expected)
      const { retained } = (await ask("GET /topics/value?topic=by/c1")).body
      assert.deepInclude(retained, { publisher: "c1", publisherUsername: "alice" })
      storedAt = retained.storedAt
      await client.leave()
    }
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    {
      await using broker = await startAdmin({ storage })
      const ask = asker(broker)
      while (broker.core.publishers.size < 2) await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(await rowsOf(ask), expected)
      const { retained } = (await ask("GET /topics/value?topic=by/c1")).body
      assert.closeTo(Date.parse(retained.storedAt), Date.parse(storedAt), 10_000)
    }
    // Of another store, or damaged: nobody is named, and nothing else comes of it.
    const [head = "", ...lines] = readFileSync(file, "utf8").split("\n")
    writeFileSync(file, [head.replace(/"store":"./, '"store":"x'), ...lines].join("\n"))
    {
      await using broker = await startAdmin({ storage })
      const ask = asker(broker)
      const client = await broker.join("c2")
      await client.publish("by/c2", "1", { qos: 1, retain: true })
      assert.deepEqual(await rowsOf(ask), [
        ["by/api", "(admin API)", null],
        ["by/c1", null, null],
        ["by/c2", "c2", null],
        ["by/will", null, null]
      ])
    }
    assert.strictEqual(readFileSync(file, "utf8").split("\n")[0], head)
    writeFileSync(file, `${head}\nnonsense\n[1]\n[2,"half`)
    await using last = await startAdmin({ storage })
    assert.strictEqual((await asker(last)("GET /retained")).status, 200)
  })
})
