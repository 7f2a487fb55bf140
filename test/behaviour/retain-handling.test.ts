/**
 * Goal: Retain Handling decides whether SUBSCRIBE sends retained messages: 0 always, 1 for new ones, 2 never.
 * Method: subscribe twice with each value while one message is retained; also across a resumed session.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("Retain Handling", ({ it, start }) => {
  for (const [rh, first, second] of [
    [0, 1, 1],
    [1, 1, 0],
    [2, 0, 0]
  ] as const) {
    it(`${rh} sends ${first} at the first SUBSCRIBE and ${second} at the next`, async () => {
      await using broker = await start()
      const client = await broker.join("client")
      await client.publish("t", "kept", { retain: true })
      for (const count of [first, second]) {
        await client.subscribe("t", 1, { rh })
        assert.deepEqual(await client.payloads(count), Array(count).fill("kept"))
        await client.quiet()
      }
    })
  }

  it("1 knows the subscription of a session that came back", async () => {
    await using broker = await start()
    const session = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const client = await broker.join("client", session)
    await client.subscribe("t", 1, { rh: 2 })
    await client.publish("t", "kept", { retain: true })
    await client.message()
    await client.leave()
    const again = await broker.join("client", session)
    await again.subscribe("t", 1, { rh: 1 })
    await again.quiet()
    await again.unsubscribe("t")
    await again.subscribe("t", 1, { rh: 1 })
    assert.deepEqual(await again.payloads(1), ["kept"])
  })
})
