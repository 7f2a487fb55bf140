/** What the appender tells its meter: lag, times and groups, by mode, with a clock in the test's hand. */
import { assert, describe, it } from "@effect/vitest"
import { Meter, syncModes } from "../../src/metrics/meter.ts"
import { AppenderMeter } from "../../src/wal/appender-meter.ts"

const started = () => {
  const meter = new Meter()
  const hand = { nowMs: 0, mode: "batch" as (typeof syncModes)[number] }
  const appender = new AppenderMeter(
    meter,
    () => hand.mode,
    () => hand.nowMs,
    () => 1_000_000 + hand.nowMs
  )
  const of = (key: "walAppend" | "walSync" | "walGroupSize") => meter.of(key, syncModes.indexOf(hand.mode))
  return { appender, hand, of }
}

describe("appender meter", () => {
  it("times writes and syncs and counts the records of a group, each under its mode", () => {
    const { appender, hand, of } = started()
    appender.writing()
    hand.nowMs = 2
    appender.written(7, 700)
    appender.syncing()
    hand.nowMs = 12
    appender.synced()
    assert.closeTo(of("walAppend").sum, 0.002, 1e-12)
    assert.closeTo(of("walSync").sum, 0.01, 1e-12)
    assert.strictEqual(of("walGroupSize").sum, 7)
    assert.strictEqual(appender.lastSyncMs, 1_000_012)
    hand.mode = "never"
    appender.writing()
    appender.written(1, 1)
    assert.strictEqual(of("walAppend").count, 1)
  })

  it("knows what a power cut could take, and since when", () => {
    const { appender, hand } = started()
    const write = (bytes: number): void => {
      appender.writing()
      appender.written(1, bytes)
    }
    assert.isUndefined(appender.unsyncedSinceMs)
    hand.nowMs = 5
    write(100)
    hand.nowMs = 6
    write(10)
    assert.strictEqual(appender.lagBytes, 110)
    assert.strictEqual(appender.unsyncedSinceMs, 5)
    hand.nowMs = 7
    appender.syncing()
    write(1)
    hand.nowMs = 9
    appender.synced()
    // What was written beside the sync is not covered by it.
    assert.strictEqual(appender.lagBytes, 1)
    assert.strictEqual(appender.unsyncedSinceMs, 7)
    appender.syncing()
    appender.synced()
    assert.strictEqual(appender.lagBytes, 0)
    assert.isUndefined(appender.unsyncedSinceMs)
  })
})
