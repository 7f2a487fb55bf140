/** The histogram against a sorted list: a quantile is never below the true value and at most 25 % above it. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { bucketBound, bucketOf, Histogram } from "../../src/metrics/histogram.ts"

const value = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffffffff }))

describe("histogram", () => {
  it("each bucket ends where the next begins", () => {
    for (let bucket = 0; bucket < 4 * 31; bucket++) {
      assert.strictEqual(bucketOf(bucketBound(bucket)), bucket)
      if (bucketBound(bucket) < 0xffffffff) assert.strictEqual(bucketOf(bucketBound(bucket) + 1), bucket + 1)
    }
    assert.strictEqual(bucketBound(4 * 31 - 1), 0xffffffff)
  })

  it("quantiles bound the true value from above by at most a quarter", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const histogram = new Histogram()
        for (const each of values) histogram.record(each)
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(q * values.length)) - 1] as number
        const answered = histogram.quantile(q)
        assert.isAtLeast(answered, exact)
        assert.isAtMost(answered, exact * 1.25)
        assert.strictEqual(histogram.count, values.length)
        assert.strictEqual(
          histogram.sum,
          values.reduce((sum, each) => sum + each, 0)
        )
        assert.strictEqual(histogram.max, sorted.at(-1))
      })
    )
  })

  it("cuts what does not fit instead of losing it", () => {
    const histogram = new Histogram()
    for (const each of [-5, Number.NaN, 0.9, 2 ** 40, Number.POSITIVE_INFINITY]) histogram.record(each)
    assert.strictEqual(histogram.count, 5)
    assert.strictEqual(histogram.max, 0xffffffff)
    const bounds: Array<readonly [number, number]> = []
    histogram.cumulative((bound, count) => bounds.push([bound, count]))
    assert.deepEqual(bounds, [
      [0, 3],
      [0xffffffff, 5]
    ])
  })

  it("an empty one answers 0", () => {
    assert.strictEqual(new Histogram().quantile(0.99), 0)
  })
})
