/**
 * The place of a store: lock, FORMAT, foreign and newer stores, network file systems, recycled segments, single reads.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { checksum, makeSlab } from "../../src/wal/checksum.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { FRAME_HEADER_BYTES } from "../../src/wal/frame.ts"
import { openLog } from "../../src/wal/log.ts"
import { RecordReader } from "../../src/wal/read-record.ts"
import { RecordView } from "../../src/wal/record.ts"
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../../src/wal/segment.ts"
import { Spares } from "../../src/wal/spares.ts"
import { verifyLog } from "../../src/wal/verify.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random } from "../fault/random.ts"
import { appendMany, immediate, isAsExpected, openManually, optionsOf, quiet, recollect, until } from "./workload.ts"

const random = new Random(7)

describe("the lock", () => {
  it.live("falls with a holder that was killed and that nobody has waited for yet", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        // The shell becomes a program that never asks what became of its child.
        const parent = spawn("sh", ["-c", "sh -c 'echo $$' & exec sleep 600"], { stdio: ["ignore", "pipe", "ignore"] })
        try {
          const [line] = yield* Effect.promise(() => once(parent.stdout, "data"))
          const processId = Number(String(line))
          const stat = (): Array<string> => readFileSync(`/proc/${processId}/stat`, "utf8").split(" ")
          yield* until(() => stat()[2] === "Z")
          const holder = { processId, bootId: bootId(), started: stat()[21], sinceMs: 0 }
          writeFileSync(join(folder, "LOCK"), JSON.stringify(holder))
          const options = { ...optionsOf(immediate, random), dataDirectory: folder, logDirectory: `${folder}/log` }
          yield* (yield* openManually(diskFs, options)).close
        } finally {
          parent.kill("SIGKILL")
        }
      })
    )
  )

  it.live("keeps a second opener out and names the first, and falls with a dead holder", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const options = { ...optionsOf(immediate, random), dataDirectory: folder, logDirectory: `${folder}/log` }
        const first = yield* openManually(diskFs, options)
        const refusal = yield* Effect.flip(openManually(diskFs, options))
        assert.strictEqual(refusal._tag === "StoreRefused" ? refusal.reason : "", "locked")
        assert.include(refusal.message, `pid ${process.pid}`)
        yield* first.close
        const lock = join(folder, "LOCK")
        // The same process number, started at another time: somebody else, long gone.
        const dead = { processId: process.pid, bootId: bootId(), started: "1", sinceMs: 0 }
        writeFileSync(lock, JSON.stringify(dead))
        yield* (yield* openManually(diskFs, options)).close
        writeFileSync(lock, JSON.stringify({ ...dead, bootId: "another boot" }))
        yield* (yield* openManually(diskFs, options)).close
        writeFileSync(lock, "")
        yield* (yield* openManually(diskFs, options)).close
      })
    )
  )

  it.live("and the files are for their owner alone", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const options = { ...optionsOf(immediate, random), dataDirectory: folder, logDirectory: `${folder}/log` }
        const { close, log } = yield* openManually(diskFs, options)
        appendMany(log, 3)
        yield* close
        for (const file of ["FORMAT", "log/00000000000000000001.0.wal"]) {
          assert.strictEqual(statSync(join(folder, file)).mode & 0o777, 0o600, file)
        }
        assert.strictEqual(statSync(join(folder, "log")).mode & 0o777, 0o700)
      })
    )
  )
})

describe("what is refused", () => {
  const reasonOf = (fs: MemoryFs) =>
    recollect(fs, optionsOf(immediate, random)).pipe(
      Effect.as("opened"),
      Effect.catchTag("StoreRefused", ({ reason }) => Effect.succeed(reason as string))
    )

  it.live("a network file system", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      fs.volumeNow = { freeBytes: 1, totalBytes: 1, isNetwork: true }
      assert.strictEqual(yield* reasonOf(fs), "network-file-system")
    })
  )

  it.live("a log of another store, a segment of a later version", () =>
    Effect.gen(function* () {
      const mine = yield* written(3)
      const other = yield* written(3)
      const mixed = new Map(mine.content())
      for (const [path, bytes] of other.content()) if (path.endsWith("1.0.wal")) mixed.set(path, bytes)
      assert.strictEqual(yield* reasonOf(new MemoryFs(mixed)), "foreign-store")
      const later = new Map(mine.content())
      const [path, bytes] = [...later].find(([each]) => each.endsWith(".0.wal")) as [string, Buffer]
      const slab = makeSlab(SEGMENT_HEADER_BYTES)
      bytes.copy(slab.bytes)
      slab.bytes.writeUInt16LE(2, 8)
      slab.bytes.writeInt32LE(checksum(slab, 4, SEGMENT_HEADER_BYTES / 2, 0), 0)
      later.set(path, slab.bytes)
      assert.strictEqual(yield* reasonOf(new MemoryFs(later)), "newer-version")
    })
  )
})

describe("FORMAT", () => {
  it.live("survives one damaged copy, and is made anew from the segments when both are", () =>
    Effect.gen(function* () {
      const content = (yield* written(5)).content()
      for (const offsets of [[40], [552], [40, 552]]) {
        const bytes = Buffer.from(content.get("data/FORMAT") as Buffer)
        for (const offset of offsets) bytes[offset] = (bytes[offset] as number) ^ 1
        const { lsns } = yield* recollect(
          new MemoryFs(new Map(content).set("data/FORMAT", bytes)),
          optionsOf(immediate, random)
        )
        assert.deepEqual(lsns, [1, 2, 3, 4, 5])
      }
    })
  )
})

describe("LSNs", () => {
  it.live("that somebody else knows to have been durable are never given again", () =>
    Effect.gen(function* () {
      const fs = yield* written(5)
      const options = optionsOf(immediate, random, { durableAtLeast: 9 })
      const { close, log } = yield* openManually(fs, options)
      assert.deepEqual(log.report.lost, [{ from: 6, to: 9 }])
      assert.strictEqual(log.appender.nextLsn, 10)
      yield* close
    })
  )

  it.live("of every open rise, and so does the epoch", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      for (let run = 1; run <= 4; run++) {
        const { close, log } = yield* openManually(fs, optionsOf(immediate, random))
        assert.strictEqual(log.epoch, run)
        assert.strictEqual(log.appender.nextLsn, (run - 1) * 2 + 1)
        assert.strictEqual(log.report.wasClosed, true)
        appendMany(log, 2)
        yield* close
      }
    })
  )
})

describe("segments", () => {
  it.live("that were recycled say nothing of their former life", () =>
    Effect.gen(function* () {
      const old = yield* written(40)
      const path = [...old.files.keys()].find((each) => each.endsWith(".0.wal")) as string
      const fs = new MemoryFs(new Map([["log/00000000000000000077.0.wal", old.content().get(path) as Buffer]]))
      const spares = new Spares(fs, "log", 16_384, [])
      yield* spares.recycle("00000000000000000077.0.wal")
      assert.strictEqual(spares.ready, 1)
      assert.deepEqual(yield* fs.list("log"), ["spare-000001.used.wal"])
      assert.strictEqual(fs.files.get("log/spare-000001.used.wal")?.sizeBytes, 16_384)
      const { log } = yield* openManually(fs, optionsOf(immediate, random))
      appendMany(log, 1)
      yield* until(() => log.appender.durableLsn === 1)
      // As after a kill: the old frames stand right behind the new one.
      const { lsns, report } = yield* recollect(new MemoryFs(fs.content()), optionsOf(immediate, random))
      assert.deepEqual(lsns, [1])
      assert.strictEqual(report.bytesCut, 0)
    })
  )

  it.live("give single records back, verified again", () =>
    Effect.gen(function* () {
      const fs = yield* written(60)
      const places: Array<{ readonly lsn: number; readonly segment: string; readonly offset: number }> = []
      yield* verifyLog(fs, "log", (segment) => (record, offset) => {
        places.push({ lsn: record.lsn, segment, offset })
      })
      assert.strictEqual(places.length, 60)
      const record = new RecordView()
      for (const { lsn, offset, segment } of places.reverse()) {
        const path = `log/${segment}`
        const slab = makeSlab(4096)
        fs.files.get(path)?.content().copy(slab.bytes, 0, 0, 4096)
        const reader = new RecordReader(yield* fs.open(path, "read"), decodeSegmentHeader(slab)?.seed ?? 0)
        assert.isTrue(yield* reader.read(lsn, offset, record))
        assert.isTrue(record.lsn === lsn && isAsExpected(record))
        assert.isFalse(yield* reader.read(lsn + 1, offset, record), "another record")
        assert.isFalse(yield* reader.read(lsn, offset + 8, record), "no record")
      }
    })
  )

  it.live("and say where each record is going, before it is written", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const seeds = new Map<number, { readonly seed: number; readonly path: string }>()
      const frames: Array<{
        readonly first: number
        readonly count: number
        readonly id: number
        readonly at: number
      }> = []
      const { close, log } = yield* openManually(fs, optionsOf(immediate, random), {
        onSegment: ({ file, id, seed }) => void seeds.set(id, { seed, path: file.path }),
        onPlaced: (first, count, id, at) => void frames.push({ first, count, id, at })
      })
      for (let i = 0; i < 30; i++) {
        const last = appendMany(log, 5)
        yield* until(() => log.appender.durableLsn === last)
      }
      yield* close
      assert.isAbove(seeds.size, 1)
      assert.deepEqual(
        frames.map(({ first }) => first),
        Array.from({ length: 30 }, (_, index) => index * 5 + 1)
      )
      const record = new RecordView()
      for (const { at, first, id } of frames) {
        const { path, seed } = seeds.get(id) as { readonly seed: number; readonly path: string }
        const reader = new RecordReader(yield* fs.open(path, "read"), seed)
        assert.isTrue(yield* reader.read(first, at + FRAME_HEADER_BYTES, record))
        assert.isTrue(isAsExpected(record))
      }
    })
  )

  it.live("on a real disk end where their frames end, and two spares are ready", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const options = { ...optionsOf(immediate, random), dataDirectory: folder, logDirectory: `${folder}/log` }
        const { close, log } = yield* openManually(diskFs, options)
        let last = 0
        for (let i = 0; i < 40; i++) {
          last = appendMany(log, 8)
          yield* until(() => log.appender.durableLsn === last)
        }
        yield* until(() => log.space() === "ok")
        yield* close
        const verdict = yield* verifyLog(diskFs, `${folder}/log`)
        assert.isAbove(verdict.segments.length, 2)
        for (const { endOffset, sizeBytes, state } of verdict.segments) {
          assert.strictEqual(state, "ok")
          assert.strictEqual(sizeBytes, endOffset)
        }
        assert.strictEqual(verdict.records, last)
        yield* Effect.scoped(openLog(diskFs, options, quiet, () => undefined))
      })
    )
  )
})

/** A store that was closed well with that many records. */
const written = (count: number) =>
  Effect.gen(function* () {
    const fs = new MemoryFs()
    const { close, log } = yield* openManually(fs, optionsOf(immediate, random))
    appendMany(log, count)
    yield* close
    return fs
  })

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
}

const withFolder = <A, E>(use: (folder: string) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "promptmq-store-"))),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
