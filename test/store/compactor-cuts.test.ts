/**
 * The compactor and the power: a log that is written and compacted by its real reasons, cut at every step of a pass; and
 * the same with a disk that fails at every step, once.
 *
 * Demanded: what was durable and is still needed is there, as it was; nothing is taken for damage; nothing that was
 * dropped for good comes back.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { FaultyFs } from "../fault/faulty-fs.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun, sized } from "../fault/random.ts"
import { type CompactionLife, openLife } from "./compaction-life.ts"

const seed = seedOfRun("compactor cuts")
const CUTS = sized(60)
const ROUNDS = 5

describe("a power cut", () => {
  for (let draw = 1; draw <= 3; draw++) {
    it.effect(`at ${CUTS} points of ${ROUNDS} passes and what lies between, draw ${draw}`, () =>
      Effect.gen(function* () {
        const random = new Random(seed + draw)
        const fs = new MemoryFs()
        const life = yield* openLife(fs)
        life.settings = { ...life.settings, concurrentWorkers: 1 + (draw % 2) * 2 }
        const past = yield* live(life, fs, random)
        const points = Array.from({ length: CUTS }, () => random.below(fs.trace.length + 1)).sort((a, b) => a - b)
        const images = new CrashImages(fs.trace)
        for (const point of points) {
          const image = images.at(point).build(random)
          yield* judge(new MemoryFs(image), life, known(past, point, images.acknowledged), `cut after ${point}`)
        }
      })
    )
  }
})

describe("a disk that fails", () => {
  for (const kind of ["EIO", "ENOSPC"] as const) {
    it.effect(`${kind} at each step of a pass: what is needed is there at the next start`, () =>
      Effect.gen(function* () {
        const on = ["write", "datasync", "rename", "sync-directory", "open", "unlink", "truncate"] as const
        let nth = 1
        for (; ; nth++) {
          const memory = new MemoryFs()
          memory.isTracing = false
          const faulty = new FaultyFs(memory, { kind, nth, isSticky: false, on })
          const random = new Random(seed)
          let isFaulty = false
          const life = yield* openLife(switched(memory, faulty, () => isFaulty))
          yield* life.fill(150, ["front"])
          yield* life.fill(300, ["a", "b", "b", "b"])
          yield* life.fill(100, ["a"])
          life.neededFrom.set("front", 0).set("a", random.below(300))
          isFaulty = true
          yield* Effect.exit(life.pass)
          isFaulty = false
          const { durable } = life.log
          const last = { durable, neededFrom: new Map(life.neededFrom), gone: new Set<number>() }
          assert.isAtLeast(durable, life.lsns.at(-1) ?? 0)
          yield* judge(new MemoryFs(memory.content()), life, last, `${kind} at operation ${nth}`)
          if (!faulty.hit) break
        }
        assert.isAbove(nth, 12, "points at which the disk failed")
      }).pipe(Effect.provide(Logger.layer([])))
    )
  }
})

interface Known {
  /** LSN up to which everything was durable. */
  readonly durable: number
  readonly neededFrom: ReadonlyMap<string, number>
  readonly gone: ReadonlySet<number>
}
interface Past extends Known {
  readonly at: number
}

/** Writes and compacts, moves readers forward; what was true when. */
const live = (life: CompactionLife, fs: MemoryFs, random: Random) =>
  Effect.gen(function* () {
    const past: Array<Past> = []
    const note = (gone: ReadonlySet<number>): void => {
      past.push({ at: fs.trace.length, durable: 0, neededFrom: new Map(life.neededFrom), gone })
    }
    life.log.onKept(() => fs.mark(life.log.durable))
    life.neededFrom.set("a", 0).set("b", 0).set("c", 0)
    note(new Set())
    for (let round = 0; round < ROUNDS; round++) {
      yield* life.fill(80 + random.below(150), ["a", "b", "c", "once"].slice(random.below(3)))
      if (random.chance(0.5)) life.control()
      yield* life.fill(random.below(150), [random.pick(["a", "b", "c"])])
      for (const topic of ["a", "b", "c"]) {
        const from = life.neededFrom.get(topic) ?? 0
        if (random.chance(0.5)) life.neededFrom.set(topic, from + random.below(life.log.next - from))
      }
      note(past.at(-1)?.gone ?? new Set())
      yield* life.pass
      // What the index says is gone was gone on the disk before.
      note(new Set(life.messages.model.flatMap((_, sequence) => (life.holds(sequence) ? [] : [sequence]))))
    }
    return past
  })

function known(past: ReadonlyArray<Past>, point: number, durable: number): Known {
  const last = past.findLast(({ at }) => at <= point) ?? (past[0] as Past)
  return { ...last, durable }
}

const judge = (fs: MemoryFs, before: CompactionLife, { durable, gone, neededFrom }: Known, what: string) =>
  Effect.gen(function* () {
    fs.isTracing = false
    const where = `${what}, seed ${seed}`
    const life = yield* openLife(fs, before)
    assert.deepEqual(life.log.report.damages, [], `a false alarm, ${where}`)
    for (const [sequence, { topic }] of before.messages.model.entries()) {
      const isThere = sequence < life.log.next && life.holds(sequence)
      const isDurable = (before.lsns[sequence] ?? Number.POSITIVE_INFINITY) <= durable
      const isNeeded = isDurable && sequence >= (neededFrom.get(topic) ?? Number.POSITIVE_INFINITY)
      if (isNeeded) assert.isTrue(isThere, `${sequence} of ${topic} is lost, ${where}`)
      if (gone.has(sequence)) assert.isFalse(isThere, `${sequence} of ${topic} came back, ${where}`)
    }
    yield* life.close
  })

/** The healthy disk until the switch is thrown; files opened before stay on it. */
function switched(healthy: StoreFs, faulty: StoreFs, isFaulty: () => boolean): StoreFs {
  const pick = (): StoreFs => (isFaulty() ? faulty : healthy)
  return {
    open: (path, mode) => Effect.suspend(() => pick().open(path, mode)),
    list: (directory) => healthy.list(directory),
    rename: (from, to) => Effect.suspend(() => pick().rename(from, to)),
    unlink: (path) => Effect.suspend(() => pick().unlink(path)),
    makeDirectory: (path) => healthy.makeDirectory(path),
    syncDirectory: (path) => Effect.suspend(() => pick().syncDirectory(path)),
    volume: (path) => healthy.volume(path),
    lock: (path) => healthy.lock(path),
    unlock: (path) => healthy.unlock(path)
  }
}
