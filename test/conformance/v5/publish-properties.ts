/**
 * Chapter 3.3.2: topic and properties of PUBLISH.
 */
import assert from "node:assert/strict"
import type { Publish } from "../support/packets.ts"
import type { Properties, Text, Wished } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { holdsNull, illFormed, notUtf8, widelyUtf8 } from "../support/samples.ts"
import type { Stage } from "../support/stage.ts"
import { frame, hex, publishBytes } from "../support/write.ts"

/** The same message on its three ways: live, out of the queue of a session, out of the retained store. */
const threeWays = async (stage: Stage, level: string, properties: Properties): Promise<ReadonlyArray<Publish>> => {
  const topic = stage.topic(level)
  const away = await stage.join(`away${level}`, { expiry: 60 })
  await away.subscribed(topic, { qos: 1 })
  await away.left()
  const live = await stage.join("live")
  await live.subscribed(topic, { qos: 1 })
  const publisher = await stage.join("publisher")
  await publisher.published(topic, "x", { qos: 1, retain: true, properties })
  const late = await stage.join("late")
  await late.subscribed(topic, { qos: 1 })
  const back = await stage.resume(`away${level}`)
  return [await live.delivered(), await back.delivered(), await late.delivered()]
}

const arrivesUnchanged = async (stage: Stage, ...cases: ReadonlyArray<Properties>): Promise<void> => {
  for (const [index, properties] of cases.entries()) {
    const messages = await threeWays(stage, `${index}`, properties)
    for (const message of messages) assert.deepEqual(message.properties, properties)
  }
}

const refusesProperties = (stage: Stage, properties: Wished, code: number): Promise<void> =>
  stage.refuses(publishBytes(5, { topic: stage.topic("a"), properties }), code)

export const publishTopic = chapter("3.3.2.1 Topic Name", 5, (rule) => {
  rule("MQTT-3.3.2-1", "the topic is the first field, and well-formed", async (stage) => {
    for (const topic of illFormed) await stage.refuses(publishBytes(5, { topic }), 0x81)
    await stage.refuses(frame(0x30), 0x81)
    await stage.refuses(frame(0x30, hex("00 05 61 62")), 0x81)
  })

  rule("MQTT-3.3.2-2", "a wildcard in the topic is refused, nothing is delivered", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("#"))
    for (const level of ["#", "+", "a+", "#b"]) {
      for (const qos of [0, 1]) {
        const bytes = publishBytes(5, { topic: stage.topic(level), qos, id: 1 })
        await stage.refuses(bytes, 0x90, { tolerated: [0x81, 0x82] })
      }
    }
    await watcher.quiet()
  })

  rule("MQTT-3.3.2-3", "each client gets exactly what its filters match", async (stage) => {
    const topics = ["a", "a/b", "a/b/c", "a/", "/a", "b/b"]
    const matching: Record<string, ReadonlyArray<string>> = {
      "a/b": ["a/b"],
      "a/+": ["a/b", "a/"],
      "a/#": ["a", "a/b", "a/b/c", "a/"],
      "+/b": ["a/b", "b/b"],
      "+/+/c": ["a/b/c"],
      "+": ["a"],
      "/+": ["/a"]
    }
    const publisher = await stage.join("publisher")
    for (const [index, [filter, expected]] of Object.entries(matching).entries()) {
      const client = await stage.join(`client${index}`)
      await client.subscribed(stage.topic(filter))
      for (const topic of topics) await publisher.published(stage.topic(topic), topic)
      const seen = await client.texts(expected.length)
      assert.deepEqual(seen, expected)
      await client.quiet()
    }
  })
})

export const publishProperties = chapter("3.3.2.3 PUBLISH properties", 5, (rule) => {
  rule("MQTT-3.3.2-4", "Payload Format Indicator is handed on", async (stage) => {
    await arrivesUnchanged(stage, { payloadFormatIndicator: 0 }, { payloadFormatIndicator: 1 })
  })

  rule("MQTT-3.3.2-5", "what has expired in the queue or as retained is not sent", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(topic, { qos: 1 })
    await client.left()
    const publisher = await stage.join("publisher")
    const properties = { messageExpiryInterval: 1 }
    await publisher.published(topic, "expires", { qos: 1, retain: true, properties })
    await stage.pass(2000)
    await publisher.published(topic, "stays", { qos: 1 })
    const back = await stage.resume("client")
    assert.deepEqual(await back.texts(1), ["stays"])
    const late = await stage.join("late")
    await late.subscribed(topic)
    await late.quiet()
  })

  rule("MQTT-3.3.2-6", "the interval is sent less the time the message has waited", async (stage) => {
    const topic = stage.topic("a")
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(topic, { qos: 1 })
    await client.left()
    const publisher = await stage.join("publisher")
    await publisher.published(topic, "x", { qos: 1, retain: true, properties: { messageExpiryInterval: 10 } })
    await stage.pass(3000)
    const back = await stage.resume("client")
    const late = await stage.join("late")
    await late.subscribed(topic)
    for (const { properties } of [await back.delivered(), await late.delivered()]) {
      const left = properties.messageExpiryInterval ?? 0
      assert.ok(left >= 5 && left <= 8, `${left} s left after 3 s of 10`)
    }
  })

  rule("MQTT-3.3.2-6", "a message that did not wait keeps its interval", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"))
    await client.published(stage.topic("a"), "x", { properties: { messageExpiryInterval: 4_294_967_295 } })
    const { messageExpiryInterval = 0 } = (await client.delivered()).properties
    assert.ok(messageExpiryInterval >= 4_294_967_294)
  })

  rule("MQTT-3.3.2-13", "an ill-formed Response Topic is refused", async (stage) => {
    for (const responseTopic of [notUtf8, holdsNull]) await refusesProperties(stage, { responseTopic }, 0x81)
  })

  rule("MQTT-3.3.2-14", "a Response Topic with a wildcard is refused", async (stage) => {
    for (const responseTopic of ["a/#", "+/b", "a+"]) await refusesProperties(stage, { responseTopic }, 0x82)
  })

  rule("MQTT-3.3.2-15", "the Response Topic is handed on", async (stage) => {
    await arrivesUnchanged(stage, { responseTopic: `answers/${widelyUtf8}` })
  })

  rule("MQTT-3.3.2-16", "Correlation Data is handed on, also empty or with zeros", async (stage) => {
    await arrivesUnchanged(
      stage,
      { correlationData: Buffer.from([0, 255, 0xc3, 0x28]) },
      { correlationData: Buffer.alloc(0) }
    )
  })

  const userProperty = [
    ["b", "2"],
    ["a", "1"],
    ["b", "2"],
    ["", ""],
    [widelyUtf8, ""],
    ["a", "0"]
  ] as const

  rule(["MQTT-3.3.2-17", "MQTT-3.3.2-18"], "User Properties are handed on, all and in order", async (stage) => {
    await arrivesUnchanged(stage, { userProperty })
  })

  rule("MQTT-3.3.2-19", "an ill-formed Content Type is refused", async (stage) => {
    for (const contentType of [notUtf8, holdsNull]) await refusesProperties(stage, { contentType }, 0x81)
  })

  rule("MQTT-3.3.2-20", "the Content Type is handed on", async (stage) => {
    await arrivesUnchanged(stage, { contentType: widelyUtf8 }, { contentType: "" })
  })
})

export const topicAlias = chapter("3.3.2.3.4 Topic Alias", 5, (rule) => {
  const withAlias = (topic: Text, alias: number) => publishBytes(5, { topic, properties: { topicAlias: alias } })

  rule("MQTT-3.3.2-7", "an alias ends with its connection", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    client.raw(withAlias(stage.topic("a"), 1))
    await client.quiet()
    await client.lost()
    const again = await stage.resume("client")
    again.raw(withAlias("", 1))
    await again.refused(0x82)
  })

  rule("MQTT-3.3.2-8", "alias 0 is refused with 0x94", async (stage) => {
    await stage.refuses(withAlias(stage.topic("a"), 0), 0x94, { tolerated: [0x81, 0x82] })
  })

  rule("MQTT-3.3.2-11", "aliases of the server are known before they stand alone", async (stage) => {
    const client = await stage.join("client", { properties: { topicAliasMaximum: 3 } })
    const known = new Map<number, string>()
    await client.subscribed(stage.topic("+"))
    for (const level of ["a", "a", "b", "c", "d", "a", "d", "e", "b"]) {
      await client.published(stage.topic(level), level)
      const { properties, text, topic } = await client.delivered()
      const alias = properties.topicAlias ?? 0
      assert.ok(alias <= 3, `alias ${alias} of 3`)
      if (topic !== "") known.set(alias, topic)
      assert.equal(topic === "" ? known.get(alias) : topic, stage.topic(text))
    }
  })

  rule("MQTT-3.3.2-12", "aliases from 1 to the maximum are set, used and set anew", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("#"))
    const client = await stage.join("client")
    const last = client.announced.topicAliasMaximum ?? 0
    assert.ok(last > 0, "the server takes no alias")
    const sent = [
      ["a", 1],
      ["", 1],
      ["b", last],
      ["", last],
      ["", 1],
      ["c", 1],
      ["", 1]
    ] as const
    for (const [level, alias] of sent) client.raw(withAlias(level === "" ? "" : stage.topic(level), alias))
    const topics = []
    for (const _ of sent) topics.push((await watcher.delivered()).topic)
    const seen = last === 1 ? ["a", "a", "b", "b", "b", "c", "c"] : ["a", "a", "b", "b", "a", "c", "c"]
    assert.deepEqual(
      topics,
      seen.map((level) => stage.topic(level))
    )
  })

  rule("MQTT-3.3.2-12", "an alias may name its topic for QoS 1 and 2 and for retained messages", async (stage) => {
    const client = await stage.join("client")
    const properties = { topicAlias: 1 }
    await client.published(stage.topic("a"), "1", { qos: 1, properties })
    await client.published("", "2", { qos: 2, properties })
    await client.published("", "kept", { qos: 1, retain: true, properties })
    await client.subscribed(stage.topic("a"))
    const { properties: delivered, text, topic } = await client.delivered()
    assert.deepEqual([topic, text, delivered.topicAlias], [stage.topic("a"), "kept", undefined])
  })
})
