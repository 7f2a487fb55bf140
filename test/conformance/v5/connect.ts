/**
 * Chapters 3.1.0 to 3.1.2: CONNECT as the first packet, its version and its flags.
 */
import assert from "node:assert/strict"
import { field, section } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { connectBytes, frame, hex, pingreqBytes, publishBytes, subscribeBytes } from "../support/write.ts"

/** CONNECT written field by field: flags, then whatever should stand in the payload. */
const connectWith = (flags: number, ...payload: ReadonlyArray<Buffer>): Buffer =>
  frame(0x10, field("MQTT"), Buffer.from([5, flags, 0, 0]), section({}), ...payload)

export const connect = chapter("3.1 CONNECT", 5, (rule) => {
  rule("MQTT-3.1.0-1", "another first packet ends the connection without a word", async (stage) => {
    for (const bytes of [pingreqBytes, publishBytes(5, { topic: "t" }), subscribeBytes(5, 1, [{ filter: "t" }])]) {
      const peer = await stage.dial()
      peer.raw(bytes)
      await peer.ended()
    }
  })

  rule("MQTT-3.1.0-2", "a second CONNECT ends the connection, and the will is published", async (stage) => {
    const watcher = await stage.join("watcher")
    const topic = stage.topic("will")
    await watcher.subscribed(topic)
    const client = await stage.join("client", { will: { topic, payload: "gone" } })
    client.connect({ clientId: stage.id("client") })
    await client.refused(0x82)
    assert.equal((await watcher.delivered()).text, "gone")
  })

  rule("MQTT-3.1.2-1", "another protocol name is refused", async (stage) => {
    for (const protocolName of ["MQTX", "MQTTT", "mqtt", ""]) {
      await stage.rejects(connectBytes(5, { clientId: stage.id("x"), protocolName }), 0x84, { mayBeSilent: true })
    }
  })

  rule("MQTT-3.1.2-2", "a version above 5 is refused with 0x84", async (stage) => {
    for (const level of [6, 255]) {
      await stage.rejects(connectBytes(5, { ...stage.connectFields("x", { expiry: 60 }), level }), 0x84)
    }
    await stage.resume("x", false)
  })

  rule("MQTT-3.1.2-2", "a version below 3 is refused, in the words of 3.1.1", async (stage) => {
    for (const level of [0, 2]) {
      const peer = await stage.dial("plain", 4)
      peer.raw(connectBytes(5, { clientId: stage.id("x"), level }))
      await peer.rejected(0x01)
    }
  })

  rule("MQTT-3.1.2-3", "bit 0 of the flags must be 0, and nothing is kept", async (stage) => {
    await stage.rejects(connectBytes(5, { ...stage.connectFields("x", { expiry: 60 }), flags: 0x01 }), 0x81)
    await stage.resume("x", false)
  })

  rule("MQTT-3.1.2-9", "Will Flag 1 needs properties, topic and payload", async (stage) => {
    const id = field(stage.id("x"))
    await stage.rejects(connectWith(0x06, id), 0x81)
    await stage.rejects(connectWith(0x06, id, section({})), 0x81)
    await stage.rejects(connectWith(0x06, id, section({}), field("will")), 0x81)
    // Without Will Properties the topic's length is read in their place.
    await stage.rejects(connectWith(0x06, id, field("will"), field("payload")), 0x81)
  })

  rule("MQTT-3.1.2-11", "Will Flag 0 with a Will QoS is refused", async (stage) => {
    for (const flags of [0x0a, 0x12, 0x1a]) await stage.rejects(connectWith(flags, field(stage.id("x"))), 0x81)
  })

  rule("MQTT-3.1.2-12", "Will QoS 3 is refused", async (stage) => {
    await stage.rejects(connectWith(0x1e, field(stage.id("x")), section({}), field("will"), field("")), 0x81)
  })

  rule("MQTT-3.1.2-12", "Will QoS 0, 1 and 2 are respected", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("#"), { qos: 2 })
    for (const qos of [0, 1, 2]) {
      await stage.fuse(`client${qos}`, { topic: stage.topic(`${qos}`), qos })
      const { topic, qos: delivered } = await watcher.delivered()
      assert.deepEqual([topic, delivered], [stage.topic(`${qos}`), qos])
    }
  })

  rule("MQTT-3.1.2-13", "Will Flag 0 with Will Retain is refused", async (stage) => {
    await stage.rejects(connectWith(0x22, field(stage.id("x"))), 0x81)
  })

  rule("MQTT-3.1.2-16", "a user name without its flag is refused", async (stage) => {
    await stage.rejects(connectWith(0x02, field(stage.id("x")), field("alice")), 0x81)
  })

  rule("MQTT-3.1.2-17", "a user name flag without user name is refused", async (stage) => {
    await stage.rejects(connectWith(0x82, field(stage.id("x"))), 0x81)
    await stage.rejects(connectWith(0x82, field(stage.id("x")), hex("00 05 61")), 0x81)
  })

  rule("MQTT-3.1.2-18", "a password without its flag is refused", async (stage) => {
    await stage.rejects(connectWith(0x82, field(stage.id("x")), field("alice"), field("secret")), 0x81)
  })

  rule("MQTT-3.1.2-19", "a password flag without password is refused", async (stage) => {
    await stage.rejects(connectWith(0xc2, field(stage.id("x")), field("alice")), 0x81)
    await stage.rejects(connectWith(0x42, field(stage.id("x"))), 0x81)
  })

  rule("MQTT-3.1.2-19", "a password alone is legal", async (stage) => {
    const client = await stage.join("client", { password: "secret" })
    await client.quiet()
  })
})
