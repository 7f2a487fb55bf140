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
import { type CompactedLog, livesForEver, openCompacted } from "./compaction-world.ts"
import { appendMany, immediate, optionsOf, recollect, turn } from "./workload.ts"

const seed = seedOfRun("compaction cuts")
const DRAWS = 4
const CUTS = sized(600)
const RUNS = 4
const FRAMES = 110

describe("power cuts of a log that is compacted", () => {
  for (let draw = 1; draw <= DRAWS; draw++) {
    it.effect(`${CUTS} of them, draw ${draw}`, () =>
      Effect.gen(function* () {
        const random = new Random(seed + draw)
        let life: Life = { base: new Map(), acknowledged: 0, deadBelow: 0, gone: new Set(), drops: new Set() }
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
      const life: Life = { base: new Map(), acknowledged: 0, deadBelow: 0, gone: new Set(), drops: new Set() }
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

const run = (life: Life, random: Random) =>
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
    const settle = passUntil(() => appender.durableLsn === appender.nextLsn - 1)
    for (let frame = 0; frame < FRAMES; frame++) {
      appendMany(world.log, 1 + random.below(12))
      if (random.chance(0.5)) yield* settle
      else yield* turn
      if (random.chance(0.1)) world.setDeadBelow(appender.nextLsn - random.below(200))
      if (random.chance(0.3)) yield* world.compactOnce(settle)
    }
    yield* settle
    if (random.chance(0.7)) yield* world.close
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
    const second = yield* recollect(fs, optionsOf(immediate, random))
    assert.deepEqual(second.lsns, lsns, `another recovery finds something else, ${where}`)
  })

/** Turns of the event loop, a virtual millisecond each. */
const passUntil = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) {
      yield* turn
      yield* TestClock.adjust(1)
    }
  })
