/**
 * Readers of the log against a naive filter: for every position the next record whose topic matches one of the
 * session's filters. Small limits make them merge, scan, give up merging and start anew within a few records.
 * And the judgement of a record by the intervals that hold it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Filter } from "../../src/router/router.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import { Session } from "../../src/session/session.ts"
import { Subscription } from "../../src/session/subscription.ts"
import { Judgement, judge } from "../../src/store/judge.ts"
import { LogReader, type ReaderLimits, TopicBitmaps } from "../../src/store/log-reader.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { naiveMatch } from "../contract/naive-match.ts"

const topics = ["a", "a/b", "a/c", "b", "b/c", "a/b/c", "d/e", "d", "e/f/g", "a/d"]
const filters = ["a", "a/+", "a/#", "#", "+/c", "b/c", "d", "+", "e/f/g", "x/y"]

class Reading {
  readonly both: LogWithModel
  readonly reader: LogReader
  readonly #router = makeTreeRouter<Session>({ cachedEntriesMax: 16 })
  readonly #session = new Session("s", 1, 10)
  readonly #held = new Map<string, Subscription>()

  constructor(limitBytes: number, limits: ReaderLimits | undefined, bitmapBytes: number) {
    const log = new MemoryLog({ limitBytes })
    this.both = new LogWithModel(log)
    this.reader = new LogReader(log, new TopicBitmaps(log, bitmapBytes), limits)
  }

  get log(): MemoryLog {
    return this.both.log as MemoryLog
  }

  /** Adds the filter, or gives it up; the reader goes on at its position. */
  toggle(filter: string): void {
    const held = this.#held.get(filter)
    if (held === undefined) this.#held.set(filter, new Subscription(this.#session, this.#router.acquire(filter)))
    else {
      this.#held.delete(filter)
      this.#router.release(held.filter as Filter<Session>)
    }
    this.seek(this.reader.position)
  }

  seek(position: number): void {
    this.reader.seek(position, [...this.#held.values()])
  }

  naiveNext(from: number, until: number): number {
    for (let sequence = from; sequence < until; sequence++) {
      const { topic } = this.both.model[sequence] as { readonly topic: string }
      for (const filter of this.#held.keys()) if (naiveMatch(filter, topic)) return sequence
    }
    return -1
  }

  /** One step of the reader, judged; takes what it finds. */
  step(until: number, stepMax: number): void {
    const { log, reader } = this
    if (reader.position < log.first) this.seek(log.first)
    const from = reader.position
    const wanted = this.naiveNext(from, until)
    const found = reader.next(until)
    if (found >= 0) {
      assert.strictEqual(found, wanted, `from ${from} until ${until}`)
      assert.strictEqual(reader.position, found)
      reader.position = found + 1
      return
    }
    assert.isTrue(reader.position <= Math.max(from, until))
    assert.isTrue(wanted < 0 || reader.position <= wanted, `${wanted} was passed over`)
    if (reader.position < until) assert.isTrue(reader.position - from >= stepMax, "a step ends early only at its bound")
  }
}

const action = fc.record({
  verb: fc.nat(9),
  which: fc.nat(0xffff),
  until: fc.nat(0xffff)
})

const run = (
  reading: Reading,
  actions: ReadonlyArray<{ verb: number; which: number; until: number }>,
  stepMax: number
) => {
  const { both, log, reader } = reading
  for (const { verb, which, until } of actions) {
    const appeared = Math.min(topics.length, 2 + Math.floor(log.next / 20))
    if (verb < 5) both.append(which % 11 === 0 ? `once/${log.next}` : (topics[which % appeared] as string), which % 300)
    else if (verb < 8) reading.step(reader.position + (until % (log.next - reader.position + 1)), stepMax)
    else if (verb === 8) reading.toggle(filters[which % filters.length] as string)
    else reading.seek(log.first + (which % (log.next - log.first + 1)))
  }
  // And on to the end.
  for (let i = 0; reader.position < log.next; i++) {
    reading.step(log.next, stepMax)
    assert.isBelow(i, 5000, "it comes to an end")
  }
}

const actions = fc.noBias(fc.array(action, { minLength: 50, maxLength: 300, size: "max" }))

describe("a reader of the log", () => {
  const ways: ReadonlyArray<readonly [string, ReaderLimits | undefined, number]> = [
    ["scans", { scanRecords: 1_000_000, mergeTopicsMax: 0 }, 1_000_000],
    ["merges", { scanRecords: 0, mergeTopicsMax: 1000 }, 0],
    ["changes between the two", { scanRecords: 3, mergeTopicsMax: 8 }, 3],
    ["takes bounded steps", { scanRecords: 2, mergeTopicsMax: 2 }, 2],
    ["has its usual limits", undefined, 4096]
  ]
  for (const [way, limits, stepMax] of ways) {
    it(`${way} and finds what a naive filter finds`, () => {
      const sizes = fc.constantFrom(40_000, 4_000_000)
      const bitmaps = fc.constantFrom(200, 1_000_000)
      const property = fc.property(sizes, bitmaps, actions, (limitBytes, bitmapBytes, all) => {
        run(new Reading(limitBytes, limits, bitmapBytes), all, stepMax)
      })
      fc.assert(property, { numRuns: 150 })
    })
  }

  for (const wanted of [
    ["steady/1", "once/+"],
    // These leave the log shortly before the ids are given again, so theirs are among the first.
    ["steady/1", "once/72600", "once/73000", "once/73200", "once/73400"]
  ]) {
    it(`is not confused by ids that are given to other topics: ${wanted.join(", ")}`, () => reuse(wanted))
  }

  const reuse = (wanted: ReadonlyArray<string>): void => {
    const reading = new Reading(65_536, undefined, 1_000_000)
    const { both, log, reader } = reading
    for (const filter of wanted) reading.toggle(filter)
    let epochs = 0
    for (let i = 0; i < 75_000; i++) {
      const { topicEpoch } = log
      const topic = i % 9 === 0 ? `steady/${i % 2}` : i % 2 === 0 ? `once/${i}` : `other/${i}`
      both.append(topic, 0)
      both.forgetHolder(`once/${i - 1}`)
      both.forgetHolder(`other/${i - 1}`)
      if (log.topicEpoch !== topicEpoch) epochs += 1
      if (i % 3 === 0) reading.step(log.next, 4096)
    }
    assert.isAbove(epochs, 0, "ids were given again")
    while (reader.position < log.next) reading.step(log.next, 4096)
  }

  it("looks at a bounded number of records in one step, also of a session with no match", () => {
    const reading = new Reading(16_000_000, undefined, 1_000_000)
    for (let i = 0; i < 5000; i++) reading.both.append(`no/${i}`, 0)
    reading.toggle("+/x")
    assert.strictEqual(reading.reader.next(5000), -1)
    assert.strictEqual(reading.reader.position, 4096)
  })
})

describe("a record judged for a session", () => {
  const log = new MemoryLog({ limitBytes: 65_536 })
  const both = new LogWithModel(log)
  both.append("a/b", 10)
  const topicId = log.topicId("a/b")
  const bitmaps = new TopicBitmaps(log, 65_536)
  const router = makeTreeRouter<Session>({ cachedEntriesMax: 16 })
  const session = new Session("s", 7, 10)
  const judgement = new Judgement(false)
  const plain = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0 }

  const subscribed = (filter: string, options: Partial<typeof plain>, from = 0): Subscription => {
    const subscription = new Subscription(session, router.acquire(filter))
    subscription.open({ ...plain, ...options }, from)
    return subscription
  }
  const judged = (
    subscriptions: ReadonlyArray<Subscription>,
    of: { sequence?: number; publisher?: number; qos?: number; retain?: boolean } = {}
  ) => {
    const { sequence = 5, publisher = 3, qos = 2, retain = true } = of
    judge(judgement, subscriptions, bitmaps, topicId, sequence, publisher, qos, retain)
    const { identifiers } = judgement
    return { qos: judgement.qos, retain: judgement.retain, identifiers }
  }

  it("has the lower of the two QoS, and the highest of its subscriptions", () => {
    assert.strictEqual(judged([subscribed("a/b", { qos: 1 })]).qos, 1)
    assert.strictEqual(judged([subscribed("a/b", { qos: 2 })], { qos: 1 }).qos, 1)
    assert.strictEqual(
      judged([subscribed("a/b", { qos: 0 }), subscribed("#", { qos: 2 }), subscribed("+/b", { qos: 1 })]).qos,
      2
    )
    assert.strictEqual(judged([subscribed("a/c", {})]).qos, -1)
    assert.strictEqual(judged([]).qos, -1)
  })

  it("passes by its publisher where a subscription says so, and only there", () => {
    const own = subscribed("a/b", { noLocal: true })
    assert.strictEqual(judged([own], { publisher: 7 }).qos, -1)
    assert.strictEqual(judged([own], { publisher: 8 }).qos, 1)
    assert.strictEqual(judged([own, subscribed("#", { qos: 0 })], { publisher: 7 }).qos, 0)
  })

  it("keeps RETAIN if one subscription asks for it", () => {
    assert.isFalse(judged([subscribed("a/b", {})]).retain)
    assert.isTrue(judged([subscribed("a/b", {}), subscribed("#", { retainAsPublished: true })]).retain)
    assert.isFalse(judged([subscribed("#", { retainAsPublished: true })], { retain: false }).retain)
  })

  it("carries the identifiers of all that match", () => {
    const three = [
      subscribed("a/b", { subscriptionIdentifier: 3 }),
      subscribed("#", {}),
      subscribed("+/b", { subscriptionIdentifier: 9 })
    ]
    assert.deepEqual(judged(three).identifiers, [3, 9])
    assert.strictEqual(judged([subscribed("#", {})]).identifiers, undefined)
  })

  it("is judged by what held at its position", () => {
    const subscription = subscribed("a/b", { qos: 1, subscriptionIdentifier: 1 }, 3)
    subscription.open({ ...plain, qos: 0, subscriptionIdentifier: 2 }, 5)
    subscription.close(8)
    const at = (sequence: number) => judged([subscription], { sequence })
    assert.strictEqual(at(2).qos, -1)
    assert.deepEqual([at(3).qos, at(4).identifiers], [1, [1]])
    assert.deepEqual([at(5).qos, at(7).identifiers], [0, [2]])
    assert.strictEqual(at(8).qos, -1)
  })
})
