/**
 * Goal: a packet that is wrong ends its own connection, with the reason the standard names, and nobody else's.
 * Method: one wrong packet per connection, as bytes; a bystander's subscription must go on working throughout.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

type Row = readonly [name: string, frame: string, reasonCode: number]

/** After CONNECT. The notation is that of test/codec/frames.ts; every refusal of the codec itself stands in test/codec. */
const whenConnected: ReadonlyArray<Row> = [
  ["QoS 3", `36 "t" 0001 . 'x'`, 0x81],
  ["DUP at QoS 0 in 5.0", `38 "t" . 'x'`, 0x81],
  ["wildcard in a topic", `30 "a/+" . 'x'`, 0x90],
  ["topic of ill-formed UTF-8", `30 "\\xff" . 'x'`, 0x81],
  ["empty topic without alias", `30 "" . 'x'`, 0x82],
  ["Packet Identifier zero", `32 "t" 0000 . 'x'`, 0x82],
  ["Subscription Identifier from a client", `30 "t" { 0b 01 } 'x'`, 0x82],
  ["SUBSCRIBE without a filter", `82 0001 {}`, 0x82],
  ["SUBSCRIBE with reserved flags", `80 0001 {} "t" 00`, 0x81],
  ["SUBSCRIBE with QoS 3", `82 0001 {} "t" 03`, 0x82],
  ["No Local on a shared subscription", `82 0001 {} "$share/g/t" 04`, 0x82],
  ["second CONNECT", `10 "MQTT" 05 02 003c {} "c"`, 0x82],
  ["CONNACK from a client", `20 00 00 {}`, 0x82],
  ["AUTH without a method agreed", `f0 18 { 15 "m" }`, 0x82],
  ["PINGREQ with a body", `c0 00`, 0x81],
  ["packet type 0", `00`, 0x81],
  ["DISCONNECT of a server", `e0 8b {}`, 0x82]
]

/** Instead of CONNECT: no answer, just the end. */
const insteadOfConnect: ReadonlyArray<readonly [name: string, frame: string]> = [
  ["PUBLISH", `30 "t" . 'x'`],
  ["PINGREQ", "c0"],
  ["a protocol name nobody knows", `10 "HTTP" 05 02 003c {} "c"`]
]

scenario("bad packets", ({ it, start }) => {
  it(
    "end their own connection only",
    async () => {
      await using broker = await start()
      const bystander = await broker.join("bystander")
      await bystander.subscribe("alive", 1)
      for (const [name, frame, reasonCode] of whenConnected) {
        const client = await broker.join("client")
        client.sendFrame(frame)
        const packet = await client.take("disconnect")
        assert.strictEqual(packet.reasonCode?.toString(16), reasonCode.toString(16), name)
        await client.closed()
        await bystander.publish("alive", name, { qos: 1 })
        assert.deepEqual(await bystander.payloads(1), [name])
      }
    },
    "reason-code"
  )

  it("just end a 3.1.1 connection, which has no word for it", async () => {
    await using broker = await start()
    for (const frame of [`36 "t" 0001 'x'`, "82 0001", `10 "MQTT" 04 02 003c "c"`, "f0"]) {
      const client = await broker.join("client", { version: 4 })
      client.sendFrame(frame)
      await client.closed()
    }
  })

  for (const [name, frame] of insteadOfConnect) {
    it(`${name} instead of CONNECT ends the connection without a word`, async () => {
      await using broker = await start()
      const client = await broker.dial()
      client.sendFrame(frame)
      await client.closed()
    })
  }

  it(
    "a CONNECT that is malformed is told so in 5.0, and not in 3.1.1",
    async () => {
      await using broker = await start()
      const five = await broker.dial()
      five.sendFrame(`10 "MQTT" 05 02 003c {} "c\\xff"`)
      assert.strictEqual((await five.take("connack")).reasonCode, 0x81)
      await five.closed()
      const old = await broker.dial(4)
      old.sendFrame(`10 "MQTT" 04 02 003c "c\\xff"`)
      await old.closed()
    },
    "ill-formed-utf8"
  )

  it("a protocol level nobody knows is answered in the form of the version asked for", async () => {
    await using broker = await start()
    const future = await broker.dial()
    future.sendFrame(`10 "MQTT" 06 02 003c {} "c"`)
    assert.strictEqual((await future.take("connack")).reasonCode, 0x84)
    await future.closed()
    const old = await broker.dial(4)
    old.sendFrame(`10 "MQTT" 03 02 003c "c"`)
    assert.strictEqual((await old.take("connack")).returnCode, 1)
    await old.closed()
  })

  it("what was pipelined behind a wrong packet has no effect", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("t")
    const client = await broker.join("client")
    client.sendFrame(`30 "t" . 'before'`, `36 "t" 0001 . 'wrong'`, `30 "t" . 'after'`)
    await client.take("disconnect")
    assert.deepEqual(await watcher.payloads(1), ["before"])
    await watcher.quiet()
  })
})
