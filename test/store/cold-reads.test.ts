/**
 * Reading back what is in files only: within a budget, few reads at a time, each block once, lowest position first; and a
 * disk that refuses or lies costs the records it hit and no other.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { DurableLog, LostMessage } from "../../src/store/durable-log.ts"
import { LogRecord } from "../../src/store/ports.ts"
import { StoreFault, type StoreFile, type StoreFs } from "../../src/wal/store-fs.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { FaultyFs } from "../fault/faulty-fs.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { turn, until } from "../wal/workload.ts"
import { durableOptions, openManually } from "./durable-world.ts"

const settled = (log: DurableLog) => until(() => log.kept === log.ticket)

const quietFs = (): MemoryFs => {
  const fs = new MemoryFs()
  fs.isTracing = false
  return fs
}

/** Nothing stays in memory but what fills. */
const cold = { cacheBytes: 0, indexSegmentBytes: 4096, segmentBytes: 1_048_576 }

const load = (log: DurableLog, sequence: number) =>
  Effect.callback<void>((resume) => log.load(sequence, () => resume(Effect.void)))

const read = (both: LogWithModel, log: DurableLog, sequence: number) =>
  Effect.gen(function* () {
    while (!log.isReady(sequence)) yield* load(log, sequence)
    both.checkPosition(sequence)
  })

/** Fills a log so that all but the end is cold. */
const fill = (log: DurableLog, both: LogWithModel, count: number, sizeBytes = 100) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) {
      both.append(`t/${i % 5}`, sizeBytes)
      if (i % 100 === 0) yield* settled(log)
    }
    for (let i = 0; i < 60; i++) both.append("end", 100)
    yield* settled(log)
    both.append("end", 4000)
    yield* settled(log)
  })

interface Reading {
  readonly position: number
  readonly answer: () => void
}

/** Reads wait in `readings` until the test answers them; what lies on a bad byte cannot be read. */
class HeldFs implements StoreFs {
  readonly readings: Array<Reading> = []
  readonly badBytes = new Set<number>()
  /** So many times there is no descriptor left. */
  refusals = 0
  isHolding = true
  closed = 0
  readonly #inner: StoreFs

  constructor(inner: StoreFs) {
    this.#inner = inner
  }

  open(path: string, mode: "read" | "update" | "create") {
    if (mode === "read" && this.refusals-- > 0) {
      return Effect.fail(new StoreFault({ operation: "open", path, code: "EMFILE", cause: "none left" }))
    }
    return Effect.map(this.#inner.open(path, mode), (file) => (mode === "read" ? this.#file(file) : file))
  }
  list(directory: string) {
    return this.#inner.list(directory)
  }
  rename(from: string, to: string) {
    return this.#inner.rename(from, to)
  }
  unlink(path: string) {
    return this.#inner.unlink(path)
  }
  makeDirectory(path: string) {
    return this.#inner.makeDirectory(path)
  }
  syncDirectory(path: string) {
    return this.#inner.syncDirectory(path)
  }
  volume(path: string) {
    return this.#inner.volume(path)
  }
  lock(path: string) {
    return this.#inner.lock(path)
  }
  unlock(path: string) {
    return this.#inner.unlock(path)
  }

  #file(file: StoreFile): StoreFile {
    return {
      path: file.path,
      writeSome: (buffer, start, end, position, done) => file.writeSome(buffer, start, end, position, done),
      datasync: (done) => file.datasync(done),
      readSome: (buffer, start, end, position, done) => {
        const isBad = [...this.badBytes].some((at) => at >= position && at < position + end - start)
        const fault = new StoreFault({ operation: "read", path: file.path, code: "EIO", cause: "a bad sector" })
        const answer = () =>
          isBad ? void queueMicrotask(() => done(fault, 0)) : file.readSome(buffer, start, end, position, done)
        if (this.isHolding) this.readings.push({ position, answer })
        else answer()
      },
      size: file.size,
      read: (buffer, start, end, position) => file.read(buffer, start, end, position),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      close: Effect.sync(() => {
        this.closed += 1
      })
    }
  }
}

describe("records that are in files only", () => {
  it.live("are read back, and memory stays within cache and budget", () =>
    Effect.gen(function* () {
      const budgetBytes = 4 * 65_536
      const { close, log } = yield* openManually(durableOptions(quietFs(), { ...cold, coldBytes: budgetBytes }))
      const both = new LogWithModel(log)
      yield* fill(log, both, 8000)
      assert.isAtMost(log.hotBytes, 2 * 4096)
      for (let sequence = 0; sequence < log.next; sequence++) {
        yield* read(both, log, sequence)
        assert.isAtMost(log.cold.heldBytes, budgetBytes)
      }
      // In order, everything is read once, but for what was read while its block was still written to.
      assert.isAtMost(log.cold.bytesRead, log.totalBytes * 1.3 + 10 * 65_536)
      assert.deepEqual([log.cold.blockingReads, log.readFaults], [0, 0])
      yield* close
    })
  )

  it.live("are not cold before they are written", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(quietFs(), cold))
      const both = new LogWithModel(log)
      let isUnwritten = false
      log.onKept(() => {
        if (log.kept < log.ticket) isUnwritten = true
        for (let sequence = 0; sequence < log.next; sequence += 97) both.checkPosition(sequence)
      })
      for (let i = 0; i < 6000; i++) both.append("a", 500)
      assert.isAbove(log.hotBytes, 2_000_000)
      yield* settled(log)
      assert.isTrue(isUnwritten)
      assert.isAtMost(log.hotBytes, 2 * 4096)
      assert.strictEqual(log.readFaults, 0)
      yield* close
    })
  )

  it.live("are true though their block was read when only its beginning was written", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(quietFs(), cold))
      const both = new LogWithModel(log)
      for (let round = 0; round < 40; round++) {
        for (let i = 0; i < 50; i++) both.append("a", 60)
        yield* settled(log)
        for (let sequence = Math.max(0, log.next - 120); sequence < log.next; sequence++) {
          yield* read(both, log, sequence)
        }
      }
      assert.deepEqual([log.cold.blockingReads, log.readFaults], [0, 0])
      yield* close
    })
  )

  it.live("stay what they are until the caller's turn ends, however many are read", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(quietFs(), { ...cold, coldBytes: 65_536 }))
      const both = new LogWithModel(log)
      yield* fill(log, both, 4000)
      yield* load(log, 0)
      const first = new LogRecord()
      assert.isTrue(log.read(0, first))
      const held = Array.from({ length: 40 }, (_, i) => {
        const record = new LogRecord()
        log.load(i * 100, () => undefined)
        assert.isTrue(log.read(i * 100, record))
        return record
      })
      for (const { buffer, end, sequence, start } of [first, ...held]) {
        assert.isTrue(both.model[sequence]?.frame.equals(buffer.subarray(start, end)), `record ${sequence}`)
      }
      yield* turn
      yield* close
    })
  )

  it.live("are read by themselves where they are longer than a block", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(quietFs(), { ...cold, coldBytes: 131_072 }))
      const both = new LogWithModel(log)
      for (let i = 0; i < 12; i++) both.append("large", i % 3 === 0 ? 200_000 : 70_000 + i * 1000)
      yield* fill(log, both, 100)
      for (let i = 0; i < 24; i++) yield* read(both, log, (i * 5) % 12)
      assert.deepEqual([log.cold.blockingReads, log.readFaults], [0, 0])
      yield* close
    })
  )

  it.live("and nobody asked whether they are ready are read all the same, and that is counted", () =>
    Effect.gen(function* () {
      const { close, log } = yield* openManually(durableOptions(quietFs(), cold))
      const both = new LogWithModel(log)
      yield* fill(log, both, 500)
      for (let sequence = 0; sequence < 100; sequence++) both.checkPosition(sequence)
      assert.strictEqual(log.cold.blockingReads, 100)
      yield* close
    })
  )
})

describe("reads under way", () => {
  it.live("are at most four, lowest position first, and shared by all that wait for the same block", () =>
    Effect.gen(function* () {
      const fs = new HeldFs(quietFs())
      const { close, log } = yield* openManually(durableOptions(fs, cold))
      const both = new LogWithModel(log)
      yield* fill(log, both, 6000)
      const called: Array<number> = []
      // From the highest to the lowest, each twice.
      for (let i = 0; i < 100; i++) {
        const sequence = 5000 - Math.floor(i / 2) * 100
        log.load(sequence, () => void called.push(sequence))
      }
      assert.strictEqual(fs.readings.length, 4)
      const positions: Array<number> = []
      while (fs.readings.length > 0) {
        assert.isAtMost(fs.readings.length, 4)
        const reading = fs.readings.shift()
        positions.push(reading?.position ?? -1)
        reading?.answer()
        yield* turn
      }
      assert.strictEqual(called.length, 100)
      assert.strictEqual(new Set(positions).size, positions.length, "each block once")
      const rest = positions.slice(4)
      assert.deepEqual(
        rest,
        [...rest].sort((a, b) => a - b)
      )
      fs.isHolding = false
      for (let sequence = 0; sequence < 5000; sequence += 100) yield* read(both, log, sequence)
      yield* close
    })
  )

  it.live("keep their file open until they have answered", () =>
    Effect.gen(function* () {
      const fs = new HeldFs(quietFs())
      const { close, log } = yield* openManually(durableOptions(fs, cold))
      const both = new LogWithModel(log)
      yield* fill(log, both, 500)
      const before = fs.closed
      let isCalled = false
      log.load(0, () => {
        isCalled = true
      })
      yield* close
      assert.strictEqual(fs.closed, before)
      fs.readings.shift()?.answer()
      yield* turn
      assert.strictEqual(fs.closed, before + 1)
      assert.isTrue(isCalled)
      assert.isFalse(log.read(0, new LogRecord()))
    })
  )
})

describe("a record that cannot be read back", () => {
  it.live("is lost alone where its bytes are not what was written, and told once", () =>
    Effect.gen(function* () {
      const fs = quietFs()
      const lost: Array<LostMessage> = []
      const onLost = (message: LostMessage) => void lost.push(message)
      const { close, log } = yield* openManually(durableOptions(fs, { ...cold, onLost }))
      const both = new LogWithModel(log)
      for (let i = 0; i < 500; i++) both.append("some/topic", 100)
      both.append("needle", 100)
      yield* fill(log, both, 500)
      for (const inode of fs.files.values()) {
        const at = inode.content().indexOf("needle")
        if (at >= 0) inode.write(at, Buffer.from("noodle"))
      }
      const record = new LogRecord()
      for (let again = 0; again < 3; again++) {
        while (!log.isReady(500)) yield* load(log, 500)
        assert.isFalse(log.read(500, record))
      }
      assert.strictEqual(log.readFaults, 1)
      assert.deepEqual(
        lost.map(({ lsn, sequence, topic }) => ({ lsn, sequence, topic })),
        [{ lsn: 501, sequence: 500, topic: "needle" }]
      )
      for (let sequence = 0; sequence < log.next; sequence++) if (sequence !== 500) yield* read(both, log, sequence)
      assert.strictEqual(log.readFaults, 1)
      yield* close
    })
  )

  it.live("is lost alone where the disk refuses its sector", () =>
    Effect.gen(function* () {
      const inner = quietFs()
      const fs = new HeldFs(inner)
      fs.isHolding = false
      const lost: Array<LostMessage> = []
      const onLost = (message: LostMessage) => void lost.push(message)
      const { close, log } = yield* openManually(durableOptions(fs, { ...cold, onLost }))
      const both = new LogWithModel(log)
      for (let i = 0; i < 800; i++) both.append("some/topic", 100)
      both.append("needle", 100)
      yield* fill(log, both, 2000)
      for (const inode of inner.files.values()) {
        const at = inode.content().indexOf("needle")
        if (at >= 0) fs.badBytes.add(at)
      }
      for (let sequence = log.next - 1; sequence >= 0; sequence--) {
        if (sequence !== 800) yield* read(both, log, sequence)
      }
      while (!log.isReady(800)) yield* load(log, 800)
      assert.isFalse(log.read(800, new LogRecord()))
      assert.isTrue(log.isReady(800))
      assert.deepEqual(
        lost.map(({ sequence, topic }) => `${sequence} ${topic}`),
        ["800 needle"]
      )
      assert.deepEqual([log.cold.blockingReads, log.readFaults], [0, 1])
      yield* close
    })
  )

  it.live("is not lost because there is no descriptor for its file now", () =>
    Effect.gen(function* () {
      const fs = new HeldFs(quietFs())
      fs.isHolding = false
      const { close, log } = yield* openManually(durableOptions(fs, cold))
      const both = new LogWithModel(log)
      yield* fill(log, both, 500)
      fs.refusals = 2
      for (let sequence = 0; sequence < 500; sequence += 50) yield* read(both, log, sequence)
      assert.isBelow(fs.refusals, 0)
      assert.strictEqual(log.readFaults, 0)
      yield* close
    })
  )

  it.live("costs nothing where the disk refuses once", () =>
    Effect.gen(function* () {
      for (let nth = 1; ; nth++) {
        const fs = new FaultyFs(quietFs(), {
          kind: nth % 2 === 0 ? "EIO" : "short",
          nth,
          isSticky: false,
          on: ["read"]
        })
        fs.isHealed = true
        const { close, log } = yield* openManually(durableOptions(fs, cold))
        const both = new LogWithModel(log)
        yield* fill(log, both, 1500)
        fs.isHealed = false
        for (let sequence = 0; sequence < log.next; sequence++) yield* read(both, log, sequence)
        assert.deepEqual([log.cold.blockingReads, log.readFaults], [0, 0], `read ${nth}`)
        yield* close
        if (!fs.hit) break
        if (nth > 200) assert.fail("it reads for ever")
      }
    })
  )
})
