/**
 * Goal: a session is gone when its Session Expiry Interval has run out, not before, and what waited is booked.
 * Method: one session of a second, one of a minute; the end is seen in the ledger.
 */
import { assert, vi } from "@effect/vitest"
import { timedScenario } from "../support/scenario.ts"

timedScenario("Session Expiry Interval", ({ it, start }) => {
  it("ends the session that it ran out for", async () => {
    await using broker = await start()
    const seconds = { short: 1, long: 60 }
    for (const [name, sessionExpiryInterval] of Object.entries(seconds)) {
      const client = await broker.join(name, { properties: { sessionExpiryInterval } })
      await client.subscribe("t", 1)
      await client.leave()
    }
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "x", { qos: 1 })
    await vi.waitFor(() => assert.deepEqual(broker.drops, { "session-expired": 1 }), { timeout: 10_000 })
    const short = await broker.dial()
    assert.isFalse((await short.connect("short", { clean: false })).sessionPresent)
    const long = await broker.join("long", { clean: false })
    assert.deepEqual(await long.payloads(1), ["x"])
  })
})
