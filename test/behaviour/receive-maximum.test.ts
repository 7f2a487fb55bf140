/**
 * Goal: no side sends more unacknowledged QoS 1 and 2 messages than the other takes: Receive Maximum.
 * Method: a subscriber with a small window that does not acknowledge; a publisher that sends one too many.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const publish = (messageId: number, qos: 1 | 2 = 2) =>
  ({ cmd: "publish", topic: "t", payload: `${messageId}`, qos, messageId, dup: false, retain: false }) as const

scenario("Receive Maximum", ({ it, start }) => {
  it("of the client: the broker sends no more than it says, the rest waits in order", async () => {
    await using broker = await start()
    const client = await broker.join("client", { properties: { receiveMaximum: 3 } })
    await client.subscribe("t", 2)
    const publisher = await broker.join("publisher")
    for (let i = 1; i <= 10; i++) await publisher.publish("t", `${i}`, { qos: i % 2 === 0 ? 1 : 2 })
    const identifiers: Array<number> = []
    for (const payload of ["1", "2", "3"]) {
      const packet = await client.take("publish")
      assert.strictEqual(String(packet.payload), payload)
      identifiers.push(packet.messageId ?? 0)
    }
    await client.quiet()
    // QoS 2 gives its place back with PUBCOMP, not with PUBREC.
    client.send({ cmd: "pubrec", messageId: identifiers[0] ?? 0 })
    await client.take("pubrel")
    await client.quiet()
    client.send({ cmd: "pubcomp", messageId: identifiers[0] ?? 0 })
    const fourth = await client.take("publish")
    assert.strictEqual(String(fourth.payload), "4")
    client.send({ cmd: "puback", messageId: identifiers[1] ?? 0 }, { cmd: "puback", messageId: fourth.messageId ?? 0 })
    assert.deepEqual(
      [String((await client.take("publish")).payload), String((await client.take("publish")).payload)],
      ["5", "6"]
    )
    await client.quiet()
  })

  it("does not hold QoS 0 back", async () => {
    await using broker = await start()
    const client = await broker.join("client", { properties: { receiveMaximum: 1 } })
    await client.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "1", { qos: 1 })
    await publisher.publish("t", "waits", { qos: 1 })
    await publisher.publish("t", "at once", { qos: 0 })
    assert.strictEqual(String((await client.take("publish")).payload), "1")
    assert.strictEqual(String((await client.take("publish")).payload), "at once")
    await client.quiet()
  })

  it("of the setting mqtt.max-inflight where the client allows more", async () => {
    await using broker = await start({ mqtt: { "max-inflight": 2 } })
    const client = await broker.join("client", { version: 4 })
    await client.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    for (let i = 0; i < 5; i++) await publisher.publish("t", `${i}`, { qos: 1 })
    await client.take("publish")
    await client.take("publish")
    await client.quiet()
  })

  it("of the broker: announced, and one too many ends the connection with 0x93", async () => {
    await using broker = await start({ mqtt: { "receive-maximum": 2 } })
    const client = await broker.dial()
    assert.strictEqual((await client.connect("client")).properties?.receiveMaximum, 2)
    client.send(publish(1), publish(2))
    await client.take("pubrec")
    await client.take("pubrec")
    client.send({ ...publish(1), dup: true }) // a repetition takes no further place
    await client.take("pubrec")
    client.send({ cmd: "pubrel", messageId: 1 })
    await client.take("pubcomp")
    client.send(publish(3), publish(4))
    await client.take("pubrec")
    await client.refused(0x93)
  })
})
