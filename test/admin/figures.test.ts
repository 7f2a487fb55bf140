/** What the figures of the dashboard are made of: quantiles of a window, a history that does not grow, pages of lists. */
import { assert, describe, it } from "@effect/vitest"
import type { Overview } from "../../src/admin/api/system.ts"
import { HistoryRing } from "../../src/admin/views/history.ts"
import { type Columns, lookMax, pageOf } from "../../src/admin/views/page.ts"
import { QuantileWindow } from "../../src/admin/views/quantile-window.ts"
import { Buckets } from "../../src/metrics/buckets.ts"

describe("quantiles of a window", () => {
  it("are of what came in its turns, and of nothing before", () => {
    const buckets = new Buckets([1, 2, 4])
    buckets.observeMany(4, 1000)
    const window = new QuantileWindow([buckets], 3)
    window.turn()
    assert.isUndefined(window.quantile(0.5))
    buckets.observeMany(1.5, 100)
    window.turn()
    assert.closeTo(window.quantile(0.5) ?? 0, 1.5, 0.01)
    window.turn()
    window.turn()
    assert.closeTo(window.quantile(0.99) ?? 0, 1.99, 0.01)
    window.turn()
    assert.isUndefined(window.quantile(0.5), "three turns ago is out of the window")
  })

  it("above the last bound are that bound; several histograms are taken together", () => {
    const [a, b] = [new Buckets([1, 2]), new Buckets([1, 2])]
    const window = new QuantileWindow([a, b], 2)
    a.observeMany(0.5, 98)
    b.observeMany(99, 2)
    window.turn()
    assert.strictEqual(window.quantile(0.99), 2)
    assert.isBelow(window.quantile(0.5) ?? 9, 1)
  })
})

describe("history", () => {
  const overview = (sessions: number, syncP50Ms: number | null = null): Overview =>
    ({ sessions, syncP50Ms }) as unknown as Overview

  it("has a row per ten seconds, the mean of what fell into them, null where nothing did", () => {
    const ring = new HistoryRing(5)
    for (let second = 0; second < 35; second++) ring.add(overview(second, second < 10 ? null : 2), second * 1000)
    const { at, columns, stepSeconds } = ring.last(3600)
    assert.strictEqual(stepSeconds, 10)
    assert.deepEqual(at, ["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:10.000Z", "1970-01-01T00:00:20.000Z"])
    assert.deepEqual(columns["sessions"], [4.5, 14.5, 24.5])
    assert.deepEqual(columns["syncP50Ms"], [null, 2, 2])
    assert.deepEqual(ring.last(20).columns["sessions"], [14.5, 24.5])
  })

  it("forgets the oldest and never grows", () => {
    const ring = new HistoryRing(3)
    for (let second = 0; second <= 100; second += 10) ring.add(overview(second), second * 1000)
    assert.deepEqual(ring.last(86_400).columns["sessions"], [70, 80, 90])
  })
})

describe("pages", () => {
  interface Row {
    readonly name: string
    readonly size: number | null
  }
  let rowsMade = 0
  const columns: Columns<number, Row> = {
    name: (n) => {
      rowsMade += 1
      return `n${n}`
    },
    size: (n) => (n % 3 === 0 ? null : n % 10)
  }
  const numbers = Array.from({ length: 100 }, (_, i) => i)
  const page = (query: Parameters<typeof pageOf>[1]) =>
    pageOf({ items: numbers, count: numbers.length, columns, searched: ["name"] }, query)

  it("without a wish are made of what is shown and nothing else", () => {
    rowsMade = 0
    const { items, isTotalExact, total } = page({ limit: 5, offset: 10 })
    assert.deepEqual(
      items.map(({ name }) => name),
      ["n10", "n11", "n12", "n13", "n14"]
    )
    assert.deepEqual([total, isTotalExact, rowsMade], [100, true, 5])
    assert.lengthOf(page({}).items, 100)
    assert.deepEqual(page({ offset: 1000 }).items, [])
  })

  it("filter by what is shown, in any case of letters", () => {
    const { items, total } = page({ filter: "N9", limit: 3 })
    assert.deepEqual(
      items.map(({ name }) => name),
      ["n9", "n90", "n91"]
    )
    assert.strictEqual(total, 11)
  })

  it("sort rising and falling, nothing last either way; a column that is none is passed over", () => {
    assert.deepEqual(
      page({ sort: "size", limit: 2 }).items.map(({ size }) => size),
      [0, 0]
    )
    assert.deepEqual(
      page({ sort: "-size", limit: 2 }).items.map(({ size }) => size),
      [9, 9]
    )
    for (const sort of ["size", "-size"]) assert.isNull(page({ sort, offset: 99 }).items[0]?.size)
    for (const sort of ["__proto__", "constructor", "nope"]) assert.strictEqual(page({ sort }).items[0]?.name, "n0")
  })

  it("look at a bounded number of items, and say so", () => {
    const many = { items: Array.from({ length: lookMax + 1 }, (_, i) => i), columns, searched: ["name"] as const }
    const { isTotalExact, total } = pageOf(many, { filter: "n", limit: 1 })
    assert.deepEqual([total, isTotalExact], [lookMax, false])
  })
})
