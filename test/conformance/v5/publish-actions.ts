/**
 * Chapters 3.3.4 and 4.9: what a PUBLISH sets going, overlapping subscriptions, flow control.
 */
import assert from "node:assert/strict"
import type { Publish } from "../support/packets.ts"
import { chapter } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"
import { narrow } from "../support/target.ts"
import { publishBytes, subscribeBytes } from "../support/write.ts"

/** The copies that one publish brings to a client. */
const copiesOf = async (stage: Stage, filters: ReadonlyArray<readonly [string, number, number]>, topic: string) => {
  const client = await stage.join("client")
  for (const [filter, qos, identifier] of filters) await client.subscribed(filter, { qos, identifier })
  const publisher = await stage.join("publisher")
  await publisher.published(topic, "x", { qos: 2 })
  return client.waiting()
}

const identifiersOf = ({ properties }: Publish): ReadonlyArray<number> => properties.subscriptionIdentifier ?? []

export const publishActions = chapter("3.3.4 PUBLISH actions", 5, (rule) => {
  rule("MQTT-3.3.4-1", "each QoS has its answer", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    client.publish({ topic })
    await client.quiet()
    client.publish({ topic, qos: 1, id: 11 })
    assert.equal((await client.take("puback")).id, 11)
    client.publish({ topic, qos: 2, id: 12 })
    assert.equal((await client.take("pubrec")).id, 12)
    await client.quiet()
  })

  rule("MQTT-3.3.4-2", "overlapping subscriptions bring the highest QoS granted", async (stage) => {
    const filters = [
      [stage.topic("#"), 0, 1],
      [stage.topic("+"), 2, 2]
    ] as const
    const copies = await copiesOf(stage, filters, stage.topic("a"))
    assert.ok(copies.some(({ qos }) => qos === 2))
  })

  rule(["MQTT-3.3.4-3", "MQTT-3.3.4-4"], "all identifiers of the matching subscriptions arrive", async (stage) => {
    const filters = [
      [stage.topic("#"), 0, 1],
      [stage.topic("+"), 2, 268_435_455],
      [stage.topic("a"), 1, 200],
      [stage.topic("b"), 1, 4]
    ] as const
    const copies = await copiesOf(stage, filters, stage.topic("a"))
    const seen = copies.flatMap(identifiersOf).sort((a, b) => a - b)
    assert.deepEqual(seen, [1, 200, 268_435_455])
    if (stage.features.mergesOverlaps) assert.equal(copies.length, 1)
  })

  rule("MQTT-3.3.4-5", "a copy of its own carries its own identifier", async (stage) => {
    const filters = [
      [stage.topic("a"), 1, 1],
      [`$share/g/${stage.topic("a")}`, 1, 2]
    ] as const
    const copies = await copiesOf(stage, filters, stage.topic("a"))
    assert.deepEqual(copies.map(identifiersOf).sort(), [[1], [2]])
  })

  rule("MQTT-3.3.4-6", "a Subscription Identifier from a client is refused", async (stage) => {
    const bytes = publishBytes(5, { topic: stage.topic("a"), properties: { subscriptionIdentifier: [1] } })
    await stage.refuses(bytes, 0x82)
  })

  rule("MQTT-3.3.4-7", "one open exchange above Receive Maximum is refused with 0x93", async (stage) => {
    const client = await stage.join("client", { makeUp: "narrow" })
    assert.equal(client.announced.receiveMaximum, narrow.receiveMaximum)
    const topic = stage.topic("a")
    for (let i = 0; i < narrow.receiveMaximum; i++) client.publish({ topic, qos: 2 })
    for (let i = 0; i < narrow.receiveMaximum; i++) await client.take("pubrec")
    client.publish({ topic, qos: 2 })
    await client.refused(0x93)
  })

  rule("MQTT-3.3.4-7", "a finished exchange makes room for another", async (stage) => {
    const client = await stage.join("client", { makeUp: "narrow" })
    for (let i = 0; i < 3 * narrow.receiveMaximum; i++)
      await client.published(stage.topic("a"), "x", { qos: 1 + (i % 2) })
    for (let i = 0; i < narrow.receiveMaximum; i++) client.publish({ topic: stage.topic("a"), qos: 2 })
    for (let i = 0; i < narrow.receiveMaximum; i++) await client.take("pubrec")
    await client.quiet()
  })
})

export const flowControl = chapter("4.9 Flow control", 5, (rule) => {
  /** A client with this window and `count` messages for it, alternately QoS 1 and 2. */
  const crowd = async (stage: Stage, receiveMaximum: number, count: number) => {
    const client = await stage.join("client", { properties: { receiveMaximum } })
    const publisher = await stage.join("publisher")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    for (let i = 0; i < count; i++) await publisher.published(stage.topic("a"), `${i}`, { qos: 1 + (i % 2) })
    return { client, publisher }
  }

  rule(
    ["MQTT-3.3.4-9", "MQTT-4.9.0-2"],
    "no more than Receive Maximum are open; each end lets one more come",
    async (stage) => {
      const { client } = await crowd(stage, 3, 12)
      const [first, second, third] = [
        await client.take("publish"),
        await client.take("publish"),
        await client.take("publish")
      ]
      await client.quiet()
      client.puback(first.id)
      const fourth = await client.take("publish")
      await client.quiet()
      client.pubrec(second.id)
      await client.take("pubrel")
      await client.quiet()
      client.pubcomp(second.id)
      const fifth = await client.take("publish")
      await client.quiet()
      client.pubrec(fourth.id, 0x80)
      await client.take("publish")
      client.puback(third.id, 0x80)
      await client.take("publish")
      await client.quiet()
      assert.deepEqual(
        [first, second, third, fourth, fifth].map(({ text }) => text),
        ["0", "1", "2", "3", "4"]
      )
    }
  )

  rule(
    ["MQTT-3.3.4-10", "MQTT-4.9.0-3"],
    "with its quota used up the server still answers everything",
    async (stage) => {
      const { client } = await crowd(stage, 2, 5)
      await client.take("publish")
      const { id } = await client.take("publish")
      await client.quiet()
      client.raw(subscribeBytes(5, 50, [{ filter: stage.topic("other") }]))
      assert.equal((await client.take("suback")).id, 50)
      client.publish({ topic: stage.topic("b"), qos: 1, id: 51 })
      assert.equal((await client.take("puback")).id, 51)
      client.publish({ topic: stage.topic("b"), qos: 2, id: 52 })
      assert.equal((await client.take("pubrec")).id, 52)
      client.pubrel(52)
      assert.equal((await client.take("pubcomp")).id, 52)
      client.pubrec(id)
      assert.equal((await client.take("pubrel")).id, id)
      await client.quiet()
    }
  )

  rule("MQTT-4.9.0-1", "Receive Maximum 1: one at a time", async (stage) => {
    const { client } = await crowd(stage, 1, 4)
    for (const text of ["0", "1", "2", "3"]) {
      const message = await client.take("publish")
      assert.equal(message.text, text)
      await client.quiet()
      await client.acknowledged(message)
    }
    await client.quiet()
  })

  rule("MQTT-4.9.0-2", "QoS 0 flows while the quota is used up", async (stage) => {
    const { client, publisher } = await crowd(stage, 1, 2)
    await client.take("publish")
    await publisher.published(stage.topic("a"), "overtakes")
    const { qos, text } = await client.take("publish")
    assert.deepEqual([text, qos], ["overtakes", 0])
  })

  rule("MQTT-4.9.0-2", "retained messages keep to the quota as well", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const level of ["a", "b", "c"]) await publisher.published(stage.topic(level), level, { qos: 1, retain: true })
    const client = await stage.join("client", { properties: { receiveMaximum: 2 } })
    await client.subscribed(stage.topic("#"), { qos: 1 })
    const { id } = await client.take("publish")
    await client.take("publish")
    await client.quiet()
    client.puback(id)
    await client.take("publish")
    await client.quiet()
  })
})
