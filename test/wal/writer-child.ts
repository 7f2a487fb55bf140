/**
 * The writer of kill.test.ts: appends for ever to the log in the folder it was given and says on its output what is kept.
 * It is killed, never closed.
 *
 *   node writer-child.ts FOLDER MODE     prints "open N", then "N" per batch: everything up to N is kept
 */
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { openLog } from "../../src/wal/log.ts"
import type { LogPolicy } from "../../src/wal/policy.ts"
import { appendMany, quiet, turn } from "./workload.ts"

const [folder, mode] = process.argv.slice(2) as [string, string]

const policies: Readonly<Record<string, LogPolicy>> = {
  immediate: { sync: { mode: "immediate" }, acknowledge: "durable" },
  batch: { sync: { mode: "batch", records: 50 }, acknowledge: "durable" },
  periodic: { sync: { mode: "periodic", intervalMs: 20 }, acknowledge: "written" }
}

const program = Effect.gen(function* () {
  const options = {
    dataDirectory: folder,
    logDirectory: `${folder}/log`,
    segmentBytes: 262_144,
    policy: policies[mode] as LogPolicy
  }
  // Written at once: what was said was kept, even when the next instruction never runs.
  const handlers = { ...quiet, onKept: (lsn: number) => void writeSync(1, `${lsn}\n`) }
  const log = yield* openLog(diskFs, options, handlers, () => undefined)
  writeSync(1, `open ${log.appender.nextLsn - 1}\n`)
  while (true) {
    appendMany(log, 1 + (log.appender.nextLsn % 20))
    yield* turn
  }
})

void Effect.runPromise(Effect.scoped(program))
