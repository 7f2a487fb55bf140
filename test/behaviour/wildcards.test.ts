/**
 * Goal: `+` and `#` match as section 4.7 says, also for topics the broker already knew before SUBSCRIBE.
 * Method: a table of filters and topics; each topic is published before and after the subscription.
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const topics = ["a", "a/b", "a/b/c", "/a", "a/", "b", "a//c"]
const table: ReadonlyArray<readonly [filter: string, matches: ReadonlyArray<string>]> = [
  ["#", topics],
  ["a/#", ["a", "a/b", "a/b/c", "a/", "a//c"]],
  ["+", ["a", "b"]],
  ["+/+", ["a/b", "/a", "a/"]],
  ["a/+", ["a/b", "a/"]],
  ["a/+/c", ["a/b/c", "a//c"]],
  ["/+", ["/a"]],
  ["+/b/#", ["a/b", "a/b/c"]],
  ["a/b", ["a/b"]]
]

scenario("wildcards", ({ it, start }) => {
  for (const [filter, expected] of table) {
    it(`${filter} matches ${expected.join("  ")}`, async () => {
      await using broker = await start()
      const client = await broker.join("client")
      for (const topic of topics) await client.publish(topic, "before")
      await client.subscribe(filter)
      for (const topic of topics) await client.publish(topic, "x")
      for (const topic of expected) assert.strictEqual((await client.message()).topic, topic)
      await client.quiet()
      await client.unsubscribe(filter)
      for (const topic of topics) await client.publish(topic, "after")
      await client.quiet()
    })
  }

  for (const filter of ["a/#/b", "a#", "a/b+", "#/a"]) {
    it(`${filter} is no filter: the connection ends, and nobody else's`, async () => {
      await using broker = await start()
      const other = await broker.join("other")
      for (const cmd of ["subscribe", "unsubscribe"] as const) {
        const client = await broker.join("client")
        if (cmd === "subscribe") client.send({ cmd, messageId: 1, subscriptions: [{ topic: filter, qos: 0 }] })
        else client.send({ cmd, messageId: 1, unsubscriptions: [filter] })
        await client.refused(0x8f)
      }
      await other.quiet()
    })
  }
})
