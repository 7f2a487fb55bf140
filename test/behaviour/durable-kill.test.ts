/**
 * Goal: kill -9 loses nothing that was acknowledged, in any sync mode: no message at QoS 1 and 2, no subscription, no
 * retained value, no will; nothing comes twice at QoS 2; after a tidy stop packet identifiers are what they were.
 * Method: src/cli/torture, short: the released command as a process, killed a few times per mode at moments that are
 * drawn. `npm run torture -- --tier kill` is the thousand. That it can fail is shown by the memory engine.
 */
import { assert, describe, it } from "@effect/vitest"
import { modes } from "../../src/cli/torture/modes.ts"
import { seedOfRun } from "../fault/random.ts"
import { killed, verdictOf } from "../torture/kill.ts"

const CYCLES = 6
const seed = seedOfRun("kill -9 through MQTT")

describe("kill -9 through MQTT clients", () => {
  for (const mode of modes) {
    it(`${CYCLES} times in ${mode}`, async () => {
      const order = { mode, cycles: CYCLES, seed }
      const report = await killed(order)
      assert.deepEqual(report.books.faults, [], verdictOf(order, report))
    })
  }

  it("finds what an engine without a disk loses", async () => {
    const report = await killed({ mode: "immediate", cycles: 3, seed, engine: "memory" })
    // The first cycle with a fault is the last; whether anything was retained by then depends on the moment of the kill.
    assert.match(report.books.faults.join("\n"), /its session is gone|retains nothing/)
  })
})
