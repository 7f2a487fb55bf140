/** Names of those who published what is retained: kept once per session, bounded, and the newest word counts. */
import { assert, describe, it } from "@effect/vitest"
import { RetainedPublishers } from "../../src/broker/retained-publishers.ts"

const made = (max = 3) => {
  const limit = { max }
  return { limit, publishers: new RetainedPublishers(() => limit.max) }
}

describe("publishers of retained messages", () => {
  it("are known by their session's number, and told once to whoever saves them", () => {
    const { publishers } = made()
    publishers.note(7, "c1", "alice")
    publishers.note(7, "c1", "alice")
    assert.deepEqual(publishers.nameOf(7), { clientIdentifier: "c1", username: "alice" })
    assert.deepEqual(publishers.takeFresh(), [[7, { clientIdentifier: "c1", username: "alice" }]])
    assert.isEmpty(publishers.takeFresh())
    publishers.note(7, "c1", "bob")
    assert.strictEqual(publishers.nameOf(7)?.username, "bob")
    assert.strictEqual(publishers.takeFresh().length, 1)
  })

  it("a number that is free again is whose it is now, and what was saved before comes second", () => {
    const { publishers } = made()
    publishers.restore(7, { clientIdentifier: "old", username: undefined })
    publishers.note(7, "new", undefined)
    assert.strictEqual(publishers.nameOf(7)?.clientIdentifier, "new")
    publishers.restore(7, { clientIdentifier: "old", username: undefined })
    assert.strictEqual(publishers.nameOf(7)?.clientIdentifier, "new")
  })

  it("are so many, the newest, also when fewer are wanted later", () => {
    const { limit, publishers } = made()
    for (let number = 1; number <= 10; number++) publishers.note(number, `c${number}`, undefined)
    assert.deepEqual(
      Array.from(publishers.entries(), ([number]) => number),
      [8, 9, 10],
      "RET-2"
    )
    assert.isAtMost(publishers.takeFresh().length, 4)
    limit.max = 1
    publishers.note(11, "c11", undefined)
    assert.strictEqual(publishers.size, 1)
    limit.max = 0
    publishers.note(12, "c12", undefined)
    assert.isUndefined(publishers.nameOf(12))
  })
})
