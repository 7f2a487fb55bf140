/**
 * T6, bit rot. A store that was closed well, then one bit of it turned over, thousands of times; also sectors that are
 * zero, exchanged or cut off. Recovery runs on each.
 *
 * Demanded: no record ever comes back other than it was written, none that was never written, a single bit costs at most
 * the record it hit, and every damage is said, except where provably nothing lies: behind a segment's last record, where
 * frames without records may stand. Payloads that imitate records are among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeSlab } from "../../src/wal/checksum.ts"
import { openLog } from "../../src/wal/log.ts"
import { RecordView, recordSize, sealRecords, writeRecordHeader } from "../../src/wal/record.ts"
import { SEGMENT_HEADER_BYTES } from "../../src/wal/segment.ts"
import { verifyLog } from "../../src/wal/verify.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun, sized } from "../fault/random.ts"
import { appendMany, immediate, openManually, optionsOf, quiet, recollect, until } from "./workload.ts"

const FLIPS = sized(2000)
const seed = seedOfRun("bit rot")

describe("bit rot", () => {
  it.live(`${FLIPS} single bits: no wrong payload, at most the record that was hit, always said`, () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const { content, ends, records } = yield* closedStore(random)
      const all = Array.from({ length: records }, (_, index) => index + 1)
      const paths = [...content.keys()].filter((path) => path.endsWith(".0.wal"))
      let lostSum = 0
      for (let flip = 0; flip < FLIPS; flip++) {
        const path = random.pick(paths)
        const bytes = Buffer.from(content.get(path) as Buffer)
        const bit = random.below(bytes.length * 8)
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        const fs = new MemoryFs(new Map(content).set(path, bytes))
        fs.isTracing = false
        const { lsns, report, wrong } = yield* recollect(fs, optionsOf(immediate, random))
        const where = `bit ${bit} of ${path}, seed ${seed}`
        const lost = all.filter((lsn) => !lsns.includes(lsn))
        assert.deepEqual(wrong, [], `a wrong payload, ${where}`)
        assert.strictEqual(new Set(lsns).size, lsns.length, `a record twice, ${where}`)
        assert.isAtMost(lsns.at(-1) ?? 0, records, `a forged record, ${where}`)
        assert.isAtMost(lost.length, 1, `more lost than was hit, ${where}`)
        const isUnused = bit >> 3 >= (ends.get(path) ?? 0)
        assert.isTrue(report.damages.length > 0 || report.bytesCut > 0 || isUnused, `nothing said, ${where}`)
        if (isUnused) assert.deepEqual(lost, [], `lost where nothing lay, ${where}`)
        const told = report.lost.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
        assert.deepEqual(told, lost, `not what is lost is told, ${where}`)
        lostSum += lost.length
      }
      process.stdout.write(`bit rot: ${lostSum} records lost in ${FLIPS} flips\n`)
    })
  )

  it.live("sectors that are zero, exchanged, or cut off at the end: nothing wrong, nothing forged, said", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const { content, ends, records } = yield* closedStore(random)
      const paths = [...content.keys()].filter((path) => path.endsWith(".0.wal"))
      for (let round = 0; round < 400; round++) {
        const path = random.pick(paths)
        const old = content.get(path) as Buffer
        const bytes = damaged(old, random)
        if (bytes.equals(old)) continue
        const fs = new MemoryFs(new Map(content).set(path, bytes))
        const where = `round ${round}, ${path}, seed ${seed}`
        const verdict = yield* verifyLog(fs, "log")
        const { lsns, report, wrong } = yield* recollect(fs, optionsOf(immediate, random))
        assert.deepEqual(wrong, [], `a wrong payload, ${where}`)
        assert.strictEqual(new Set(lsns).size, lsns.length, `a record twice, ${where}`)
        assert.isAtMost(lsns.at(-1) ?? 0, records, `a forged record, ${where}`)
        const isLast = path === paths.at(-1)
        const end = ends.get(path) ?? 0
        const isUnused = old.subarray(0, end).equals(bytes.subarray(0, end))
        const isSaid = report.damages.length > 0 && verdict.isDamaged
        assert.isTrue(isSaid || isLast || isUnused, `nothing said, ${where}`)
        if (!isLast) assert.strictEqual(lsns.length + lostOf(report.lost), records, `told and lost differ, ${where}`)
      }
    })
  )

  it.live("damage that is known is not new the second time, and its bytes lie in quarantine", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const { content } = yield* closedStore(random)
      const path = [...content.keys()].find((each) => each.endsWith(".0.wal")) as string
      const bytes = Buffer.from(content.get(path) as Buffer)
      bytes.fill(0xff, 6000, 6100)
      const fs = new MemoryFs(new Map(content).set(path, bytes))
      const first = yield* recollect(fs, optionsOf(immediate, random))
      const second = yield* recollect(fs, optionsOf(immediate, random))
      assert.deepEqual(second.lsns, first.lsns)
      assert.deepEqual(
        first.report.damages.map(({ isNew }) => isNew),
        first.report.damages.map(() => true)
      )
      assert.isFalse(second.report.damages.some(({ isNew }) => isNew))
      const kept = [...fs.files].filter(([name]) => name.startsWith("data/quarantine/"))
      assert.strictEqual(kept.length, first.report.damages.length)
      assert.isTrue(kept.some(([, inode]) => inode.content().includes(Buffer.alloc(100, 0xff))))
    })
  )

  it.live("refuses to open instead, when told to", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const { content } = yield* closedStore(random)
      const path = [...content.keys()].find((each) => each.endsWith(".0.wal")) as string
      const bytes = Buffer.from(content.get(path) as Buffer)
      bytes.fill(0xff, 6000, 6100)
      const options = optionsOf(immediate, random, { onCorruption: "refuse" })
      const refusal = yield* Effect.flip(recollect(new MemoryFs(new Map(content).set(path, bytes)), options))
      assert.strictEqual(refusal._tag === "StoreRefused" ? refusal.reason : refusal._tag, "corrupt")
    })
  )

  it.live("a payload that imitates a record is never taken for one", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const fs = new MemoryFs()
      const options = optionsOf(immediate, random)
      const { close, log } = yield* openManually(fs, options)
      const forged = imitation()
      const record = new RecordView()
      Object.assign(record, { type: 1, buffer: forged, start: 0, end: forged.length })
      for (let i = 0; i < 5; i++) log.appender.append(record, false)
      yield* until(() => log.appender.durableLsn === 5)
      yield* close
      // The frame's header and its first record's: what is left to find is the imitations.
      const path = [...fs.files.keys()].find((each) => each.endsWith(".0.wal")) as string
      const bytes = Buffer.from(fs.files.get(path)?.content() as Buffer)
      bytes.fill(0xee, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 56 + 40)
      const seen: Array<string> = []
      yield* Effect.scoped(
        openLog(new MemoryFs(new Map(fs.content()).set(path, bytes)), options, quiet, (found) => {
          seen.push(`${found.lsn}:${found.end - found.start}`)
        })
      )
      assert.deepEqual(
        seen,
        [2, 3, 4, 5].map((lsn) => `${lsn}:${forged.length}`)
      )
    })
  )
})

/** Aligned as records are, with every LSN a reader might look for, sealed without a salt. */
function imitation(): Buffer {
  const record = new RecordView()
  record.type = 1
  const slab = makeSlab(recordSize(8) * 6)
  for (let lsn = 1; lsn <= 6; lsn++) {
    const at = (lsn - 1) * recordSize(8)
    slab.bytes.write("forged!!", writeRecordHeader(slab, at, record, lsn, 8))
    sealRecords(slab, at, 1, 0)
  }
  return slab.bytes
}

function damaged(old: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(old)
  const sectors = Math.floor(bytes.length / 512)
  const one = random.below(sectors) * 512
  const kind = random.below(3)
  if (kind === 0) bytes.fill(0, one, one + 512)
  else if (kind === 1) {
    const other = random.below(sectors) * 512
    old.copy(bytes, one, other, other + 512)
    old.copy(bytes, other, one, one + 512)
  } else return bytes.subarray(0, SEGMENT_HEADER_BYTES + random.below(bytes.length - SEGMENT_HEADER_BYTES))
  return bytes
}

function lostOf(ranges: ReadonlyArray<{ readonly from: number; readonly to: number }>): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}

/** Three runs, several segments, each closed well. */
const closedStore = (random: Random) =>
  Effect.gen(function* () {
    const fs = new MemoryFs()
    fs.isTracing = false
    for (let run = 0; run < 3; run++) {
      const { close, log } = yield* openManually(fs, optionsOf(immediate, random))
      for (let frame = 0; frame < 25; frame++) {
        appendMany(log, 1 + random.below(6))
        yield* until(() => log.appender.durableLsn === log.appender.nextLsn - 1)
      }
      yield* close
    }
    const content = fs.content()
    /** Where each segment's last record ends. */
    const ends = new Map<string, number>()
    const { records } = yield* verifyLog(new MemoryFs(content), "log", (segment) => (record, offset) => {
      ends.set(`log/${segment}`, offset + record.sizeBytes)
    })
    return { content, ends, records }
  })
