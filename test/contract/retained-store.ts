/**
 * The contract of RetainedStore (src/store/ports.ts), held by every engine: values replace and clear, bytes
 * and count are exact, limits refuse and change nothing, pages show every topic that stays exactly once,
 * in one order, whatever comes and goes between two pages.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { RetainedMessage, RetainedStore } from "../../src/store/ports.ts"
import { naiveMatch } from "./naive-match.ts"

export interface RetainedLimits {
  readonly maxMessages: number
  readonly maxBytes: number
  readonly visitsMax: number
}

export type MakeRetained = (limits: RetainedLimits) => RetainedStore

const wide: RetainedLimits = { maxMessages: 1_000_000, maxBytes: 2 ** 40, visitsMax: 1000 }
const pagesMax = 100_000

const level = fc.constantFrom("", "a", "b", "a!", "$a", "ab", "é")
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "")
const filter = fc.constantFrom("#", "+", "+/#", "a/#", "a/+", "+/+", "a/b", "a/+/b", "$a/#", "$a/+", "/#", "+/", "zz/#")

export function retainedMessage(topic: string, sizeBytes = 10, sequence = 0): RetainedMessage {
  const expiresAtMs = Number.POSITIVE_INFINITY
  const frame = Buffer.alloc(sizeBytes)
  return { topic, frame, isVersion5: true, publisher: 1, sequence, storedAtMs: 0, expiresAtMs }
}

/** All topics that match, page by page. `between` runs after each page. */
export function topicsByPage(
  store: RetainedStore,
  wanted: string,
  limit: number,
  between: (page: number) => void = () => {}
): Array<string> {
  const seen: Array<string> = []
  let after: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const { messages, next } = store.page(wanted, after, limit)
    assert.isAtMost(messages.length, limit)
    for (const message of messages) seen.push(message.topic)
    if (next === undefined) return seen
    assert.notStrictEqual(next, after, "a page makes progress")
    after = next
    between(page)
  }
  return assert.fail("the walk does not end")
}

export function retainedStoreContract(name: string, make: MakeRetained): void {
  describe(`retained store: ${name}`, () => {
    values(make)
    limits(make)
    pages(make)
  })
}

function values(make: MakeRetained): void {
  it("sets, replaces and clears, with exact count and bytes", () => {
    const store = make(wide)
    const first = retainedMessage("a/b", 10, 1)
    const second = retainedMessage("a/b", 25, 2)
    assert.isUndefined(store.get("a/b"))
    assert.isTrue(store.set(first))
    assert.isTrue(store.set(retainedMessage("a", 7)))
    assert.deepEqual([store.count, store.bytes], [2, 17])
    assert.isTrue(store.set(second))
    assert.strictEqual(store.get("a/b"), second)
    assert.deepEqual([store.count, store.bytes], [2, 32])
    assert.isTrue(store.clear("a/b"))
    assert.isFalse(store.clear("a/b"))
    assert.isFalse(store.clear("a/"))
    assert.deepEqual([store.count, store.bytes], [1, 7])
    assert.isTrue(store.clear("a"))
    assert.deepEqual([store.count, store.bytes], [0, 0])
    assert.deepEqual(topicsByPage(store, "#", 10), [])
  })

  it("count and bytes follow a model through any changes", () => {
    const change = fc.record({ topic, sizeBytes: fc.option(fc.nat(100), { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 100 }), (changes) => {
        const store = make({ ...wide, maxMessages: 8, maxBytes: 300 })
        const model = new Map<string, number>()
        const modelBytes = (): number => [...model.values()].reduce((sum, bytes) => sum + bytes, 0)
        for (const { topic, sizeBytes } of changes) {
          if (sizeBytes === undefined) {
            assert.strictEqual(store.clear(topic), model.delete(topic))
          } else {
            const fits =
              (model.has(topic) || model.size < 8) && modelBytes() - (model.get(topic) ?? 0) + sizeBytes <= 300
            assert.strictEqual(store.set(retainedMessage(topic, sizeBytes)), fits)
            if (fits) model.set(topic, sizeBytes)
          }
          assert.deepEqual([store.count, store.bytes], [model.size, modelBytes()])
          assert.strictEqual(store.get(topic)?.frame.length, model.get(topic))
        }
      })
    )
  })
}

function limits(make: MakeRetained): void {
  it("refuses a topic too many and leaves the rest alone; replacing is still allowed", () => {
    const store = make({ ...wide, maxMessages: 2 })
    assert.isTrue(store.set(retainedMessage("a")))
    assert.isTrue(store.set(retainedMessage("b")))
    assert.isFalse(store.set(retainedMessage("c")))
    assert.isTrue(store.set(retainedMessage("a", 12)))
    assert.isUndefined(store.get("c"))
    assert.deepEqual([store.count, store.bytes], [2, 22])
    store.clear("b")
    assert.isTrue(store.set(retainedMessage("c")))
  })

  it("refuses bytes too many, and the value that was there stays", () => {
    const store = make({ ...wide, maxBytes: 100 })
    const kept = retainedMessage("a", 60)
    assert.isTrue(store.set(kept))
    assert.isFalse(store.set(retainedMessage("b", 41)))
    assert.isFalse(store.set(retainedMessage("a", 101)))
    assert.strictEqual(store.get("a"), kept)
    assert.strictEqual(store.bytes, 60)
    assert.isTrue(store.set(retainedMessage("b", 40)))
    assert.isTrue(store.set(retainedMessage("a", 59)))
    assert.strictEqual(store.bytes, 99)
  })
}

function pages(make: MakeRetained): void {
  it("a filter that begins with a wildcard does not show $-topics [MQTT-4.7.2-1]", () => {
    const store = make(wide)
    for (const each of ["$SYS/a", "$SYS", "a", "a/$SYS"]) store.set(retainedMessage(each))
    assert.sameMembers(topicsByPage(store, "#", 1), ["a", "a/$SYS"])
    assert.sameMembers(topicsByPage(store, "+/a", 1), [])
    assert.sameMembers(topicsByPage(store, "$SYS/#", 1), ["$SYS/a", "$SYS"])
    assert.sameMembers(topicsByPage(store, "$SYS/+", 1), ["$SYS/a"])
    assert.sameMembers(topicsByPage(store, "a/+", 1), ["a/$SYS"])
  })

  it("the parent matches its own multi-level wildcard, and order is the same for every page size", () => {
    const store = make(wide)
    for (const each of ["a!/x", "a", "a/b", "a/b/c", "b", "a/", "a b/c"]) store.set(retainedMessage(each))
    assert.sameMembers(topicsByPage(store, "a/#", 2), ["a", "a/b", "a/b/c", "a/"])
    const all = topicsByPage(store, "#", 100)
    assert.strictEqual(all.length, 7)
    for (const limit of [1, 2, 3]) assert.deepEqual(topicsByPage(store, "#", limit), all)
  })

  it("a page looks at a bounded number of topics and says where to go on", () => {
    const store = make({ ...wide, visitsMax: 10 })
    for (let i = 0; i < 1000; i++) store.set(retainedMessage(`t/${i}/other`))
    store.set(retainedMessage("t/999/wanted"))
    const first = store.page("t/+/wanted", undefined, 50)
    assert.isDefined(first.next)
    assert.isAtMost(first.messages.length, 10)
    assert.deepEqual(topicsByPage(store, "t/+/wanted", 50), ["t/999/wanted"])
  })

  it("goes on after a topic that was cleared in the meantime", () => {
    const store = make(wide)
    for (const each of ["a", "b", "c", "d"]) store.set(retainedMessage(each))
    const order = topicsByPage(store, "#", 100)
    const seen = topicsByPage(store, "#", 2, () => store.clear(order[1] as string))
    assert.deepEqual(seen, order)
  })

  it("shows each topic that stays exactly once, whatever comes and goes between pages", () => {
    const change = fc.record({ topic, present: fc.boolean() })
    fc.assert(
      fc.property(
        fc.uniqueArray(topic, { maxLength: 30 }),
        filter,
        fc.record({ limit: fc.integer({ min: 1, max: 4 }), visitsMax: fc.integer({ min: 1, max: 6 }) }),
        fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 20 }),
        (topics, wanted, { limit, visitsMax }, changes) => {
          const store = make({ ...wide, visitsMax })
          for (const each of topics) store.set(retainedMessage(each))
          const touched = new Set(changes.flat().map((one) => one.topic))
          const seen = topicsByPage(store, wanted, limit, (page) => {
            for (const one of changes[page] ?? []) {
              if (one.present) store.set(retainedMessage(one.topic))
              else store.clear(one.topic)
            }
          })
          assert.strictEqual(new Set(seen).size, seen.length, "no topic twice")
          for (const each of seen) assert.isTrue(naiveMatch(wanted, each), each)
          const stayed = topics.filter((each) => !touched.has(each) && naiveMatch(wanted, each))
          assert.includeMembers(seen, stayed)
        }
      ),
      { numRuns: 500 }
    )
  })
}
