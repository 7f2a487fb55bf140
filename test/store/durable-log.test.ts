/**
 * The durable log beyond the contract: what it finds again after a stop and after a power cut, when it says kept, when it
 * refuses and why, records of other kinds. Compaction is in durable-compaction.test.ts, reading back in
 * cold-reads.test.ts, everything at random in durable-model.test.ts.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { DurableLog, DurableLogOptions } from "../../src/store/durable-log.ts"
import { KeepLane } from "../../src/store/ports.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { RecordType, RecordView } from "../../src/wal/record.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { slowFs } from "../fault/slow-fs.ts"
import { turn, until } from "../wal/workload.ts"
import { durableOptions, openManually, unsynced } from "./durable-world.ts"
import { HandCompaction } from "./hand-compaction.ts"

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
const settled = (log: DurableLog) => until(() => log.kept === log.ticket)

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
          assert.strictEqual(log.kept, log.ticket)
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
      })
    )
  }

  it.live(
    "after a power cut: all that was kept, no gap, no false alarm",
    () =>
      Effect.gen(function* () {
        const random = new Random(seed)
        const fs = new MemoryFs()
        const { log } = yield* openManually(durableOptions(fs))
        log.onKept(() => fs.mark(log.kept))
        const both = new LogWithModel(log)
        for (let step = 0; step < 120; step++) {
          appendSome(both, 1 + random.below(8), random)
          yield* turn
        }
        yield* settled(log)
        const points = Array.from({ length: 100 }, () => random.below(fs.trace.length + 1)).sort((a, b) => a - b)
        const images = new CrashImages(fs.trace)
        for (const point of points) {
          const kept = images.at(point).acknowledged
          const after = new MemoryFs(images.build(random))
          after.isTracing = false
          const where = `cut after operation ${point}, seed ${seed}`
          const again = yield* openManually(durableOptions(after))
          assert.deepEqual(again.log.report.damages, [], where)
          assert.isAtLeast(again.log.ticket, kept, `kept and lost, ${where}`)
          assert.strictEqual(again.log.first, 0, where)
          checkAgainst(again.log, both.model)
          yield* again.close
        }
      }),
    30_000
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
      log.onKept(() => {
        const event = `kept ${log.kept}`
        if (log.kept > 0 && !events.includes(event)) events.push(event)
      })
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

describe("a durable log that cannot take a message", () => {
  it.live("says so and is as it was", () =>
    Effect.gen(function* () {
      const { log } = yield* openManually(durableOptions(new MemoryFs(), { pendingBytesMax: 4096 }))
      const both = new LogWithModel(log)
      while (both.append("a", 500) >= 0);
      assert.strictEqual(log.refusal, "busy")
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

  it.live("takes none while the disk is short of room", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(new MemoryFs()))
      const both = new LogWithModel(log)
      for (const level of ["scarce", "full"] as const) {
        log.handlers.onSpace(level)
        assert.strictEqual(both.append("a", 1), -1)
        assert.strictEqual(log.refusal, "disk-full")
        log.handlers.onSpace("low")
        assert.isAtLeast(both.append("a", 1), 0)
      }
      yield* close
    })
  )

  it.live("forgets nothing when memory is used up: it takes no more until compaction made room", () =>
    Effect.gen(function* () {
      const limits = { limitBytes: 400_000, cacheBytes: 16_384, indexSegmentBytes: 8192 }
      const options = durableOptions(new MemoryFs(), limits)
      const { close, log } = yield* openManually(options)
      const both = new LogWithModel(log)
      for (let i = 0; ; i++) {
        if (both.append(`once/${i}`, 10) < 0) break
        if (i % 50 === 0) yield* settled(log)
        assert.isBelow(i, 4000, "it never says that it is full")
      }
      assert.strictEqual(log.refusal, "memory")
      assert.isAbove(log.pressure, 0.9)
      assert.isAbove(log.next, 1000)
      yield* settled(log)
      checkAgainst(log, both.model)
      assert.isAtMost(log.statistics().bytes, limits.limitBytes + 16_384)
      const compaction = new HandCompaction(log, options)
      yield* compaction.run(() => false)
      yield* until(() => !log.isMoving)
      assert.isBelow(log.pressure, 0.5)
      assert.isAtLeast(both.append("again", 10), 0)
      yield* settled(log)
      yield* close
    })
  )

  it.live("takes none once it is closed", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(new MemoryFs()))
      const both = new LogWithModel(log)
      both.append("a", 1)
      yield* close
      assert.strictEqual(both.append("a", 1), -1)
      assert.strictEqual(log.refusal, "closed")
      assert.strictEqual(log.appendOther(Object.assign(new RecordView(), { type: RecordType.cursor }), false), -1)
      both.checkPosition(0)
    })
  )
})

describe("records of other kinds", () => {
  it.live("take a ticket and no position, come back in order with the messages", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const { close, log } = yield* openManually(durableOptions(fs))
      const both = new LogWithModel(log)
      const expected: Array<string> = []
      for (let i = 0; i < 300; i++) {
        if (i % 3 === 0) {
          const body = Buffer.from(`session ${i}`)
          const other = Object.assign(new RecordView(), { type: RecordType.session, buffer: body, end: body.length })
          assert.strictEqual(log.appendOther(other, false), i + 1)
          expected.push(`${i + 1} ${RecordType.session} session ${i}`)
        } else {
          assert.strictEqual(both.append(i % 2 === 0 ? "a" : "b", i), both.model.length - 1)
          expected.push(`${i + 1} message ${both.model.length - 1}`)
        }
        assert.strictEqual(log.ticket, i + 1)
        if (i % 7 === 0) yield* turn
      }
      yield* settled(log)
      assert.strictEqual(log.next, 200)
      checkAgainst(log, both.model)
      yield* close
      const found: Array<string> = []
      const again = yield* openManually(
        durableOptions(fs, {
          onOther: ({ buffer, end, lsn, start, type }) =>
            void found.push(`${lsn} ${type} ${buffer.toString("utf8", start, end)}`),
          onMessage: ({ lsn }, view, sequence) => {
            const { frame, topic } = both.model[sequence] ?? assert.fail("a message that was never appended")
            assert.strictEqual(view.buffer.toString("utf8", view.topicStart, view.topicEnd), topic)
            assert.isTrue(frame.equals(view.buffer.subarray(view.frameStart, view.frameEnd)))
            found.push(`${lsn} message ${sequence}`)
          }
        })
      )
      assert.deepEqual(found, expected)
      assert.strictEqual(again.log.next, 200)
      yield* again.close
    })
  )

  it.live("are told where they are proof that a message was received", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const received: Array<string> = []
      const onReceived = (publisher: number, lsn: number) => void received.push(`${publisher} at ${lsn}`)
      const { close, log } = yield* openManually(durableOptions(fs, { onReceived }))
      const both = new LogWithModel(log)
      both.append("a", 10, 2, 5, 0)
      both.append("a", 10, 2, 5, 7)
      both.append("a", 10, 1, 5, 0)
      assert.deepEqual(received, ["1 at 2"])
      yield* settled(log)
      yield* close
      const proofs: Array<number> = []
      const onMessage: DurableLogOptions["onMessage"] = (_, { packetIdentifier, qos }) =>
        void proofs.push(qos === 0 ? 0 : packetIdentifier)
      const again = yield* openManually(durableOptions(fs, { onMessage }))
      assert.deepEqual(proofs, [0, 7, 0])
      yield* again.close
    })
  )

  it.live("share a frame when they were announced together", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const fs = new MemoryFs()
      const { log } = yield* openManually(durableOptions(fs, { segmentBytes: 4 * 1_048_576 }))
      const both = new LogWithModel(log)
      yield* settled(log)
      const before = fs.trace.length
      // The group is nearly full: without the announcement the second record would open another.
      both.append("filler", 1_048_576 - 700)
      log.together(900)
      both.append("a", 400)
      both.append("b", 400)
      yield* settled(log)
      const writes = fs.trace.slice(before).flatMap((entry) => (entry.kind === "write" ? [entry.bytes] : []))
      const withA = writes.filter((bytes) => bytes.includes(Buffer.from("\0\x01a")))
      const withB = writes.filter((bytes) => bytes.includes(Buffer.from("\0\x01b")))
      assert.deepEqual(withA, withB, `seed ${random.below(1)}`)
    })
  )
})

describe("a topic's policy", () => {
  it.live("limits what it may have in the log, and others go on", () =>
    Effect.gen(function* () {
      const topicPolicies = [
        { filter: "few/#", maxMessages: 3 },
        { filter: "+/small", maxBytes: 1000 }
      ]
      const fs = new MemoryFs()
      const opened = yield* openManually(durableOptions(fs, { topicPolicies }))
      let both = new LogWithModel(opened.log)
      for (let i = 0; i < 3; i++) assert.isAtLeast(both.append("few/a", 5000), 0)
      assert.strictEqual(both.append("few/a", 0), -1)
      assert.strictEqual(opened.log.refusal, "topic-quota")
      assert.isAtLeast(both.append("few/b", 1), 0, "each topic by itself")
      assert.isAtLeast(both.append("x/small", 600), 0)
      assert.strictEqual(both.append("x/small", 600), -1)
      assert.strictEqual(opened.log.refusal, "topic-quota")
      assert.strictEqual(both.append("y/small", 2000), -1)
      assert.strictEqual(opened.log.topicId("y/small"), -1)
      assert.isAtLeast(both.append("other", 5000), 0)
      yield* settled(opened.log)
      yield* opened.close
      const { close, log } = yield* openManually(durableOptions(fs, { topicPolicies }))
      const model = both.model
      both = new LogWithModel(log)
      both.model.push(...model)
      assert.strictEqual(both.append("few/a", 0), -1, "what was found counts")
      log.setTopicPolicies([{ filter: "few/b", maxMessages: 1 }])
      assert.isAtLeast(both.append("few/a", 0), 0, "changed while it runs")
      assert.strictEqual(both.append("few/b", 0), -1)
      assert.isUndefined(log.policyOf(log.topicId("few/a")))
      yield* close
    })
  )

  it.live("says what an acknowledgement waits for, and asks for syncs", () =>
    Effect.gen(function* () {
      const topicPolicies = [
        { filter: "now/#", forceFsync: true, acknowledge: "durable" as const },
        { filter: "soon/#", acknowledge: "written" as const }
      ]
      const { close, log } = yield* openManually(durableOptions(new MemoryFs(), { topicPolicies, policy: unsynced }))
      const both = new LogWithModel(log)
      const lanes: Array<number> = []
      for (const topic of ["any", "now/a", "soon/a", "any"]) {
        both.append(topic, 1)
        lanes.push(log.lane)
      }
      const { durable, policy, written } = KeepLane
      assert.deepEqual(lanes, [policy, durable, written, policy])
      yield* until(() => log.durable >= 2)
      yield* turn
      both.append("soon/a", 1)
      yield* until(() => log.written === 5)
      for (let i = 0; i < 20; i++) yield* turn
      assert.strictEqual(log.durable, 4, "nobody asked for another one")
      yield* close
    })
  )
})
