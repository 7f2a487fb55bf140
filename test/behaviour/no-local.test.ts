/**
 * Goal: No Local keeps a client's own messages away from it, and nobody else's.
 * Method: two clients publish to what both subscribe, one of them with No Local; overlapping filters too.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("No Local", ({ it, start }) => {
  it("holds back the client's own messages only", async () => {
    await using broker = await start()
    const alice = await broker.join("alice")
    const bob = await broker.join("bob")
    await alice.subscribe("room", 1, { nl: true })
    await bob.subscribe("room", 1)
    await alice.publish("room", "from alice", { qos: 1 })
    await bob.publish("room", "from bob", { qos: 1 })
    assert.deepEqual(await bob.payloads(2), ["from alice", "from bob"])
    assert.deepEqual(await alice.payloads(1), ["from bob"])
    await alice.quiet()
  })

  it("is a matter of each subscription: another one without it delivers", async () => {
    await using broker = await start()
    const alice = await broker.join("alice")
    await alice.subscribe("room/#", 0, { nl: true })
    await alice.subscribe("room/+", 0)
    await alice.publish("room/1", "own")
    assert.deepEqual(await alice.payloads(1), ["own"])
    await alice.quiet()
  })

  it("also holds for what waits in the queue", async () => {
    await using broker = await start()
    const session = { properties: { sessionExpiryInterval: 60 } }
    const alice = await broker.join("alice", session)
    await alice.subscribe("room", 1, { nl: true })
    // The own message is the last thing before the connection is lost; the other comes while nobody is there.
    await alice.publish("room", "own", { qos: 1 })
    await alice.vanish()
    const bob = await broker.join("bob")
    await bob.publish("room", "other", { qos: 1 })
    const again = await broker.join("alice", { ...session, clean: false })
    assert.deepEqual(await again.payloads(1), ["other"])
    await again.quiet()
  })
})
