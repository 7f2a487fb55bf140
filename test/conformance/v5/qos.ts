/**
 * Chapter 4.3: the exchanges of QoS 0, 1 and 2, packet by packet, in both directions.
 */
import assert from "node:assert/strict"
import { chapter } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"

/** A subscriber with a session, a publisher, a topic. */
const pair = async (stage: Stage) => {
  const topic = stage.topic("a")
  const client = await stage.join("client", { expiry: 60 })
  await client.subscribed(topic, { qos: 2 })
  const publisher = await stage.join("publisher", { expiry: 60 })
  return { client, publisher, topic }
}

export const qos01 = chapter("4.3.1 QoS 0 and 1", 5, (rule) => {
  rule("MQTT-4.3.1-1", "QoS 0 comes with first byte 30, and asks for nothing", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x")
    const { first } = await client.take("publish")
    assert.equal(first, 0x30)
    publisher.publish({ topic, payload: "y" })
    await publisher.quiet()
  })

  rule("MQTT-4.3.2-2", "QoS 1 is sent first with DUP 0 and an identifier", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x", { qos: 1 })
    const { first, id } = await client.take("publish")
    assert.equal(first, 0x32)
    assert.ok(id > 0)
  })

  rule("MQTT-4.3.2-3", "QoS 1 is open until PUBACK, and not longer", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x", { qos: 1 })
    const { id } = await client.take("publish")
    await client.lost()
    const again = await stage.resume("client")
    const repeated = await again.delivered()
    assert.deepEqual([repeated.id, repeated.dup, repeated.text], [id, true, "x"])
    await again.quiet()
    await again.lost()
    const last = await stage.resume("client")
    await last.quiet()
  })

  rule("MQTT-4.3.2-4", "QoS 1 received is acknowledged and delivered", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    publisher.publish({ topic, payload: "x", qos: 1, id: 77 })
    const { code, id } = await publisher.take("puback")
    assert.deepEqual([id, code], [77, 0])
    assert.deepEqual(await client.texts(1), ["x"])
  })

  rule("MQTT-4.3.2-5", "after PUBACK the identifier names another message, whatever its DUP", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    for (const dup of [false, false, true]) {
      publisher.publish({ topic, payload: "x", qos: 1, id: 77, dup })
      assert.equal((await publisher.take("puback")).id, 77)
    }
    assert.deepEqual(await client.texts(3), ["x", "x", "x"])
  })
})

export const qos2Sending = chapter("4.3.3 QoS 2, sent by the server", 5, (rule) => {
  rule("MQTT-4.3.3-2", "QoS 2 is sent first with DUP 0 and an identifier", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x", { qos: 2 })
    const { first, id } = await client.take("publish")
    assert.equal(first, 0x34)
    assert.ok(id > 0)
  })

  rule("MQTT-4.3.3-3", "QoS 2 is repeated with DUP 1 until PUBREC", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x", { qos: 2 })
    const { id } = await client.take("publish")
    await client.lost()
    const again = await stage.resume("client")
    const repeated = await again.delivered()
    assert.deepEqual([repeated.id, repeated.dup, repeated.text], [id, true, "x"])
    await again.quiet()
  })

  rule("MQTT-4.3.3-4", "PUBREC is answered by PUBREL, an error code by nothing", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    for (const code of [0x00, 0x10]) {
      await publisher.published(topic, "x", { qos: 2 })
      const { id } = await client.take("publish")
      client.pubrec(id, code)
      const { first, id: released } = await client.take("pubrel")
      assert.deepEqual([first, released], [0x62, id])
      client.pubcomp(id)
    }
    await publisher.published(topic, "x", { qos: 2 })
    client.pubrec((await client.take("publish")).id, 0x80)
    await client.quiet()
  })

  rule(["MQTT-4.3.3-5", "MQTT-4.3.3-6"], "after PUBREC only PUBREL is repeated, until PUBCOMP", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x", { qos: 2 })
    const { id } = await client.take("publish")
    client.pubrec(id)
    await client.take("pubrel")
    await client.lost()
    const again = await stage.resume("client")
    assert.equal((await again.take("pubrel")).id, id)
    await again.quiet()
    await again.lost()
    const third = await stage.resume("client")
    assert.equal((await third.take("pubrel")).id, id)
    third.pubcomp(id)
    await third.quiet()
    await third.lost()
    const last = await stage.resume("client")
    await last.quiet()
  })

  rule("MQTT-4.3.3-7", "what was sent once is finished, though it has expired", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    await publisher.published(topic, "x", { qos: 2, properties: { messageExpiryInterval: 1 } })
    const { id } = await client.take("publish")
    await client.lost()
    await stage.pass(2000)
    const again = await stage.resume("client")
    const repeated = await again.delivered()
    assert.deepEqual([repeated.id, repeated.text], [id, "x"])
    await again.quiet()
  })
})

export const qos2Receiving = chapter("4.3.3 QoS 2, received by the server", 5, (rule) => {
  rule("MQTT-4.3.3-8", "PUBREC repeats the identifier", async (stage) => {
    const { publisher, topic } = await pair(stage)
    publisher.publish({ topic, qos: 2, id: 65_535 })
    const { code, id } = await publisher.take("pubrec")
    assert.deepEqual([id, code], [65_535, 0])
  })

  rule("MQTT-4.3.3-9", "after an error in PUBREC the identifier is free for a fresh message", async (stage) => {
    const fields = { makeUp: "guarded", username: "alice", password: "correct horse" } as const
    const watcher = await stage.join("watcher", fields)
    await watcher.subscribed(stage.topic("a"), { qos: 2 })
    const client = await stage.join("client", fields)
    client.publish({ topic: stage.topic("forbidden"), qos: 2, id: 5 })
    assert.ok((await client.take("pubrec")).code >= 0x80)
    assert.equal(await client.published(stage.topic("a"), "fresh", { qos: 2, id: 5 }), 0)
    assert.deepEqual(await watcher.texts(1), ["fresh"])
  })

  rule("MQTT-4.3.3-10", "a message repeated before PUBREL is delivered once", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    for (const dup of [false, true, true]) {
      publisher.publish({ topic, payload: "once", qos: 2, id: 5, dup })
      assert.equal((await publisher.take("pubrec")).id, 5)
    }
    publisher.pubrel(5)
    await publisher.take("pubcomp")
    assert.deepEqual(await client.texts(1), ["once"])
    await client.quiet()
  })

  rule("MQTT-4.3.3-10", "also across a reconnect of its sender", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    publisher.publish({ topic, payload: "once", qos: 2, id: 5 })
    await publisher.take("pubrec")
    await publisher.lost()
    const again = await stage.resume("publisher")
    again.publish({ topic, payload: "once", qos: 2, id: 5, dup: true })
    await again.take("pubrec")
    again.pubrel(5)
    assert.equal((await again.take("pubcomp")).code, 0)
    assert.deepEqual(await client.texts(1), ["once"])
    await client.quiet()
  })

  rule("MQTT-4.3.3-11", "PUBREL is answered by PUBCOMP, also when repeated", async (stage) => {
    const { publisher, topic } = await pair(stage)
    publisher.publish({ topic, qos: 2, id: 5 })
    await publisher.take("pubrec")
    for (const code of [0x00, 0x92]) {
      publisher.pubrel(5)
      const pubcomp = await publisher.take("pubcomp")
      assert.equal(pubcomp.id, 5)
      if (stage.features.tellsWhy) assert.equal(pubcomp.code, code)
    }
  })

  rule("MQTT-4.3.3-12", "after PUBCOMP the identifier names another message", async (stage) => {
    const { client, publisher, topic } = await pair(stage)
    for (const payload of ["one", "two"]) {
      publisher.publish({ topic, payload, qos: 2, id: 5 })
      await publisher.take("pubrec")
      publisher.pubrel(5)
      await publisher.take("pubcomp")
    }
    assert.deepEqual(await client.texts(2), ["one", "two"])
  })

  rule("MQTT-4.3.3-13", "an exchange is finished though its message has expired meanwhile", async (stage) => {
    const { publisher, topic } = await pair(stage)
    publisher.publish({ topic, qos: 2, id: 5, properties: { messageExpiryInterval: 1 } })
    await publisher.take("pubrec")
    await stage.pass(2000)
    publisher.pubrel(5)
    const { code, id } = await publisher.take("pubcomp")
    assert.deepEqual([id, code], [5, 0])
  })
})
