/**
 * Goal: what one user name may publish in a day ends exactly where it is set, in messages and in bytes, over all its
 * clients; before that a person is warned, everything that is refused can be found, and a restart forgets nothing.
 * Method: the whole broker over sockets, its admin API, and a data folder that two brokers have one after the other.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-quotas-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let folders = 0
const settings = (limits: NonNullable<SettingsInput["limits"]>, more: SettingsInput = {}): SettingsInput => ({
  ...more,
  limits,
  admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(folder, `token-${folders++}`) }
})
const ask = async ({ running: { admin } }: WholeBroker, path: string) => {
  const authorization = `Bearer ${readFileSync(admin?.tokenFile ?? "", "utf8").trim()}`
  const answer = await fetch(`http://127.0.0.1:${admin?.port}/api/v1${path}`, { headers: { authorization } })
  assert.strictEqual(answer.status, 200)
  return JSON.parse(await answer.text())
}
const counted = (broker: WholeBroker, event: string): number =>
  broker.core.counters
    .samples()
    .find(({ family, labels }) => family === "promptmq_user_quotas_total" && labels["event"] === event)?.value ?? 0

const refused = 0x97

describe("what a user may publish in a day", () => {
  it("in messages: over all clients of the user, exactly, with a warning before", async () => {
    await using broker = await startWhole(settings({ "max-user-messages-per-day": 10 }))
    const one = await broker.join("one", { username: "alice" })
    const two = await broker.join("two", { username: "alice" })
    const other = await broker.join("other", { username: "bob" })
    for (let i = 0; i < 7; i++) await one.publish("t", "x", { qos: 1 })
    assert.strictEqual(counted(broker, "warned"), 0)
    await two.publish("t", "x", { qos: 2 })
    assert.strictEqual(counted(broker, "warned"), 1)
    await one.publish("t", "x", { qos: 1 })
    assert.strictEqual(counted(broker, "warned"), 1, "once a day")
    assert.notStrictEqual(await two.publish("t", "x", { qos: 1 }), refused)
    assert.strictEqual(await one.publish("t", "x", { qos: 1 }), refused)
    assert.strictEqual(await two.publish("t", "x", { qos: 2 }), refused)
    await two.publish("t", "x")
    assert.notStrictEqual(await other.publish("t", "x", { qos: 1 }), refused)
    assert.notStrictEqual(await (await broker.join("nobody")).publish("t", "x", { qos: 1 }), refused)
    assert.strictEqual(await two.subscribe("t"), 0, "the rest of the protocol goes on")

    assert.strictEqual(broker.drops["user-quota"], 3)
    assert.strictEqual(counted(broker, "refused"), 3)
    const { items } = await ask(broker, "/quotas?filter=alice")
    const [{ resetsAt, ...row }] = items
    const exceeded = { used: 10, limit: 10, percent: 100, state: "exceeded", refused: 3 }
    assert.deepEqual(row, { user: "alice", quota: "messages-per-day", ...exceeded })
    assert.match(resetsAt, /T00:00:00/)
    const said = broker.log.filter((line) => line.includes("quota"))
    assert.lengthOf(said, 2)
    assert.match(said[0] ?? "", /comes near its quota.*8 of 10 \(limits\.max-user-messages-per-day\)/)
    assert.match(said[1] ?? "", /used up its quota until .*alice.*limits\.max-user-messages-per-day/)
    const events = broker.core.clientEvents.of("two").map(({ detail, what }) => `${what}: ${detail}`)
    assert.include(events.join("\n"), "quota-near: 8 of 10")
    assert.include(events.join("\n"), "quota-exceeded: limits.max-user-messages-per-day of user alice, 2 times")
  })

  it("in bytes: what does not fit is refused, what does still comes through", async () => {
    await using broker = await startWhole(settings({ "max-user-bytes-per-day": "1000B" }))
    const client = await broker.join("c", { username: "alice" })
    assert.notStrictEqual(await client.publish("t", "x".repeat(700), { qos: 1 }), refused)
    assert.strictEqual(await client.publish("t", "x".repeat(400), { qos: 1 }), refused)
    assert.strictEqual(counted(broker, "warned"), 0)
    assert.notStrictEqual(await client.publish("t", "x".repeat(200), { qos: 1 }), refused)
    assert.strictEqual(counted(broker, "warned"), 1)
    const [row] = (await ask(broker, "/quotas")).items
    assert.deepInclude(row, { quota: "bytes-per-day", limit: 1000, state: "exceeded", refused: 1 })
  })

  it("a run of small messages in one chunk ends at the same place", async () => {
    await using broker = await startWhole(settings({ "max-user-messages-per-day": 300 }))
    const reader = await broker.join("reader")
    await reader.subscribe("t")
    const client = await broker.join("c", { username: "alice" })
    const frame = Buffer.from([0x30, 4, 0, 1, 0x74, 0])
    client.wire.send(Buffer.concat(Array.from({ length: 1000 }, () => frame)))
    await client.publish("other", "the end", { qos: 1 })
    assert.strictEqual(broker.drops["user-quota"], 701)
    for (let i = 0; i < 300; i++) await reader.message()
    await reader.quiet()
  })

  it("a 3.1.1 publisher at QoS 1, who cannot be told, is cut off; at QoS 0 it is not", async () => {
    await using broker = await startWhole(settings({ "max-user-messages-per-day": 1 }))
    const client = await broker.join("c", { username: "alice", version: 4 })
    await client.publish("t", "x")
    await client.publish("t", "x")
    await client.subscribe("t")
    client.send({ cmd: "publish", topic: "t", payload: "x", qos: 1, messageId: 7, dup: false, retain: false })
    await client.closed()
    assert.deepEqual(broker.drops, { "user-quota": 2 })
  })

  it("[attack: publishing by wills] a will above the quota is not published", async () => {
    await using broker = await startWhole(settings({ "max-user-messages-per-day": 1 }))
    const reader = await broker.join("reader")
    await reader.subscribe("#")
    for (const name of ["one", "two"]) {
      const will = { topic: `will/${name}`, payload: Buffer.from("gone"), qos: 0, retain: false } as const
      await (await broker.join(name, { username: "alice", will })).vanish()
    }
    assert.strictEqual((await reader.message()).topic, "will/one")
    await reader.quiet()
    assert.deepEqual(broker.drops, { "user-quota": 1 })
  })

  it("counts survive a restart, in a file of the owner's alone; a damaged one begins anew and says so", async () => {
    const dataDir = join(folder, "data")
    const input = settings({ "max-user-messages-per-day": 2 }, { storage: { engine: "wal", "data-dir": dataDir } })
    const file = join(dataDir, "user-quotas.json")
    const publishes = async (broker: WholeBroker): Promise<boolean> => {
      const client = await broker.join("c", { username: "alice" })
      const code = await client.publish("t", "x", { qos: 1 })
      await client.leave()
      return code !== refused
    }
    const first = await startWhole(input)
    assert.isTrue(await publishes(first))
    await first.stop()
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    const second = await startWhole(input)
    assert.isTrue(await publishes(second))
    assert.isFalse(await publishes(second))
    await second.stop()
    const third = await startWhole(input)
    assert.isFalse(await publishes(third))
    await third.stop()
    writeFileSync(file, '{"version":1,"endsAtMs":"never"}')
    await using fourth = await startWhole(input)
    assert.include(fourth.log.join("\n"), "the day begins anew")
    assert.isTrue(await publishes(fourth))
  })

  it("a changed limit holds at once for those who are connected", async () => {
    await using broker = await startWhole(settings({}))
    const client = await broker.join("c", { username: "alice" })
    await client.publish("t", "x", { qos: 1 })
    assert.deepEqual((await ask(broker, "/quotas")).items, [])
    const authorization = `Bearer ${readFileSync(broker.running.admin?.tokenFile ?? "", "utf8").trim()}`
    const body = JSON.stringify({ "limits.max-user-messages-per-day": 1 })
    const url = `http://127.0.0.1:${broker.running.admin?.port}/api/v1/settings`
    assert.strictEqual((await fetch(url, { method: "PATCH", headers: { authorization }, body })).status, 200)
    assert.notStrictEqual(await client.publish("t", "x", { qos: 1 }), refused)
    assert.strictEqual(await client.publish("t", "x", { qos: 1 }), refused)
  })
})
