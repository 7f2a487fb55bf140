/**
 * Goal: rows 1, 2, 15 to 19 and 33 of the list of attacks (docs: security): what strangers send cannot fill the memory,
 * block others or reach a log as it is.
 * Method: raw sockets against the whole broker; beside them a client that means well and must notice nothing.
 */
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { until } from "../contract/transport.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const socketTo = (broker: WholeBroker): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: broker.portOf("tcp"), host: "127.0.0.1", noDelay: true })
    socket.on("error", reject)
    socket.once("connect", () => {
      socket.off("error", reject)
      socket.on("error", () => undefined)
      socket.resume()
      resolve(socket)
    })
  })

const closed = (socket: Socket): Promise<void> => until(() => socket.destroyed)

/** A CONNECT of so many bytes whose last tenth is missing. */
const halfConnect = (bytes: number): Buffer => {
  const remaining = bytes - 4
  const digits = [(remaining & 127) | 128, ((remaining >> 7) & 127) | 128, remaining >> 14]
  return Buffer.concat([Buffer.from([0x10, ...digits]), Buffer.alloc(Math.floor(bytes * 0.9), 0x61)])
}

/** It connects, publishes to itself and gets what it sent. */
const isServed = async (broker: WholeBroker, name: string): Promise<void> => {
  const client = await broker.join(name)
  await client.subscribe(name, 1)
  await client.publish(name, "hello", { qos: 1 })
  assert.strictEqual(String((await client.message()).payload), "hello")
  await client.leave()
}

describe("what strangers send", () => {
  it("row 1: a length of 256 MB, and a first byte that is no CONNECT, end the connection and hold nothing", async () => {
    await using broker = await startWhole()
    for (const bytes of [
      [0x10, 0xff, 0xff, 0xff, 0x7f],
      [0x30, 0x02, 0, 0],
      [0x10, 0x80, 0x80, 0x08]
    ]) {
      const socket = await socketTo(broker)
      socket.write(Buffer.from(bytes))
      await closed(socket)
      assert.strictEqual(broker.core.fairness.held.bytes, 0)
    }
    await isServed(broker, "well")
  })

  it("row 2: half CONNECTs of many sockets hold no more than the budget; whole ones still get in; leaving frees it", async () => {
    const budgetBytes = 1_048_576
    await using broker = await startWhole({ limits: { "max-unauthenticated-bytes": "1MiB" } })
    const sockets: Array<Socket> = []
    for (let i = 0; i < 200; i++) {
      const socket = await socketTo(broker)
      socket.write(halfConnect(60_000))
      sockets.push(socket)
      assert.isAtMost(broker.core.fairness.held.bytes, budgetBytes)
    }
    await until(() => sockets.filter(({ destroyed }) => destroyed).length > 150)
    assert.isAtMost(broker.core.fairness.held.bytes, budgetBytes)
    assert.isAbove(broker.core.fairness.held.bytes, budgetBytes / 2)
    await isServed(broker, "well")
    for (const socket of sockets) socket.destroy()
    await until(() => broker.core.fairness.held.bytes === 0)
  })

  it("row 2: the time for a CONNECT ends, however slowly it comes", async () => {
    await using broker = await startWhole({ server: { "connect-timeout": "200ms" } })
    const socket = await socketTo(broker)
    const drip = setInterval(() => socket.write("a"), 20)
    socket.write(Buffer.from([0x10, 0x7f]))
    await closed(socket)
    clearInterval(drip)
    await until(() => broker.core.connections === 0)
  })

  it("row 15: QoS 2 without PUBREL ends at the announced Receive Maximum", async () => {
    await using broker = await startWhole({ mqtt: { "receive-maximum": 10 } })
    const client = await broker.join("greedy")
    for (let messageId = 1; messageId <= 11; messageId++) {
      client.send({ cmd: "publish", topic: "t", payload: "x", qos: 2, messageId, dup: false, retain: false })
    }
    for (let i = 0; i < 10; i++) await client.take("pubrec")
    await client.refused(0x93)
    await isServed(broker, "well")
  })

  it("row 16: refused CONNECTs leave nothing behind", async () => {
    await using broker = await startWhole()
    const bad = Buffer.concat([
      Buffer.from([0x10, 13, 0, 4]),
      Buffer.from("MQTT"),
      Buffer.from([5, 0xff, 0, 0, 0, 0, 0])
    ])
    for (let i = 0; i < 300; i++) {
      const socket = await socketTo(broker)
      socket.write(bad)
      await closed(socket)
    }
    await until(() => broker.core.connections === 0)
    assert.strictEqual(broker.core.sessions.size, 0)
    assert.strictEqual(broker.core.fairness.held.bytes, 0)
    assert.strictEqual(broker.core.wheel.size <= 8, true)
  })

  it("row 17: 60,000 tiny user properties are refused, on each packet that may carry some", async () => {
    await using broker = await startWhole()
    const many = Buffer.concat(Array.from({ length: 60_000 }, () => Buffer.from([0x26, 0, 1, 0x61, 0, 1, 0x62])))
    const lengthOf = (bytes: number): Buffer => {
      const digits: Array<number> = []
      for (let rest = bytes; ; rest >>= 7) {
        digits.push(rest > 127 ? (rest & 127) | 128 : rest)
        if (rest <= 127) return Buffer.from(digits)
      }
    }
    const packet = (first: number, before: Buffer, after: Buffer): Buffer => {
      const body = Buffer.concat([before, lengthOf(many.length), many, after])
      return Buffer.concat([Buffer.from([first]), lengthOf(body.length), body])
    }
    const topic = Buffer.from([0, 1, 0x74])
    for (const bytes of [
      packet(0x30, topic, Buffer.from("x")),
      packet(0x82, Buffer.from([0, 1]), Buffer.concat([topic, Buffer.from([0])])),
      packet(0xa2, Buffer.from([0, 1]), topic)
    ]) {
      const client = await broker.join(`many ${bytes[0]}`)
      client.wire.send(bytes)
      await client.refused(0x97)
    }
    await isServed(broker, "well")
  })

  it("row 18: the keep-alive of a client is capped where the operator says so", async () => {
    await using broker = await startWhole({ mqtt: { "max-keep-alive": 600 } })
    for (const keepalive of [0, 65_535]) {
      const client = await broker.dial()
      const { properties } = await client.connect(`k${keepalive}`, { keepalive })
      assert.strictEqual(properties?.serverKeepAlive, 60)
    }
  })

  it("row 33: control characters in client ids do not reach the log as they are", async () => {
    await using broker = await startWhole({ log: { level: "debug" }, limits: { "max-connections-per-user": 1 } })
    const evil = "c\r\nFAKE level=info\u001b[31m\u0007"
    const client = await broker.dial()
    await client.connect(evil, { username: "u\r\nFAKE" })
    const refused = await broker.dial()
    await refused.connect(`${evil}2`, { username: "u\r\nFAKE" })
    const text = broker.log.join("")
    assert.include(text, "FAKE")
    assert.notMatch(text, /^FAKE/m)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f]/)
  })

  it("$ topics are the server's: a PUBLISH to one is refused and kept nowhere", async () => {
    await using broker = await startWhole()
    const client = await broker.join("client")
    for (const topic of ["$SYS/broker/version", "$share/g/t", "$replay/x", "$", "$anything"]) {
      assert.strictEqual(await client.publish(topic, "x", { qos: 1, retain: true }), 0x87, topic)
    }
    assert.strictEqual(broker.core.retained.count, 0)
  })
})
