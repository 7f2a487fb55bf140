/**
 * What every router must do, whatever it is made of. Run by test/router/contract.test.ts on each
 * implementation; see src/router/router.ts for the port.
 *
 * Method: small worlds written out by hand, answers written out by hand; the comparison of the
 * implementations with each other on random input is test/router/model.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Filter, LiveSubscription, Router, TopicEntry } from "../../src/router/router.ts"

export type MakeRouter = (options: { readonly cachedEntriesMax: number }) => Router<string>

export function routerContract(name: string, make: MakeRouter): void {
  const makeLarge = (): Router<string> => make({ cachedEntriesMax: 65_536 })
  describe(`router contract: ${name}`, () => {
    matching(makeLarge)
    references(makeLarge)
    liveLists(makeLarge)
    entries(make)
  })
}

export function intern<S>(router: Router<S>, topic: string): TopicEntry<S> {
  // Surrounded by other bytes, as in a read buffer.
  const bytes = Buffer.from(`<${topic}>`)
  return router.intern(bytes, 1, bytes.length - 1)
}

export function matchedTexts<S>(router: Router<S>, topic: string): ReadonlyArray<string> {
  return textsOf(intern(router, topic).matched)
}

export function textsOf<S>(filters: ReadonlyArray<Filter<S>>): ReadonlyArray<string> {
  return filters.map((filter) => filter.text).sort()
}

export function subscriptionOf(subscriber: string, filter: Filter<string>): LiveSubscription<string> {
  return { subscriber, filter, liveIndex: -1 }
}

/** Filters held, topic, filters that match it. */
const table: ReadonlyArray<readonly [held: string, topic: string, matched: string]> = [
  ["a/b a/+ +/b +/+ a/# # b/b a/b/c", "a/b", "# +/+ +/b a/# a/+ a/b"],
  ["a/# a a/+", "a", "a a/#"], // "#" includes the parent level
  ["a/# a/+ a/+/# +", "a/", "a/# a/+ a/+/#"],
  ["/ +/+ /+ +/ + # /#", "/", "# +/ +/+ / /# /+"],
  ["/a +/a a", "/a", "+/a /a"],
  ["a//b a/+/b a/b", "a//b", "a/+/b a//b"],
  ["# + +/# +/x $SYS/# $SYS/+ $SYS/x", "$SYS/x", "$SYS/# $SYS/+ $SYS/x"], // [MQTT-4.7.2-1]
  ["# + $any", "$any", "$any"],
  ["a/+ a/# a/$x", "a/$x", "a/# a/$x a/+"], // "$" means something in first place only
  ["A a", "a", "a"], // [MQTT-4.7.3-4]
  ["caf\u00e9 cafe\u0301", "caf\u00e9", "caf\u00e9"],
  ["\u00fc/+ \u{1f600}/\u00fc +/\u00fc", "\u{1f600}/\u00fc", "+/\u00fc \u{1f600}/\u00fc"],
  ["a/b/c/d", "a/b/c", ""]
]

function matching(make: () => Router<string>): void {
  for (const [held, topic, matched] of table) {
    it(`of ${held}, ${topic} matches ${matched || "none"}`, () => {
      const router = make()
      for (const filter of held.split(" ")) router.acquire(filter)
      const expected = matched.split(" ").filter((text) => text !== "")
      assert.deepStrictEqual([...matchedTexts(router, topic)], [...expected].sort())
      assert.deepStrictEqual([...textsOf(router.match(topic))], [...expected].sort())
    })
  }

  it("a filter acquired or released later is seen by the next intern", () => {
    const router = make()
    assert.deepStrictEqual([...matchedTexts(router, "a/b")], [])
    const held = ["a/b", "a/+", "#", "+/b"].map((text) => router.acquire(text))
    assert.deepStrictEqual([...matchedTexts(router, "a/b")], ["#", "+/b", "a/+", "a/b"])
    for (const filter of held) {
      router.release(filter)
      assert.notInclude(matchedTexts(router, "a/b"), filter.text)
    }
    assert.deepStrictEqual([...matchedTexts(router, "a/b")], [])
  })

  it("a topic of 65,535 levels meets filters as deep", () => {
    const router = make()
    const deep = "/".repeat(65_534)
    for (const filter of [deep, `${deep.slice(1)}#`, `${deep.slice(1)}+`, `+${deep.slice(1)}`, "/#"])
      router.acquire(filter)
    const expected = [deep, `${deep.slice(1)}#`, "/#"].sort()
    assert.deepStrictEqual([...matchedTexts(router, deep)], expected)
    const plusses = "+/".repeat(32_767)
    router.acquire(plusses)
    assert.include(matchedTexts(router, "a/".repeat(32_767)), plusses)
  })
}

function references(make: () => Router<string>): void {
  it("a filter is one object while it is held, and gone after the last release", () => {
    const router = make()
    const first = router.acquire("a/+")
    assert.strictEqual(router.acquire("a/+"), first)
    assert.strictEqual(router.find("a/+"), first)
    assert.strictEqual(router.find("a"), undefined)
    assert.strictEqual(router.find("a/b"), undefined)
    router.release(first)
    assert.strictEqual(router.find("a/+"), first)
    router.release(first)
    assert.strictEqual(router.find("a/+"), undefined)
    assert.strictEqual(router.statistics().filters, 0)
    assert.throws(() => router.release(first))
  })

  it("ids are dense, differ while held, and are used again", () => {
    const router = make()
    const held = ["a", "b", "c/+"].map((text) => router.acquire(text))
    assert.deepStrictEqual(held.map((filter) => filter.id).sort(), [0, 1, 2])
    router.release(held[1] as Filter<string>)
    assert.strictEqual(router.acquire("d/#").id, 1)
    assert.strictEqual(router.acquire("e").id, 3)
  })

  it("a new filter with the id of a removed one is not taken for it", () => {
    const router = make()
    const old = router.acquire("a/+")
    assert.strictEqual(intern(router, "a/b").matched[0], old)
    intern(router, "a/c")
    router.release(old)
    const renewed = router.acquire("a/#")
    assert.strictEqual(renewed.id, old.id)
    assert.strictEqual(intern(router, "a/b").matched[0], renewed)
  })

  it("knows which filters hold a wildcard", () => {
    const router = make()
    const wild = ["a/+", "#", "a/#"].every((text) => router.acquire(text).hasWildcard)
    assert.isTrue(wild)
    assert.isFalse(router.acquire("a/b").hasWildcard)
  })
}

function liveLists(make: () => Router<string>): void {
  it("attach and detach keep positions exact, and doing them twice changes nothing", () => {
    const router = make()
    const filter = router.acquire("a")
    const subscriptions = ["x", "y", "z"].map((subscriber) => subscriptionOf(subscriber, filter))
    for (const subscription of subscriptions) {
      router.attach(subscription)
      router.attach(subscription)
    }
    assert.strictEqual(filter.live.length, 3)
    const [x, y, z] = subscriptions as [LiveSubscription<string>, LiveSubscription<string>, LiveSubscription<string>]
    router.detach(x)
    router.detach(x)
    assert.deepStrictEqual(filter.live.map((subscription) => subscription.subscriber).sort(), ["y", "z"])
    filter.live.forEach((subscription, index) => {
      assert.strictEqual(subscription.liveIndex, index)
    })
    assert.strictEqual(x.liveIndex, -1)
    router.detach(y)
    router.detach(z)
    assert.strictEqual(filter.live.length, 0)
    router.attach(y)
    assert.strictEqual(filter.live[0], y)
    assert.strictEqual(router.acquire("b").live.length, 0)
  })

  it("knows the one who is live, and nobody in his place while there are more or none [ONE-1]", () => {
    const router = make()
    const filter = router.acquire("a")
    const [x, y] = [subscriptionOf("x", filter), subscriptionOf("y", filter)]
    const soles = [filter.sole]
    for (const step of [router.attach, router.detach]) {
      for (const each of [x, y]) {
        step.call(router, each)
        soles.push(filter.sole)
      }
    }
    assert.deepEqual(soles, [undefined, x, undefined, y, undefined])
  })

  it("knows the one filter that a topic matches, for as long as it is one [ONE-1]", () => {
    const router = make()
    const only = () => intern(router, "a/b").only
    assert.isUndefined(only())
    const [exact, wild] = [router.acquire("a/b"), router.acquire("a/+")]
    assert.isUndefined(only())
    router.release(exact)
    assert.strictEqual(only(), wild)
    router.release(wild)
    assert.isUndefined(only())
  })

  it("an entry interned before sees who is live now", () => {
    const router = make()
    const filter = router.acquire("a/#")
    const entry = intern(router, "a/b")
    router.attach(subscriptionOf("x", filter))
    assert.strictEqual(entry.matched[0]?.live[0]?.subscriber, "x")
  })

  it("refuses to forget a filter that somebody live listens to", () => {
    const router = make()
    const filter = router.acquire("a")
    router.attach(subscriptionOf("x", filter))
    assert.throws(() => router.release(filter))
  })
}

function entries(make: MakeRouter): void {
  it("equal bytes give the same entry, which owns its bytes", () => {
    const router = make({ cachedEntriesMax: 64 })
    const buffer = Buffer.from("a/b")
    const entry = router.intern(buffer, 0, 3)
    buffer.fill(0)
    assert.strictEqual(entry.bytes.toString(), "a/b")
    assert.strictEqual(entry.logTopic, -1)
    assert.isTrue(entry.valid)
    assert.strictEqual(intern(router, "a/b"), entry)
    assert.notStrictEqual(intern(router, "a/c"), entry)
  })

  it("cached entries stay within their bound; an evicted one says so", () => {
    const router = make({ cachedEntriesMax: 4 })
    const seen = new Set<TopicEntry<string>>()
    for (let i = 0; i < 200; i++) {
      seen.add(intern(router, `t/${i}`))
      assert.isAtMost(router.statistics().cachedEntries, 4)
    }
    const valid = [...seen].filter((entry) => entry.valid)
    assert.strictEqual(valid.length, router.statistics().cachedEntries)
    assert.isAtLeast(valid.length, 1)
    assert.isTrue([...seen].at(-1)?.valid, "the entry just answered is valid")
    for (const entry of valid) assert.strictEqual(intern(router, entry.bytes.toString()), entry)
  })
}
