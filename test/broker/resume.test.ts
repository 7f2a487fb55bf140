/**
 * A session that comes back: what is repeated, in which order, through which window; and how often a
 * subscription may change meanwhile.
 */
import { assert, describe, it } from "@effect/vitest"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { SessionMode } from "../../src/session/session.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LateLog } from "../support/late-log.ts"
import type * as packets from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const persistent = (world: World, receiveMaximum: number): TestClient => {
  const client = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 1000, receiveMaximum })
  client.acknowledges = false
  world.run()
  return client
}

/** Ten messages open, QoS 1 and 2 by turns, and ten more that wait. */
const scene = () => {
  const world = new World()
  const first = persistent(world, 10)
  first.subscribe("#", { qos: 2 })
  const publisher = new TestClient(world, { clientIdentifier: "p" })
  for (let i = 0; i < 20; i++) publisher.publish("t", `${i}`, { qos: 1 + (i % 2) })
  world.run()
  assert.strictEqual(first.messages.length, 10)
  return { world, first, publisher }
}

const facts = (client: TestClient): ReadonlyArray<string> =>
  client.messages.map(
    ({ payload, packetIdentifier, duplicate, qos }) => `${payload} ${packetIdentifier} ${qos}${duplicate ? " DUP" : ""}`
  )

describe("a resumed session", () => {
  it("repeats what is open, in order, under the same identifiers, then goes on", () => {
    const { world, first } = scene()
    first.peer.cut()
    const second = persistent(world, 10)
    assert.deepEqual(
      facts(second),
      facts(first).map((fact) => `${fact} DUP`)
    )
    second.acknowledges = true
    for (const { packetIdentifier, qos } of second.messages) second.acknowledge(qos === 1 ? 4 : 5, packetIdentifier)
    world.run()
    assert.deepEqual(
      second.texts,
      Array.from({ length: 20 }, (_, i) => `${i}`)
    )
  })

  it("repeats through a smaller window, and nothing new before all of it", () => {
    const { world, first } = scene()
    first.peer.cut()
    const second = persistent(world, 3)
    const order: Array<string> = []
    for (let seen = 0; seen < second.all.length; seen++) {
      const packet = second.all[seen] as packets.Received
      if (packet.type === 3) order.push(packet.payload.toString())
      const open = world.core.sessions.get("s")?.window.inFlight ?? 0
      assert.isTrue(open <= 10)
      if (packet.type === 3) second.acknowledge(packet.qos === 1 ? 4 : 5, packet.packetIdentifier)
      if (packet.type === 6) second.acknowledge(7, packet.packetIdentifier)
      world.run()
    }
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => `${i}`)
    )
    assert.deepEqual(
      facts(second).slice(0, 10),
      facts(first).map((fact) => `${fact} DUP`)
    )
    assert.isTrue(
      facts(second)
        .slice(10)
        .every((fact) => !fact.endsWith("DUP"))
    )
  })

  it("repeats PUBREL, not PUBLISH, where PUBREC had come", () => {
    const { world, first } = scene()
    const released = first.messages.filter(({ qos }) => qos === 2).slice(1, 3)
    for (const { packetIdentifier } of released) first.acknowledge(5, packetIdentifier)
    world.run()
    first.peer.cut()
    const second = persistent(world, 10)
    const ids = released.map(({ packetIdentifier }) => packetIdentifier)
    assert.deepEqual(
      second.of(6).map(({ packetIdentifier }) => packetIdentifier),
      ids
    )
    assert.isTrue(second.messages.every(({ packetIdentifier }) => !ids.includes(packetIdentifier)))
    assert.strictEqual(second.messages.length, 8)
  })

  it("does not repeat what is acknowledged before its turn", () => {
    const { world, first } = scene()
    first.peer.cut()
    const second = persistent(world, 2)
    assert.strictEqual(second.messages.length, 2)
    // It had these on its first connection, and answers them now.
    const early = first.messages.slice(4, 8)
    for (const { packetIdentifier, qos } of early) second.acknowledge(qos === 1 ? 4 : 5, packetIdentifier)
    second.acknowledges = true
    for (const { packetIdentifier, qos } of second.messages) second.acknowledge(qos === 1 ? 4 : 5, packetIdentifier)
    world.run()
    const wanted = [...Array(20).keys()].filter((i) => i < 4 || i >= 8).map((i) => `${i}`)
    assert.deepEqual(second.texts, wanted)
    assert.strictEqual(world.core.sessions.get("s")?.window.inFlight, 0)
    assert.strictEqual(world.core.sessions.get("s")?.mode, SessionMode.live)
  })

  it("has a row for what was open and is no longer in the ring", () => {
    const world = new World({ log: new MemoryLog({ limitBytes: 262_144 }) })
    const first = persistent(world, 5)
    first.subscribe("t", { qos: 1 })
    const quick = new TestClient(world, { clientIdentifier: "q" })
    quick.subscribe("#", { qos: 1 })
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (let i = 0; i < 5; i++) publisher.publish("t", `${i}`, { qos: 1 })
    world.run()
    first.peer.cut()
    for (let i = 0; i < 1000; i++) {
      publisher.publish("other", Buffer.alloc(500), { qos: 1, retain: true })
      world.run()
    }
    const second = persistent(world, 5)
    assert.strictEqual(second.messages.length, 0)
    assert.strictEqual(world.dropped("s", DropReason.overtaken), 5)
    assert.strictEqual(world.core.sessions.get("s")?.window.inFlight, 0)
  })
})

describe("a subscription that changes", () => {
  it("may do so any number of times while nothing waits", () => {
    const world = new World()
    const client = persistent(world, 10)
    client.acknowledges = true
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (let i = 0; i < 50; i++) {
      client.subscribe("t", { qos: i % 3 })
      publisher.publish("t", `${i}`, { qos: 2 })
      world.run()
    }
    assert.isTrue(client.of(9).every(({ codes }) => (codes[0] as number) < 3))
    assert.deepEqual(
      client.messages.map(({ qos }) => qos),
      Array.from({ length: 50 }, (_, i) => i % 3)
    )
  })

  it("is refused with 0x97 when what waits needs sixteen different options, and works again afterwards", () => {
    const world = new World()
    const client = persistent(world, 1)
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (let i = 0; i < 18; i++) {
      client.subscribe("t", { qos: 1, subscriptionIdentifier: i + 1 })
      publisher.publish("t", `${i}`, { qos: 1 })
      world.run()
    }
    const codes = client.of(9).map(({ codes: [code] }) => code)
    assert.deepEqual(codes.slice(0, 16), Array(16).fill(1))
    assert.deepEqual(codes.slice(16), [0x97, 0x97])
    client.acknowledges = true
    for (const { packetIdentifier } of client.messages) client.acknowledge(4, packetIdentifier)
    world.run()
    assert.deepEqual(
      client.messages.map(({ identifiers }) => identifiers[0]),
      [...Array(16).keys(), 15, 15].map((i) => i + 1)
    )
    client.subscribe("t", { qos: 1, subscriptionIdentifier: 99 })
    world.run()
    assert.strictEqual(client.of(9).at(-1)?.codes[0], 1)
  })
})

describe("acknowledgements with a log that promises late", () => {
  it("leave when the message is kept, in order, each to the connection that asked", () => {
    const late = new LateLog(new MemoryLog({ limitBytes: 1_048_576 }))
    const world = new World({ log: late })
    const subscriber = persistent(world, 10)
    subscriber.subscribe("t", { qos: 2 })
    const publisher = new TestClient(world, { clientIdentifier: "p", sessionExpirySeconds: 100 })
    world.run()
    publisher.acknowledges = false
    const ids = [1, 2, 1, 2].map((qos) => publisher.publish("t", "x", { qos }))
    late.showTail()
    world.run()
    assert.strictEqual(subscriber.messages.length, 4, "delivery waits for the tail, not for the promise")
    const told = (): ReadonlyArray<string> =>
      publisher.all
        .filter(({ type }) => type === 4 || type === 5)
        .map((each) => `${each.type} ${each.packetIdentifier}`)
    assert.deepEqual(told(), [])
    late.promise(3)
    world.run()
    assert.deepEqual(told(), [`4 ${ids[0]}`, `5 ${ids[1]}`, `4 ${ids[2]}`])
    // The last one is repeated on a new connection before it is kept.
    publisher.peer.cut()
    const again = new TestClient(world, { clientIdentifier: "p", sessionExpirySeconds: 100 })
    again.publish("t", "x", { qos: 2, packetIdentifier: ids[3] as number, duplicate: true })
    world.run()
    assert.deepEqual(again.of(5), [])
    late.promise()
    world.run()
    assert.deepEqual(
      again.of(5).map(({ packetIdentifier }) => packetIdentifier),
      [ids[3]]
    )
    assert.strictEqual(subscriber.messages.length, 4)
  })
})
