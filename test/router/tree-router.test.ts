/**
 * What only the tree router promises: shared match arrays, bounds on memory, who survives eviction, and
 * that a change of filters touches no more cached entries than it must.
 */
import { assert, describe, it } from "@effect/vitest"
import { ByteHash } from "../../src/base/byte-hash.ts"
import { Generations } from "../../src/router/generations.ts"
import type { TopicEntry } from "../../src/router/router.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import { intern, matchedTexts } from "../contract/router.ts"

/** The hash that routers have in tests. */
const unseeded = new ByteHash()

describe("shared match arrays", () => {
  it("topics with equal sets of filters hold one array", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 1000 })
    router.acquire("#")
    router.acquire("a/+")
    const others = Array.from({ length: 300 }, (_, i) => intern(router, `b/${i}`).matched)
    assert.strictEqual(new Set(others).size, 1)
    assert.strictEqual(intern(router, "a/1").matched, intern(router, "a/2").matched)
    assert.strictEqual(router.statistics().sharedMatchSets, 2)
  })

  it("an array that was handed out does not change afterwards", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 1000 })
    const filter = router.acquire("a/+")
    const before = intern(router, "a/b").matched
    router.acquire("a/#")
    router.release(filter)
    assert.deepStrictEqual([...matchedTexts(router, "a/b")], ["a/#"])
    assert.deepStrictEqual([...before], [filter])
  })

  it("sets are dropped with the last entry that held them", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 8 })
    for (let i = 0; i < 500; i++) {
      router.acquire(`t/${i}/+`)
      intern(router, `t/${i}/x`)
      assert.isAtMost(router.statistics().sharedMatchSets, 8)
    }
    for (let i = 0; i < 100; i++) intern(router, `none/${i}`)
    assert.strictEqual(router.statistics().sharedMatchSets, 0)
  })

  it("large sets are sorted, shared and released too", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 100 })
    const plussed = (bits: number) => [0, 1, 2, 3, 4, 5, 6].map((at) => ((bits >> at) & 1 ? "+" : "a")).join("/")
    const held = Array.from({ length: 128 }, (_, bits) => router.acquire(plussed(127 - bits)))
    const entry = intern(router, "a/a/a/a/a/a/a")
    assert.deepStrictEqual([...entry.matched], held)
    for (const filter of held) router.release(filter)
    assert.strictEqual(intern(router, "a/a/a/a/a/a/a").matched.length, 0)
    assert.strictEqual(router.statistics().sharedMatchSets, 0)
  })
})

describe("bounds of the entry cache", () => {
  it("bytes of topics", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 1000, cachedTopicBytesMax: 10_000 })
    for (let i = 0; i < 50; i++) {
      intern(router, `${"x".repeat(990)}/${String(i).padStart(9, "0")}`)
      assert.isAtMost(router.statistics().cachedEntries, 10)
    }
    assert.strictEqual(router.statistics().cachedEntries, 10)
    assert.isTrue(intern(router, "y".repeat(60_000)).valid, "one entry above the bound is still answered")
    assert.strictEqual(router.statistics().cachedEntries, 1)
  })

  it("filters in match sets", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 1000, matchedFiltersMax: 100 })
    for (const filter of ["#", "+/#", "+/+", "+/+/#"]) router.acquire(filter)
    const entries: Array<TopicEntry<string>> = []
    for (let i = 0; i < 100; i++) {
      router.acquire(`t/${i}`)
      entries.push(intern(router, `t/${i}`))
      const again = intern(router, `t/${i >> 1}`)
      assert.isTrue(again.valid, "what was just answered is not what was evicted for it")
    }
    // Five filters each: no more than twenty entries keep their set.
    assert.isAtMost(router.statistics().cachedEntries, 20)
    assert.isAtLeast(router.statistics().cachedEntries, 15)
    assert.strictEqual(entries.at(-1)?.matched.length, 5)
    assert.isTrue(entries.at(-1)?.valid)
  })

  it("topics in use outlive a scan over topics that are not", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 100 })
    const inUse = Array.from({ length: 10 }, (_, i) => intern(router, `use/${i}`))
    for (let i = 0; i < 2000; i++) {
      intern(router, `scan/${i}`)
      for (let k = 0; k < 10; k++) intern(router, `use/${k}`)
    }
    const survived = inUse.filter((entry) => entry.valid)
    assert.isAtLeast(survived.length, 9)
    for (const entry of survived) assert.strictEqual(intern(router, entry.bytes.toString()), entry)
  })

  it("entries are used again for other topics, as new, and not while somebody may hold them", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 64 })
    const filter = router.acquire("odd/#")
    const lastSeen = new Map<TopicEntry<string>, number>()
    const serials = new Set<number>()
    let again = 0
    for (let i = 0; i < 10_000; i++) {
      const topic = `${i % 2 === 0 ? "eve" : "odd"}/${String(i).padStart(6, "0")}`
      const entry = intern(router, topic)
      assert.strictEqual(entry.bytes.toString(), topic)
      assert.deepEqual([entry.logTopic, entry.logStamp, entry.history, entry.series, entry.valid], [-1, 0, 0, 0, true])
      assert.deepEqual([entry.publishClass, entry.readClass], [0, 0])
      assert.strictEqual(serials.size, serials.add(entry.serial).size - 1, "no serial number is given twice")
      assert.deepEqual(entry.matched, i % 2 === 0 ? [] : [filter])
      const before = lastSeen.get(entry)
      if (before !== undefined) {
        again += 1
        assert.isAtLeast(i - before, 1024)
      }
      lastSeen.set(entry, i)
      entry.logTopic = i
      entry.logStamp = i
      entry.history = 1
      entry.series = 1
      entry.publishClass = 1
      entry.readClass = 1
    }
    assert.isAbove(again, 5000)
    assert.strictEqual(router.statistics().cachedEntries, 64)
    assert.strictEqual(router.statistics().sharedMatchSets, 1)
  })

  it("topics of one and the same hash are told apart", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 64 })
    const byHash = new Map<number, string>()
    let pair: readonly [string, string] | undefined
    for (let i = 0; pair === undefined; i++) {
      // Scattered, and of one length: the lengths would tell them apart.
      const topic = `t/${(Math.imul(i, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")}`
      const hash = unseeded.of(Buffer.from(topic), 0, topic.length)
      const other = byHash.get(hash)
      if (other !== undefined) pair = [other, topic]
      byHash.set(hash, topic)
    }
    router.acquire(pair[0])
    for (const topic of [...pair, ...pair]) {
      assert.deepStrictEqual([...matchedTexts(router, topic)], topic === pair[0] ? [topic] : [])
    }
  })

  it("topics whose hashes collide are answered right, whichever of them are evicted", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 64 })
    const colliding: Array<string> = []
    const slotOf = (topic: string) => unseeded.of(Buffer.from(topic), 0, topic.length) & 0xff
    for (let i = 0; colliding.length < 100; i++) if (slotOf(`c/${i}`) >= 0xfd) colliding.push(`c/${i}`)
    for (const topic of colliding) router.acquire(topic)
    for (let round = 0; round < 3; round++) {
      for (const topic of colliding) assert.deepStrictEqual([...matchedTexts(router, topic)], [topic])
    }
    assert.strictEqual(router.statistics().cachedEntries, 64)
  })

  it("a walk over more topics than there is room for leaves most entries where they are, and others get in", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 4096 })
    const walk = (name: string, count: number) =>
      Array.from({ length: count }, (_, i) => intern(router, `${name}/${i}`))
    walk("old", 4096)
    const settled = [...router.cached()].filter(({ valid }) => valid)
    walk("once", 8192)
    assert.isAtLeast(settled.filter(({ valid }) => valid).length, 2500)
    for (let round = 0; round < 40; round++) walk("new", 4000)
    const kept = [...router.cached()].filter(({ bytes }) => bytes.toString().startsWith("new/"))
    assert.isAtLeast(kept.length, 3900)
  })

  it("holds long topics as well as short ones, also while they are evicted", () => {
    const router = makeTreeRouter<string>({ cachedEntriesMax: 8 })
    const topics = [1, 62, 63, 64, 65, 255, 256, 257, 300, 513, 1000, 65_535].flatMap((length) =>
      ["a", "b"].map((letter) => letter.repeat(length))
    )
    for (let round = 0; round < 200; round++) {
      const entries = topics.map((topic) => intern(router, topic))
      for (const [at, entry] of entries.entries()) {
        assert.strictEqual(entry.bytes.toString(), topics[at])
      }
      for (const entry of router.cached()) assert.strictEqual(intern(router, entry.bytes.toString()), entry)
    }
    assert.strictEqual(router.statistics().cachedEntries, 8)
  })
})

describe("generations", () => {
  const generations = new Generations()
  const raise = (filter: string) => generations.raise(Buffer.from(filter), filter.length)
  const isStaleAfter = (topic: string, filter: string): boolean => {
    const bytes = Buffer.from(topic)
    const bucket = generations.bucketOf(bytes, 0, bytes.length)
    const before = generations.of(bucket)
    assert.isTrue(generations.isCurrent(bucket, before))
    raise(filter)
    return !generations.isCurrent(bucket, before)
  }

  it("a filter concerns the topics of its first level only", () => {
    assert.isTrue(isStaleAfter("a/b", "a/+"))
    assert.isTrue(isStaleAfter("a", "a/#"))
    assert.isTrue(isStaleAfter("$SYS/x", "$SYS/#"))
    assert.isTrue(isStaleAfter("/x", "/+"))
    assert.isFalse(isStaleAfter("a/b", "b/+"))
    assert.isFalse(isStaleAfter("a/b", "ab/#"))
  })

  it("a filter that begins with a wildcard concerns all", () => {
    assert.isTrue(isStaleAfter("a/b", "+/b"))
    assert.isTrue(isStaleAfter("a/b", "#"))
  })
})
