/**
 * Wills and Keep Alive, chapters 3.1.2.5 to 3.1.2.10 and 3.14 of 3.1.1.
 *
 * That a will does not come is shown behind a take-over: who has CONNACK knows that the connection before it has
 * ended in every respect.
 */
import assert from "node:assert/strict"
import type { Peer } from "../support/peer.ts"
import type { Stage } from "../support/stage.ts"
import { disconnectBytes, hex } from "../support/write.ts"
import { section, textsBefore } from "./section.ts"

const willOf = (stage: Stage) => ({ topic: stage.topic("will"), payload: "gone", qos: 1 })

const watcherOf = async (stage: Stage): Promise<Peer> => {
  const watcher = await stage.join("watcher")
  await watcher.subscribed(stage.topic("#"), { qos: 1 })
  return watcher
}

/** Whatever followed from earlier connections of `name` has happened; then "fence" is published. */
const fence = async (stage: Stage, name: string): Promise<void> => {
  const client = await stage.join(name)
  await client.published(stage.topic("fence"), "fence", { qos: 1 })
}

export const wills = section("3.1.2.5 Will Flag", (rule) => {
  rule("MQTT-3.1.2-8", "a broken connection publishes the will", async (stage) => {
    const watcher = await watcherOf(stage)
    await stage.fuse("client", willOf(stage))
    const { topic, text, qos, retain } = await watcher.delivered()
    assert.deepEqual([topic, text, qos, retain], [stage.topic("will"), "gone", 1, false])
  })

  rule("MQTT-3.1.2-8", "a protocol error publishes the will", async (stage) => {
    const watcher = await watcherOf(stage)
    const client = await stage.join("client", { will: willOf(stage) })
    client.publish({ topic: stage.topic("#") })
    await client.ended()
    assert.deepEqual(await watcher.texts(1), ["gone"])
  })

  rule("MQTT-3.1.2-8", "a Keep Alive that ran out publishes the will", async (stage) => {
    const watcher = await watcherOf(stage)
    const client = await stage.join("client", { keepAlive: 1, will: willOf(stage) })
    await client.ended()
    assert.deepEqual(await watcher.texts(1), ["gone"])
  })

  rule("MQTT-3.1.2-10", "the will is published once, whatever follows", async (stage) => {
    const watcher = await watcherOf(stage)
    const client = await stage.join("client", { clean: false, will: willOf(stage) })
    await client.lost()
    assert.deepEqual(await watcher.texts(1), ["gone"])
    const again = await stage.resume("client")
    await again.lost()
    await fence(stage, "client")
    assert.deepEqual(await textsBefore(watcher, "fence"), [])
  })

  rule(["MQTT-3.1.2-10", "MQTT-3.14.4-3"], "DISCONNECT forgets the will", async (stage) => {
    const watcher = await watcherOf(stage)
    const client = await stage.join("client", { will: willOf(stage) })
    client.raw(disconnectBytes(4))
    await client.ended()
    await fence(stage, "client")
    assert.deepEqual(await textsBefore(watcher, "fence"), [])
  })

  rule("MQTT-3.1.2-12", "without a will nothing is published", async (stage) => {
    const watcher = await watcherOf(stage)
    const client = await stage.join("client")
    await client.lost()
    await fence(stage, "client")
    assert.deepEqual(await textsBefore(watcher, "fence"), [])
  })

  rule("MQTT-3.1.2-16", "Will Retain 0: who comes later hears nothing", async (stage) => {
    const watcher = await watcherOf(stage)
    await stage.fuse("client", willOf(stage))
    await watcher.delivered()
    const late = await stage.join("late")
    await late.subscribed(stage.topic("will"))
    await late.quiet()
  })

  rule("MQTT-3.1.2-17", "Will Retain 1: who comes later hears it, retained", async (stage) => {
    const watcher = await watcherOf(stage)
    await stage.fuse("client", { ...willOf(stage), retain: true })
    assert.equal((await watcher.delivered()).retain, false)
    const late = await stage.join("late")
    await late.subscribed(stage.topic("will"))
    const { text, retain } = await late.delivered()
    assert.deepEqual([text, retain], ["gone", true])
  })

  rule("MQTT-3.14.1-1", "DISCONNECT with flags is an error, and the will counts", async (stage) => {
    const watcher = await watcherOf(stage)
    for (const name of ["a", "b"]) {
      const client = await stage.join(name, { will: willOf(stage) })
      client.raw(hex(name === "a" ? "E1 00" : "E8 00"))
      await client.ended()
      assert.deepEqual(await watcher.texts(1), ["gone"])
    }
  })
})

export const keepAlive = section("3.1.2.10 Keep Alive", (rule) => {
  rule("MQTT-3.1.2-24", "silence ends the connection, with Keep Alive 0 it does not", async (stage) => {
    const unlimited = await stage.join("unlimited", { keepAlive: 0 })
    const watcher = await watcherOf(stage)
    const client = await stage.join("client", { keepAlive: 2, will: willOf(stage) })
    await client.ended()
    assert.deepEqual(await watcher.texts(1), ["gone"])
    await unlimited.quiet()
  })

  rule("MQTT-3.1.2-24", "up to one and a half times Keep Alive the client has time", async (stage) => {
    const topic = stage.topic("a")
    const watcher = await watcherOf(stage)
    const client = await stage.join("client", { keepAlive: 3 })
    await stage.pass(3600)
    client.publish({ topic, payload: "any packet counts" })
    assert.deepEqual(await watcher.texts(1), ["any packet counts"])
    await stage.pass(3600)
    await client.quiet()
  })

  rule("MQTT-3.1.2-24", "what the server sends does not keep the client alive", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { keepAlive: 1 })
    await client.subscribed(topic)
    for (let sent = 0; sent < 100 && !client.isClosed; sent++) {
      await publisher.published(topic, "x")
      await stage.pass(100)
    }
    assert.ok(client.isClosed)
  })
})
