/**
 * Goal: Retain As Published passes the RETAIN flag on as it was published; without it live messages carry 0.
 * What SUBSCRIBE sends as retained carries 1 either way.
 * Method: two subscribers, one of each kind, on one retained and one ordinary message; also through the queue.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("Retain As Published", ({ it, start }) => {
  it("decides about the flag of live messages", async () => {
    await using broker = await start()
    const publisher = await broker.join("publisher")
    const as = await broker.join("as published")
    const plain = await broker.join("plain")
    await as.subscribe("t", 1, { rap: true })
    await plain.subscribe("t", 1)
    await publisher.publish("t", "x", { retain: true, qos: 1 })
    await publisher.publish("t", "x", { qos: 1 })
    assert.deepEqual([(await as.message()).retain, (await as.message()).retain], [true, false])
    assert.deepEqual([(await plain.message()).retain, (await plain.message()).retain], [false, false])
    const late = await broker.join("late")
    await late.subscribe("t", 1)
    assert.isTrue((await late.message()).retain)
  })

  it("holds for messages that waited", async () => {
    await using broker = await start()
    const session = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const client = await broker.join("client", session)
    await client.subscribe("as", 1, { rap: true })
    await client.subscribe("plain", 1)
    await client.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("as", "x", { retain: true, qos: 1 })
    await publisher.publish("plain", "x", { retain: true, qos: 1 })
    const again = await broker.join("client", session)
    assert.deepEqual([(await again.message()).retain, (await again.message()).retain], [true, false])
  })
})
