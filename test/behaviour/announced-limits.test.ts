/**
 * Goal: what the broker does not offer it says in CONNACK, and holds clients to it.
 * Method: switch QoS 2, retained messages and wildcards off; read CONNACK; then ask for them anyway.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const will = { topic: "wills", payload: Buffer.from("bye"), qos: 2, retain: true } as const

scenario("announced limits", ({ it, start }) => {
  it("max-qos: grants less, refuses a PUBLISH or will above it", async () => {
    await using broker = await start({ mqtt: { "max-qos": 1 } })
    const client = await broker.dial()
    assert.strictEqual((await client.connect("client")).properties?.maximumQoS, 1)
    assert.strictEqual(await client.subscribe("t", 2), 1)
    client.send({ cmd: "publish", topic: "t", payload: "x", qos: 2, messageId: 1, dup: false, retain: false })
    await client.refused(0x9b)
    const other = await broker.dial()
    assert.strictEqual((await other.connect("other", { will })).reasonCode, 0x9b)
    await other.closed()
  })

  it("retain-available: refuses a retained PUBLISH or will", async () => {
    await using broker = await start({ mqtt: { "retain-available": false } })
    const client = await broker.dial()
    assert.isFalse((await client.connect("client")).properties?.retainAvailable)
    client.send({ cmd: "publish", topic: "t", payload: "x", qos: 0, dup: false, retain: true })
    await client.refused(0x9a)
    const other = await broker.dial()
    assert.strictEqual((await other.connect("other", { will })).reasonCode, 0x9a)
    await other.closed()
  })

  it("wildcard-available: refuses filters with wildcards, in their place", async () => {
    await using broker = await start({ mqtt: { "wildcard-available": false } })
    const client = await broker.dial()
    assert.isFalse((await client.connect("client")).properties?.wildcardSubscriptionAvailable)
    assert.strictEqual(await client.subscribe("a/#", 1), 0xa2)
    assert.strictEqual(await client.subscribe("a/b", 1), 1)
    const old = await broker.join("old", { version: 4 })
    assert.strictEqual(await old.subscribe("a/+", 1), 0x80)
  })

  it("nothing is announced that is as the standard assumes", async () => {
    await using broker = await start()
    const { properties } = await (await broker.dial()).connect("client")
    assert.isUndefined(properties?.maximumQoS)
    assert.isUndefined(properties?.retainAvailable)
    assert.isUndefined(properties?.wildcardSubscriptionAvailable)
    assert.isUndefined(properties?.serverKeepAlive)
  })
})
