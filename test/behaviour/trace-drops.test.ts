/**
 * Goal: whatever way a message is not delivered, the ledger has a row with reason, client and topic, and the client's
 * history says how its connection ended.
 * Method: one broken or unlucky publish each; then the ledger.
 */
import { assert } from "@effect/vitest"
import { dropReasons } from "../../src/metrics/drop-reasons.ts"
import { scenario } from "../support/scenario.ts"
import type { TestBroker } from "../support/test-broker.ts"

const rows = ({ core }: TestBroker) =>
  core.ledger
    .rows()
    .map(({ clientIdentifier, count, reason, topic }) => [dropReasons[reason]?.name, clientIdentifier, topic, count])

scenario("the drop ledger", ({ it, start }) => {
  it("has a publish that ends its connection", async () => {
    await using broker = await start()
    const deep = await broker.join("deep")
    deep.send({ cmd: "publish", topic: "a/".repeat(300), payload: "x", qos: 0, retain: false, dup: false })
    await deep.refused(0x90)
    assert.deepEqual(rows(broker), [["publish-fault", "deep", "a/".repeat(300), 1]])
    const [, ended] = broker.core.clientEvents.of("deep")
    assert.strictEqual(ended?.what, "disconnected")
    assert.isAtLeast(ended?.reasonCode ?? 0, 0x80)
  })

  it("names client and topic of what its receiver refused", async () => {
    await using broker = await start()
    const session = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const reader = await broker.join("reader", session)
    await reader.subscribe("t", 1)
    await reader.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "x", { qos: 1 })
    const again = await broker.dial()
    await again.connect("reader", session)
    const { messageId = 0 } = await again.find("publish")
    again.send({ cmd: "puback", messageId, reasonCode: 0x83 })
    await again.subscribe("other")
    assert.deepEqual(rows(broker), [["negative-acknowledgement", "reader", "t", 1]])
  })
})
