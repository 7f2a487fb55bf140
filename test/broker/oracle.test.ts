/**
 * Sessions are cursors over a log, and nobody can tell: random histories against an oracle with one queue per
 * session (oracle.ts, histories.ts). Log embedded and late, roomy and so small that readers are overtaken.
 *
 * PROMPTMQ_HISTORIES says how many (default 2,000), PROMPTMQ_SEED repeats a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { runHistory, type Scenario, type Step, Tally, verbCount } from "./histories.ts"

const HISTORIES = Number(process.env["PROMPTMQ_HISTORIES"] ?? 2000)
const SEED = Number(process.env["PROMPTMQ_SEED"] ?? Math.floor(Math.random() * 0x7fff_ffff))
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
const scenario: fc.Arbitrary<Scenario> = fc.record({
  late: fc.boolean(),
  tiny: fc.boolean(),
  disjoint: fc.boolean(),
  readers,
  waitingMemoryBytes: fc.constantFrom(0, 4096, 1_048_576)
})

describe("sessions as cursors", () => {
  it("are handed what a queue of their own would have held", { timeout: 600_000 }, () => {
    const startedMs = performance.now()
    const tally = new Tally()
    const property = fc.property(scenario, steps, (scenario, steps) => runHistory(scenario, steps, tally))
    fc.assert(property, { numRuns: HISTORIES, seed: SEED })
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    process.stdout.write(`oracle: ${HISTORIES} histories, seed ${SEED}, ${seconds} s, ${JSON.stringify(tally)}\n`)
    for (const [what, count] of Object.entries(tally)) assert.isAbove(count, 0, `${what}: none in all histories`)
  })
})
