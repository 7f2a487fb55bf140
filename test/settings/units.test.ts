/**
 * Durations and sizes: what is read, what is refused, and that writing reads back.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { formatDurationMs, formatSizeBytes, parseDurationMs, parseSizeBytes } from "../../src/settings/units.ts"

const durations: ReadonlyArray<readonly [string, number | undefined]> = [
  ["0", 0],
  ["0s", 0],
  ["100ms", 100],
  ["30s", 30_000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["0.25s", 250],
  [" 10s ", 10_000],
  ["-5s", -5000],
  ["30", undefined],
  ["5 seconds", undefined],
  ["1.5ms", undefined],
  ["100us", undefined],
  ["1w", undefined],
  ["s", undefined],
  ["", undefined],
  ["1e3s", undefined],
  ["99999999999999999d", undefined]
]

const sizes: ReadonlyArray<readonly [string, number | undefined]> = [
  ["0", 0],
  ["65536", 65_536],
  ["64KiB", 65_536],
  ["64kib", 65_536],
  ["64 KiB", 65_536],
  ["64KB", 64_000],
  ["1.5GiB", 1_610_612_736],
  ["2MiB", 2_097_152],
  ["10B", 10],
  ["-1", -1],
  ["64K", undefined],
  ["1G", undefined],
  ["0.3KiB", undefined],
  ["1e9", undefined],
  ["", undefined],
  ["KiB", undefined],
  ["99999999TiB", undefined]
]

describe("units", () => {
  for (const [text, expected] of durations) {
    it(`duration ${JSON.stringify(text)} is ${expected}`, () => assert.strictEqual(parseDurationMs(text), expected))
  }
  for (const [text, expected] of sizes) {
    it(`size ${JSON.stringify(text)} is ${expected}`, () => assert.strictEqual(parseSizeBytes(text), expected))
  }

  it("writes the shortest exact spelling", () => {
    assert.deepStrictEqual([0, 100, 90_000, 7_200_000, 604_800_000].map(formatDurationMs), [
      "0s",
      "100ms",
      "90s",
      "2h",
      "7d"
    ])
    assert.deepStrictEqual([0, 1000, 65_536, 268_435_456].map(formatSizeBytes), ["0B", "1000B", "64KiB", "256MiB"])
  })

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (value) => {
        assert.strictEqual(parseDurationMs(formatDurationMs(value)), value)
        assert.strictEqual(parseSizeBytes(formatSizeBytes(value)), value)
      })
    )
  })
})
