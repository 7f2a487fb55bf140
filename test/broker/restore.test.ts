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

/** Found by 20,000 random histories; each failed once. */
const found: Readonly<Record<string, ReadonlyArray<Step>>> = {
  "a session that a taken-over connection ended does not come back after CONNACK": [
    [12, 92, 82, 152, 0],
    [3, 0, 21, 53, 0],
    [30, 0, 2, 0, 0],
    [0, 0, 0, 0, 63],
    [24, 188, 0, 93, 0],
    [24, 41, 0, 0, 0],
    [0, 0, 5, 0, 63],
    [37, 0, 0, 0, 0]
  ],
  "a retained message at QoS 1 comes, though the one after it was handed over at QoS 2": [
    [3, 0, 5, 7, 0],
    [3, 0, 6, 11, 0],
    [0, 0, 15, 0, 3],
    [30, 0, 0, 0, 0],
    [12, 0, 4, 2, 0],
    [0, 0, 15, 0, 3],
    [37, 0, 3, 0, 0]
  ]
}

describe("a broker that crashes", () => {
  for (const [what, steps] of Object.entries(found)) {
    for (const engine of ["plain", "bytes"] as const) {
      it(`${what} (${engine})`, () => runHistory({ engine, readers: undefined }, steps, new Tally()))
    }
  }

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
