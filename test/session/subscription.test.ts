/**
 * A subscription's history: which options held at a log position, however often they changed, and how many
 * messages of its filter wait.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Filter } from "../../src/router/router.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import { Session } from "../../src/session/session.ts"
import { INTERVALS_MAX, Subscription, type SubscriptionOptions } from "../../src/session/subscription.ts"

const session = new Session("s", 1, 20)
const router = makeTreeRouter<Session>({ cachedEntriesMax: 16 })
const options = (qos: number, subscriptionIdentifier = 0): SubscriptionOptions => ({
  qos,
  noLocal: false,
  retainAsPublished: false,
  subscriptionIdentifier
})
const make = (): Subscription => new Subscription(session, router.acquire("a/+"))

describe("the intervals of a subscription", () => {
  it("answer what a list of all changes answers", () => {
    const change = fc.record({ verb: fc.nat(4), qos: fc.nat(2), pause: fc.nat(3) })
    const property = fc.property(fc.array(change, { maxLength: 15 }), (changes) => {
      const subscription = make()
      const held: Array<number> = []
      let at = 0
      let qos = -1
      for (const { verb, qos: wanted, pause } of changes) {
        if (verb === 0) {
          subscription.close(at)
          qos = -1
        } else {
          assert.isTrue(subscription.open(options(wanted, wanted + 1), at))
          qos = wanted
          assert.deepEqual([subscription.qos, subscription.identifiers], [wanted, [wanted + 1]])
        }
        assert.strictEqual(subscription.active, qos >= 0)
        for (let i = 0; i < pause; i++) held[at++] = qos
      }
      for (let i = 0; i < 5; i++) held[at++] = qos
      for (let sequence = 0; sequence < at; sequence++) {
        const interval = subscription.at(sequence)
        assert.strictEqual(interval?.qos ?? -1, held[sequence], `at ${sequence}`)
        if (interval !== undefined) assert.deepEqual(interval.identifiers, [interval.qos + 1])
      }
      for (const { from, to } of subscription.intervals) assert.isBelow(from, to, "none is empty")
    })
    fc.assert(property, { numRuns: 500 })
  })

  it("are as many as there were changes of options, not of SUBSCRIBE packets", () => {
    const subscription = make()
    for (let at = 0; at < 100; at++) assert.isTrue(subscription.open(options(1), at))
    assert.strictEqual(subscription.intervals.length, 1)
  })

  it("are at most sixteen, and a refused change leaves the one that holds", () => {
    const subscription = make()
    for (let i = 0; i < INTERVALS_MAX; i++) assert.isTrue(subscription.open(options(i % 2), i * 10))
    assert.isFalse(subscription.open(options(2), 1000))
    assert.strictEqual(subscription.qos, 1)
    assert.strictEqual(subscription.at(5000)?.qos, 1)
    assert.isTrue(subscription.active)
    subscription.prune(10)
    assert.isTrue(subscription.open(options(2), 1000))
  })

  it("go when the position has passed their end", () => {
    const subscription = make()
    subscription.open(options(0), 0)
    subscription.open(options(1), 10)
    subscription.close(20)
    subscription.prune(9)
    assert.strictEqual(subscription.intervals.length, 2)
    subscription.prune(10)
    assert.deepEqual(
      subscription.intervals.map(({ from }) => from),
      [10]
    )
    subscription.prune(20)
    assert.deepEqual(subscription.intervals, [])
  })

  it("are gone without a trace when nothing was published in between", () => {
    const subscription = make()
    subscription.open(options(0), 7)
    subscription.open(options(1), 7)
    subscription.close(7)
    assert.deepEqual(subscription.intervals, [])
    assert.strictEqual(subscription.at(7), undefined)
  })
})

describe("what waits for a subscription", () => {
  it("is what its filter logged while it read, less what passed", () => {
    const subscription = make()
    const filter = subscription.filter as Filter<Session>
    filter.logged += 5
    assert.strictEqual(subscription.waiting, 0, "it does not read yet")
    subscription.startReading()
    filter.logged += 4
    assert.strictEqual(subscription.waiting, 4)
    subscription.pass(1)
    subscription.stopReading()
    filter.logged += 10
    assert.strictEqual(subscription.waiting, 3, "what was logged while it did not read is not for it")
    subscription.startReading()
    filter.logged += 2
    assert.strictEqual(subscription.waiting, 5)
    subscription.leaveTail(1)
    assert.strictEqual(subscription.waiting, 1)
  })

  it("is nothing for a new one on a filter that others have used", () => {
    const first = make()
    ;(first.filter as Filter<Session>).logged += 100
    const second = make()
    assert.strictEqual(second.filter, first.filter)
    assert.strictEqual(second.waiting, 0)
    second.startReading()
    assert.strictEqual(second.waiting, 0)
  })
})
