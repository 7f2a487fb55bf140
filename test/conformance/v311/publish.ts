/**
 * Chapter 3.3 of 3.1.1: PUBLISH, all but RETAIN.
 */
import assert from "node:assert/strict"
import { field } from "../support/properties.ts"
import { illFormed } from "../support/samples.ts"
import { guarded } from "../support/target.ts"
import { frame, hex, publishBytes } from "../support/write.ts"
import { closes, section, textsBefore } from "./section.ts"

export const duplicate = section("3.3.1.1 DUP", (rule) => {
  rule("MQTT-3.3.1-1", "a message repeated after a break has DUP 1", async (stage) => {
    const client = await stage.join("client", { clean: false })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    for (const qos of [1, 2]) await publisher.published(stage.topic("a"), `QoS ${qos}`, { qos })
    for (const _ of [1, 2]) assert.equal((await client.take("publish")).dup, false)
    await client.lost()
    const again = await stage.resume("client")
    for (const qos of [1, 2]) {
      const message = await again.delivered()
      assert.deepEqual([message.text, message.dup], [`QoS ${qos}`, true])
    }
  })

  rule("MQTT-3.3.1-2", "DUP at QoS 0 closes the connection", async (stage) => {
    await closes(stage, publishBytes(4, { topic: stage.topic("a"), dup: true }))
  })

  rule("MQTT-3.3.1-2", "what is delivered at QoS 0 has DUP 0", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { qos: 0 })
    client.publish({ topic: stage.topic("a"), qos: 1, id: 1, dup: true })
    const message = await client.find("publish")
    assert.deepEqual([message.qos, message.dup], [0, false])
  })

  rule("MQTT-3.3.1-3", "DUP of the publisher goes no further", async (stage) => {
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    for (const qos of [1, 2]) {
      await publisher.published(stage.topic("a"), "x", { qos, dup: true })
      const message = await client.delivered()
      assert.deepEqual([message.qos, message.dup], [qos, false])
    }
  })

  rule("MQTT-3.3.1-4", "QoS 3 closes the connection", async (stage) => {
    for (const first of [0x36, 0x37, 0x3e]) await closes(stage, frame(first, field("t"), hex("00 01")))
  })
})

export const topicName = section("3.3.2 Topic Name", (rule) => {
  rule("MQTT-3.3.2-1", "the topic stands first, and is UTF-8", async (stage) => {
    for (const topic of illFormed) await closes(stage, publishBytes(4, { topic, qos: 1, id: 1 }))
    await closes(stage, frame(0x30, hex("00 05 61")))
    await closes(stage, frame(0x30))
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 1 })
    await client.published(topic, "x", { qos: 1 })
    assert.equal((await client.delivered()).bytes.indexOf(field(topic)), 2)
  })

  rule("MQTT-3.3.2-2", "a wildcard in it closes the connection, and nobody gets the message", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("#"))
    for (const level of ["#", "+", "a#", "a+"]) {
      await closes(stage, publishBytes(4, { topic: stage.topic(level) }))
      await closes(stage, publishBytes(4, { topic: stage.topic(level, "b"), qos: 2, id: 1 }))
    }
    await watcher.quiet()
  })

  rule("MQTT-3.3.2-3", "what is delivered has a topic that the filter matches, as it was published", async (stage) => {
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    await client.subscribed(stage.topic("+", "b"), { qos: 1 })
    for (const levels of [["a", "b"], ["a"], ["b", "c"], ["", "b"], ["a", "b", "c"], ["b", "b"]]) {
      await publisher.published(stage.topic(...levels), "x", { qos: 1 })
    }
    await publisher.published(stage.topic("c", "b"), "fence", { qos: 1 })
    for (const levels of [
      ["a", "b"],
      ["", "b"],
      ["b", "b"],
      ["c", "b"]
    ]) {
      assert.equal((await client.delivered()).topic, stage.topic(...levels))
    }
  })
})

export const actions = section("3.3.4 and 3.3.5 What PUBLISH brings about", (rule) => {
  rule("MQTT-3.3.4-1", "QoS 0 is not answered, QoS 1 with PUBACK, QoS 2 with PUBREC", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    client.publish({ topic, qos: 0 })
    await client.quiet()
    client.publish({ topic, qos: 1, id: 300 })
    assert.deepEqual((await client.take("puback")).bytes, hex("40 02 01 2C"))
    client.publish({ topic, qos: 2, id: 301 })
    assert.deepEqual((await client.take("pubrec")).bytes, hex("50 02 01 2D"))
  })

  rule("MQTT-3.3.5-1", "where filters overlap the highest QoS counts", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("#"), { qos: 0 })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    await client.subscribed(stage.topic("+"), { qos: 1 })
    const publisher = await stage.join("publisher")
    for (const qos of [2, 1]) {
      await publisher.published(stage.topic("a"), `QoS ${qos}`, { qos })
      await publisher.published(stage.topic("b", "c"), "fence")
      const copies: Array<number> = []
      for (let copy = await client.delivered(); copy.text !== "fence"; copy = await client.delivered()) {
        copies.push(copy.qos)
      }
      assert.equal(Math.max(...copies), qos)
      assert.ok(copies.length === 1 || !stage.features.mergesOverlaps)
    }
  })

  rule("MQTT-3.3.5-2", "a forbidden PUBLISH is acknowledged and dropped, or ends the connection", async (stage) => {
    const { forbidden, username, password } = guarded
    const join = (name: string) => stage.join(name, { makeUp: "guarded", username, password })
    const watcher = await join("watcher")
    await watcher.subscribed(stage.topic("#"), { qos: 2 })
    for (const qos of [1, 2]) {
      const client = await join(`client${qos}`)
      const answer = client.published(stage.topic(forbidden), "unheard", { qos, retain: true })
      assert.equal(await answer.catch(() => client.isClosed), client.isClosed ? true : 0)
    }
    const client = await join("client")
    await client.published(stage.topic("allowed"), "fence", { qos: 1 })
    assert.deepEqual(await textsBefore(watcher, "fence"), [])
    const later = await join("later")
    await later.subscribed(stage.topic("#"))
    await later.quiet()
  })
})
