/**
 * The writer of lmdb-index.test.ts on a device that is nearly full: one small commit, then one that does not fit.
 *
 *   node lmdb-full-child.ts FOLDER     prints "said failed", what the first commit left, and "said alive" turns later
 */
import * as Effect from "effect/Effect"
import { IndexChanges } from "../../src/store/index-changes.ts"
import { createLmdb, LmdbUnusable } from "../../src/store/lmdb-index.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"

const directory = process.argv[2] as string
const meta = (appliedLsn: number) => ({
  storeUuid: "ab".repeat(16),
  appliedLsn,
  nextSessionNumber: 9,
  nextSequence: 17
})
const say = (text: string) => process.stdout.write(`said ${text}\n`)
const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

const sessions = (count: number, sizeBytes: number): IndexChanges => {
  const changes = new IndexChanges()
  for (let number = 1; number <= count; number++) changes.session(number, 5, Buffer.alloc(sizeBytes, number))
  return changes
}

const program = Effect.gen(function* () {
  const opened = yield* createLmdb({ fs: diskFs, directory })
  if (opened instanceof LmdbUnusable) throw new Error(opened.reason)
  yield* opened.index.commit(sessions(41, 100).operations(), meta(5))
  const exit = yield* Effect.exit(opened.index.commit(sessions(3000, 1000).operations(), meta(6)))
  say(exit._tag === "Failure" ? "failed" : "committed")
  say(`${[...opened.index.entries()].length} entries at ${opened.index.meta?.appliedLsn}`)
  for (let turns = 0; turns < 20; turns++) yield* turn
  say("alive")
})

void Effect.runPromise(Effect.scoped(program))
