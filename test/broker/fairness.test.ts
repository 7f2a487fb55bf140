/**
 * Goal: what protects everybody from somebody: caps of queues, quotas of users, bans, flapping, and the steps that the
 * broker takes when memory or the event loop runs short. Each refusal has its code, each drop its row.
 * Method: a broker without time; memory and lag are what the test says.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { enforceBan } from "../../src/broker/admission.ts"
import { levelOf, lookAtMemory, MemoryLevel } from "../../src/broker/memory-ceiling.ts"
import { capQueue, LOOK_MS, watchQueues } from "../../src/broker/queue-caps.ts"
import { lookAtLoad } from "../../src/broker/watch-load.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { TestClient } from "./test-client.ts"
import { World, type WorldOptions } from "./world.ts"

const CONNACK = 2
const SUBACK = 9
const DISCONNECT = 14

const setUp = (options: WorldOptions = {}) => {
  const world = new World(options)
  const connect = (clientIdentifier: string, more: Partial<ConstructorParameters<typeof TestClient>[1]> = {}) => {
    const client = new TestClient(world, { clientIdentifier, ...more })
    world.run()
    return client
  }
  const codeOf = (client: TestClient) => client.of(CONNACK)[0]?.reasonCode
  return { world, connect, codeOf }
}

describe("limits.max-queued-messages and -bytes", () => {
  const away = (limits: WorldOptions["limits"], messages: number, sizeBytes = 4, connectedReader = false) => {
    const { connect, world } = setUp({ limits: limits ?? {} })
    watchQueues(world.core)
    const reader = connect("reader", { sessionExpirySeconds: 1000 })
    reader.subscribe("q/#", { qos: 1 })
    world.run()
    if (connectedReader) reader.acknowledges = false
    else reader.disconnect()
    const publisher = connect("p")
    for (let i = 0; i < messages; i++) publisher.publish("q/t", Buffer.from(`${i}`.padStart(sizeBytes)), { qos: 1 })
    world.run()
    for (let step = 0; step < 5; step++) {
      world.advance(LOOK_MS)
      world.run()
    }
    return { world, connect, reader }
  }
  const numbersOf = (client: TestClient) => client.texts.map(Number)

  it("drop the oldest of a session that is away; each has a row; the newest arrive in order", () => {
    const { connect, world } = away({ queuedMessagesMax: 10 }, 25)
    assert.strictEqual(world.dropped("reader", DropReason.queueFull), 15)
    const back = connect("reader", { sessionExpirySeconds: 1000, cleanStart: false })
    world.run()
    assert.deepStrictEqual(
      numbersOf(back),
      Array.from({ length: 10 }, (_, i) => 15 + i)
    )
  })

  it("count in bytes by the size of what waits", () => {
    const { connect, world } = away({ queuedBytesMax: 10_000, packetSizeBytesMax: 4096 }, 40, 1000)
    const back = connect("reader", { sessionExpirySeconds: 1000, cleanStart: false })
    world.run()
    assert.isAtLeast(back.texts.length, 7)
    assert.isAtMost(back.texts.length, 10)
    assert.strictEqual(numbersOf(back).at(-1), 39)
    assert.strictEqual(world.dropped("reader", DropReason.queueFull), 40 - back.texts.length)
  })

  it("leave what is under way alone, and what is below the cap", () => {
    const { reader, world } = away({ queuedMessagesMax: 10, inFlightMax: 5 }, 25, 4, true)
    assert.strictEqual(world.dropped("reader", DropReason.queueFull), 10)
    reader.acknowledges = true
    for (const { packetIdentifier } of reader.messages) reader.acknowledge(4, packetIdentifier)
    world.run()
    assert.deepStrictEqual(numbersOf(reader), [0, 1, 2, 3, 4, ...Array.from({ length: 10 }, (_, i) => 15 + i)])
    assert.strictEqual(away({ queuedMessagesMax: 30 }, 25).world.dropped("reader"), 0)
    assert.strictEqual(away({ queuedMessagesMax: 0, queuedBytesMax: 0 }, 25).world.dropped("reader"), 0)
  })

  it("hold for a shared subscription whose members are all away", () => {
    const { connect, world } = setUp({ limits: { queuedMessagesMax: 5 } })
    watchQueues(world.core)
    const member = connect("m", { sessionExpirySeconds: 1000 })
    member.subscribe("$share/g/t", { qos: 1 })
    world.run()
    member.disconnect()
    const publisher = connect("p")
    for (let i = 0; i < 12; i++) publisher.publish("t", `${i}`, { qos: 1 })
    world.run()
    world.advance(LOOK_MS)
    world.run()
    assert.strictEqual(world.dropped("$share/g/t", DropReason.queueFull), 7)
    const back = connect("m", { sessionExpirySeconds: 1000, cleanStart: false })
    world.run()
    assert.deepStrictEqual(back.texts, ["7", "8", "9", "10", "11"])
  })

  it("a look at a live session costs nothing and changes nothing", () => {
    const { connect, world } = setUp()
    connect("reader").subscribe("t", { qos: 1 })
    world.run()
    const session = world.core.sessions.get("reader")
    assert.isDefined(session)
    if (session !== undefined) capQueue(world.core, session)
    assert.strictEqual(world.dropped("reader"), 0)
  })
})

describe("quotas of users", () => {
  it("refuse a connection above it with 0x97, count a take-over once, and free what has left", () => {
    const { codeOf, connect } = setUp({ limits: { connectionsPerUserMax: 2 } })
    const one = connect("a", { username: "u" })
    connect("b", { username: "u" })
    assert.strictEqual(codeOf(connect("c", { username: "u" })), 0x97)
    assert.strictEqual(codeOf(connect("b", { username: "u" })), 0)
    assert.strictEqual(codeOf(connect("d", { username: "other" })), 0)
    assert.strictEqual(codeOf(connect("e")), 0)
    one.disconnect()
    assert.strictEqual(codeOf(connect("c", { username: "u" })), 0)
  })

  it("of messages begin anew at 00:00 UTC, and not before", () => {
    const { connect, world } = setUp({ limits: { userMessagesPerDayMax: 2 } })
    const client = connect("a", { username: "u" })
    const refusedOf = (count: number): number => {
      const before = world.core.ledger.total(DropReason.userQuota)
      for (let i = 0; i < count; i++) client.publish("t", "x")
      world.run()
      return world.core.ledger.total(DropReason.userQuota) - before
    }
    const { quotas } = world.core.fairness
    assert.strictEqual(refusedOf(3), 1)
    world.advance(quotas.endsAtMs - world.wallMs - 1)
    assert.strictEqual(refusedOf(1), 1)
    world.advance(1)
    assert.strictEqual(quotas.endsAtMs, world.wallMs)
    assert.strictEqual(refusedOf(3), 1)
    assert.strictEqual(quotas.endsAtMs % 86_400_000, 0)
  })

  it("refuse a filter above it with 0x97", () => {
    const { connect, world } = setUp({ limits: { subscriptionsPerUserMax: 2 } })
    const clients = [connect("a", { username: "u" }), connect("b", { username: "u" })]
    for (const client of clients) for (const filter of ["x", "y"]) client.subscribe(filter)
    world.run()
    const codes = clients.map((client) => client.of(SUBACK).flatMap(({ codes: told }) => told))
    assert.deepStrictEqual(codes, [
      [0, 0],
      [0x97, 0x97]
    ])
  })
})

describe("bans", () => {
  const ban = (world: World, kind: "client" | "user" | "address", value: string, forMs?: number) =>
    world.core.fairness.bans.add(
      {
        kind,
        value,
        why: "test",
        by: "test",
        createdAtMs: 0,
        untilMs: forMs === undefined ? undefined : world.wallMs + forMs
      },
      world.wallMs
    )

  it("by client id and user name answer 0x8A until they end, and disconnect who is there", () => {
    const { codeOf, connect, world } = setUp()
    const there = connect("c1")
    ban(world, "client", "c1", 5000)
    enforceBan(world.core)
    world.run()
    assert.strictEqual(there.of(DISCONNECT)[0]?.reasonCode, 0x98)
    assert.strictEqual(codeOf(connect("c1")), 0x8a)
    assert.strictEqual(codeOf(connect("c2")), 0)
    ban(world, "user", "mallory")
    assert.strictEqual(codeOf(connect("c3", { username: "mallory" })), 0x8a)
    world.advance(5001)
    assert.strictEqual(codeOf(connect("c1")), 0)
    assert.strictEqual(codeOf(connect("c3", { username: "mallory" })), 0x8a)
  })
})

describe("a memory ceiling", () => {
  it("goes up and down in steps, each with room before it is left", () => {
    assert.deepStrictEqual(
      [0.5, 0.75, 0.8, 0.85, 0.9, 0.97, 2].map((share) => levelOf(share, 0)),
      [0, 1, 2, 3, 4, 5, 5]
    )
    assert.strictEqual(levelOf(0.88, MemoryLevel.shed), MemoryLevel.shed)
    assert.strictEqual(levelOf(0.86, MemoryLevel.shed), MemoryLevel.refuse)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2, noNaN: true }), fc.integer({ min: 0, max: 5 }), (share, before) => {
        const level = levelOf(share, before)
        assert.strictEqual(levelOf(share, level), level)
        assert.isAtLeast(level, levelOf(share, 0))
      })
    )
  })

  it("refuses connections with 0x89, drops QoS 0 with a row, slows publishers, and ends all of it again", () => {
    const { codeOf, connect, world } = setUp()
    const reader = connect("reader")
    reader.subscribe("t", { qos: 1 })
    const publisher = connect("p")
    lookAtMemory(world.core, 80, 100)
    for (let i = 0; i < 3; i++) publisher.publish("t", `slow ${i}`)
    world.run()
    assert.deepStrictEqual(reader.texts, ["slow 0"])
    lookAtMemory(world.core, 90, 100)
    world.advance(100)
    world.run()
    assert.deepStrictEqual(reader.texts, ["slow 0"])
    assert.strictEqual(world.dropped("p", DropReason.memoryCeiling), 2)
    lookAtMemory(world.core, 10, 100)
    world.advance(100)
    publisher.publish("t", "again")
    world.run()
    assert.strictEqual(reader.texts.at(-1), "again")
    assert.strictEqual(codeOf(connect("late")), 0)
  })

  it("disconnects the greediest with 0x97, and no one who has nothing", () => {
    const { connect, world } = setUp({ outboxBytesMax: 1_000_000 })
    const readers = [connect("small"), connect("greedy"), connect("none")]
    for (const reader of readers.slice(0, 2)) reader.subscribe("t")
    readers[1]?.subscribe("more")
    const publisher = connect("p")
    for (const reader of readers) reader.peer.stall()
    publisher.publish("t", Buffer.alloc(20_000))
    publisher.publish("more", Buffer.alloc(20_000))
    world.run()
    lookAtMemory(world.core, 99, 100)
    world.run()
    assert.deepStrictEqual(
      readers.map(({ peer }) => peer.closed),
      [false, true, false]
    )
  })
})

describe("a memory ceiling that is reached by nobody connected", () => {
  it("disconnects nobody", () => {
    const { connect, world } = setUp()
    const clients = [connect("a"), connect("b")]
    lookAtMemory(world.core, 99, 100)
    world.run()
    assert.isFalse(clients.some(({ peer }) => peer.closed))
  })
})

describe("admission by the lag of the event loop", () => {
  it("is a mean: one long turn refuses nobody, however long; a loop that is late all the time does", () => {
    const { world } = setUp({ limits: { loopLagMsMax: 1000 } })
    let nowMs = 0
    const reader = { monotonicMs: () => nowMs, usedBytes: () => 0, availableBytes: () => 100 }
    const look = lookAtLoad(world.core, reader)
    const turn = (ms: number) => {
      nowMs += ms
      look()
    }
    turn(60_000)
    assert.isBelow(world.core.fairness.loopLagMs, 1000)
    for (let i = 0; i < 10; i++) turn(3000)
    assert.isAbove(world.core.fairness.loopLagMs, 1000)
    for (let i = 0; i < 10; i++) turn(250)
    assert.isBelow(world.core.fairness.loopLagMs, 1000)
  })
})
