/**
 * Chapters 4.8, 6 and 7 of 3.1.1: errors, WebSocket, transports.
 */
import assert from "node:assert/strict"
import { field } from "../support/properties.ts"
import type { WebSocketWire } from "../support/websocket-wire.ts"
import { connectBytes, frame, hex, pingreqBytes, publishBytes } from "../support/write.ts"
import { closes, section } from "./section.ts"

export const errors = section("4.8 Handling errors", (rule) => {
  rule("MQTT-4.8.0-1", "a protocol violation ends its connection and nobody else's", async (stage) => {
    const bystander = await stage.join("bystander")
    await bystander.subscribed(stage.topic("a"), { qos: 1 })
    const fromServers = ["20 02 00 00", "90 03 00 01 00", "B0 02 00 01", "D0 00"]
    const unknown = ["00 00", "F0 00", "F0 01 00"]
    const lengths = ["C0 80 80 80 80 01", "30 FF FF FF FF 7F", "C0 01 00", "E0 01 00", "40 01 00", "40 03 00 01 00"]
    for (const bytes of [...fromServers, ...unknown, ...lengths]) await closes(stage, hex(bytes))
    await closes(stage, frame(0x32, field("t")))
    await closes(stage, frame(0x82, hex("00 01"), field("t")))
    await bystander.published(stage.topic("a"), "still here", { qos: 1 })
    assert.deepEqual(await bystander.texts(1), ["still here"])
  })

  rule("MQTT-4.8.0-1", "what came before the violation has taken effect, what came after has not", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("a"))
    const publish = (payload: string) => publishBytes(4, { topic: stage.topic("a"), payload })
    await closes(stage, Buffer.concat([publish("before"), hex("00 00"), publish("after")]))
    assert.deepEqual(await watcher.texts(1), ["before"])
    await watcher.quiet()
  })
})

export const webSocket = section("6 WebSocket", (rule) => {
  rule("MQTT-6.0.0-1", "a text frame ends the connection, the server's frames are binary", async (stage) => {
    const client = await stage.join("client", { makeUp: "websocket" })
    await client.quiet()
    const wire = client.wire as WebSocketWire
    assert.deepEqual(wire.textFrames, [])
    wire.socket.send("text")
    await client.ended()
  })

  rule("MQTT-6.0.0-2", "packets and frames have nothing to do with each other", async (stage) => {
    const client = await stage.dial("websocket")
    const bytes = connectBytes(4, { clientId: stage.id("client") })
    for (let at = 0; at < bytes.length; at += 3) client.raw(bytes.subarray(at, at + 3))
    assert.equal((await client.take("connack")).code, 0)
    client.raw(pingreqBytes, pingreqBytes, pingreqBytes.subarray(0, 1))
    client.raw(pingreqBytes.subarray(1), publishBytes(4, { topic: stage.topic("a"), qos: 1, id: 1 }))
    for (const _ of [1, 2, 3]) await client.take("pingresp")
    await client.take("puback")
  })

  rule("MQTT-6.0.0-4", "the server agrees to the subprotocol mqtt", async (stage) => {
    const client = await stage.join("client", { makeUp: "websocket" })
    assert.equal((client.wire as WebSocketWire).socket.protocol, "mqtt")
  })
})

export const transports = section("7.1 Conformance", (rule) => {
  rule("MQTT-7.1.1-1", "MQTT is spoken over plain TCP", async (stage) => {
    const client = await stage.join("client", { makeUp: "plain" })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    await client.published(stage.topic("a"), "x", { qos: 2 })
    assert.deepEqual(await client.texts(1), ["x"])
    await client.left()
  })

  rule("MQTT-7.1.1-1", "clients of different transports hear each other", async (stage) => {
    const client = await stage.join("client", { makeUp: "websocket" })
    const other = await stage.join("other")
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await other.published(stage.topic("a"), "x", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["x"])
  })
})
