/**
 * The leak watch: told once of a rise that goes on, never of a heap that is emptied again or level, and never of two
 * looks only.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { INTERVALS, type LeakReport, LeakWatch } from "../../src/telemetry/leak-watch.ts"

const watched = (heaps: ReadonlyArray<number | undefined>): ReadonlyArray<LeakReport> => {
  const reports: Array<LeakReport> = []
  const watch = new LeakWatch((report) => reports.push(report))
  for (const heap of heaps) {
    if (heap !== undefined) {
      watch.collected(heap * 2)
      watch.collected(heap)
    }
    watch.look()
  }
  return reports
}

const rising = (count: number, step = 10) => Array.from({ length: count }, (_, index) => 100 + index * step)

describe("the leak watch", () => {
  it("tells of a rise from look to look, once", () => {
    assert.deepEqual(watched(rising(INTERVALS)), [])
    assert.deepEqual(watched(rising(INTERVALS + 1)), [{ fromBytes: 100, toBytes: 160, intervals: INTERVALS }])
    assert.strictEqual(watched(rising(2 * INTERVALS)).length, 1)
    assert.strictEqual(watched(rising(2 * INTERVALS + 1)).length, 2)
  })

  it("takes the smallest heap of an interval, and leaves out an interval without a collection", () => {
    const [first, ...rest] = rising(INTERVALS + 1)
    assert.strictEqual(watched([first, undefined, ...rest]).length, 1)
  })

  it("says nothing of a rise that is next to nothing", () => {
    assert.deepEqual(watched(rising(30, 0.1)), [])
  })

  it("says nothing of a heap that falls at least once within every six looks", () => {
    const saw = fc.array(fc.array(fc.integer({ min: 50, max: 1000 }), { minLength: 1, maxLength: INTERVALS }), {
      maxLength: 10
    })
    fc.assert(
      fc.property(saw, (teeth) => {
        const heaps = teeth.flatMap((tooth) =>
          [1, ...[...tooth].sort((left, right) => left - right)].slice(0, INTERVALS)
        )
        assert.deepEqual(watched(heaps), [])
      })
    )
  })
})
