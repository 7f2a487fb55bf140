/**
 * Goal: a session outlives its connection as long as it asked for: subscriptions, queued messages, what was in
 * flight; Clean Start ends it, Session Present says which it was.
 * Method: leave, publish, return; 3.1.1 by Clean Session, 5.0 by Clean Start and Session Expiry.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const kept = { clean: false, properties: { sessionExpiryInterval: 60 } }

scenario("sessions", ({ it, start }) => {
  for (const version of [4, 5] as const) {
    it(`keep subscriptions and QoS 1 and 2 messages, in order (version ${version})`, async () => {
      await using broker = await start()
      const fields = version === 5 ? kept : { clean: false }
      const client = await broker.dial(version)
      assert.isFalse((await client.connect("client", fields)).sessionPresent)
      await client.subscribe("t", 2)
      await client.leave()
      const publisher = await broker.join("publisher")
      const sent = Array.from({ length: 50 }, (_, i) => `${i}`)
      for (const [i, payload] of sent.entries()) await publisher.publish("t", payload, { qos: i % 2 === 0 ? 1 : 2 })
      await publisher.publish("t", "not kept", { qos: 0 })
      const again = await broker.dial(version)
      assert.isTrue((await again.connect("client", fields)).sessionPresent)
      assert.deepEqual(await again.payloads(sent.length), sent)
      await publisher.publish("t", "live", { qos: 1 })
      assert.deepEqual(await again.payloads(1), ["live"])
      await again.quiet()
    })
  }

  it("send again, with DUP, what was not acknowledged", async () => {
    await using broker = await start()
    const client = await broker.join("client", kept)
    await client.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    for (const payload of ["1", "2", "3"]) await publisher.publish("t", payload, { qos: 1 })
    const first = await client.take("publish")
    client.send({ cmd: "puback", messageId: first.messageId ?? 0 })
    const second = await client.take("publish")
    await client.take("publish")
    await client.quiet()
    await client.vanish()
    const again = await broker.join("client", kept)
    const repeated = await again.message()
    assert.deepEqual([String(repeated.payload), repeated.dup, repeated.messageId], ["2", true, second.messageId])
    assert.deepEqual(await again.payloads(1), ["3"])
    await again.quiet()
  })

  it("send a retained message again as it was, although it is in no queue", async () => {
    await using broker = await start()
    const client = await broker.join("client", kept)
    await client.publish("t", "kept", { retain: true, qos: 1 })
    await client.subscribe("#", 1, { subscriptionIdentifier: 5 })
    const first = await client.take("publish")
    await client.vanish()
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "", { retain: true })
    await publisher.quiet()
    const again = await broker.join("client", kept)
    const repeated = await again.message()
    assert.deepEqual<object>({ ...repeated, dup: false }, { ...first })
    assert.isTrue(repeated.dup)
  })

  it("end with their connection when nothing else was asked for", async () => {
    await using broker = await start()
    for (const version of [4, 5] as const) {
      const client = await broker.join("client", { version })
      await client.subscribe("t", 1)
      await client.leave()
      const again = await broker.dial(version)
      assert.isFalse((await again.connect("client", { clean: false })).sessionPresent)
      await again.leave({})
      const clean = await broker.join("client", { version })
      await clean.leave()
    }
  })

  it("are ended by Clean Start; what waited is booked", async () => {
    await using broker = await start()
    const client = await broker.join("client", kept)
    await client.subscribe("t", 1)
    await client.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "lost", { qos: 1 })
    const again = await broker.dial()
    assert.isFalse((await again.connect("client", { ...kept, clean: true })).sessionPresent)
    await again.quiet()
    assert.deepEqual(broker.drops, { "session-cleaned": 1 })
  })

  it("last as long as DISCONNECT says, and it cannot make one out of none", async () => {
    await using broker = await start()
    const client = await broker.join("client", kept)
    await client.leave({ properties: { sessionExpiryInterval: 0 } })
    const again = await broker.dial()
    assert.isFalse((await again.connect("client", { clean: false })).sessionPresent)
    again.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 60 } })
    await again.refused(0x82)
  })
})
