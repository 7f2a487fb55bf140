/**
 * Goal: one PUBLISH never costs more than its bound (docs: security, rows 10 and 13; issue "security", 6).
 *
 *   matching   at most (filters + 1) x levels of the topic steps, and none for a topic that was matched before; levels are
 *              bounded by mqtt.max-topic-levels, filters per client by mqtt.max-subscriptions-per-client
 *   delivery   one copy per session, however many of its filters match
 *   topics     a topic leaves at most one entry in a cache of fixed size
 *
 * Method: steps are counted, not timed: the nodes that the tree's walk visits, the packets that leave.
 */
import { assert, describe, it } from "@effect/vitest"
import { limitsOf } from "../../src/broker/limits.ts"
import { Counter } from "../../src/metrics/counters.ts"
import { SubscriptionTree } from "../../src/router/subscription-tree.ts"
import { defaultSettings } from "../../src/settings/settings.ts"
import * as packets from "../broker/client-packets.ts"
import { Random } from "../fault/random.ts"
import { FuzzWorld } from "../fuzz/fuzz-world.ts"
import { text, two, variable } from "../fuzz/grammar-packets.ts"

const LEVELS = 13
const FILTERS = 10_000

/** All filters of 13 levels that match a/a/a/..., then those with "#": 10,000 that overlap. */
const overlapping = (): ReadonlyArray<string> => {
  const filters: Array<string> = []
  const levelsOf = (bits: number, levels: number) =>
    Array.from({ length: levels }, (_, i) => ((bits >> i) & 1 ? "+" : "a")).join("/")
  for (let bits = 0; bits < 2 ** LEVELS; bits++) filters.push(levelsOf(bits, LEVELS))
  for (let bits = 0; filters.length < FILTERS; bits++) filters.push(`${levelsOf(bits, LEVELS - 1)}/#`)
  return filters
}

const subscribeAll = (filters: ReadonlyArray<string>): Buffer => {
  const entries = filters.map((filter) => Buffer.concat([text(filter), Buffer.from([0])]))
  const body = Buffer.concat([two(1), Buffer.from([0]), ...entries])
  return Buffer.concat([Buffer.from([0x82]), variable(body.length), body])
}

/** Nodes that matching visits while `use` runs. */
const stepsOf = (use: () => void): number => {
  const tree = SubscriptionTree.prototype as unknown as { advance: (width: number, ...rest: Array<unknown>) => number }
  const { advance } = tree
  let steps = 0
  tree.advance = function (width, ...rest) {
    steps += width
    return advance.call(this, width, ...rest)
  }
  try {
    use()
  } finally {
    tree.advance = advance
  }
  return steps
}

const worldWith = (filters: ReadonlyArray<string>) => {
  const world = new FuzzWorld(new Random(1), limitsOf(defaultSettings))
  const greedy = world.connect(() => undefined)
  greedy.send(packets.connect({ clientIdentifier: "greedy" }))
  for (let at = 0; at < filters.length; at += 5000) greedy.send(subscribeAll(filters.slice(at, at + 5000)))
  world.run()
  const publisher = world.connect(() => undefined)
  publisher.send(packets.connect({ clientIdentifier: "publisher" }))
  world.run()
  const publish = (topic: string): void => {
    publisher.send(packets.publish({ topic, payload: "x" }))
    world.run()
  }
  return { world, publish }
}

/** Elements that lists are searched for while `use` runs. */
const searchedBy = (use: () => void): number => {
  const { filter } = Array.prototype
  let searched = 0
  Array.prototype.filter = function (this: Array<unknown>, ...rest: Parameters<typeof filter>) {
    searched += this.length
    return filter.apply(this, rest)
  } as typeof filter
  try {
    use()
  } finally {
    Array.prototype.filter = filter
  }
  return searched
}

describe("one SUBSCRIBE", () => {
  it("of 8,000 filters costs as many steps as it has filters", () => {
    const { world } = worldWith([])
    const greedy = world.connect(() => undefined)
    greedy.send(packets.connect({ clientIdentifier: "many" }))
    world.run()
    const bytes = subscribeAll(Array.from({ length: 8000 }, (_, i) => `f/${i}`))
    const searched = searchedBy(() => greedy.send(bytes))
    assert.strictEqual(world.core.router.statistics().filters, 8000)
    assert.isAtMost(searched, 5 * 8000)
  })
})

describe("one PUBLISH", () => {
  it("under 10,000 overlapping wildcards of one client is one copy, and matched once per topic", () => {
    const { publish, world } = worldWith(overlapping())
    const { count, router } = world.core
    assert.strictEqual(router.statistics().filters, FILTERS)
    const sent = () => count[Counter.packetsOut + 3] as number
    const topic = Array(LEVELS).fill("a").join("/")
    const before = sent()
    const first = stepsOf(() => publish(topic))
    assert.isAtMost(first, (FILTERS + 1) * LEVELS)
    assert.isAbove(first, 2 ** (LEVELS - 1), "the worst case was not met")
    const again = stepsOf(() => {
      for (let i = 0; i < 100; i++) publish(topic)
    })
    assert.strictEqual(again, 0)
    assert.strictEqual(sent() - before, 101)
  })

  it("to a topic that nobody has seen costs no more steps than filters lead along it", () => {
    const filters = Array.from({ length: FILTERS }, (_, i) => `+/${"+/".repeat(i % 30)}x${i}`)
    const { publish } = worldWith(filters)
    for (const levels of [1, 2, 16, 32]) {
      const topic = Array.from({ length: levels }, (_, i) => `n${i}`).join("/")
      // "+" chains share their nodes: 10,000 filters, and one node per level.
      assert.isAtMost(
        stepsOf(() => publish(topic)),
        2 * levels
      )
    }
  })

  it("to one new topic after the other leaves no more than the cache holds", () => {
    const { publish, world } = worldWith(["#"])
    for (let i = 0; i < 5000; i++) publish(`new/${i}`)
    assert.isAtMost(world.core.router.statistics().cachedEntries, 1024)
  })
})
