/**
 * Many rounds from one seed, and what must hold of all of them together: every way to break a packet was met, no
 * promise was left without a handler, the heap is as large as it was when everything had been seen once.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert } from "@effect/vitest"
import { seedOfRun } from "../fault/random.ts"
import { playRound } from "./grammar-round.ts"
import { everyDamage } from "./grammar-script.ts"

const ROUND_CASES = 250
/** What a heap may differ by that is as it was: compiled code, the statistics of this run. */
const HEAP_GROWTH_BYTES_MAX = 24_000_000
const RSS_GROWTH_BYTES_MAX = 400_000_000
const PROGRESS_CASES = 100_000

export const fuzz = async (cases: number): Promise<void> => {
  const seed = seedOfRun("grammar")
  const startedMs = performance.now()
  const met = new Map(everyDamage.map((what) => [what, 0]))
  const unhandled: Array<unknown> = []
  const onUnhandled = (reason: unknown) => void unhandled.push(reason)
  process.on("unhandledRejection", onUnhandled)
  const rounds = Math.ceil(cases / ROUND_CASES)
  const warm = Math.ceil(rounds / 4)
  let before = usage()
  for (let round = 0; round < rounds; round++) {
    if (round === warm) before = usage()
    runRound(seed + round, (what) => met.set(what, (met.get(what) ?? 0) + 1))
    // Rejections are told between the turns of the loop.
    if (round % 20 === 19) await new Promise((resolve) => setImmediate(resolve))
    if (((round + 1) * ROUND_CASES) % PROGRESS_CASES === 0)
      process.stdout.write(`grammar: ${(round + 1) * ROUND_CASES}\n`)
  }
  await new Promise((resolve) => setImmediate(resolve))
  process.off("unhandledRejection", onUnhandled)
  const after = usage()
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const grown = `heap ${mib(after.heap - before.heap)}, resident ${mib(after.resident - before.resident)}`
  process.stdout.write(`grammar: ${rounds * ROUND_CASES} cases, ${seconds} s, grown by ${grown}\n`)
  assert.deepEqual(unhandled, [])
  assert.isBelow(after.heap - before.heap, HEAP_GROWTH_BYTES_MAX)
  assert.isBelow(after.resident - before.resident, RSS_GROWTH_BYTES_MAX)
  if (rounds < 20) return
  const rare = [...met].filter(([, count]) => count < cases / 1000).map(([what, count]) => `${what} ${count}`)
  assert.deepEqual(rare, [], "every way to break a packet was met often")
}

const runRound = (seed: number, onWhat: (what: string) => void): void => {
  try {
    playRound(seed, ROUND_CASES, ({ what }) => onWhat(what))
  } catch (cause) {
    throw new Error(`PROMPTMQ_SEED=${seed} PROMPTMQ_FUZZ_CASES=${ROUND_CASES}: ${String(cause)}`, { cause })
  }
}

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const usage = (): { readonly heap: number; readonly resident: number } => {
  collect()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, resident: rss }
}

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`
