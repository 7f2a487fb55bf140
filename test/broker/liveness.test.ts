/**
 * What compaction is told: never too little. Small cases by hand; test/broker/restore.test.ts compacts in random
 * histories and crashes afterwards.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { livenessRoots } from "../../src/broker/liveness.ts"
import { flushCursors } from "../../src/broker/save-cursors.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import type { Liveness } from "../../src/store/ports.ts"
import { CrashStore } from "../support/crash-store.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const LONG_SECONDS = 100_000

const stage = () => {
  const store = new CrashStore("plain")
  const world = new World({ log: store.log, sessionStore: store, limits: { sessionExpirySecondsMax: LONG_SECONDS } })
  const join = (clientIdentifier: string, sessionExpirySeconds = LONG_SECONDS) => {
    const client = new TestClient(world, { clientIdentifier, sessionExpirySeconds, receiveMaximum: 2 })
    settle(store, world)
    return client
  }
  return { store, world, join }
}

const settle = (store: CrashStore, world: World): void => {
  for (let before = -1; before !== store.records.length; ) {
    before = store.records.length
    world.run()
    store.promise()
    world.run()
  }
}

/** The promise comes while it waits. */
const prepared = (store: CrashStore, world: World): Effect.Effect<Liveness> =>
  Effect.gen(function* () {
    const answer = yield* Effect.forkChild(livenessRoots(world.core).prepare())
    yield* Effect.yieldNow
    store.promise()
    return yield* Fiber.join(answer)
  })

const idOf = (store: CrashStore, topic: string): number => store.log.topicId(topic)

describe("what compaction may not touch", () => {
  it.live("is nothing of a topic that live sessions have been handed, acknowledged and saved", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const reader = join("R")
      reader.subscribe("a", { qos: 1 })
      for (let i = 0; i < 5; i++) reader.publish("a", `${i}`, { qos: 1 })
      settle(store, world)
      assert.lengthOf(reader.messages, 5)
      const { held, neededFrom } = yield* prepared(store, world)
      assert.isAtLeast(neededFrom(idOf(store, "a")), 5)
      assert.deepEqual(held, [])
    })
  )

  it.live("is what lies above a saved cursor, wherever the session is by now", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const reader = join("R")
      const publisher = join("P")
      reader.subscribe("a", { qos: 1 })
      settle(store, world)
      flushCursors(world.core, 10)
      reader.disconnect()
      for (let i = 0; i < 5; i++) publisher.publish("a", `${i}`, { qos: 1 })
      settle(store, world)
      const { neededFrom } = yield* prepared(store, world)
      assert.strictEqual(neededFrom(idOf(store, "a")), 0)
    })
  )

  it.live("is what a crash would bring back, where the store did not take the newer cursor", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const reader = join("R")
      reader.subscribe("a", { qos: 1 })
      settle(store, world)
      flushCursors(world.core, 10)
      for (let i = 0; i < 3; i++) reader.publish("a", `${i}`, { qos: 1 })
      settle(store, world)
      store.refuses = true
      const { neededFrom } = yield* prepared(store, world)
      assert.strictEqual(neededFrom(idOf(store, "a")), 0)
    })
  )

  it.live("is a hole, and not its neighbours", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const reader = join("R")
      reader.acknowledges = false
      reader.subscribe("a", { qos: 1 })
      for (let i = 0; i < 2; i++) reader.publish("a", `${i}`, { qos: 1 })
      settle(store, world)
      reader.acknowledge(4, reader.messages[1]?.packetIdentifier ?? 0)
      reader.unsubscribe("a")
      settle(store, world)
      const { held, neededFrom } = yield* prepared(store, world)
      assert.deepEqual(held, [0])
      assert.isAtLeast(neededFrom(idOf(store, "a")), 2)
    })
  )

  it.live("is what waits in a shared subscription nobody is connected to", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const member = join("M")
      const publisher = join("P")
      member.acknowledges = false
      member.subscribe("$share/g/a", { qos: 1 })
      settle(store, world)
      for (let i = 0; i < 3; i++) publisher.publish("a", `${i}`, { qos: 1 })
      settle(store, world)
      member.peer.cut()
      settle(store, world)
      const { held, neededFrom } = yield* prepared(store, world)
      const isNeeded = [0, 1, 2].map((at) => at >= neededFrom(idOf(store, "a")) || held.includes(at))
      assert.deepEqual(isNeeded, [true, true, true])
    })
  )

  it.live("is everything that came after the look", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const publisher = join("P")
      const { neededFrom } = yield* prepared(store, world)
      publisher.publish("a", "1", { qos: 1, retain: true })
      settle(store, world)
      assert.isAtMost(neededFrom(idOf(store, "a")), 0)
    })
  )

  it.live("is not what a topic's policy ends by its age: booked once, and passed over", () =>
    Effect.gen(function* () {
      const { join, store, world } = stage()
      const reader = join("R")
      const publisher = join("P")
      reader.subscribe("a", { qos: 1 })
      settle(store, world)
      reader.disconnect()
      for (let i = 0; i < 5; i++) publisher.publish("a", `${i}`, { qos: 1 })
      settle(store, world)
      store.log.agedBelow = () => 3
      for (let again = 0; again < 2; again++) {
        const { neededFrom } = yield* prepared(store, world)
        assert.strictEqual(neededFrom(idOf(store, "a")), 3)
      }
      assert.strictEqual(world.core.ledger.total(DropReason.messageAge), 3)
      const back = join("R")
      settle(store, world)
      assert.deepEqual(back.texts, ["3", "4"])
    })
  )
})
