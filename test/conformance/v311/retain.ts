/**
 * Chapter 3.3.1.3 of 3.1.1: retained messages.
 */
import assert from "node:assert/strict"
import type { Stage } from "../support/stage.ts"
import { section } from "./section.ts"

/** What a new subscription brings at once: the payloads, sorted. */
const kept = async (stage: Stage, name: string, ...levels: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const client = await stage.join(name)
  await client.subscribed(stage.topic(...levels), { qos: 2 })
  for (const _ of ["once", "twice"]) {
    client.pingreq()
    await client.find("pingresp")
  }
  return client.history.flatMap((packet) => (packet.kind === "publish" ? [packet.text] : [])).sort()
}

export const retain = section("3.3.1.3 RETAIN", (rule) => {
  rule("MQTT-3.3.1-5", "a message with RETAIN 1 is stored with its QoS", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const qos of [0, 1, 2]) await publisher.published(stage.topic(`${qos}`), `QoS ${qos}`, { qos, retain: true })
    for (const granted of [0, 1, 2]) {
      const client = await stage.join(`client${granted}`)
      for (const qos of [0, 1, 2]) {
        await client.subscribed(stage.topic(`${qos}`), { qos: granted })
        const message = await client.delivered()
        assert.deepEqual([message.text, message.qos], [`QoS ${qos}`, Math.min(qos, granted)])
      }
    }
  })

  rule("MQTT-3.3.1-6", "a new subscription brings the last message of each topic that matches", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const text of ["old", "new"]) {
      for (const level of ["a", "b", "c"]) {
        await publisher.published(stage.topic(level, "x"), `${text} ${level}`, { qos: 1, retain: true })
      }
    }
    await publisher.published(stage.topic("d", "y"), "not asked for", { qos: 1, retain: true })
    assert.deepEqual(await kept(stage, "client", "+", "x"), ["new a", "new b", "new c"])
  })

  rule("MQTT-3.3.1-7", "at QoS 0, too, the new one replaces the old one", async (stage) => {
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "old", { qos: 1, retain: true })
    await publisher.published(stage.topic("a"), "new", { qos: 0, retain: true })
    const texts = await kept(stage, "client", "a")
    // Storing a new QoS 0 message is a SHOULD; forgetting the old one is a MUST.
    assert.ok(texts.length === 0 || (texts.length === 1 && texts[0] === "new"), texts.join())
  })

  rule("MQTT-3.3.1-8", "what a new subscription brings has RETAIN 1", async (stage) => {
    const client = await stage.join("client")
    await client.published(stage.topic("a"), "kept", { qos: 1, retain: true })
    await client.subscribed(stage.topic("#"))
    const { text, retain } = await client.delivered()
    assert.deepEqual([text, retain], ["kept", true])
  })

  rule("MQTT-3.3.1-9", "for a subscription that was there RETAIN is 0", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    for (const qos of [0, 1, 2]) {
      await client.published(stage.topic("a"), "kept", { qos, retain: true })
      assert.equal((await client.delivered()).retain, false)
    }
  })

  rule("MQTT-3.3.1-10", "an empty message goes out and clears", async (stage) => {
    const publisher = await stage.join("publisher")
    const live = await stage.join("live")
    await live.subscribed(stage.topic("a"), { qos: 1 })
    await publisher.published(stage.topic("a"), "kept", { qos: 1, retain: true })
    await publisher.published(stage.topic("a"), "", { qos: 1, retain: true })
    assert.deepEqual(await live.texts(2), ["kept", ""])
    assert.deepEqual(await kept(stage, "late", "a"), [])
  })

  rule("MQTT-3.3.1-11", "an empty message is not stored", async (stage) => {
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "", { qos: 1, retain: true })
    const late = await stage.join("late")
    await late.subscribed(stage.topic("a"))
    await late.quiet()
  })

  rule("MQTT-3.3.1-12", "a message with RETAIN 0 is not stored and changes nothing", async (stage) => {
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "not kept", { qos: 1 })
    assert.deepEqual(await kept(stage, "first", "a"), [])
    await publisher.published(stage.topic("a"), "kept", { qos: 1, retain: true })
    for (const text of ["not kept", ""]) await publisher.published(stage.topic("a"), text, { qos: 1 })
    assert.deepEqual(await kept(stage, "second", "a"), ["kept"])
  })
})
