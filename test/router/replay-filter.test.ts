/**
 * `$replay/<from>/<filter>`: every spelling of <from>, and what is none.
 */
import { assert, describe, it } from "@effect/vitest"
import { parseReplayFilter, withoutReplay } from "../../src/router/replay-filter.ts"
import { TopicFault } from "../../src/router/topic-fault.ts"

describe("a replay's text", () => {
  for (const [from, expected] of [
    ["earliest", { kind: "earliest" }],
    ["0", { kind: "time", atMs: 0 }],
    ["1772366400000", { kind: "time", atMs: 1_772_366_400_000 }],
    ["@0", { kind: "position", sequence: 0 }],
    ["@12345", { kind: "position", sequence: 12_345 }],
    ["15m", { kind: "ago", durationMs: 900_000 }],
    ["1h30m", { kind: "ago", durationMs: 5_400_000 }],
    ["1.5s", { kind: "ago", durationMs: 1500 }],
    ["0s", { kind: "ago", durationMs: 0 }],
    ["2026-03-01", { kind: "time", atMs: Date.UTC(2026, 2, 1) }],
    ["2024-02-29", { kind: "time", atMs: Date.UTC(2024, 1, 29) }],
    ["2026-03-01T12:30", { kind: "time", atMs: Date.UTC(2026, 2, 1, 12, 30) }],
    ["2026-03-01T12:30:15Z", { kind: "time", atMs: Date.UTC(2026, 2, 1, 12, 30, 15) }],
    ["2026-03-01T12:30:15.250", { kind: "time", atMs: Date.UTC(2026, 2, 1, 12, 30, 15, 250) }],
    ["2026-03-01T12:30:15-02:00", { kind: "time", atMs: Date.UTC(2026, 2, 1, 14, 30, 15) }]
  ] as const) {
    it(from, () => {
      assert.deepEqual(parseReplayFilter(`$replay/${from}/a/+/#`), { from: expected, filter: "a/+/#" })
      assert.strictEqual(withoutReplay(`$replay/${from}/a/+/#`), "a/+/#")
    })
  }

  for (const text of [
    "$replay/",
    "$replay//a",
    "$replay/earliest",
    "$replay/earliest/",
    "$replay/Earliest/a",
    "$replay/-1h/a",
    "$replay/-5/a",
    "$replay/1/",
    "$replay/1 h/a",
    "$replay/1w/a",
    "$replay/@/a",
    "$replay/@-1/a",
    "$replay/@1.5/a",
    "$replay/@9999999999999999/a",
    "$replay/99999999999999999/a",
    "$replay/2026-02-29/a",
    "$replay/2026-13-01/a",
    "$replay/2026-03-01T25:00Z/a",
    "$replay/2026-03-01 12:00/a",
    "$replay/2026/a/a".replace("2026", "20x6"),
    "$replay/1h/$share/g/a",
    "$replay/1h/$replay/1h/a",
    "$share/g/$replay/1h/a"
  ]) {
    it(`not ${text}`, () => {
      assert.instanceOf(parseReplayFilter(text), TopicFault)
      assert.strictEqual(withoutReplay(text), text)
    })
  }

  it("is nothing else", () => {
    for (const text of ["#", "a", "replay/1h/a", "$replays/1h/a", "$share/g/a", "$share/g/a/$replay/x", "$SYS/#"]) {
      assert.isUndefined(parseReplayFilter(text), text)
    }
  })
})
