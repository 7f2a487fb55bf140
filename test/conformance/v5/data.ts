/**
 * Chapters 1.5 and 2: data types, fixed header, packet identifiers, property length.
 */
import assert from "node:assert/strict"
import { field, rawSection, section, twoBytes } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { holdsNull, illFormed, notUtf8, widelyUtf8 } from "../support/samples.ts"
import {
  connectBytes,
  disconnectBytes,
  frame,
  hex,
  pingreqBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes
} from "../support/write.ts"

export const dataTypes = chapter("1.5 Data representation", 5, (rule) => {
  rule("MQTT-1.5.4-1", "an ill-formed string is refused wherever it stands", async (stage) => {
    for (const text of illFormed) {
      await stage.refuses(publishBytes(5, { topic: text }), 0x81)
      await stage.refuses(subscribeBytes(5, 1, [{ filter: text }]), 0x81)
      await stage.refuses(unsubscribeBytes(5, 1, [text]), 0x81)
      await stage.refuses(publishBytes(5, { topic: "t", properties: { responseTopic: text } }), 0x81)
      await stage.rejects(connectBytes(5, { clientId: text }), 0x81, { tolerated: [0x85] })
    }
  })

  rule("MQTT-1.5.4-1", "what the server sends is well-formed, and the same characters", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic(widelyUtf8)
    await client.subscribed(topic)
    await client.published(topic, "x", { properties: { contentType: widelyUtf8 } })
    const message = await client.delivered()
    assert.deepEqual([message.topic, message.properties.contentType], [topic, widelyUtf8])
  })

  rule("MQTT-1.5.4-2", "U+0000 is refused wherever it stands", async (stage) => {
    await stage.refuses(publishBytes(5, { topic: holdsNull }), 0x81, { tolerated: [0x90] })
    await stage.refuses(publishBytes(5, { topic: "t", properties: { contentType: holdsNull } }), 0x81)
    await stage.refuses(subscribeBytes(5, 1, [{ filter: holdsNull }]), 0x81, { tolerated: [0x8f] })
    await stage.rejects(connectBytes(5, { clientId: holdsNull }), 0x81, { tolerated: [0x85] })
  })

  rule("MQTT-1.5.4-3", "EF BB BF is a character like any other", async (stage) => {
    const plain = stage.topic("a")
    const marked = `\ufeff${plain}`
    const publisher = await stage.join("publisher")
    const exact = await stage.join("exact")
    const without = await stage.join("without")
    await exact.subscribed(marked)
    await without.subscribed(plain)
    await publisher.published(marked, "x", { qos: 1 })
    const message = await exact.delivered()
    assert.equal(message.bytes.indexOf(field(marked)), 2)
    await without.quiet()
  })

  rule("MQTT-1.5.5-1", "a fifth length byte is refused", async (stage) => {
    await stage.refuses(hex("C0 80 80 80 80 00"), 0x81)
    await stage.refuses(hex("30 FF FF FF FF 7F"), 0x81)
    const head = Buffer.concat([field("t"), hex("80 80 80 80 00")])
    await stage.refuses(frame(0x30, head), 0x81)
  })

  rule("MQTT-1.5.5-1", "a length in more bytes than it needs is refused", async (stage) => {
    await stage.refuses(hex("C0 80 00"), 0x81)
    await stage.refuses(frame(0x30, field("t"), hex("80 00"), Buffer.from("x")), 0x81)
  })

  rule("MQTT-1.5.5-1", "the server's lengths are in their shortest form", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic)
    // Remaining Length = topic and its length, Property Length, payload; the reader checks the form of each.
    const overhead = Buffer.byteLength(topic) + 3
    for (const length of [127, 128, 16_383, 16_384]) {
      await client.published(topic, "x".repeat(length - overhead))
      const { bytes } = await client.delivered()
      assert.equal(bytes.length, length + 1 + (length < 128 ? 1 : length < 16_384 ? 2 : 3))
    }
  })

  rule("MQTT-1.5.7-1", "an ill-formed User Property is refused, name or value", async (stage) => {
    const pairs = [
      [notUtf8, "value"],
      ["name", notUtf8],
      [holdsNull, "value"],
      ["name", holdsNull]
    ] as const
    for (const pair of pairs) {
      const properties = { userProperty: [pair] }
      await stage.refuses(publishBytes(5, { topic: "t", properties }), 0x81)
      await stage.refuses(subscribeBytes(5, 1, [{ filter: "t" }], properties), 0x81)
      await stage.rejects(connectBytes(5, { clientId: stage.id("x"), properties }), 0x81)
    }
  })
})

export const controlPackets = chapter("2 Control packet format", 5, (rule) => {
  rule("MQTT-2.1.3-1", "wrong flags are refused on every packet", async (stage) => {
    await stage.rejects(withFirst(connectBytes(5, { clientId: stage.id("x") }), 0x11), 0x81)
    const wrong: ReadonlyArray<Buffer> = [
      withFirst(pingreqBytes, 0xc1),
      withFirst(subscribeBytes(5, 1, [{ filter: "t" }]), 0x80),
      withFirst(unsubscribeBytes(5, 1, ["t"]), 0xa0),
      withFirst(disconnectBytes(5), 0xe1),
      hex("41 02 00 01"),
      hex("51 02 00 01"),
      hex("60 02 00 01"),
      hex("71 02 00 01")
    ]
    for (const bytes of wrong) await stage.refuses(bytes, 0x81)
  })

  rule("MQTT-2.1.3-1", "the server's own flags are those of the table", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    await client.published(topic, "1", { qos: 1 })
    await client.delivered()
    await client.published(topic, "2", { qos: 2 })
    await client.acknowledged(await client.find("publish"))
    await client.unsubscribed(topic)
    await client.quiet()
    const firsts = new Map(client.history.map(({ kind, first }) => [kind, first]))
    firsts.delete("publish")
    const expected = { connack: 0x20, suback: 0x90, puback: 0x40, pubrec: 0x50, pubcomp: 0x70, pubrel: 0x62 }
    assert.deepEqual(Object.fromEntries(firsts), { ...expected, unsuback: 0xb0, pingresp: 0xd0 })
  })

  rule("MQTT-2.2.1-2", "QoS 0 has no Packet Identifier, in either direction", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    const bytes = frame(0x30, field(topic), rawSection(), Buffer.from("payload"))
    client.raw(bytes)
    assert.deepEqual((await client.delivered()).bytes, bytes)
  })

  rule("MQTT-2.2.1-3", "Packet Identifier 0 is refused", async (stage) => {
    await stage.refuses(subscribeBytes(5, 0, [{ filter: "t" }]), 0x82)
    await stage.refuses(unsubscribeBytes(5, 0, ["t"]), 0x82)
    await stage.refuses(publishBytes(5, { topic: "t", qos: 1, id: 0 }), 0x82)
    await stage.refuses(publishBytes(5, { topic: "t", qos: 2, id: 0 }), 0x82)
  })

  rule(
    ["MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.3-1"],
    "open identifiers of the server never repeat",
    async (stage) => {
      const subscriber = await stage.join("subscriber")
      const publisher = await stage.join("publisher")
      const topic = stage.topic("a")
      await subscriber.subscribed(topic, { qos: 2 })
      const open = new Set<number>()
      const receive = async (count: number) => {
        for (let i = 0; i < count; i++) {
          const { id } = await subscriber.take("publish")
          assert.ok(id > 0 && !open.has(id), `identifier ${id} is open already`)
          open.add(id)
        }
      }
      const send = async (count: number) => {
        for (let i = 0; i < count; i++) await publisher.published(topic, "x", { qos: 1 + (i % 2) })
      }
      await send(10)
      await receive(10)
      const acknowledged = subscriber.history
        .flatMap((packet) => (packet.kind === "publish" ? [packet] : []))
        .slice(2, 6)
      for (const message of acknowledged) {
        await subscriber.acknowledged(message)
        open.delete(message.id)
      }
      await send(8)
      await receive(8)
      await subscriber.quiet()
    }
  )

  rule("MQTT-2.2.1-5", "acknowledgements echo the identifier of their own PUBLISH", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    client.publish({ topic, qos: 2, id: 700 })
    client.publish({ topic, qos: 1, id: 65_535 })
    client.publish({ topic, qos: 2, id: 9 })
    assert.equal((await client.take("pubrec")).id, 700)
    assert.equal((await client.take("puback")).id, 65_535)
    assert.equal((await client.take("pubrec")).id, 9)
    client.pubrel(9)
    client.pubrel(700)
    assert.equal((await client.take("pubcomp")).id, 9)
    assert.equal((await client.take("pubcomp")).id, 700)
  })

  rule("MQTT-2.2.1-5", "PUBREL echoes the identifier of its PUBLISH", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2 })
    const publisher = await stage.join("publisher")
    for (const payload of ["1", "2", "3"]) await publisher.published(topic, payload, { qos: 2 })
    const ids = [await client.take("publish"), await client.take("publish"), await client.take("publish")].map(
      (p) => p.id
    )
    for (const id of [...ids].reverse()) client.pubrec(id)
    for (const id of [...ids].reverse()) assert.equal((await client.take("pubrel")).id, id)
  })

  rule(
    ["MQTT-2.2.1-6", "MQTT-3.8.4-2"],
    "SUBACK and UNSUBACK repeat the identifier of their request",
    async (stage) => {
      const client = await stage.join("client")
      const filter = stage.topic("a")
      client.raw(
        subscribeBytes(5, 300, [{ filter }]),
        subscribeBytes(5, 2, [{ filter }]),
        unsubscribeBytes(5, 65_535, [filter]),
        unsubscribeBytes(5, 1, [filter])
      )
      assert.equal((await client.take("suback")).id, 300)
      assert.equal((await client.take("suback")).id, 2)
      assert.equal((await client.take("unsuback")).id, 65_535)
      assert.equal((await client.take("unsuback")).id, 1)
    }
  )

  rule("MQTT-2.2.2-1", "CONNECT without Property Length is refused", async (stage) => {
    const head = Buffer.concat([field("MQTT"), hex("05 02 00 00")])
    await stage.rejects(frame(0x10, head, field(stage.id("x"))), 0x81)
  })

  rule("MQTT-2.2.2-1", "without properties the server writes Property Length 00", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    client.raw(frame(0x82, twoBytes(5), section({}), field(topic), hex("01")))
    const suback = await client.take("suback")
    if (Object.keys(suback.properties).length === 0) assert.deepEqual(suback.bytes, hex("90 04 00 05 00 01"))
    await client.published(topic, "x", { qos: 1 })
    const { bytes, id } = await client.delivered()
    assert.deepEqual(bytes, frame(0x32, field(topic), twoBytes(id), hex("00"), Buffer.from("x")))
  })
})

/** The same packet with another first byte. */
function withFirst(bytes: Buffer, first: number): Buffer {
  return Buffer.concat([Buffer.from([first]), bytes.subarray(1)])
}
