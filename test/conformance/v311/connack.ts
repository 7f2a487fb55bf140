/**
 * Chapters 3.1.4 and 3.2 of 3.1.1: how the server answers CONNECT.
 */
import assert from "node:assert/strict"
import { guarded } from "../support/target.ts"
import { connectBytes, hex, publishBytes, subscribeBytes } from "../support/write.ts"
import { closesUnanswered, connectWith, section, textsBefore } from "./section.ts"

export const answer = section("3.1.4 The answer to CONNECT", (rule) => {
  rule("MQTT-3.1.4-4", "who is let in gets CONNACK 0x00", async (stage) => {
    const client = await stage.dial()
    client.connect({ clientId: stage.id("client") })
    assert.deepEqual((await client.take("connack")).bytes, hex("20 02 00 00"))
  })

  rule("MQTT-3.1.4-5", "what follows a refused CONNECT is not looked at", async (stage) => {
    const topic = stage.topic("a")
    const watcher = await stage.join("watcher")
    await watcher.subscribed(topic, { qos: 1 })
    const pipelined = Buffer.concat([
      connectBytes(4, { clientId: "", clean: false }),
      subscribeBytes(4, 1, [{ filter: topic }]),
      publishBytes(4, { topic, payload: "unheard", qos: 1, id: 2 }),
      publishBytes(4, { topic, payload: "unkept", retain: true })
    ])
    await stage.rejects(pipelined, 0x02)
    const later = await stage.join("later")
    await later.subscribed(topic)
    await later.published(topic, "fence", { qos: 1 })
    assert.deepEqual(await textsBefore(watcher, "fence"), [])
    assert.deepEqual(await textsBefore(later, "fence"), [])
  })
})

export const connack = section("3.2 CONNACK", (rule) => {
  rule("MQTT-3.2.0-1", "CONNACK comes first, before what waited", async (stage) => {
    const client = await stage.join("client", { clean: false })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.left()
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "waited", { qos: 1 })
    const again = await stage.dial()
    again.connect({ clientId: stage.id("client"), clean: false })
    await again.take("connack")
    assert.deepEqual(await again.texts(1), ["waited"])
  })

  rule("MQTT-3.2.0-1", "CONNACK comes first, before the answers to what was sent behind CONNECT", async (stage) => {
    const client = await stage.dial()
    client.raw(
      connectBytes(4, { clientId: stage.id("client") }),
      subscribeBytes(4, 1, [{ filter: stage.topic("a") }]),
      hex("C0 00")
    )
    await client.take("connack")
    await client.take("suback")
    await client.take("pingresp")
  })

  rule("MQTT-3.2.2-1", "CleanSession 1: no session present, although one was stored", async (stage) => {
    const client = await stage.join("client", { clean: false })
    await client.left()
    await stage.resume("client", false, { clean: true })
  })

  rule(["MQTT-3.2.2-2", "MQTT-3.2.2-3"], "CleanSession 0: present when there is one", async (stage) => {
    for (const isPresent of [false, true, true]) {
      const client = await stage.resume("client", isPresent)
      await client.left()
    }
  })

  rule("MQTT-3.2.2-4", "a refusal says that no session is present", async (stage) => {
    for (const fields of [{ level: 2 }, { clientId: "", clean: false }]) {
      const client = await stage.dial()
      client.connect({ clientId: stage.id("client"), clean: false, ...fields })
      assert.equal((await client.take("connack")).bytes[2], 0)
      await client.ended()
    }
  })

  rule("MQTT-3.2.2-4", "a refusal says that no session is present, although one is stored", async (stage) => {
    const { username, password } = guarded
    const client = await stage.join("client", { makeUp: "guarded", clean: false, username, password })
    await client.left()
    const intruder = await stage.dial("guarded")
    const { bytes } = await intruder.connected({ clientId: stage.id("client"), clean: false, username, password: "x" })
    assert.equal(bytes[2], 0)
    await stage.resume("client", true, { makeUp: "guarded", username, password })
  })

  rule("MQTT-3.2.2-5", "after a refusal the server closes", async (stage) => {
    await stage.rejects(connectBytes(4, { clientId: stage.id("x"), level: 2 }), 0x01)
    await stage.rejects(connectBytes(4, { clientId: "", clean: false }), 0x02)
  })

  rule("MQTT-3.2.2-5", "after a refusal for want of credentials the server closes", async (stage) => {
    const clientId = stage.id("x")
    const wrong = { clientId, username: guarded.username, password: "wrong" }
    for (const fields of [{ clientId }, wrong]) {
      await stage.rejects(connectBytes(4, fields), [0x04, 0x05], { makeUp: "guarded" })
    }
  })

  rule("MQTT-3.2.2-6", "what no code fits is closed without CONNACK", async (stage) => {
    const clientId = stage.id("x")
    await closesUnanswered(stage, connectWith(0x03))
    await closesUnanswered(stage, connectBytes(4, { clientId, will: { topic: stage.topic("+") } }))
    await closesUnanswered(stage, connectBytes(4, { clientId, will: { topic: "" } }))
  })

  rule("MQTT-3.2.2-6", "a will that the server cannot keep is refused without CONNACK", async (stage) => {
    const will = { topic: stage.topic("will"), retain: true, qos: 2 }
    await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), will }), "no-retain")
    await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), will }), "qos1")
  })
})
