/**
 * The writer of durable-store-kill.test.ts: opens the store with LMDB and lives on for ever. It is killed, never closed.
 *
 *   node store-writer-child.ts FOLDER SEED BEGINNINGS     prints "open TICKET NEXT", then what is kept, as it rises
 */
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { openDurableStore } from "../../src/store/durable-store.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { turn } from "../wal/workload.ts"
import { type Beginning, randomOf, repeat } from "./repeated-life.ts"
import { lifeLog, storeOptions } from "./store-world.ts"

const [folder, seedText, beginningsText] = process.argv.slice(2) as [string, string, string]
const seed = Number(seedText)
const before = JSON.parse(beginningsText) as ReadonlyArray<Beginning>
const STEPS_PER_TURN = 3
const SNAPSHOT_EVERY_STEPS = 500

const program = Effect.gen(function* () {
  const place = { dataDirectory: folder, logDirectory: `${folder}/log`, segmentBytes: 65_536, nowMs: Date.now }
  // Every other one looks at the index that the one before left behind; the others make it anew.
  const indexCheckFromBytes = before.length % 2 === 0 ? 0 : undefined
  const store = yield* openDurableStore(storeOptions(diskFs, { ...place, index: "lmdb", indexCheckFromBytes }))
  const { log, sessions } = store
  const beginning = { ticket: log.ticket, next: log.next }
  const life = repeat(seed, [...before, beginning])
  life.goOn(sessions, lifeLog(store), beginning.ticket, randomOf(seed, before.length))
  log.onKept(() => void writeSync(1, `${log.kept}\n`))
  writeSync(1, `open ${beginning.ticket} ${beginning.next}\n`)
  for (let step = 1; ; step++) {
    life.step()
    if (step % STEPS_PER_TURN === 0) yield* turn
    if (step % SNAPSHOT_EVERY_STEPS === 0) yield* store.ensureSnapshot(log.ticket)
  }
})

void Effect.runPromise(Effect.scoped(program))
