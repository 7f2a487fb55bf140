/**
 * Goal: whoever has not said who it is can hold no memory, no slot and no time (docs: security, rows 1, 2, 6, 12, 16, 18, 30).
 * Method: real sockets, or 10,000 ends of pairs in memory, against the whole broker; what it holds is read from its own
 * books, and a client that means well is served at the end.
 */
import { assert, describe, it } from "@effect/vitest"
import { type MemoryTransport, memoryPair } from "../../src/listener/memory.ts"
import { until } from "../contract/transport.ts"
import { startWhole } from "../support/whole-broker.ts"
import { heapBytes, invalidConnects } from "./invalid-connects.ts"
import { connectBytes, isServed, Stranger } from "./strangers.ts"

/** 90 % of a CONNECT of 55,000 bytes. */
const halfConnect = Buffer.concat([Buffer.from([0x10, 0xd5, 0xad, 0x03]), Buffer.alloc(50_000, 0x61)])
const HALVES = 10_000
const AT_ONCE = 100

describe("before CONNECT", () => {
  it("row 1: a PUBLISH first, or a length of 256 MB, is the end, and nothing is answered", async () => {
    await using broker = await startWhole()
    for (const bytes of [
      [0x30, 0xff, 0xff, 0xff, 0x7f],
      [0x10, 0xff, 0xff, 0xff, 0x7f],
      [0x82, 0x02, 0, 1]
    ]) {
      const stranger = await Stranger.to(broker.portOf("tcp"))
      stranger.send(bytes)
      assert.strictEqual((await stranger.ended()).length, 0)
    }
    assert.strictEqual(broker.core.fairness.held.bytes, 0)
    await isServed(broker)
  })

  it("row 2: 10,000 half CONNECTs hold no more than the budget, and the heap no more than that", async () => {
    const budgetBytes = 4_194_304
    const limits = { "max-unauthenticated-bytes": "4MiB" }
    await using broker = await startWhole({ limits, mqtt: { "max-connections": 20_000 } })
    const { accept } = broker.running.broker
    const { held } = broker.core.fairness
    const before = heapBytes()
    let closed = 0
    const clients: Array<MemoryTransport> = []
    for (let opened = 0; opened < HALVES; opened += AT_ONCE) {
      let taken = 0
      for (let i = 0; i < AT_ONCE; i++) {
        const { client, server } = memoryPair({ listener: "memory" })
        client.onClose = () => void closed++
        accept(server)
        client.write(halfConnect, () => void taken++)
        clients.push(client)
      }
      await until(() => taken === AT_ONCE)
      assert.isAtMost(held.bytes, budgetBytes)
    }
    await until(() => HALVES - closed <= budgetBytes / halfConnect.length)
    assert.isAbove(held.bytes, budgetBytes / 2)
    // They sent 500 MB. What the test itself keeps of a pair is counted too.
    assert.isBelow(heapBytes() - before, 2 * budgetBytes + HALVES * 8000)
    await isServed(broker)
    for (const client of clients) client.destroy()
    await until(() => broker.core.connections === 0)
    assert.strictEqual(held.bytes, 0)
  })

  it("row 2: whoever says nothing, and whoever says it a byte at a time, is cut off by the clock", async () => {
    await using broker = await startWhole({ server: { "connect-timeout": "300ms" } })
    const silent = await Stranger.to(broker.portOf("tcp"))
    const slow = await Stranger.to(broker.portOf("tcp"))
    const rest = [...connectBytes("slow".repeat(20))]
    const drip = setInterval(() => slow.send([rest.shift() ?? 0]), 25)
    assert.strictEqual((await silent.ended()).length + (await slow.ended()).length, 0)
    clearInterval(drip)
    await until(() => broker.core.connections === 0)
  })

  it("row 2: a flood of one address is turned away at its rate, and whoever is in stays in", async () => {
    const limits = { "exempt-addresses": [], "connect-rate-per-address": 1, "connect-burst-per-address": 20 }
    await using broker = await startWhole({ limits })
    const inside = await broker.join("inside")
    await inside.subscribe("inside", 1)
    const strangers = await Promise.all(Array.from({ length: 300 }, () => Stranger.to(broker.portOf("tcp"))))
    for (const [i, stranger] of strangers.entries()) stranger.send(connectBytes(`flood-${i}`))
    await until(() => strangers.every(({ heard, isClosed }) => isClosed || heard.length > 0))
    // The burst came in, and one for every second that it took.
    const isIn = strangers.filter(({ heard }) => heard.length > 0).length
    assert.isAtLeast(isIn, 10)
    assert.isBelow(isIn, 100)
    assert.strictEqual(await inside.publish("inside", "still here", { qos: 1 }), 0)
    assert.strictEqual(String((await inside.message()).payload), "still here")
    for (const { socket } of strangers) socket.destroy()
    await inside.leave()
  })

  it("row 6: no Variable Byte Integer is taken in any but its shortest form, wherever it stands", async () => {
    await using broker = await startWhole()
    for (const length of [
      [0x80, 0],
      [0x92, 0x80, 0],
      [0x92, 0x80, 0x80, 0],
      [0x80, 0x80, 0x80, 0x80, 1]
    ]) {
      const stranger = await Stranger.to(broker.portOf("tcp"))
      stranger.send([0x10, ...length], connectBytes("v").subarray(2))
      assert.strictEqual((await stranger.ended()).length, 0)
    }
    for (const notation of [
      `30 "t" 8000 'x'`, // Property Length of PUBLISH
      `30 "t" 8080808001 'x'`,
      `82 0001 8000 "t" 00`, // of SUBSCRIBE
      `a2 0001 8000 "t"`,
      `82 0001 { 0b 8100 } "t" 00`, // Subscription Identifier
      `82 0001 { 0b 8080808001 } "t" 00`,
      `40 0001 00 8000`,
      `e0 00 8000`,
      `30 "t" { 81 00 } 'x'` // the identifier of a property
    ]) {
      const client = await broker.join("v")
      client.sendFrame(notation)
      await client.refused(0x81)
    }
    await isServed(broker)
  })

  it("[attack: half of a packet that is no CONNECT] ends the connection at its first byte", async () => {
    await using broker = await startWhole({ server: { "connect-timeout": "10m" } })
    for (const first of [0x00, 0x20, 0x30, 0x50, 0x82, 0xc0, 0xe0, 0xf0]) {
      const stranger = await Stranger.to(broker.portOf("tcp"))
      stranger.send(Buffer.from([first, 0xff, 0xff, 0x03, 0x41]))
      await stranger.ended()
    }
    const proxied = await Stranger.to(broker.portOf("tcp"))
    proxied.send("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
    await proxied.ended()
    assert.strictEqual(broker.core.fairness.held.bytes, 0)
    await isServed(broker)
  })

  it("row 12: what only servers send, and CONNECT again, is a protocol error", async () => {
    await using broker = await startWhole()
    const packets = ["20 00 00 {}", `90 0001 {} 00`, `b0 0001 {} 00`, "d0", `10 "MQTT" 05 02 003c {} "c"`]
    for (const notation of packets) {
      const client = await broker.join("c")
      client.sendFrame(notation)
      await client.refused(0x82)
      const old = await broker.join("c", { version: 4 })
      old.sendFrame(notation.replaceAll("{}", ""))
      await old.closed()
    }
    await isServed(broker)
  })

  it("row 16: 50,000 CONNECTs that are refused leave the heap as it was", () => invalidConnects(50_000))

  it("row 18: a keep-alive of 65,535 seconds is capped, and a CONNECT that never ends is not waited for", async () => {
    await using broker = await startWhole({ mqtt: { "max-keep-alive": 600 }, server: { "connect-timeout": "200ms" } })
    const client = await broker.dial()
    const { properties } = await client.connect("slow", { keepalive: 65_535 })
    assert.isAtMost(properties?.serverKeepAlive ?? 65_535, 600)
    const stranger = await Stranger.to(broker.portOf("tcp"))
    stranger.send([0x10, 0x20, 0, 4])
    assert.strictEqual((await stranger.ended()).length, 0)
  })
})
