/**
 * Goal: a verdict that is kept is never another topic's, another client's or an older rule's; memory for them is bounded.
 * Method: the table against a Map, with serials that share slots and reach beyond 32 bits; many topics in a small broker.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { VerdictTable } from "../../src/broker/permissions.ts"

describe("kept verdicts", () => {
  it("are the entry's own or none", () => {
    const serial = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc
        .tuple(fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 33, 2 ** 38, 3 * 2 ** 35), fc.integer({ min: 1, max: 200 }))
        .map(([a, b]) => a + b)
    )
    const step = fc.oneof(
      fc.record({ serial, word: fc.integer({ min: 1, max: 2 ** 25 - 1 }) }),
      fc.constantFrom("grow" as const, "clear" as const)
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new VerdictTable()
        const known = new Map<number, number>()
        for (const each of steps) {
          if (each === "clear") {
            table.clear()
            known.clear()
          } else if (each === "grow") {
            if (table.mask < 4096) table.grow()
          } else {
            const displaced = [...known.keys()].some(
              (other) => other !== each.serial && table.find(other) !== 0 && ((other ^ each.serial) & table.mask) === 0
            )
            assert.strictEqual(table.set(each.serial, each.word), displaced)
            known.set(each.serial, each.word)
            assert.strictEqual(table.find(each.serial), each.word)
          }
          for (const [serialKnown, word] of known) assert.include([0, word], table.find(serialKnown))
          for (const other of [1, 64, 128, 2 ** 32 + 64])
            if (!known.has(other)) assert.strictEqual(table.find(other), 0)
        }
      })
    )
  })
})
