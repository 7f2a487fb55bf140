/**
 * Chapters 4.3, 4.4 and 4.6 of 3.1.1: QoS 0, 1 and 2, repetition, order.
 */
import assert from "node:assert/strict"
import { section } from "./section.ts"

/** Messages published at once: fewer than any server's window, of which 3.1.1 tells nothing. */
const burst = 15

export const qos0 = section("4.3.1 QoS 0", (rule) => {
  rule("MQTT-4.3.1-1", "a message at QoS 0 is sent with DUP 0, once, and not acknowledged", async (stage) => {
    const client = await stage.join("client", { clean: false })
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    await client.published(topic, "once")
    assert.equal((await client.take("publish")).first, 0x30)
    await client.lost()
    const again = await stage.resume("client")
    await again.quiet()
  })
})

export const qos1 = section("4.3.2 QoS 1", (rule) => {
  rule("MQTT-4.3.2-1", "the server repeats until PUBACK, with the same identifier", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    let client = await stage.join("client", { clean: false })
    await client.subscribed(topic, { qos: 1 })
    await publisher.published(topic, "x", { qos: 1 })
    const { id, dup } = await client.take("publish")
    assert.equal(dup, false)
    for (const _ of ["once", "again"]) {
      await client.lost()
      client = await stage.resume("client")
      const repeated = await client.take("publish")
      assert.deepEqual([repeated.id, repeated.dup, repeated.text], [id, true, "x"])
    }
    client.puback(id)
    await client.quiet()
    await client.lost()
    client = await stage.resume("client")
    await client.quiet()
  })

  rule("MQTT-4.3.2-1", "an identifier in use is not given to another message", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    await client.subscribed(topic, { qos: 1 })
    await publisher.published(topic, "held", { qos: 1 })
    const { id } = await client.take("publish")
    for (let i = 0; i < 40; i++) {
      await publisher.published(topic, "x", { qos: 1 })
      assert.notEqual((await client.delivered()).id, id)
    }
  })

  rule("MQTT-4.3.2-2", "after PUBACK the same identifier is a new message, with DUP too", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client")
    const publisher = await stage.join("publisher")
    await client.subscribed(topic, { qos: 1 })
    for (const dup of [false, false, true]) await publisher.published(topic, "x", { qos: 1, id: 9, dup })
    assert.deepEqual(await client.texts(3), ["x", "x", "x"])
  })
})

export const qos2 = section("4.3.3 QoS 2", (rule) => {
  rule("MQTT-4.3.3-1", "before PUBREC the server repeats PUBLISH, after it PUBREL", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    let client = await stage.join("client", { clean: false })
    await client.subscribed(topic, { qos: 2 })
    await publisher.published(topic, "x", { qos: 2 })
    const { id, dup } = await client.take("publish")
    assert.equal(dup, false)
    await client.lost()
    client = await stage.resume("client")
    const repeated = await client.take("publish")
    assert.deepEqual([repeated.id, repeated.dup], [id, true])
    client.pubrec(id)
    assert.equal((await client.take("pubrel")).id, id)
    for (const _ of ["once", "again"]) {
      await client.lost()
      client = await stage.resume("client")
      assert.equal((await client.take("pubrel")).id, id)
    }
    client.pubcomp(id)
    await client.quiet()
    await client.lost()
    client = await stage.resume("client")
    await client.quiet()
  })

  rule("MQTT-4.3.3-1", "a second PUBREC is answered by PUBREL, never by PUBLISH", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client")
    await client.subscribed(topic, { qos: 2 })
    await client.published(topic, "x", { qos: 2 })
    const { id } = await client.take("publish")
    for (const _ of ["first", "second"]) {
      client.pubrec(id)
      assert.equal((await client.take("pubrel")).id, id)
    }
    client.pubcomp(id)
    await client.quiet()
  })

  rule("MQTT-4.3.3-2", "until PUBREL the same identifier is the same message", async (stage) => {
    const topic = stage.topic("a")
    const watcher = await stage.join("watcher")
    const client = await stage.join("client")
    await watcher.subscribed(topic, { qos: 1 })
    for (const dup of [false, true, true]) {
      client.publish({ topic, payload: "once", qos: 2, id: 9, dup })
      assert.equal((await client.take("pubrec")).id, 9)
    }
    client.pubrel(9)
    assert.equal((await client.take("pubcomp")).id, 9)
    await client.published(topic, "fresh", { qos: 2, id: 9 })
    assert.deepEqual(await watcher.texts(2), ["once", "fresh"])
    await watcher.quiet()
  })

  rule("MQTT-4.3.3-2", "PUBREL is answered by PUBCOMP, also when it is repeated", async (stage) => {
    const client = await stage.join("client", { clean: false })
    client.publish({ topic: stage.topic("a"), qos: 2, id: 9 })
    await client.take("pubrec")
    client.pubrel(9)
    assert.equal((await client.take("pubcomp")).id, 9)
    await client.lost()
    const again = await stage.resume("client")
    again.pubrel(9)
    assert.equal((await again.take("pubcomp")).id, 9)
  })
})

export const repetition = section("4.4 Message delivery retry", (rule) => {
  rule("MQTT-4.4.0-1", "who comes back gets what is open, with the identifiers it had", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { clean: false })
    await client.subscribed(topic, { qos: 2 })
    for (const [text, qos] of [
      ["released", 2],
      ["sent", 1],
      ["sent twice", 2]
    ] as const) {
      await publisher.published(topic, text, { qos })
    }
    const [first, second, third] = [
      await client.take("publish"),
      await client.take("publish"),
      await client.take("publish")
    ]
    client.pubrec(first.id)
    await client.take("pubrel")
    await client.lost()
    const again = await stage.resume("client")
    assert.equal((await again.find("pubrel")).id, first.id)
    for (const sent of [second, third]) {
      const { id, dup, text } = await again.find("publish")
      assert.deepEqual([id, dup, text], [sent.id, true, sent.text])
    }
    await again.quiet()
  })

  rule("MQTT-4.4.0-1", "on a live connection nothing is repeated", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client")
    await client.subscribed(topic, { qos: 1 })
    await client.published(topic, "x", { qos: 1 })
    await client.take("publish")
    await stage.pass(1500)
    await client.quiet()
  })
})

export const order = section("4.6 Message ordering", (rule) => {
  rule(["MQTT-4.6.0-5", "MQTT-4.6.0-6"], "each subscriber gets each topic's messages in their order", async (stage) => {
    const numbers = Array.from({ length: 60 }, (_, index) => `${index}`)
    const topicOf = (qos: number) => stage.topic("of", `${qos}`)
    // One client per topic and granted QoS: a window that is full may cost a QoS 0 message beside it.
    const pairs = [0, 1, 2].flatMap((published) => [0, 1, 2].map((granted) => ({ published, granted })))
    const clients = await Promise.all(
      pairs.map(async ({ published, granted }) => {
        const client = await stage.join(`client${published}${granted}`)
        await client.subscribed(topicOf(published), { qos: granted })
        return client
      })
    )
    const publishing = [0, 1, 2].map(async (qos) => {
      const publisher = await stage.join(`publisher${qos}`)
      for (let at = 0; at < numbers.length; at += burst) {
        const payloads = numbers.slice(at, at + burst)
        const ids = payloads.map((payload) => publisher.publish({ topic: topicOf(qos), payload, qos }))
        if (qos === 0) continue
        for (const id of ids) {
          // The server's acknowledgements come in the order of the messages, too.
          assert.equal((await publisher.find(qos === 1 ? "puback" : "pubrec")).id, id)
          if (qos === 2) publisher.pubrel(id)
        }
        if (qos === 2) for (const id of ids) assert.equal((await publisher.take("pubcomp")).id, id)
      }
    })
    const reading = clients.map(async (client) => assert.deepEqual(await client.texts(numbers.length), numbers))
    await Promise.all([...publishing, ...reading])
  })
})
