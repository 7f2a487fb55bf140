/**
 * Chapter 6: MQTT over WebSocket.
 */
import assert from "node:assert/strict"
import type { Peer } from "../support/peer.ts"
import { chapter } from "../support/rules.ts"
import type { WebSocketWire } from "../support/websocket-wire.ts"
import { connectBytes, pingreqBytes, publishBytes } from "../support/write.ts"

const wireOf = (peer: Peer): WebSocketWire => peer.wire as WebSocketWire

export const webSocket = chapter("6 WebSocket", 5, (rule) => {
  rule("MQTT-6.0.0-1", "a text frame ends the connection", async (stage) => {
    const first = await stage.dial("websocket")
    wireOf(first).socket.send("CONNECT")
    await first.ended()
    const connected = await stage.join("client", { makeUp: "websocket" })
    wireOf(connected).socket.send(pingreqBytes.toString("latin1"))
    await connected.refused([0x81, 0x82], { mayBeSilent: true })
  })

  rule("MQTT-6.0.0-1", "the server sends binary frames only", async (stage) => {
    const client = await stage.join("client", { makeUp: "websocket" })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.published(stage.topic("a"), "x", { qos: 1 })
    await client.delivered()
    await client.quiet()
    assert.deepEqual(wireOf(client).textFrames, [])
  })

  rule("MQTT-6.0.0-2", "packets need not be frames", async (stage) => {
    const client = await stage.dial("websocket")
    for (const byte of connectBytes(5, { clientId: stage.id("client") })) client.raw(Buffer.from([byte]))
    assert.equal((await client.take("connack")).code, 0)
    client.raw(pingreqBytes, publishBytes(5, { topic: stage.topic("a"), qos: 1, id: 1 }), pingreqBytes)
    await client.take("pingresp")
    await client.take("puback")
    await client.take("pingresp")
    const publish = publishBytes(5, { topic: stage.topic("a"), qos: 1, id: 2 })
    client.raw(pingreqBytes, publish.subarray(0, 5))
    await client.take("pingresp")
    client.raw(publish.subarray(5), pingreqBytes.subarray(0, 1))
    await client.take("puback")
    client.raw(pingreqBytes.subarray(1))
    await client.take("pingresp")
  })

  rule("MQTT-6.0.0-4", "the handshake answers with the subprotocol mqtt", async (stage) => {
    const client = await stage.dial("websocket")
    assert.equal(wireOf(client).socket.protocol, "mqtt")
  })
})
