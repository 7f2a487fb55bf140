/**
 * Goal: nothing that promises something leaves before the sync that keeps it: PUBACK, PUBREC, PUBCOMP, and of persistent
 * sessions CONNACK, SUBACK, UNSUBACK, PUBREL and PUBLISH at QoS 2. What promises nothing does not wait: QoS 0 and 1 to live
 * subscribers, everything of sessions that end with their connection. A sync that fails lets nothing out, ever, and ends
 * the process with its exit code.
 * Method: the released command with a disk whose syncs answer when the test says so. That the broker has taken a packet
 * shows a QoS 0 message behind it, which a watcher gets; then a round trip of the watcher's; nothing may have come by then.
 */
import { assert, describe, it } from "@effect/vitest"
import { DurableBroker, Folder, persistent } from "../support/durable-broker.ts"
import type { RawClient } from "../support/raw-client.ts"

const publish = { cmd: "publish", dup: false, retain: false } as const

/** Everything that `client` sent so far has been taken, and has not been answered. */
const unanswered = async (client: RawClient, watcher: RawClient): Promise<void> => {
  const mark = `mark ${watcher.newIdentifier()}`
  client.send({ ...publish, topic: "marks", payload: mark, qos: 0 })
  assert.strictEqual(String((await watcher.find("publish")).payload), mark)
  await watcher.quiet()
  assert.deepEqual(await client.received(), [])
}

const watching = async (broker: DurableBroker): Promise<RawClient> => {
  const watcher = await broker.join("watcher")
  await watcher.subscribe("marks")
  return watcher
}

const durableModes = {
  immediate: ["--wal-sync-mode=immediate"],
  "batch, durable": ["--wal-sync-mode=batch", "--wal-acknowledge=durable"],
  "periodic, durable": ["--wal-sync-mode=periodic", "--wal-acknowledge=durable"]
}

for (const [mode, flags] of Object.entries(durableModes)) {
  describe(`a stopped sync, ${mode}`, () => {
    it("holds back what a publisher is told", async () => {
      using folder = new Folder()
      await using broker = await DurableBroker.start(folder.path, flags)
      const watcher = await watching(broker)
      const keeper = await broker.join("keeper", persistent)
      await keeper.subscribe("t", 1)
      const publisher = await broker.join("publisher", persistent)

      await broker.disk("hold")
      publisher.send({ ...publish, topic: "t", payload: "one", qos: 1, messageId: 1 })
      publisher.send({ ...publish, topic: "t", payload: "two", qos: 2, messageId: 2 })
      await unanswered(publisher, watcher)
      await broker.disk("go")
      assert.strictEqual((await publisher.take("puback")).messageId, 1)
      assert.strictEqual((await publisher.take("pubrec")).messageId, 2)

      await broker.disk("hold")
      publisher.send({ cmd: "pubrel", messageId: 2 })
      await unanswered(publisher, watcher)
      await broker.disk("go")
      assert.strictEqual((await publisher.take("pubcomp")).messageId, 2)
    })

    it("holds back what a persistent session is told of itself", async () => {
      using folder = new Folder()
      await using broker = await DurableBroker.start(folder.path, flags)
      const watcher = await watching(broker)
      await broker.disk("hold")
      const client = await broker.dial()
      client.send(client.connectPacket("client", persistent))
      await unanswered(client, watcher)
      await broker.disk("go")
      assert.strictEqual((await client.take("connack")).reasonCode, 0)

      await broker.disk("hold")
      client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 2 }] })
      await unanswered(client, watcher)
      await broker.disk("go")
      await client.take("suback")

      await broker.disk("hold")
      client.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["t"] })
      await unanswered(client, watcher)
      await broker.disk("go")
      await client.take("unsuback")
    })

    it("holds back QoS 2 to a persistent session, step by step", async () => {
      using folder = new Folder()
      await using broker = await DurableBroker.start(folder.path, flags)
      const watcher = await watching(broker)
      const subscriber = await broker.join("subscriber", persistent)
      await subscriber.subscribe("t", 2)
      const publisher = await broker.join("publisher")

      await broker.disk("hold")
      publisher.send({ ...publish, topic: "t", payload: "x", qos: 2, messageId: 1 })
      await unanswered(publisher, watcher)
      await unanswered(subscriber, watcher)
      await broker.disk("go")
      const { messageId = 0 } = await subscriber.take("publish")

      await broker.disk("hold")
      subscriber.send({ cmd: "pubrec", messageId })
      await unanswered(subscriber, watcher)
      await broker.disk("go")
      assert.strictEqual((await subscriber.take("pubrel")).messageId, messageId)
    })
  })
}

describe("a stopped sync", () => {
  it("does not hold back what promises nothing", async () => {
    using folder = new Folder()
    await using broker = await DurableBroker.start(folder.path)
    const keeper = await broker.join("keeper", persistent)
    await keeper.subscribe("t", 1)
    await broker.disk("hold")
    const passing = await broker.join("passing")
    assert.strictEqual(await passing.subscribe("t", 2), 2)
    assert.strictEqual(await passing.subscribe("u", 1), 1)
    passing.send({ ...publish, topic: "t", payload: "zero", qos: 0 })
    assert.strictEqual(String((await passing.take("publish")).payload), "zero")
    passing.send({ ...publish, topic: "u", payload: "one", qos: 1, messageId: 7 })
    assert.strictEqual(String((await passing.find("publish")).payload), "one")
    assert.strictEqual((await passing.find("puback")).messageId, 7)
  })

  it("releases everything in order once it goes on", async () => {
    using folder = new Folder()
    await using broker = await DurableBroker.start(folder.path)
    const keeper = await broker.join("keeper", persistent)
    await keeper.subscribe("t", 1)
    const client = await broker.join("client", persistent)
    const watcher = await watching(broker)
    await broker.disk("hold")
    for (let messageId = 1; messageId <= 20; messageId++) {
      client.send({ ...publish, topic: "t", payload: `${messageId}`, qos: messageId % 2 === 0 ? 1 : 2, messageId })
    }
    await unanswered(client, watcher)
    await broker.disk("go")
    for (let messageId = 1; messageId <= 20; messageId++) {
      const answer = await client.take(messageId % 2 === 0 ? "puback" : "pubrec")
      assert.strictEqual(answer.messageId, messageId)
    }
  })

  it("holds back nothing where acknowledgements ask for a write only", async () => {
    using folder = new Folder()
    await using broker = await DurableBroker.start(folder.path, ["--wal-sync-mode=periodic"])
    await broker.disk("hold")
    const client = await broker.join("client", persistent)
    assert.strictEqual(await client.subscribe("t", 2), 2)
    assert.isBelow(await client.publish("other", "x", { qos: 2 }), 0x80)
    client.send({ ...publish, topic: "t", payload: "x", qos: 1, messageId: 9 })
    assert.strictEqual((await client.find("puback")).messageId, 9)
  })
})

describe("a failed sync", () => {
  it("lets nothing out and ends the process, and the next start has everything that was acknowledged", async () => {
    using folder = new Folder()
    const broker = await DurableBroker.start(folder.path)
    const subscriber = await broker.join("subscriber", persistent)
    await subscriber.subscribe("t", 1)
    await subscriber.leave()
    const publisher = await broker.join("publisher", persistent)
    assert.strictEqual(await publisher.publish("t", "acknowledged", { qos: 1 }), 0)
    const watcher = await watching(broker)
    await broker.disk("hold")
    publisher.send({ ...publish, topic: "t", payload: "not acknowledged", qos: 1, messageId: 77 })
    await unanswered(publisher, watcher)
    await broker.disk("broken")
    const { code, signal } = await broker.ended
    assert.deepEqual({ code, signal }, { code: 1, signal: null })
    assert.match(broker.text, /E1302/)
    const answers = (await publisher.received()).filter(({ cmd }) => cmd !== "disconnect")
    assert.deepEqual(answers, [], "an acknowledgement after the failure")

    await using next = await DurableBroker.start(folder.path)
    const again = await next.dial()
    assert.isTrue((await again.connect("subscriber", persistent)).sessionPresent)
    assert.strictEqual(String((await again.message()).payload), "acknowledged")
  })
})
