/**
 * The drop ledger: totals are exact whatever happens, rows and text stay bounded, and what is folded into
 * `(other)` keeps its count, times and sequence range.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { DropLedger, otherName } from "../../src/metrics/drop-ledger.ts"
import { DropReason, dropReasons } from "../../src/metrics/drop-reasons.ts"
import { leafByKey } from "../../src/settings/leaves.ts"

const full = DropReason.outgoingBufferFull
const overtaken = DropReason.overtaken

describe("drop ledger", () => {
  it("adds repeats to one row, with first and last time and the sequence range", () => {
    const ledger = new DropLedger({ rowsMax: 10 })
    ledger.add(overtaken, "c1", "t", 5, 1000, 10, 14)
    ledger.add(overtaken, "c2", "t", 1, 1001, 3)
    ledger.add(overtaken, "c1", "t", 2, 1002, 20, 21)
    ledger.add(overtaken, "c1", "t", 1, 1003, 4, 4)
    assert.deepEqual(ledger.rows(), [
      {
        reason: overtaken,
        clientIdentifier: "c1",
        topic: "t",
        count: 8,
        firstAtMs: 1000,
        lastAtMs: 1003,
        firstSequence: 4,
        lastSequence: 21
      },
      {
        reason: overtaken,
        clientIdentifier: "c2",
        topic: "t",
        count: 1,
        firstAtMs: 1001,
        lastAtMs: 1001,
        firstSequence: 3,
        lastSequence: 3
      }
    ])
    assert.strictEqual(ledger.total(overtaken), 9)
    assert.strictEqual(ledger.total(full), 0)
  })

  it("keeps rows of the same client and topic apart by reason", () => {
    const ledger = new DropLedger({ rowsMax: 10 })
    ledger.add(full, "c", "t", 1, 1)
    ledger.add(overtaken, "c", "t", 2, 2)
    assert.deepEqual(
      ledger.rows().map((row) => [row.reason, row.count]),
      [
        [overtaken, 2],
        [full, 1]
      ]
    )
  })

  it("puts what does not fit into (other), and never a later known row", () => {
    const ledger = new DropLedger({ rowsMax: 2 })
    ledger.add(full, "a", "t", 1, 1)
    ledger.add(full, "b", "t", 1, 2)
    ledger.add(full, "c", "t", 3, 3, 7, 9)
    ledger.add(full, "d", "t", 4, 4, 2, 3)
    ledger.add(full, "a", "t", 1, 5)
    const rows = ledger.rows()
    assert.deepEqual(
      rows.map((row) => [row.clientIdentifier, row.topic, row.count]),
      [
        ["a", "t", 2],
        ["b", "t", 1],
        [otherName, otherName, 7]
      ]
    )
    assert.deepInclude(rows[2], { firstAtMs: 3, lastAtMs: 4, firstSequence: 2, lastSequence: 9 })
    assert.strictEqual(ledger.total(full), 10)
  })

  it("does not mistake a client that calls itself (other)", () => {
    const ledger = new DropLedger({ rowsMax: 1 })
    ledger.add(full, otherName, otherName, 1, 1)
    ledger.add(full, "b", "t", 2, 1)
    ledger.add(full, otherName, otherName, 1, 1)
    assert.deepEqual(
      ledger.rows().map((row) => row.count),
      [2, 2]
    )
  })

  it("gives the place of a stale row to a new one and keeps the stale row's count", () => {
    const ledger = new DropLedger({ rowsMax: 2, staleAfterMs: 100 })
    ledger.add(full, "old", "t", 5, 1000, 1, 5)
    ledger.add(full, "live", "t", 1, 1090)
    ledger.add(full, "new", "t", 1, 1101)
    assert.sameMembers(
      ledger.rows().map((row) => row.clientIdentifier),
      ["new", "live", otherName]
    )
    const other = ledger.rows().at(-1)
    assert.deepInclude(other, { count: 5, firstAtMs: 1000, lastAtMs: 1000, firstSequence: 1, lastSequence: 5 })
    ledger.add(full, "old", "t", 1, 1102)
    assert.strictEqual(ledger.rows().at(-1)?.count, 6)
    assert.strictEqual(ledger.total(full), 8)
  })

  it("bounds the text it holds, not only the rows", () => {
    const ledger = new DropLedger({ rowsMax: 100, textCharactersMax: 1000 })
    for (let i = 0; i < 50; i++) ledger.add(full, `${i}`.padEnd(65, "x"), "t".repeat(60), 1, 1)
    const rows = ledger.rows()
    assert.strictEqual(rows.length, 8 + 1)
    assert.strictEqual(rows.at(-1)?.count, 42)
  })

  it("a folded row gives its text back", () => {
    const ledger = new DropLedger({ rowsMax: 100, textCharactersMax: 100, staleAfterMs: 10 })
    for (let i = 0; i < 20; i++) ledger.add(full, `${i}`.padEnd(60, "x"), "t", 1, i * 100)
    assert.deepEqual(
      ledger.rows().map((row) => row.count),
      [1, 19]
    )
  })

  it("total = sum of rows, row numbers bounded, for any sequence of drops", () => {
    const drop = fc.record({
      reason: fc.constantFrom(...dropReasons.map((row) => row.id)),
      client: fc.constantFrom("a", "b", "c", otherName, ""),
      topic: fc.constantFrom("x", "x/y", otherName),
      count: fc.integer({ min: 0, max: 1000 }),
      advanceMs: fc.integer({ min: 0, max: 50 })
    })
    fc.assert(
      fc.property(fc.array(drop, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (drops, rowsMax) => {
        const ledger = new DropLedger({ rowsMax, staleAfterMs: 100 })
        const expected = new Array<number>(dropReasons.length).fill(0)
        let nowMs = 0
        for (const each of drops) {
          nowMs += each.advanceMs
          ledger.add(each.reason, each.client, each.topic, each.count, nowMs)
          expected[each.reason] = (expected[each.reason] ?? 0) + each.count
        }
        const summed = new Array<number>(dropReasons.length).fill(0)
        const rows = ledger.rows()
        for (const row of rows) summed[row.reason] = (summed[row.reason] ?? 0) + row.count
        assert.deepEqual(summed, expected)
        assert.deepEqual([...ledger.totals], expected)
        assert.isAtMost(rows.length, rowsMax + dropReasons.length)
        const named = rows.filter((row) => row.clientIdentifier !== otherName)
        const keys = named.map((row) => `${row.reason} ${row.clientIdentifier} ${row.topic}`)
        assert.strictEqual(new Set(keys).size, keys.length)
      })
    )
  })
})

describe("drop reasons", () => {
  it("ids are dense and in order, names kebab-case and unique, every row says what to change", () => {
    assert.deepEqual(
      dropReasons.map((row) => row.id),
      dropReasons.map((_, index) => index)
    )
    assert.strictEqual(new Set(dropReasons.map((row) => row.name)).size, dropReasons.length)
    for (const row of dropReasons) {
      assert.match(row.name, /^[a-z]+(-[a-z]+)*$/)
      assert.isTrue(row.meaning.endsWith(".") && row.change.endsWith("."), row.name)
    }
  })

  it("every setting a row names exists", () => {
    const named = dropReasons.flatMap((row) => row.change.match(/[a-z]+(\.[a-z][a-z-]*)+/g) ?? [])
    assert.isAbove(named.length, 5)
    for (const key of named) assert.isTrue(leafByKey.has(key), key)
  })

  it("the name in code is the name in the table", () => {
    for (const [key, id] of Object.entries(DropReason)) {
      assert.strictEqual(
        key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
        dropReasons[id]?.name
      )
    }
  })
})
