/**
 * Publishers wait while the log is under pressure: who, for how long, and what counts against nobody.
 */
import { assert, describe, it } from "@effect/vitest"
import { MESSAGES_AFTER_WAIT, PRESSURE_GO, PRESSURE_STOP } from "../../src/broker/slow-down.ts"
import { lookAtSync } from "../../src/broker/watch-disk.ts"
import { slowWorld } from "./slow-world.ts"
import type { TestClient } from "./test-client.ts"

const PUBACK = 4

const setUp = () => {
  const slow = slowWorld()
  const { connect, settle } = slow
  const reader = connect("reader")
  reader.subscribe("t", { qos: 1 })
  settle()
  const told = (client: TestClient) => client.of(PUBACK).length
  return { ...slow, reader, told }
}

describe("a log under pressure", () => {
  it("stops the publisher at QoS 1 and 2, behind the message that met it, and nobody else", () => {
    const { connect, reader, settle, store, told } = setUp()
    const publisher = connect("p")
    const other = connect("other")
    store.pressure = PRESSURE_STOP - 0.01
    publisher.publish("t", "0", { qos: 1 })
    publisher.publish("t", "1", { qos: 1 })
    settle()
    assert.strictEqual(told(publisher), 2)
    store.pressure = PRESSURE_STOP
    publisher.publish("t", "2", { qos: 1 })
    publisher.publish("t", "3", { qos: 1 })
    other.publish("t", "4", { qos: 0 })
    other.publish("t", "5", { qos: 0 })
    settle()
    assert.strictEqual(told(publisher), 3)
    assert.deepEqual(reader.texts, ["0", "1", "2", "4", "5"])
  })

  it("lets them go on when it has gone, one after the other while it stays away", () => {
    const { connect, settle, store, told } = setUp()
    const publishers = [connect("p1"), connect("p2")]
    store.pressure = 1
    for (const publisher of publishers) {
      for (let i = 0; i < 3; i++) publisher.publish("t", `${i}`, { qos: 1 })
    }
    settle()
    assert.deepEqual(publishers.map(told), [1, 1])
    store.pressure = PRESSURE_GO
    settle()
    assert.deepEqual(publishers.map(told), [1, 1])
    store.pressure = PRESSURE_GO - 0.01
    settle()
    assert.deepEqual(publishers.map(told), [3, 3])
  })

  it("is looked at from time to time, when the log says nothing", () => {
    const { connect, settle, store, told, world } = setUp()
    const publisher = connect("p")
    store.pressure = 1
    publisher.publish("t", "0", { qos: 1 })
    publisher.publish("t", "1", { qos: 1 })
    settle()
    store.pressure = 0
    assert.strictEqual(told(publisher), 1)
    world.advance(200)
    settle()
    assert.strictEqual(told(publisher), 2)
    assert.strictEqual(world.core.slowed.clients.size, 0)
  })

  it("keeps a connection waiting a tenth of a second at most, and lets it send some before it waits again", () => {
    const { connect, settle, store, told, world } = setUp()
    const both = connect("both")
    both.acknowledges = false
    both.subscribe("t", { qos: 1 })
    settle()
    store.pressure = 1
    const publisher = connect("p")
    const count = 1 + 3 * MESSAGES_AFTER_WAIT
    for (const client of [both, publisher]) for (let i = 0; i < count; i++) client.publish("t", `${i}`, { qos: 1 })
    settle()
    assert.deepEqual([told(both), told(publisher)], [1, 1])
    both.acknowledge(PUBACK, 1)
    for (let tick = 1; tick <= 3; tick++) {
      world.advance(100)
      settle()
      const expected = 1 + tick * MESSAGES_AFTER_WAIT
      assert.deepEqual([told(both), told(publisher)], [expected, expected])
    }
    world.advance(100)
    settle()
    assert.strictEqual(world.core.sessions.get("both")?.window.state(1), 0, "its PUBACK was read")
  })

  it("counts against nobody's keep-alive, and the time starts anew afterwards", () => {
    const { connect, settle, world } = setUp()
    const publisher = connect("p", { keepAliveSeconds: 1 })
    world.core.isDiskStalled = true
    publisher.publish("t", "0", { qos: 1 })
    settle()
    for (let i = 0; i < 52; i++) world.advance(100)
    assert.isFalse(publisher.peer.closed)
    world.core.isDiskStalled = false
    settle()
    for (let i = 0; i < 14; i++) world.advance(100)
    settle()
    assert.isFalse(publisher.peer.closed)
    for (let i = 0; i < 10; i++) world.advance(100)
    settle()
    assert.isTrue(publisher.peer.closed)
  })

  it("whom the log refuses does not wait as well", () => {
    const { connect, settle, store, told } = setUp()
    const publisher = connect("p")
    store.pressure = 1
    store.refuse = "memory"
    for (let i = 0; i < 3; i++) publisher.publish("t", `${i}`, { qos: 1 })
    settle()
    assert.strictEqual(told(publisher), 3)
  })

  it("is what a sync means that does not end: only who has deliveries to acknowledge is heard meanwhile", () => {
    const { connect, settle, told, world } = setUp()
    const publisher = connect("p")
    const both = connect("both")
    both.acknowledges = false
    both.subscribe("t", { qos: 1 })
    settle()
    let sinceMs = 5
    const look = lookAtSync(world.core, () => sinceMs)
    const wait = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) world.advance(100)
      look()
      settle()
    }
    look()
    wait(world.core.limits.stalledSyncMs - 100)
    sinceMs = 6
    wait(world.core.limits.stalledSyncMs)
    assert.isFalse(world.core.isDiskStalled, "another sync, and not long enough")
    wait(world.core.limits.stalledSyncMs)
    assert.isTrue(world.core.isDiskStalled)
    for (const client of [publisher, both]) for (let i = 0; i < 3; i++) client.publish("t", `${i}`, { qos: 1 })
    settle()
    assert.deepEqual([told(publisher), told(both)], [1, 1])
    wait(1000)
    assert.deepEqual([told(publisher), told(both)], [1, 3])
    sinceMs = 0
    wait(0)
    assert.deepEqual([told(publisher), told(both)], [3, 3])
  })
})
