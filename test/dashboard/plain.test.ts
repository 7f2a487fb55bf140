/**
 * The plain parts of the dashboard, without a browser: how the stream is cut into events, what becomes of samples, alarms,
 * certificates, payloads and the archive of the support bundle.
 */
import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { History, Overview } from "../../src/admin/api/system.ts"
import { alarmsOf } from "../../src/admin/dashboard/alarms.ts"
import { tarOf } from "../../src/admin/dashboard/archive.ts"
import { firstToEnd } from "../../src/admin/dashboard/certificates.ts"
import { eventBlocks } from "../../src/admin/dashboard/event-blocks.ts"
import { changedLines, hexOf, numbersIn, pretty } from "../../src/admin/dashboard/payload-text.ts"
import {
  anyReason,
  dropRates,
  gapsIn,
  rowsOf,
  type Sample,
  samplesMax,
  sumOfLast,
  thinned,
  withHistory,
  withSnapshot
} from "../../src/admin/dashboard/samples.ts"
import { ratesOf, seenSince, withTotal } from "../../src/admin/dashboard/traffic.ts"

const START_MS = Date.UTC(2026, 10, 21, 12)
const at = (seconds: number): string => new Date(START_MS + seconds * 1000).toISOString()
const told = (seconds: number, rest: Partial<Overview> = {}): Overview => ({ at: at(seconds), ...rest }) as Overview
const taken = (...overviews: ReadonlyArray<Overview>): ReadonlyArray<Sample> =>
  overviews.reduce<ReadonlyArray<Sample>>(withSnapshot, [])

describe("the stream of events", () => {
  it("is the same however it is cut", () => {
    const text = 'retry: 2000\n\nevent: snapshot\ndata: {"a":1}\n\nevent: event\ndata: {"b":2}\n\n'
    const whole = [
      { name: "snapshot", data: '{"a":1}' },
      { name: "event", data: '{"b":2}' }
    ]
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const read = eventBlocks()
        const places = [0, ...cuts.toSorted((one, other) => one - other), text.length]
        const found = places.slice(1).flatMap((end, i) => read(text.slice(places[i], end)))
        assert.deepEqual(found, whole)
      })
    )
  })
})

describe("samples", () => {
  it("a stretch without any is one gap, with the moments on both sides", () => {
    const samples = taken(told(0), told(1), told(2), told(40), told(41))
    assert.strictEqual(samples.filter(({ overview }) => overview === undefined).length, 1)
    const gaps = gapsIn(samples).map(({ from, until }) => [from.overview?.at, until.overview?.at])
    assert.deepEqual(gaps, [[at(2), at(40)]])
    assert.deepEqual(gapsIn(taken(told(0), told(2), told(4))), [], "two seconds are no gap")
  })

  it("never more than fifteen minutes of them", () => {
    const samples = taken(...Array.from({ length: samplesMax + 50 }, (_, i) => told(i)))
    assert.strictEqual(samples.length, samplesMax)
    assert.strictEqual(samples.at(-1)?.overview?.at, at(samplesMax + 49))
  })

  const history = (...seconds: ReadonlyArray<number>): History => ({
    stepSeconds: 10,
    at: seconds.map(at),
    columns: { dropsPerSecond: seconds.map(() => 2), syncP99Ms: seconds.map(() => null) }
  })

  it("what the broker remembers lies before what this page has seen", () => {
    const samples = withHistory(taken(told(25), told(26)), history(0, 10, 20, 30))
    assert.deepEqual(
      samples.map(({ atSeconds }) => atSeconds - START_MS / 1000),
      [0, 10, 20, 25, 26]
    )
    assert.deepInclude(samples[0]?.overview, { dropsPerSecond: 2, syncP99Ms: null })
  })

  it("where the broker was away its history has a gap", () => {
    assert.strictEqual(gapsIn(rowsOf(history(0, 10, 20, 300, 310))).length, 1)
  })

  it("thinned: no more than wanted, and the gaps stay", () => {
    const rows = rowsOf(history(...Array.from({ length: 1000 }, (_, i) => (i < 500 ? i : i + 100) * 10)))
    const few = thinned(rows, 100)
    assert.isAtMost(few.length, 101)
    assert.strictEqual(few.filter(({ overview }) => overview === undefined).length, 1)
    assert.strictEqual(thinned(rows, 5000), rows)
  })

  it("drops by reason: differences of totals, never below nothing", () => {
    const samples = taken(
      told(0, { dropsByReason: { expired: 10 } }),
      told(1, { dropsByReason: { expired: 14, "no-subscriber": 1 } }),
      told(3, { dropsByReason: { expired: 20, "no-subscriber": 1 } }),
      told(4, { dropsByReason: { expired: 1, "no-subscriber": 1 } })
    )
    assert.deepEqual(dropRates(samples), [
      { reason: "expired", values: [null, 4, 3, 0] },
      { reason: "no-subscriber", values: [null, 1, 0, 0] }
    ])
    assert.deepEqual(
      dropRates(rowsOf(history(0, 10))),
      [{ reason: anyReason, values: [2, 2] }],
      "the history knows no reasons"
    )
    assert.deepEqual(dropRates(taken(told(0, { dropsByReason: {} }), told(1, { dropsByReason: {} }))), [])
  })

  it("in a minute: of the last sixty seconds only", () => {
    const samples = taken(...Array.from({ length: 120 }, (_, i) => told(i, { dropsPerSecond: i < 60 ? 100 : 2 })))
    assert.strictEqual(
      sumOfLast(samples, 60, (each) => each.dropsPerSecond),
      120
    )
    assert.strictEqual(
      sumOfLast([], 60, () => 1),
      0
    )
  })
})

describe("traffic", () => {
  it("is what came between two answers; of another connection nothing is known yet", () => {
    const totals = [100, 300, 300, 50, 60].map((bytes, i) => ({ atSeconds: i * 2, bytes }))
    assert.deepEqual(ratesOf(totals), [null, 100, 0, null, 5])
    assert.deepEqual(withTotal(totals, { atSeconds: 9, bytes: 1 }, 2), [
      { atSeconds: 8, bytes: 60 },
      { atSeconds: 9, bytes: 1 }
    ])
  })
})

describe("what is in flight", () => {
  it("is known since it was seen first, and forgotten with its end", () => {
    const first = seenSince(new Map(), ["1 17", "2 18"], 100)
    const later = seenSince(first, ["2 18", "3 19"], 105)
    assert.deepEqual(
      [...later],
      [
        ["2 18", 100],
        ["3 19", 105]
      ]
    )
    assert.strictEqual(seenSince(later, ["1 17"], 110).get("1 17"), 110)
  })
})

describe("alarms and certificates", () => {
  it("a silenced check turns nothing red, for as long as it is silent", () => {
    const checks = [
      { name: "disk", status: "failing", fact: "full" },
      { name: "loop", status: "failing", fact: "slow" },
      { name: "doors", status: "ok" }
    ] as const
    const silences = [{ name: "disk", untilMs: 1000 }]
    const names = (nowMs: number) => alarmsOf(checks, silences, nowMs).map(({ name }) => name)
    assert.deepEqual(names(999), ["loop"])
    assert.deepEqual(names(1000), ["disk", "loop"])
  })

  it("the certificate that ends first is told, in whole days", () => {
    const listener = (name: string, certificateExpiresAt: string | null) => ({ name, certificateExpiresAt }) as never
    const view = { listeners: [listener("tcp", null), listener("late", at(90 * 86_400)), listener("soon", at(86_401))] }
    assert.deepInclude(firstToEnd(view, START_MS), { listener: "soon", days: 1 })
    assert.strictEqual(firstToEnd(view, START_MS + 2 * 86_400_000)?.days, -1)
    assert.isUndefined(firstToEnd({ listeners: [listener("tcp", null)] }, START_MS))
    assert.isUndefined(firstToEnd(undefined, START_MS))
  })
})

describe("payloads", () => {
  it("JSON is set out, all else is as it is", () => {
    assert.strictEqual(pretty('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}')
    for (const text of ["21.50", "on", "{broken", ""]) assert.strictEqual(pretty(text), text)
  })

  it("every number can be plotted, wherever it is", () => {
    assert.deepEqual(numbersIn('{"a":1,"b":{"c":[2,"3",{"d":4.5}]},"e":null}'), [
      { path: "a", value: 1 },
      { path: "b.c[0]", value: 2 },
      { path: "b.c[2].d", value: 4.5 }
    ])
    assert.deepEqual(numbersIn("21.5"), [{ path: "", value: 21.5 }])
    assert.deepEqual(numbersIn("warm"), [])
    assert.isAtMost(numbersIn(JSON.stringify(Array.from({ length: 1000 }, (_, i) => i))).length, 40)
  })

  it("what has changed, line by line: taken back it is what was", () => {
    const line = fc.constantFrom("a", "b", "c", "d")
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.array(line, { minLength: 1 }), (old, now) => {
        const lines = changedLines(old.join("\n"), now.join("\n"))
        const without = (kind: string) => lines.filter((each) => each.kind !== kind).map(({ text }) => text)
        assert.deepEqual(without("more"), old)
        assert.deepEqual(without("less"), now)
      })
    )
    assert.deepEqual(
      changedLines("a\nb\nc", "a\nx\nc").map(({ kind }) => kind),
      ["same", "less", "more", "same"]
    )
  })

  it("bytes as a table", () => {
    assert.strictEqual(
      hexOf(Uint8Array.from([0x41, 0x00, 0xff])),
      "000000  41 00 ff                                         A.."
    )
  })
})

describe("the archive", () => {
  it("is read by tar, name by name and byte by byte", () => {
    const entries = [
      { name: "bundle/a.json", content: '{"ä":1}\n' },
      { name: "bundle/empty.txt", content: "" },
      { name: "bundle/long.txt", content: "x".repeat(1500) }
    ]
    const archive = tarOf(entries, START_MS)
    const tar = (...words: ReadonlyArray<string>) => spawnSync("tar", words, { input: archive, encoding: "utf8" })
    const listed = tar("-tf", "-")
    assert.strictEqual(listed.status, 0, listed.stderr)
    assert.deepEqual(
      listed.stdout.trim().split("\n"),
      entries.map(({ name }) => name)
    )
    for (const { content, name } of entries) assert.strictEqual(tar("-xOf", "-", name).stdout, content)
  })
})
