/**
 * CleanSession and what a session is, chapters 3.1.2.4, 3.1.4, 4.1 and 4.5 of 3.1.1.
 */
import assert from "node:assert/strict"
import { section } from "./section.ts"

export const cleanSession = section("3.1.2.4 Clean Session", (rule) => {
  rule("MQTT-3.1.2-4", "with 0 the session survives the connection", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { clean: false })
    await client.subscribed(topic, { qos: 2 })
    await publisher.published(topic, "open", { qos: 1 })
    await client.take("publish")
    await client.left()
    const again = await stage.resume("client")
    assert.deepEqual(await again.texts(1), ["open"])
    await publisher.published(topic, "still subscribed", { qos: 1 })
    assert.deepEqual(await again.texts(1), ["still subscribed"])
  })

  rule("MQTT-3.1.2-4", "with 0 and no session there is a new one", async (stage) => {
    const client = await stage.resume("client", false)
    await client.quiet()
    await client.left()
    await stage.resume("client", true)
  })

  rule("MQTT-3.1.2-5", "QoS 1 and 2 messages wait for their client", async (stage) => {
    const client = await stage.join("client", { clean: false })
    await client.subscribed(stage.topic("#"), { qos: 2 })
    await client.left()
    const publisher = await stage.join("publisher")
    for (const qos of [1, 2]) await publisher.published(stage.topic(`${qos}`), `QoS ${qos}`, { qos })
    const again = await stage.resume("client")
    for (const qos of [1, 2]) {
      const message = await again.delivered()
      assert.deepEqual([message.text, message.qos], [`QoS ${qos}`, qos])
    }
  })

  rule("MQTT-3.1.2-6", "with 1 the earlier session is dropped", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const before = await stage.join("client", { clean: false })
    await before.subscribed(topic, { qos: 1 })
    await before.left()
    await publisher.published(topic, "waiting", { qos: 1 })
    const client = await stage.resume("client", false, { clean: true })
    await client.quiet()
    await publisher.published(topic, "later", { qos: 1 })
    await client.quiet()
  })

  rule("MQTT-3.1.2-6", "with 1 nothing is left behind", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { clean: true })
    await client.subscribed(topic, { qos: 1 })
    await client.left()
    await publisher.published(topic, "meanwhile", { qos: 1 })
    const again = await stage.resume("client", false)
    await publisher.published(topic, "later", { qos: 1 })
    await again.quiet()
  })

  rule("MQTT-3.1.2-7", "a retained message outlives the session that set it", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher", { clean: false })
    await publisher.published(topic, "kept", { qos: 1, retain: true })
    await publisher.left()
    const cleaned = await stage.resume("publisher", false, { clean: true })
    await cleaned.left()
    const client = await stage.join("client")
    await client.subscribed(topic)
    assert.deepEqual(await client.texts(1), ["kept"])
  })
})

export const takeOver = section("3.1.4 Take-over", (rule) => {
  rule("MQTT-3.1.4-2", "the same identifier again: the first connection ends", async (stage) => {
    const first = await stage.join("client")
    const second = await stage.join("client")
    await first.ended()
    await second.quiet()
  })

  rule("MQTT-3.1.4-3", "taking over with CleanSession 0 keeps the session", async (stage) => {
    const topic = stage.topic("a")
    const first = await stage.join("client", { clean: false })
    await first.subscribed(topic, { qos: 1 })
    const second = await stage.resume("client")
    await first.ended()
    await second.published(topic, "still subscribed", { qos: 1 })
    assert.deepEqual(await second.texts(1), ["still subscribed"])
  })

  rule("MQTT-3.1.4-3", "taking over with CleanSession 1 drops it", async (stage) => {
    const topic = stage.topic("a")
    const first = await stage.join("client", { clean: false })
    await first.subscribed(topic, { qos: 1 })
    const second = await stage.resume("client", false, { clean: true })
    await first.ended()
    await second.published(topic, "nobody hears", { qos: 1 })
    await second.quiet()
  })
})

export const state = section("4.1 Session state", (rule) => {
  rule("MQTT-4.1.0-1", "exchanges in both directions go on after a break", async (stage) => {
    const client = await stage.join("client", { clean: false })
    await client.subscribed(stage.topic("to", "client"), { qos: 2 })
    const publisher = await stage.join("publisher")
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("from", "client"), { qos: 2 })
    await publisher.published(stage.topic("to", "client"), "down", { qos: 2 })
    const down = await client.take("publish")
    client.pubrec(down.id)
    await client.take("pubrel")
    client.publish({ topic: stage.topic("from", "client"), payload: "up", qos: 2, id: 77 })
    assert.equal((await client.find("pubrec")).id, 77)
    await client.lost()
    const again = await stage.resume("client")
    assert.equal((await again.take("pubrel")).id, down.id)
    again.pubcomp(down.id)
    again.publish({ topic: stage.topic("from", "client"), payload: "up", qos: 2, id: 77, dup: true })
    assert.equal((await again.take("pubrec")).id, 77)
    again.pubrel(77)
    assert.equal((await again.take("pubcomp")).id, 77)
    assert.deepEqual(await watcher.texts(1), ["up"])
    await watcher.quiet()
  })

  rule("MQTT-4.1.0-2", "while connected nothing of a session is lost, with CleanSession 1 either", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client", { clean: true })
    const watcher = await stage.join("watcher", { clean: true })
    await watcher.subscribed(topic, { qos: 2 })
    client.publish({ topic, payload: "once", qos: 2, id: 5 })
    await client.take("pubrec")
    const other = await stage.join("other")
    await other.published(topic, "between", { qos: 1 })
    await other.left()
    client.publish({ topic, payload: "once", qos: 2, id: 5, dup: true })
    await client.take("pubrec")
    client.pubrel(5)
    await client.take("pubcomp")
    // At the first PUBLISH or at PUBREL: the standard leaves it to the server.
    assert.deepEqual((await watcher.texts(2)).toSorted(), ["between", "once"])
    await watcher.quiet()
  })

  rule("MQTT-4.5.0-1", "a message for a session whose client is away arrives later", async (stage) => {
    const here = await stage.join("here")
    const away = await stage.join("away", { clean: false })
    for (const client of [here, away]) await client.subscribed(stage.topic("+"), { qos: 1 })
    await away.left()
    const publisher = await stage.join("publisher")
    for (const text of ["1", "2", "3"]) await publisher.published(stage.topic("a"), text, { qos: 1 })
    assert.deepEqual(await here.texts(3), ["1", "2", "3"])
    const back = await stage.resume("away")
    assert.deepEqual(await back.texts(3), ["1", "2", "3"])
    await back.quiet()
  })
})
