/**
 * T6 and T4 for compacted segments: bits that turn over in them, and disks that fail while they are made.
 *
 * Of bits: no record ever comes back other than it was written, a single bit costs at most the record it hit, what is
 * lost lies in the range that is told, and damage is always said, except behind a segment's last record. Of failing disks:
 * what was kept and is needed is there at the next start, and nothing is taken for damage.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { RecordType, type RecordView } from "../../src/wal/record.ts"
import { segmentName } from "../../src/wal/segment.ts"
import { verifyLog } from "../../src/wal/verify.ts"
import { type FaultPlan, FaultyFs } from "../fault/faulty-fs.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun, sized } from "../fault/random.ts"
import { livesForEver, lsnsOf, openCompacted } from "./compaction-world.ts"
import { appendMany, immediate, optionsOf, recollect, turn, until } from "./workload.ts"

const DRAWS = 4
const FLIPS = sized(350)
const seed = seedOfRun("compaction rot")

/** 25 frames of six records, all of them durable, in several files. */
const openFilled = (fs: MemoryFs, random: Random) =>
  Effect.gen(function* () {
    const world = yield* openCompacted(
      fs,
      immediate,
      random,
      () => 0,
      () => undefined
    )
    for (let i = 0; i < 25; i++) {
      appendMany(world.log, 6)
      yield* until(() => world.log.appender.durableLsn === world.log.appender.nextLsn - 1)
    }
    return world
  })

describe("bit rot in compacted segments", () => {
  for (let draw = 1; draw <= DRAWS; draw++) {
    it.live(`${FLIPS} single bits, draw ${draw}: no wrong payload, at most the record that was hit, always said`, () =>
      flipBits(new Random(seed + draw))
    )
  }

  const flipBits = (random: Random) =>
    Effect.gen(function* () {
      const { content, ends, lsns: all } = yield* compactedStore(random)
      const paths = [...content.keys()].filter((path) => /\.[1-9]\d*\.wal$/.test(path))
      assert.isAbove(paths.length, 1)
      let lostSum = 0
      for (let flip = 0; flip < FLIPS; flip++) {
        const path = random.pick(paths)
        const bytes = Buffer.from(content.get(path) as Buffer)
        const bit = random.below(bytes.length * 8)
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        const fs = new MemoryFs(new Map(content).set(path, bytes))
        fs.isTracing = false
        const verdict = flip % 3 === 0 ? yield* verifyLog(fs, "log") : undefined
        const { lsns, report, wrong } = yield* recollect(fs, optionsOf(immediate, random))
        const where = `bit ${bit} of ${path}, seed ${seed}`
        const lost = all.filter((lsn) => !lsns.includes(lsn))
        assert.deepEqual(wrong, [], `a wrong payload, ${where}`)
        assert.deepEqual(
          lsns.filter((lsn) => !all.includes(lsn)),
          [],
          `a forged record, ${where}`
        )
        assert.strictEqual(new Set(lsns).size, lsns.length, `a record twice, ${where}`)
        assert.isAtMost(lost.length, 1, `more lost than was hit, ${where}`)
        const isUnused = bit >> 3 >= (ends.get(path) ?? 0)
        assert.isTrue(report.damages.length > 0 || isUnused, `nothing said, ${where}`)
        if (verdict !== undefined) assert.strictEqual(verdict.isDamaged, report.damages.length > 0, where)
        const told = new Set(report.lost.flatMap(({ from, to }) => lsnsOf({ firstLsn: from, lastLsn: to })))
        for (const lsn of lost) assert.isTrue(told.has(lsn), `${lsn} is lost and not told, ${where}`)
        // What was hit is told closely: nothing that is there lies in the range.
        for (const lsn of lsns) assert.isFalse(told.has(lsn), `${lsn} is there and told lost, ${where}`)
        lostSum += lost.length
      }
      process.stdout.write(`compaction rot: ${lostSum} records lost in ${FLIPS} flips\n`)
    })

  it.live("an input that is damaged is salvaged, its damaged bytes lie in quarantine, and what was lost is told", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 60; round++) {
        const random = new Random(seed + round)
        const fs = new MemoryFs()
        fs.isTracing = false
        const world = yield* openFilled(fs, random)
        const first = world.sealed[0]
        assert.isDefined(first)
        if (first === undefined) return
        const inode = fs.files.get(first.path)
        assert.isDefined(inode)
        const bytes = Buffer.from(inode?.content() as Buffer)
        const at = 4096 + random.below(bytes.length - 4096 - 200)
        bytes.fill(0xee, at, at + 1 + random.below(150))
        inode?.write(0, bytes)
        // Copied alone, with everything alive.
        yield* world.copy([first])
        yield* world.close
        const { lsns, wrong } = yield* recollect(fs, optionsOf(immediate, random))
        assert.deepEqual(wrong, [])
        const lost = lsnsOf({ firstLsn: 1, lastLsn: world.log.appender.nextLsn - 1 }).filter(
          (lsn) => !lsns.includes(lsn)
        )
        const told = new Set(
          world.damages.flatMap((damage) =>
            damage.lost.flatMap(({ from, to }) => lsnsOf({ firstLsn: from, lastLsn: to }))
          )
        )
        for (const lsn of lost) assert.isTrue(told.has(lsn), `${lsn}, round ${round}, seed ${seed}`)
        assert.isAtMost(lost.length, 12)
        const kept = [...fs.files].filter(([name]) => name.startsWith("data/quarantine/"))
        assert.isTrue(kept.length > 0 || lost.length === 0)
      }
    })
  )

  it.live("an output that was never finished is void as long as its inputs are there, and all there is when not", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const fs = new MemoryFs()
      const world = yield* openFilled(fs, random)
      const before = fs.content()
      const first = world.sealed[0]
      if (first === undefined) return assert.fail("there is a sealed file")
      yield* world.copy([first])
      yield* world.close
      const path = `log/${segmentName(first.id, first.gen + 1)}`
      const whole = fs.content()
      const cut = (whole.get(path) as Buffer).subarray(0, -56)
      const last = world.log.appender.nextLsn - 1
      const withInput = new MemoryFs(new Map(whole).set(path, cut).set(first.path, before.get(first.path) as Buffer))
      const one = yield* recollect(withInput, optionsOf(immediate, random))
      assert.deepEqual(one.report.damages, [])
      assert.deepEqual(one.lsns, lsnsOf({ firstLsn: 1, lastLsn: last }))
      assert.isFalse(withInput.files.has(path))
      const without = new MemoryFs(new Map(whole).set(path, cut))
      const two = yield* recollect(without, optionsOf(immediate, random))
      assert.strictEqual(two.report.damages.length > 0, true)
      assert.deepEqual(two.lsns, lsnsOf({ firstLsn: 1, lastLsn: last }))
    })
  )
})

describe("a disk that fails while segments are made and removed", () => {
  const on = ["write", "datasync", "rename", "sync-directory", "open", "truncate", "unlink", "read"] as const
  const plans: ReadonlyArray<Omit<FaultPlan, "nth">> = [
    { kind: "EIO", isSticky: false, on },
    { kind: "EIO", isSticky: true, on },
    { kind: "ENOSPC", isSticky: false, on },
    { kind: "short", isSticky: false, on: ["write"] },
    { kind: "late", isSticky: false, on: ["write", "datasync"] }
  ]
  for (const plan of plans) {
    it.effect(
      `${plan.kind}${plan.isSticky ? ", from then on" : ", once"}: what is needed is there, the store opens`,
      () =>
        Effect.gen(function* () {
          let nth = 1
          for (; yield* meetsFault({ ...plan, nth }); nth++) {}
          assert.isAbove(nth, 20, "points at which the disk failed")
        })
    )
  }
})

/** Turns of the event loop, a virtual millisecond each: a stalled write is tried again by the clock. */
const passUntil = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) {
      yield* turn
      yield* TestClock.adjust(1)
    }
  })

/** Writes and compacts through a disk that fails at one point; false when that point was never reached. */
const meetsFault = (plan: FaultPlan) =>
  Effect.gen(function* () {
    const memory = new MemoryFs()
    memory.isTracing = false
    const random = new Random(seed)
    const faulty = new FaultyFs(memory, plan)
    let kept = 0
    const opened = yield* Effect.option(
      openCompacted(
        faulty,
        immediate,
        random,
        () => 0,
        (lsn) => {
          kept = lsn
        }
      )
    )
    let deadBelow = 0
    let drops: ReadonlySet<number> = new Set()
    if (opened._tag === "Some") {
      const world = opened.value
      const { appender } = world.log
      drops = world.drops
      const settle = passUntil(() => appender.isFailed || appender.durableLsn === appender.nextLsn - 1)
      for (let round = 0; round < 6; round++) {
        appendMany(world.log, 35)
        yield* settle
        world.setDeadBelow(appender.nextLsn - 60)
        deadBelow = world.deadBelow
        // As its owner does: whatever the disk refused, it is over.
        const exit = yield* Effect.exit(world.compactOnce(settle))
        if (exit._tag === "Failure" || appender.isFailed) break
        yield* turn
      }
      yield* world.close
    }
    if (!faulty.hit) return false
    const where = `${plan.kind} at operation ${plan.nth}, seed ${seed}`
    const after = new MemoryFs(memory.content())
    const { lsns, report, wrong } = yield* recollect(after, optionsOf(immediate, random))
    assert.deepEqual(wrong, [], where)
    assert.deepEqual(report.damages, [], `a false alarm, ${where}`)
    const found = new Set(lsns)
    for (let lsn = 1; lsn <= kept; lsn++) {
      if ((livesForEver(lsn) || lsn >= deadBelow) && !drops.has(lsn)) {
        assert.isTrue(found.has(lsn), `${lsn} was kept and is lost, ${where}`)
      }
    }
    return true
  })

/** A store that was closed well, of which most was compacted; where each segment's last record ends. */
const compactedStore = (random: Random) =>
  Effect.gen(function* () {
    const fs = new MemoryFs()
    fs.isTracing = false
    const world = yield* openCompacted(
      fs,
      immediate,
      random,
      () => 0,
      () => undefined
    )
    const { appender } = world.log
    const settle = until(() => appender.durableLsn === appender.nextLsn - 1)
    for (let round = 0; round < 70; round++) {
      appendMany(world.log, 1 + random.below(12))
      yield* settle
    }
    world.setDeadBelow(appender.nextLsn - 80)
    for (const file of [...world.sealed]) yield* world.isDead(file) ? world.drop(file, settle) : world.copy([file])
    yield* world.close
    const content = fs.content()
    const ends = new Map<string, number>()
    const lsns: Array<number> = []
    yield* verifyLog(new MemoryFs(content), "log", (segment) => (record: RecordView, offset) => {
      ends.set(`log/${segment}`, offset + record.sizeBytes)
      assert.isTrue(record.type === RecordType.message || world.drops.has(record.lsn))
      lsns.push(record.lsn)
    })
    return { content, ends, lsns }
  })
