/**
 * Goal: a topic keeps its last retained message: set, replaced, cleared; sent to whoever subscribes later.
 * Method: publish with RETAIN, subscribe afterwards, look at flags and QoS of what comes.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("retained messages", ({ it, start }) => {
  for (const version of [4, 5] as const) {
    it(`are set, replaced and cleared (version ${version})`, async () => {
      await using broker = await start()
      const client = await broker.join("client", { version })
      await client.publish("t", "first", { retain: true })
      await client.publish("t", "second", { retain: true, qos: 1 })
      await client.publish("t", "not retained", { qos: 1 })
      await client.subscribe("t", 2)
      const { payload, qos, retain } = await client.message()
      assert.deepEqual({ payload: String(payload), qos, retain }, { payload: "second", qos: 1, retain: true })
      await client.unsubscribe("t")
      await client.publish("t", "", { retain: true })
      await client.subscribe("t", 2)
      await client.quiet()
    })
  }

  it("an empty one clears, and is itself delivered as any message", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("t", 1)
    await client.publish("t", "", { retain: true, qos: 1 })
    const { payload, retain } = await client.message()
    assert.deepEqual({ length: payload.length, retain }, { length: 0, retain: false })
  })

  it("come after SUBACK, for every topic that a wildcard matches, at the smaller QoS", async () => {
    await using broker = await start()
    const publisher = await broker.join("publisher")
    const topics = Array.from({ length: 40 }, (_, i) => `room/${i}`)
    for (const topic of topics) await publisher.publish(topic, topic, { retain: true, qos: 2 })
    await publisher.publish("elsewhere", "x", { retain: true })
    const client = await broker.join("client")
    assert.strictEqual(await client.subscribe("room/+", 1), 1)
    const seen: Array<string> = []
    while (seen.length < topics.length) {
      const { payload, qos, retain, topic } = await client.message()
      assert.deepEqual({ payload: String(payload), qos, retain }, { payload: topic, qos: 1, retain: true })
      seen.push(topic)
    }
    assert.deepEqual(seen.sort(), topics.sort())
    await client.quiet()
  })

  it("do not reach `#` when their topic begins with $, nor shadows of it", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.publish("$private/x", "no", { retain: true })
    await client.subscribe("#")
    await client.quiet()
  })

  it("give way to a newer value that comes live meanwhile", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.publish("t", "retained", { retain: true })
    client.send(
      { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 0 }] },
      { cmd: "publish", topic: "t", payload: "live", qos: 0, retain: true, dup: false }
    )
    await client.take("suback")
    // Arriving in one piece the new value replaces the old before that was sent; in two pieces it comes second.
    const [first] = await client.payloads(1)
    if (first === "retained") assert.deepEqual(await client.payloads(1), ["live"])
    else assert.strictEqual(first, "live")
    await client.quiet()
  })
})
