/**
 * Acknowledgements that wait for the log's promise: a queue, checked against an array.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { AcknowledgementRing } from "../../src/broker/acknowledgement-ring.ts"

describe("the ring of acknowledgements", () => {
  it("hands out what the promise covers, in order, whatever it grows to", () => {
    const action = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 500 }))
    const property = fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const ring = new AcknowledgementRing()
      const waiting: Array<readonly [number, number, number, number, number]> = []
      let ticket = 0
      let promised = 0
      for (const [pushes, promises] of actions) {
        for (let i = 0; i < pushes; i++) {
          ticket += i % 3 === 0 ? 1 : 0
          const entry = [ticket, i % 9, 2 ** 40 + i, (i * 7) & 0xffff, i % 2 === 0 ? 4 : 5] as const
          ring.push(...entry)
          waiting.push(entry)
        }
        promised = Math.min(ticket, promised + promises)
        ring.release(promised, (...told) => {
          const [at, ...entry] = waiting.shift() as (typeof waiting)[number]
          assert.isAtMost(at, promised)
          assert.deepEqual(told, [...entry, 0])
        })
        assert.strictEqual(ring.length, waiting.length)
        assert.isTrue(waiting.every(([at]) => at > promised))
      }
    })
    fc.assert(property, { numRuns: 30 })
  })

  it("may be filled while it hands out", () => {
    const ring = new AcknowledgementRing()
    ring.push(1, 0, 1, 1, 4)
    const told: Array<number> = []
    ring.release(10, (_slot, _generation, packetIdentifier) => {
      told.push(packetIdentifier)
      if (packetIdentifier < 5) ring.push(packetIdentifier + 1, 0, 1, packetIdentifier + 1, 4)
    })
    assert.deepEqual(told, [1, 2, 3, 4, 5])
  })
})
