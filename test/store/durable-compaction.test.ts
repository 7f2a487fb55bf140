/**
 * What the log's index does when compaction tells it: readers during a move, memory afterwards, sequences that are never
 * given twice, what may not go, and what compaction is told of the files.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { DurableLog } from "../../src/store/durable-log.ts"
import { LogRecord } from "../../src/store/ports.ts"
import { RecordType, RecordView } from "../../src/wal/record.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { until } from "../wal/workload.ts"
import { durableOptions, openManually } from "./durable-world.ts"
import { HandCompaction } from "./hand-compaction.ts"

const settled = (log: DurableLog) => until(() => log.kept === log.ticket && !log.isMoving)

const quietFs = (): MemoryFs => {
  const fs = new MemoryFs()
  fs.isTracing = false
  return fs
}

const read = (both: LogWithModel, log: DurableLog, sequence: number) =>
  Effect.gen(function* () {
    while (!log.isReady(sequence)) {
      yield* Effect.callback<void>((resume) => log.load(sequence, () => resume(Effect.void)))
    }
    both.checkPosition(sequence)
  })

describe("while the index takes in what compaction moved", () => {
  it.live("every survivor is read from where it lies now", () =>
    Effect.gen(function* () {
      const held: Array<() => void> = []
      let isHolding = false
      const defer = (task: () => void): void => void (isHolding ? held.push(task) : setImmediate(task))
      const options = durableOptions(quietFs(), {
        cacheBytes: 0,
        indexSegmentBytes: 65_536,
        segmentBytes: 524_288,
        defer
      })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      for (let i = 0; i < 12_000; i++) {
        both.append(`t/${i % 7}`, i % 90)
        if (i % 500 === 0) yield* settled(log)
      }
      yield* settled(log)
      isHolding = true
      const end = log.files().at(-1)?.endSequence ?? 0
      assert.isAbove(end, 8000)
      for (let sequence = 0; sequence < end; sequence++) if (sequence % 3 > 0) both.gone.add(sequence)
      yield* new HandCompaction(log, options).run((sequence) => !both.gone.has(sequence), 8)
      assert.isTrue(log.isMoving)
      const record = new LogRecord()
      for (let slices = 0; held.length > 0; slices++) {
        for (let sequence = (slices % 7) * 3; sequence < end; sequence += 303) {
          while (!log.isReady(sequence)) {
            yield* Effect.callback<void>((resume) => log.load(sequence, () => resume(Effect.void)))
          }
          assert.isTrue(log.read(sequence, record), `${sequence} in slice ${slices}`)
          assert.isTrue(both.model[sequence]?.frame.equals(record.buffer.subarray(record.start, record.end)))
        }
        for (const task of held.splice(0)) task()
      }
      isHolding = false
      assert.isFalse(log.isMoving)
      for (let sequence = 0; sequence < log.next; sequence++) yield* read(both, log, sequence)
      assert.strictEqual(log.readFaults, 0)
      yield* close
    })
  )
})

describe("a log of which parts are gone", () => {
  it.live("knows the first and the last record of a topic", () =>
    Effect.gen(function* () {
      const options = durableOptions(quietFs(), { indexSegmentBytes: 4096 })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      const fill = Effect.gen(function* () {
        for (let i = 0; i < 400; i++) both.append("filler", 100)
        yield* settled(log)
      })
      const marks: Array<number> = []
      for (let i = 0; i < 6; i++) {
        marks.push(both.append("mark", 10))
        yield* fill
      }
      const compaction = new HandCompaction(log, options)
      for (const gone of [0, 4, 2, 3]) {
        both.gone.add(marks[gone] as number)
        yield* compaction.run((sequence) => !both.gone.has(sequence))
        yield* settled(log)
        for (const from of [0, ...marks, log.next]) both.checkTopic("mark", from)
        for (const mark of marks) both.checkPosition(mark)
      }
      yield* fill
      both.gone.add(marks[5] as number)
      yield* compaction.run((sequence) => !both.gone.has(sequence))
      yield* settled(log)
      both.checkTopic("mark", 0)
      both.append("mark", 10)
      for (const from of [0, ...marks, log.next]) both.checkTopic("mark", from)
      both.checkPosition(marks[1] as number)
      yield* close
    })
  )

  it.live("gives no sequence twice, though the records that had them are gone", () =>
    Effect.gen(function* () {
      const fs = quietFs()
      const options = durableOptions(fs)
      let next = 0
      for (let run = 0; run < 4; run++) {
        const { close, log } = yield* openManually(options)
        assert.isAtLeast(log.next, next)
        const both = new LogWithModel(log)
        both.padTo(log.next)
        if (run !== 2) for (let i = 0; i < 300; i++) assert.strictEqual(both.append("a", 100), both.model.length - 1)
        yield* settled(log)
        next = log.next
        if (run === 2) {
          yield* new HandCompaction(log, options).run(() => false)
          yield* settled(log)
          assert.strictEqual(log.statistics().records, 0)
        }
        yield* close
      }
    })
  )

  it.live("finds after a restart what it held before, no record fewer and none more", () =>
    Effect.gen(function* () {
      const fs = quietFs()
      const options = durableOptions(fs, { indexSegmentBytes: 4096 })
      let { close, log } = yield* openManually(options)
      let both = new LogWithModel(log)
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 500; i++) both.append(`t/${i % 30}`, i % 200)
        yield* settled(log)
        const end = log.files().at(-1)?.endSequence ?? 0
        for (let sequence = 0; sequence < end; sequence++) if (sequence % (round + 3) > 0) both.gone.add(sequence)
        yield* new HandCompaction(log, options).run((sequence) => !both.gone.has(sequence), 1 + round)
        yield* settled(log)
        const { records, topics } = log.statistics()
        const { next } = log
        yield* close
        const opened = yield* openManually(options)
        close = opened.close
        log = opened.log
        assert.deepEqual(log.report.damages, [])
        assert.strictEqual(log.next, next)
        assert.deepEqual([log.statistics().records, log.statistics().topics], [records, topics])
        const again = new LogWithModel(log)
        again.model.push(...both.model)
        for (const sequence of both.gone) again.gone.add(sequence)
        both = again
        for (let sequence = 0; sequence < next; sequence++) both.checkPosition(sequence)
      }
      yield* close
    })
  )
})

describe("memory follows what lives", () => {
  it.live(
    "topics that came once and were consumed leave it, and their ids, where they were",
    () =>
      Effect.gen(function* () {
        const options = durableOptions(quietFs(), { segmentBytes: 1_048_576, limitBytes: 64 * 1_048_576 })
        const { close, log } = yield* openManually(options)
        const both = new LogWithModel(log)
        const compaction = new HandCompaction(log, options)
        const rounds = 8
        const levels: Array<number> = []
        for (let round = 0; round < rounds; round++) {
          for (let i = 0; i < 40_000; i++) {
            const topic = `once/${round}/${i}`
            assert.isAtLeast(both.append(topic, 0), 0)
            both.forgetHolder(topic)
            if (i % 1000 === 0) yield* settled(log)
          }
          yield* settled(log)
          yield* compaction.run(() => false)
          yield* settled(log)
          both.model.length = 0
          levels.push(log.statistics().bytes)
        }
        assert.isAbove(log.topicEpoch, 0)
        assert.isBelow(log.topicIdBound, 120_000)
        // What lies in the active file is there still: it comes and goes with the size of a file.
        const [before, after] = [Math.max(...levels.slice(0, 4)), Math.max(...levels.slice(4))]
        assert.isAtMost(after, before * 1.1, `bytes after each round: ${levels}`)
        assert.isBelow(log.statistics().segments, 20)
        yield* close
      }),
    60_000
  )

  it.live("few survivors cost what they are, not what was around them", () =>
    Effect.gen(function* () {
      const options = durableOptions(quietFs(), { segmentBytes: 524_288, indexSegmentBytes: 65_536, cacheBytes: 0 })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      for (let i = 0; i < 40_000; i++) {
        both.append(`t/${i % 100}`, 20)
        if (i % 500 === 0) yield* settled(log)
      }
      yield* settled(log)
      const before = log.indexBytes
      const end = log.files().at(-1)?.endSequence ?? 0
      for (let sequence = 0; sequence < end; sequence++) if (sequence % 100 > 0) both.gone.add(sequence)
      yield* new HandCompaction(log, options).run((sequence) => !both.gone.has(sequence))
      yield* settled(log)
      const survivors = end / 100
      assert.isAbove(before, 40_000 * 21)
      assert.isBelow(log.indexBytes, before * 0.3)
      assert.isBelow(log.indexBytes, survivors * 50 + 100 * 192 + (log.next - end) * 64 + 20_000)
      assert.isBelow(log.statistics().segments, 12, "sparse neighbours grow together")
      for (let sequence = 0; sequence < end; sequence += 50) yield* read(both, log, sequence)
      yield* close
    })
  )
})

describe("what the index knows to be needed", () => {
  it.live("is a retained value, and what replaced or cleared one that is still there", () =>
    Effect.gen(function* () {
      const options = durableOptions(quietFs())
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      // Odd sizes are published with RETAIN; a payload of none clears.
      const next = Effect.gen(function* () {
        for (let i = 0; i < 150; i++) both.append("filler", 100)
        yield* settled(log)
      })
      const value = both.append("a", 1)
      const plain = both.append("a", 2)
      yield* next
      const second = both.append("a", 3)
      assert.deepEqual(
        [value, plain, second].map((at) => log.isPinned(at)),
        [false, false, true]
      )
      yield* next
      const clear = both.appendRetained("a", 0)
      yield* next
      assert.deepEqual(
        [value, second, clear].map((at) => log.isPinned(at)),
        [false, false, true]
      )
      const compaction = new HandCompaction(log, options)
      yield* compaction.run((sequence) => sequence !== value)
      assert.isTrue(log.isPinned(clear), "the second value is there still")
      yield* compaction.run((sequence) => sequence > second && sequence !== plain)
      yield* settled(log)
      assert.isFalse(log.isPinned(clear), "nothing can rise any more")
      const only = both.append("b", 5)
      const held = new Map([["b", only]])
      log.setRetained((topic) => held.get(topic) ?? -1)
      assert.isTrue(log.isPinned(only))
      held.clear()
      assert.isFalse(log.isPinned(only), "expired, or never taken")
      yield* close
    })
  )

  it.live("is what lies in a replay window", () =>
    Effect.gen(function* () {
      let nowMs = 1_000_000
      const options = durableOptions(quietFs(), {
        nowMs: () => nowMs,
        topicPolicies: [{ filter: "kept/#", replayMs: 60_000 }]
      })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      const kept = both.append("kept/a", 10)
      const other = both.append("other", 10)
      for (let i = 0; i < 200; i++) both.append("filler", 100)
      yield* settled(log)
      assert.isAbove(log.files().length, 0)
      assert.deepEqual([log.isPinned(kept), log.isPinned(other)], [true, false])
      nowMs += 59_000
      assert.isTrue(log.isPinned(kept))
      nowMs += 2000
      assert.isFalse(log.isPinned(kept))
      yield* close
    })
  )
})

describe("what compaction is told of the files", () => {
  it.live("their LSNs follow each other, what is no message counts, the active one is not among them", () =>
    Effect.gen(function* () {
      const fs = quietFs()
      const options = durableOptions(fs)
      let opened = yield* openManually(options)
      for (let run = 0; run < 3; run++) {
        const { close, log } = opened
        const both = new LogWithModel(log)
        both.padTo(log.next)
        const controls: Array<number> = []
        for (let i = 0; i < 900; i++) {
          if (i % 100 === 50) {
            const other = Object.assign(new RecordView(), { type: RecordType.cursor })
            controls.push(log.appendOther(other, false))
          }
          const isProof = i % 333 === 0
          both.append("a", 60, 2, 5, isProof ? 9 : 0)
          if (isProof) controls.push(log.ticket)
          if (i % 50 === 0) yield* settled(log)
        }
        yield* settled(log)
        const files = log.files()
        assert.isAbove(files.length, 3)
        let lsn = 1
        let sequence = 0
        let bytes = log.wal.appender.segment.position
        for (const file of files) {
          assert.deepEqual([file.firstLsn, file.firstSequence], [lsn, sequence])
          lsn = file.lastLsn + 1
          sequence = file.endSequence
          bytes += file.sizeBytes
          assert.strictEqual(fs.files.get(file.path)?.sizeBytes, file.sizeBytes)
          const within = controls.filter((each) => each >= file.firstLsn && each <= file.lastLsn)
          if (run === 0) assert.strictEqual(file.lastControlLsn, Math.max(0, ...within))
        }
        assert.strictEqual(lsn, log.wal.appender.segment.baseLsn)
        assert.strictEqual(log.totalBytes, bytes)
        const told = files.map(({ firstLsn, lastControlLsn, lastLsn }) => [firstLsn, lastLsn, lastControlLsn])
        yield* close
        opened = yield* openManually(options)
        const found = opened.log
          .files()
          .map(({ firstLsn, lastControlLsn, lastLsn }) => [firstLsn, lastLsn, lastControlLsn])
        assert.deepEqual(found.slice(0, told.length), told)
      }
      yield* opened.close
    })
  )
})
