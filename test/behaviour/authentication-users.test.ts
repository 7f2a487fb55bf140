/**
 * Goal: the built-in user database, through the admin API: users are made, changed and removed while the broker runs,
 * count at once, survive a restart, and no answer ever shows a hash. Its files are the owner's alone.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { scramClient } from "../support/scram-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-users-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let folders = 0
const settings = (
  chain: ReadonlyArray<string> = ["user-database"],
  dataDir = join(folder, `${folders++}`)
): SettingsInput => ({
  auth: { chain },
  storage: { "data-dir": dataDir },
  admin: { enabled: true, bind: "127.0.0.1:0" }
})
const call = async (broker: WholeBroker, method: string, path: string, body?: unknown) => {
  const { admin } = broker.running
  const token = readFileSync(admin?.tokenFile ?? "", "utf8").trim()
  const answer = await fetch(`http://127.0.0.1:${admin?.port}/api/v1/users${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await answer.text()
  assert.notMatch(text, /\$argon2id|\$scram|wonderland/)
  return { status: answer.status, body: JSON.parse(text) }
}
const codeOf = async (broker: WholeBroker, username: string, password: string): Promise<number | undefined> => {
  const client = await broker.dial(5)
  const { reasonCode } = await client.connect("c", { username, password: Buffer.from(password) })
  client.wire.destroy()
  return reasonCode
}

describe("the user database", () => {
  it("add, log in, change, list, remove: each counts at once", async () => {
    await using broker = await startWhole(settings())
    assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0x86)
    const added = await call(broker, "PUT", "/alice", { password: "wonderland", groups: ["staff"] })
    assert.strictEqual(added.status, 200)
    assert.deepInclude(added.body, { name: "alice", hash: "argon2id", groups: ["staff"], isSuperuser: false })
    assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0)
    assert.strictEqual((await call(broker, "PUT", "/alice", { password: "other side" })).status, 200)
    assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0x86)
    assert.strictEqual(await codeOf(broker, "alice", "other side"), 0)
    // What is not written stays.
    const changed = await call(broker, "PUT", "/alice", { isSuperuser: true })
    assert.deepInclude(changed.body, { groups: ["staff"], isSuperuser: true })
    assert.strictEqual(await codeOf(broker, "alice", "other side"), 0)
    await call(broker, "PUT", `/${encodeURIComponent("b/o#b")}`, { password: "builder" })
    const listed = await call(broker, "GET", "")
    assert.sameMembers(
      listed.body.items.map(({ name }: { name: string }) => name),
      ["alice", "b/o#b"]
    )
    assert.strictEqual(listed.body.total, 2)
    assert.strictEqual((await call(broker, "DELETE", "/alice")).status, 200)
    assert.strictEqual(await codeOf(broker, "alice", "other side"), 0x86)
    assert.strictEqual(await codeOf(broker, "b/o#b", "builder"), 0)
  })

  it("[attack: staying in as a user who was removed] another password, other groups, or none end the user's connections", async () => {
    await using broker = await startWhole(settings())
    const password = Buffer.from("wonderland")
    const join = (id: string, username: string) => broker.join(id, { username, password })
    for (const name of ["alice", "bob"]) await call(broker, "PUT", `/${name}`, { password: "wonderland", scram: true })
    const bob = await join("b", "bob")
    const first = await join("a", "alice")
    await call(broker, "PUT", "/alice", { groups: ["guests"] })
    await first.refused(0x87)
    const second = await join("a", "alice")
    await call(broker, "PUT", "/alice", { password: "other side" })
    await second.refused(0x87)
    await call(broker, "PUT", "/alice", { password: "wonderland" })
    const third = await join("a", "alice")
    await call(broker, "DELETE", "/alice")
    await third.refused(0x87)
    await bob.subscribe("t")
    bob.wire.destroy()
  })

  it("pages: every user once", async () => {
    await using broker = await startWhole(settings())
    const names = Array.from({ length: 7 }, (_, index) => `user-${index}`)
    for (const name of names) await call(broker, "PUT", `/${name}`, { password: "password" })
    const seen: Array<string> = []
    for (;;) {
      const page = await call(broker, "GET", `?limit=3&offset=${seen.length}`)
      if (page.body.items.length === 0) break
      seen.push(...page.body.items.map(({ name }: { name: string }) => name))
    }
    assert.sameOrderedMembers([...seen].sort(), names)
  })

  it("survives a restart, in files of its owner alone", async () => {
    const dataDir = join(folder, "kept")
    {
      await using broker = await startWhole(settings(undefined, dataDir))
      await call(broker, "PUT", "/alice", { password: "wonderland", scram: true })
    }
    const users = join(dataDir, "users")
    assert.strictEqual(statSync(users).mode & 0o777, 0o700)
    for (const name of readdirSync(users)) assert.strictEqual(statSync(join(users, name)).mode & 0o777, 0o600, name)
    assert.notInclude(readFileSync(join(users, "data.mdb"), "latin1"), "wonderland")
    await using broker = await startWhole(settings(undefined, dataDir))
    assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0)
    // And by SCRAM.
    const scram = scramClient("alice", "wonderland")
    const client = await broker.dial(5)
    const properties = (text: string) => ({
      authenticationMethod: "SCRAM-SHA-256",
      authenticationData: Buffer.from(text)
    })
    client.send(client.connectPacket("s", { properties: properties(scram.first) }))
    const challenge = await client.take("auth")
    const { text } = scram.final(String(challenge.properties?.authenticationData))
    client.send({ cmd: "auth", reasonCode: 0x18, properties: properties(text) })
    assert.strictEqual((await client.take("connack")).reasonCode, 0)
  })

  for (const [what, method, path, body, status, code] of [
    ["a new user without a password", "PUT", "/bob", { groups: [] }, 422, "E2121"],
    ["a short password", "PUT", "/alice", { password: "abc" }, 422, "E2121"],
    ["a misspelt member", "PUT", "/alice", { superuser: true }, 400, "E2101"],
    ["a name with control characters", "PUT", "/a%00", { password: "wonderland" }, 422, "E2120"],
    ["groups that are none", "PUT", "/alice", { groups: "staff" }, 400, "E2101"],
    ["removing nobody", "DELETE", "/bob", undefined, 404, "E6120"],
    ["no name", "PUT", "/", { password: "wonderland" }, 404, "E6101"],
    ["a limit of none", "GET", "?limit=0", undefined, 400, "E2104"]
  ] as const) {
    it(`${what}: ${status} ${code}`, async () => {
      await using broker = await startWhole(settings())
      await call(broker, "PUT", "/alice", { password: "wonderland" })
      const answer = await call(broker, method, path, body)
      assert.strictEqual(answer.status, status)
      assert.strictEqual(answer.body.errors[0].code, code)
      assert.strictEqual(await codeOf(broker, "alice", "wonderland"), 0)
    })
  }

  it("users nobody would ask for are not taken; without the token nothing is answered", async () => {
    await using broker = await startWhole(settings([]))
    assert.strictEqual((await call(broker, "GET", "")).body.errors[0].code, "E1122")
    const bare = await fetch(`http://127.0.0.1:${broker.running.admin?.port}/api/v1/users`)
    assert.strictEqual(bare.status, 401)
  })
})
