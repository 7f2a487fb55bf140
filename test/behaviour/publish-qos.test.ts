/**
 * Goal: every QoS in both directions, 3.1.1 and 5.0: each message arrives once, in order, with the smaller of
 * the publisher's and the subscriber's QoS.
 * Method: one publisher, one subscriber per QoS; both handshakes packet by packet.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("PUBLISH", ({ it, start }) => {
  for (const version of [3, 4, 5] as const) {
    it(`reaches subscribers at the smaller QoS (version ${version})`, async () => {
      await using broker = await start()
      const publisher = await broker.join("publisher", { version })
      for (const granted of [0, 1, 2] as const) {
        const subscriber = await broker.join(`subscriber ${granted}`, { version })
        assert.strictEqual(await subscriber.subscribe("t", granted), granted)
        for (const sent of [0, 1, 2] as const) {
          await publisher.publish("t", `${sent}`, { qos: sent })
          const { payload, qos, dup, retain, topic } = await subscriber.message()
          const expected = { payload: `${sent}`, qos: Math.min(sent, granted), dup: false, retain: false, topic: "t" }
          assert.deepEqual({ payload: String(payload), qos, dup, retain, topic }, expected)
        }
        await subscriber.quiet()
      }
    })
  }

  it("is answered packet by packet", async () => {
    await using broker = await start()
    const client = await broker.join("client", { version: 4 })
    await client.subscribe("t")
    client.sendFrame(`32 "t" 0007 'abc'`)
    assert.strictEqual((await client.find("puback")).messageId, 7)
    client.sendFrame(`34 "t" 0008 'abc'`)
    assert.strictEqual((await client.find("pubrec")).messageId, 8)
    client.sendFrame("62 0008")
    assert.strictEqual((await client.find("pubcomp")).messageId, 8)
  })

  it("keeps the order of one topic at each QoS", async () => {
    await using broker = await start()
    const publisher = await broker.join("publisher")
    const subscriber = await broker.join("subscriber")
    await subscriber.subscribe("t", 2)
    const sent = Array.from({ length: 60 }, (_, i) => `${i}`)
    for (const qos of [0, 1, 2] as const) {
      publisher.send(
        ...sent.map(
          (payload, i) =>
            ({ cmd: "publish", topic: "t", payload, qos, messageId: i + 1, dup: false, retain: false }) as const
        )
      )
      assert.deepEqual(await subscriber.payloads(sent.length), sent)
    }
  })

  it("nobody asked for is answered with 0x10, and booked", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    assert.strictEqual(await client.publish("nobody", "x", { qos: 1 }), 0x10)
    assert.strictEqual(await client.publish("nobody", "x", { qos: 2 }), 0x10)
    assert.deepEqual(broker.drops, { "no-subscriber": 2 })
  })

  it("carries its properties unaltered", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("t")
    const properties = {
      payloadFormatIndicator: true,
      contentType: "text/plain",
      responseTopic: "answers",
      correlationData: Buffer.from("17"),
      userProperties: { colour: "blue" }
    }
    await client.publish("t", "x", { properties })
    const received = (await client.message()).properties
    assert.deepEqual<object>({ ...received, userProperties: { ...received?.userProperties } }, properties)
  })

  it("loses its properties on the way to 3.1.1", async () => {
    await using broker = await start()
    const publisher = await broker.join("publisher")
    const old = await broker.join("old", { version: 4 })
    await old.subscribe("t", 1)
    await publisher.publish("t", "x", { qos: 1, properties: { contentType: "text/plain" } })
    const packet = await old.message()
    assert.strictEqual(String(packet.payload), "x")
    assert.isUndefined(packet.properties)
  })
})
