/**
 * Goal: no packet of one client harms another, whatever is in it (docs: security, rows 10, 11, 14, 17, 19, 34, 39). The
 * grammar (test/fuzz/grammar*.ts) goes over every field; here are the packets that took other brokers down.
 * Method: real sockets against the whole broker, with a witness who is subscribed to everything.
 */
import { assert, describe, it } from "@effect/vitest"
import { Fault } from "../../src/codec/fault.ts"
import { ownCodec } from "../../src/codec/own.ts"
import { PropertyPlace, propertyTable } from "../../src/codec/properties.ts"
import { Random } from "../fault/random.ts"
import { legalValueOf, section, text, two, variable } from "../fuzz/grammar-packets.ts"
import type { RawClient } from "../support/raw-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import { heapBytes } from "./invalid-connects.ts"
import { isServed } from "./strangers.ts"

/** An empty user property is five bytes, and two texts and a pair in memory. */
const EXPANSION_MAX = 32

/** Subscribed to everything: what was passed on it has seen. */
const witnessOf = async (broker: WholeBroker): Promise<RawClient> => {
  const witness = await broker.join("witness")
  await witness.subscribe("#", 1)
  return witness
}

const sawNothing = async (broker: WholeBroker, witness: RawClient): Promise<void> => {
  await witness.quiet()
  await witness.leave()
  await isServed(broker)
}

/** One packet per connection, which must end with this code. */
const refused = async (broker: WholeBroker, notation: string, code: number): Promise<void> => {
  const client = await broker.join("attacker")
  client.sendFrame(notation)
  await client.refused(code).catch((cause: unknown) => {
    throw new Error(notation.slice(0, 100), { cause })
  })
}

const expansionOf = (decode: (bytes: Buffer) => unknown, bytes: Buffer): number => {
  const before = heapBytes()
  const decoded = Array.from({ length: 4 }, () => decode(bytes))
  const held = heapBytes() - before
  for (const one of decoded) assert.notInstanceOf(one, Fault)
  return held / (decoded.length * bytes.length)
}

describe("packets", () => {
  it("row 10: 65,000 slashes in a topic, a will's topic and a filter are refused by their depth", async () => {
    await using broker = await startWhole({ mqtt: { "max-topic-len": 65_535 } })
    const witness = await witnessOf(broker)
    const slashes = "/".repeat(65_000)
    for (const [notation, code] of [
      [`30 "${slashes}" {} 'x'`, 0x90],
      [`82 0001 {} "${slashes}" 00`, 0x8f],
      [`82 0001 {} "${"+/".repeat(32_000)}#" 00`, 0x8f],
      [`82 0001 {} "$share/g/${slashes}" 00`, 0x8f],
      [`a2 0001 {} "${slashes}"`, 0x8f]
    ] as const)
      await refused(broker, notation, code)
    const client = await broker.dial()
    client.sendFrame(`10 "MQTT" 05 06 0000 {} "w" {} "${"/".repeat(60_000)}" "p"`)
    assert.strictEqual((await client.take("connack")).reasonCode, 0x90)
    await sawNothing(broker, witness)
  })

  it("row 10: where 65,535 levels are allowed they are matched without recursion", async () => {
    await using broker = await startWhole({ mqtt: { "max-topic-len": 65_535, "max-topic-levels": 65_535 } })
    const client = await broker.join("deep")
    const topic = "/".repeat(65_000)
    assert.strictEqual(await client.subscribe(`${"+/".repeat(32_000)}#`, 1), 1)
    assert.strictEqual(await client.subscribe(`${"/".repeat(64_000)}#`, 1), 1)
    assert.strictEqual(await client.publish(topic, "deep", { qos: 1 }), 0)
    assert.strictEqual((await client.find("publish")).topic.length, topic.length)
    await isServed(broker)
  })

  it("row 11: ill-formed UTF-8, U+0000, empty and $ topics are refused and never passed on", async () => {
    await using broker = await startWhole()
    const witness = await witnessOf(broker)
    for (const bad of [
      "\\xed\\xa0\\x80",
      "\\xed\\xbf\\xbf",
      "a\\x00b",
      "\\xc0\\x80",
      "\\xff",
      "a\\xf0\\x9f",
      "\\xf4\\x90\\x80\\x80"
    ]) {
      await refused(broker, `30 "${bad}" {} 'x'`, 0x81)
      await refused(broker, `32 "${bad}" 0001 {} 'x'`, 0x81)
      await refused(broker, `30 "t" { 08 "${bad}" } 'x'`, 0x81)
      await refused(broker, `82 0001 {} "${bad}" 00`, 0x81)
    }
    await refused(broker, `30 "" {} 'x'`, 0x82)
    await refused(broker, `82 0001 {} "" 00`, 0x82)
    const client = await broker.join("attacker")
    for (const topic of ["$x", "$SYS/broker/uptime", "$share/g/t", "$replay/0/t", "$"])
      assert.strictEqual(await client.publish(topic, "x", { qos: 1, retain: true }), 0x87, topic)
    assert.strictEqual(broker.core.retained.count, 0)
    await sawNothing(broker, witness)
  })

  it("row 14: shared filters that are none end their own connection with 0x8F and nobody else's", async () => {
    await using broker = await startWhole()
    const witness = await witnessOf(broker)
    for (const filter of ["$share/", "$share//x", "$share/g/", "$share/g", "$share/+/x", "$share/#/x", "$share/g/x#"]) {
      await refused(broker, `82 0001 {} "ok" 00 "${filter}" 00`, 0x8f)
      await refused(broker, `a2 0001 {} "${filter}"`, 0x8f)
    }
    assert.strictEqual(broker.core.groups.size, 0)
    await sawNothing(broker, witness)
  })

  it("row 17: too many user properties end the connection on every packet that keeps them, will and DISCONNECT too", async () => {
    await using broker = await startWhole()
    const witness = await witnessOf(broker)
    const most = `26 "" "" `.repeat(128)
    const many = `${most}26 "" ""`
    for (const notation of [
      `30 "t" { ${many} } 'x'`,
      `82 0001 { ${many} } "t" 00`,
      `a2 0001 { ${many} } "t"`,
      `e0 00 { ${many} }`
    ])
      await refused(broker, notation, 0x97)
    for (const [notation, code] of [
      [`10 "MQTT" 05 02 0000 { ${many} } "u"`, 0x97],
      [`10 "MQTT" 05 06 0000 {} "u" { ${many} } "w" "p"`, 0x97],
      [`10 "MQTT" 05 06 0000 {} "u" { ${most} } "w" "p"`, 0]
    ] as const) {
      const client = await broker.dial()
      client.sendFrame(notation)
      assert.strictEqual((await client.take("connack")).reasonCode, code)
      if (code === 0) await client.leave()
      else await client.closed()
    }
    await sawNothing(broker, witness)
  })

  it("row 17: properties that are cut short are malformed, at every byte", async () => {
    await using broker = await startWhole()
    const whole = [0x26, 0, 1, 0x61, 0, 1, 0x62]
    for (let length = 1; length < whole.length; length++) {
      const cut = Buffer.from(whole.slice(0, length)).toString("hex")
      await refused(broker, `30 "t" { ${cut} } 'x'`, 0x81)
      await refused(broker, `82 0001 { ${cut} } "t" 00`, 0x81)
    }
    await isServed(broker)
  })

  it("row 19: what is decoded holds at most 32 times the bytes of the packet, whatever the packet", () => {
    const many = (bytes: string, count: number) => Buffer.from(bytes.repeat(count), "hex")
    const properties = (count: number) => Buffer.concat([variable(5 * count), many("2600000000", count)])
    const packet = (first: number, ...parts: ReadonlyArray<Buffer>) => {
      const body = Buffer.concat(parts)
      return Buffer.concat([Buffer.from([first]), variable(body.length), body])
    }
    const connect = Buffer.from("00044d5154540506003c", "hex")
    const packets = {
      connect: packet(0x10, connect, properties(5000), text("c"), properties(5000), text("w"), text("p")),
      subscribe: packet(0x82, two(1), properties(20_000), many("00016100", 100_000)),
      unsubscribe: packet(0xa2, two(1), properties(0), many("000161", 100_000)),
      disconnect: packet(0xe0, Buffer.alloc(1), properties(50_000))
    }
    const decode = {
      connect: (bytes: Buffer): unknown => ownCodec.decodeConnect(bytes, 0, bytes.length),
      subscribe: (bytes: Buffer): unknown => ownCodec.decodeSubscribe(bytes, 0, bytes.length, 5),
      unsubscribe: (bytes: Buffer): unknown => ownCodec.decodeUnsubscribe(bytes, 0, bytes.length, 5),
      disconnect: (bytes: Buffer): unknown => ownCodec.decodeDisconnect(bytes, 0, bytes.length, 5)
    }
    for (const kind of ["connect", "subscribe", "unsubscribe", "disconnect"] as const) {
      const times = expansionOf(decode[kind], packets[kind])
      process.stdout.write(`row 19: ${kind} holds ${times.toFixed(1)} times its bytes\n`)
      assert.isBelow(times, EXPANSION_MAX, kind)
    }
  })

  it("row 34: every property on every packet: where it does not belong the publisher is closed, subscribers are not", async () => {
    await using broker = await startWhole()
    const witness = await witnessOf(broker)
    const random = new Random(34)
    const around = {
      publish: ["30", `"t" `, ` 'x'`],
      subscribe: ["82", "0001 ", ` "own" 00`],
      unsubscribe: ["a2", "0001 ", ` "own"`],
      puback: ["40", "0001 00 ", ""],
      pubrec: ["50", "0001 00 ", ""],
      pubrel: ["62", "0001 00 ", ""],
      pubcomp: ["70", "0001 00 ", ""],
      disconnect: ["e0", "00 ", ""]
    } as const
    for (const row of propertyTable) {
      for (const [name, [first, before, after]] of Object.entries(around)) {
        const place = PropertyPlace[name as keyof typeof PropertyPlace]
        const isServers = (row.serverOnly & place) !== 0
        if ((row.places & ~row.serverOnly & place) !== 0) continue
        const bytes = section(place, [{ id: row.id, value: legalValueOf(row, random) }]).bytes.toString("hex")
        await refused(broker, `${first} ${before}${bytes}${after}`, isServers ? 0x82 : 0x81)
      }
    }
    await sawNothing(broker, witness)
  })

  it("row 39: acknowledgements of nothing are answered or ignored, and buy no room in the window", async () => {
    await using broker = await startWhole()
    const slow = await broker.join("slow", { properties: { receiveMaximum: 2 } })
    await slow.subscribe("t", 2)
    for (let messageId = 100; messageId < 200; messageId++) {
      slow.send({ cmd: "puback", messageId }, { cmd: "pubcomp", messageId })
      slow.send({ cmd: "pubrec", messageId })
      assert.strictEqual((await slow.take("pubrel")).reasonCode, 0x92)
      slow.send({ cmd: "pubrel", messageId })
      assert.strictEqual((await slow.take("pubcomp")).reasonCode, 0x92)
    }
    const publisher = await broker.join("publisher")
    for (let i = 0; i < 5; i++) await publisher.publish("t", String(i), { qos: 2 })
    assert.strictEqual((await slow.pending()).length, 2)
    await isServed(broker)
  })
})
