/**
 * Goal: a service of the operator's decides who comes in and what they may do; when it is away nobody new comes in, and
 * what is asked is remembered for as long as it is configured.
 * Method: a whole broker, a real HTTP server, raw packets.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { json, LoopbackServer } from "../access/loopback-server.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

describe("an HTTP service", () => {
  let server: LoopbackServer
  let broker: WholeBroker

  beforeAll(async () => {
    server = await LoopbackServer.start((asked, response) => {
      const { username } = JSON.parse(asked.body)
      const acl = [
        { permission: "allow", action: "subscribe", topic: "own/${username}/#" },
        { permission: "deny", topic: "#" }
      ]
      json(username === "alice" ? { result: "allow", acl } : { result: "deny", reason: "not you" })(asked, response)
    })
    const http = { url: server.url("/auth"), authorization: "Bearer key-of-the-broker" }
    broker = await startWhole({ auth: { chain: ["http"], http }, log: { level: "trace" } })
  })
  afterAll(async () => {
    await broker?.stop()
    await server?.stop()
  })

  const shown = (username: string, password: string) => ({ username, password: Buffer.from(password) })
  const codeOf = async (username: string, password: string) => {
    const client = await broker.dial()
    const { reasonCode } = await client.connect("c", shown(username, password))
    client.wire.destroy()
    return reasonCode
  }

  it("lets in, with rules, and turns away", async () => {
    const alice = await broker.join("a", shown("alice", "secret-1"))
    assert.strictEqual(await alice.subscribe("own/alice/x"), 0)
    assert.strictEqual(await alice.subscribe("own/bob/x"), 0x87)
    assert.strictEqual(await codeOf("bob", "secret-1"), 0x86)
  })

  it("[row 8] without user name and password it is asked with null for both, and decides", async () => {
    const client = await broker.dial()
    assert.strictEqual((await client.connect("bare")).reasonCode, 0x86)
    assert.deepInclude(JSON.parse(server.asked.at(-1)?.body ?? ""), {
      clientid: "bare",
      username: null,
      password: null
    })
  })

  it("a client that comes back is not asked about again; another password is", async () => {
    assert.strictEqual(await codeOf("alice", "secret-2"), 0)
    const before = server.asked.length
    assert.strictEqual(await codeOf("alice", "secret-2"), 0)
    assert.lengthOf(server.asked, before)
    assert.strictEqual(await codeOf("alice", "secret-3"), 0)
    assert.lengthOf(server.asked, before + 1)
  })

  it("gone, it opens nothing", async () => {
    await server.stop()
    assert.strictEqual(await codeOf("alice", "secret-4"), 0x88)
  })

  it("neither passwords nor the broker's own key are in the log", () => {
    for (const secret of ["secret-", "key-of-the-broker"]) assert.notInclude(broker.log.join("\n"), secret)
  })
})
