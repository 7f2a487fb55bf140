/**
 * Goal: a persistent QoS 1 subscriber whose process is stopped (SIGSTOP) costs the broker no more than its memory
 * budget and nobody else a message; when it goes on it gets what the ring still holds, in order, and the drop ledger
 * has exactly the rest.
 * Method: bench/harness/stall.ts, short: processes of their own, a flood as fast as it is acknowledged, a ring that
 * holds a third of what comes meanwhile. `npm run bench -- stalled-subscriber` is the minute at 50,000 msg/s.
 */
import { assert, it } from "@effect/vitest"
import { runStall } from "../../bench/harness/stall.ts"

it("a stopped subscriber's messages are received or in the ledger, and the others get all", async () => {
  const report = await runStall({
    rate: 0,
    payloadBytes: 256,
    before: 20_000,
    during: 150_000,
    after: 20_000,
    memoryBufferBytes: 16 * 2 ** 20,
    writeTimeout: "0s",
    filter: "flood/+"
  })
  assert.deepEqual(report.faults, [])
  // Else it was never overtaken, and this showed nothing.
  assert.isAbove(report.dropped["overtaken"] ?? 0, 0)
  assert.strictEqual(report.sleeper.received + (report.dropped["overtaken"] ?? 0), report.published)
})
