/**
 * Topic aliases towards a client whose Maximum Packet Size is nearly reached: where the alias does not pay, the
 * topic itself goes out.
 */
import { assert, describe, it } from "@effect/vitest"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

describe("an alias that would make a packet too large", () => {
  it("is left out, also where it is known already", () => {
    const world = new World({ limits: { topicAliasMaximum: 10 } })
    // PUBLISH to "a" at QoS 0: two bytes header, three topic, one property length, then the payload.
    const options = { clientIdentifier: "s", topicAliasMaximum: 5, maximumPacketSize: 26 }
    const client = new TestClient(world, options)
    client.subscribe("a")
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (const length of [5, 20, 5, 19, 18, 17]) publisher.publish("a", "x".repeat(length))
    world.run()
    const got = client.messages.map(({ topic, payload }) => [topic, payload.length])
    assert.deepEqual(got, [
      ["a", 5],
      ["a", 20],
      ["", 5],
      ["a", 19],
      ["", 18],
      ["", 17]
    ])
  })
})
