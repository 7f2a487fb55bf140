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
        segmentBytes: 262_144,
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
      const record = new LogRecord()
      const readSome = (from: number) =>
        Effect.gen(function* () {
          for (let sequence = from * 3; sequence < end; sequence += 303) {
            while (!log.isReady(sequence)) {
              yield* Effect.callback<void>((resume) => log.load(sequence, () => resume(Effect.void)))
            }
            assert.isTrue(log.read(sequence, record), `${sequence}`)
            assert.isTrue(both.model[sequence]?.frame.equals(record.buffer.subarray(record.start, record.end)))
          }
        })
      const compaction = new HandCompaction(log, options)
      yield* compaction.run((sequence) => !both.gone.has(sequence), 2)
      assert.isTrue(log.isMoving)
      for (let slices = 0; slices < 3; slices++) {
        yield* readSome(slices)
        for (const task of held.splice(0)) task()
      }
      // The outputs are inputs at once: what is known of them is taken in first.
      assert.isTrue(log.isMoving)
      yield* compaction.run((sequence) => !both.gone.has(sequence), 4)
      for (let slices = 0; held.length > 0; slices++) {
        yield* readSome(slices % 7)
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
        // As many as must be retired before they are given again, twice at most, and those of one round.
        assert.isBelow(log.topicIdBound, 2 * 65_536 + 26_000)
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
      assert.isAbove(before, 40_000 * 10)
      assert.isBelow(log.indexBytes, before * 0.3)
      assert.isBelow(log.indexBytes, survivors * 50 + 100 * 192 + (log.next - end) * 64 + 20_000)
      assert.isBelow(log.statistics().segments, 12, "sparse neighbours grow together")
      for (let sequence = 0; sequence < end; sequence += 50) yield* read(both, log, sequence)
      yield* close
    })
  )
})

describe("postings", () => {
  it.live("count as memory, and give way when it is short", () =>
    Effect.gen(function* () {
      const options = durableOptions(quietFs(), { indexSegmentBytes: 16_384, limitBytes: 300_000, cacheBytes: 0 })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      for (let i = 0; i < 3000; i++) {
        both.append(`t/${i % 50}`, 20)
        if (i % 100 === 0) yield* settled(log)
      }
      yield* settled(log)
      const before = log.statistics().bytes
      for (let i = 0; i < 50; i++) both.checkTopic(`t/${i}`, 1 + i * 50)
      assert.isAbove(log.statistics().bytes, before + 3000 * 4)
      let appended = 0
      while (both.append("t/1", 20) >= 0) {
        appended += 1
        if (appended % 100 === 0) yield* settled(log)
      }
      assert.strictEqual(log.refusal, "memory")
      assert.isAbove(appended, 3000)
      assert.isAtMost(log.statistics().bytes, 300_000 + 16_384)
      for (let i = 0; i < 50; i++) both.checkTopic(`t/${i}`, 1 + i * 50)
      yield* close
    })
  )
})

describe("what the index knows to be needed", () => {
  it.live("is a retained value, and what replaced or cleared one that is still there", () =>
    Effect.gen(function* () {
      let nowMs = 0
      const options = durableOptions(quietFs(), { nowMs: () => nowMs })
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
      // The model gives every third message an expiry of its own, a little above a second.
      let mortal = -1
      let immortal = -1
      while (mortal < 0 || immortal < 0) {
        const at = both.append(`b/${both.model.length}`, 5)
        if (both.model[at]?.expiresAtMs === Number.POSITIVE_INFINITY) immortal = at
        else mortal = at
      }
      assert.deepEqual([log.isPinned(mortal), log.isPinned(immortal)], [true, true])
      nowMs = 1_000_000
      assert.deepEqual([log.isPinned(mortal), log.isPinned(immortal)], [false, true])
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

describe("messages that may go by age", () => {
  it.live("are those in files that are as old, of topics whose policy says so", () =>
    Effect.gen(function* () {
      let nowMs = 1_000_000
      const options = durableOptions(quietFs(), {
        nowMs: () => nowMs,
        topicPolicies: [{ filter: "news/#", maxAgeMs: 60_000 }]
      })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      both.append("news/a", 10)
      both.append("other", 10)
      for (let i = 0; i < 300; i++) both.append("filler", 100)
      yield* settled(log)
      const [news, other] = [log.topicId("news/a"), log.topicId("other")]
      const end = log.files().at(-1)?.endSequence ?? 0
      assert.isAbove(end, 100)
      nowMs += 30_000
      for (let i = 0; i < 300; i++) both.append("filler", 100)
      yield* settled(log)
      assert.strictEqual(log.agedBelow(news), 0)
      nowMs += 30_000
      assert.isAtLeast(log.agedBelow(news), end)
      assert.isBelow(log.agedBelow(news), log.files().at(-1)?.endSequence ?? 0)
      assert.strictEqual(log.agedBelow(other), 0)
      nowMs += 60_000
      assert.strictEqual(log.agedBelow(news), log.files().at(-1)?.endSequence)
      yield* close
    })
  )
})
