/**
 * The two tables below the tree: open addressing (removal without tombstones) and interned levels (arena,
 * compaction, reuse of ids), each against a Map on random histories.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { LevelTable } from "../../src/router/level-table.ts"
import { OpenTable } from "../../src/router/open-table.ts"

describe("open table", () => {
  it("finds exactly what is in it, however badly the hashes collide", () => {
    // Few distinct hashes, at the end of the table too: long probes that wrap around.
    const hashOf = (id: number) => [0, 1, 62, 63, 126, 127, -1][id % 7] as number
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 400 }), (toggles) => {
        const table = new OpenTable(hashOf)
        const model = new Set<number>()
        for (const id of toggles) {
          if (model.delete(id)) table.remove(id)
          else {
            table.insert(id)
            model.add(id)
          }
        }
        for (let id = 1; id <= 150; id++) assert.strictEqual(isFound(table, hashOf(id), id), model.has(id))
        assert.strictEqual(table.slots.filter((id) => id !== 0).length, model.size)
      })
    )
  })
})

function isFound(table: OpenTable, hash: number, id: number): boolean {
  for (let slot = hash & table.mask; table.slots[slot] !== 0; slot = (slot + 1) & table.mask) {
    if (table.slots[slot] === id) return true
  }
  return false
}

describe("level table", () => {
  const level = fc.constantFrom("", "a", "b", "ab", "ba", "\u00fc", "x".repeat(31), "x".repeat(32), "y".repeat(600))

  it("gives equal levels one id while they are held, others another", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(level, fc.boolean()), { maxLength: 200 }), (steps) => {
        const table = new LevelTable()
        const held: Array<{ readonly text: string; readonly id: number }> = []
        for (const [text, isRelease] of steps) {
          if (isRelease && held.length > 0) table.release((held.shift() as (typeof held)[number]).id)
          else held.push({ text, id: acquire(table, text) })
          const expected = held.find((one) => one.text === text)?.id ?? 0
          assert.strictEqual(find(table, text), expected)
        }
        for (const { text, id } of held) assert.strictEqual(find(table, text), id)
        assert.strictEqual(new Set(held.map((one) => one.id)).size, new Set(held.map((one) => one.text)).size)
      })
    )
  })

  it("compacts the bytes of levels that are gone, and uses their ids again", () => {
    const table = new LevelTable()
    const kept = Array.from({ length: 20 }, (_, i) => ({ text: `kept-${i}`, id: acquire(table, `kept-${i}`) }))
    for (let i = 0; i < 20_000; i++) {
      const id = acquire(table, `passing-${i}`)
      assert.isAtMost(id, 21)
      table.release(id)
    }
    for (const { text, id } of kept) assert.strictEqual(find(table, text), id)
    assert.isAtMost(table.sizeBytes, 4096)
  })

  it("does not keep the bytes of a crowd that is gone", () => {
    const table = new LevelTable()
    for (let round = 0; round < 3; round++) {
      const crowd = Array.from({ length: 2000 }, (_, i) => acquire(table, `round-${round}-${i}`))
      assert.strictEqual(table.size, 2000)
      for (const id of crowd) table.release(id)
    }
    assert.strictEqual(table.size, 0)
    assert.isAtMost(table.sizeBytes, 64 * 1024)
    for (let i = 0; i < 2000; i++) acquire(table, `long-${"x".repeat(20)}-${i}`)
    for (let i = 0; i < 2000; i++) assert.isAbove(find(table, `long-${"x".repeat(20)}-${i}`), 0)
  })

  it("asserts that a release has its acquire", () => {
    const table = new LevelTable()
    const id = acquire(table, "a")
    table.release(id)
    assert.throws(() => table.release(id))
  })
})

function acquire(table: LevelTable, text: string): number {
  const bytes = Buffer.from(`<${text}>`)
  return table.acquire(bytes, 1, bytes.length - 1)
}

function find(table: LevelTable, text: string): number {
  const bytes = Buffer.from(`<${text}>`)
  return table.find(bytes, 1, bytes.length - 1)
}
