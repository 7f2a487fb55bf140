/**
 * Goal: a client publishes, and is published to, no faster than its rate; nobody else notices; what is dropped is in the
 * ledger.
 * Method: a broker without time: the clock moves when the test says so.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { RateBucket } from "../../src/broker/rate-bucket.ts"
import { settleThrottles } from "../../src/broker/throttle.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const PUBACK = 4
const DISCONNECT = 14

describe("a bucket", () => {
  it("over any time lets through no more than its burst and its rate, and no less than its rate", () => {
    const steps = fc.array(
      fc.record({ ms: fc.integer({ min: 0, max: 500 }), wanted: fc.integer({ min: 0, max: 40 }) }),
      {
        maxLength: 60
      }
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 10, max: 3000 }),
        steps,
        (rate, burstMs, all) => {
          const bucket = new RateBucket(rate, 0, burstMs, 0)
          const burst = Math.max(1, (rate * burstMs) / 1000)
          let nowMs = 0
          let passed = 0
          for (const { ms, wanted } of all) {
            nowMs += ms
            for (let tried = 0; tried < wanted && !bucket.isEmpty(nowMs); tried++) {
              bucket.take(1, 100)
              passed += 1
            }
            assert.isAtMost(passed, burst + (rate * nowMs) / 1000 + 1e-6)
          }
          // What is promised for later holds: after the wait there is one more.
          if (bucket.isEmpty(nowMs)) assert.isFalse(bucket.isEmpty(nowMs + bucket.waitMs + 1e-6))
        }
      )
    )
  })

  it("of bytes makes up for a message larger than it", () => {
    const bucket = new RateBucket(0, 1000, 1000, 0)
    bucket.take(1, 5000)
    assert.isTrue(bucket.isEmpty(3999))
    assert.isFalse(bucket.isEmpty(4002))
  })
})

const setUp = (limits: ConstructorParameters<typeof World>[0] = {}) => {
  const world = new World(limits)
  const connect = (clientIdentifier: string, sessionExpirySeconds = 0): TestClient => {
    const client = new TestClient(world, { clientIdentifier, sessionExpirySeconds })
    world.run()
    return client
  }
  return { world, connect }
}

describe("limits.publish-rate", () => {
  it("stops reading a publisher above it, and goes on as time passes; others are not held up", () => {
    const { connect, world } = setUp({ limits: { publishRate: 10, publishBurstMs: 500 } })
    const reader = connect("reader")
    reader.subscribe("t")
    const fast = connect("fast")
    const other = connect("other")
    for (let i = 0; i < 20; i++) fast.publish("t", `${i}`)
    for (let i = 0; i < 3; i++) other.publish("t", "other")
    world.run()
    assert.strictEqual(reader.texts.filter((text) => text !== "other").length, 5)
    assert.strictEqual(reader.texts.filter((text) => text === "other").length, 3)
    for (let step = 0; step < 10; step++) {
      world.advance(100)
      world.run()
    }
    const heard = reader.texts.filter((text) => text !== "other")
    assert.strictEqual(heard.length, 15)
    assert.deepStrictEqual(
      heard,
      [...heard].sort((a, b) => Number(a) - Number(b))
    )
    world.advance(10_000)
    world.run()
    assert.strictEqual(reader.texts.filter((text) => text !== "other").length, 20)
    assert.isFalse(fast.peer.closed)
  })

  it("holds for bytes, and for QoS 1: the PUBACK comes with the message", () => {
    const { connect, world } = setUp({ limits: { publishRateBytes: 1000, publishBurstMs: 1000 } })
    const fast = connect("fast")
    for (let i = 0; i < 6; i++) fast.publish("t", Buffer.alloc(500), { qos: 1 })
    world.run()
    assert.strictEqual(fast.of(PUBACK).length, 2)
    world.advance(10_000)
    world.run()
    assert.isAbove(fast.of(PUBACK).length, 2)
  })

  it("waiting is no silence: keep-alive does not end a client that we do not read from", () => {
    const { connect, world } = setUp({ limits: { publishRate: 1, publishBurstMs: 1000 } })
    const fast = new TestClient(world, { clientIdentifier: "fast", keepAliveSeconds: 1 })
    world.run()
    for (let i = 0; i < 30; i++) fast.publish("t", `${i}`)
    for (let step = 0; step < 200; step++) {
      world.advance(100)
      world.run()
    }
    assert.isFalse(fast.peer.closed)
    connect("other")
  })

  it("or ends the connection with 0x96", () => {
    const { connect, world } = setUp({ limits: { publishRate: 10, publishBurstMs: 100, onPublishRate: "disconnect" } })
    const fast = connect("fast")
    for (let i = 0; i < 3; i++) fast.publish("t", `${i}`)
    world.run()
    assert.strictEqual(fast.of(DISCONNECT)[0]?.reasonCode, 0x96)
    assert.isTrue(fast.peer.closed)
  })

  it("that is raised at run time lets those go on who waited", () => {
    const { connect, world } = setUp({ limits: { publishRate: 1, publishBurstMs: 1000 } })
    const reader = connect("reader")
    reader.subscribe("t")
    const fast = connect("fast")
    for (let i = 0; i < 5; i++) fast.publish("t", `${i}`)
    world.run()
    assert.strictEqual(reader.texts.length, 1)
    world.core.limits = { ...world.core.limits, publishRate: 0 }
    for (const client of world.core.clients) if (client !== undefined) settleThrottles(world.core, client)
    world.run()
    assert.strictEqual(reader.texts.length, 5)
  })
})

describe("limits.delivery-rate", () => {
  it("drops QoS 0 above it with a row in the ledger, for this client only", () => {
    const { connect, world } = setUp({ limits: { deliveryRate: 5 } })
    const readers = [connect("r1"), connect("r2")]
    for (const reader of readers) reader.subscribe("t")
    const publisher = connect("p")
    for (let i = 0; i < 8; i++) publisher.publish("t", `${i}`)
    world.run()
    for (const reader of readers) {
      assert.strictEqual(reader.texts.length, 5)
      assert.strictEqual(world.dropped(reader.name, DropReason.deliveryRate), 3)
    }
    world.advance(1000)
    publisher.publish("t", "later")
    world.run()
    assert.strictEqual(readers[0]?.texts.at(-1), "later")
  })

  it("makes QoS 1 and 2 wait in the log: nothing is lost, and the order stays", () => {
    for (const qos of [1, 2] as const) {
      const { connect, world } = setUp({ limits: { deliveryRate: 5, inFlightMax: 100 } })
      const reader = connect("reader", 100)
      reader.subscribe("t", { qos })
      const publisher = connect("p")
      for (let i = 0; i < 30; i++) publisher.publish("t", `${i}`, { qos })
      world.run()
      assert.isBelow(reader.texts.length, 12)
      for (let step = 0; step < 100; step++) {
        world.advance(100)
        world.run()
      }
      assert.deepStrictEqual(
        reader.texts,
        Array.from({ length: 30 }, (_, i) => `${i}`)
      )
      assert.strictEqual(world.dropped("reader"), 0)
    }
  })

  it("a member of a shared subscription that has to wait is passed over", () => {
    const { connect, world } = setUp({ limits: { deliveryRate: 2 } })
    const members = [connect("m1"), connect("m2")]
    for (const member of members) member.subscribe("$share/g/t", { qos: 1 })
    const publisher = connect("p")
    for (let i = 0; i < 10; i++) publisher.publish("t", `${i}`, { qos: 1 })
    world.run()
    for (const member of members) assert.isAtMost(member.texts.length, 4)
    for (let step = 0; step < 60; step++) {
      world.advance(100)
      world.run()
    }
    const all = members.flatMap(({ texts }) => texts).sort((a, b) => Number(a) - Number(b))
    assert.deepStrictEqual(
      all,
      Array.from({ length: 10 }, (_, i) => `${i}`)
    )
  })
})
