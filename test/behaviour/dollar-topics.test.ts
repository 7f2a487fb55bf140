/**
 * Goal: topics that begin with `$` are the server's: no wildcard at the first level matches them, and no client
 * may publish to them or leave a will there.
 * Method: publish to `$` topics at each QoS with all kinds of subscribers about.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("$ topics", ({ it, start }) => {
  it("are refused to clients, who stay connected", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    for (const filter of ["#", "+/x", "$other/#", "$SYS/x"]) await watcher.subscribe(filter, 2)
    const client = await broker.join("client")
    await client.publish("$SYS/x", "no")
    assert.strictEqual(await client.publish("$SYS/x", "no", { qos: 1 }), 0x87)
    assert.strictEqual(await client.publish("$other/x", "no", { qos: 2 }), 0x87)
    await client.publish("$other/x", "no", { qos: 1, retain: true })
    await client.quiet()
    await watcher.quiet()
    assert.deepEqual(broker.drops, { "not-authorized": 4 })
  })

  it("are acknowledged and dropped for 3.1.1, which has no refusal", async () => {
    await using broker = await start()
    const client = await broker.join("client", { version: 4 })
    await client.subscribe("$SYS/#")
    assert.strictEqual(await client.publish("$SYS/x", "no", { qos: 1 }), 0)
    assert.strictEqual(await client.publish("$SYS/x", "no", { qos: 2 }), 0)
    await client.quiet()
  })

  it("take no wills", async () => {
    await using broker = await start()
    const client = await broker.dial()
    const will = { topic: "$SYS/x", payload: Buffer.from("bye"), qos: 0, retain: false } as const
    assert.strictEqual((await client.connect("client", { will })).reasonCode, 0x87)
    await client.closed()
  })
})
