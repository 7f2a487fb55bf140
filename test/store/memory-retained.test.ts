/** The memory engine of the retained store: the contract, and that paging is linear (counted, not timed). */
import { assert, describe, it } from "@effect/vitest"
import { makeMemoryRetained } from "../../src/store/memory-retained.ts"
import { retainedMessage, retainedStoreContract, topicsByPage } from "../contract/retained-store.ts"

retainedStoreContract("memory", makeMemoryRetained)

describe("memory retained store", () => {
  it("pages 100,000 messages to one # looking at each once", () => {
    const store = makeMemoryRetained({ maxMessages: 100_000, maxBytes: 2 ** 30, visitsMax: 1000 })
    for (let i = 0; i < 100_000; i++) assert.isTrue(store.set(retainedMessage(`r/${i % 100}/${i}`)))
    const seen = topicsByPage(store, "#", 100)
    assert.strictEqual(seen.length, 100_000)
    assert.strictEqual(new Set(seen).size, 100_000)
    assert.strictEqual(store.visits, 100_000)
  })

  it("a page never looks at more topics than visitsMax", () => {
    const store = makeMemoryRetained({ maxMessages: 10_000, maxBytes: 2 ** 30, visitsMax: 64 })
    for (let i = 0; i < 10_000; i++) store.set(retainedMessage(`r/${i}/x`))
    let after: string | undefined
    do {
      const before = store.visits
      after = store.page("+/+/none", after, 1000).next
      assert.isAtMost(store.visits - before, 64)
    } while (after !== undefined)
  })
})
