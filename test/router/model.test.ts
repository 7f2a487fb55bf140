/**
 * The tree router against the naive one, on random histories.
 *
 * Method: both get the same sequence of acquire, release, attach, detach and intern over a small alphabet
 * of levels, so that filters collide, share prefixes, come back and overlap in "+", "#", "$", empty and
 * multi-byte levels. After every step a random topic is asked for; the matched filters, as texts, and the
 * live subscribers behind them must agree. With a cache of four entries nearly every answer comes after
 * an eviction. At the end everything is given back, and nothing may be left.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { makeNaiveRouter } from "../../src/router/naive-router.ts"
import type { Filter, LiveSubscription, Router } from "../../src/router/router.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import { intern, subscriptionOf, textsOf } from "../contract/router.ts"

const literals = ["", "a", "b", "ab", "$SYS", "\u00fc", "\u{1f600}", "a-level-that-is-longer-than-thirty-two-bytes"]
const literal = fc.constantFrom(...literals)
const topic = fc
  .array(literal, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "")
const filter = fc
  .tuple(fc.array(fc.oneof({ weight: 2, arbitrary: literal }, fc.constant("+")), { maxLength: 4 }), fc.boolean())
  .map(([levels, endsInHash]) => [...levels, ...(endsInHash || levels.length === 0 ? ["#"] : [])].join("/"))
  .filter((text) => text !== "")

type Step =
  | { readonly kind: "acquire"; readonly filter: string; readonly topic: string }
  | { readonly kind: "release" | "attach" | "detach"; readonly which: number; readonly topic: string }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("acquire" as const), filter, topic }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("release" as const, "attach" as const, "detach" as const),
      which: fc.nat(1000),
      topic
    })
  }
)

/** One reference, held in both routers. */
interface Held {
  readonly inTree: LiveSubscription<string>
  readonly inModel: LiveSubscription<string>
}

describe("tree router against the model", () => {
  for (const cachedEntriesMax of [1, 4, 65_536]) {
    it(`agrees after every step, cache of ${cachedEntriesMax}`, () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
          runHistory(steps, cachedEntriesMax)
        }),
        { numRuns: 300 }
      )
    })
  }
})

function runHistory(steps: ReadonlyArray<Step>, cachedEntriesMax: number): void {
  const tree = makeTreeRouter<string>({ cachedEntriesMax })
  const model = makeNaiveRouter<string>({ cachedEntriesMax })
  const held: Array<Held> = []
  const topics = new Set<string>()
  steps.forEach((step, number) => {
    if (step.kind === "acquire") {
      held.push({
        inTree: subscriptionOf(`s${number}`, tree.acquire(step.filter)),
        inModel: subscriptionOf(`s${number}`, model.acquire(step.filter))
      })
    } else if (held.length > 0) {
      const at = step.which % held.length
      apply(tree, (held[at] as Held).inTree, step.kind)
      apply(model, (held[at] as Held).inModel, step.kind)
      if (step.kind === "release") held.splice(at, 1)
    }
    topics.add(step.topic)
    assertAgree(tree, model, step.topic)
    assert.isAtMost(tree.statistics().cachedEntries, cachedEntriesMax)
    assert.strictEqual(tree.statistics().filters, model.statistics().filters)
  })
  for (const { inTree } of held) apply(tree, inTree, "release")
  for (const topic of topics) assert.strictEqual(intern(tree, topic).matched.length, 0)
  assert.strictEqual(tree.statistics().filters, 0)
  assert.strictEqual(tree.statistics().sharedMatchSets, 0)
}

function apply(router: Router<string>, subscription: LiveSubscription<string>, kind: "release" | "attach" | "detach") {
  if (kind === "attach") router.attach(subscription)
  else router.detach(subscription)
  if (kind === "release") router.release(subscription.filter)
}

function assertAgree(tree: Router<string>, model: Router<string>, topic: string): void {
  const { matched, only } = intern(tree, topic)
  const expected = intern(model, topic).matched
  assert.deepStrictEqual(textsOf(matched), textsOf(expected), `matches of ${topic}`)
  assert.deepStrictEqual(textsOf(tree.match(topic)), textsOf(expected), `match(${topic})`)
  assert.deepStrictEqual(subscribersOf(matched), subscribersOf(expected), `live for ${topic}`)
  for (const { live, sole } of matched) {
    live.forEach((one, index) => void assert.strictEqual(one.liveIndex, index))
    assert.strictEqual(sole, live.length === 1 ? live[0] : undefined)
  }
  assert.strictEqual(only, matched.length === 1 ? matched[0] : undefined)
}

function subscribersOf(filters: ReadonlyArray<Filter<string>>): ReadonlyArray<string> {
  return filters.flatMap((filter) => filter.live.map((one) => one.subscriber)).sort()
}
