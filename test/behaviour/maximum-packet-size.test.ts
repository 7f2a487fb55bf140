/**
 * Goal: packets have a largest size in both directions: the broker's is announced (2 MiB unless configured) and
 * enforced before the packet has arrived; the client's own is respected, the message skipped and booked.
 * Method: packets just at and just above the limit; a length announced and followed by silence.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("Maximum Packet Size", ({ it, start }) => {
  it("of the broker is 2 MiB and announced", async () => {
    await using broker = await start()
    const client = await broker.dial()
    assert.strictEqual((await client.connect("client")).properties?.maximumPacketSize, 2_097_152)
  })

  it("of the broker is enforced by the length alone: 0x95", async () => {
    await using broker = await start({ mqtt: { "max-packet-size": "1KiB" } })
    const client = await broker.join("client")
    await client.subscribe("t", 1)
    const overhead =
      client.bytesOf({
        cmd: "publish",
        topic: "t",
        payload: "x".repeat(900),
        qos: 1,
        messageId: 1,
        dup: false,
        retain: false
      }).length - 900
    await client.publish("t", "x".repeat(1024 - overhead), { qos: 1 })
    assert.strictEqual((await client.message()).payload.length, 1024 - overhead)
    client.sendRaw("30 fe07") // 1025 bytes in all, of which three are sent
    await client.refused(0x95)
  })

  it("of a CONNECT is smaller: nobody knows yet who it is", async () => {
    await using broker = await start({ limits: { "max-connect-packet-size": "1KiB" } })
    const client = await broker.dial()
    client.sendRaw("10 ff7f")
    await client.closed()
  })

  it("of the receiver: what is larger is skipped for it, booked, and takes no place in the window", async () => {
    await using broker = await start()
    const small = await broker.join("small", { properties: { maximumPacketSize: 100, receiveMaximum: 1 } })
    const large = await broker.join("large")
    for (const client of [small, large]) await client.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    for (const qos of [0, 1, 1] as const) await publisher.publish("t", "x".repeat(200), { qos })
    await publisher.publish("t", "fits", { qos: 1 })
    assert.deepEqual(await small.payloads(1), ["fits"])
    assert.lengthOf(await large.payloads(4), 4)
    await small.quiet()
    assert.deepEqual(broker.drops, { "packet-too-large": 3 })
  })
})
