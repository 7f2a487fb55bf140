/**
 * A stop in the middle of the retained messages that a SUBSCRIBE asked for: after the start the rest comes, under the same
 * identifiers where it was on its way, and what was acknowledged does not come again. Random histories
 * (restore.test.ts) meet that now and then only.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { restore } from "../../src/broker/restore.ts"
import { flushCursors } from "../../src/broker/save-cursors.ts"
import { CrashStore } from "../support/crash-store.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const reader = { clientIdentifier: "reader", cleanStart: false, sessionExpirySeconds: 1000, receiveMaximum: 2 }

const worldOf = async (store: CrashStore): Promise<World> => {
  const world = new World({ log: store.log, sessionStore: store })
  store.bringBackRetained(world.core.retained)
  await Effect.runPromise(restore(world.core))
  return world
}

/** All that was appended so far is kept. */
const keep = (world: World, store: CrashStore): void => {
  world.run()
  store.promise()
  world.run()
}

describe("retained messages on their way when the broker stops", () => {
  it("go on where they were [MQTT-3.3.1-9]", async () => {
    const store = new CrashStore("bytes")
    const world = await worldOf(store)
    const publisher = new TestClient(world, { clientIdentifier: "publisher" })
    for (const number of [1, 2, 3, 4, 5, 6]) publisher.publish(`r/${number}`, `${number}`, { qos: 1, retain: true })
    keep(world, store)
    const first = new TestClient(world, reader)
    first.acknowledges = false
    keep(world, store)
    first.subscribe("r/+", { qos: 1 })
    keep(world, store)
    assert.deepEqual(first.texts, ["1", "2"])
    for (const { packetIdentifier } of first.messages) first.acknowledge(4, packetIdentifier)
    keep(world, store)
    assert.deepEqual(first.texts, ["1", "2", "3", "4"])
    flushCursors(world.core, Number.POSITIVE_INFINITY)
    keep(world, store)

    const later = store.crash(store.records.length)
    const again = await worldOf(later)
    const second = new TestClient(again, reader)
    keep(again, later)
    assert.deepEqual(second.texts, ["3", "4", "5", "6"])
  })
})
