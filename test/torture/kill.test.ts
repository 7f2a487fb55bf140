/**
 * T3 at release size: a thousand kills per sync mode through real MQTT clients. What must hold is in src/cli/torture/.
 *
 *   npm run torture -- --tier kill [--cycles 1000] [--mode immediate] [--seed N]
 */
import { assert, describe, it } from "@effect/vitest"
import { seedOfRun } from "../fault/random.ts"
import { killed, verdictOf } from "./kill.ts"
import { cyclesWanted, modesWanted } from "./options.ts"

const CYCLES = cyclesWanted ?? 1000
const PROGRESS_EVERY = 50
const HOURS_MAX_MS = 6 * 3_600_000

describe("kill -9", () => {
  for (const mode of modesWanted) {
    it(
      `${CYCLES} times in ${mode}: nothing acknowledged is lost, nothing comes twice at QoS 2`,
      async () => {
        const order = { mode, cycles: CYCLES, seed: seedOfRun(`kill -9, ${mode}`) }
        const onCycle = (cycle: number) => {
          if (cycle % PROGRESS_EVERY === 0) process.stdout.write(`${mode}: ${cycle} of ${CYCLES}\n`)
        }
        const report = await killed({ ...order, onCycle })
        const verdict = verdictOf(order, report)
        process.stdout.write(`${verdict}\n`)
        assert.deepEqual(report.books.faults, [], verdict)
      },
      HOURS_MAX_MS
    )
  }
})
