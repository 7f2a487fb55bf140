/**
 * T3, kill -9. A child writes to a real disk and says what is kept; it is killed after a moment, the store is opened and
 * compared, and the next child goes on with the same store.
 *
 * Demanded in every mode, `written` included: everything that was said to be kept is there, as it was written, dense from
 * 1; nothing is taken for damage; the dead child's lock is no hindrance.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { openLog } from "../../src/wal/log.ts"
import { verifyLog } from "../../src/wal/verify.ts"
import { Random, seedOfRun, sized } from "../fault/random.ts"
import { immediate, isAsExpected, quiet } from "./workload.ts"

const CYCLES = sized(10)
const child = fileURLToPath(new URL("writer-child.ts", import.meta.url))
const seed = seedOfRun("kill -9")

describe("kill -9", () => {
  for (const mode of ["immediate", "batch", "periodic"]) {
    it.live(`${CYCLES} times in ${mode}: nothing that was kept is lost`, () =>
      withFolder((folder) =>
        Effect.gen(function* () {
          const random = new Random(seed)
          let kept = 0
          for (let cycle = 0; cycle < CYCLES; cycle++) {
            kept = Math.max(kept, yield* Effect.promise(() => writeAndDie(folder, mode, 1 + random.below(40))))
            const verdict = yield* verifyLog(diskFs, `${folder}/log`)
            assert.isFalse(verdict.isDamaged)
            // Now and then the next writer finds the store as the dead one left it.
            if (cycle % 3 === 1) continue
            const { count, report, wrong } = yield* reopen(folder)
            assert.deepEqual(wrong, [])
            assert.deepEqual(report.damages, [])
            assert.isAtLeast(count, kept, `cycle ${cycle}, seed ${seed}`)
            kept = count
          }
          assert.isAbove(kept, 0)
        })
      )
    )
  }
})

/** Answers the last LSN that the child called kept. It is killed `lines` batches after it has opened the store. */
async function writeAndDie(folder: string, mode: string, lines: number): Promise<number> {
  const writer = spawn(process.execPath, [child, folder, mode], { stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  writer.stdout.setEncoding("utf8")
  writer.stdout.on("data", (more: string) => {
    text += more
    if (text.includes("open") && text.split("\n").length > lines) writer.kill("SIGKILL")
  })
  const [code, signal] = (await once(writer, "close")) as [number | null, string | null]
  assert.strictEqual(signal, "SIGKILL", `the writer ended by itself with ${code}`)
  const whole = text.slice(0, text.lastIndexOf("\n"))
  return Math.max(...whole.split("\n").map((line) => Number(line.replace("open ", ""))))
}

const reopen = (folder: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      let count = 0
      const wrong: Array<number> = []
      const options = {
        dataDirectory: folder,
        logDirectory: `${folder}/log`,
        segmentBytes: 262_144,
        policy: immediate
      }
      const { report } = yield* openLog(diskFs, options, quiet, (record) => {
        count++
        if (record.lsn !== count || !isAsExpected(record)) wrong.push(record.lsn)
      })
      return { count, wrong, report }
    })
  )

const withFolder = <A, E>(use: (folder: string) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "promptmq-kill-"))),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
