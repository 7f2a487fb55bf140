/**
 * Goal: QoS 2 is exactly once although connections break, in both directions and at every step.
 * Method: break the connection after each packet of the handshake, return, and go on from there.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const kept = { clean: false, properties: { sessionExpiryInterval: 60 } }
const message = { cmd: "publish", topic: "t", payload: "x", qos: 2, messageId: 5, dup: false, retain: false } as const

scenario("QoS 2 across reconnects", ({ it, start }) => {
  it("towards the broker: PUBLISH repeated before PUBREL is one message", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("t", 2)
    const client = await broker.join("client", kept)
    client.send(message)
    await client.take("pubrec")
    await client.vanish()

    const again = await broker.join("client", kept)
    again.send({ ...message, dup: true })
    assert.isBelow((await again.take("pubrec")).reasonCode ?? 0, 0x80)
    again.send({ cmd: "pubrel", messageId: 5 })
    await again.take("pubcomp")
    await again.vanish()

    // PUBCOMP may have been lost: PUBREL comes again and finds nothing.
    const third = await broker.join("client", kept)
    third.send({ cmd: "pubrel", messageId: 5 })
    assert.strictEqual((await third.take("pubcomp")).reasonCode, 0x92)
    assert.deepEqual(await watcher.payloads(1), ["x"])
    await watcher.quiet()

    // The identifier is free again: the same bytes are a new message now.
    third.send(message)
    await third.take("pubrec")
    assert.deepEqual(await watcher.payloads(1), ["x"])
  })

  it("from the broker: PUBLISH is repeated until PUBREC, then PUBREL until PUBCOMP", async () => {
    await using broker = await start()
    const client = await broker.join("client", kept)
    await client.subscribe("t", 2)
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "x", { qos: 2 })
    const first = await client.take("publish")
    await client.vanish()

    const second = await broker.join("client", kept)
    const repeated = await second.take("publish")
    assert.deepEqual([repeated.messageId, repeated.dup, first.dup], [first.messageId, true, false])
    const messageId = first.messageId ?? 0
    second.send({ cmd: "pubrec", messageId })
    assert.strictEqual((await second.take("pubrel")).messageId, messageId)
    await second.vanish()

    const third = await broker.join("client", kept)
    assert.strictEqual((await third.take("pubrel")).messageId, messageId)
    third.send({ cmd: "pubcomp", messageId })
    await third.quiet()
    await third.vanish()

    const fourth = await broker.join("client", kept)
    await fourth.quiet()
  })

  it("from the broker: PUBREC with an error ends the exchange, and is booked", async () => {
    await using broker = await start()
    const client = await broker.join("client", kept)
    await client.subscribe("t", 2)
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "x", { qos: 2 })
    const { messageId = 0 } = await client.take("publish")
    client.send({ cmd: "pubrec", messageId, reasonCode: 0x83 })
    await client.quiet()
    assert.deepEqual(broker.drops, { "negative-acknowledgement": 1 })
  })

  it("acknowledgements of nothing are answered with 0x92 or ignored", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    client.send({ cmd: "pubrec", messageId: 9 })
    assert.strictEqual((await client.take("pubrel")).reasonCode, 0x92)
    client.send({ cmd: "puback", messageId: 9 }, { cmd: "pubcomp", messageId: 9 })
    await client.quiet()
  })
})
