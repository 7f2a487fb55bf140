/**
 * The appender's promises, one by one, on disks that are slow, full, or broken. WAL-n is the list in src/wal/commit.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { CONTROL_RESERVE_BYTES } from "../../src/wal/commit.ts"
import { openLog, type SpaceLevel } from "../../src/wal/log.ts"
import type { LogPolicy } from "../../src/wal/policy.ts"
import { RecordView } from "../../src/wal/record.ts"
import { StoreFault, type StoreFile, type StoreFs } from "../../src/wal/store-fs.ts"
import { verifyLog } from "../../src/wal/verify.ts"
import { type FaultPlan, FaultyFs } from "../fault/faulty-fs.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random } from "../fault/random.ts"
import { slowFs } from "../fault/slow-fs.ts"
import { appendMany, immediate, openManually, optionsOf, quiet, recollect, turn, until } from "./workload.ts"

const policies: ReadonlyArray<LogPolicy> = [
  immediate,
  { sync: { mode: "batch", records: 4 }, acknowledge: "durable" },
  { sync: { mode: "periodic", intervalMs: 3 }, acknowledge: "durable" }
]

/** Every operation through which the log writes. */
const writing = ["write", "datasync", "rename", "sync-directory", "open", "truncate", "unlink"] as const

describe("nothing is kept early [WAL-1]", () => {
  for (const policy of policies) {
    it.effect(`with syncs of 20 ms on a virtual clock, ${policy.sync.mode}`, () =>
      Effect.gen(function* () {
        const random = new Random(1)
        const memory = new MemoryFs()
        const runFork = Effect.runForkWith(yield* Effect.context<never>())
        const kept: Array<number> = []
        let isSlow = false
        const slow = slowFs(memory, (then) =>
          isSlow ? void runFork(Effect.andThen(Effect.sleep(20), Effect.sync(then))) : then()
        )
        const { log } = yield* openManually(slow, optionsOf(policy, random), { onKept: (lsn) => kept.push(lsn) })
        yield* until(() => log.space() === "ok" && memory.files.size > 3)
        isSlow = true
        const last = appendMany(log, 10)
        yield* until(() => log.appender.writtenLsn === last)
        yield* turns(20)
        // Batch and periodic ask for their sync by the clock; until it has answered nobody is told anything.
        yield* TestClock.adjust(19)
        yield* turns(20)
        assert.deepEqual(kept, [])
        yield* TestClock.adjust(60)
        yield* until(() => kept.at(-1) === last)
      })
    )
  }

  it.effect("and what a commit took is told: from its write to its keeping", () =>
    Effect.gen(function* () {
      let nowMs = 1_765_000_000_000
      const held: Array<() => void> = []
      let isSlow = false
      const memory = new MemoryFs()
      const slow = slowFs(memory, (then) => void (isSlow ? held.push(then) : then()))
      const { log } = yield* openManually(slow, optionsOf(immediate, new Random(1), { nowMs: () => nowMs }))
      yield* until(() => log.space() === "ok" && memory.files.size > 3)
      const told: Array<number> = []
      log.appender.onCommitted = (tookMs) => told.push(tookMs)
      isSlow = true
      for (const tookMs of [30, 7]) {
        appendMany(log, 3)
        yield* until(() => held.length > 0)
        nowMs += tookMs
        held.shift()?.()
      }
      yield* until(() => told.length === 2)
      assert.deepEqual(told, [30, 7])
    })
  )

  it.live("with a sync that never answers", () =>
    Effect.gen(function* () {
      const memory = new MemoryFs()
      const kept: Array<number> = []
      let isStopped = false
      const slow = slowFs(memory, (then) => (isStopped ? undefined : then()))
      const handlers = { onKept: (lsn: number) => void kept.push(lsn) }
      const { log } = yield* openManually(slow, optionsOf(immediate, new Random(1)), handlers)
      appendMany(log, 3)
      yield* until(() => kept.at(-1) === 3)
      isStopped = true
      appendMany(log, 3)
      yield* turns(200)
      assert.strictEqual(kept.at(-1), 3)
      assert.strictEqual(log.appender.durableLsn, 3)
      assert.isAbove(log.appender.syncingSinceMs, 0)
    })
  )

  it.live("but told when written, if that is what the operator chose", () =>
    Effect.gen(function* () {
      const kept: Array<number> = []
      const policy: LogPolicy = { sync: { mode: "never" }, acknowledge: "written" }
      const options = optionsOf(policy, new Random(1))
      const { log } = yield* openManually(new MemoryFs(), options, { onKept: (lsn) => kept.push(lsn) })
      const last = appendMany(log, 5)
      yield* until(() => kept.at(-1) === last)
      assert.strictEqual(log.appender.durableLsn, 0)
      yield* log.setPolicy({ sync: { mode: "never" }, acknowledge: "durable" })
      const forced = appendMany(log, 5)
      yield* log.force
      assert.isAtLeast(log.appender.durableLsn, forced)
      assert.strictEqual(kept.at(-1), forced)
    })
  )
})

describe("every fault point [WAL-5] [WAL-10]", () => {
  const plans: ReadonlyArray<Omit<FaultPlan, "nth">> = [
    { kind: "EIO", isSticky: false, on: writing },
    { kind: "EIO", isSticky: true, on: writing },
    { kind: "ENOSPC", isSticky: false, on: writing },
    { kind: "ENOSPC", isSticky: true, on: writing },
    { kind: "short", isSticky: false, on: ["write"] },
    { kind: "short", isSticky: true, on: ["write"] },
    { kind: "late", isSticky: false, on: ["write", "datasync"] }
  ]
  for (const plan of plans) {
    it.live(`${plan.kind}${plan.isSticky ? ", from then on" : ", once"}: what was kept is there, the store opens`, () =>
      Effect.gen(function* () {
        let nth = 1
        for (; yield* meetsFault({ ...plan, nth }); nth++) {}
        assert.isAbove(nth, 20, "points at which the disk failed")
      })
    )
  }

  it.live("after a failed sync nothing is kept, whatever succeeds later", () =>
    Effect.gen(function* () {
      const kept: Array<number> = []
      const faulty = new FaultyFs(new MemoryFs(), { kind: "EIO", nth: 12, isSticky: false, on: ["datasync"] })
      const handlers = { onKept: (lsn: number) => void kept.push(lsn) }
      const { log } = yield* openManually(faulty, optionsOf(immediate, new Random(1)), handlers)
      const failure = yield* Effect.forkChild(Effect.flip(log.failure))
      while (!faulty.hit) {
        appendMany(log, 1)
        yield* turns(10)
      }
      const before = kept.at(-1)
      const failed = yield* Fiber.join(failure)
      assert.strictEqual(failed._tag, "StoreFailed")
      assert.strictEqual(failed.durableLsn, before ?? 0)
      assert.strictEqual(appendMany(log, 1), -1)
      log.appender.sync()
      log.appender.retry()
      yield* turns(50)
      assert.strictEqual(kept.at(-1), before)
      assert.strictEqual((yield* Effect.flip(log.force))._tag, "StoreFailed")
    })
  )
})

describe("a full disk", () => {
  it.live("stalls, says so, keeps nothing meanwhile, and heals without a restart", () =>
    Effect.gen(function* () {
      const levels: Array<SpaceLevel> = []
      const faulty = new FaultyFs(new MemoryFs(), { kind: "ENOSPC", nth: 40, isSticky: true, on: ["write"] })
      const options = optionsOf(immediate, new Random(1), { pendingBytesMax: 65_536 })
      const { close, log } = yield* openManually(faulty, options, { onSpace: (level) => levels.push(level) })
      let refusals = 0
      while (refusals < 3) {
        if (appendMany(log, 5) < 0) refusals++
        yield* turn
      }
      const { durableLsn, nextLsn } = log.appender
      assert.strictEqual(log.space(), "full")
      assert.isAbove(nextLsn - 1, durableLsn)
      assert.isAbove(log.appender.pressure, 0.9)
      faulty.isHealed = true
      yield* until(() => log.appender.durableLsn === nextLsn - 1)
      yield* until(() => log.space() === "ok")
      assert.include(levels, "full")
      const last = appendMany(log, 5)
      yield* until(() => log.appender.durableLsn === last)
      yield* close
    })
  )

  it.live("goes on in a spare where the first file of a new store can grow no more [WAL-16]", () =>
    Effect.gen(function* () {
      const memory = new MemoryFs()
      const options = optionsOf(immediate, new Random(1))
      let isFull = false
      const disk = growingFullFs(memory, () => isFull)
      const levels: Array<SpaceLevel> = []
      const { close, log } = yield* openManually(disk, options, { onSpace: (level) => levels.push(level) })
      const spares = (): number => [...memory.files.keys()].filter((path) => /spare[^.]*\.wal$/.test(path)).length
      yield* until(() => spares() === 2)
      assert.isTrue(log.appender.segment.isGrowing)
      let last = appendMany(log, 3)
      yield* until(() => log.appender.durableLsn === last)
      const grown = log.appender.segment
      isFull = true
      last = appendMany(log, 3)
      yield* until(() => log.appender.durableLsn === last)
      assert.isAbove(log.appender.segment.id, grown.id)
      assert.isFalse(log.appender.segment.isGrowing)
      assert.notInclude(levels, "full", "nothing was stalled")
      yield* until(() => log.space() === "scarce")
      isFull = false
      yield* close
      const verdict = yield* verifyLog(memory, "log")
      assert.deepEqual(
        verdict.segments.map(({ damages }) => damages.length),
        verdict.segments.map(() => 0)
      )
      const { log: again } = yield* openManually(memory, optionsOf(immediate, new Random(2)))
      assert.strictEqual(again.appender.nextLsn, last + 1)
      assert.strictEqual(again.report.records, last)
    })
  )

  it.live("lets what acknowledges and deletes have the last spare", () =>
    Effect.gen(function* () {
      const memory = new MemoryFs()
      const spared = yield* openManually(memory, optionsOf(immediate, new Random(1)))
      const spares = (): number =>
        [...memory.files.keys()].filter((path) => path.includes("spare") && !path.endsWith(".tmp")).length
      yield* until(() => spares() === 2)
      yield* spared.close
      const { log } = yield* openManually(memory, optionsOf(immediate, new Random(2)))
      // Files that are there can be written; none can be made.
      const open = memory.open.bind(memory)
      const fault = new StoreFault({ operation: "open", path: "log", code: "ENOSPC", cause: "full" })
      memory.open = (path, mode) => (mode === "create" ? Effect.fail(fault) : open(path, mode))
      const body = Buffer.alloc(1000)
      const step = Object.assign(new RecordView(), { type: 13, buffer: body, start: 0, end: body.length })
      let last = 0
      while (spares() > 0) {
        last = log.appender.append(step, false)
        yield* until(() => log.appender.durableLsn === last)
      }
      assert.isAbove(last, 10)
    })
  )

  it.live("takes no new messages once the spares cannot be renewed, and leaves the last one for the shutdown", () =>
    Effect.gen(function* () {
      const memory = new MemoryFs()
      const spared = yield* openManually(memory, optionsOf(immediate, new Random(1)))
      yield* until(() => [...memory.files.keys()].filter((path) => path.includes("spare")).length === 2)
      yield* spared.close
      // Making a spare is the only thing that opens a file to create it once the log runs.
      const faulty = new FaultyFs(memory, { kind: "ENOSPC", nth: 1, isSticky: true, on: ["open"] })
      faulty.isHealed = true
      const { close, log } = yield* openManually(faulty, optionsOf(immediate, new Random(2)))
      faulty.isHealed = false
      yield* until(() => log.space() === "scarce" || log.space() === "ok")
      while (log.space() !== "full") {
        appendMany(log, 5)
        yield* turn
      }
      const spares = [...memory.files.keys()].filter((path) => path.includes("spare") && !path.endsWith(".tmp"))
      assert.isAtLeast(spares.length, 1)
      faulty.isHealed = true
      yield* close
      const verdict = yield* verifyLog(memory, "log")
      assert.isTrue(verdict.segments.at(-1)?.wasClosed)
    })
  )
})

describe("an idle log [WAL-9]", () => {
  it.effect("says so within 100 ms, once", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const { log } = yield* openManually(fs, optionsOf(immediate, new Random(1)))
      appendMany(log, 3)
      yield* until(() => log.appender.durableLsn === 3)
      const { position } = log.appender.segment
      yield* TestClock.adjust(100)
      yield* until(() => log.appender.segment.position === position + 56)
      yield* TestClock.adjust(1000)
      yield* turns(20)
      assert.strictEqual(log.appender.segment.position, position + 56)
    })
  )
})

describe("records that were announced together [WAL-15]", () => {
  it.live("share a frame, also where the one that fills has room for the first of them only", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const frames: Array<{ readonly first: number; readonly count: number }> = []
      const { close, log } = yield* openManually(fs, optionsOf(immediate, new Random(1)), {
        onPlaced: (first, count) => void frames.push({ first, count })
      })
      const body = Buffer.alloc(3000)
      const record = Object.assign(new RecordView(), { type: 1, buffer: body, start: 0, end: body.length })
      const pairs: Array<number> = []
      for (let round = 0; round < 40; round++) {
        // Whatever lies in the frame already: 0 to 3 records before the pair.
        for (let i = 0; i < round % 4; i++) log.appender.append(record, false)
        assert.isTrue(log.appender.together(2 * body.length))
        pairs.push(log.appender.append(record, false))
        log.appender.append(record, false)
        if (round % 5 === 0) yield* turn
      }
      yield* close
      assert.isAbove(frames.length, 20)
      for (const first of pairs) {
        const frame = frames.find((each) => first >= each.first && first < each.first + each.count)
        assert.isTrue(frame !== undefined && first + 1 < frame.first + frame.count, `${first} and ${first + 1}`)
      }
    })
  )

  it.live("also when they are more than a segment of ordinary size holds", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const counts: Array<number> = []
      const { close, log } = yield* openManually(fs, optionsOf(immediate, new Random(1)), {
        onPlaced: (_first, count) => void counts.push(count)
      })
      const body = Buffer.alloc(900_000, 5)
      const record = Object.assign(new RecordView(), { type: 1, buffer: body, start: 0, end: body.length })
      log.appender.append(Object.assign(new RecordView(), { type: 1 }), false)
      assert.isTrue(log.appender.together(3 * body.length))
      for (let i = 0; i < 3; i++) log.appender.append(record, false)
      log.appender.append(Object.assign(new RecordView(), { type: 1 }), false)
      yield* close
      assert.deepEqual(counts, [1, 4])
      const sizes: Array<number> = []
      const options = optionsOf(immediate, new Random(2))
      yield* Effect.scoped(openLog(fs, options, quiet, ({ end, start }) => void sizes.push(end - start)))
      assert.deepEqual(sizes, [0, 900_000, 900_000, 900_000, 0])
    })
  )

  it.live("are refused together", () =>
    Effect.gen(function* () {
      const options = optionsOf(immediate, new Random(1), { pendingBytesMax: 10_000 })
      const { close, log } = yield* openManually(new MemoryFs(), options)
      const body = Buffer.alloc(3000)
      const record = Object.assign(new RecordView(), { type: 1, buffer: body, start: 0, end: body.length })
      log.appender.append(record, false)
      log.appender.append(record, false)
      assert.isFalse(log.appender.together(2 * body.length))
      assert.isTrue(log.appender.together(3000))
      yield* close
      assert.isFalse(log.appender.together(10))
    })
  )
})

describe("positions", () => {
  it.live("are told once per batch, when all three say where they are", () =>
    Effect.gen(function* () {
      const seen: Array<readonly [number, number, number]> = []
      const policy: LogPolicy = { sync: { mode: "never" }, acknowledge: "written" }
      const { close, log } = yield* openManually(new MemoryFs(), optionsOf(policy, new Random(1)), {
        onMoved: () => void seen.push([log.appender.writtenLsn, log.appender.durableLsn, log.appender.keptLsn])
      })
      const last = appendMany(log, 5)
      yield* until(() => log.appender.writtenLsn === last)
      assert.deepEqual(seen, [[last, 0, last]])
      yield* log.force
      assert.deepEqual(seen.at(-1), [last, last, last])
      yield* close
    })
  )
})

describe("records", () => {
  it.live("that are no messages have room of their own when messages are refused", () =>
    Effect.gen(function* () {
      const options = optionsOf(immediate, new Random(1), { pendingBytesMax: 10_000 })
      const { close, log } = yield* openManually(new MemoryFs(), options)
      const body = Buffer.alloc(6000)
      const message = Object.assign(new RecordView(), { type: 1, buffer: body, start: 0, end: body.length })
      const step = Object.assign(new RecordView(), { type: 13, buffer: body, start: 0, end: body.length })
      assert.isAbove(log.appender.append(message, false), 0)
      assert.strictEqual(log.appender.append(message, false), -1)
      assert.strictEqual(log.appender.pressure <= 1, true)
      let taken = 0
      while (log.appender.append(step, false) > 0) taken++
      assert.isAtLeast(taken, Math.floor((CONTROL_RESERVE_BYTES - 10_000) / 6040))
      assert.isAtMost(taken, Math.ceil((CONTROL_RESERVE_BYTES + 10_000) / 6040))
      assert.strictEqual(log.appender.pressure, 1)
      yield* close
    })
  )

  it.live("larger than a segment get a segment of their own", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const options = optionsOf(immediate, new Random(1), { pendingBytesMax: 4096 })
      const { close, log } = yield* openManually(fs, options)
      const large = Buffer.alloc(3_000_000, 7)
      const record = Object.assign(new RecordView(), { type: 1, buffer: large, start: 0, end: large.length })
      assert.strictEqual(log.appender.append(record, false), 1)
      assert.strictEqual(log.appender.append(record, false), -1, "more than may be pending")
      yield* until(() => log.appender.durableLsn === 1)
      record.end = 10
      assert.strictEqual(log.appender.append(record, false), 2)
      yield* until(() => log.appender.durableLsn === 2)
      yield* close
      const sizes: Array<number> = []
      yield* Effect.scoped(openLog(fs, options, quiet, ({ end, start }) => void sizes.push(end - start)))
      assert.deepEqual(sizes, [3_000_000, 10])
    })
  )

  it.live("of an unknown kind: passed to the sink when optional, refused otherwise", () =>
    Effect.gen(function* () {
      for (const [flags, expected] of [
        [128, "opened"],
        [0, "unknown-record-type"]
      ] as const) {
        const fs = new MemoryFs()
        const { close, log } = yield* openManually(fs, optionsOf(immediate, new Random(1)))
        log.appender.append(Object.assign(new RecordView(), { type: 200, flags }), false)
        yield* close
        const outcome = yield* recollect(fs, optionsOf(immediate, new Random(2))).pipe(
          Effect.as("opened"),
          Effect.catchTag("StoreRefused", ({ reason }) => Effect.succeed(reason as string))
        )
        assert.strictEqual(outcome, expected)
      }
    })
  )
})

/** Writes through a disk that fails at one point; false when that point was never reached. */
const meetsFault = (plan: FaultPlan) =>
  Effect.gen(function* () {
    const memory = new MemoryFs()
    memory.isTracing = false
    const random = new Random(plan.nth)
    const faulty = new FaultyFs(memory, plan)
    const where = `${plan.kind} at operation ${plan.nth}`
    let kept = 0
    let keptAtFailure = -1
    const opened = yield* openManually(faulty, optionsOf(immediate, random), {
      onKept: (lsn) => {
        kept = lsn
      }
    }).pipe(Effect.option)
    if (opened._tag === "Some") {
      const { close, log } = opened.value
      const failure = yield* Effect.forkChild(
        Effect.catch(log.failure, () => Effect.sync(() => (keptAtFailure = kept)))
      )
      for (let frame = 0; frame < 12; frame++) {
        appendMany(log, 8)
        yield* turns(6)
      }
      // A full disk is given room again before the end, so that what stalled must come through.
      if (plan.kind === "ENOSPC" && plan.nth % 2 === 0) faulty.isHealed = true
      yield* close
      yield* turns(2)
      yield* Fiber.interrupt(failure)
      if (keptAtFailure >= 0) assert.strictEqual(kept, keptAtFailure, `kept after a failure, ${where}`)
      if (plan.kind === "short" || plan.kind === "late") assert.strictEqual(kept, log.appender.nextLsn - 1, where)
    }
    if (!faulty.hit) return false
    const after = new MemoryFs(memory.content())
    const { lsns, report, wrong } = yield* recollect(after, optionsOf(immediate, random))
    assert.deepEqual(wrong, [], where)
    assert.deepEqual(report.damages, [], `a false alarm, ${where}`)
    assert.isAtLeast(lsns.length, kept, `kept and lost, ${where}`)
    for (const [index, lsn] of lsns.entries()) if (lsn !== index + 1) assert.fail(`a gap before ${lsn}, ${where}`)
    return true
  })

const turns = (count: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* turn
  })

/** A device that is full: a file keeps the bytes it has, and gets no more. */
function growingFullFs(inner: MemoryFs, isFull: () => boolean): StoreFs {
  const wrapped = (file: StoreFile): StoreFile => {
    const writeSome = file.writeSome.bind(file)
    file.writeSome = (buffer, start, end, position, done) => {
      const sizeBytes = inner.files.get(file.path)?.sizeBytes ?? 0
      if (!isFull() || position + end - start <= sizeBytes) return writeSome(buffer, start, end, position, done)
      done(new StoreFault({ operation: "write", path: file.path, code: "ENOSPC", cause: "full" }), 0)
    }
    return file
  }
  const open = inner.open.bind(inner)
  inner.open = (path, mode) => Effect.map(open(path, mode), wrapped)
  return inner
}
