/**
 * T3 for the store with LMDB: a child lives on a real disk and says what is kept; it is killed after a moment. A copy of
 * what it left is opened and compared; the next child opens the original, as unclean as it was left.
 *
 * Demanded: everything that was said to be kept is known, sessions are exactly as of the last record that is there, the
 * index is never ahead of the log, nothing is taken for damage.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { openDurableStore } from "../../src/store/durable-store.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { type Beginning, repeat } from "./repeated-life.ts"
import { comparable, expected } from "./session-life.ts"
import { storeOptions } from "./store-world.ts"

const CYCLES = Number(process.env["PROMPTMQ_KILL_CYCLES"] ?? 8)
const CYCLE_LIMIT_MS = 20_000
const seed = seedOfRun("kill -9 with LMDB")
const child = fileURLToPath(new URL("store-writer-child.ts", import.meta.url))

describe("kill -9, with LMDB", () => {
  it.live(
    `${CYCLES} times: sessions as of the last record, and nothing that was kept is lost`,
    () => withFolder(liveAndDie),
    CYCLES * CYCLE_LIMIT_MS
  )
})

const liveAndDie = (folder: string) =>
  Effect.gen(function* () {
    const random = new Random(seed)
    const beginnings: Array<Beginning> = []
    let known: Beginning = { ticket: 0, next: 0 }
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const lines = 1 + random.below(150)
      const { beginning, kept } = yield* Effect.promise(() => writeAndDie(`${folder}/store`, beginnings, lines))
      assert.deepEqual(beginning, known, "the child finds what its copy held")
      beginnings.push(beginning)
      cpSync(`${folder}/store`, `${folder}/copy`, { recursive: true })
      known = yield* judge(`${folder}/copy`, beginnings, kept, `cycle ${cycle}, seed ${seed}`)
      rmSync(`${folder}/copy`, { recursive: true })
    }
  })

const judge = (folder: string, beginnings: ReadonlyArray<Beginning>, kept: number, where: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const place = { dataDirectory: folder, logDirectory: `${folder}/log`, segmentBytes: 65_536 }
      const options = storeOptions(diskFs, { ...place, index: "lmdb", indexCheckFromBytes: 0 })
      const { log, report, sessions } = yield* openDurableStore(options)
      assert.isAtLeast(log.ticket, kept, where)
      assert.deepEqual(report.damages, [], where)
      assert.isFalse(report.wasClosed)
      const truth = repeat(seed, beginnings, log.ticket).truths[log.ticket]
      assert.isDefined(truth)
      if (truth !== undefined) assert.deepEqual(comparable(sessions.takeRecovered()), expected(truth), where)
      return { ticket: log.ticket, next: log.next }
    })
  )

/** It is killed `lines` answers after it has opened the store. */
async function writeAndDie(folder: string, beginnings: ReadonlyArray<Beginning>, lines: number) {
  const words = [child, folder, String(seed), JSON.stringify(beginnings)]
  const writer = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  writer.stdout.setEncoding("utf8")
  writer.stdout.on("data", (more: string) => {
    text += more
    if (text.split("\n").length > lines + 1) writer.kill("SIGKILL")
  })
  const [code, signal] = (await once(writer, "close")) as [number | null, string | null]
  assert.strictEqual(signal, "SIGKILL", `the writer ended by itself with ${code}`)
  const [first, ...rest] = text.slice(0, text.lastIndexOf("\n")).split("\n")
  assert.match(first as string, /^open \d+ \d+$/, "the store opened without a warning")
  const [ticket, next] = (first as string).replace("open ", "").split(" ").map(Number) as [number, number]
  return { beginning: { ticket, next }, kept: Math.max(ticket, ...rest.map(Number)) }
}

const withFolder = <A, E>(use: (folder: string) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "promptmq-store-kill-"))),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
