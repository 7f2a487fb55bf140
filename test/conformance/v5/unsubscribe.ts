/**
 * Chapters 3.10 to 3.12: UNSUBSCRIBE, UNSUBACK, PINGREQ.
 */
import assert from "node:assert/strict"
import { field, rawSection, twoBytes } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { holdsNull, illFormed } from "../support/samples.ts"
import { frame, hex, unsubscribeBytes } from "../support/write.ts"

export const unsubscribe = chapter("3.10 UNSUBSCRIBE", 5, (rule) => {
  rule("MQTT-3.10.1-1", "UNSUBSCRIBE with other flags is refused", async (stage) => {
    const parts = [twoBytes(1), rawSection(), field(stage.topic("a"))]
    for (const first of [0xa0, 0xa1, 0xa3, 0xaa]) await stage.refuses(frame(first, ...parts), 0x81)
  })

  rule("MQTT-3.10.3-1", "an ill-formed filter is refused", async (stage) => {
    for (const filter of illFormed) await stage.refuses(unsubscribeBytes(5, 1, [filter]), 0x81)
    await stage.refuses(unsubscribeBytes(5, 1, [holdsNull]), 0x81, { tolerated: [0x8f] })
  })

  rule("MQTT-3.10.3-2", "UNSUBSCRIBE without a filter is refused", async (stage) => {
    await stage.refuses(unsubscribeBytes(5, 1, []), 0x82)
  })

  rule("MQTT-3.10.4-1", "filters are compared by their text", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a", "+"))
    assert.deepEqual(await client.unsubscribed(stage.topic("a", "b"), stage.topic("a", "#")), [0x11, 0x11])
    await client.published(stage.topic("a", "b"), "1")
    assert.deepEqual(await client.texts(1), ["1"])
    assert.deepEqual(await client.unsubscribed(stage.topic("a", "+")), [0x00])
    await client.published(stage.topic("a", "b"), "2")
    await client.quiet()
  })

  rule("MQTT-3.10.4-2", "after UNSUBACK nothing new arrives", async (stage) => {
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    for (const qos of [0, 1, 2]) {
      await client.subscribed(stage.topic("a"), { qos })
      await publisher.published(stage.topic("a"), "before", { qos })
      assert.deepEqual(await client.texts(1), ["before"])
      await client.unsubscribed(stage.topic("a"))
      await publisher.published(stage.topic("a"), "after", { qos })
      await client.quiet()
    }
  })

  rule("MQTT-3.10.4-3", "an exchange that is open goes on to its end", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "one", { qos: 1 })
    await publisher.published(stage.topic("a"), "two", { qos: 2 })
    const one = await client.take("publish")
    const two = await client.take("publish")
    await client.unsubscribed(stage.topic("a"))
    client.pubrec(two.id)
    assert.equal((await client.take("pubrel")).id, two.id)
    await client.lost()
    const again = await stage.resume("client")
    const repeated = await again.find("publish")
    assert.deepEqual([repeated.id, repeated.text, repeated.dup], [one.id, "one", true])
    again.puback(repeated.id)
    assert.equal((await again.find("pubrel")).id, two.id)
    again.pubcomp(two.id)
    await again.quiet()
  })

  rule(["MQTT-3.10.4-4", "MQTT-3.10.4-5"], "each UNSUBSCRIBE has one UNSUBACK of its identifier", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"))
    client.raw(unsubscribeBytes(5, 500, [stage.topic("a")]), unsubscribeBytes(5, 3, [stage.topic("unknown")]))
    const answers = [await client.take("unsuback"), await client.take("unsuback")]
    assert.deepEqual(
      answers.map(({ id }) => id),
      [500, 3]
    )
    assert.deepEqual(
      answers.map(({ codes }) => codes),
      [[0x00], [0x11]]
    )
    await client.quiet()
  })

  rule("MQTT-3.10.4-6", "three filters in one packet end three subscriptions", async (stage) => {
    const client = await stage.join("client")
    const filters = ["a", "b", "c"].map((level) => stage.topic(level))
    await client.suback(filters.map((filter) => ({ filter })))
    assert.deepEqual(await client.unsubscribed(...filters), [0, 0, 0])
    for (const filter of filters) await client.published(filter, "x")
    await client.quiet()
  })
})

export const unsuback = chapter("3.11 UNSUBACK", 5, (rule) => {
  rule(["MQTT-3.11.2-1", "MQTT-3.11.2-2"], "UNSUBACK is not larger than the client takes", async (stage) => {
    const client = await stage.join("client", { properties: { maximumPacketSize: 40 } })
    assert.deepEqual(await client.unsubscribed(stage.topic("unknown")), [0x11])
    for (const { bytes } of client.history) assert.ok(bytes.length <= 40)
  })

  rule(["MQTT-3.11.3-1", "MQTT-3.11.3-2"], "the codes stand in the order of the filters", async (stage) => {
    const client = await stage.join("client")
    await client.suback([{ filter: stage.topic("a") }, { filter: stage.topic("c") }])
    assert.deepEqual(
      await client.unsubscribed(stage.topic("a"), stage.topic("b"), stage.topic("c")),
      [0x00, 0x11, 0x00]
    )
  })
})

export const ping = chapter("3.12 PINGREQ", 5, (rule) => {
  rule("MQTT-3.12.4-1", "PINGREQ is answered by PINGRESP", async (stage) => {
    const client = await stage.join("client")
    client.raw(hex("C0 00 C0 00"))
    for (const _ of ["first", "second"]) assert.deepEqual((await client.take("pingresp")).bytes, hex("D0 00"))
  })
})
