/**
 * T5, the power cut on a real file system. A writer on ext4 is stopped in the middle of its work, what it has said is
 * read to the end, the file system is shut down without a flush, the writer is killed, the file system is mounted again
 * and the store opened.
 *
 * SIGSTOP comes first because a sync that races with the shutdown may answer well: what a process says after its power
 * is gone is no promise. Two writers: the log alone, a thousand times, and the whole broker with MQTT clients.
 *
 *   npm run torture -- --tier ext4 [--cycles 1000] [--seed N]
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Books } from "../../src/cli/torture/books.ts"
import type { BrokerProcess } from "../../src/cli/torture/broker-process.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { immediate, recollect } from "../wal/workload.ts"
import { Ext4Disk, whyNoExt4 } from "./ext4-disk.ts"
import { killed, verdictOf } from "./kill.ts"
import { cyclesWanted, modesWanted, tierWanted } from "./options.ts"

const CUTS = cyclesWanted ?? 1000
/** A store gets longer with each cut; a new one now and then keeps recovery short. */
const CUTS_PER_STORE = 40
const BROKER_CUTS = Math.max(1, Math.floor(CUTS / 5))
const MUTANT_CUTS = 20
const HOURS_MAX_MS = 3 * 3_600_000
const PROGRESS_EVERY = 50
/** What a stopped process has sent is in our hands when nothing has come for so long. */
const DRAINED_MS = 25
const LOOK_MS = 2
const writer = fileURLToPath(new URL("../wal/writer-child.ts", import.meta.url))
const noSync = new URL("no-sync.mjs", import.meta.url).href
/** In the others an acknowledgement promises nothing about power. */
const durableModes = modesWanted.filter((mode) => mode === "immediate" || mode === "batch")

const reason = tierWanted === undefined || tierWanted === "ext4" ? whyNoExt4() : "another tier was asked for"
if (reason !== undefined) process.stdout.write(`skipped: ${reason}\n`)

// Skipped where it cannot be done, because it mounts file systems; the reason is printed above.
describe.skipIf(reason !== undefined)("power cuts on ext4", () => {
  for (const mode of durableModes) {
    const seed = seedOfRun(`ext4, log, ${mode}`)
    it(
      `${CUTS} of the log in ${mode}: nothing that was kept is lost, nothing is taken for damage`,
      async () => {
        using disk = new Ext4Disk()
        const random = new Random(seed)
        let kept = 0
        for (let cut = 1; cut <= CUTS; cut++) {
          const folder = join(disk.folder, `store-${Math.floor(cut / CUTS_PER_STORE)}`)
          if (cut % CUTS_PER_STORE === 0) kept = 0
          kept = Math.max(kept, await writeUntilCut(disk, [writer, folder, mode], 1 + random.below(60)))
          const found = await reopen(folder)
          const where = `cut ${cut}, seed ${seed}`
          assert.isAtLeast(found.count, kept, `acknowledged and lost, ${where}`)
          assert.strictEqual(found.last, found.count, `a gap, ${where}`)
          assert.deepEqual(found.wrong, [], `not as it was written, ${where}`)
          assert.deepEqual(found.damages, [], `taken for damage, ${where}`)
          kept = found.count
          if (cut % PROGRESS_EVERY === 0) process.stdout.write(`ext4, log, ${mode}: ${cut} cuts, ${kept} records\n`)
        }
      },
      HOURS_MAX_MS
    )

    it(
      `${BROKER_CUTS} of the broker in ${mode}, through MQTT clients`,
      async () => {
        using disk = new Ext4Disk()
        const order = { mode, cycles: BROKER_CUTS, seed: seedOfRun(`ext4, broker, ${mode}`) }
        const report = await killed({
          ...order,
          folder: disk.folder,
          strike: (broker, books) => cutOff(disk, broker, books)
        })
        process.stdout.write(`${verdictOf(order, report)}\n`)
        assert.deepEqual(report.books.faults, [], verdictOf(order, report))
      },
      HOURS_MAX_MS
    )
  }

  it(
    "a broker that does not sync is found out",
    async () => {
      using disk = new Ext4Disk()
      const order = { mode: "immediate", cycles: MUTANT_CUTS, seed: seedOfRun("ext4, no sync") } as const
      const strike = (broker: BrokerProcess, books: Books) => cutOff(disk, broker, books)
      const report = await killed({ ...order, folder: disk.folder, nodeFlags: ["--import", noSync], strike })
      assert.isNotEmpty(report.books.faults, verdictOf(order, report))
    },
    HOURS_MAX_MS
  )

  it(
    `a log that does not sync is found out, ${MUTANT_CUTS} of ${MUTANT_CUTS}`,
    async () => {
      let losses = 0
      for (let cut = 0; cut < MUTANT_CUTS; cut++) {
        using disk = new Ext4Disk()
        const folder = join(disk.folder, "store")
        const kept = await writeUntilCut(disk, ["--import", noSync, writer, folder, "immediate"], 60)
        const found = await reopen(folder)
        if (found.count < kept || found.damages.length > 0) losses++
      }
      assert.strictEqual(losses, MUTANT_CUTS)
    },
    HOURS_MAX_MS
  )
})

/** Answers the last LSN that the writer called kept before its power was gone. */
async function writeUntilCut(disk: Ext4Disk, words: ReadonlyArray<string>, lines: number): Promise<number> {
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  child.stdout.setEncoding("utf8")
  child.stdout.on("data", (more: string) => {
    text += more
    if (text.includes("open") && text.split("\n").length > lines) resolve()
  })
  const closed = once(child, "close")
  await Promise.race([enough, closed])
  assert.strictEqual(child.exitCode, null, "the writer ended by itself")
  await powerCut(disk, child, () => text.length)
  await closed
  disk.remount()
  const whole = text.slice(0, text.lastIndexOf("\n"))
  return Math.max(...whole.split("\n").map((line) => Number(line.replace("open ", ""))))
}

/** The kill run's blow: as above, and the books know when nothing comes any more. */
async function cutOff(disk: Ext4Disk, broker: BrokerProcess, books: Books): Promise<void> {
  await powerCut(disk, broker, () => books.events)
  await broker.ended
  disk.remount()
}

interface Victim {
  readonly pid?: number | undefined
  kill(signal: NodeJS.Signals): unknown
}

async function powerCut(disk: Ext4Disk, victim: Victim, heard: () => number): Promise<void> {
  victim.kill("SIGSTOP")
  while (!isStopped(victim.pid ?? 0)) await pause(LOOK_MS)
  for (let before = -1, quietMs = 0; quietMs < DRAINED_MS; quietMs += LOOK_MS) {
    if (heard() !== before) quietMs = 0
    before = heard()
    await pause(LOOK_MS)
  }
  disk.cut()
  victim.kill("SIGKILL")
}

/** Every thread of it, but for those that wait in the kernel for the disk and come back to a stop. */
function isStopped(pid: number): boolean {
  try {
    return /\) [TtZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return true
  }
}

const reopen = (folder: string) =>
  Effect.runPromise(
    Effect.map(
      recollect(diskFs, {
        dataDirectory: folder,
        logDirectory: `${folder}/log`,
        segmentBytes: 262_144,
        policy: immediate
      }),
      ({ lsns, report, wrong }) => ({ count: lsns.length, last: lsns.at(-1) ?? 0, damages: report.damages, wrong })
    )
  )

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
