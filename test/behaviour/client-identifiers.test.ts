/**
 * Goal: who comes without a client identifier is given one, told so, and may return with it; where none can be
 * given the connection is refused.
 * Method: empty identifiers in every version; identifiers that are long or contain anything.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

scenario("client identifiers", ({ it, start }) => {
  it("are assigned in 5.0 and told", async () => {
    await using broker = await start()
    const session = { properties: { sessionExpiryInterval: 60 } }
    const client = await broker.dial()
    const { properties } = await client.connect("", session)
    const assigned = properties?.assignedClientIdentifier ?? ""
    assert.isAbove(assigned.length, 8)
    await client.leave()
    const again = await broker.dial()
    const { properties: second, sessionPresent } = await again.connect(assigned, { ...session, clean: false })
    assert.isTrue(sessionPresent)
    assert.isUndefined(second?.assignedClientIdentifier)
    const other = await broker.dial()
    assert.notStrictEqual((await other.connect("")).properties?.assignedClientIdentifier, assigned)
  })

  it("are assigned in 3.1.1 for clean sessions only", async () => {
    await using broker = await start()
    const clean = await broker.join("", { version: 4, clean: true })
    await clean.quiet()
    const kept = await broker.dial(4)
    kept.sendFrame(`10 "MQTT" 04 00 003c ""`)
    assert.strictEqual((await kept.take("connack")).returnCode, 2)
    await kept.closed()
  })

  it("may hold anything that is text, and are as long as the setting allows", async () => {
    await using broker = await start({ mqtt: { "max-client-id-len": 30 } })
    for (const name of ["a/b #+$", "Ünïcode ☂", "x".repeat(30)]) await (await broker.join(name)).leave()
    const long = await broker.dial()
    assert.strictEqual((await long.connect("x".repeat(31))).reasonCode, 0x85)
    await long.closed()
  })
})
