/**
 * Goal: what a rule denies is published on no path: at every QoS, by alias, retained, as a will at CONNECT and when it is
 * due (security.md, rows 22, 27), and a session is nobody's but its user's (row 37).
 * Method: rules by action, QoS and RETAIN; rules that are taken away in the middle of an exchange.
 */
import { assert } from "@effect/vitest"
import { ruled } from "../support/ruled-access.ts"
import { scenario } from "../support/scenario.ts"

const watcher = { effect: "allow", "client-ids": "watcher" }
const open = [{ effect: "allow" }]
const noX = [watcher, { effect: "deny", topics: "x" }, { effect: "allow" }]
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } } as const
const will = (topic: string, retain = false) => ({
  will: { topic, payload: Buffer.from("bye"), qos: 1, retain } as const
})
const as = (username: string) => ({ username, password: Buffer.from("x") })

scenario("rules about writing", ({ it, start }) => {
  it("deny at every QoS, and the client stays connected", async () => {
    await using broker = await start({}, ruled(...noX).swaps)
    const reader = await broker.join("watcher")
    await reader.subscribe("#", 2)
    const client = await broker.join("client")
    await client.publish("x", "no")
    assert.strictEqual(await client.publish("x", "no", { qos: 1 }), 0x87)
    assert.strictEqual(await client.publish("x", "no", { qos: 2 }), 0x87)
    assert.strictEqual(await client.publish("x", "no", { qos: 1, retain: true }), 0x87)
    assert.strictEqual(await client.publish("y", "yes", { qos: 2 }), 0)
    assert.deepEqual(await reader.payloads(1), ["yes"])
    await reader.quiet()
    assert.strictEqual(broker.core.retained.count, 0)
    assert.deepEqual(broker.drops, { "not-authorized": 4 })
    const older = await broker.join("older", { version: 4 })
    assert.strictEqual(await older.publish("x", "no", { qos: 1 }), 0)
    assert.strictEqual(await older.publish("x", "no", { qos: 2 }), 0)
    await reader.quiet()
  })

  it("look through topic aliases", async () => {
    const access = ruled(...noX)
    await using broker = await start({}, access.swaps)
    const reader = await broker.join("watcher")
    await reader.subscribe("#", 1)
    const client = await broker.join("client")
    const alias = (topicAlias: number) => ({ qos: 1 as const, properties: { topicAlias } })
    assert.strictEqual(await client.publish("x", "no", alias(1)), 0x87)
    assert.strictEqual(await client.publish("y", "1", alias(2)), 0)
    assert.strictEqual(await client.publish("", "no", alias(1)), 0x87)
    assert.strictEqual(await client.publish("", "2", alias(2)), 0)
    access.use(watcher, { effect: "deny", topics: "y" }, ...open)
    assert.strictEqual(await client.publish("", "3", alias(1)), 0)
    assert.strictEqual(await client.publish("", "no", alias(2)), 0x87)
    assert.deepEqual(await reader.payloads(3), ["1", "2", "3"])
    await reader.quiet()
  })

  it("tell QoS and RETAIN apart", async () => {
    const rules = [
      watcher,
      { effect: "deny", actions: "retained", topics: "t" },
      { effect: "deny", actions: "publish", qos: 2, topics: "u" },
      { effect: "allow" }
    ]
    await using broker = await start({}, ruled(...rules).swaps)
    const client = await broker.join("client")
    for (let turn = 0; turn < 2; turn++) {
      assert.strictEqual(await client.publish("t", "no", { qos: 1, retain: true }), 0x87)
      assert.notStrictEqual(await client.publish("t", "yes", { qos: 1 }), 0x87)
      assert.strictEqual(await client.publish("u", "no", { qos: 2 }), 0x87)
      assert.notStrictEqual(await client.publish("u", "yes", { qos: 1 }), 0x87)
    }
    assert.strictEqual(broker.core.retained.count, 0)
  })

  it("answer each as they read, also where clients have the same rights on the same topic", async () => {
    const rules = [
      { effect: "deny", topics: ["own/${clientid}", "a/${clientid}/b"] },
      { effect: "deny", "client-ids": "c", topics: "t/#" },
      { effect: "deny", qos: 2, topics: "t/2" },
      { effect: "allow" }
    ]
    const access = ruled(...rules)
    await using broker = await start({}, access.swaps)
    const names = ["a", "b", "c", "d"]
    const clients = await Promise.all(names.map((name) => broker.join(name)))
    const topics = ["t/1", "t/2", "own/a", "own/b", "own/c", "own/x", "a/b/b", "a/a/b", "u"]
    const each = async () => {
      for (const topic of topics) {
        for (const [at, client] of clients.entries()) {
          for (const qos of [1, 2] as const) {
            const identity = { clientIdentifier: names[at] as string, username: undefined }
            const { allowed } = access.authorizer.explain(identity, { action: "publish", topic, qos, retain: false })
            assert.strictEqual(
              (await client.publish(topic, "", { qos })) !== 0x87,
              allowed,
              `${names[at]} ${topic} ${qos}`
            )
          }
        }
      }
    }
    await each()
    await each()
    access.use({ effect: "deny", topics: ["t/1", "own/${clientid}"] }, { effect: "allow" })
    await each()
    clients.reverse()
    names.reverse()
    access.use(...rules)
    await each()
  })

  it("row 27: revoked between PUBLISH and PUBREL, nothing of the message comes again", async () => {
    const access = ruled(...open)
    await using broker = await start({}, access.swaps)
    const reader = await broker.join("watcher")
    await reader.subscribe("#", 2)
    const client = await broker.join("client", kept)
    const publish = { cmd: "publish", topic: "x", payload: "once", qos: 2, messageId: 7, retain: false } as const
    client.send({ ...publish, dup: false })
    assert.strictEqual((await client.take("pubrec")).messageId, 7)
    assert.deepEqual(await reader.payloads(1), ["once"])
    access.use(...noX)
    await client.vanish()
    const again = await broker.join("client", kept)
    again.send({ ...publish, dup: true })
    assert.strictEqual((await again.take("pubrec")).messageId, 7)
    again.send({ cmd: "pubrel", messageId: 7 })
    assert.strictEqual((await again.take("pubcomp")).messageId, 7)
    again.send({ ...publish, dup: true })
    assert.strictEqual((await again.take("pubrec")).reasonCode, 0x87)
    await reader.quiet()
  })

  it("row 22: refuse a CONNECT that leaves a will where the client may not publish", async () => {
    const rules = [watcher, { effect: "deny", actions: "will", topics: "w" }, ...noX]
    await using broker = await start({}, ruled(...rules).swaps)
    for (const topic of ["x", "w"]) {
      const client = await broker.dial()
      assert.strictEqual((await client.connect("client", will(topic))).reasonCode, 0x87, topic)
      await client.closed()
    }
    const client = await broker.join("client", will("y"))
    assert.notStrictEqual(await client.publish("w", "allowed, it is no will", { qos: 1 }), 0x87)
    assert.strictEqual(broker.core.sessions.size, 1)
  })

  it("row 22: keep back a will whose right was taken away since CONNECT", async () => {
    const access = ruled(...open)
    await using broker = await start({}, access.swaps)
    const reader = await broker.join("watcher")
    await reader.subscribe("#", 1)
    const denied = await broker.join("denied", will("x", true))
    const allowed = await broker.join("allowed", will("y"))
    access.use(...noX)
    await denied.vanish()
    await allowed.vanish()
    assert.strictEqual((await reader.message()).topic, "y")
    await reader.quiet()
    assert.strictEqual(broker.core.retained.count, 0)
    assert.deepEqual(broker.drops, { "not-authorized": 1 })
  })

  it("row 37: leave a session to the user it belongs to", async () => {
    await using broker = await start({}, ruled(...open).swaps)
    const alice = await broker.join("client", { ...kept, ...as("alice") })
    await alice.subscribe("t", 1)
    for (const fields of [as("bob"), {}, { ...as("bob"), clean: true }]) {
      const other = await broker.dial()
      assert.strictEqual((await other.connect("client", { ...kept, ...fields })).reasonCode, 0x87)
      await other.closed()
    }
    await alice.quiet()
    await alice.leave()
    const other = await broker.dial()
    assert.strictEqual((await other.connect("client", { ...kept, ...as("bob") })).reasonCode, 0x87)
    const again = await broker.dial()
    assert.isTrue((await again.connect("client", { ...kept, ...as("alice") })).sessionPresent)
  })

  it("row 37: unless it is set otherwise", async () => {
    await using broker = await start({ acl: { "session-takeover": "anyone" } }, ruled(...open).swaps)
    const alice = await broker.join("client", { ...kept, ...as("alice") })
    const bob = await broker.dial()
    assert.isTrue((await bob.connect("client", { ...kept, ...as("bob") })).sessionPresent)
    await alice.refused(0x8e)
  })

  it("row 35: take any client identifier for what it is", async () => {
    const rules = [watcher, { effect: "allow", topics: ["own/${clientid}/#"] }]
    await using broker = await start({}, ruled(...rules).swaps)
    for (const name of ["#", "+", "a/b", "../x", "${clientid}", "$SYS"]) {
      const client = await broker.join(name)
      assert.strictEqual(await client.subscribe("own/#", 1), 0x87, name)
      assert.strictEqual(await client.subscribe("own/+/x", 1), 0x87, name)
      assert.strictEqual(await client.publish("own/other/x", "no", { qos: 1 }), 0x87, name)
    }
    const client = await broker.join("plain")
    assert.strictEqual(await client.subscribe("own/plain/#", 1), 1)
  })
})
