/**
 * When messages came: never later than asked for, and earlier by little, in bounded memory, whatever the clock does.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { TimeMarks } from "../../src/store/time-marks.ts"

describe("time marks", () => {
  it("answer a position before which nothing is as young, and behind which little is older", () => {
    const gap = fc.oneof(fc.nat(50), fc.nat(3000), fc.nat(3_600_000))
    const property = fc.property(
      fc.array(fc.record({ gap, count: fc.integer({ min: 1, max: 5 }) }), {
        minLength: 1,
        maxLength: 120,
        size: "max"
      }),
      fc.integer({ min: 4, max: 100 }),
      fc.array(fc.nat(10_000), { maxLength: 20, size: "max" }),
      (frames, marksMax, picks) => {
        const marks = new TimeMarks(marksMax)
        const times: Array<number> = []
        let now = 1_000_000
        for (const { count, gap } of frames) {
          now += gap
          marks.written(times.length, times.length + count, now)
          for (let i = 0; i < count; i++) times.push(now)
        }
        for (const pick of [0, ...picks]) {
          const ms = (times[pick % times.length] as number) + (pick % 3) - 1
          const at = marks.at(ms)
          const first = times.findIndex((time) => time >= ms)
          const exact = first < 0 ? times.length : first
          assert.isAtMost(at, exact, "nothing is missing")
          if (at < exact) assert.isAbove(times[at] as number, ms - marks.stretchMs)
        }
        assert.isAtMost(marks.at(now + 1), times.length)
      }
    )
    fc.assert(property, { numRuns: 300 })
  })

  it("are as precise as a second as long as there are few", () => {
    const marks = new TimeMarks()
    for (let i = 0; i < 10_000; i++) marks.written(i, i + 1, i * 1000)
    assert.strictEqual(marks.stretchMs, 1000)
    assert.strictEqual(marks.at(5_000_000), 5000)
    for (let i = 10_000; i < 700_000; i++) marks.written(i, i + 1, i * 1000)
    assert.isAtMost(marks.stretchMs, 32_000)
    assert.isAtMost(marks.at(500_000_000), 500_000)
    assert.isAbove(marks.at(500_000_000), 500_000 - 32)
  })

  it("bear a clock that is set back", () => {
    const marks = new TimeMarks()
    marks.written(0, 5, 100_000)
    marks.written(5, 10, 40_000)
    marks.written(10, 15, 102_000)
    assert.strictEqual(marks.at(40_000), 0)
    assert.strictEqual(marks.at(101_500), 10)
    assert.strictEqual(marks.at(200_000), 15)
  })

  it("know nothing of a log without messages", () => {
    assert.strictEqual(new TimeMarks().at(5), 0)
  })
})
