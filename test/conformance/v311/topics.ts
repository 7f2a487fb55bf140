/**
 * Chapter 4.7 of 3.1.1: topic names and topic filters.
 */
import assert from "node:assert/strict"
import { holdsNull } from "../support/samples.ts"
import type { Stage } from "../support/stage.ts"
import { connectBytes, publishBytes, subscribeBytes, unsubscribeBytes } from "../support/write.ts"
import { closes, closesUnanswered, section } from "./section.ts"

/** Levels as one text; "_" stands for the stage's own first level. */
const place = (stage: Stage, text: string): string => text.replaceAll("_", stage.topic())

/** Publishes to the topics in turn; answers which of them a subscriber to each filter gets. */
const reached = async (
  stage: Stage,
  filters: ReadonlyArray<string>,
  topics: ReadonlyArray<string>
): Promise<Record<string, ReadonlyArray<string>>> => {
  const fence = stage.id("fence")
  const publisher = await stage.join("publisher")
  const subscribers = await Promise.all(
    filters.map(async (filter, index) => {
      const client = await stage.join(`subscriber${index}`)
      const { codes } = await client.suback([place(stage, filter), fence].map((each) => ({ filter: each, qos: 1 })))
      assert.deepEqual(codes, [1, 1], filter)
      return { client, filter }
    })
  )
  for (const topic of topics) await publisher.published(place(stage, topic), topic, { qos: 1 })
  await publisher.published(fence, fence, { qos: 1 })
  const found: Record<string, ReadonlyArray<string>> = {}
  for (const { client, filter } of subscribers) {
    const texts: Array<string> = []
    for (let text = ""; text !== fence; ) {
      // A bare "#" or "+" hears other rules as well.
      const message = await client.delivered()
      text = message.text
      if (message.topic.includes(stage.topic()) && text !== fence) texts.push(text)
    }
    found[filter] = texts
  }
  return found
}

/** SUBSCRIBE and UNSUBSCRIBE with it end the connection; SUBACK 0x80 would do, too. */
const isNoFilter = async (stage: Stage, filter: string): Promise<void> => {
  const client = await stage.join("client")
  client.subscribe([{ filter }])
  const refused = await client.take("suback").then(
    ({ codes }) => codes.length === 1 && codes[0] === 0x80,
    () => client.isClosed
  )
  assert.ok(refused, `${filter} was granted`)
}

export const wildcards = section("4.7.1 Wildcards", (rule) => {
  rule("MQTT-4.7.1-1", "topics cannot hold one", async (stage) => {
    for (const level of ["#", "+", "a+", "#a"]) {
      await closes(stage, publishBytes(4, { topic: stage.topic(level, "b") }))
      const will = { topic: stage.topic(level), payload: "x" }
      await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), will }))
    }
  })

  rule(["MQTT-4.7.1-1", "MQTT-4.7.1-2"], "# stands for its level, all below and the one above", async (stage) => {
    const topics = ["_", "_/", "_/a", "_/a/b", "_/a/b/c", "_/ab"]
    assert.deepEqual(await reached(stage, ["#", "_/#", "_/a/#", "_/a/b/c/#", "_/x/#"], topics), {
      "#": topics,
      "_/#": topics,
      "_/a/#": ["_/a", "_/a/b", "_/a/b/c"],
      "_/a/b/c/#": ["_/a/b/c"],
      "_/x/#": []
    })
  })

  rule("MQTT-4.7.1-2", "# stands last and alone", async (stage) => {
    for (const filter of ["a#", "_/a#", "_/#/a", "#/a", "_/##", "_/a/#/", "#a"]) {
      await isNoFilter(stage, place(stage, filter))
    }
  })

  rule("MQTT-4.7.1-3", "+ stands alone in its level", async (stage) => {
    for (const filter of ["a+", "_/a+", "_/+a", "+a/b", "_/a+b/c", "_/++"]) {
      await isNoFilter(stage, place(stage, filter))
    }
  })

  rule("MQTT-4.7.1-3", "+ stands for one level, which may be empty", async (stage) => {
    const topics = ["_", "_/", "_/a", "_/a/b", "_//b", "_/a/", "_/a/b/c", "_/x/b/c"]
    assert.deepEqual(await reached(stage, ["+", "_/+", "_/+/b", "_/a/+", "_/+/+", "+/a/#", "_/+/b/#"], topics), {
      "+": ["_"],
      "_/+": ["_/", "_/a"],
      "_/+/b": ["_/a/b", "_//b"],
      "_/a/+": ["_/a/b", "_/a/"],
      "_/+/+": ["_/a/b", "_//b", "_/a/"],
      "+/a/#": ["_/a", "_/a/b", "_/a/", "_/a/b/c"],
      "_/+/b/#": ["_/a/b", "_//b", "_/a/b/c", "_/x/b/c"]
    })
  })
})

export const serverTopics = section("4.7.2 Topics beginning with $", (rule) => {
  rule("MQTT-4.7.2-1", "a wildcard at the first level does not match them", async (stage) => {
    const fence = stage.id("fence")
    const topics = ["$SYS", "$any", `$${stage.topic()}`].map((first) => `${first}/${stage.id("x")}`)
    const clients = await Promise.all(
      ["#", "+/#", `+/${stage.id("x")}`].map(async (filter, index) => {
        const client = await stage.join(`client${index}`)
        const { codes } = await client.suback([{ filter }, { filter: fence }])
        assert.deepEqual(codes, [0, 0])
        return client
      })
    )
    for (const [index, topic] of topics.entries()) {
      // A server may refuse what only servers publish, and 3.1.1 has one word for that.
      const publisher = await stage.join(`publisher${index}`)
      await publisher.published(topic, "x", { qos: 1 }).catch(() => undefined)
    }
    const publisher = await stage.join("publisher")
    await publisher.published(fence, fence)
    for (const client of clients) {
      for (let topic = ""; topic !== fence; ) {
        const message = await client.delivered()
        topic = message.topic
        assert.ok(!topic.startsWith("$"), topic)
      }
    }
  })

  rule("MQTT-4.7.2-1", "who names them is granted them", async (stage) => {
    const client = await stage.join("client")
    const filters = ["$SYS/#", "$SYS/+/x", `$${stage.topic("#")}`].map((filter) => ({ filter, qos: 1 }))
    assert.deepEqual((await client.suback(filters)).codes, [1, 1, 1])
  })
})

export const semantics = section("4.7.3 Topic semantics", (rule) => {
  rule("MQTT-4.7.3-1", "an empty topic or filter closes the connection", async (stage) => {
    await closes(stage, publishBytes(4, { topic: "" }))
    await closes(stage, publishBytes(4, { topic: "", payload: "x", qos: 1, id: 1 }))
    await closes(stage, subscribeBytes(4, 1, [{ filter: "" }]))
    await closes(stage, unsubscribeBytes(4, 1, [""]))
    const client = await stage.join("client")
    assert.equal(await client.subscribed("/"), 0)
  })

  rule("MQTT-4.7.3-2", "U+0000 in one closes the connection", async (stage) => {
    for (const topic of [holdsNull, "\0", `${stage.topic("a")}\0`]) {
      await closes(stage, publishBytes(4, { topic }))
      await closes(stage, subscribeBytes(4, 1, [{ filter: topic }]))
      await closes(stage, unsubscribeBytes(4, 1, [topic]))
    }
  })

  rule("MQTT-4.7.3-3", "they may be 65,535 bytes long", async (stage) => {
    const client = await stage.join("client")
    const longest = stage.topic("a".repeat(65_534 - stage.topic().length))
    assert.equal(Buffer.byteLength(longest), 65_535)
    assert.equal(await client.subscribed(longest, { qos: 1 }), 1)
    await client.published(longest, "x", { qos: 1 })
    assert.equal((await client.delivered()).topic, longest)
  })

  rule("MQTT-4.7.3-4", "nothing is normalised", async (stage) => {
    const texts = ["_/a", "_/A", "_/a/", "_//a", "_/a ", "_/\u00e9", "_/e\u0301", "_/\u00e9/", "/_/a"]
    const expected = Object.fromEntries(texts.map((text) => [text, [text]]))
    assert.deepEqual(await reached(stage, texts, texts), expected)
  })
})
