/**
 * Goal: a client may name a topic once and then send an alias; the broker announces how many, and ends a
 * connection that uses one it does not know.
 * Method: set, use, replace; then the ways to be wrong. Aliases never reach a subscriber.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("Topic Alias", ({ it, start }) => {
  it("stands for the topic it was set to last, and for this connection only", async () => {
    await using broker = await start({ mqtt: { "topic-alias-maximum": 10 } })
    const watcher = await broker.join("watcher", { properties: { topicAliasMaximum: 0 } })
    await watcher.subscribe("#", 1)
    const other = await broker.join("other")
    const client = await broker.dial()
    assert.strictEqual((await client.connect("client")).properties?.topicAliasMaximum, 10)
    const send = (topic: string, topicAlias: number, payload: string) =>
      client.publish(topic, payload, { qos: 1, properties: { topicAlias } })
    await send("first", 10, "1")
    await send("", 10, "2")
    await send("second", 10, "3")
    await send("", 10, "4")
    await other.publish("third", "5", { properties: { topicAlias: 10 } })
    await other.quiet()
    await send("", 10, "6")
    const topics: Array<string> = []
    for (let i = 0; i < 6; i++) {
      const { properties, topic } = await watcher.message()
      assert.isUndefined(properties?.topicAlias)
      topics.push(topic)
    }
    assert.deepEqual(topics, ["first", "first", "second", "second", "third", "second"])
  })

  it(
    "that nobody set is a protocol error, also after a reconnect",
    async () => {
      await using broker = await start()
      const client = await broker.join("client", { properties: { sessionExpiryInterval: 60 } })
      await client.publish("t", "x", { properties: { topicAlias: 1 } })
      await client.leave()
      const again = await broker.join("client", { clean: false })
      again.sendFrame(`30 "" { 23 0001 } 'x'`)
      await again.refused(0x82)
    },
    "reason-code"
  )

  it(
    "zero or above the maximum ends the connection with 0x94",
    async () => {
      await using broker = await start({ mqtt: { "topic-alias-maximum": 4 } })
      for (const alias of ["0000", "0005", "ffff"]) {
        const client = await broker.join("client")
        client.sendFrame(`30 "t" { 23 ${alias} } 'x'`)
        await client.refused(0x94)
      }
    },
    "reason-code"
  )
})
