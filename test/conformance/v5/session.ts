/**
 * Chapters 4.1, 4.2, 4.4, 4.5 and 4.6: session state, transport, retries, receipt and order.
 */
import assert from "node:assert/strict"
import { chapter } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"

const numbers = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => `${index}`)

/** Numbered messages of each QoS, all in flight at once, on one topic. */
const publishNumbers = async (stage: Stage, topic: string, count: number): Promise<void> => {
  const publisher = await stage.join(`publisher${topic.length}`)
  for (const qos of [0, 1, 2]) {
    for (const payload of numbers(count)) publisher.publish({ topic, payload: `${qos} ${payload}`, qos })
  }
  for (let i = 0; i < count; i++) await publisher.find("puback")
  for (let i = 0; i < count; i++) publisher.pubrel((await publisher.find("pubrec")).id)
  for (let i = 0; i < count; i++) await publisher.find("pubcomp")
}

export const sessionState = chapter("4.1 Session state", 5, (rule) => {
  rule("MQTT-4.1.0-1", "a session does not expire while its connection lasts", async (stage) => {
    const client = await stage.join("client", { expiry: 1 })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "open", { qos: 2 })
    const { id } = await client.take("publish")
    client.publish({ topic: stage.topic("b"), qos: 2, id: 9 })
    await client.take("pubrec")
    await stage.pass(3000)
    client.pubrec(id)
    await client.take("pubrel")
    client.pubcomp(id)
    client.pubrel(9)
    assert.equal((await client.take("pubcomp")).code, 0)
    await publisher.published(stage.topic("a"), "later", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["later"])
  })

  rule("MQTT-4.1.0-2", "a session ends when its expiry has passed", async (stage) => {
    const client = await stage.join("client", { expiry: 1 })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.lost()
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "x", { qos: 1 })
    await stage.pass(3000)
    const again = await stage.resume("client", false)
    await publisher.published(stage.topic("a"), "x", { qos: 1 })
    await again.quiet()
  })

  rule("MQTT-4.1.0-2", "the expiry in DISCONNECT overrides that in CONNECT", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.left(0, { sessionExpiryInterval: 0 })
    await stage.resume("client", false)
  })

  rule("MQTT-4.2-1", "connecting, publishing and receiving work over every transport", async (stage) => {
    const overTcp = await stage.join("tcp")
    await overTcp.subscribed(stage.topic("a"), { qos: 2 })
    await overTcp.published(stage.topic("a"), "x", { qos: 2 })
    await overTcp.acknowledged(await overTcp.find("publish"))
  })

  rule("MQTT-4.2-1", "clients of different transports hear each other", async (stage) => {
    const overTcp = await stage.join("tcp")
    const overWebSocket = await stage.join("websocket", { makeUp: "websocket" })
    await overTcp.subscribed(stage.topic("a"), { qos: 2 })
    await overWebSocket.subscribed(stage.topic("b"), { qos: 1 })
    await overWebSocket.published(stage.topic("a"), "from afar", { qos: 2 })
    await overTcp.published(stage.topic("b"), "from near", { qos: 1 })
    assert.deepEqual(await overTcp.texts(1), ["from afar"])
    assert.deepEqual(await overWebSocket.texts(1), ["from near"])
  })
})

export const delivery = chapter("4.4 to 4.6 Retry, receipt, order", 5, (rule) => {
  rule("MQTT-4.4.0-1", "a resumed session repeats what is open, under its old identifiers", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "one", { qos: 1 })
    await publisher.published(stage.topic("a"), "two", { qos: 2 })
    await publisher.published(stage.topic("a"), "three", { qos: 2 })
    const [one, two, three] = [await client.take("publish"), await client.take("publish"), await client.take("publish")]
    client.pubrec(two.id)
    await client.take("pubrel")
    await client.lost()
    const again = await stage.resume("client")
    await again.waiting()
    const repeated = again.history.flatMap((packet) =>
      packet.kind === "publish" || packet.kind === "pubrel" ? [[packet.kind, packet.id, (packet.first >> 3) & 1]] : []
    )
    const expected = [
      ["publish", one.id, 1],
      ["pubrel", two.id, 0],
      ["publish", three.id, 1]
    ]
    assert.deepEqual(repeated.sort(), expected.sort())
  })

  rule("MQTT-4.4.0-1", "nothing is repeated on a connection that lasts", async (stage) => {
    const client = await stage.join("client")
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    for (const qos of [1, 2]) await publisher.published(stage.topic("a"), `${qos}`, { qos })
    await client.take("publish")
    await client.take("publish")
    await stage.pass(5000)
    await client.quiet()
  })

  rule("MQTT-4.4.0-2", "what was acknowledged, well or ill, is not repeated", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    const publisher = await stage.join("publisher")
    for (const code of [0x00, 0x80]) {
      await publisher.published(stage.topic("a"), "1", { qos: 1 })
      client.puback((await client.take("publish")).id, code)
    }
    await publisher.published(stage.topic("a"), "2", { qos: 2 })
    client.pubrec((await client.take("publish")).id, 0x80)
    await client.quiet()
    await client.lost()
    const again = await stage.resume("client")
    await again.quiet()
  })

  rule("MQTT-4.5.0-1", "messages for a session that is away arrive when it is back", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("+"), { qos: 2 })
    await client.left()
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "one", { qos: 1 })
    await publisher.published(stage.topic("b"), "two", { qos: 2 })
    const again = await stage.resume("client")
    assert.deepEqual(await again.texts(2), ["one", "two"])
  })

  rule(["MQTT-4.6.0-5", "MQTT-4.6.0-6"], "messages of one client, topic and QoS arrive in order", async (stage) => {
    const subscribers = []
    for (const qos of [0, 1, 2]) {
      const subscriber = await stage.join(`subscriber${qos}`)
      await subscriber.subscribed(stage.topic("#"), { qos })
      subscribers.push(subscriber)
    }
    await publishNumbers(stage, stage.topic("a"), 18)
    for (const subscriber of subscribers) {
      const texts = await subscriber.texts(54)
      for (const qos of ["0", "1", "2"]) {
        const ofQos = texts.filter((text) => text.startsWith(`${qos} `))
        assert.deepEqual(
          ofQos,
          numbers(18).map((number) => `${qos} ${number}`)
        )
      }
    }
  })

  rule(["MQTT-4.6.0-5", "MQTT-4.6.0-6"], "they do after a session is resumed, too", async (stage) => {
    const properties = { receiveMaximum: 4 }
    const client = await stage.join("client", { expiry: 60, properties })
    await client.subscribed(stage.topic("a"), { qos: 2 })
    await publishNumbers(stage, stage.topic("a"), 10)
    const open = []
    while (open.length < 4) {
      const message = await client.find("publish")
      if (message.qos > 0) open.push(message.text)
    }
    await client.lost()
    const again = await stage.resume("client", true, { properties: { ...properties, sessionExpiryInterval: 60 } })
    const texts = await again.texts(20)
    assert.deepEqual(
      texts,
      ["1", "2"].flatMap((qos) => numbers(10).map((number) => `${qos} ${number}`))
    )
    assert.deepEqual(texts.slice(0, 4), open)
  })
})
