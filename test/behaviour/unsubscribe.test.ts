/**
 * Goal: UNSUBSCRIBE ends exactly the filter it names, in order with what is published around it.
 * Method: UNSUBSCRIBE with known and unknown filters, and PUBLISH on both sides of it in one write.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("UNSUBSCRIBE", ({ it, start }) => {
  it("answers each filter in its place", async () => {
    await using broker = await start()
    const client = await broker.join("client")
    await client.subscribe("a")
    await client.subscribe("b/+")
    client.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: ["nothing", "a", "b/c", "b/+"] })
    const { granted, messageId } = (await client.take("unsuback")) as { granted?: unknown; messageId?: number }
    assert.deepEqual({ granted, messageId }, { granted: [0x11, 0, 0x11, 0], messageId: 9 })
  })

  it("takes effect between what was published before it and what comes after", async () => {
    await using broker = await start()
    const client = await broker.join("client", { version: 4 })
    await client.subscribe("a", 1)
    const publish = (payload: string) =>
      ({ cmd: "publish", topic: "a", payload, qos: 0, dup: false, retain: false }) as const
    client.send(publish("before"), { cmd: "unsubscribe", messageId: 9, unsubscriptions: ["a"] }, publish("after"))
    assert.deepEqual(await client.payloads(1), ["before"])
    await client.take("unsuback")
    await client.quiet()
  })
})
