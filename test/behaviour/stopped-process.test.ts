/**
 * Goal: a persistent QoS 1 subscriber whose process is stopped (SIGSTOP) costs the broker no more than its memory
 * budget and nobody else a message; when it goes on it gets, in order, what the ring still holds, and the drop ledger has
 * exactly the rest; with the durable engine it gets everything.
 * Method: bench/harness/stall.ts, short: processes of their own, a flood as fast as it is acknowledged, a ring that
 * holds a third of what comes meanwhile. `npm run bench -- stalled-subscriber` and `slow-readers` are the minute at
 * 50,000 msg/s.
 */
import { assert, it } from "@effect/vitest"
import { runStall } from "../../bench/harness/stall.ts"

const flood = { rate: 0, payloadBytes: 256, before: 20_000, writeTimeout: "0s", filter: "flood/+" }

it("a stopped subscriber's messages are received or in the ledger, and the others get all", async () => {
  const report = await runStall({
    ...flood,
    during: 150_000,
    after: 20_000,
    memoryBufferBytes: 16 * 2 ** 20,
    flags: ["--storage-engine=memory"]
  })
  assert.deepEqual(report.faults, [])
  // Else it was never overtaken, and this showed nothing.
  assert.isAbove(report.dropped["overtaken"] ?? 0, 0)
  assert.strictEqual(report.sleeper.received + (report.dropped["overtaken"] ?? 0), report.published)
})

it("with the durable engine a stopped subscriber gets everything, and so do the others", async () => {
  const report = await runStall({
    ...flood,
    during: 80_000,
    after: 10_000,
    memoryBufferBytes: 64 * 2 ** 20,
    flags: ["--storage-engine=wal"]
  })
  assert.deepEqual(report.faults, [])
  assert.deepEqual(report.dropped, {})
  assert.strictEqual(report.sleeper.received, report.published)
})
