/** Series per topic: only those asked for, never more than the cap, and nothing counted twice or lost. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type SeriesHolder, TopicSeries } from "../../src/metrics/topic-series.ts"

const holderOf = (topic: string): SeriesHolder => ({ bytes: Buffer.from(topic), series: 0 })

describe("topic series", () => {
  it("agree with a count by hand: a slot each up to the cap, the others together", () => {
    const steps = fc.array(fc.record({ topic: fc.integer({ min: 0, max: 12 }), isFresh: fc.boolean() }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps, (seriesMax, published) => {
        const series = new TopicSeries(seriesMax, (topic) => !topic.startsWith("quiet"))
        const holders = new Map<string, SeriesHolder>()
        const expected = new Map<string, number>()
        for (const { isFresh, topic: number } of published) {
          const topic = number < 3 ? `quiet/${number}` : `topic/${number}`
          // The router forgets entries and makes new ones for the same topic.
          const holder = (isFresh ? undefined : holders.get(topic)) ?? holderOf(topic)
          holders.set(topic, holder)
          series.count(holder, 2, 10)
          if (number < 3) continue
          const isKnown = expected.has(topic)
          const own = [...expected.keys()].filter((each) => each !== "(other)").length
          const name = isKnown || own < seriesMax ? topic : "(other)"
          expected.set(name, (expected.get(name) ?? 0) + 2)
        }
        const told = series.names.map((name, slot): [string, number] => [name, series.messages[slot] ?? 0])
        assert.deepEqual(told.filter(([, messages]) => messages > 0).toSorted(), [...expected].toSorted())
        assert.isAtMost(series.names.length, seriesMax + 1)
        for (const slot of series.names.keys()) assert.strictEqual(series.bytes[slot], 5 * (series.messages[slot] ?? 0))
      })
    )
  })

  it("keep long topics out of labels", () => {
    const series = new TopicSeries(10, () => true)
    series.count(holderOf("x".repeat(100)), 1, 1)
    series.count(holderOf("x".repeat(99)), 1, 1)
    assert.deepEqual(series.names, ["(other)", "x".repeat(99)])
    assert.strictEqual(series.messages[0], 1)
  })
})
