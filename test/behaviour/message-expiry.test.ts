/**
 * Goal: a message older than its Message Expiry Interval is not sent; one that is sent in time carries what is
 * left of it.
 * Method: messages of one second and of a minute wait, queued and retained, until the first ones are due.
 */
import { assert } from "@effect/vitest"
import { timedScenario } from "../support/scenario.ts"
import { timePasses } from "../support/time.ts"

const expiring = (messageExpiryInterval: number) => ({ qos: 1 as const, properties: { messageExpiryInterval } })

timedScenario("Message Expiry Interval", ({ it, start }) => {
  it("runs while messages wait in a queue", async () => {
    await using broker = await start()
    const session = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const client = await broker.join("client", session)
    await client.subscribe("t", 1)
    await client.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "short", expiring(1))
    await publisher.publish("t", "long", expiring(60))
    await publisher.publish("t", "unlimited", { qos: 1 })
    await timePasses(1100)
    const again = await broker.join("client", session)
    const long = await again.message()
    assert.strictEqual(String(long.payload), "long")
    assert.isTrue([58, 59].includes(long.properties?.messageExpiryInterval ?? 0), "59 s are left, less what we took")
    const unlimited = await again.message()
    assert.strictEqual(String(unlimited.payload), "unlimited")
    assert.isUndefined(unlimited.properties?.messageExpiryInterval)
    await again.quiet()
    assert.deepEqual(broker.drops, { "message-expired": 1 })
  })

  it("runs while messages are retained", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.publish("short", "x", { ...expiring(1), retain: true })
    await client.publish("long", "x", { ...expiring(60), retain: true })
    await timePasses(1100)
    await client.subscribe("#", 1)
    const { properties, topic } = await client.message()
    assert.strictEqual(topic, "long")
    assert.isTrue([58, 59].includes(properties?.messageExpiryInterval ?? 0))
    await client.quiet()
  })

  it("is passed on as it came where a message does not wait", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("t", 1)
    await client.publish("t", "x", expiring(17))
    assert.strictEqual((await client.message()).properties?.messageExpiryInterval, 17)
  })
})
