/**
 * What the router costs per message, alone: no socket, no session. Prints nanoseconds per call.
 *
 *   intern, cached       topics in round robin over 100 / 1,000 / 100,000 topics (the last is more than
 *                        the cache of 65,536 holds, so it is mostly admission and eviction)
 *   intern, match anew   the entry is cached, a wildcard filter of its first level came or went
 *   subscribe            acquire + release of one filter while 10,000 others are held
 *   comes and goes       100 topics with one wildcard subscribe + unsubscribe per 1,000 messages (1,000 per
 *                        second at 1M/s): below the topics' first level, elsewhere, everywhere
 *
 * Run: node bench/micro-router.ts. Figures are the best of several rounds: this measures the code, not
 * the neighbours on the machine.
 */
import type { Router } from "../src/router/router.ts"
import { makeTreeRouter } from "../src/router/tree-router.ts"

const ROUNDS = 7
const FILTERS = 10_000
const CACHED_ENTRIES_MAX = 65_536

/** All topics in one buffer, as they lie in a read buffer. */
interface Topics {
  readonly buffer: Buffer
  readonly starts: Int32Array
  readonly ends: Int32Array
}

for (const count of [100, 1_000, 100_000]) {
  const router = populated()
  const topics = topicsOf(count)
  report(`intern, ${count} topics`, 1_000_000, (calls) => internRoundRobin(router, topics, calls))
}
{
  const router = populated()
  const topics = topicsOf(100)
  report("intern, match anew (one wildcard change each)", 100_000, (calls) => {
    for (let i = 0; i < calls; i++) {
      router.release(router.acquire("site/+"))
      internRoundRobin(router, topics, 1)
    }
  })
  report("of which the wildcard subscribe + unsubscribe", 100_000, (calls) => {
    for (let i = 0; i < calls; i++) router.release(router.acquire("site/+"))
  })
}
for (const shape of ["dev/new/+/state", "site/9/line/7/new", "+/new/#"]) {
  const router = populated()
  report(`subscribe + unsubscribe ${shape}`, 200_000, (calls) => {
    for (let i = 0; i < calls; i++) router.release(router.acquire(shape))
  })
}
for (const shape of ["site/+/churn", "churn/+/#", "+/churn/#"]) {
  const router = populated()
  const topics = topicsOf(100)
  report(`intern, ${shape} comes and goes every 1,000 messages`, 1_000_000, (calls) => {
    for (let i = 0; i < calls; i += 1000) {
      const filter = router.acquire(shape)
      internRoundRobin(router, topics, 500)
      router.release(filter)
      internRoundRobin(router, topics, 500)
    }
  })
}

function internRoundRobin(router: Router<undefined>, { buffer, starts, ends }: Topics, calls: number): void {
  let matched = 0
  for (let i = 0, topic = 0; i < calls; i++) {
    matched += router.intern(buffer, starts[topic] as number, ends[topic] as number).matched.length
    if (++topic === starts.length) topic = 0
  }
  if (matched < 0) throw new Error("unreachable: keeps the loop from being optimised away")
}

function populated(): Router<undefined> {
  const router = makeTreeRouter<undefined>({ cachedEntriesMax: CACHED_ENTRIES_MAX })
  for (let i = 0; i < FILTERS; i++) router.acquire(i % 2 === 0 ? `dev/${i}/+/state` : `site/${i % 100}/line/${i}/#`)
  router.acquire("site/#")
  return router
}

function topicsOf(count: number): Topics {
  const names = Array.from({ length: count }, (_, i) => `site/${i % 100}/line/${i}/temp`)
  const buffer = Buffer.from(names.join(""))
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let at = 0
  names.forEach((name, i) => {
    starts[i] = at
    at += name.length
    ends[i] = at
  })
  return { buffer, starts, ends }
}

function report(what: string, calls: number, run: (calls: number) => void): void {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const started = process.hrtime.bigint()
    run(calls)
    best = Math.min(best, Number(process.hrtime.bigint() - started) / calls)
  }
  process.stdout.write(`${what.padEnd(56)} ${best.toFixed(1).padStart(8)} ns\n`)
}
