/**
 * The wheel against a model that is too simple to be wrong: a list of (item, deadline), searched at each advance.
 * Deadlines reach several rounds ahead and into the past; `fire` itself schedules and cancels.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type TimerHandle, TimerWheel } from "../../src/base/wheel.ts"

const TICK_MS = 10
const SLOTS = 8

function fired<T>(wheel: TimerWheel<T>, nowMs: number): Array<T> {
  const items: Array<T> = []
  wheel.advance(nowMs, (item) => items.push(item))
  return items
}

describe("timer wheel", () => {
  it("fires in the first advance whose tick has reached the deadline, and once", () => {
    const wheel = new TimerWheel<string>(TICK_MS, SLOTS)
    wheel.schedule("a", 25)
    assert.deepStrictEqual(fired(wheel, 24), [])
    assert.deepStrictEqual(fired(wheel, 29), [])
    assert.deepStrictEqual(fired(wheel, 30), ["a"])
    assert.deepStrictEqual(fired(wheel, 1_000), [])
    assert.strictEqual(wheel.size, 0)
  })

  it("passes over an item several rounds ahead", () => {
    const wheel = new TimerWheel<string>(TICK_MS, SLOTS)
    const deadlineMs = TICK_MS * SLOTS * 3 + 5
    wheel.schedule("far", deadlineMs)
    for (let now = 0; now < deadlineMs; now += TICK_MS) assert.deepStrictEqual(fired(wheel, now), [])
    assert.deepStrictEqual(fired(wheel, deadlineMs + TICK_MS), ["far"])
  })

  it("moves an item to another deadline, sooner or later, and leaves one alone that has fired", () => {
    const wheel = new TimerWheel<string>(TICK_MS, SLOTS)
    const later = wheel.schedule("later", 20)
    const sooner = wheel.schedule("sooner", 500)
    const cancelled = wheel.schedule("cancelled", 20)
    assert.isTrue(wheel.move(later, 100))
    assert.isTrue(wheel.move(sooner, 40))
    wheel.cancel(cancelled)
    assert.isFalse(wheel.move(cancelled, 40))
    assert.strictEqual(wheel.size, 2)
    assert.deepStrictEqual(fired(wheel, 30), [])
    assert.deepStrictEqual(fired(wheel, 40), ["sooner"])
    assert.isFalse(wheel.move(sooner, 60))
    assert.deepStrictEqual(fired(wheel, 90), [])
    assert.deepStrictEqual(fired(wheel, 100), ["later"])
    assert.deepStrictEqual(fired(wheel, 10_000), [])
  })

  it("fires everything due after a jump of the clock, and ignores a step back", () => {
    const wheel = new TimerWheel<number>(TICK_MS, SLOTS)
    for (let item = 0; item < 100; item++) wheel.schedule(item, item * 7)
    assert.strictEqual(fired(wheel, 1e12).length, 100)
    wheel.schedule(1, 1e12 + 20)
    assert.deepStrictEqual(fired(wheel, 5), [])
    assert.deepStrictEqual(fired(wheel, 1e12 + 20), [1])
  })

  it("an overdue item fires in the next advance, even within the same tick", () => {
    const wheel = new TimerWheel<string>(TICK_MS, SLOTS)
    wheel.advance(105, () => assert.fail("nothing is scheduled"))
    wheel.schedule("late", 50)
    assert.deepStrictEqual(fired(wheel, 106), ["late"])
  })

  it("what fire schedules for now waits for the next advance; what it cancels does not fire", () => {
    const wheel = new TimerWheel<string>(TICK_MS, SLOTS)
    const seen: Array<string> = []
    const handles: Array<TimerHandle<string>> = [wheel.schedule("first", 10), wheel.schedule("second", 10)]
    wheel.advance(10, (item) => {
      seen.push(item)
      for (const handle of handles) wheel.cancel(handle)
      wheel.schedule("again", 0)
    })
    assert.strictEqual(seen.length, 1)
    assert.strictEqual(wheel.size, 1)
    assert.deepStrictEqual(fired(wheel, 10), ["again"])
  })

  it("a handle cancels once, and not at all after it has fired", () => {
    const wheel = new TimerWheel<string>(TICK_MS, SLOTS)
    const handle = wheel.schedule("a", 10)
    assert.isTrue(wheel.cancel(handle))
    assert.isFalse(wheel.cancel(handle))
    const spent = wheel.schedule("b", 10)
    wheel.advance(10, () => undefined)
    assert.isFalse(wheel.cancel(spent))
    assert.strictEqual(wheel.size, 0)
  })

  it("agrees with a sorted model under any sequence of schedule, cancel and advance", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("schedule" as const), aheadMs: fc.integer({ min: -100, max: 1_000 }) }),
      fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(50) }),
      fc.record({ kind: fc.constant("advance" as const), byMs: fc.integer({ min: 0, max: 300 }) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 0, max: 1e9 }), (steps, startMs) => {
        const wheel = new TimerWheel<number>(TICK_MS, SLOTS)
        const handles: Array<TimerHandle<number>> = []
        const model = new Map<number, number>()
        let nowMs = startMs
        for (const step of steps) {
          if (step.kind === "schedule") {
            model.set(handles.length, nowMs + step.aheadMs)
            handles.push(wheel.schedule(handles.length, nowMs + step.aheadMs))
          } else if (step.kind === "cancel") {
            const handle = handles[step.which]
            if (handle !== undefined) assert.strictEqual(wheel.cancel(handle), model.delete(step.which))
          } else {
            nowMs += step.byMs
            const tick = Math.floor(nowMs / TICK_MS)
            const due = [...model].filter(([, deadlineMs]) => Math.ceil(deadlineMs / TICK_MS) <= tick).map(([id]) => id)
            for (const id of due) model.delete(id)
            assert.deepStrictEqual(
              fired(wheel, nowMs).sort((a, b) => a - b),
              due
            )
          }
          assert.strictEqual(wheel.size, model.size)
        }
      }),
      { numRuns: 300 }
    )
  })
})
