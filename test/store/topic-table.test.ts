/**
 * Topic ids by bytes, against a map of names: an answer is exact or there is none, whatever came and went before.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { hashBytes } from "../../src/base/bytes.ts"
import { LogTopics } from "../../src/store/log-topics.ts"
import { TopicTable } from "../../src/store/topic-table.ts"

describe("topic ids by bytes", () => {
  it("answers what was added, and nothing else, also when it has grown", () => {
    const names = Array.from({ length: 5000 }, (_, i) => `plant/${i % 7}/${"line".repeat(i % 20)}/${i}`)
    const topics = new TopicTable()
    for (const [id, name] of names.entries()) {
      const bytes = Buffer.from(`..${name}.`)
      assert.strictEqual(topics.find(bytes, 2, bytes.length - 1), -1)
      topics.add(bytes, 2, bytes.length - 1, id)
    }
    for (const [id, name] of names.entries()) {
      const bytes = Buffer.from(name)
      assert.strictEqual(topics.find(bytes, 0, bytes.length), id)
      assert.strictEqual(topics.find(bytes, 0, bytes.length - 1), names.indexOf(name.slice(0, -1)))
    }
  })

  it("keeps what stays when others go, and takes no memory for those that went", () => {
    const table = new TopicTable()
    const kept = new Map<number, string>()
    for (let i = 0; i < 40_000; i++) {
      // Long enough that chunks are given back while some of their names live on.
      const name = `once/${i}/${"x".repeat(i % 90)}`
      const id = i % 1000
      if (kept.has(id)) table.remove(id)
      add(table, name, id)
      kept.set(id, name)
      if (id % 100 !== 0) continue
      const lasting = `lasting/${i}`
      add(table, lasting, 1000 + i)
      kept.set(1000 + i, lasting)
    }
    assert.strictEqual(table.size, kept.size)
    for (const [id, name] of kept) {
      assert.strictEqual(table.name(id), name)
      assert.strictEqual(find(table, name), id)
    }
    assert.isBelow(table.chunks, 12, "names of 40,000 topics would fill 18 chunks")
    for (const id of kept.keys()) table.remove(id)
    assert.strictEqual(table.size, 0)
    assert.strictEqual(table.longBytes, 0)
    assert.isAtMost(table.chunks, 1)
  })

  it("is exact for topics chosen to collide, of which some find no slot", () => {
    const colliding: Array<string> = []
    for (let i = 0; colliding.length < 150; i++) {
      const bytes = Buffer.from(`c/${i}`)
      if ((hashBytes(bytes, 0, bytes.length) & 1023) === 7) colliding.push(bytes.toString())
    }
    const table = new TopicTable()
    for (const [id, name] of colliding.entries()) add(table, name, id)
    for (const [id, name] of colliding.entries()) assert.strictEqual(find(table, name), id)
    for (let id = 0; id < colliding.length; id += 2) table.remove(id)
    for (const [id, name] of colliding.entries()) assert.strictEqual(find(table, name), id % 2 === 0 ? -1 : id)
    for (let id = 0; id < colliding.length; id += 2) add(table, colliding[id] as string, id)
    for (const [id, name] of colliding.entries()) assert.strictEqual(find(table, name), id)
  })

  it("counts what long names take", () => {
    const table = new TopicTable()
    add(table, "x".repeat(65_535), 0)
    add(table, "short", 1)
    assert.isAbove(table.longBytes, 65_000)
    table.remove(0)
    assert.strictEqual(table.longBytes, 0)
    assert.strictEqual(table.name(0), "")
    assert.strictEqual(table.name(1), "short")
  })

  it("gives the log's topics the ids that their names have, whatever comes in between", () => {
    const step = fc.record({
      name: fc.constantFrom("a", "b", "a/b", "ä", "", "a".repeat(60)),
      does: fc.constantFrom("resolve", "retire")
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const topics = new LogTopics()
        for (const { does, name } of steps) {
          const known = topics.find(name)
          const bytes = Buffer.from(`<${name}>`)
          if (does === "retire") {
            if (known >= 0) topics.retire(known)
            continue
          }
          const id = topics.resolveBytes(bytes, 1, bytes.length - 1)
          if (known >= 0) assert.strictEqual(id, known)
          assert.strictEqual(topics.find(name), id)
          assert.strictEqual(topics.name(id), name)
        }
      })
    )
  })

  it("gives ids again in batches, each time under another stamp", () => {
    const topics = new LogTopics()
    const stamps = new Map<number, number>()
    let same = 0
    for (let i = 0; i < 400_000; i++) {
      const bytes = Buffer.from(`once/${i}`)
      const id = topics.resolveBytes(bytes, 0, bytes.length)
      if (topics.stamps[id] === stamps.get(id)) same += 1
      stamps.set(id, topics.stamps[id] as number)
      topics.retire(id)
    }
    assert.strictEqual(same, 0)
    assert.isAtMost(topics.bound, 131_072)
    assert.isAtLeast(topics.epoch, 2)
  })
})

function add(table: TopicTable, name: string, id: number): void {
  const bytes = Buffer.from(name)
  assert.strictEqual(table.find(bytes, 0, bytes.length), -1)
  table.add(bytes, 0, bytes.length, id)
}

function find(table: TopicTable, name: string): number {
  const bytes = Buffer.from(name)
  return table.find(bytes, 0, bytes.length)
}
