/**
 * Goal: a delayed will comes after its delay or with the end of its session, whichever is first, and not at all
 * when the client returns in time.
 * Method: delays of a second and of a minute; a will of another client marks the time.
 */
import { assert } from "@effect/vitest"
import { timedScenario } from "../support/scenario.ts"

const delayed = (willDelayInterval: number, payload: string) => ({
  topic: "wills",
  payload: Buffer.from(payload),
  qos: 1 as const,
  retain: false,
  properties: { willDelayInterval }
})

timedScenario("Will Delay Interval", ({ it, start }) => {
  it("holds a will back, and a return cancels it", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills", 1)
    const session = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const returning = await broker.join("returning", { ...session, will: delayed(1, "cancelled") })
    const gone = await broker.join("gone", { ...session, will: delayed(1, "delayed") })
    const marker = await broker.join("marker", { ...session, will: delayed(2, "later") })
    await returning.vanish()
    await gone.vanish()
    await marker.vanish()
    await watcher.quiet()
    await broker.join("returning", session)
    assert.deepEqual(await watcher.payloads(2), ["delayed", "later"])
    await watcher.quiet()
  })

  it("ends with the session", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills", 1)
    const short = await broker.join("short", { properties: { sessionExpiryInterval: 1 }, will: delayed(60, "expired") })
    const none = await broker.join("none", { will: delayed(60, "no session") })
    const cleaned = await broker.join("cleaned", {
      properties: { sessionExpiryInterval: 60 },
      will: delayed(60, "cleaned")
    })
    await short.vanish()
    await none.vanish()
    assert.deepEqual(await watcher.payloads(1), ["no session"])
    await cleaned.vanish()
    await watcher.quiet()
    await broker.join("cleaned", { clean: true })
    assert.deepEqual(await watcher.payloads(2), ["cleaned", "expired"])
  })
})
