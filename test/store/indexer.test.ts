/**
 * The indexer by itself, over a log that is only numbers and an index that fails when told to: what is applied when, what a
 * failure ends and what it does not, when snapshots are made.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { DurableSessions } from "../../src/store/durable-sessions.ts"
import { Indexer } from "../../src/store/indexer.ts"
import { Snapshots } from "../../src/store/snapshot.ts"
import { IndexFailed, MemoryIndex, type StoreIndex } from "../../src/store/store-index.ts"
import { MemoryFs } from "../fault/memory-fs.ts"

const group = { bornAt: 0, cursor: 0, requeued: [] }
const storeUuid = "cd".repeat(16)

/** A log whose every record is durable at once, unless it is held. */
class NumberLog {
  ticket = 0
  heldAt = Number.POSITIVE_INFINITY
  next = 0
  get durable(): number {
    return Math.min(this.ticket, this.heldAt)
  }
  readonly force = Effect.void
}

/** What the next commits answer; the index itself is in memory. */
class FailingIndex extends MemoryIndex {
  readonly failures: Array<IndexFailed> = []
  commits = 0
  override commit(...words: Parameters<StoreIndex["commit"]>): Effect.Effect<void, never> {
    this.commits++
    const failure = this.failures.shift()
    return failure === undefined ? super.commit(...words) : (Effect.fail(failure) as Effect.Effect<never>)
  }
}

const world = (index: StoreIndex) =>
  Effect.gen(function* () {
    const log = new NumberLog()
    const fs = new MemoryFs()
    const snapshots = new Snapshots(fs, "data")
    yield* snapshots.find(storeUuid)
    const nothing = { sessions: [], groups: new Map(), nextSessionNumber: 1 }
    const sessions = new DurableSessions(() => ++log.ticket, nothing)
    const indexer = new Indexer({ storeUuid, log, sessions, index, snapshots })
    yield* Effect.forkScoped(indexer.run)
    const save = (count: number) => {
      for (let i = 0; i < count; i++) sessions.saveGroup(`$share/${i}/a`, group)
    }
    const files = () => [...fs.files.keys()].filter((path) => path.startsWith("data/snap/")).sort()
    return { log, sessions, indexer, snapshots, save, files }
  })

const failed = (isFull: boolean) => new IndexFailed({ isFull, cause: new Error("told to") })

describe("the indexer", () => {
  it.effect("applies after 50 ms, many savings of one key as one", () =>
    Effect.gen(function* () {
      const index = new FailingIndex()
      const { indexer, save, sessions } = yield* world(index)
      for (let times = 0; times < 100; times++) save(3)
      yield* TestClock.adjust(49)
      assert.strictEqual(index.commits, 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(index.commits, 1)
      assert.lengthOf([...index.entries()], 3)
      assert.strictEqual(indexer.appliedLsn, 300)
      assert.strictEqual(sessions.changes?.count, 0)
    })
  )

  it.effect("applies sooner when much came", () =>
    Effect.gen(function* () {
      const index = new FailingIndex()
      const { save } = yield* world(index)
      yield* TestClock.adjust(50)
      save(6000)
      yield* TestClock.adjust(1)
      assert.strictEqual(index.commits, 1)
    })
  )

  it.effect("never passes what is durable, and catches up when that rises [IDX-1]", () =>
    Effect.gen(function* () {
      const { indexer, log, save } = yield* world(new MemoryIndex())
      log.heldAt = 4
      save(10)
      yield* TestClock.adjust(1000)
      assert.strictEqual(indexer.appliedLsn, 0)
      save(5)
      log.heldAt = 12
      yield* TestClock.adjust(1000)
      assert.strictEqual(indexer.appliedLsn, 10)
      log.heldAt = Number.POSITIVE_INFINITY
      yield* TestClock.adjust(1000)
      assert.strictEqual(indexer.appliedLsn, 15)
    })
  )

  it.effect("given up: nothing waits for it, nothing piles up, snapshots stay as they are", () =>
    Effect.gen(function* () {
      const index = new FailingIndex()
      const { files, indexer, log, save, sessions } = yield* world(index)
      save(3)
      yield* TestClock.adjust(50)
      yield* indexer.ensureSnapshot(log.ticket)
      const before = files()
      index.failures.push(failed(false))
      save(4)
      yield* TestClock.adjust(2000)
      assert.isFalse(indexer.isIndexed)
      assert.isAbove(sessions.saveGroup("$share/g/a", group), 0)
      assert.isUndefined(sessions.changes)
      assert.strictEqual(yield* indexer.ensureSnapshot(log.ticket), 0)
      assert.isUndefined(yield* indexer.snapshotNow)
      assert.isFalse(yield* indexer.flush)
      assert.deepEqual(files(), before)
    })
  )

  it.effect("without room it goes on in memory, with everything, and snapshots go on", () =>
    Effect.gen(function* () {
      const index = new FailingIndex()
      const { files, indexer, log, save } = yield* world(index)
      save(3)
      yield* TestClock.adjust(50)
      index.failures.push(failed(true))
      save(5)
      yield* TestClock.adjust(50)
      assert.isTrue(indexer.isIndexed)
      assert.strictEqual(indexer.appliedLsn, log.ticket)
      assert.strictEqual(index.commits, 2)
      yield* indexer.ensureSnapshot(log.ticket)
      yield* TestClock.adjust(1000)
      assert.strictEqual(yield* indexer.ensureSnapshot(log.ticket), log.ticket)
      assert.lengthOf(files(), 2)
    })
  )
})

describe("snapshots", () => {
  it.effect("answer what the older of two covers, and come at most once a second [IDX-4]", () =>
    Effect.gen(function* () {
      const { files, indexer, log, save } = yield* world(new MemoryIndex())
      save(3)
      assert.strictEqual(yield* indexer.ensureSnapshot(3), 0)
      assert.lengthOf(files(), 1)
      save(3)
      assert.strictEqual(yield* indexer.ensureSnapshot(6), 0)
      assert.lengthOf(files(), 1)
      yield* TestClock.adjust(1000)
      assert.strictEqual(yield* indexer.ensureSnapshot(6), 3)
      yield* TestClock.adjust(1000)
      // Nothing came since: a second one of the same LSN makes the first the older.
      assert.strictEqual(yield* indexer.ensureSnapshot(6), 6)
      assert.deepEqual(files(), ["data/snap/00000000000000000006.1.snap", "data/snap/00000000000000000006.snap"])
      yield* TestClock.adjust(1000)
      assert.strictEqual(yield* indexer.ensureSnapshot(5), 6)
      assert.lengthOf(files(), 2)
      assert.strictEqual(log.ticket, 6)
    })
  )

  it.effect("do not cover a QoS 2 step before its cursor was saved, nor what comes behind it", () =>
    Effect.gen(function* () {
      const { indexer, log, save, sessions } = yield* world(new MemoryIndex())
      const both = Effect.gen(function* () {
        yield* TestClock.adjust(1000)
        yield* indexer.ensureSnapshot(log.ticket)
        yield* TestClock.adjust(1000)
        return yield* indexer.ensureSnapshot(log.ticket)
      })
      save(2)
      sessions.received(9, 1)
      save(2)
      assert.strictEqual(yield* both, 2)
      sessions.saveCursor(9, { cursor: 0, open: [], incoming: [1], retained: [] })
      assert.strictEqual(yield* both, log.ticket)
      sessions.sent(9, { packetIdentifier: 1, state: 2, sequence: 0, kind: "shared", filter: "$share/0/a" })
      sessions.endSession(9)
      const step = log.ticket - 1
      assert.strictEqual(yield* both, step - 1)
      sessions.saveGroup("$share/0/a", group)
      assert.strictEqual(yield* both, log.ticket)
    })
  )

  it.effect("are made by themselves when many control records came", () =>
    Effect.gen(function* () {
      const { files, save, sessions } = yield* world(new MemoryIndex())
      save(1)
      yield* TestClock.adjust(50)
      assert.lengthOf(files(), 0)
      sessions.controlBytes = 40 * 1_048_576
      save(1)
      yield* TestClock.adjust(50)
      assert.lengthOf(files(), 1)
      assert.isBelow(sessions.controlBytes, 1000)
    })
  )
})
