/**
 * Goal: a second connection with the same client identifier ends the first with 0x8E and goes on with its
 * session; no message is lost or handed to both.
 * Method: take over while messages are in flight, while a publisher is sending, and many times in a row.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const kept = { clean: false, properties: { sessionExpiryInterval: 60 } }

scenario("session take-over", ({ it, start }) => {
  it("tells the first connection 0x8E, or just ends it in 3.1.1", async () => {
    await using broker = await start()
    for (const version of [3, 4, 5] as const) {
      const first = await broker.join("client", { version })
      const second = await broker.join("client", { version })
      await first.refused(0x8e)
      await second.leave()
    }
  })

  it("goes on with what was in flight", async () => {
    await using broker = await start()
    const first = await broker.join("client", kept)
    await first.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "1", { qos: 1 })
    const { messageId } = await first.take("publish")
    const second = await broker.dial()
    assert.isTrue((await second.connect("client", kept)).sessionPresent)
    const repeated = await second.message()
    assert.deepEqual([repeated.dup, repeated.messageId, String(repeated.payload)], [true, messageId, "1"])
    // What the first connection still says counts for nothing.
    await first.refused(0x8e)
    await publisher.publish("t", "2", { qos: 1 })
    assert.deepEqual(await second.payloads(1), ["2"])
  })

  it("loses and repeats nothing, however often it happens", async () => {
    await using broker = await start()
    let client = await broker.join("client", kept)
    await client.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    const sent = Array.from({ length: 40 }, (_, i) => `${i}`)
    const seen: Array<string> = []
    for (const [i, payload] of sent.entries()) {
      await publisher.publish("t", payload, { qos: 1 })
      if (i % 4 === 3) client = await broker.join("client", kept)
      if (i % 4 === 3) seen.push(...(await client.payloads(4)))
    }
    assert.deepEqual(seen, sent)
    await client.quiet()
  })

  it("with Clean Start begins anew", async () => {
    await using broker = await start()
    const first = await broker.join("client", kept)
    await first.subscribe("t", 1)
    const second = await broker.dial()
    assert.isFalse((await second.connect("client", { clean: true })).sessionPresent)
    await first.refused(0x8e)
    await second.publish("t", "x", { qos: 1 })
    await second.quiet()
  })
})
