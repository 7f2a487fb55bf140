/**
 * Retained messages sent at SUBSCRIBE: a cursor, not a list. All of them come, through any window and any
 * congestion, and per topic the value seen last is the newest, whatever changes meanwhile.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const MANY = 100_000

const fill = (world: World, count: number, qos = 1): TestClient => {
  const publisher = new TestClient(world, { clientIdentifier: "p" })
  for (let i = 0; i < count; i++) publisher.publish(`site/${i % 100}/${i}`, `value ${i}`, { retain: true, qos })
  world.run()
  return publisher
}

describe("retained messages at SUBSCRIBE", () => {
  it("come all, once each, through a window of twenty", { timeout: 120_000 }, () => {
    const world = new World({ outboxBytesMax: 4096 })
    fill(world, MANY)
    const subscriber = new TestClient(world, { clientIdentifier: "s", receiveMaximum: 20 })
    const seen = new Set<string>()
    let open = 0
    let most = 0
    subscriber.acknowledges = false
    subscriber.onMessage = (packet) => {
      assert.isFalse(seen.has(packet.topic), `${packet.topic} came twice`)
      assert.isTrue(packet.retain)
      seen.add(packet.topic)
      most = Math.max(most, ++open)
      subscriber.all.length = 0
      world.later(() => {
        open -= 1
        subscriber.acknowledge(4, packet.packetIdentifier)
      })
    }
    subscriber.subscribe("#", { qos: 1 })
    world.run()
    assert.strictEqual(seen.size, MANY)
    assert.strictEqual(most, 20)
    assert.strictEqual(world.core.sessions.get("s")?.window.inFlight, 0)
  })

  it("come all at QoS 0 too, though the client is slow to take them", () => {
    const world = new World({ outboxBytesMax: 2048 })
    fill(world, 5000, 0)
    const subscriber = new TestClient(world, { clientIdentifier: "s" })
    subscriber.subscribe("site/#")
    for (let i = 0; subscriber.messages.length < 5000 && i < 5000; i++) {
      subscriber.peer.stall()
      world.run()
      assert.isAtMost(subscriber.peer.unsentBytes, 2048 + 65_536)
      subscriber.peer.unstall()
      world.run(3)
    }
    world.run()
    assert.strictEqual(new Set(subscriber.messages.map(({ topic }) => topic)).size, 5000)
    assert.strictEqual(subscriber.messages.length, 5000)
  })

  it("end with the newest value of every topic, whatever changes while they are sent", () => {
    const change = fc.record({ topic: fc.nat(29), verb: fc.nat(9), turns: fc.nat(4) })
    const property = fc.property(
      fc.array(change, { maxLength: 80, size: "max" }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(2),
      (changes, receiveMaximum, qos) => {
        const world = new World({ outboxBytesMax: 300 })
        const publisher = new TestClient(world, { clientIdentifier: "p" })
        const values = new Map<string, string>()
        let version = 0
        const set = (topic: string, value: string): void => {
          // One QoS per topic: between two of them the standard knows no order.
          publisher.publish(topic, value, { retain: true, qos: topic.length % 2 === 0 ? 0 : 2 })
          values.set(topic, value)
        }
        for (let i = 0; i < 20; i++) set(`t/${i}`, `old ${version++}`)
        const subscriber = new TestClient(world, { clientIdentifier: "s", receiveMaximum })
        world.run()
        subscriber.subscribe("t/#", { qos })
        for (const { topic, verb, turns } of changes) {
          if (verb < 6) set(`t/${topic}`, `new ${version++}`)
          else if (verb === 6) set(`t/${topic}`, "")
          else if (verb === 7) subscriber.peer.stall()
          else subscriber.peer.unstall()
          world.run(turns)
        }
        subscriber.peer.unstall()
        world.run()
        const last = new Map<string, string>()
        for (const { topic, payload } of subscriber.messages) last.set(topic, payload.toString())
        const texts = subscriber.texts.filter((text) => text !== "")
        assert.strictEqual(new Set(texts).size, texts.length, "no value comes twice, live and retained")
        // At QoS 0 a live value may meet a full outbox: then there is a row.
        const lost = new Set(world.rows("s", DropReason.outgoingBufferFull).map((row) => row.topic))
        for (const [topic, value] of values)
          if (!lost.has(topic)) assert.strictEqual(last.get(topic) ?? "", value, topic)
      }
    )
    fc.assert(property, { numRuns: 300 })
  })

  it("are repeated after a reconnect as they were: same value, same identifiers", () => {
    const world = new World()
    fill(world, 3)
    const first = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 100 })
    first.acknowledges = false
    first.subscribe("#", { qos: 1, subscriptionIdentifier: 7 })
    world.run()
    first.peer.cut()
    const second = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 100 })
    world.run()
    const facts = (client: TestClient) =>
      client.messages.map(({ topic, payload, packetIdentifier, identifiers, retain }) =>
        [topic, payload.toString(), packetIdentifier, identifiers, retain].join()
      )
    assert.strictEqual(first.messages.length, 3)
    assert.deepEqual(facts(second), facts(first))
    assert.isTrue(second.messages.every(({ duplicate }) => duplicate))
  })

  it("go on where they were when a persistent session comes back", () => {
    const world = new World()
    fill(world, 50)
    const first = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 100, receiveMaximum: 10 })
    first.acknowledges = false
    first.subscribe("#", { qos: 1 })
    world.run()
    assert.strictEqual(first.messages.length, 10)
    first.peer.cut()
    const second = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 100, receiveMaximum: 10 })
    world.run()
    assert.strictEqual(new Set(second.messages.map(({ topic }) => topic)).size, 50)
    assert.strictEqual(second.messages.length, 50)
  })

  it("stop with UNSUBSCRIBE, and begin anew with a new SUBSCRIBE", () => {
    const world = new World()
    fill(world, 50)
    const client = new TestClient(world, { clientIdentifier: "s", receiveMaximum: 5 })
    client.acknowledges = false
    client.subscribe("#", { qos: 1 })
    world.run()
    client.unsubscribe("#")
    client.acknowledges = true
    for (const { packetIdentifier } of client.messages) client.acknowledge(4, packetIdentifier)
    world.run()
    assert.strictEqual(client.messages.length, 5)
    client.subscribe("#", { qos: 1 })
    world.run()
    assert.strictEqual(client.messages.length, 55)
  })
})
