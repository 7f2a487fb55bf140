/**
 * Goal: no bytes from the network stop the broker, harm another client or leave anything behind.
 * Method: random cases (hostile-case.ts) from one seed; case i uses seed + i, so one failed case is repeated with
 * PROMPTMQ_SEED=<its seed> PROMPTMQ_CASES=1. Default 3,000 cases.
 */
import { assert, describe, it } from "@effect/vitest"
import { seedOfRun } from "../fault/random.ts"
import { HostileCase, type Reach } from "./hostile-case.ts"

const CASES = Number(process.env["PROMPTMQ_CASES"] ?? 3000)
const TRACE_LINES_MAX = 400

describe("hostile clients", () => {
  it("stop nothing, harm nobody, leave nothing", { timeout: 1_800_000 }, () => {
    const seed = seedOfRun("hostile input")
    const startedMs = performance.now()
    const reach: Reach = {
      packets: 0,
      connected: 0,
      closedByBroker: 0,
      delivered: 0,
      acknowledged: 0,
      resumed: 0,
      expired: 0
    }
    for (let i = 0; i < CASES; i++) runCase(seed + i, reach)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    process.stdout.write(`hostile input: ${CASES} cases, ${seconds} s, ${JSON.stringify(reach)}\n`)
    if (CASES > 500) for (const [what, count] of Object.entries(reach)) assert.isAbove(count, CASES / 10, what)
  })
})

const runCase = (seed: number, reach: Reach): void => {
  let hostile: HostileCase | undefined
  try {
    hostile = new HostileCase(seed, reach)
    hostile.run()
  } catch (cause) {
    const trace = hostile?.trace.slice(-TRACE_LINES_MAX).join("\n") ?? ""
    throw new Error(`PROMPTMQ_SEED=${seed} PROMPTMQ_CASES=1: ${String(cause)}\n${trace}`, { cause })
  }
}
