/**
 * Goal: history is no way round the rules (security.md, row 23).
 * Method: topics whose history is kept, a wide `$replay` under a narrow denial, at QoS 0 and 1.
 */
import { assert } from "@effect/vitest"
import { ruled } from "../support/ruled-access.ts"
import { scenario } from "../support/scenario.ts"

const policies = { topics: { policies: [{ filter: "kept/#", replay: "1h" as const }] } }
const narrow = [
  { effect: "allow", "client-ids": "writer" },
  { effect: "deny", topics: "kept/s/#" },
  { effect: "allow", topics: "#" }
]

scenario("rules about history", ({ environment, it, start }) => {
  if (environment.name !== "disk") {
    it("come before the question whether there is any", async () => {
      await using broker = await start(policies, ruled(...narrow).swaps)
      const reader = await broker.join("reader")
      assert.strictEqual(await reader.subscribe("$replay/earliest/kept/s/#", 1), 0x87)
      assert.strictEqual(await reader.subscribe("$replay/earliest/kept/#", 1), 0x83)
    })
    return
  }

  it("deny what a wide replay would bring, and the replay of what is denied", async () => {
    await using broker = await start(policies, ruled(...narrow).swaps)
    const writer = await broker.join("writer")
    for (const topic of ["kept/s/x", "kept/a", "kept/s/y", "kept/b"]) await writer.publish(topic, topic, { qos: 1 })
    const reader = await broker.join("reader")
    for (const qos of [0, 1] as const) {
      assert.strictEqual(await reader.subscribe("$replay/earliest/kept/#", qos), qos)
      assert.deepEqual(await reader.payloads(2), ["kept/a", "kept/b"])
      await reader.quiet()
      await reader.unsubscribe("$replay/earliest/kept/#")
    }
    assert.strictEqual(await reader.subscribe("$replay/earliest/kept/s/#", 1), 0x87)
    await reader.quiet()
    assert.strictEqual(broker.drops["not-authorized"], 4)
  })
})
