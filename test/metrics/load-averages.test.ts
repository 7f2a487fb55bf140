/** Load averages: a steady rate is what they end at, each as fast as its minutes say. */
import { assert, describe, it } from "@effect/vitest"
import { LoadAverage } from "../../src/metrics/load-averages.ts"

describe("load averages", () => {
  it("come to a steady rate per minute, the shortest first", () => {
    const average = new LoadAverage()
    let total = 0
    const step = () => average.step((total += 20), 10)
    for (let second = 0; second < 60; second += 10) step()
    const [one = 0, five = 0, fifteen = 0] = average.loads
    assert.closeTo(one, 120 * (1 - Math.exp(-1)), 1e-9)
    assert.closeTo(five, 120 * (1 - Math.exp(-1 / 5)), 1e-9)
    assert.closeTo(fifteen, 120 * (1 - Math.exp(-1 / 15)), 1e-9)
    for (let i = 0; i < 1000; i++) step()
    for (const load of average.loads) assert.closeTo(load, 120, 0.01)
  })

  it("fall when nothing comes, and take no time for no step", () => {
    const average = new LoadAverage()
    average.step(60, 60)
    const before = average.loads[0] ?? 0
    average.step(60, 0)
    assert.strictEqual(average.loads[0], before)
    average.step(60, 60)
    assert.closeTo(average.loads[0] ?? 0, before * Math.exp(-1), 1e-9)
  })
})
