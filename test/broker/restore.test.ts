/**
 * What outlives a crash: random histories with crashes and restarts (restore-histories.ts), over two stores that are
 * cut at a random record: one that folds its records the simple way, one that encodes them as the durable store does.
 *
 * PROMPTMQ_HISTORIES says how many (default 500), PROMPTMQ_SEED repeats a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { runHistory, type Scenario, type Step, verbCount } from "./restore-histories.ts"
import { Tally } from "./restore-stage.ts"

const HISTORIES = Number(process.env["PROMPTMQ_HISTORIES"] ?? 500)
const SEED = Number(process.env["PROMPTMQ_SEED"] ?? Math.floor(Math.random() * 0x7fff_ffff))
/** Making a failing history smaller takes minutes. */
const SHRINKS = process.env["PROMPTMQ_SHRINK"] !== "0"
const STEPS_MIN = 40
const STEPS_MAX = 120

const small = fc.nat(255)
const step: fc.Arbitrary<Step> = fc.tuple(fc.nat(verbCount - 1), small, small, small, small)
const steps = fc.noBias(fc.array(step, { minLength: STEPS_MIN, maxLength: STEPS_MAX, size: "max" }))
const readers = fc.constantFrom(
  undefined,
  { scanRecords: 3, mergeTopicsMax: 4 },
  { scanRecords: 2, mergeTopicsMax: 100 }
)
const scenario: fc.Arbitrary<Scenario> = fc.record({ engine: fc.constantFrom("plain", "bytes"), readers })

describe("a broker that crashes", () => {
  it("keeps what it has promised", { timeout: 600_000 }, async () => {
    const startedMs = performance.now()
    const tally = new Tally()
    const property = fc.asyncProperty(scenario, steps, (scenario, steps) => runHistory(scenario, steps, tally))
    await fc.assert(property, { numRuns: HISTORIES, seed: SEED, endOnFailure: !SHRINKS })
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    process.stdout.write(`restore: ${HISTORIES} histories, seed ${SEED}, ${seconds} s, ${JSON.stringify(tally)}\n`)
    for (const [what, count] of Object.entries(tally)) assert.isAbove(count, 0, `${what}: none in all histories`)
  })
})
