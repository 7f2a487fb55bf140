/**
 * The compactor over a real durable log in memory: what goes and what stays, when it looks, how fast it copies, what it
 * says, and that it is never in an append's way.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { verifyLog } from "../../src/wal/verify.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { openLife, passUntil } from "./compaction-life.ts"

describe("what nobody needs", () => {
  it.effect("goes by whole files, from the front, without a copy", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const life = yield* openLife(fs)
      yield* life.fill(400, ["a", "b"])
      const before = life.log.files().length
      assert.isAbove(before, 3)
      yield* life.pass
      const { bytesCopied, bytesFreed, filesDropped } = life.compactor.statistics
      assert.deepEqual([bytesCopied, filesDropped], [0, before])
      assert.isAbove(bytesFreed, 3 * 16_000)
      assert.strictEqual(life.log.files().length, 0)
      assert.isBelow(life.log.totalBytes, 2 * 16_384)
      assert.isFalse(life.holds(0))
      yield* life.close
      const again = yield* openLife(fs, life)
      assert.deepEqual(again.log.report.damages, [])
    })
  )

  it.effect("goes from the middle too, and the gap is no damage, also after the record that told of it has gone", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      let life = yield* openLife(fs)
      yield* life.fill(120, ["front"])
      yield* life.fill(200, ["middle"])
      yield* life.fill(120, ["back"])
      for (let round = 0; round < 5; round++) {
        life.neededFrom.set("front", 0).set("back", 0)
        yield* life.pass
        // The file with the SEG-DROP is sealed, and goes itself.
        yield* life.fill(150, [`later/${round}`])
        yield* life.pass
        const verdict = yield* verifyLog(new MemoryFs(fs.content()), "log")
        assert.isFalse(verdict.isDamaged)
        assert.deepEqual(life.present("front"), life.all("front"))
        assert.deepEqual(life.present("back"), life.all("back"))
        yield* life.close
        life = yield* openLife(fs, life)
        assert.deepEqual(life.log.report.damages, [])
      }
      assert.isAbove(life.all("middle").length - life.present("middle").length, 100)
    })
  )

  it.effect("leaves what is needed behind, copied, in order, readable then and after the next start", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const life = yield* openLife(fs)
      yield* life.fill(600, ["dead", "dead", "live", "dead"])
      const before = life.log.totalBytes
      life.neededFrom.set("live", 0)
      yield* life.pass
      assert.isAbove(life.compactor.statistics.filesCopied, 3)
      assert.deepEqual(life.present("live"), life.all("live"))
      assert.isBelow(life.log.totalBytes, before * 0.45)
      const gone = life.all("dead").length - life.present("dead").length
      assert.isAbove(gone, 300)
      yield* life.close
      const again = yield* openLife(fs, life)
      assert.deepEqual(again.log.report.damages, [])
      assert.deepEqual(again.present("live"), life.all("live"))
      assert.strictEqual(again.present("dead").length, life.present("dead").length)
      assert.strictEqual(again.log.readFaults, 0)
    })
  )

  it.effect("small files do not pile up", () =>
    Effect.gen(function* () {
      const life = yield* openLife()
      life.neededFrom.set("live", 0)
      for (let round = 0; round < 12; round++) {
        yield* life.fill(150, ["dead", "dead", "dead", "dead", "dead", "dead", "live"])
        yield* life.pass
      }
      assert.deepEqual(life.present("live"), life.all("live"))
      const perFile = life.log.totalBytes / (life.log.files().length + 1)
      assert.isAbove(perFile, 16_384 / 4)
    })
  )

  it.effect("is decided per record: held singly, needed from a position", () =>
    Effect.gen(function* () {
      const life = yield* openLife()
      yield* life.fill(400, ["a"])
      life.neededFrom.set("a", 250)
      life.held = [3, 77, 78]
      life.settings = { ...life.settings, maxWalSizeBytes: 1 }
      yield* life.pass
      for (const sequence of [3, 77, 78, 250, 399]) assert.isTrue(life.holds(sequence), `${sequence}`)
      assert.isAbove(life.all("a").filter((sequence) => sequence < 250).length - 3, 200)
      const { sealed } = { sealed: life.log.files() }
      assert.isFalse(sealed.some(({ endSequence }) => endSequence <= 3))
      for (const sequence of [0, 4, 76, 79]) assert.isFalse(life.holds(sequence), `${sequence}`)
    })
  )
})

describe("what stays", () => {
  it.effect("control records, until two snapshots have them", () =>
    Effect.gen(function* () {
      const life = yield* openLife()
      yield* life.fill(100, ["a"])
      const lsn = life.control()
      yield* life.fill(300, ["a"])
      life.coveredLsn = 0
      assert.isTrue((yield* life.pass).isBlocked)
      assert.deepEqual(life.snapshotsWanted, [lsn])
      const left = life.log.files()
      assert.isTrue(left.some((file) => file.lastControlLsn === lsn))
      assert.isFalse(life.holds(0))
      life.coveredLsn = lsn
      assert.isFalse((yield* life.pass).isBlocked)
      assert.strictEqual(life.log.files().length, 0)
    })
  )

  it.effect("a retained value, and what supersedes one as long as that one is there", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const life = yield* openLife(fs)
      // Odd sizes are retained (contract/message-log.ts).
      life.messages.append("r", 131)
      yield* life.fill(150, ["a"])
      const second = life.messages.append("r", 131)
      yield* life.fill(150, ["a"])
      // The older value's file cannot go yet: the newer one is what supersedes it.
      life.held = [1]
      yield* life.pass
      assert.isTrue(life.holds(second))
      assert.isTrue(life.holds(1))
      life.held = []
      yield* life.pass
      assert.isFalse(life.holds(0))
      assert.isTrue(life.holds(second))
    })
  )

  it.effect("a retained message that was sent and superseded while its file was looked at", () =>
    Effect.gen(function* () {
      const life = yield* openLife()
      const first = life.messages.append("r", 131)
      yield* life.fill(150, ["a", "a", "a", "b"])
      life.neededFrom.set("b", 0)
      let asked = 0
      life.log.isPinned = (sequence) => {
        // Retained when it was measured; superseded, and on its way to somebody, when it is copied.
        if (sequence !== first) return false
        asked++
        if (asked > 1) life.held = [first]
        return asked === 1
      }
      yield* life.pass
      assert.isAbove(asked, 1)
      assert.isTrue(life.holds(first))
    })
  )
})

describe("when it looks", () => {
  it.effect("at every check interval, and at once when the log is too large", () =>
    Effect.gen(function* () {
      const life = yield* openLife()
      yield* life.fill(400, ["a"])
      const fiber = yield* Effect.forkChild(life.compactor.run)
      yield* adjust(290_000)
      assert.strictEqual(life.prepares, 0)
      yield* adjust(11_000)
      yield* passUntil(() => life.compactor.statistics.passes === 1)
      assert.strictEqual(life.log.files().length, 0)
      life.settings = { ...life.settings, maxWalSizeBytes: 3 * 16_384 }
      yield* life.fill(60, ["a"])
      yield* adjust(1500)
      assert.strictEqual(life.prepares, 1)
      yield* life.fill(300, ["a"])
      yield* adjust(1500)
      yield* passUntil(() => life.compactor.statistics.passes === 2)
      assert.isBelow(life.log.totalBytes, 3 * 16_384)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("when what lives is more than it may be: said once, and looked at ever more rarely", () => {
    const told: Array<unknown> = []
    const logger = Logger.make(({ message }) => void told.push(message))
    return Effect.gen(function* () {
      const life = yield* openLife()
      yield* life.fill(600, ["a"])
      life.neededFrom.set("a", 0)
      life.settings = { ...life.settings, maxWalSizeBytes: 32_768 }
      const fiber = yield* Effect.forkChild(life.compactor.run)
      for (let i = 0; i < 30; i++) yield* adjust(1000)
      assert.isTrue(life.compactor.statistics.isOverLimit)
      assert.isBelow(life.prepares, 7)
      assert.strictEqual(told.filter((each) => String(each).includes("still needed")).length, 1)
      // Nobody needs it any more: it is found out, and what comes later is said again.
      life.neededFrom.clear()
      for (let i = 0; i < 40; i++) yield* adjust(1000)
      assert.isFalse(life.compactor.statistics.isOverLimit)
      assert.isBelow(life.log.totalBytes, 32_768)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})

describe("how it works", () => {
  it.effect("copies 8 MiB a second, twice that when the log is too large, and unlinks at once", () =>
    Effect.gen(function* () {
      for (const [maxWalSizeBytes, rate] of [
        [1e9, 8],
        [1, 16]
      ] as const) {
        const life = yield* openLife(new MemoryFs(), undefined, 262_144)
        yield* life.fill(4000, ["live", "dead", "dead", "dead"], 3000)
        life.neededFrom.set("live", 0)
        life.settings = { ...life.settings, maxWalSizeBytes }
        let isDone = false
        let elapsedMs = 0
        yield* Effect.forkChild(
          Effect.andThen(
            life.compactor.pass,
            Effect.sync(() => (isDone = true))
          )
        )
        while (!isDone) {
          for (let i = 0; i < 50; i++)
            yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
          yield* TestClock.adjust(1)
          elapsedMs++
        }
        const { bytesCopied } = life.compactor.statistics
        assert.isAbove(bytesCopied, 2_500_000)
        const expectedMs = ((bytesCopied - 1_048_576) / (rate * 1_048_576)) * 1000
        assert.isAtLeast(elapsedMs, Math.floor(expectedMs) - 20)
        assert.isAtMost(elapsedMs, Math.ceil(expectedMs) * 1.5 + 100)
        yield* life.close
      }
    })
  )

  it.effect("copies slower while commits take more than twice as long as otherwise [CMP-1]", () =>
    Effect.gen(function* () {
      const took: Array<number> = []
      for (const tookMs of [8, 40]) {
        const life = yield* openLife(new MemoryFs(), undefined, 262_144)
        yield* life.fill(4000, ["live", "dead", "dead", "dead"], 3000)
        life.neededFrom.set("live", 0)
        life.settings = { ...life.settings, maxCopyRateBytes: 1_048_576 }
        for (let i = 0; i < 100; i++) life.compactor.committed(6)
        const fiber = yield* Effect.forkChild(life.compactor.pass)
        let elapsedMs = 0
        for (; fiber.pollUnsafe() === undefined; elapsedMs++) {
          yield* turns(20)
          const isCopying = life.compactor.statistics.bytesCopied > 0
          for (let i = 0; i < 4 && isCopying; i++) life.compactor.committed(tookMs)
          yield* TestClock.adjust(4)
        }
        const { bytesCopied, commitCopyingMs } = life.compactor.statistics
        assert.isAbove(bytesCopied, 2_500_000)
        assert.strictEqual(commitCopyingMs, tookMs)
        took.push(elapsedMs)
        yield* life.close
      }
      assert.isAbove(took[1] as number, (took[0] as number) * 2)
    })
  )

  it.effect("an append between two steps is written and kept", () =>
    Effect.gen(function* () {
      const life = yield* openLife(new MemoryFs(), undefined, 262_144)
      yield* life.fill(4000, ["live", "dead", "dead", "dead"], 3000)
      life.neededFrom.set("live", 0)
      const fiber = yield* Effect.forkChild(life.compactor.pass)
      // The bucket is empty and the clock stands: the compactor waits in the middle of its work.
      yield* turns(500)
      assert.isAbove(life.compactor.statistics.bytesCopied, 100_000)
      assert.isUndefined(fiber.pollUnsafe())
      const sequence = life.messages.append("live", 100)
      yield* turns(20)
      assert.strictEqual(life.log.kept, life.log.ticket)
      assert.isTrue(life.holds(sequence))
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
      assert.deepEqual(life.present("live"), life.all("live"))
    })
  )

  it.effect("with three workers as with one", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const life = yield* openLife(fs)
      life.settings = { ...life.settings, concurrentWorkers: 3, maxWalSizeBytes: 1 }
      for (let round = 0; round < 6; round++) {
        yield* life.fill(500, ["live", "dead", "dead", round % 2 === 0 ? "dead" : "live"])
        yield* life.fill(200, ["dead"])
        life.neededFrom.set("live", round * 300)
        yield* life.pass
        assert.isFalse((yield* verifyLog(new MemoryFs(fs.content()), "log")).isDamaged)
        const wanted = life.all("live").filter((sequence) => sequence >= round * 300)
        for (const sequence of wanted) assert.isTrue(life.holds(sequence))
      }
      yield* life.close
      const again = yield* openLife(fs, life)
      assert.deepEqual(again.log.report.damages, [])
      assert.deepEqual(again.present("live"), life.present("live"))
    })
  )
})

const adjust = (ms: number) =>
  Effect.gen(function* () {
    for (let left = ms; left > 0; left -= 250) {
      yield* TestClock.adjust(Math.min(250, left))
      yield* turns(30)
    }
  })

const turns = (count: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) {
      yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
    }
  })
