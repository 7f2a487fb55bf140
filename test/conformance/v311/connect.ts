/**
 * Chapters 3.1.0 to 3.1.2 of 3.1.1: CONNECT as the first packet, its version, its flags and its fields.
 */
import assert from "node:assert/strict"
import { field, twoBytes } from "../support/properties.ts"
import {
  connectBytes,
  disconnectBytes,
  frame,
  hex,
  pingreqBytes,
  publishBytes,
  subscribeBytes
} from "../support/write.ts"
import { closesUnanswered, connectWith, section } from "./section.ts"

export const firstPacket = section("3.1 CONNECT, first and once", (rule) => {
  rule("MQTT-3.1.0-1", "another first packet ends the connection without a word", async (stage) => {
    const topic = stage.topic("a")
    const watcher = await stage.join("watcher")
    await watcher.subscribed(topic)
    for (const bytes of [
      pingreqBytes,
      publishBytes(4, { topic }),
      publishBytes(4, { topic, qos: 1, id: 1 }),
      subscribeBytes(4, 1, [{ filter: topic }]),
      disconnectBytes(4)
    ]) {
      await closesUnanswered(stage, bytes)
    }
    await watcher.quiet()
  })

  rule("MQTT-3.1.0-2", "a second CONNECT ends the connection", async (stage) => {
    const client = await stage.join("client")
    client.connect({ clientId: stage.id("client") })
    await client.ended()
  })
})

export const version = section("3.1.2 Protocol name and level", (rule) => {
  rule("MQTT-3.1.2-1", "another protocol name is refused", async (stage) => {
    for (const protocolName of ["MQTX", "MQTTT", "mqtt", ""]) {
      const bytes = connectBytes(4, { clientId: stage.id("x"), protocolName })
      await stage.rejects(bytes, 0x01, { mayBeSilent: true })
    }
    await stage.join("x")
  })

  rule("MQTT-3.1.2-2", "a level below 3 is refused with 0x01", async (stage) => {
    for (const level of [0, 1, 2]) await stage.rejects(connectBytes(4, { clientId: stage.id("x"), level }), 0x01)
  })

  rule("MQTT-3.1.2-2", "a level that belongs to the other name is refused with 0x01", async (stage) => {
    const clientId = stage.id("x")
    await stage.rejects(connectBytes(4, { clientId, level: 3 }), 0x01)
    await stage.rejects(connectBytes(4, { clientId, level: 4, protocolName: "MQIsdp" }), 0x01)
  })

  rule("MQTT-3.1.2-2", "a level above 5 is refused, with 0x01 or in the words of 5.0", async (stage) => {
    for (const level of [6, 7]) {
      const peer = await stage.dial()
      const heard: Array<Buffer> = []
      peer.wire.onBytes = (bytes) => void heard.push(bytes)
      peer.raw(connectBytes(4, { clientId: stage.id("x"), level }))
      await peer.ended()
      const connack = Buffer.concat(heard)
      assert.equal(connack[0], 0x20)
      assert.equal(connack[1], connack.length - 2)
      assert.ok(
        connack.equals(hex("20 02 00 01")) || (connack[2] === 0 && connack[3] === 0x84),
        connack.toString("hex")
      )
    }
  })

  rule("MQTT-3.1.2-3", "bit 0 of the flags must be 0, and nothing is kept", async (stage) => {
    await closesUnanswered(stage, connectWith(0x01, field(stage.id("x"))))
    await closesUnanswered(stage, connectWith(0x03, field(stage.id("x"))))
    await stage.resume("x", false)
  })
})

export const willFlags = section("3.1.2 Will flags", (rule) => {
  rule("MQTT-3.1.2-9", "Will Flag 1 needs topic and message", async (stage) => {
    const id = field(stage.id("x"))
    await closesUnanswered(stage, connectWith(0x06, id))
    await closesUnanswered(stage, connectWith(0x06, id, field(stage.topic("will"))))
  })

  rule("MQTT-3.1.2-11", "Will Flag 0 allows no trace of a will", async (stage) => {
    const id = field(stage.id("x"))
    await closesUnanswered(stage, connectWith(0x3a, id))
    await closesUnanswered(stage, connectWith(0x02, id, field(stage.topic("will")), field("gone")))
  })

  rule("MQTT-3.1.2-13", "Will Flag 0 with a Will QoS is refused", async (stage) => {
    for (const flags of [0x0a, 0x12, 0x1a]) await closesUnanswered(stage, connectWith(flags, field(stage.id("x"))))
  })

  rule("MQTT-3.1.2-14", "Will QoS 3 is refused", async (stage) => {
    const will = [field(stage.topic("will")), field("gone")]
    await closesUnanswered(stage, connectWith(0x1e, field(stage.id("x")), ...will))
  })

  rule("MQTT-3.1.2-14", "Will QoS 0, 1 and 2 are respected", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("#"), { qos: 2 })
    for (const qos of [0, 1, 2]) {
      await stage.fuse(`client${qos}`, { topic: stage.topic(`${qos}`), qos })
      const will = await watcher.delivered()
      assert.deepEqual([will.topic, will.qos], [stage.topic(`${qos}`), qos])
    }
  })

  rule("MQTT-3.1.2-15", "Will Flag 0 with Will Retain is refused", async (stage) => {
    await closesUnanswered(stage, connectWith(0x22, field(stage.id("x"))))
  })
})

export const credentials = section("3.1.2 User name and password flags", (rule) => {
  rule("MQTT-3.1.2-18", "a user name without its flag is refused", async (stage) => {
    await closesUnanswered(stage, connectWith(0x02, field(stage.id("x")), field("alice")))
  })

  rule("MQTT-3.1.2-19", "a user name flag without user name is refused", async (stage) => {
    await closesUnanswered(stage, connectWith(0x82, field(stage.id("x"))))
    await closesUnanswered(stage, connectWith(0x82, field(stage.id("x")), hex("00 05 61")))
  })

  rule("MQTT-3.1.2-20", "a password without its flag is refused", async (stage) => {
    await closesUnanswered(stage, connectWith(0x82, field(stage.id("x")), field("alice"), field("secret")))
  })

  rule("MQTT-3.1.2-21", "a password flag without password is refused", async (stage) => {
    await closesUnanswered(stage, connectWith(0xc2, field(stage.id("x")), field("alice")))
    await closesUnanswered(stage, connectWith(0xc2, field(stage.id("x")), field("alice"), hex("00 05 61")))
  })

  rule("MQTT-3.1.2-22", "a password without a user name is refused", async (stage) => {
    await closesUnanswered(stage, connectWith(0x42, field(stage.id("x")), field("secret")))
  })

  rule(["MQTT-3.1.2-19", "MQTT-3.1.2-21"], "flags and fields that agree are accepted", async (stage) => {
    for (const fields of [{ username: "alice" }, { username: "alice", password: "secret" }, { username: "" }]) {
      const client = await stage.join("client", fields)
      await client.left()
    }
  })
})

export const malformedConnect = section("3.1.4 CONNECT that is none", (rule) => {
  rule("MQTT-3.1.4-1", "a malformed CONNECT ends the connection without CONNACK", async (stage) => {
    const whole = connectBytes(4, { clientId: stage.id("x"), will: { topic: "w", payload: "p" }, username: "alice" })
    for (let length = 2; length < whole.length - 2; length += 5) {
      await closesUnanswered(stage, frame(0x10, whole.subarray(2, 2 + length)))
    }
    await closesUnanswered(stage, frame(0x10, whole.subarray(2), hex("00")))
    await closesUnanswered(stage, frame(0x10))
    await closesUnanswered(stage, connectWith(0x03, field(stage.id("x"))))
    const client = await stage.join("x")
    await client.quiet()
  })

  rule("MQTT-3.1.3-3", "the Client Identifier cannot be left out", async (stage) => {
    await closesUnanswered(stage, connectWith(0x02))
    await closesUnanswered(stage, frame(0x10, field("MQTT"), Buffer.from([4, 2]), twoBytes(60)))
  })
})
