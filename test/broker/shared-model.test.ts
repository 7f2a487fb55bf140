/**
 * Shared subscriptions under random histories: every strategy, log embedded and late, roomy and so small that the
 * groups are overtaken. What is checked stands in shared-histories.ts.
 *
 * PROMPTMQ_HISTORIES says how many (default 1,500), PROMPTMQ_SEED repeats a run.
 */
import { describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { shareStrategies } from "../../src/session/share-strategy.ts"
import { runShareHistory, type ShareScenario, type ShareStep, shareVerbCount } from "./shared-histories.ts"

const HISTORIES = Number(process.env["PROMPTMQ_HISTORIES"] ?? 1500)
const SEED = Number(process.env["PROMPTMQ_SEED"] ?? Math.floor(Math.random() * 0x7fff_ffff))
const STEPS_MAX = 90

const small = fc.nat(255)
const step: fc.Arbitrary<ShareStep> = fc.tuple(fc.nat(shareVerbCount - 1), small, small, small, small)
const steps = fc.array(step, { minLength: 20, maxLength: STEPS_MAX, size: "max" })
const scenario: fc.Arbitrary<ShareScenario> = fc.record({
  strategy: fc.constantFrom(...shareStrategies),
  late: fc.boolean(),
  tiny: fc.boolean()
})

describe("shared subscriptions", () => {
  it("give each message to one member, whatever happens to the others", { timeout: 600_000 }, () => {
    const startedMs = performance.now()
    fc.assert(fc.property(scenario, steps, runShareHistory), { numRuns: HISTORIES, seed: SEED })
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    process.stdout.write(`shared: ${HISTORIES} histories, seed ${SEED}, ${seconds} s\n`)
  })
})
