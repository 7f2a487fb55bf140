/**
 * Asking again and again, with a clock that the test turns: no two requests at a time, none that nobody sees, and what was
 * asked for after a change begins after it.
 */
import { assert, describe, it } from "@effect/vitest"
import { type PollWorld, startPolling } from "../../src/admin/dashboard/polling.ts"

/** One turn of the loop settles what was promised. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

class World implements PollWorld {
  hidden = false
  readonly timers = new Map<() => void, number>()
  readonly wakers = new Set<() => void>()
  readonly #ends: Array<() => void> = []
  begun = 0

  readonly after = (ms: number, run: () => void) => {
    this.timers.set(run, ms)
    return () => void this.timers.delete(run)
  }
  readonly isHidden = () => this.hidden
  readonly onVisible = (run: () => void) => {
    this.wakers.add(run)
    return () => void this.wakers.delete(run)
  }
  readonly work = () => {
    this.begun += 1
    return new Promise<void>((resolve) => this.#ends.push(resolve))
  }

  /** The oldest request is answered. */
  async answer(): Promise<void> {
    this.#ends.shift()?.()
    await settled()
  }
  async wait(): Promise<void> {
    const due = [...this.timers.keys()]
    this.timers.clear()
    for (const run of due) run()
    await settled()
  }
  async wake(): Promise<void> {
    for (const run of this.wakers) run()
    await settled()
  }
}

describe("polling", () => {
  it("asks at once, and the next time so long after the answer", async () => {
    const world = new World()
    startPolling(world.work, 2000, world)
    assert.strictEqual(world.begun, 1)
    assert.strictEqual(world.timers.size, 0, "no clock runs while an answer is awaited")
    await world.answer()
    assert.deepEqual([...world.timers.values()], [2000])
    await world.wait()
    assert.strictEqual(world.begun, 2)
  })

  it("never two at a time: not when seen again, not when asked again", async () => {
    const world = new World()
    const { again } = startPolling(world.work, 2000, world)
    await world.wake()
    assert.strictEqual(world.begun, 1)
    const done = again()
    assert.strictEqual(world.begun, 1)
    await world.answer()
    assert.strictEqual(world.begun, 2)
    await world.answer()
    await done
    assert.strictEqual(world.begun, 2)
    assert.strictEqual(world.timers.size, 1, "one clock, not one for each")
  })

  it("again() ends with an answer to a request that began after it", async () => {
    const world = new World()
    const { again } = startPolling(world.work, 0, world)
    let isDone = false
    const done = again().then(() => {
      isDone = true
    })
    const other = again()
    await world.answer()
    assert.isFalse(isDone, "the request under way began before")
    await world.answer()
    await Promise.all([done, other])
    assert.strictEqual(world.begun, 2, "both have the same one")
  })

  it("nothing is asked while nobody sees it; the moment somebody does, it is", async () => {
    const world = new World()
    world.hidden = true
    startPolling(world.work, 2000, world)
    assert.strictEqual(world.begun, 0)
    world.hidden = false
    await world.wake()
    assert.strictEqual(world.begun, 1)
    await world.answer()
    world.hidden = true
    await world.wait()
    assert.strictEqual(world.begun, 1)
    world.hidden = false
    await world.wake()
    assert.strictEqual(world.begun, 2)
  })

  it("after stop() nothing is asked, and nobody waits for ever", async () => {
    const world = new World()
    let given: AbortSignal | undefined
    const { again, stop } = startPolling(
      (signal) => {
        given = signal
        return world.work()
      },
      2000,
      world
    )
    const done = again()
    stop()
    assert.isTrue(given?.aborted)
    await world.answer()
    await done
    await again()
    await world.wake()
    assert.deepEqual([world.begun, world.timers.size, world.wakers.size], [1, 0, 0])
  })
})
