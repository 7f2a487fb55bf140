/**
 * Chapters 3.8 and 3.9 of 3.1.1: SUBSCRIBE and SUBACK.
 */
import assert from "node:assert/strict"
import { illFormed } from "../support/samples.ts"
import { guarded, NotOffered } from "../support/target.ts"
import { frame, hex, subscribeBytes } from "../support/write.ts"
import { closes, section, textsBefore } from "./section.ts"

export const subscribe = section("3.8 SUBSCRIBE", (rule) => {
  rule("MQTT-3.8.1-1", "other flags than 0010 close the connection", async (stage) => {
    const body = subscribeBytes(4, 1, [{ filter: stage.topic("a") }]).subarray(2)
    for (const first of [0x80, 0x81, 0x83, 0x8a, 0x8f]) await closes(stage, frame(first, body))
    const client = await stage.join("client")
    client.raw(frame(0x82, body))
    await client.take("suback")
  })

  rule("MQTT-3.8.3-1", "an ill-formed filter closes the connection", async (stage) => {
    for (const filter of illFormed) await closes(stage, subscribeBytes(4, 1, [{ filter: "t" }, { filter }]))
  })

  rule("MQTT-3.8.3-2", "wildcards are supported", async (stage) => {
    const client = await stage.join("client")
    const { codes } = await client.suback(["+", "#"].map((level) => ({ filter: stage.topic(level), qos: 1 })))
    assert.deepEqual(codes, [1, 1])
    await client.published(stage.topic("a"), "x")
    assert.equal((await client.delivered()).topic, stage.topic("a"))
  })

  rule("MQTT-3.8.3-2", "a server without wildcards refuses them, one by one", async (stage) => {
    const client = await stage.join("client", { makeUp: "no-wildcard" })
    const filters = ["+", "a", "#"].map((level) => ({ filter: stage.topic(level), qos: 1 }))
    assert.deepEqual((await client.suback(filters)).codes, [0x80, 1, 0x80])
    await client.published(stage.topic("b"), "unheard", { qos: 1 })
    await client.published(stage.topic("a"), "heard", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["heard"])
  })

  rule("MQTT-3.8.3-3", "no filter at all closes the connection", async (stage) => {
    await closes(stage, subscribeBytes(4, 1, []))
    await closes(stage, frame(0x82))
  })

  rule("MQTT-3.8.3-4", "QoS 3 or a bit above it closes the connection", async (stage) => {
    for (const options of [0x03, 0x04, 0x10, 0x40, 0x81]) {
      await closes(stage, subscribeBytes(4, 1, [{ filter: "t", options }]))
    }
    await closes(stage, subscribeBytes(4, 1, [{ filter: "t" }, { filter: "u", options: 3 }]))
  })
})

export const response = section("3.8.4 The answer to SUBSCRIBE", (rule) => {
  rule(["MQTT-3.8.4-1", "MQTT-3.8.4-2"], "each SUBSCRIBE gets one SUBACK, with its identifier", async (stage) => {
    const client = await stage.join("client")
    for (const id of [500, 7, 65_535]) client.raw(subscribeBytes(4, id, [{ filter: stage.topic("a") }]))
    for (const id of [500, 7, 65_535]) assert.equal((await client.take("suback")).id, id)
    await client.quiet()
  })

  rule("MQTT-3.8.4-3", "the same filter again replaces the subscription", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.published(topic, "kept", { qos: 1, retain: true })
    for (const qos of [2, 0, 1]) {
      await client.subscribed(topic, { qos })
      const retained = await client.delivered()
      assert.deepEqual([retained.text, retained.retain, retained.qos], ["kept", true, Math.min(1, qos)])
      await client.published(topic, "live", { qos: 2 })
      const live = await client.delivered()
      assert.deepEqual([live.text, live.qos], ["live", qos])
      await client.quiet()
    }
  })

  rule("MQTT-3.8.4-3", "no message is lost while a subscription is replaced", async (stage) => {
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 1 })
    const numbers = Array.from({ length: 60 }, (_, index) => `${index}`)
    const publishing = (async () => {
      for (const text of numbers) await publisher.published(topic, text, { qos: 1 })
    })()
    for (let i = 0; i < 10; i++) client.subscribe([{ filter: topic, qos: 1 }])
    const texts: Array<string> = []
    while (texts.length < numbers.length) {
      const message = await client.find("publish")
      texts.push(message.text)
      client.puback(message.id)
    }
    await publishing
    assert.deepEqual(texts, numbers)
  })

  rule("MQTT-3.8.4-4", "three filters in one packet act as three, with one SUBACK", async (stage) => {
    const client = await stage.join("client")
    const entries = ["a", "b", "c"].map((level) => ({ filter: stage.topic(level), qos: 1 }))
    assert.equal((await client.suback(entries)).codes.length, 3)
    for (const { filter } of entries) {
      await client.published(filter, filter, { qos: 1 })
      assert.deepEqual(await client.texts(1), [filter])
    }
    await client.quiet()
  })

  rule(["MQTT-3.8.4-5", "MQTT-3.9.3-1"], "SUBACK has one code per filter, in their order", async (stage) => {
    const client = await stage.join("client")
    const entries = [2, 0, 1, 2, 0].map((qos, index) => ({ filter: stage.topic(`${index}`), qos }))
    assert.deepEqual((await client.suback(entries)).codes, [2, 0, 1, 2, 0])
    assert.deepEqual((await client.suback(entries.toReversed())).codes, [0, 2, 1, 0, 2])
  })

  rule(
    ["MQTT-3.8.4-5", "MQTT-3.9.3-1", "MQTT-3.9.3-2"],
    "a filter that is refused has 0x80 in its place",
    async (stage) => {
      if (!stage.features.deniesFilters) throw new NotOffered("it refuses no single filter")
      const { forbidden, username, password } = guarded
      const client = await stage.join("client", { makeUp: "guarded", username, password })
      const entries = [
        { filter: stage.topic("a"), qos: 2 },
        { filter: stage.topic(forbidden), qos: 1 },
        { filter: stage.topic("b"), qos: 0 }
      ]
      assert.deepEqual((await client.suback(entries)).codes, [2, 0x80, 0])
    }
  )

  rule("MQTT-3.9.3-2", "a lower QoS than was asked for is told", async (stage) => {
    const client = await stage.join("client", { makeUp: "qos1" })
    const entries = [2, 1, 0].map((qos) => ({ filter: stage.topic(`${qos}`), qos }))
    assert.deepEqual((await client.suback(entries)).codes, [1, 1, 0])
  })

  rule("MQTT-3.9.3-2", "SUBACK is made of granted QoS and nothing else", async (stage) => {
    const client = await stage.join("client")
    client.raw(
      subscribeBytes(
        4,
        0x0102,
        [0, 1, 2].map((qos) => ({ filter: stage.topic(`${qos}`), qos }))
      )
    )
    assert.deepEqual((await client.take("suback")).bytes, hex("90 05 01 02 00 01 02"))
  })

  rule("MQTT-3.8.4-6", "the lower of published and granted QoS counts", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const granted of [0, 1, 2]) {
      const client = await stage.join(`client${granted}`)
      assert.equal(await client.subscribed(stage.topic("a"), { qos: granted }), granted)
      for (const qos of [0, 1, 2]) {
        await publisher.published(stage.topic("a"), `${qos}`, { qos })
        const message = await client.delivered()
        assert.deepEqual([message.text, message.qos], [`${qos}`, Math.min(qos, granted)])
      }
      await client.published(stage.topic("a"), "fence", { qos: 1 })
      assert.deepEqual(await textsBefore(client, "fence"), [])
      await client.left()
    }
  })
})
