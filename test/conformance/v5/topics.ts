/**
 * Chapters 4.7 and 4.8: topic names, topic filters, shared subscriptions.
 */
import assert from "node:assert/strict"
import type { Peer } from "../support/peer.ts"
import { chapter } from "../support/rules.ts"
import { holdsNull } from "../support/samples.ts"
import type { Stage } from "../support/stage.ts"
import { connectBytes, publishBytes, subscribeBytes, unsubscribeBytes } from "../support/write.ts"

/** A filter that is not one is never granted: DISCONNECT, or SUBACK with the code. */
const neverGranted = async (stage: Stage, filters: ReadonlyArray<string>, tolerated: ReadonlyArray<number>) => {
  for (const [index, filter] of filters.entries()) {
    const peer = await stage.join(`never${index}`)
    peer.subscribe([{ filter }])
    const answer = await peer.subackOrEnd()
    if (answer === undefined) await peer.refused(0x8f, { tolerated })
    else if (stage.features.tellsWhy) assert.equal(answer.codes[0], 0x8f, `the answer to ${filter}`)
    else assert.ok((answer.codes[0] ?? 0) >= 0x80, `${filter} was granted`)
  }
}

const gets = async (peer: Peer, ...topics: ReadonlyArray<string>): Promise<void> => {
  for (const topic of topics) assert.equal((await peer.delivered()).topic, topic)
  await peer.quiet()
}

export const topics = chapter("4.7 Topic names and filters", 5, (rule) => {
  const tolerated = [0x81, 0x82]

  rule("MQTT-4.7.0-1", "wildcards are for filters only", async (stage) => {
    for (const topic of [stage.topic("#"), stage.topic("+", "b")]) {
      await stage.refuses(publishBytes(5, { topic }), 0x90, { tolerated })
      await stage.rejects(connectBytes(5, { clientId: stage.id("x"), will: { topic } }), 0x90, { tolerated })
    }
    const client = await stage.join("client")
    for (const filter of ["#", "+/b"]) assert.equal(await client.subscribed(stage.topic(filter)), 0)
  })

  rule("MQTT-4.7.1-1", "# stands alone at the end", async (stage) => {
    await neverGranted(stage, ["a#", "#/a", "a/#/b", stage.topic("a#"), stage.topic("##")], tolerated)
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a", "#"))
    for (const topic of ["a", "a/b", "a/b/c", "b"]) await client.published(stage.topic(topic), "x")
    await gets(client, stage.topic("a"), stage.topic("a/b"), stage.topic("a/b/c"))
    const all = await stage.join("all")
    assert.equal(await all.subscribed("#", { retainHandling: 2 }), 0)
  })

  rule("MQTT-4.7.1-2", "+ stands for one whole level", async (stage) => {
    await neverGranted(stage, ["a+", "+a/b", stage.topic("a+/b"), stage.topic("++")], tolerated)
    const client = await stage.join("client")
    await client.suback([{ filter: stage.topic("a", "+", "b") }, { filter: stage.topic("+", "c", "#") }])
    for (const topic of ["a/x/b", "a/b", "a//b", "a/x/y/b", "x/c", "x/c/d"])
      await client.published(stage.topic(topic), "x")
    await gets(client, ...["a/x/b", "a//b", "x/c", "x/c/d"].map((topic) => stage.topic(topic)))
    const all = await stage.join("all")
    assert.equal(await all.subscribed("+", { retainHandling: 2 }), 0)
  })

  rule("MQTT-4.7.2-1", "leading wildcards do not reach topics that begin with $", async (stage) => {
    const client = await stage.join("client")
    await client.suback([
      { filter: "#", retainHandling: 2 },
      { filter: `+/${stage.id("x")}`, retainHandling: 2 },
      { filter: `+/${stage.id("x")}/#`, retainHandling: 2 }
    ])
    const publisher = await stage.join("publisher")
    for (const first of ["$SYS", "$any", "$"]) {
      await publisher.published(`${first}/${stage.id("x")}`, "hidden", { qos: 1 })
      await publisher.published(`${first}/${stage.id("x")}/y`, "hidden", { qos: 1, retain: true })
    }
    await client.published(stage.topic("fence"), "fence", { qos: 1 })
    for (let message = await client.find("publish"); message.text !== "fence"; message = await client.find("publish")) {
      assert.ok(!message.topic.startsWith("$"), `${message.topic} came`)
    }
    assert.equal(await client.subscribed("$SYS/#", { retainHandling: 2 }), 0)
  })

  rule("MQTT-4.7.3-1", "an empty topic or filter is refused", async (stage) => {
    const lenient = { tolerated: [0x81, 0x8f, 0x90] }
    await stage.refuses(publishBytes(5, { topic: "" }), 0x82, lenient)
    await stage.refuses(subscribeBytes(5, 1, [{ filter: "" }]), 0x82, lenient)
    await stage.refuses(unsubscribeBytes(5, 1, [""]), 0x82, lenient)
    await stage.rejects(connectBytes(5, { clientId: stage.id("x"), will: { topic: "" } }), 0x82, lenient)
  })

  rule("MQTT-4.7.3-2", "U+0000 in a topic or filter is refused", async (stage) => {
    const lenient = { tolerated: [0x8f, 0x90] }
    await stage.refuses(publishBytes(5, { topic: holdsNull }), 0x81, lenient)
    await stage.refuses(subscribeBytes(5, 1, [{ filter: holdsNull }]), 0x81, lenient)
    await stage.refuses(unsubscribeBytes(5, 1, [holdsNull]), 0x81, lenient)
  })

  rule("MQTT-4.7.3-3", "a topic of 65,535 bytes works", async (stage) => {
    const topic = stage.topic("x".repeat(65_535)).slice(0, 65_535)
    const client = await stage.join("client")
    assert.equal(await client.subscribed(topic, { qos: 1 }), 1)
    await client.published(topic, "long", { qos: 1 })
    const message = await client.delivered()
    assert.equal(message.topic, topic)
    assert.equal(message.text, "long")
  })

  rule("MQTT-4.7.3-4", "nothing is normalized", async (stage) => {
    const names = ["a", "A", "a/", "/a", "a//b", "a/b", " a", "\u00e9", "e\u0301"]
    const client = await stage.join("client")
    for (const name of names) {
      await client.subscribed(stage.topic(name))
      for (const each of names) await client.published(stage.topic(each), "x")
      await gets(client, stage.topic(name))
      await client.unsubscribed(stage.topic(name))
    }
  })
})

export const sharedSubscriptions = chapter("4.8 Shared subscriptions", 5, (rule) => {
  const tolerated = [0x81, 0x82]
  const shared = (stage: Stage): string => `$share/group/${stage.topic("a")}`

  rule("MQTT-4.8.2-1", "a share name has at least one character", async (stage) => {
    await neverGranted(stage, ["$share//t", "$share/"], tolerated)
    const client = await stage.join("client")
    assert.equal(await client.subscribed(`$share/g/${stage.topic("a")}`), 0)
    await client.published(stage.topic("a"), "x")
    assert.deepEqual(await client.texts(1), ["x"])
  })

  rule("MQTT-4.8.2-2", "a share name holds no wildcard, and a filter follows it", async (stage) => {
    await neverGranted(stage, ["$share/g", "$share/g/", "$share/g+/t", "$share/#/t", "$share/+/t"], tolerated)
  })

  rule("MQTT-4.8.2-3", "each member gets no more than its own QoS", async (stage) => {
    const members = [await stage.join("low"), await stage.join("high")]
    for (const [index, member] of members.entries()) await member.subscribed(shared(stage), { qos: index * 2 })
    const publisher = await stage.join("publisher")
    for (let i = 0; i < 8; i++) await publisher.published(stage.topic("a"), `${i}`, { qos: 2 })
    const received = []
    for (const member of members) received.push((await member.waiting()).map(({ qos }) => qos))
    assert.equal(received.flat().length, 8)
    assert.ok(received[0]?.every((qos) => qos === 0))
    assert.ok(received[1]?.every((qos) => qos === 2))
  })

  /** Two members, and one QoS 2 message that the first of them (whoever it is) has got. */
  const midway = async (stage: Stage) => {
    const one = await stage.join("one", { expiry: 2 })
    const two = await stage.join("two", { expiry: 2 })
    for (const member of [one, two]) await member.subscribed(shared(stage), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "x", { qos: 2 })
    const [toOne] = await one.waiting()
    const [toTwo] = await two.waiting()
    const message = toOne ?? toTwo
    assert.ok(message !== undefined && (toOne === undefined || toTwo === undefined), "one member gets the message")
    const isOne = toOne !== undefined
    return { member: isOne ? one : two, other: isOne ? two : one, name: isOne ? "one" : "two", message, publisher }
  }

  rule("MQTT-4.8.2-4", "a QoS 2 message stays with its member until it comes back", async (stage) => {
    const { member, message, name, other } = await midway(stage)
    member.pubrec(message.id)
    assert.equal((await member.take("pubrel")).id, message.id)
    await member.lost()
    await other.quiet()
    const again = await stage.resume(name, true, { expiry: 2 })
    assert.equal((await again.take("pubrel")).id, message.id)
    again.pubcomp(message.id)
    await again.quiet()
    await other.quiet()
  })

  rule("MQTT-4.8.2-4", "also one that it had not acknowledged at all", async (stage) => {
    const { member, message, name, other } = await midway(stage)
    await member.lost()
    await other.quiet()
    const again = await stage.resume(name, true, { expiry: 2 })
    const repeated = await again.delivered()
    assert.deepEqual([repeated.id, repeated.text, repeated.dup], [message.id, "x", true])
    await other.quiet()
  })

  rule("MQTT-4.8.2-5", "when the member's session ends nobody else gets the message", async (stage) => {
    const { member, name, other } = await midway(stage)
    await member.lost()
    await stage.pass(3500)
    await other.quiet()
    await stage.resume(name, false)
    await other.quiet()
  })

  rule("MQTT-4.8.2-6", "a message that its member refuses goes to nobody else", async (stage) => {
    const { member, message, other, publisher } = await midway(stage)
    member.pubrec(message.id, 0x80)
    await member.quiet()
    await other.quiet()
    await publisher.published(stage.topic("a"), "y", { qos: 1 })
    await publisher.published(stage.topic("a"), "z", { qos: 1 })
    const got = new Map<string, Peer>()
    for (const each of [member, other]) {
      for (const { id, text } of await each.waiting()) {
        got.set(text, each)
        each.puback(id, 0x83)
      }
    }
    assert.deepEqual([...got.keys()].sort(), ["y", "z"])
    await member.quiet()
    await other.quiet()
  })
})
