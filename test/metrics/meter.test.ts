/** Histograms: bounds, batches, and that what was gathered between two looks at the clock is counted, all of it. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Buckets } from "../../src/metrics/buckets.ts"
import { Counter, Counters, countSizes } from "../../src/metrics/counters.ts"
import { histogramFamilies, histogramValues } from "../../src/metrics/family.ts"
import { CHUNKS_PER_LOOK, histogramTable, Meter, sizeBucket, TURNS_PER_LOOK } from "../../src/metrics/meter.ts"

describe("buckets", () => {
  it("count a value where it belongs: at most the bound", () => {
    const buckets = new Buckets([1, 10])
    for (const value of [0, 1, 1.5, 10, 11]) buckets.observe(value)
    assert.deepEqual([...buckets.counts], [2, 2, 1])
    assert.strictEqual(buckets.sum, 23.5)
    assert.strictEqual(buckets.count, 5)
  })

  it("agree with a list of all values", () => {
    const batch = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 9 }))
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        fc.array(batch),
        (some, batches) => {
          const bounds = some.toSorted((a, b) => a - b)
          const buckets = new Buckets(bounds)
          for (const [value, times] of batches) buckets.observeMany(value, times)
          const all = batches.flatMap(([value, times]) => Array.from({ length: times }, () => value))
          bounds.forEach((bound, i) => {
            assert.strictEqual(buckets.upTo(i), all.filter((value) => value <= bound).length)
          })
          assert.strictEqual(buckets.count, all.length)
          assert.strictEqual(
            buckets.sum,
            all.reduce((sum, value) => sum + value, 0)
          )
        }
      )
    )
  })

  it("are told cumulative, with +Inf, sum and count; scaled and thinned for older names", () => {
    const buckets = new Buckets([0.001, 0.01, 0.1])
    for (const value of [0.001, 0.05, 7]) buckets.observe(value)
    const told = histogramValues("x", { mode: "batch" }, [buckets, buckets], 1000, 2).map(
      ({ labels, metricName, value }) => [metricName, labels["le"], value]
    )
    assert.deepEqual(told, [
      ["x_bucket", "1", 2],
      ["x_bucket", "100", 4],
      ["x_bucket", "+Inf", 6],
      ["x_sum", undefined, 2 * 7051],
      ["x_count", undefined, 6]
    ])
  })
})

describe("meter", () => {
  it("looks at the clock for the first chunk and then for one in sixteen, and counts every one", () => {
    const meter = new Meter()
    let looks = 0
    const chunks = 10 * CHUNKS_PER_LOOK + 1
    for (let i = 0; i < chunks; i++) {
      if (i % 2 === 0) meter.acknowledgedAtOnce(1)
      if (!meter.chunkDone()) continue
      looks += 1
      meter.looked(2)
    }
    assert.strictEqual(looks, 11)
    meter.acknowledgedAtOnce(2)
    meter.chunkDone()
    meter.settle()
    assert.strictEqual(meter.of("processing").count, chunks + 1)
    assert.strictEqual(meter.of("publishAck", 0).count, Math.ceil(chunks / 2))
    assert.strictEqual(meter.of("publishAck", 1).count, 1)
    assert.closeTo(meter.of("processing").sum, (chunks + 1) * 0.002, 1e-9)
  })

  it("times the first turn and then one in eight, and counts every message", () => {
    const sent = new Float64Array([9, 0, 0, 0])
    const meter = new Meter(sent, 1)
    let looks = 0
    for (let i = 0; i <= 2 * TURNS_PER_LOOK + 3; i++) {
      sent[1] = (sent[1] ?? 0) + 1
      sent[3] = (sent[3] ?? 0) + 2
      meter.turnMs = 100
      if (!meter.turnDone()) continue
      looks += 1
      meter.turnLooked(105)
    }
    assert.strictEqual(looks, 3)
    meter.settle()
    assert.deepEqual(
      [0, 1, 2].map((qos) => meter.of("delivery", qos).count),
      [20, 0, 40]
    )
    assert.closeTo(meter.of("delivery", 2).sum, 40 * 0.005, 1e-9)
  })

  it("knows the bucket of a size without a search, at every bound and between", () => {
    const { bounds } = histogramTable.messageSize
    const sizes = fc.oneof(
      fc.nat(2 ** 28),
      fc.constantFrom(...bounds).chain((bound) => fc.constantFrom(bound - 1, bound, bound + 1)),
      fc.constantFrom(0, 1)
    )
    fc.assert(
      fc.property(sizes, (size) => {
        const buckets = new Buckets(bounds)
        buckets.observe(size)
        assert.strictEqual(buckets.counts[sizeBucket(size)], 1)
      })
    )
  })

  it("takes a run of messages with its mean", () => {
    const { meter, values } = new Counters()
    countSizes(values, 4, 400)
    countSizes(values, 1, 70_000)
    values[Counter.payloadIn] = 70_400
    assert.strictEqual(meter.of("messageSize").count, 5)
    assert.strictEqual(meter.of("messageSize").sum, 70_400)
    assert.strictEqual(meter.of("messageSize").upTo(1), 4)
  })

  it("tells no histogram of a log that there is not, and of several by label those that have something", () => {
    const meter = new Meter()
    const names = histogramFamilies(meter, false).map(({ name }) => name)
    assert.isFalse(names.some((name) => name.startsWith("promptmq_wal_")))
    meter.of("walSync", 1).observe(0.001)
    const sync = histogramFamilies(meter, true).find(({ name }) => name === histogramTable.walSync.family)
    assert.deepEqual([...new Set(sync?.values.map(({ labels }) => labels["mode"]))], ["batch"])
  })
})
