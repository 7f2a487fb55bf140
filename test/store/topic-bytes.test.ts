/**
 * Topic ids by bytes, against a map of names: an answer is exact or there is none.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { LogTopics } from "../../src/store/log-topics.ts"
import { TopicBytes } from "../../src/store/topic-bytes.ts"

describe("topic ids by bytes", () => {
  it("answers what was added, and nothing else, also when it has grown", () => {
    const names = Array.from({ length: 5000 }, (_, i) => `plant/${i % 7}/${"line".repeat(i % 20)}/${i}`)
    const topics = new TopicBytes()
    for (const [id, name] of names.entries()) {
      const bytes = Buffer.from(`..${name}.`)
      assert.strictEqual(topics.find(bytes, 2, bytes.length - 1), -1)
      topics.add(bytes, 2, bytes.length - 1, id)
    }
    for (const [id, name] of names.entries()) {
      const bytes = Buffer.from(name)
      assert.strictEqual(topics.find(bytes, 0, bytes.length), id)
      assert.strictEqual(topics.find(bytes, 0, bytes.length - 1), names.indexOf(name.slice(0, -1)))
    }
  })

  it("gives the log's topics the ids that their names have, whatever comes in between", () => {
    const step = fc.record({
      name: fc.constantFrom("a", "b", "a/b", "ä", "", "a".repeat(60)),
      does: fc.constantFrom("bytes", "name", "retire", "over")
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const topics = new LogTopics()
        for (const { does, name } of steps) {
          const known = topics.find(name)
          const bytes = Buffer.from(name)
          if (does === "over") topics.forgetBytes()
          else if (does === "retire") {
            if (known >= 0) topics.retire(known)
          } else {
            const id = does === "name" ? topics.resolveName(name) : topics.resolveBytes(bytes, 0, bytes.length)
            if (known >= 0) assert.strictEqual(id, known)
            assert.strictEqual(topics.find(name), id)
            assert.strictEqual(topics.name(id), name)
          }
        }
      })
    )
  })
})
