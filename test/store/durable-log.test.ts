/**
 * The durable log beyond the contract: what it finds again after a stop and after a power cut, when it says kept, what it
 * reads back from files and when it refuses, records of other kinds, files that go.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { PublishView } from "../../src/codec/publish-view.ts"
import { viewTrusted } from "../../src/codec/read-publish.ts"
import type { DurableLog, DurableLogOptions } from "../../src/store/durable-log.ts"
import { LogRecord } from "../../src/store/ports.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { openLog } from "../../src/wal/log.ts"
import { RecordFlag, RecordType, RecordView } from "../../src/wal/record.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { slowFs } from "../fault/slow-fs.ts"
import { quiet, turn, until } from "../wal/workload.ts"
import { durableOptions, openManually, unsynced } from "./durable-world.ts"

const seed = seedOfRun("durable log")

const topicNames = ["a", "a/b", "room/1/temperature", "room/2/temperature", "b"]

/** Messages over a few topics and some that come once; one in sixteen is larger than a page. */
function appendSome(both: LogWithModel, count: number, random: Random): void {
  for (let i = 0; i < count; i++) {
    const topic = random.chance(0.2) ? `once/${both.model.length}` : random.pick(topicNames)
    const sizeBytes = random.chance(1 / 16) ? 3000 + random.below(4000) : random.below(300)
    assert.isAtLeast(both.append(topic, sizeBytes, random.below(3), random.pick([4, 5])), 0)
  }
}

/** All that `log` holds is what `model` says, and it can be asked for in every way. */
function checkAgainst(log: DurableLog, model: LogWithModel["model"]): void {
  const both = new LogWithModel(log)
  both.model.push(...model.slice(0, log.next))
  for (let sequence = Math.max(0, log.first - 2); sequence < log.next + 2; sequence++) both.checkPosition(sequence)
  for (const topic of topicNames) for (let i = 0; i < 20; i++) both.checkTopic(topic, Math.floor((log.next * i) / 20))
}

/** Until the log has promised everything that was appended. */
const settled = (log: DurableLog) => until(() => log.kept === log.next)

describe("a durable log that is opened again", () => {
  const folder = nodeFs.mkdtempSync(path.join(os.tmpdir(), "promptmq-durable-"))
  afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }))
  const place = { dataDirectory: folder, logDirectory: path.join(folder, "log") }
  const disks: ReadonlyArray<readonly [string, StoreFs, Partial<DurableLogOptions>]> = [
    ["in memory", new MemoryFs(), {}],
    ["on real files", diskFs, place]
  ]
  for (const [name, fs, more] of disks) {
    it.live(`after a clean stop, ${name}: everything, in order, at the same sequences, and it goes on behind`, () =>
      Effect.gen(function* () {
        const random = new Random(seed)
        const model: LogWithModel["model"] = []
        for (let run = 0; run < 4; run++) {
          const { close, log } = yield* openManually(durableOptions(fs, more))
          assert.strictEqual(log.first, 0)
          assert.strictEqual(log.next, model.length)
          assert.strictEqual(log.kept, model.length)
          assert.isTrue(log.report.wasClosed)
          checkAgainst(log, model)
          const both = new LogWithModel(log)
          both.model.push(...model)
          for (let step = 0; step < 10; step++) {
            appendSome(both, 30, random)
            yield* turn
          }
          yield* settled(log)
          model.push(...both.model.slice(model.length))
          checkAgainst(log, model)
          assert.strictEqual(log.readFaults, 0)
          yield* close
        }
        yield* countsOfTopics(durableOptions(fs, more))
      })
    )
  }

  it.live("after a power cut: all that was kept, no gap, no false alarm", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const fs = new MemoryFs()
      const { log } = yield* openManually(durableOptions(fs))
      log.onKept((keptBelow) => fs.mark(keptBelow))
      const both = new LogWithModel(log)
      for (let step = 0; step < 120; step++) {
        appendSome(both, 1 + random.below(8), random)
        yield* turn
      }
      yield* settled(log)
      const points = Array.from({ length: 150 }, () => random.below(fs.trace.length + 1)).sort((a, b) => a - b)
      const images = new CrashImages(fs.trace)
      for (const point of points) {
        const kept = images.at(point).acknowledged
        const after = new MemoryFs(images.build(random))
        after.isTracing = false
        const where = `cut after operation ${point}, seed ${seed}`
        const again = yield* openManually(durableOptions(after))
        assert.deepEqual(again.log.report.damages, [], where)
        assert.isAtLeast(again.log.next, kept, `kept and lost, ${where}`)
        assert.strictEqual(again.log.first, 0, where)
        checkAgainst(again.log, both.model)
        yield* again.close
      }
    })
  )

  it.live("after a power cut while old files go: nothing between first and kept is missing", () =>
    Effect.gen(function* () {
      const random = new Random(seed + 1)
      const fs = new MemoryFs()
      const limits = { limitBytes: 65_536, cacheBytes: 8192 }
      const { log } = yield* openManually(durableOptions(fs, limits))
      log.onKept((keptBelow) => fs.mark(keptBelow))
      const both = new LogWithModel(log)
      for (let step = 0; step < 150; step++) {
        appendSome(both, 1 + random.below(8), random)
        // One large message makes the log forget several files at once.
        if (step % 10 === 9) both.append("large", 45_000)
        yield* turn
      }
      yield* settled(log)
      const removals = fs.trace.flatMap(({ kind }, index) => (kind === "unlink" ? [index + 1, index + 2] : []))
      assert.isAbove(removals.length, 20, "files that went")
      const anywhere = Array.from({ length: 60 }, () => random.below(fs.trace.length + 1))
      const points = [...anywhere, ...removals, ...removals].sort((a, b) => a - b)
      const images = new CrashImages(fs.trace)
      for (const point of points) {
        const kept = images.at(point).acknowledged
        const after = new MemoryFs(images.build(random))
        after.isTracing = false
        const where = `cut after operation ${point}, seed ${seed}`
        const again = yield* openManually(durableOptions(after, limits))
        assert.deepEqual(again.log.report.damages, [], where)
        assert.isAtLeast(again.log.next, kept, `kept and lost, ${where}`)
        checkAgainst(again.log, both.model)
        yield* again.close
      }
    })
  )
})

describe("kept", () => {
  it.live("waits for the sync, however long it takes; shown is shown at once", () =>
    Effect.gen(function* () {
      const held: Array<() => void> = []
      let isSlow = false
      const fs = new MemoryFs()
      const slow = slowFs(fs, (then) => void (isSlow ? held.push(then) : then()))
      const { log } = yield* openManually(durableOptions(slow))
      yield* until(() => [...fs.files.keys()].filter((path) => /spare[^.]*\.wal$/.test(path)).length === 2)
      isSlow = true
      const events: Array<string> = []
      log.onTail((first, count) => events.push(`shown ${first}+${count}`))
      log.onKept((keptBelow) => events.push(`kept ${keptBelow}`))
      const both = new LogWithModel(log)
      both.append("a", 10)
      both.append("a", 10)
      assert.deepEqual(events, ["shown 0+1", "shown 1+1"])
      yield* until(() => held.length > 0)
      both.append("b", 10)
      for (let i = 0; i < 20; i++) yield* turn
      assert.strictEqual(log.kept, 0)
      held.shift()?.()
      assert.strictEqual(log.kept, 2)
      yield* until(() => held.length > 0)
      assert.deepEqual(events.slice(3), ["kept 2"])
      held.shift()?.()
      assert.deepEqual(events.slice(3), ["kept 2", "kept 3"])
      assert.strictEqual(log.durable, 3)
    })
  )

  it.live("means written where the policy says so", () =>
    Effect.gen(function* () {
      let isSlow = false
      const slow = slowFs(new MemoryFs(), (then) => void (isSlow || then()))
      const { log } = yield* openManually(durableOptions(slow, { policy: unsynced }))
      isSlow = true
      const both = new LogWithModel(log)
      both.append("a", 10)
      assert.strictEqual(log.kept, 0)
      yield* settled(log)
      assert.strictEqual(log.durable, 0)
    })
  )
})

describe("records that are not in memory", () => {
  it.live("are read back from their files, and memory stays within the cache", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      fs.isTracing = false
      const cacheBytes = 40_000
      const { log } = yield* openManually(durableOptions(fs, { limitBytes: 150_000, cacheBytes }))
      const both = new LogWithModel(log)
      const random = new Random(seed)
      for (let step = 0; step < 60; step++) {
        appendSome(both, 10, random)
        yield* settled(log)
        assert.isAtMost(log.hotBytes, cacheBytes + 150_000 / 8)
        checkAgainst(log, both.model)
      }
      assert.isAbove(log.first, 0)
      assert.strictEqual(log.readFaults, 0)
    })
  )

  it.live("and not in their file yet either: memory keeps them until they are", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      fs.isTracing = false
      const { log } = yield* openManually(durableOptions(fs, { cacheBytes: 0, segmentBytes: 1_048_576 }))
      const both = new LogWithModel(log)
      let isUnwritten = false
      log.onKept((keptBelow) => {
        if (keptBelow < log.next) isUnwritten = true
        for (let sequence = 0; sequence < log.next; sequence += 97) both.checkPosition(sequence)
      })
      for (let i = 0; i < 6000; i++) both.append("a", 500)
      assert.isAbove(log.hotBytes, 2_000_000)
      yield* settled(log)
      assert.isTrue(isUnwritten)
      assert.isAtMost(log.hotBytes, 1_048_576)
      assert.strictEqual(log.readFaults, 0)
    })
  )

  it.live("stay what they are until the caller's turn ends, however many are read", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const { log } = yield* openManually(durableOptions(fs, { cacheBytes: 0, limitBytes: 400_000 }))
      const both = new LogWithModel(log)
      for (let i = 0; i < 500; i++) both.append(`t/${i}`, 100)
      yield* settled(log)
      const records = Array.from({ length: 50 }, (_, sequence) => {
        const record = new LogRecord()
        assert.isTrue(log.read(sequence, record))
        return record
      })
      for (const { buffer, end, sequence, start } of records) {
        assert.isTrue(both.model[sequence]?.frame.equals(buffer.subarray(start, end)), `record ${sequence}`)
      }
    })
  )

  it.live("that no longer verify are not handed out, and others are", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const { log } = yield* openManually(durableOptions(fs, { cacheBytes: 0, limitBytes: 400_000 }))
      const both = new LogWithModel(log)
      for (let i = 0; i < 500; i++) both.append("some/topic", 100)
      both.append("needle", 100)
      for (let i = 0; i < 500; i++) both.append("some/topic", 100)
      yield* settled(log)
      for (const inode of fs.files.values()) {
        const at = inode.content().indexOf("needle")
        if (at >= 0) inode.write(at, Buffer.from("noodle"))
      }
      const record = new LogRecord()
      assert.isFalse(log.read(500, record))
      assert.strictEqual(log.readFaults, 1)
      for (const sequence of [0, 499, 501, 1000]) both.checkPosition(sequence)
    })
  )
})

describe("a durable log that cannot take a message", () => {
  it.live("says so and is as it was", () =>
    Effect.gen(function* () {
      const { log } = yield* openManually(durableOptions(new MemoryFs(), { pendingBytesMax: 4096 }))
      const both = new LogWithModel(log)
      while (both.append("a", 500) >= 0);
      assert.isAbove(log.pressure, 0.7)
      const { next } = log
      assert.strictEqual(both.append("new", 500), -1)
      assert.strictEqual(log.topicId("new"), -1)
      assert.strictEqual(log.next, next)
      yield* settled(log)
      assert.strictEqual(both.append("new", 500), next)
      yield* settled(log)
      checkAgainst(log, both.model)
    })
  )

  it.live("takes none once it is closed", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(new MemoryFs()))
      const both = new LogWithModel(log)
      both.append("a", 1)
      yield* close
      assert.strictEqual(both.append("a", 1), -1)
      both.checkPosition(0)
    })
  )
})

describe("records of other kinds", () => {
  it.live("take a position without a message, come back in order, and keep their file", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const limits = { limitBytes: 65_536, cacheBytes: 8192 }
      const { close, log } = yield* openManually(durableOptions(fs, limits))
      const both = new LogWithModel(log)
      both.append("a", 10)
      const body = Buffer.from("a session")
      const other = Object.assign(new RecordView(), { type: RecordType.session, buffer: body, end: body.length })
      assert.strictEqual(log.appendOther(other, false), 1)
      assert.strictEqual(log.next, 2)
      assert.strictEqual(log.topicAt(1), -1)
      assert.strictEqual(log.following(1), -1)
      assert.isFalse(log.read(1, new LogRecord()))
      assert.strictEqual(both.append("a", 20), 2)
      assert.strictEqual(log.following(0), 2)
      assert.strictEqual(log.nextOfTopic(log.topicId("a"), 1), 2)
      for (let i = 0; i < 2000; i++) {
        both.append("a", 100)
        if (i % 20 === 0) yield* turn
      }
      yield* settled(log)
      assert.isAbove(log.first, 1)
      const { next } = log
      yield* close
      const found: Array<string> = []
      const onOther = (record: RecordView, sequence: number): void => {
        found.push(`${sequence} ${record.type} ${record.buffer.toString("utf8", record.start, record.end)}`)
      }
      const again = yield* openManually(durableOptions(fs, { ...limits, onOther }))
      assert.deepEqual(found, [`1 ${RecordType.session} a session`])
      assert.deepEqual(again.log.report.damages, [])
      assert.strictEqual(again.log.next, next)
      yield* again.close
    })
  )
})

describe("old files", () => {
  it.live("go when all they held has left the log", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      fs.isTracing = false
      const segmentBytes = 16_384
      const options = durableOptions(fs, { limitBytes: 100_000, segmentBytes })
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      const random = new Random(seed)
      for (let step = 0; step < 200; step++) {
        appendSome(both, 10, random)
        yield* settled(log)
      }
      const names = [...fs.files.keys()].filter((path) => path.endsWith(".0.wal"))
      assert.isAtMost(names.length, 100_000 / segmentBytes + 3)
      assert.isAbove(log.first, 1000)
      const { first } = log
      const { records, segments } = log.statistics()
      yield* close
      const again = yield* openManually(durableOptions(fs, { limitBytes: 100_000, segmentBytes }))
      assert.deepEqual(again.log.report.damages, [])
      // A start cuts its segments anew, so the budget may let go of up to one of them earlier or later.
      assert.isAtMost(again.log.first - first, Math.ceil(records / segments), "at most a segment's records fewer")
      checkAgainst(again.log, both.model)
      yield* again.close
    })
  )
})

/** Per topic the records on disk are numbered 0, 1, 2 ..., across restarts. */
const countsOfTopics = (options: DurableLogOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const counts = new Map<string, number>()
      const view = new PublishView()
      const { report } = yield* openLog(options.fs, options, quiet, (record) => {
        viewTrusted(view, record.buffer, record.start, record.end, (record.flags & RecordFlag.version5) !== 0)
        const topic = record.buffer.toString("utf8", view.topicStart, view.topicEnd)
        const count = counts.get(topic) ?? 0
        assert.strictEqual(record.topicSequence, count, `${topic} at ${record.lsn}`)
        counts.set(topic, count + 1)
      })
      assert.isAbove(report.records, 1000)
    })
  )
