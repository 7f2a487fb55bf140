/**
 * Chapter 3.3.1: DUP, QoS and RETAIN of PUBLISH.
 */
import assert from "node:assert/strict"
import { field, rawSection, twoBytes } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { frame, publishBytes } from "../support/write.ts"

export const publishFlags = chapter("3.3.1 DUP and QoS", 5, (rule) => {
  rule("MQTT-3.3.1-1", "what was not acknowledged comes again with DUP 1", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "one", { qos: 1 })
    await publisher.published(stage.topic("a"), "two", { qos: 2 })
    const first = [await client.take("publish"), await client.take("publish")]
    assert.deepEqual(
      first.map(({ dup }) => dup),
      [false, false]
    )
    await client.lost()
    const again = await stage.resume("client")
    for (const { id, text } of first) {
      const repeated = await again.delivered()
      assert.deepEqual([repeated.id, repeated.text, repeated.dup], [id, text, true])
    }
  })

  rule("MQTT-3.3.1-2", "DUP 1 at QoS 0 is refused", async (stage) => {
    await stage.refuses(publishBytes(5, { topic: stage.topic("a"), dup: true }), 0x81)
  })

  rule("MQTT-3.3.1-3", "the publisher's DUP is not passed on", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    for (const qos of [1, 2]) {
      await client.published(stage.topic("a"), "x", { qos, dup: true })
      const message = await client.find("publish")
      assert.deepEqual([message.qos, message.dup], [qos, false])
      await client.acknowledged(message)
    }
  })

  rule("MQTT-3.3.1-3", "not out of a queue or the retained store, either", async (stage) => {
    const away = await stage.join("away", { expiry: 60 })
    await away.subscribed(stage.topic("a"), { qos: 2 })
    await away.left()
    const publisher = await stage.join("publisher")
    for (const qos of [1, 2]) await publisher.published(stage.topic("a"), "x", { qos, dup: true, retain: true })
    const back = await stage.resume("away")
    const late = await stage.join("late")
    await late.subscribed(stage.topic("a"), { qos: 2 })
    for (const { dup } of [await back.delivered(), await back.delivered(), await late.delivered()])
      assert.equal(dup, false)
  })

  rule("MQTT-3.3.1-4", "both QoS bits set is refused", async (stage) => {
    const parts = [field(stage.topic("a")), twoBytes(1), rawSection()]
    for (const first of [0x36, 0x37, 0x3e]) await stage.refuses(frame(first, ...parts), 0x81)
  })
})

export const publishRetain = chapter("3.3.1.3 RETAIN", 5, (rule) => {
  rule("MQTT-3.3.1-5", "a retained message replaces the one before, and keeps its QoS", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const qos of [0, 1, 2]) {
      const topic = stage.topic(`${qos}`)
      await publisher.published(topic, "first", { qos, retain: true })
      await publisher.published(topic, "second", { qos, retain: true })
      const client = await stage.join(`client${qos}`)
      await client.subscribed(topic, { qos: 2 })
      const message = await client.delivered()
      assert.deepEqual([message.text, message.qos, message.retain], ["second", qos, true])
      await client.quiet()
    }
  })

  rule("MQTT-3.3.1-6", "an empty payload is delivered and clears the topic", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const current = await stage.join("current")
    await current.subscribed(topic)
    await publisher.published(topic, "kept", { qos: 1, retain: true })
    await publisher.published(topic, "", { qos: 1, retain: true })
    assert.deepEqual(await current.texts(2), ["kept", ""])
    const later = await stage.join("later")
    await later.subscribed(topic)
    await later.quiet()
  })

  rule("MQTT-3.3.1-7", "an empty payload is not kept", async (stage) => {
    const client = await stage.join("client")
    await client.published(stage.topic("a"), "", { qos: 1, retain: true })
    await client.subscribed(stage.topic("#"))
    await client.quiet()
  })

  rule("MQTT-3.3.1-8", "RETAIN 0 neither keeps nor replaces", async (stage) => {
    const client = await stage.join("client")
    await client.published(stage.topic("old"), "old", { qos: 1, retain: true })
    await client.published(stage.topic("old"), "passing", { qos: 1 })
    await client.published(stage.topic("old"), "", { qos: 1 })
    await client.published(stage.topic("none"), "passing", { qos: 1 })
    await client.subscribed(stage.topic("#"))
    assert.deepEqual(await client.texts(1), ["old"])
    await client.quiet()
  })

  rule("MQTT-3.3.1-9", "Retain Handling 0 sends retained messages on every SUBSCRIBE", async (stage) => {
    const client = await stage.join("client")
    for (const level of ["a", "b"]) await client.published(stage.topic(level), level, { qos: 1, retain: true })
    for (const _ of ["first", "repeated"]) {
      await client.subscribed(stage.topic("+"), { retainHandling: 0 })
      const kept = [await client.delivered(), await client.delivered()]
      assert.deepEqual(kept.map(({ text }) => text).sort(), ["a", "b"])
      assert.ok(kept.every(({ retain }) => retain))
    }
    await client.quiet()
  })

  rule("MQTT-3.3.1-10", "Retain Handling 1 sends them for a new subscription only", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.published(topic, "kept", { qos: 1, retain: true })
    await client.subscribed(topic, { retainHandling: 1 })
    assert.deepEqual(await client.texts(1), ["kept"])
    await client.subscribed(topic, { retainHandling: 1, qos: 1 })
    await client.quiet()
    await client.unsubscribed(topic)
    await client.subscribed(topic, { retainHandling: 1 })
    assert.deepEqual(await client.texts(1), ["kept"])
  })

  rule("MQTT-3.3.1-11", "Retain Handling 2 sends none, but what is live", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.published(topic, "kept", { qos: 1, retain: true })
    await client.subscribed(topic, { retainHandling: 2 })
    await client.published(topic, "live")
    assert.deepEqual(await client.texts(1), ["live"])
    await client.quiet()
  })

  rule("MQTT-3.3.1-12", "Retain As Published 0 forwards RETAIN 0", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { retainAsPublished: false, qos: 2 })
    for (const qos of [0, 1, 2]) {
      await client.published(stage.topic("a"), "x", { qos, retain: true })
      const message = await client.find("publish")
      assert.equal(message.retain, false)
      await client.acknowledged(message)
    }
  })

  rule("MQTT-3.3.1-13", "Retain As Published 1 forwards the publisher's bit", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { retainAsPublished: true, qos: 2 })
    for (const qos of [0, 1, 2]) {
      for (const retain of [true, false]) {
        await client.published(stage.topic("a"), "x", { qos, retain })
        const message = await client.find("publish")
        assert.equal(message.retain, retain)
        await client.acknowledged(message)
      }
    }
  })
})
