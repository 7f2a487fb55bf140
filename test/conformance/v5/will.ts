/**
 * Will messages: chapters 3.1.2.5 to 3.1.2.7, 3.1.3.2 to 3.1.3.4. What must not come is shown by a fuse: another
 * client's will with a longer delay, which comes after the one that must not.
 */
import assert from "node:assert/strict"
import { chapter } from "../support/rules.ts"
import { notUtf8 } from "../support/samples.ts"
import type { Stage } from "../support/stage.ts"
import { connectBytes } from "../support/write.ts"

const watch = async (stage: Stage, qos = 0) => {
  const watcher = await stage.join("watcher")
  await watcher.subscribed(stage.topic("#"), { qos, retainAsPublished: true })
  return watcher
}

/** Lights a fuse that burns for so many seconds from now; it says "fuse". */
const lightFuse = (stage: Stage, seconds: number): Promise<void> =>
  stage.fuse(
    "fuse",
    { topic: stage.topic("fuse"), payload: "fuse", properties: { willDelayInterval: seconds } },
    { expiry: 60 }
  )

export const wills = chapter("3.1.2.5 Will", 5, (rule) => {
  rule("MQTT-3.1.2-7", "the will is published as it was written down", async (stage) => {
    const watcher = await watch(stage, 2)
    const properties = {
      payloadFormatIndicator: 1,
      contentType: "text/plain",
      responseTopic: "answers",
      correlationData: Buffer.from([0, 1, 255]),
      userProperty: [["a", "b"]]
    } as const
    const will = { topic: stage.topic("will"), payload: "last words", qos: 2, properties }
    await stage.fuse("client", will)
    const { topic, text, qos, retain, properties: delivered } = await watcher.delivered()
    assert.deepEqual(
      { topic, text, qos, retain },
      { topic: stage.topic("will"), text: "last words", qos: 2, retain: false }
    )
    assert.deepEqual(delivered, properties)
  })

  rule("MQTT-3.1.2-8", "the will comes when its delay is over", async (stage) => {
    const watcher = await watch(stage)
    const will = { topic: stage.topic("will"), payload: "delayed", properties: { willDelayInterval: 1 } }
    const fromMs = performance.now()
    await stage.fuse("client", will, { expiry: 60 })
    assert.deepEqual(await watcher.texts(1), ["delayed"])
    assert.ok(performance.now() - fromMs >= 900, "came too early")
  })

  rule("MQTT-3.1.2-8", "the will comes at the end of the session if that is earlier", async (stage) => {
    const watcher = await watch(stage)
    const will = { topic: stage.topic("will"), payload: "session over", properties: { willDelayInterval: 60 } }
    await stage.fuse("client", will, { expiry: 1 })
    assert.deepEqual(await watcher.texts(1), ["session over"])
  })

  rule("MQTT-3.1.2-8", "a session that ends with its connection takes no account of the delay", async (stage) => {
    const watcher = await watch(stage)
    await stage.fuse("client", {
      topic: stage.topic("will"),
      payload: "at once",
      properties: { willDelayInterval: 60 }
    })
    assert.deepEqual(await watcher.texts(1), ["at once"])
  })

  rule("MQTT-3.1.2-8", "DISCONNECT 0x04 publishes the will", async (stage) => {
    const watcher = await watch(stage)
    const client = await stage.join("client", { will: { topic: stage.topic("will"), payload: "0x04" } })
    await client.left(0x04)
    assert.deepEqual(await watcher.texts(1), ["0x04"])
  })

  rule(["MQTT-3.1.2-8", "MQTT-3.1.2-10"], "DISCONNECT 0x00 removes the will", async (stage) => {
    const watcher = await watch(stage)
    const client = await stage.join("client", { will: { topic: stage.topic("will"), payload: "wrong" } })
    await client.left()
    await lightFuse(stage, 0)
    assert.deepEqual(await watcher.texts(1), ["fuse"])
  })

  rule("MQTT-3.1.2-10", "the will is published once", async (stage) => {
    const watcher = await watch(stage)
    await stage.fuse("client", { topic: stage.topic("will"), payload: "once" }, { expiry: 60 })
    assert.deepEqual(await watcher.texts(1), ["once"])
    const again = await stage.resume("client")
    await again.left()
    await lightFuse(stage, 0)
    assert.deepEqual(await watcher.texts(1), ["fuse"])
    await watcher.quiet()
  })

  rule("MQTT-3.1.2-14", "Will Retain 0: nothing is kept", async (stage) => {
    const watcher = await watch(stage)
    await stage.fuse("client", { topic: stage.topic("will"), payload: "passing" })
    assert.equal((await watcher.delivered()).retain, false)
    const later = await stage.join("later")
    await later.subscribed(stage.topic("will"))
    await later.quiet()
  })

  rule("MQTT-3.1.2-15", "Will Retain 1: the will is kept for later subscribers", async (stage) => {
    const watcher = await watch(stage)
    await stage.fuse("client", { topic: stage.topic("will"), payload: "kept", retain: true })
    assert.equal((await watcher.delivered()).retain, true)
    const later = await stage.join("later")
    await later.subscribed(stage.topic("will"))
    const { retain, text } = await later.delivered()
    assert.deepEqual([text, retain], ["kept", true])
  })

  rule("MQTT-3.1.3-9", "a client that comes back within the delay takes its will with it", async (stage) => {
    const watcher = await watch(stage)
    const will = { topic: stage.topic("will"), payload: "wrong", properties: { willDelayInterval: 1 } }
    await stage.fuse("client", will, { expiry: 60 })
    await stage.resume("client")
    await lightFuse(stage, 2)
    assert.deepEqual(await watcher.texts(1), ["fuse"])
  })

  rule("MQTT-3.1.3-10", "User Properties of the will keep their order", async (stage) => {
    const watcher = await watch(stage)
    const userProperty = [
      ["b", "1"],
      ["a", "2"],
      ["b", "1"],
      ["c", ""],
      ["a", "0"]
    ] as const
    await stage.fuse("client", { topic: stage.topic("will"), properties: { userProperty } })
    assert.deepEqual((await watcher.delivered()).properties.userProperty, userProperty)
  })

  rule("MQTT-3.1.3-11", "an ill-formed Will Topic is refused", async (stage) => {
    for (const topic of [notUtf8, "a\0b"]) {
      await stage.rejects(connectBytes(5, { clientId: stage.id("x"), will: { topic } }), 0x81, { tolerated: [0x90] })
    }
  })

  rule(
    "MQTT-3.14.4-3",
    "DISCONNECT 0x00 removes the will, whatever its delay and the session's expiry",
    async (stage) => {
      const watcher = await watch(stage)
      const will = { topic: stage.topic("will"), payload: "wrong", properties: { willDelayInterval: 1 } }
      const client = await stage.join("client", { expiry: 1, will })
      await client.left()
      await lightFuse(stage, 2)
      assert.deepEqual(await watcher.texts(1), ["fuse"])
    }
  )
})
