/**
 * Goal: what a session was promised is there after a restart, in every detail a client can see. After a tidy stop and
 * after kill -9: subscriptions with their options, what waited, retained values, QoS 2 both ways with its packet
 * identifiers, wills. After a tidy stop also the packet identifiers of QoS 1. The start says what it found; the folder is
 * the owner's alone and serves one broker.
 * Method: the released command, stopped and killed between two halves of a conversation in raw packets.
 */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { builtCommand, Child } from "../support/child.ts"
import { DurableBroker, Folder, persistent } from "../support/durable-broker.ts"
import type { RawClient } from "../support/raw-client.ts"

const publish = { cmd: "publish", dup: false, retain: false } as const

const ends = {
  "a tidy stop": async (broker: DurableBroker) => assert.strictEqual(await broker.stop(), 0),
  "kill -9": (broker: DurableBroker) => broker.kill()
}

const back = async (broker: DurableBroker, name: string): Promise<RawClient> => {
  const client = await broker.dial()
  const { reasonCode, sessionPresent } = await client.connect(name, persistent)
  assert.deepEqual({ reasonCode, sessionPresent }, { reasonCode: 0, sessionPresent: true })
  return client
}

for (const [name, end] of Object.entries(ends)) {
  describe(`after ${name}`, () => {
    it("QoS 2 to a subscriber goes on where it was, under the same identifiers", async () => {
      using folder = new Folder()
      const first = await DurableBroker.start(folder.path)
      const subscriber = await first.join("subscriber", persistent)
      await subscriber.subscribe("t", 2)
      const publisher = await first.join("publisher")
      for (const payload of ["seen", "received", "new"]) await publisher.publish("t", payload, { qos: 2 })
      const seen = await subscriber.take("publish")
      const received = await subscriber.take("publish")
      await subscriber.take("publish")
      subscriber.send({ cmd: "pubrec", messageId: received.messageId ?? 0 })
      await subscriber.take("pubrel")
      await end(first)

      await using next = await DurableBroker.start(folder.path)
      const again = await back(next, "subscriber")
      const repeated = await again.take("publish")
      assert.deepEqual(
        { id: repeated.messageId, dup: repeated.dup, payload: String(repeated.payload) },
        { id: seen.messageId, dup: true, payload: "seen" }
      )
      assert.strictEqual((await again.take("pubrel")).messageId, received.messageId)
      assert.strictEqual(String((await again.take("publish")).payload), "new")
      again.send({ cmd: "pubcomp", messageId: received.messageId ?? 0 })
      await again.quiet()
    })

    it("QoS 2 of a publisher goes on where it was and is delivered once", async () => {
      using folder = new Folder()
      const first = await DurableBroker.start(folder.path)
      const subscriber = await first.join("subscriber", persistent)
      await subscriber.subscribe("t", 2)
      await subscriber.leave()
      const publisher = await first.join("publisher", persistent)
      publisher.send({ ...publish, topic: "t", payload: "once", qos: 2, messageId: 11 })
      await publisher.take("pubrec")
      publisher.send({ ...publish, topic: "t", payload: "twice sent", qos: 2, messageId: 12 })
      await publisher.take("pubrec")
      publisher.send({ cmd: "pubrel", messageId: 12 })
      await publisher.take("pubcomp")
      await end(first)

      await using next = await DurableBroker.start(folder.path)
      const again = await back(next, "publisher")
      again.send({ ...publish, topic: "t", payload: "once", qos: 2, messageId: 11, dup: true })
      assert.strictEqual((await again.take("pubrec")).messageId, 11)
      again.send({ cmd: "pubrel", messageId: 11 })
      assert.strictEqual((await again.take("pubcomp")).reasonCode ?? 0, 0, "11 was still open")
      again.send({ ...publish, topic: "t", payload: "a new one", qos: 2, messageId: 12 })
      await again.take("pubrec")
      const reader = await back(next, "subscriber")
      assert.deepEqual(await reader.payloads(3), ["once", "twice sent", "a new one"])
      await reader.quiet()
    })

    it("subscriptions have their options, and what was unsubscribed stays away", async () => {
      using folder = new Folder()
      const first = await DurableBroker.start(folder.path)
      const client = await first.join("client", persistent)
      await client.subscribe("a/+", 1, { subscriptionIdentifier: 7, rap: true })
      await client.subscribe("own", 1, { nl: true })
      await client.subscribe("left", 1)
      await client.unsubscribe("left")
      await end(first)

      await using next = await DurableBroker.start(folder.path)
      const again = await back(next, "client")
      const publisher = await next.join("publisher")
      for (const topic of ["left", "a/b"]) await publisher.publish(topic, topic, { qos: 2, retain: true })
      await again.publish("own", "not to itself", { qos: 1 })
      const { properties, qos, retain, topic } = await again.message()
      assert.deepEqual({ qos, retain, topic }, { qos: 1, retain: true, topic: "a/b" })
      assert.strictEqual(properties?.subscriptionIdentifier, 7)
      await publisher.publish("own", "from another", { qos: 1 })
      assert.deepEqual(await again.payloads(1), ["from another"])
      await again.quiet()
    })

    it("retained messages are what they were, with their properties; a deleted one is gone", async () => {
      using folder = new Folder()
      const first = await DurableBroker.start(folder.path)
      const publisher = await first.join("publisher")
      await publisher.publish("r/1", "old", { qos: 1, retain: true })
      await publisher.publish("r/1", "new", { qos: 1, retain: true, properties: { contentType: "text" } })
      await publisher.publish("r/2", "to be deleted", { qos: 1, retain: true })
      await publisher.publish("r/2", "", { qos: 1, retain: true })
      await end(first)

      await using next = await DurableBroker.start(folder.path)
      const reader = await next.join("reader")
      await reader.subscribe("r/#", 1)
      const { payload, properties, retain } = await reader.message()
      assert.deepEqual({ payload: String(payload), retain }, { payload: "new", retain: true })
      assert.strictEqual(properties?.contentType, "text")
      await reader.quiet()
    })

    it("what waited for a session is there, in order, and what was acknowledged is not", async () => {
      using folder = new Folder()
      const first = await DurableBroker.start(folder.path)
      const subscriber = await first.join("subscriber", persistent)
      await subscriber.subscribe("t", 1)
      await subscriber.leave()
      const publisher = await first.join("publisher")
      for (let i = 0; i < 300; i++) await publisher.publish("t", String(i), { qos: 1 })
      await end(first)

      const second = await DurableBroker.start(folder.path)
      assert.match(second.text, /recovered +300 messages, 1 session, 0 bytes cut, \d+ ms/)
      const reader = await back(second, "subscriber")
      const all = Array.from({ length: 300 }, (_, i) => String(i))
      assert.deepEqual(await reader.payloads(300), all)
      await reader.quiet()
      await second.stop()

      await using third = await DurableBroker.start(folder.path)
      const again = await back(third, "subscriber")
      await again.quiet()
    })
  })
}

describe("after a tidy stop", () => {
  it("QoS 1 has its packet identifiers, in the order of the first sending", async () => {
    using folder = new Folder()
    const first = await DurableBroker.start(folder.path)
    const subscriber = await first.join("subscriber", persistent)
    await subscriber.subscribe("t", 1)
    const publisher = await first.join("publisher")
    for (let i = 0; i < 6; i++) await publisher.publish("t", String(i), { qos: 1 })
    const open: Array<readonly [number | undefined, string]> = []
    for (let i = 0; i < 6; i++) {
      const { messageId, payload } = await subscriber.take("publish")
      if (i === 0 || i === 3) subscriber.send({ cmd: "puback", messageId: messageId ?? 0 })
      else open.push([messageId, String(payload)])
    }
    await subscriber.quiet()
    await first.stop()

    await using next = await DurableBroker.start(folder.path)
    const again = await back(next, "subscriber")
    for (const [messageId, payload] of open) {
      const packet = await again.take("publish")
      assert.deepEqual([packet.messageId, String(packet.payload), packet.dup], [messageId, payload, true])
    }
    await again.quiet()
  })
})

describe("after kill -9", () => {
  it("wills come once: at once, after their delay, and not for who comes back", async () => {
    using folder = new Folder()
    const first = await DurableBroker.start(folder.path)
    const watcher = await first.join("watcher", persistent)
    await watcher.subscribe("w/#", 2)
    const will = (topic: string, willDelayInterval = 0) => ({
      will: { topic, payload: Buffer.from(topic), qos: 2 as const, retain: false, properties: { willDelayInterval } }
    })
    await first.join("clean", will("w/clean"))
    await first.join("delayed", { ...persistent, ...will("w/delayed", 1) })
    await first.join("returns", { ...persistent, ...will("w/returns", 3600) })
    const parted = await first.join("parted", { ...persistent, ...will("w/parted") })
    await parted.leave()
    // CONNACK of a persistent session comes when the log has kept it, and all before it.
    await first.join("barrier", persistent)
    await first.kill()

    const second = await DurableBroker.start(folder.path)
    const again = await back(second, "watcher")
    await back(second, "returns")
    assert.deepEqual([...(await again.payloads(2))].sort(), ["w/clean", "w/delayed"])
    await again.quiet()
    // Nobody waits for the record that an exchange has ended: a PUBREL that is repeated would be right, too.
    await second.join("barrier", persistent)
    await second.kill()

    await using third = await DurableBroker.start(folder.path)
    const last = await back(third, "watcher")
    await back(third, "returns")
    await last.quiet()
  })
})

describe("the data folder", () => {
  it("serves one broker: a second one says who holds it and ends with 8", async () => {
    using folder = new Folder()
    await using _ = await DurableBroker.start(folder.path)
    const words = ["server", "--storage-engine=wal", "--data-dir", folder.path, "--bind=127.0.0.1:0", "--admin=false"]
    const second = new Child(process.execPath, [builtCommand, ...words, "--ws-bind="])
    const { code } = await second.ended()
    assert.strictEqual(code, 8)
    assert.match(second.lines.join("\n"), /E8002 .*\d/)
  })

  it("is the owner's alone", async () => {
    using folder = new Folder()
    const broker = await DurableBroker.start(folder.path)
    await broker.join("somebody", persistent)
    await broker.stop()
    for (const entry of readdirSync(folder.path, { recursive: true, encoding: "utf8" })) {
      const found = statSync(join(folder.path, entry))
      assert.strictEqual(found.mode & 0o077, 0, entry)
    }
  })
})
