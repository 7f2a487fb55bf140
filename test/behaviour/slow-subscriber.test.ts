/**
 * Goal: a persistent QoS 1 subscriber that stops acknowledging holds nobody up: the others lose nothing, it gets
 * what the ring still holds, in order and once, and the ledger has the rest. On disk it gets everything.
 * Method: a ring of 1 MiB, 1600 KiB published while two others read along. (Memory: slow-subscriber-memory.test.ts; a
 * minute at 50,000 messages a second: test/torture.)
 */
import { assert } from "@effect/vitest"
import { numbered, numberOf, publishBatch } from "../support/flood.ts"
import { scenario } from "../support/scenario.ts"

const MESSAGES = 1600
const BATCH = 200

scenario("a slow subscriber", ({ it, start }) => {
  it("costs the others nothing, and itself only what the ring could not hold", async () => {
    await using broker = await start({ storage: { "memory-buffer": "1MiB" } })
    const slow = await broker.join("slow", { clean: false, properties: { sessionExpiryInterval: 600 } })
    await slow.subscribe("t", 1)
    const others = [await broker.join("a"), await broker.join("b", { version: 4 })]
    for (const other of others) await other.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    for (let first = 0; first < MESSAGES; first += BATCH) {
      await publishBatch(publisher, numbered(first, BATCH, 1024))
      for (const other of others) {
        for (let i = 0; i < BATCH; i++) assert.strictEqual(numberOf(await other.message()), first + i)
      }
    }
    const seen: Array<number> = []
    while (seen.at(-1) !== MESSAGES - 1) seen.push(numberOf(await slow.message()))
    assert.isTrue(
      seen.every((number, i) => i === 0 || number > (seen[i - 1] ?? 0)),
      "in order, nothing twice"
    )
    assert.isAbove(seen.length, 500, "the ring held more than the window")
    await slow.quiet()
    if (broker.core.isDurable) {
      assert.lengthOf(seen, MESSAGES, "the log forgets nothing that somebody waits for")
      assert.deepEqual(broker.drops, {})
    } else {
      assert.isBelow(seen.length, MESSAGES, "the ring is smaller than what was published")
      assert.deepEqual(broker.drops, { overtaken: MESSAGES - seen.length })
    }
    for (const { clientIdentifier } of broker.core.ledger.rows()) assert.strictEqual(clientIdentifier, "slow")
    // It is live again: what comes now comes at once.
    await publishBatch(publisher, numbered(MESSAGES, 1, 10))
    assert.strictEqual(numberOf(await slow.message()), MESSAGES)
  })

  it("is not overtaken for messages that nobody else wants: they are refused with 0x97, or on disk", async () => {
    await using broker = await start({ storage: { "memory-buffer": "1MiB" } })
    const slow = await broker.join("slow", { clean: false, properties: { sessionExpiryInterval: 600 } })
    await slow.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    let accepted = 0
    for (const payload of numbered(0, MESSAGES, 1024)) {
      const reasonCode = await publisher.publish("t", payload, { qos: 1 })
      if (reasonCode === 0x97) break
      assert.strictEqual(reasonCode, 0)
      accepted++
    }
    if (broker.core.isDurable) assert.strictEqual(accepted, MESSAGES)
    else assert.isBelow(accepted, MESSAGES)
    for (let number = 0; number < accepted; number++) assert.strictEqual(numberOf(await slow.message()), number)
    await slow.quiet()
    assert.deepEqual(broker.drops, broker.core.isDurable ? {} : { "quota-exceeded": 1 })
    // There is room again.
    assert.strictEqual(await publisher.publish("t", "x", { qos: 1 }), 0)
  })
})
