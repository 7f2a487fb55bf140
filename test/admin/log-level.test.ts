/**
 * Goal: another log level for a time, of all entries or of one client's, by an operator; the setting stays what it is.
 * Method: a whole broker, its log, and clients whose coming the log tells at debug. The end of a raise is told by the log's
 * own tests, with a clock of theirs.
 */
import { assert, describe, it } from "@effect/vitest"
import { asker, startAdmin } from "./whole.ts"

describe("a log level for a time, over the admin API", () => {
  it("of one client, then of all; ended before its time", async () => {
    await using broker = await startAdmin({ log: { level: "info" } })
    const ask = asker(broker)
    const toldOf = (id: string) =>
      broker.log.filter((line) => line.includes("connected") && line.includes(`=${id} `)).length
    const before = (await ask("GET /logs/level")).body
    assert.deepEqual(before, { level: "info", raises: [] })
    const { body, status } = await ask("POST /logs/level", { level: "debug", seconds: 600, client: "c1" })
    assert.strictEqual(status, 200)
    assert.strictEqual(body.level, "info")
    assert.deepInclude(body.raises[0], { level: "debug", client: "c1" })
    assert.closeTo(Date.parse(body.raises[0].until), Date.now() + 600_000, 60_000)
    await broker.join("c1")
    await broker.join("c2")
    assert.deepEqual([toldOf("c1"), toldOf("c2")], [1, 0])
    assert.strictEqual((await ask("POST /logs/level", { level: "debug", seconds: 600 })).body.raises.length, 2)
    await broker.join("c3")
    assert.strictEqual(toldOf("c3"), 1)
    assert.include(broker.log.join(""), "another log level for a time")
    for (const query of ["", "?client=c1"]) assert.strictEqual((await ask(`DELETE /logs/level${query}`)).status, 200)
    assert.deepEqual((await ask("DELETE /logs/level?client=c1")).body.errors[0].code, "E6113")
    await broker.join("c4")
    assert.strictEqual(toldOf("c4"), 0)
    const level = (await ask("GET /settings")).body.settings.find(({ key }: { key: string }) => key === "log.level")
    assert.strictEqual(level.value, "info")
  })

  it("what is no level or no time is refused, and clients beyond the limit", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    for (const body of [
      { level: "loud", seconds: 1 },
      { level: "debug" },
      { level: "debug", seconds: 0 },
      { level: "debug", seconds: 86_401 },
      { level: "debug", seconds: 1, client: "" }
    ]) {
      assert.strictEqual((await ask("POST /logs/level", body)).status, 400, JSON.stringify(body))
    }
    for (let i = 0; i < 32; i++) await ask("POST /logs/level", { level: "debug", seconds: 60, client: `c${i}` })
    const { body, status } = await ask("POST /logs/level", { level: "debug", seconds: 60, client: "one more" })
    assert.deepEqual([status, body.errors[0].code], [429, "E1113"])
  })
})
