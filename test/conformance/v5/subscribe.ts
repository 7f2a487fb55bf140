/**
 * Chapters 3.8 and 3.9: SUBSCRIBE and SUBACK.
 */
import assert from "node:assert/strict"
import { field, rawSection, twoBytes } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { holdsNull, illFormed } from "../support/samples.ts"
import { guarded, NotOffered } from "../support/target.ts"
import { frame, hex, subscribeBytes } from "../support/write.ts"

const { forbidden, password, username } = guarded

export const subscribe = chapter("3.8 SUBSCRIBE", 5, (rule) => {
  rule("MQTT-3.8.1-1", "SUBSCRIBE with other flags is refused", async (stage) => {
    const parts = [twoBytes(1), rawSection(), field(stage.topic("a")), hex("00")]
    for (const first of [0x80, 0x81, 0x83, 0x8a]) await stage.refuses(frame(first, ...parts), 0x81)
  })

  rule("MQTT-3.8.3-1", "an ill-formed filter is refused", async (stage) => {
    for (const filter of illFormed) await stage.refuses(subscribeBytes(5, 1, [{ filter }]), 0x81)
    await stage.refuses(subscribeBytes(5, 1, [{ filter: holdsNull }]), 0x81, { tolerated: [0x8f] })
  })

  rule("MQTT-3.8.3-2", "SUBSCRIBE without a filter is refused", async (stage) => {
    await stage.refuses(subscribeBytes(5, 1, []), 0x82)
  })

  rule("MQTT-3.8.3-3", "No Local keeps a client's own messages away, and only those", async (stage) => {
    const client = await stage.join("client")
    const other = await stage.join("other")
    await client.subscribed(stage.topic("a"), { noLocal: true, qos: 2 })
    for (const qos of [0, 1, 2]) {
      await client.published(stage.topic("a"), "own", { qos })
      await other.published(stage.topic("a"), `other's ${qos}`, { qos })
      assert.deepEqual(await client.texts(1), [`other's ${qos}`])
    }
    await client.quiet()
  })

  rule("MQTT-3.8.3-4", "No Local on a shared subscription is refused", async (stage) => {
    const filter = `$share/g/${stage.topic("a")}`
    await stage.refuses(subscribeBytes(5, 1, [{ filter, noLocal: true }]), 0x82)
  })

  rule("MQTT-3.8.3-5", "reserved bits of the options are refused", async (stage) => {
    for (const options of [0x40, 0x80, 0xc1]) {
      await stage.refuses(subscribeBytes(5, 1, [{ filter: stage.topic("a"), options }]), 0x81)
    }
  })

  rule(["MQTT-3.8.4-1", "MQTT-3.8.4-6"], "each SUBSCRIBE has one SUBACK, with a code per filter", async (stage) => {
    const client = await stage.join("client")
    for (const count of [1, 2, 50]) {
      const entries = Array.from({ length: count }, (_, index) => ({ filter: stage.topic(`${index}`), qos: index % 3 }))
      const { codes } = await client.suback(entries)
      assert.deepEqual(
        codes,
        entries.map(({ qos }) => qos)
      )
    }
    await client.quiet()
  })

  rule("MQTT-3.8.4-3", "a repeated filter replaces QoS, options and identifier", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    await client.subscribed(topic, { qos: 2, identifier: 1, retainAsPublished: true })
    await client.subscribed(topic, { qos: 1, identifier: 2 })
    await client.published(topic, "x", { qos: 2, retain: true })
    const { properties, qos, retain } = await client.delivered()
    assert.deepEqual([qos, retain, properties.subscriptionIdentifier], [1, false, [2]])
    await client.subscribed(topic, { qos: 0, noLocal: true, retainHandling: 2 })
    await client.published(topic, "own", { qos: 1 })
    const other = await stage.join("other")
    await other.published(topic, "other's", { qos: 1 })
    const last = await client.delivered()
    assert.deepEqual([last.text, last.qos, last.properties], ["other's", 0, {}])
    await client.quiet()
  })

  rule("MQTT-3.8.4-4", "a repeated filter sends what is retained again and loses nothing", async (stage) => {
    const client = await stage.join("client", { properties: { receiveMaximum: 100 } })
    const publisher = await stage.join("publisher")
    const topic = stage.topic("a")
    await publisher.published(stage.topic("kept"), "kept", { qos: 1, retain: true })
    await client.subscribed(stage.topic("+"), { qos: 1 })
    assert.deepEqual(await client.texts(1), ["kept"])
    const numbers = Array.from({ length: 40 }, (_, index) => `${index}`)
    for (const payload of numbers) {
      publisher.publish({ topic, payload, qos: 1 })
      if (payload === "20") client.subscribe([{ filter: stage.topic("+"), qos: 1 }])
    }
    await client.find("suback")
    const seen: Array<string> = []
    while (seen.length < numbers.length + 1) {
      const message = await client.find("publish")
      client.puback(message.id)
      seen.push(message.text)
    }
    assert.deepEqual(
      seen.filter((text) => text !== "kept"),
      numbers
    )
    await client.quiet()
  })

  rule("MQTT-3.8.4-5", "three filters in one packet are three subscriptions", async (stage) => {
    const client = await stage.join("client")
    const entries = ["a", "b", "c"].map((level, index) => ({ filter: stage.topic(level), qos: index }))
    assert.deepEqual((await client.suback(entries)).codes, [0, 1, 2])
    for (const [index, { filter }] of entries.entries()) {
      await client.published(filter, "x", { qos: 2 })
      const message = await client.find("publish")
      assert.deepEqual([message.topic, message.qos], [filter, index])
      await client.acknowledged(message)
    }
    await client.quiet()
  })

  rule("MQTT-3.8.4-7", "a filter that is not granted brings nothing", async (stage) => {
    if (!stage.features.deniesFilters) throw new NotOffered("denies no filter")
    const fields = { makeUp: "guarded", username, password } as const
    const client = await stage.join("client", fields)
    const code = await client.subscribed(stage.topic(forbidden), { qos: 1 })
    assert.equal(code, 0x87)
    assert.equal(await client.subscribed(stage.topic("a"), { qos: 1 }), 1)
    const publisher = await stage.join("publisher", fields)
    await publisher.published(stage.topic(forbidden), "x", { qos: 1 })
    await publisher.published(stage.topic("a"), "allowed", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["allowed"])
  })

  rule("MQTT-3.8.4-7", "the code is the QoS granted", async (stage) => {
    const client = await stage.join("client")
    for (const qos of [0, 1, 2]) assert.equal(await client.subscribed(stage.topic("a"), { qos }), qos)
  })

  rule("MQTT-3.8.4-8", "a message comes at the lower QoS of publish and grant", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const granted of [0, 1, 2]) {
      const client = await stage.join(`client${granted}`)
      await client.subscribed(stage.topic("a"), { qos: granted })
      for (const qos of [0, 1, 2]) {
        await publisher.published(stage.topic("a"), "x", { qos })
        assert.equal((await client.delivered()).qos, Math.min(qos, granted))
      }
      await client.quiet()
    }
  })

  rule("MQTT-3.8.4-8", "it does out of the queue of a session, too", async (stage) => {
    const publisher = await stage.join("publisher")
    for (const granted of [1, 2]) {
      const client = await stage.join(`client${granted}`, { expiry: 60 })
      await client.subscribed(stage.topic("a"), { qos: granted })
      await client.left()
      for (const qos of [1, 2]) await publisher.published(stage.topic("a"), `${qos}`, { qos })
      const again = await stage.resume(`client${granted}`)
      for (const qos of [1, 2]) {
        const message = await again.delivered()
        assert.deepEqual([message.text, message.qos], [`${qos}`, Math.min(qos, granted)])
      }
    }
  })
})

export const suback = chapter("3.9 SUBACK", 5, (rule) => {
  rule(["MQTT-3.9.2-1", "MQTT-3.9.2-2"], "SUBACK is not larger than the client takes", async (stage) => {
    const properties = { maximumPacketSize: 40 }
    const client = await stage.join("client", { makeUp: "guarded", username, password, properties })
    for (const filter of [stage.topic(forbidden), stage.topic("a")]) await client.subscribed(filter)
    for (const { bytes } of client.history) assert.ok(bytes.length <= 40)
  })

  rule(["MQTT-3.9.3-1", "MQTT-3.9.3-2"], "the codes stand in the order of the filters", async (stage) => {
    const client = await stage.join("client")
    const order = [2, 0, 1, 1, 0, 2]
    const entries = order.map((qos, index) => ({ filter: stage.topic(`${index}`), qos }))
    assert.deepEqual((await client.suback(entries)).codes, order)
  })

  rule(["MQTT-3.9.3-1", "MQTT-3.9.3-2"], "a filter that is denied has its code in its place", async (stage) => {
    if (!stage.features.deniesFilters) throw new NotOffered("denies no filter")
    const client = await stage.join("client", { makeUp: "guarded", username, password })
    const levels = ["a", forbidden, "b", "c"]
    const entries = levels.map((level, index) => ({ filter: stage.topic(level), qos: index % 3 }))
    assert.deepEqual((await client.suback(entries)).codes, [0, 0x87, 2, 0])
  })
})
