/**
 * Chapters 3.10 to 3.12 of 3.1.1: UNSUBSCRIBE, UNSUBACK, PINGREQ; and the flags of PUBREL.
 */
import assert from "node:assert/strict"
import { illFormed } from "../support/samples.ts"
import { frame, hex, unsubscribeBytes } from "../support/write.ts"
import { closes, section, textsBefore } from "./section.ts"

export const unsubscribe = section("3.10 UNSUBSCRIBE", (rule) => {
  rule("MQTT-3.10.1-1", "other flags than 0010 close the connection", async (stage) => {
    const body = unsubscribeBytes(4, 1, [stage.topic("a")]).subarray(2)
    for (const first of [0xa0, 0xa1, 0xa3, 0xaa, 0xaf]) await closes(stage, frame(first, body))
    const client = await stage.join("client")
    client.raw(frame(0xa2, body))
    await client.take("unsuback")
  })

  rule("MQTT-3.10.3-1", "an ill-formed filter closes the connection", async (stage) => {
    for (const filter of illFormed) await closes(stage, unsubscribeBytes(4, 1, ["t", filter]))
  })

  rule("MQTT-3.10.3-2", "no filter at all closes the connection", async (stage) => {
    await closes(stage, unsubscribeBytes(4, 1, []))
    await closes(stage, frame(0xa2))
  })

  rule("MQTT-3.10.4-1", "filters are compared character by character", async (stage) => {
    const client = await stage.join("client")
    const filter = stage.topic("a", "+")
    await client.subscribed(filter, { qos: 1 })
    for (const other of [stage.topic("a", "b"), stage.topic("a", "#"), stage.topic("A", "+"), stage.topic("a")]) {
      await client.unsubscribed(other)
    }
    await client.published(stage.topic("a", "b"), "still heard", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["still heard"])
    await client.unsubscribed(filter)
    await client.published(stage.topic("a", "b"), "unheard", { qos: 1 })
    await client.quiet()
  })

  rule("MQTT-3.10.4-2", "after UNSUBACK no new message comes", async (stage) => {
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    await publisher.published(topic, "heard", { qos: 1 })
    await client.unsubscribed(topic)
    for (const qos of [0, 1, 2]) await publisher.published(topic, "unheard", { qos })
    await client.subscribed(stage.topic("b"))
    await publisher.published(stage.topic("b"), "fence")
    assert.deepEqual(await textsBefore(client, "fence"), ["heard"])
  })

  rule("MQTT-3.10.4-3", "an exchange that has begun is completed", async (stage) => {
    const client = await stage.join("client", { clean: false })
    const publisher = await stage.join("publisher")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    for (const qos of [1, 2]) await publisher.published(topic, `QoS ${qos}`, { qos })
    for (const _ of [1, 2]) await client.take("publish")
    await client.unsubscribed(topic)
    await client.lost()
    const again = await stage.resume("client")
    assert.deepEqual(await again.texts(2), ["QoS 1", "QoS 2"])
    await again.quiet()
  })

  rule(["MQTT-3.10.4-4", "MQTT-3.10.4-5"], "UNSUBACK comes, whether there was a subscription or not", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"))
    client.raw(unsubscribeBytes(4, 500, [stage.topic("a")]), unsubscribeBytes(4, 7, [stage.topic("never")]))
    assert.deepEqual((await client.take("unsuback")).bytes, hex("B0 02 01 F4"))
    assert.deepEqual((await client.take("unsuback")).bytes, hex("B0 02 00 07"))
  })

  rule("MQTT-3.10.4-6", "three filters in one packet act as three, with one UNSUBACK", async (stage) => {
    const client = await stage.join("client")
    const topics = ["a", "b", "c", "d"].map((level) => stage.topic(level))
    await client.suback(topics.map((filter) => ({ filter, qos: 1 })))
    await client.unsubscribed(...topics.slice(0, 3))
    for (const topic of topics) await client.published(topic, topic, { qos: 1 })
    assert.deepEqual(await client.texts(1), topics.slice(3))
    await client.quiet()
  })
})

export const ping = section("3.12 PINGREQ", (rule) => {
  rule("MQTT-3.12.4-1", "PINGREQ is answered by PINGRESP", async (stage) => {
    const client = await stage.join("client")
    client.pingreq()
    client.pingreq()
    for (const _ of ["first", "second"]) assert.deepEqual((await client.take("pingresp")).bytes, hex("D0 00"))
    await client.quiet()
  })
})

export const release = section("3.6 PUBREL", (rule) => {
  rule("MQTT-3.6.1-1", "other flags than 0010 close the connection", async (stage) => {
    for (const first of [0x60, 0x61, 0x63, 0x6a, 0x6f]) await closes(stage, frame(first, hex("00 01")))
  })

  rule("MQTT-3.6.1-1", "the server's PUBREL has them", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    await client.published(stage.topic("a"), "x", { qos: 2 })
    const { id } = await client.take("publish")
    client.pubrec(id)
    assert.deepEqual((await client.take("pubrel")).bytes, Buffer.from([0x62, 2, id >> 8, id & 0xff]))
  })
})
