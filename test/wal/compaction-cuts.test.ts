/**
 * T2 for a log that is compacted while it is written: power cuts at any point of a copy, a drop, a start, and again
 * during the recovery from one.
 *
 * Demanded of every cut: nothing acknowledged that is still needed is lost, nothing that went for good comes back, what
 * comes back is as written and in order, nothing is taken for damage, and a second recovery finds the same.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { verifyLog } from "../../src/wal/verify.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun, sized } from "../fault/random.ts"
import { type CompactedLog, livesForEver, lsnsOf, openCompacted, type WorldFile } from "./compaction-world.ts"
import { appendMany, immediate, optionsOf, recollect, turn } from "./workload.ts"

const seed = seedOfRun("compaction cuts")
const DRAWS = 6
const CUTS = sized(240)
const RUNS = 3
const FRAMES = 110

describe("power cuts of a log that is compacted", () => {
  for (let draw = 1; draw <= DRAWS; draw++) {
    it.effect(`${CUTS} of them, draw ${draw}`, () =>
      Effect.gen(function* () {
        const random = new Random(seed + draw)
        let life = nothing
        for (let index = 0; index < RUNS; index++) {
          const { fs, world } = yield* run(life, random)
          const points = Array.from({ length: CUTS / RUNS }, () => random.below(fs.trace.length + 1))
          const images = imagesOf(fs, life)
          for (const point of points.sort((a, b) => a - b)) {
            const known = knownAt(life, world, point)
            const image = images.at(point).build(random)
            yield* judgeCut(image, { ...known, acknowledged: images.acknowledged }, `cut after operation ${point}`)
          }
          const end = fs.trace.length - random.below(60)
          const last = imagesOf(fs, life).at(end)
          life = { ...knownAt(life, world, end), base: last.build(random), acknowledged: last.acknowledged }
        }
      })
    )
  }

  it.effect("200 of them during the recovery from one", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const life = nothing
      const { fs, world } = yield* run(life, random)
      for (let round = 0; round < 40; round++) {
        const point = random.below(fs.trace.length + 1)
        const first = imagesOf(fs, life).at(point)
        const known = { ...knownAt(life, world, point), acknowledged: first.acknowledged }
        const again = new MemoryFs(first.build(random))
        const base = again.content()
        yield* recollect(again, optionsOf(immediate, random))
        for (let cut = 0; cut < 5; cut++) {
          const images = new CrashImages(again.trace, base).at(random.below(again.trace.length + 1))
          yield* judgeCut(images.build(random), known, `cut during recovery from a cut after operation ${point}`)
        }
      }
    })
  )
})

describe("what went stays gone", () => {
  it.effect("when an output goes right after it was made", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const { fs, world } = yield* run(nothing, random, false)
      const [first] = world.sealed
      if (first === undefined) return assert.fail("there is a sealed file")
      world.setDeadBelow(world.log.appender.nextLsn)
      yield* world.copy([first])
      yield* dropAndCut(fs, world, first, new Map(), random)
    })
  )

  it.effect("when an output goes right after a start that removed what it had replaced", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const { fs, world } = yield* run(nothing, random, false)
      const [first] = world.sealed
      if (first === undefined) return assert.fail("there is a sealed file")
      const input = fs.content().get(first.path) as Buffer
      world.setDeadBelow(world.log.appender.nextLsn)
      yield* world.copy([first])
      yield* world.close
      // The power went when the output was named: its input is there still.
      const base = fs.content().set(first.path, input)
      const again = new MemoryFs(base)
      const next = yield* open(again, random)
      next.removals.push(...world.removals)
      yield* dropAndCut(again, next, first, base, random)
    })
  )

  it.effect("when the segment goes into which a start wrote the end of another one again", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const first = new MemoryFs()
      const world = yield* open(first, random)
      for (let frame = 0; frame < 2; frame++) {
        appendMany(world.log, 5)
        yield* settled(world)
      }
      // No frame says that the second one was durable.
      const base = first.content()
      const again = new MemoryFs(base)
      const next = yield* open(again, random)
      assert.strictEqual(next.sealed[0]?.lastLsn, 5)
      while (next.sealed.length < 2) {
        appendMany(next.log, 5)
        yield* settled(next)
      }
      const rewritten = next.sealed[1]
      if (rewritten === undefined) return assert.fail("there is a second file")
      assert.strictEqual(rewritten.firstLsn, 6)
      yield* next.drop(rewritten, settled(next))
      for (let cut = 0; cut < 20; cut++) {
        const image = new CrashImages(again.trace, base).at(again.trace.length).build(random)
        const { lsns, report } = yield* recollect(new MemoryFs(image), optionsOf(immediate, random))
        assert.deepEqual(report.damages, [])
        for (const lsn of lsnsOf(rewritten)) assert.isFalse(lsns.includes(lsn), `${lsn} has come back, seed ${seed}`)
      }
    })
  )
})

const nothing: Life = { base: new Map(), acknowledged: 0, deadBelow: 0, gone: new Set(), drops: new Set() }

const open = (fs: MemoryFs, random: Random) =>
  openCompacted(
    fs,
    immediate,
    random,
    () => fs.trace.length,
    () => undefined
  )

/** Drops the output of `input`; the power goes when its name is gone, and before that is certain. */
const dropAndCut = (
  fs: MemoryFs,
  world: CompactedLog,
  input: WorldFile,
  base: ReadonlyMap<string, Buffer>,
  random: Random
) =>
  Effect.gen(function* () {
    const output = world.sealed.find(({ gen, id }) => id === input.id && gen === input.gen + 1)
    if (output === undefined) return assert.fail("the output is there")
    const gone = new Set(world.removals.flatMap(({ lsns }) => [...lsns]))
    assert.isAbove(gone.size, 0)
    yield* world.drop(output, settled(world))
    const at = fs.trace.findLastIndex((entry) => entry.kind === "unlink" && entry.path === output.path) + 1
    for (let cut = 0; cut < 80; cut++) {
      const image = new CrashImages(fs.trace, base).at(at).build(random)
      const { lsns } = yield* recollect(new MemoryFs(image), optionsOf(immediate, random))
      for (const lsn of lsns) assert.isFalse(gone.has(lsn), `${lsn} has come back, seed ${seed}`)
    }
  })

interface Known {
  readonly acknowledged: number
  readonly deadBelow: number
  readonly gone: ReadonlySet<number>
  readonly drops: ReadonlySet<number>
}
interface Life extends Known {
  readonly base: ReadonlyMap<string, Buffer>
}

function imagesOf(fs: MemoryFs, { acknowledged, base }: Life): CrashImages {
  const images = new CrashImages(fs.trace, base)
  images.acknowledged = acknowledged
  return images
}

/** What was true of the log when the trace was that long. */
function knownAt(life: Life, world: CompactedLog, at: number): Known {
  const gone = new Set(life.gone)
  for (const removal of world.removals) if (removal.at <= at) for (const lsn of removal.lsns) gone.add(lsn)
  const deadBelow = world.deaths.reduce((most, death) => (death.at <= at ? death.deadBelow : most), life.deadBelow)
  return { acknowledged: 0, deadBelow, gone, drops: new Set([...life.drops, ...world.drops]) }
}

const run = (life: Life, random: Random, compacts = true) =>
  Effect.gen(function* () {
    const fs = new MemoryFs(life.base)
    const world = yield* openCompacted(
      fs,
      immediate,
      random,
      () => fs.trace.length,
      (lsn) => fs.mark(lsn)
    )
    const { appender } = world.log
    for (const lsn of life.drops) world.drops.add(lsn)
    world.setDeadBelow(life.deadBelow)
    fs.mark(appender.nextLsn - 1)
    const settle = settled(world)
    for (let frame = 0; frame < FRAMES; frame++) {
      appendMany(world.log, 1 + random.below(12))
      if (random.chance(0.5)) yield* settle
      else yield* turn
      if (random.chance(0.1)) world.setDeadBelow(appender.nextLsn - random.below(200))
      if (compacts && random.chance(0.3)) yield* world.compactOnce(settle)
    }
    yield* settle
    if (compacts && random.chance(0.7)) yield* world.close
    return { fs, world }
  })

const judgeCut = (image: ReadonlyMap<string, Buffer>, known: Known, what: string) =>
  Effect.gen(function* () {
    const random = new Random(seed)
    const fs = new MemoryFs(image)
    fs.isTracing = false
    const where = `${what}, seed ${seed}`
    assert.isFalse((yield* verifyLog(fs, "log")).isDamaged, `a false alarm of verify, ${where}`)
    const { lsns, report, wrong } = yield* recollect(fs, optionsOf(immediate, random))
    assert.deepEqual(report.damages, [], `a false alarm, ${where}`)
    assert.deepEqual(wrong, [], `records that come back other than written, ${where}`)
    for (const [index, lsn] of lsns.entries()) {
      if (index > 0 && lsn <= (lsns[index - 1] ?? 0)) assert.fail(`${lsn} out of order, ${where}`)
      if (known.gone.has(lsn)) assert.fail(`${lsn} has come back, ${where}`)
    }
    const found = new Set(lsns)
    for (let lsn = 1; lsn <= known.acknowledged; lsn++) {
      const isNeeded = (livesForEver(lsn) || lsn >= known.deadBelow) && !known.drops.has(lsn)
      if (isNeeded && !found.has(lsn)) assert.fail(`${lsn} was acknowledged and is lost, ${where}`)
    }
    if (lsns.length % 4 > 0) return
    const second = yield* recollect(fs, optionsOf(immediate, random))
    assert.deepEqual(second.lsns, lsns, `another recovery finds something else, ${where}`)
  })

const settled = ({ log: { appender } }: CompactedLog) => passUntil(() => appender.durableLsn === appender.nextLsn - 1)

/** Turns of the event loop, a virtual millisecond each. */
const passUntil = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) {
      yield* turn
      yield* TestClock.adjust(1)
    }
  })
