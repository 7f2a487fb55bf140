/**
 * The topic tree against a list that is filtered naively: get, set, delete, walk under a budget, scan in
 * pieces while topics come and go. Work is counted in visits, never in time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { TopicTree } from "../../src/store/topic-tree.ts"
import { naiveMatch } from "../contract/naive-match.ts"

const unlimited = Number.POSITIVE_INFINITY

const level = fc.constantFrom("", "a", "b", "a!", "a b", "$a", "$", "ab", "é", "\u0001", "\u{1f600}")
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "")
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
  .map(([levels, hash]) => (hash ? [...levels, "#"] : levels).join("/"))
  .filter((text) => text !== "")

function treeOf(topics: ReadonlyArray<string>): TopicTree<string> {
  const tree = new TopicTree<string>()
  for (const each of topics) tree.set(each, each)
  return tree
}

function collect(tree: TopicTree<string>, wanted: string, budget: number): ReadonlyArray<string> | undefined {
  const found: Array<string> = []
  return tree.walk(wanted, budget, (value) => found.push(value)) ? found : undefined
}

describe("topic tree", () => {
  it("holds what a map holds, for any changes", () => {
    const change = fc.record({ topic, value: fc.option(fc.integer(), { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
        const tree = new TopicTree<number>()
        const model = new Map<string, number>()
        for (const { topic, value } of changes) {
          const before = model.get(topic)
          assert.strictEqual(value === undefined ? tree.delete(topic) : tree.set(topic, value), before)
          if (value === undefined) model.delete(topic)
          else model.set(topic, value)
          assert.strictEqual(tree.size, model.size)
        }
        for (const [topic, value] of model) assert.strictEqual(tree.get(topic), value)
        const values: Array<number> = []
        for (const wanted of ["#", "$/#", "$a/#"]) tree.walk(wanted, unlimited, (value) => values.push(value))
        assert.sameMembers(values, [...model.values()])
      })
    )
  })

  it("finds exactly what matches, each once", () => {
    fc.assert(
      fc.property(fc.uniqueArray(topic, { maxLength: 60 }), filter, (topics, wanted) => {
        const found = collect(treeOf(topics), wanted, unlimited)
        assert.sameMembers(
          [...(found ?? [])],
          topics.filter((each) => naiveMatch(wanted, each))
        )
      }),
      { numRuns: 1000 }
    )
  })

  it("survives splits and joins: 20,000 topics in mixed order, half of them removed, in order", () => {
    const topics = Array.from({ length: 20_000 }, (_, i) => `f/${(i * 7919) % 20_000}/${i % 3}`)
    const tree = treeOf(topics)
    for (const each of topics.filter((_, i) => i % 8 !== 0)) assert.strictEqual(tree.delete(each), each)
    const left = topics.filter((_, i) => i % 8 === 0)
    const found = collect(tree, "f/+/+", unlimited) ?? []
    const order = (a: string, b: string): number => (a < b ? -1 : 1)
    assert.deepEqual(
      [...found],
      left.toSorted((a, b) => order(a.replaceAll("/", "\0"), b.replaceAll("/", "\0")))
    )
    for (const each of left) tree.delete(each)
    assert.strictEqual(tree.size, 0)
    assert.deepEqual(collect(tree, "#", 1), [])
  })

  it("gives up when the budget is spent, and not before", () => {
    const tree = treeOf(["a/1", "a/2", "a/3", "b"])
    assert.deepEqual(collect(tree, "#", 4), ["a/1", "a/2", "a/3", "b"])
    assert.isUndefined(collect(tree, "#", 3))
  })

  it("touches the subtree asked for, not the others", () => {
    const tree = new TopicTree<number>()
    for (let site = 0; site < 100; site++) {
      for (let sensor = 0; sensor < 100; sensor++) tree.set(`site${site}/${sensor}/state`, 0)
    }
    const visitsOf = (wanted: string): number => {
      const before = tree.visits
      tree.walk(wanted, unlimited, () => {})
      return tree.visits - before
    }
    assert.isAtMost(visitsOf("site42/7/state"), 3)
    assert.isAtMost(visitsOf("site42/#"), 100 + 2)
    assert.isAtMost(visitsOf("site42/+/state"), 2 * 100 + 2)
    // One key per site to learn that it has the sensor, one where its subtree ends, one per leaf at most.
    assert.isAtMost(visitsOf("+/7/state"), 4 * 100)
    assert.isAtMost(visitsOf("nowhere/#"), 1)
  })

  it("topics of 65,535 bytes do not recurse, cost their length in visits and match", () => {
    const deep = `${"/".repeat(65_534)}a`
    const deeper = `${"/".repeat(65_534)}b`
    const tree = treeOf([deep, deeper, "x"])
    assert.deepEqual(collect(tree, `${"+/".repeat(65_534)}b`, unlimited), [deeper])
    assert.deepEqual(collect(tree, "#", unlimited), [deep, deeper, "x"])
    assert.isUndefined(collect(tree, "#", 1024))
    assert.strictEqual(tree.delete(deep), deep)
  })

  it("can be scanned in pieces of any size while topics come and go", () => {
    const change = fc.record({ topic, present: fc.boolean() })
    const piece = fc.record({
      limit: fc.integer({ min: 1, max: 4 }),
      budget: fc.integer({ min: 1, max: 5 }),
      changes: fc.array(change, { maxLength: 3 })
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(topic, { maxLength: 40 }),
        filter,
        fc.array(piece, { minLength: 1, maxLength: 20 }),
        (topics, wanted, pieces) => {
          const tree = treeOf(topics)
          const touched = new Set(pieces.flatMap((each) => each.changes.map((one) => one.topic)))
          const seen: Array<string> = []
          let after: string | undefined
          let round = 0
          do {
            const { limit, budget, changes } = pieces[Math.min(round, pieces.length - 1)] as (typeof pieces)[number]
            let taken = 0
            const before = after
            const visitsBefore = tree.visits
            after = tree.scan(wanted, after, limit, budget, (value) => {
              seen.push(value)
              taken++
            })
            assert.isAtMost(taken, limit)
            assert.isAtMost(tree.visits - visitsBefore, budget)
            assert.isTrue(after === undefined || after !== before, "a scan makes progress")
            for (const one of round < pieces.length ? changes : []) {
              if (one.present) tree.set(one.topic, one.topic)
              else tree.delete(one.topic)
            }
            round++
          } while (after !== undefined)
          assert.strictEqual(new Set(seen).size, seen.length, "no topic twice")
          for (const each of seen) assert.isTrue(naiveMatch(wanted, each))
          for (const each of topics) {
            if (!touched.has(each) && naiveMatch(wanted, each)) assert.include(seen, each)
          }
        }
      ),
      { numRuns: 1000 }
    )
  })
})
