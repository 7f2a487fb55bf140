/**
 * Chapter 3.1.2: Clean Start, Session Expiry Interval, Keep Alive, and what the client asks of the server.
 */
import assert from "node:assert/strict"
import type { Peer } from "../support/peer.ts"
import { chapter } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"
import { guarded } from "../support/target.ts"

/** A session with a subscription, one message in flight and one in its queue; its client is gone. */
const busySession = async (stage: Stage): Promise<Peer> => {
  const client = await stage.join("client", { expiry: 60 })
  const publisher = await stage.join("publisher")
  await client.subscribed(stage.topic("a"), { qos: 2 })
  await publisher.published(stage.topic("a"), "in flight", { qos: 2 })
  await client.take("publish")
  await client.lost()
  await publisher.published(stage.topic("a"), "queued", { qos: 1 })
  return publisher
}

export const connectSession = chapter("3.1.2 Clean Start and Session Expiry", 5, (rule) => {
  rule("MQTT-3.1.2-4", "Clean Start 1 leaves nothing of the earlier session", async (stage) => {
    const publisher = await busySession(stage)
    const client = await stage.resume("client", false, { clean: true })
    await client.quiet()
    await publisher.published(stage.topic("a"), "later", { qos: 1 })
    await client.quiet()
  })

  rule("MQTT-3.1.2-4", "the server forgets what Clean Start 1 forgets", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("a"))
    const client = await stage.join("client", { expiry: 60 })
    client.publish({ topic: stage.topic("a"), payload: "before", qos: 2, id: 5 })
    await client.take("pubrec")
    await client.lost()
    // Forgotten means: the same identifier is no repetition, but another message.
    const again = await stage.resume("client", false, { clean: true })
    await again.published(stage.topic("a"), "after", { qos: 2, id: 5 })
    assert.equal((await watcher.waiting()).at(-1)?.text, "after")
  })

  rule("MQTT-3.1.2-5", "Clean Start 0 within the expiry brings everything back", async (stage) => {
    const publisher = await busySession(stage)
    const client = await stage.resume("client")
    assert.deepEqual(await client.texts(2), ["in flight", "queued"])
    await publisher.published(stage.topic("a"), "later", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["later"])
  })

  rule("MQTT-3.1.2-6", "Clean Start 0 without a session makes one", async (stage) => {
    const client = await stage.resume("client", false)
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.published(stage.topic("a"), "1", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["1"])
    await client.lost()
    await stage.resume("client", true)
  })

  rule("MQTT-3.1.2-23", "a session with an expiry outlives its connection", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.lost()
    const again = await stage.resume("client")
    await again.published(stage.topic("a"), "still here", { qos: 1 })
    assert.deepEqual(await again.texts(1), ["still here"])
  })

  rule("MQTT-3.1.2-23", "a session without an expiry does not", async (stage) => {
    const client = await stage.join("client")
    await client.left()
    await stage.resume("client", false)
  })
})

export const keepAlive = chapter("3.1.2.10 Keep Alive", 5, (rule) => {
  rule("MQTT-3.1.2-22", "a silent client is closed after one and a half times its Keep Alive", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("will"))
    const unlimited = await stage.join("unlimited", { keepAlive: 0 })
    const client = await stage.join("client", { keepAlive: 2, will: { topic: stage.topic("will"), payload: "silent" } })
    const fromMs = performance.now()
    await client.refused(0x8d)
    assert.ok(performance.now() - fromMs >= 2900, "closed too early")
    assert.equal((await watcher.delivered()).text, "silent")
    await unlimited.quiet()
  })

  rule("MQTT-3.1.2-22", "a client that is heard in time is not closed", async (stage) => {
    const client = await stage.join("client", { keepAlive: 2 })
    const busy = await stage.join("busy", { keepAlive: 2 })
    for (let second = 0; second < 4; second++) {
      await stage.pass(1000)
      await client.quiet()
      await busy.published(stage.topic("a"), "any packet counts")
    }
  })

  rule("MQTT-3.2.2-22", "without Server Keep Alive the client's own counts", async (stage) => {
    const client = await stage.join("client", { keepAlive: 1 })
    assert.equal(client.announced.serverKeepAlive, undefined)
    const fromMs = performance.now()
    await client.refused(0x8d)
    assert.ok(performance.now() - fromMs >= 1400, "closed too early")
  })
})

export const wishes = chapter("3.1.2.11 CONNECT properties", 5, (rule) => {
  rule("MQTT-3.1.2-24", "no packet is larger than the client's Maximum Packet Size", async (stage) => {
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("kept"), "k".repeat(200), { qos: 1, retain: true })
    const client = await stage.join("client", { properties: { maximumPacketSize: 100 } })
    await client.subscribed(stage.topic("#"), { qos: 2 })
    for (const qos of [0, 1, 2]) {
      await publisher.published(stage.topic("a"), "x".repeat(200), { qos })
      await publisher.published(stage.topic("a"), "x".repeat(10), { qos })
    }
    for (const qos of [0, 1, 2]) assert.equal((await client.delivered()).qos, qos)
    await client.quiet()
    assert.ok(client.history.every(({ bytes }) => bytes.length <= 100))
  })

  rule("MQTT-3.1.2-24", "a packet of exactly that size is sent", async (stage) => {
    const client = await stage.join("client", { properties: { maximumPacketSize: 100 } })
    const topic = stage.topic("a")
    await client.subscribed(topic)
    await client.published(topic, "x".repeat(100 - 2 - 2 - topic.length - 1))
    assert.equal((await client.delivered()).bytes.length, 100)
  })

  rule("MQTT-3.1.2-25", "a message too large is skipped as if it had been delivered", async (stage) => {
    const properties = { maximumPacketSize: 100, receiveMaximum: 1 }
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { expiry: 60, properties })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await publisher.published(stage.topic("a"), "x".repeat(200), { qos: 1 })
    await publisher.published(stage.topic("a"), "small", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["small"])
    await client.lost()
    const again = await stage.resume("client", true)
    await again.quiet()
  })

  rule("MQTT-3.1.2-26", "aliases of the server stay within the client's maximum", async (stage) => {
    const client = await stage.join("client", { properties: { topicAliasMaximum: 2 } })
    const used = await aliasesUsed(stage, client)
    assert.ok(used.every((alias) => alias <= 2))
    if (stage.features.sendsAliases) assert.ok(used.length > 0, "no alias was sent at all")
  })

  rule("MQTT-3.1.2-27", "without Topic Alias Maximum the server sends no alias", async (stage) => {
    assert.deepEqual(await aliasesUsed(stage, await stage.join("absent")), [])
    assert.deepEqual(await aliasesUsed(stage, await stage.join("zero", { properties: { topicAliasMaximum: 0 } })), [])
  })

  rule("MQTT-3.1.2-28", "Response Information is not sent unless asked for", async (stage) => {
    for (const properties of [{}, { requestResponseInformation: 0 }]) {
      const client = await stage.join("client", { properties })
      assert.equal(client.announced.responseInformation, undefined)
    }
    const asking = await stage.join("asking", { properties: { requestResponseInformation: 1 } })
    assert.equal(asking.announced.responseInformation, stage.features.responseInformation)
  })

  rule("MQTT-3.1.2-29", "Request Problem Information 0 keeps reasons and user properties away", async (stage) => {
    const { forbidden, password, username } = guarded
    const fields = { makeUp: "guarded", username, password } as const
    const client = await stage.join("client", { ...fields, properties: { requestProblemInformation: 0 } })
    const denied = stage.topic(forbidden)
    client.publish({ topic: denied, qos: 1 })
    client.publish({ topic: denied, qos: 2 })
    client.subscribe([{ filter: denied }])
    client.unsubscribe(stage.topic("never subscribed"))
    client.pubrel(999)
    await client.find("unsuback")
    await client.find("pubcomp")
    for (const { properties } of client.history.slice(1)) assert.deepEqual(properties, {})
  })

  rule("MQTT-3.1.2-29", "it takes nothing from a forwarded PUBLISH", async (stage) => {
    const client = await stage.join("client", { properties: { requestProblemInformation: 0 } })
    await client.subscribed(stage.topic("a"))
    await client.published(stage.topic("a"), "x", { properties: { userProperty: [["name", "value"]] } })
    assert.deepEqual((await client.delivered()).properties.userProperty, [["name", "value"]])
  })
})

/** The aliases in what a client gets on four topics, three times each, which all arrive under their right names. */
async function aliasesUsed(stage: Stage, client: Peer): Promise<ReadonlyArray<number>> {
  await client.subscribed(stage.topic("+"))
  const names = new Map<number, string>()
  const used: Array<number> = []
  for (let round = 0; round < 3; round++) {
    for (const level of ["a", "b", "c", "d"]) {
      await client.published(stage.topic(level), level)
      const { properties, text, topic } = await client.delivered()
      const { topicAlias } = properties
      if (topicAlias !== undefined) {
        used.push(topicAlias)
        if (topic !== "") names.set(topicAlias, topic)
      }
      assert.equal(topic === "" ? names.get(topicAlias ?? 0) : topic, stage.topic(text))
    }
  }
  await client.unsubscribed(stage.topic("+"))
  return used
}
