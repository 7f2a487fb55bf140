/** How fast compaction may copy: halves while commits feel it, comes back when they do not, within its bounds. */
import { assert, describe, it } from "@effect/vitest"
import { CopyPace } from "../../src/store/copy-pace.ts"

const JUDGE_MS = 250

describe("the pace of copying [CMP-1]", () => {
  const paceWith = (quietMs: number): CopyPace => {
    const pace = new CopyPace()
    for (let i = 0; i < 1000; i++) pace.committed(quietMs)
    pace.begin(0)
    return pace
  }
  const told = (pace: CopyPace, tookMs: number, nowMs: number, count = 100): number => {
    for (let i = 0; i < count; i++) pace.committed(tookMs)
    return pace.judge(nowMs)
  }

  it("halves above twice the usual time, down to a sixteenth, and doubles up to all of it", () => {
    const pace = paceWith(10)
    let nowMs = 0
    const after = (tookMs: number): number => told(pace, tookMs, (nowMs += JUDGE_MS))
    assert.strictEqual(after(20), 1, "twice is not more than twice")
    assert.deepEqual([21, 21, 21, 21, 21, 21].map(after), [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16, 1 / 16])
    assert.deepEqual([20, 5, 5, 5, 5].map(after), [1 / 8, 1 / 4, 1 / 2, 1, 1])
  })

  it("looks at the slowest of a hundred, not at the mean", () => {
    const pace = paceWith(10)
    told(pace, 1, 0, 98)
    assert.strictEqual(told(pace, 100, JUDGE_MS, 2), 1 / 2)
  })

  it("leaves what nobody feels alone, and decides nothing from a handful", () => {
    assert.strictEqual(told(paceWith(1), 5, JUDGE_MS), 1, "5 ms")
    assert.strictEqual(told(paceWith(0), 6, JUDGE_MS), 1 / 2, "6 ms")
    assert.strictEqual(told(paceWith(1), 100, JUDGE_MS, 15), 1, "too few")
    assert.strictEqual(told(paceWith(1), 100, JUDGE_MS - 1), 1, "too early")
  })

  it("takes commits beside a copy for no baseline, and forgets them between copies", () => {
    const pace = paceWith(10)
    told(pace, 100, JUDGE_MS)
    assert.strictEqual(pace.copyingMs, 100)
    pace.end()
    assert.strictEqual(pace.quietMs, 10)
    for (let i = 0; i < 1000; i++) pace.committed(60)
    assert.strictEqual(pace.quietMs, 60)
    pace.begin(1000)
    assert.strictEqual(pace.judge(2000), 1 / 2, "nothing was committed: nothing changes")
    assert.strictEqual(told(pace, 100, 2000), 1)
  })
})
