/**
 * storage.wal.crash-recovery-validation: every record of the log is verified once more after recovery, before anybody
 * connects, by the same walk that `promptmq store verify` takes.
 *
 * [VER-1] Recovery has reported the damage it found and goes on from it. What this walk finds beyond that came in between, or
 * recovery was wrong: either is a reason not to serve.
 */
import * as Effect from "effect/Effect"
import { refuse, type StoreRefused } from "../wal/store-error.ts"
import type { StoreFault, StoreFs } from "../wal/store-fs.ts"
import { verifyLog } from "../wal/verify.ts"
import type { DurableStore } from "./durable-store.ts"

export const verifyAgain = (
  fs: StoreFs,
  logDirectory: string,
  { report }: Pick<DurableStore, "report">
): Effect.Effect<void, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const { records, segments } = yield* verifyLog(fs, logDirectory, undefined, { isInUse: true })
    const known = new Set(report.damages.map(({ offset, segment }) => `${segment} ${offset}`))
    for (const { damages, segment } of segments) {
      const unknown = damages.find(({ offset }) => !known.has(`${segment} ${offset}`))
      if (unknown === undefined) continue // [VER-1]
      const fact = `verified once more, ${segment} is damaged at byte ${unknown.offset}, and recovery had not found it`
      return yield* refuse(
        "corrupt",
        `${logDirectory}/${segment}`,
        fact,
        "keep a copy of the folder, then store verify"
      )
    }
    yield* Effect.logInfo(`the log was verified once more: ${records} records in ${segments.length} files`)
  })
