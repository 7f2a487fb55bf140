/**
 * Chapters 1.5 and 2 of 3.1.1: strings, fixed header, packet identifiers.
 */
import assert from "node:assert/strict"
import type { Publish } from "../support/packets.ts"
import { field } from "../support/properties.ts"
import { holdsNull, illFormed, widelyUtf8 } from "../support/samples.ts"
import {
  acknowledgementBytes,
  connectBytes,
  frame,
  hex,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes
} from "../support/write.ts"
import { closes, closesUnanswered, section } from "./section.ts"

export const strings = section("1.5.3 UTF-8 encoded strings", (rule) => {
  rule("MQTT-1.5.3-1", "an ill-formed string closes the connection wherever it stands", async (stage) => {
    for (const text of illFormed) {
      await closes(stage, publishBytes(4, { topic: text }))
      await closes(stage, subscribeBytes(4, 1, [{ filter: text }]))
      await closes(stage, unsubscribeBytes(4, 1, [text]))
      await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), will: { topic: text } }))
    }
  })

  rule("MQTT-1.5.3-1", "a well-formed string comes out as it went in", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic(widelyUtf8)
    await client.subscribed(topic)
    await client.published(topic)
    assert.ok((await client.delivered()).bytes.includes(field(topic)))
  })

  rule("MQTT-1.5.3-2", "U+0000 closes the connection wherever it stands", async (stage) => {
    await closes(stage, publishBytes(4, { topic: holdsNull }))
    await closes(stage, subscribeBytes(4, 1, [{ filter: holdsNull }]))
    await closes(stage, unsubscribeBytes(4, 1, [holdsNull]))
    await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), will: { topic: holdsNull } }))
    await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), username: holdsNull }))
  })

  rule("MQTT-1.5.3-3", "EF BB BF is a character like any other", async (stage) => {
    const plain = stage.topic("a")
    const marked = `\ufeff${plain}`
    const publisher = await stage.join("publisher")
    const exact = await stage.join("exact")
    const without = await stage.join("without")
    await exact.subscribed(marked)
    await without.subscribed(plain)
    await publisher.published(marked, "x", { qos: 1 })
    assert.equal((await exact.delivered()).bytes.indexOf(field(marked)), 2)
    await without.quiet()
  })
})

const withFirst = (bytes: Buffer, first: number): Buffer => Buffer.concat([Buffer.from([first]), bytes.subarray(1)])

export const fixedHeader = section("2.2.2 Flags", (rule) => {
  rule("MQTT-2.2.2-1", "the server's own flags are those of the table", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    await client.published(topic, "1", { qos: 2 })
    await client.delivered()
    await client.published(topic, "2", { qos: 1 })
    await client.delivered()
    await client.unsubscribed(topic)
    await client.quiet()
    const firsts = Object.fromEntries(client.history.map(({ kind, first }) => [kind, first]))
    assert.deepEqual(firsts, {
      connack: 0x20,
      publish: 0x32,
      puback: 0x40,
      pubrec: 0x50,
      pubrel: 0x62,
      pubcomp: 0x70,
      suback: 0x90,
      unsuback: 0xb0,
      pingresp: 0xd0
    })
  })

  rule("MQTT-2.2.2-2", "wrong flags close the connection, whatever the packet", async (stage) => {
    await closesUnanswered(stage, withFirst(connectBytes(4, { clientId: stage.id("x") }), 0x11))
    const wrong: ReadonlyArray<Buffer> = [
      ...["41 02 00 01", "51 02 00 01", "60 02 00 01", "71 02 00 01", "C1 00", "E1 00"].map(hex),
      withFirst(subscribeBytes(4, 1, [{ filter: "t" }]), 0x80),
      withFirst(subscribeBytes(4, 1, [{ filter: "t" }]), 0x8a),
      withFirst(unsubscribeBytes(4, 1, ["t"]), 0xa0)
    ]
    for (const bytes of wrong) await closes(stage, bytes)
  })
})

export const packetIdentifiers = section("2.3.1 Packet Identifier", (rule) => {
  rule("MQTT-2.3.1-1", "the identifier 0 closes the connection", async (stage) => {
    await closes(stage, publishBytes(4, { topic: "t", qos: 1, id: 0 }))
    await closes(stage, publishBytes(4, { topic: "t", qos: 2, id: 0 }))
    await closes(stage, subscribeBytes(4, 0, [{ filter: "t" }]))
    await closes(stage, unsubscribeBytes(4, 0, ["t"]))
  })

  rule("MQTT-2.3.1-1", "1 and 65,535 are identifiers like any other", async (stage) => {
    const client = await stage.join("client")
    for (const id of [1, 0xffff]) {
      client.publish({ topic: stage.topic("a"), qos: 1, id })
      assert.equal((await client.take("puback")).id, id)
    }
  })

  rule("MQTT-2.3.1-4", "the server's identifiers differ while open, and stay the same when repeated", async (stage) => {
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { clean: false })
    await client.subscribed(stage.topic("#"), { qos: 2 })
    for (const qos of [1, 2, 1, 2]) await publisher.published(stage.topic("a"), "x", { qos })
    const open: Array<Publish> = []
    while (open.length < 4) open.push(await client.take("publish"))
    assert.equal(new Set(open.map(({ id }) => id)).size, 4)
    await client.lost()
    const again = await stage.resume("client")
    for (const { id, qos } of open) {
      const message = await again.take("publish")
      assert.deepEqual([message.id, message.qos], [id, qos])
    }
  })

  rule("MQTT-2.3.1-5", "at QoS 0 the payload stands right behind the topic", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    const sent = frame(0x30, field(topic), Buffer.from([0, 1, 2]))
    client.raw(sent)
    assert.deepEqual((await client.take("publish")).bytes, sent)
  })

  rule("MQTT-2.3.1-6", "each acknowledgement names its message, with flows interleaved", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    for (const [id, qos] of [
      [7, 1],
      [9, 2],
      [8, 1],
      [0x1234, 2]
    ] as const) {
      client.publish({ topic, qos, id })
    }
    assert.equal((await client.take("puback")).id, 7)
    assert.equal((await client.take("pubrec")).id, 9)
    assert.equal((await client.take("puback")).id, 8)
    assert.equal((await client.take("pubrec")).id, 0x1234)
    client.pubrel(9)
    client.pubrel(0x1234)
    assert.equal((await client.take("pubcomp")).id, 9)
    assert.equal((await client.take("pubcomp")).id, 0x1234)
  })

  rule("MQTT-2.3.1-6", "each PUBREL of the server names its message", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    const publisher = await stage.join("publisher")
    for (const text of ["1", "2"]) await publisher.published(topic, text, { qos: 2 })
    const ids = [(await client.take("publish")).id, (await client.take("publish")).id]
    for (const id of ids) client.pubrec(id)
    for (const id of ids) assert.equal((await client.take("pubrel")).id, id)
    for (const id of ids) client.raw(acknowledgementBytes(4, "pubcomp", id))
    await client.quiet()
  })

  rule("MQTT-2.3.1-7", "SUBACK and UNSUBACK name their request", async (stage) => {
    const client = await stage.join("client")
    client.raw(
      subscribeBytes(4, 0xabcd, [{ filter: stage.topic("a") }]),
      unsubscribeBytes(4, 0x0102, [stage.topic("a")])
    )
    assert.equal((await client.take("suback")).id, 0xabcd)
    assert.equal((await client.take("unsuback")).id, 0x0102)
  })
})
