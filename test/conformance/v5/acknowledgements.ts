/**
 * Chapters 3.4 to 3.7: PUBACK, PUBREC, PUBREL, PUBCOMP. Their codes are judged by the reader in every test of the
 * suite; here are the occasions on which a server must choose one.
 */
import assert from "node:assert/strict"
import type { Peer } from "../support/peer.ts"
import { chapter } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"
import { guarded } from "../support/target.ts"
import { acknowledgementBytes, frame, hex } from "../support/write.ts"

const { forbidden, password, username } = guarded
/** Enough for CONNACK, not for a sentence. */
const sizeBytesMax = 40

/** Topics that a server accepts, finds nobody for, or denies. */
const occasions = async (stage: Stage, maximumPacketSize?: number) => {
  const properties = maximumPacketSize === undefined ? {} : { maximumPacketSize }
  const client = await stage.join("client", { makeUp: "guarded", username, password, properties })
  const watcher = await stage.join("watcher", { makeUp: "guarded", username, password })
  await watcher.subscribed(stage.topic("a"))
  return { client, topics: [stage.topic("a"), stage.topic("nobody"), stage.topic(forbidden)] }
}

const smallEnough = (client: Peer): void => {
  for (const { bytes, kind } of client.history) {
    assert.ok(bytes.length <= sizeBytesMax, `${kind} has ${bytes.length} bytes of at most ${sizeBytesMax}`)
  }
}

export const puback = chapter("3.4 PUBACK", 5, (rule) => {
  rule("MQTT-3.4.2-1", "PUBACK says what became of the message", async (stage) => {
    const { client, topics } = await occasions(stage)
    const codes = []
    for (const topic of topics) codes.push(await client.published(topic, "x", { qos: 1 }))
    assert.ok([0x00, 0x10].includes(codes[0] ?? -1))
    assert.ok([0x00, 0x10].includes(codes[1] ?? -1))
    assert.equal(codes[2], 0x87)
  })

  rule("MQTT-3.4.2-1", "a code that PUBACK does not know is refused", async (stage) => {
    for (const code of [0x01, 0x04, 0x81, 0x92]) {
      await stage.refuses(acknowledgementBytes(5, "puback", 1, code), 0x82)
    }
  })

  rule(["MQTT-3.4.2-2", "MQTT-3.4.2-3"], "PUBACK is not larger than the client takes", async (stage) => {
    const { client, topics } = await occasions(stage, sizeBytesMax)
    for (const topic of topics) await client.published(topic, "x", { qos: 1 })
    smallEnough(client)
  })
})

export const pubrec = chapter("3.5 PUBREC", 5, (rule) => {
  rule("MQTT-3.5.2-1", "PUBREC says what became of the message", async (stage) => {
    const { client, topics } = await occasions(stage)
    const codes = []
    for (const topic of topics) codes.push(await client.published(topic, "x", { qos: 2 }))
    assert.ok([0x00, 0x10].includes(codes[0] ?? -1))
    assert.ok([0x00, 0x10].includes(codes[1] ?? -1))
    assert.equal(codes[2], 0x87)
  })

  rule("MQTT-3.5.2-1", "a code that PUBREC does not know is refused", async (stage) => {
    for (const code of [0x01, 0x18, 0x92, 0x93]) {
      await stage.refuses(acknowledgementBytes(5, "pubrec", 1, code), 0x82)
    }
  })

  rule(["MQTT-3.5.2-2", "MQTT-3.5.2-3"], "PUBREC is not larger than the client takes", async (stage) => {
    const { client, topics } = await occasions(stage, sizeBytesMax)
    for (const topic of topics) await client.published(topic, "x", { qos: 2 })
    smallEnough(client)
  })
})

export const pubrel = chapter("3.6 PUBREL", 5, (rule) => {
  rule("MQTT-3.6.1-1", "PUBREL with other flags is refused", async (stage) => {
    for (const first of [0x60, 0x61, 0x63, 0x6a]) await stage.refuses(frame(first, hex("00 01")), 0x81)
  })

  rule(["MQTT-3.6.1-1", "MQTT-3.6.2-1"], "the server's PUBREL begins with 62 and succeeds", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "x", { qos: 2 })
    const { id } = await client.take("publish")
    client.pubrec(id)
    const { code, first } = await client.take("pubrel")
    assert.deepEqual([first, code], [0x62, 0x00])
  })

  rule("MQTT-3.6.2-1", "PUBREC for an identifier that is not open gets PUBREL 0x00 or 0x92, if any", async (stage) => {
    const client = await stage.join("client")
    client.pubrec(4711)
    client.pingreq()
    await client.find("pingresp")
    // The reader knows these two codes only; who always tells why says 0x92.
    const codes = client.history.flatMap((packet) => (packet.kind === "pubrel" ? [packet.code] : []))
    if (stage.features.tellsWhy) assert.deepEqual(codes, [0x92])
  })

  rule("MQTT-3.6.2-1", "a code that PUBREL does not know is refused", async (stage) => {
    for (const code of [0x10, 0x80, 0x97]) await stage.refuses(acknowledgementBytes(5, "pubrel", 1, code), 0x82)
  })

  rule(["MQTT-3.6.2-2", "MQTT-3.6.2-3"], "PUBREL is not larger than the client takes", async (stage) => {
    const client = await stage.join("client", { properties: { maximumPacketSize: sizeBytesMax } })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "x", { qos: 2 })
    await client.delivered()
    client.pubrec(4711)
    client.pingreq()
    await client.find("pingresp")
    smallEnough(client)
  })
})

export const pubcomp = chapter("3.7 PUBCOMP", 5, (rule) => {
  rule("MQTT-3.7.2-1", "PUBCOMP says whether the identifier was known", async (stage) => {
    const client = await stage.join("client")
    client.publish({ topic: stage.topic("a"), qos: 2, id: 7 })
    await client.take("pubrec")
    client.pubrel(7)
    assert.equal((await client.take("pubcomp")).code, 0x00)
    client.pubrel(7)
    assert.equal((await client.take("pubcomp")).code, 0x92)
  })

  rule("MQTT-3.7.2-1", "a code that PUBCOMP does not know is refused", async (stage) => {
    for (const code of [0x10, 0x80, 0x97]) await stage.refuses(acknowledgementBytes(5, "pubcomp", 1, code), 0x82)
  })

  rule(["MQTT-3.7.2-2", "MQTT-3.7.2-3"], "PUBCOMP is not larger than the client takes", async (stage) => {
    const client = await stage.join("client", { properties: { maximumPacketSize: sizeBytesMax } })
    client.pubrel(4711)
    assert.equal((await client.take("pubcomp")).id, 4711)
    smallEnough(client)
  })
})
