/**
 * Chapters 3.14 and 4.13: DISCONNECT, and how errors end a connection.
 */
import assert from "node:assert/strict"
import { property, rawSection, section } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { malformed, notUtf8 } from "../support/samples.ts"
import {
  acknowledgementBytes,
  connectBytes,
  disconnectBytes,
  frame,
  hex,
  pingreqBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes
} from "../support/write.ts"

export const disconnect = chapter("3.14 DISCONNECT", 5, (rule) => {
  rule("MQTT-3.14.0-1", "before CONNACK a server never sends DISCONNECT", async (stage) => {
    const attempts: ReadonlyArray<Buffer> = [
      connectBytes(5, { clientId: notUtf8 }),
      connectBytes(5, { clientId: stage.id("x"), flags: 0x1a }),
      frame(0x11, connectBytes(5, { clientId: stage.id("x") }).subarray(2)),
      pingreqBytes,
      publishBytes(5, { topic: "t", qos: 2, id: 0 }),
      hex("00 00"),
      disconnectBytes(5, 0x04)
    ]
    for (const bytes of attempts) {
      const peer = await stage.dial()
      peer.raw(bytes)
      await peer.rejected([0x81, 0x82], { mayBeSilent: true, tolerated: [0x85] })
    }
  })

  rule("MQTT-3.14.1-1", "DISCONNECT with flags is refused, and the will published", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("will"))
    const client = await stage.join("client", { will: { topic: stage.topic("will"), payload: "gone" } })
    client.raw(hex("E1 00"))
    await client.refused(0x81)
    assert.deepEqual(await watcher.texts(1), ["gone"])
  })

  rule("MQTT-3.14.2-1", "a code that clients must not send is refused", async (stage) => {
    for (const code of [0x01, 0x8b, 0x8d, 0x8e, 0x9d]) await stage.refuses(disconnectBytes(5, code), 0x82)
  })

  rule("MQTT-3.14.2-1", "a code that clients may send ends the connection without an answer", async (stage) => {
    for (const code of [0x00, 0x04, 0x80, 0x81, 0x93, 0x97]) {
      const client = await stage.join("client")
      await client.left(code)
    }
  })

  rule("MQTT-3.14.2-2", "the server's DISCONNECT holds no Session Expiry Interval", async (stage) => {
    const first = await stage.join("client", { expiry: 60 })
    await stage.join("client", { expiry: 120 })
    await first.refused(0x8e)
    for (const { properties } of first.history.slice(1)) assert.equal(properties.sessionExpiryInterval, undefined)
  })

  rule(["MQTT-3.14.2-3", "MQTT-3.14.2-4"], "DISCONNECT is not larger than the client takes", async (stage) => {
    const client = await stage.join("client", { properties: { maximumPacketSize: 20 } })
    client.raw(malformed)
    await client.refused(0x81)
    for (const { bytes } of client.history) assert.ok(bytes.length <= 20)
    if (!stage.features.givesReasons) return
    const told = await stage.join("told")
    told.raw(malformed)
    await told.refused(0x81)
    assert.ok(told.history.at(-1)?.properties.reasonString !== undefined, "with room there are words")
  })

  rule("MQTT-3.14.4-1", "after its DISCONNECT the server writes nothing", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"))
    const topic = stage.topic("a")
    client.raw(
      malformed,
      pingreqBytes,
      publishBytes(5, { topic, qos: 1, id: 1 }),
      subscribeBytes(5, 2, [{ filter: topic }])
    )
    await client.refused(0x81)
  })

  rule("MQTT-3.14.4-1", "what a client sends behind its DISCONNECT is not read", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("a"))
    const client = await stage.join("client")
    client.raw(disconnectBytes(5), publishBytes(5, { topic: stage.topic("a"), payload: "too late", qos: 1, id: 1 }))
    await client.ended()
    await watcher.quiet()
  })

  rule("MQTT-3.14.4-2", "the server closes by itself, after its DISCONNECT and after the client's", async (stage) => {
    const refused = await stage.join("refused")
    refused.raw(malformed)
    await refused.refused(0x81)
    const leaving = await stage.join("leaving")
    leaving.disconnect()
    await leaving.ended()
  })
})

export const errors = chapter("4.13 Handling errors", 5, (rule) => {
  rule("MQTT-4.13.1-1", "malformed packets of every type end their connection, and nobody else's", async (stage) => {
    const neighbour = await stage.join("neighbour")
    const twice = rawSection(property("reasonString", "a"), property("reasonString", "b"))
    const wrong: ReadonlyArray<readonly [Buffer, number]> = [
      [malformed, 0x81],
      [hex("00 00"), 0x81],
      [publishBytes(5, { topic: "t" }).subarray(0, 3), 0x81],
      [frame(0x32, hex("00 01 74")), 0x81],
      [frame(0x40, hex("01")), 0x81],
      [frame(0x40, hex("00 01 00"), twice), 0x82],
      [frame(0x62, hex("00 01 00 05")), 0x81],
      [frame(0x82, hex("00 01 00 00 01 74")), 0x81],
      [frame(0xa2, hex("00 01 00 00 05 74")), 0x81],
      [hex("C0 01 00"), 0x81],
      [frame(0xe0, hex("00"), section({ topicAlias: 1 })), 0x81],
      [acknowledgementBytes(5, "puback", 0), 0x82],
      [unsubscribeBytes(5, 1, [""]), 0x82],
      [hex("20 03 00 00 00"), 0x82],
      [hex("D0 00"), 0x82]
    ]
    for (const [bytes, code] of wrong) {
      const whole = bytes[1] === bytes.length - 2 ? bytes : frame(bytes[0] as number, bytes.subarray(2))
      await stage.refuses(whole, code, { tolerated: [0x8f, 0x90] })
    }
    await neighbour.quiet()
  })

  rule("MQTT-4.13.1-1", "a property out of place, twice or out of range is refused", async (stage) => {
    const topic = stage.topic("a")
    const publishWith = (...parts: ReadonlyArray<Buffer>) => frame(0x30, hex("00 01 74"), rawSection(...parts))
    await stage.refuses(publishWith(property("reasonString", "no")), 0x81)
    await stage.refuses(publishWith(property("contentType", "a"), property("contentType", "b")), 0x82)
    await stage.refuses(publishWith(property("payloadFormatIndicator", 2)), 0x82)
    await stage.refuses(publishWith(hex("7F 00")), 0x81)
    await stage.refuses(publishWith(property("contentType", "cut").subarray(0, 4)), 0x81)
    await stage.refuses(subscribeBytes(5, 1, [{ filter: topic }], { subscriptionIdentifier: [0] }), 0x82)
    await stage.refuses(subscribeBytes(5, 1, [{ filter: topic }], { subscriptionIdentifier: [1, 2] }), 0x82)
    await stage.refuses(disconnectBytes(5, 0, { sessionExpiryInterval: 5 }), 0x82)
    for (const properties of [{ receiveMaximum: 0 }, { maximumPacketSize: 0 }, { requestProblemInformation: 2 }]) {
      await stage.rejects(connectBytes(5, { clientId: stage.id("x"), properties }), 0x82)
    }
  })

  rule("MQTT-4.13.2-1", "an error code in either direction ends the connection", async (stage) => {
    const sender = await stage.join("sender")
    await sender.left(0x80)
    await stage.refuses(malformed, 0x81)
    await stage.rejects(connectBytes(5, { clientId: stage.id("x"), flags: 0x03 }), 0x81)
  })
})
