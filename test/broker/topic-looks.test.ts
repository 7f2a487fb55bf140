/**
 * Goal: while somebody asks for topics each topic's latest message is at hand, also where nobody keeps it; while nobody
 * does there is nothing in the way of a message, and however many topics there are, memory has a bound.
 * Method: a broker without time or sockets.
 */
import { assert, describe, it } from "@effect/vitest"
import { looksOf, type SeenTopic } from "../../src/broker/topic-looks.ts"
import * as packets from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const setUp = () => {
  const world = new World({ cachedEntriesMax: 4096 })
  const client = new TestClient(world, { clientIdentifier: "a" })
  world.run()
  return { client, world }
}

const textOf = (seen: SeenTopic | undefined): string | undefined =>
  seen?.view?.buffer.toString("utf8", seen.view.payloadStart, seen.view.frameEnd)

const watched = ({ core }: World): unknown => core.watch?.looks

describe("looking at topics", () => {
  it("[LOOK-1] a question begins it, questions go on with it, and without them it ends", () => {
    const { client, world } = setUp()
    client.publish("t", "unseen")
    world.run()
    assert.isUndefined(watched(world))
    const looks = looksOf(world.core)
    assert.isUndefined(looks.of("t"))
    client.publish("t", "seen", { qos: 1 })
    world.run()
    assert.deepInclude(looks.of("t"), { messages: 1, payloadBytes: 4, atMs: world.core.nowMs })
    assert.strictEqual(textOf(looks.of("t")), "seen")
    world.advance(9000)
    assert.strictEqual(looksOf(world.core), looks)
    world.advance(9000)
    assert.strictEqual(watched(world), looks)
    world.advance(9000)
    assert.isUndefined(world.core.watch)
    assert.isUndefined(looksOf(world.core).of("t"))
  })

  it("[LOOK-3] of a run of messages all are counted and the last is the value", () => {
    const { client, world } = setUp()
    const looks = looksOf(world.core)
    const run = ["one", "three", "42"].map((payload) => packets.publish({ topic: "t", payload }, 5))
    client.peer.send(Buffer.concat(run))
    world.run()
    assert.strictEqual(looks.of("t")?.messages, 3)
    assert.strictEqual(textOf(looks.of("t")), "42")
  })

  it("[LOOK-2] of a long message the beginning is kept, of very many topics the latest, and those asked for", () => {
    const { client, world } = setUp()
    const looks = looksOf(world.core)
    client.publish("asked", "x".repeat(10_000))
    world.run()
    assert.deepInclude(looks.of("asked"), { payloadBytes: 10_000 })
    assert.isAtMost(textOf(looks.of("asked"))?.length ?? 0, 4096)
    const held: Array<number> = []
    for (let i = 0; i < 4000; i++) {
      client.publish(`t/${i}`, "x")
      world.run()
      if (i % 100 === 99) {
        looksOf(world.core)
        looks.of("asked")
        world.advance(1000)
        held.push([...looks.topics()].length)
      }
    }
    for (let i = 0; i < 2500; i++) client.publish(`at-once/${i}`, "x")
    world.run()
    held.push([...looks.topics()].length)
    assert.isAtMost(Math.max(...held), 2000)
    assert.isDefined(looks.glance("asked"))
    assert.isDefined(looks.glance("at-once/0"))
    assert.isUndefined(looks.glance("t/0"))
  })
})
