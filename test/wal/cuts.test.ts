/**
 * T2, the power cut. A log runs over an in-memory disk that remembers every operation; then, thousands of times, a point
 * of that trace is drawn, a legal image of the disk at that point is built, and real recovery runs on it.
 *
 * Demanded of every cut: nothing acknowledged is lost, what comes back is exactly the records 1..n as written, nothing is
 * taken for damage. Workloads: each sync mode, rotation, recycled segments, restarts in between, cuts during recovery.
 * The clock is a virtual one, so a seed gives the same trace, the same cuts and the same verdict again.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { LogPolicy } from "../../src/wal/policy.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun, sized } from "../fault/random.ts"
import { appendMany, immediate, openManually, optionsOf, recollect, turn } from "./workload.ts"

const seed = seedOfRun("power cuts")

interface Workload {
  readonly name: string
  readonly policy: LogPolicy
  /** Tests of CUTS cuts each, every one with a draw of its own. */
  readonly tests: number
  readonly framesPerRun: number
}

const CUTS = sized(1000)
const RUNS = 2
const batch: Workload = {
  name: "batch, durable",
  policy: { sync: { mode: "batch", records: 9 }, acknowledge: "durable" },
  tests: 3,
  framesPerRun: 90
}
const workloads: ReadonlyArray<Workload> = [
  { name: "immediate", policy: immediate, tests: 5, framesPerRun: 110 },
  batch,
  {
    name: "periodic, written: a prefix, and nothing that was durable is missing",
    policy: { sync: { mode: "periodic", intervalMs: 2 }, acknowledge: "written" },
    tests: 2,
    framesPerRun: 150
  }
]

describe("power cuts", () => {
  const draws = workloads.flatMap((workload) =>
    Array.from({ length: workload.tests }, (_, draw) => ({ workload, draw: draw + 1 }))
  )
  for (const { draw, workload } of draws) {
    it.effect(`${CUTS} of them in ${workload.name}, draw ${draw}`, () =>
      Effect.gen(function* () {
        const random = new Random(seed + draw)
        let life: Life = { base: new Map([["log/spare-000001.used.wal", yield* usedBytes(random)]]), acknowledged: 0 }
        for (let index = 0; index < RUNS; index++) {
          const fs = yield* run(workload, life, random)
          const points = Array.from({ length: CUTS / RUNS }, () => random.below(fs.trace.length + 1))
          const images = imagesOf(fs, life)
          for (const point of points.sort((a, b) => a - b)) yield* judgeCut(images.at(point), point, random)
          // The next run begins on what this one left behind when the power went near its end.
          const end = imagesOf(fs, life).at(fs.trace.length - random.below(40))
          life = { base: end.build(random), acknowledged: end.acknowledged }
        }
      })
    )
  }

  it.effect("500 of them during recovery from a power cut", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const life: Life = { base: new Map(), acknowledged: 0 }
      const fs = yield* run({ ...batch, framesPerRun: 40 }, life, random)
      for (let round = 0; round < 50; round++) {
        const point = random.below(fs.trace.length + 1)
        const first = imagesOf(fs, life).at(point)
        const next: Life = { base: first.build(random), acknowledged: first.acknowledged }
        const again = new MemoryFs(next.base)
        yield* recollect(again, optionsOf(immediate, random))
        for (let cut = 0; cut < 10; cut++) {
          yield* judgeCut(imagesOf(again, next).at(random.below(again.trace.length + 1)), point, random)
        }
      }
    })
  )
})

interface Life {
  readonly base: ReadonlyMap<string, Buffer>
  readonly acknowledged: number
}

function imagesOf(fs: MemoryFs, { acknowledged, base }: Life): CrashImages {
  const images = new CrashImages(fs.trace, base)
  images.acknowledged = acknowledged
  return images
}

/** Opens the log, writes, and closes it more often than not. What recovery gave back is durable from then on. */
const run = ({ framesPerRun, policy }: Workload, { base }: Life, random: Random) =>
  Effect.gen(function* () {
    const fs = new MemoryFs(base)
    const onDurable = (lsn: number) => fs.mark(lsn)
    // What `written` acknowledges may be lost; what a sync covered may not, in any mode.
    const handlers = policy.acknowledge === "durable" ? { onKept: onDurable } : { onDurable }
    const { close, log } = yield* openManually(fs, optionsOf(policy, random), handlers)
    fs.mark(log.appender.nextLsn - 1)
    for (let frame = 0; frame < framesPerRun; frame++) {
      appendMany(log, 1 + random.below(6))
      const { nextLsn } = log.appender
      yield* passUntil(() => log.appender.writtenLsn === nextLsn - 1)
    }
    yield* passUntil(() => log.appender.durableLsn === log.appender.nextLsn - 1)
    if (random.chance(0.7)) yield* close
    return fs
  })

/** A segment of an earlier life of this disk: same format, same LSNs, and all that a recycled spare may hold. */
const usedBytes = (random: Random) =>
  Effect.gen(function* () {
    const fs = new MemoryFs()
    const { log } = yield* openManually(fs, optionsOf(immediate, random, { segmentBytes: 262_144 }))
    for (let frame = 0; frame < 60; frame++) {
      appendMany(log, 1 + random.below(6))
      yield* passUntil(() => log.appender.durableLsn === log.appender.nextLsn - 1)
    }
    const [bytes] = [...fs.files].filter(([path]) => path.endsWith(".0.wal")).map(([, inode]) => inode.content())
    return bytes as Buffer
  })

const judgeCut = (images: CrashImages, point: number, random: Random) =>
  Effect.gen(function* () {
    const fs = new MemoryFs(images.build(random))
    fs.isTracing = false
    const { lsns, report, wrong } = yield* recollect(fs, optionsOf(immediate, random))
    const where = `cut after operation ${point}, seed ${seed}`
    assert.deepEqual(report.damages, [], `a false alarm, ${where}`)
    assert.deepEqual(wrong, [], `records that come back other than written, ${where}`)
    assert.isAtLeast(lsns.length, images.acknowledged, `acknowledged and lost, ${where}`)
    for (const [index, lsn] of lsns.entries()) if (lsn !== index + 1) assert.fail(`a gap before ${lsn}, ${where}`)
  })

/** Turns of the event loop, a virtual millisecond each. */
const passUntil = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) {
      yield* turn
      yield* TestClock.adjust(1)
    }
  })
