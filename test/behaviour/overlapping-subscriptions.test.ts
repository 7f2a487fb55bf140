/**
 * Goal: where several subscriptions of one client match, it gets one copy with the highest QoS and every
 * Subscription Identifier; an identifier is replaced with its subscription and gone with it.
 * Method: overlapping filters with and without identifiers, live and through the queue.
 */
import { assert } from "@effect/vitest"
import type { IPublishPacket } from "mqtt-packet"
import { scenario } from "../support/scenario.ts"

const identifiersOf = ({ properties }: IPublishPacket): ReadonlyArray<number> => {
  const { subscriptionIdentifier = [] } = (properties ?? {}) as { subscriptionIdentifier?: number | Array<number> }
  return [subscriptionIdentifier].flat().sort((a, b) => a - b)
}

scenario("overlapping subscriptions", ({ it, start }) => {
  it("deliver one copy, highest QoS, all identifiers", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("a/#", 0, { subscriptionIdentifier: 1 })
    await client.subscribe("a/+", 2, { subscriptionIdentifier: 268_435_455 })
    await client.subscribe("+/b", 1)
    await client.publish("a/b", "x", { qos: 2 })
    const packet = await client.message()
    assert.strictEqual(packet.qos, 2)
    assert.deepEqual(identifiersOf(packet), [1, 268_435_455])
    await client.quiet()
  })

  it("two with the same identifier name it twice", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("a/#", 0, { subscriptionIdentifier: 7 })
    await client.subscribe("a/+", 0, { subscriptionIdentifier: 7 })
    await client.publish("a/b", "x")
    assert.deepEqual(identifiersOf(await client.message()), [7, 7])
    await client.quiet()
  })

  it("an identifier goes with the subscription that replaces it", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("a", 1, { subscriptionIdentifier: 1 })
    await client.subscribe("a", 1, { subscriptionIdentifier: 2 })
    await client.publish("a", "x", { qos: 1 })
    assert.deepEqual(identifiersOf(await client.message()), [2])
    await client.subscribe("a", 1)
    await client.publish("a", "x", { qos: 1 })
    assert.deepEqual(identifiersOf(await client.message()), [])
  })

  it("retained messages carry the identifier of the SUBSCRIBE that asked", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.publish("a", "kept", { retain: true })
    await client.subscribe("a", 0, { subscriptionIdentifier: 5 })
    assert.deepEqual(identifiersOf(await client.message()), [5])
  })

  it("hold for what waited while the client was away", async () => {
    await using broker = await start()
    const session = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const client = await broker.join("client", session)
    await client.subscribe("a/#", 1, { subscriptionIdentifier: 1 })
    await client.subscribe("a/b", 2, { subscriptionIdentifier: 2 })
    await client.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("a/b", "x", { qos: 2 })
    const again = await broker.join("client", session)
    const packet = await again.message()
    assert.strictEqual(packet.qos, 2)
    assert.deepEqual(identifiersOf(packet), [1, 2])
    await again.quiet()
  })
})
