/**
 * What a start recovers, against the truth (session-life.ts): from the log alone, and from an index as of any LSN with the
 * whole log, or only what compaction must leave of it. Demanded is equality: QoS 2 state is exact, cursors are the ones
 * saved last.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { decodeControl } from "../../src/store/control-records.ts"
import { DurableSessions } from "../../src/store/durable-sessions.ts"
import { IndexChanges } from "../../src/store/index-changes.ts"
import { type IndexMeta, openMeta, openValue, sealMeta } from "../../src/store/index-values.ts"
import { SessionImage } from "../../src/store/session-image.ts"
import { MemoryIndex } from "../../src/store/store-index.ts"
import { RecordType, RecordView } from "../../src/wal/record.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { comparable, expected, SessionLife } from "./session-life.ts"

const seed = seedOfRun("session image")
const LIVES = 150
const STEPS = 120

describe("a start from log and index", () => {
  it(`${LIVES} lives: from the log alone, cut anywhere`, () => {
    for (let index = 0; index < LIVES; index++) {
      const random = new Random(seed + index)
      const life = live(random, 0.05)
      const end = random.below(life.ticket + 1)
      const image = new SessionImage(undefined)
      feed(image, life, 0, end)
      judge(image, life, end, index)
      // Again, and from the middle: nothing is applied twice.
      feed(image, life, random.below(end + 1), end)
      judge(image, life, end, index)
    }
  })

  it.effect(`${LIVES} lives: from an index of any LSN, with what the log must keep`, () =>
    Effect.gen(function* () {
      for (let index = 0; index < LIVES; index++) {
        const random = new Random(seed + 10_000 + index)
        const life = new ArrayLife(random, 0.05)
        const memory = new MemoryIndex()
        let meta: IndexMeta | undefined
        let coveredLsn = 0
        for (let step = 0; step < STEPS; step++) {
          life.step()
          if (!random.chance(0.1)) continue
          const { nextSequence, nextSessionNumber } = life.truth
          const next = { storeUuid: "00".repeat(16), appliedLsn: life.ticket, nextSessionNumber, nextSequence }
          yield* memory.commit(life.sessions.changes?.operations() ?? [], next)
          life.sessions.changes = new IndexChanges()
          meta = openMeta(sealMeta(next))
          coveredLsn = Math.min(life.ticket, life.sessions.firstUncoveredLsn - 1)
          if (random.chance(0.3)) break
        }
        for (let step = 0; step < 30; step++) life.step()
        const appliedLsn = meta?.appliedLsn ?? 0
        const end = random.chance(0.5) ? life.ticket : appliedLsn + random.below(life.ticket - appliedLsn + 1)
        for (const share of [0, 0.1, 0.5, 1]) {
          // Compaction takes whole files, from the middle too: what is left may speak of what ended in what is gone.
          const isGone = goneIn(random, coveredLsn, share)
          const image = loaded(memory, meta)
          feed(image, life, 0, end, isGone)
          judge(image, life, end, index)
          if (end === life.ticket) assert.strictEqual(lowestUncovered(image), life.sessions.firstUncoveredLsn)
        }
      }
    })
  )

  it("what is uncovered is where the log must not end", () => {
    const random = new Random(seed)
    const life = live(random, 0)
    const image = new SessionImage(undefined)
    feed(image, life, 0, life.ticket)
    assert.strictEqual(lowestUncovered(image), life.sessions.firstUncoveredLsn)
  })
})

interface Logged {
  readonly lsn: number
  readonly record: RecordView
  /** Of a MSG. */
  readonly packetIdentifier: number
}

/** A life over a DurableSessions whose log is an array, which now and then takes nothing. */
class ArrayLife extends SessionLife {
  readonly log: Array<Logged>
  readonly sessions: DurableSessions

  constructor(random: Random, chanceOfRefusal: number) {
    const log: Array<Logged> = []
    const append = (record: RecordView, packetIdentifier: number): number => {
      if (random.chance(chanceOfRefusal)) return -1
      const lsn = log.length + 1
      const buffer = Buffer.from(record.buffer.subarray(record.start, record.end))
      const kept = Object.assign(new RecordView(), record, { lsn, buffer, start: 0, end: buffer.length })
      log.push({ lsn, record: kept, packetIdentifier })
      return lsn
    }
    const nothing = { sessions: [], groups: new Map(), nextSessionNumber: 1 }
    const sessions = new DurableSessions((record) => append(record, 0), nothing)
    let next = 0
    super(random, sessions, {
      get next() {
        return next
      },
      message: (publisher, packetIdentifier) => {
        const record = Object.assign(new RecordView(), { type: RecordType.message, publisher, sequence: next })
        const lsn = append(record, packetIdentifier)
        if (lsn > 0) next++
        if (lsn > 0 && packetIdentifier > 0) sessions.noteStep(publisher, lsn)
        return lsn
      }
    })
    this.log = log
    this.sessions = sessions
  }
}

function live(random: Random, chanceOfRefusal: number): ArrayLife {
  const life = new ArrayLife(random, chanceOfRefusal)
  for (let step = 0; step < STEPS; step++) life.step()
  return life
}

function loaded(index: MemoryIndex, meta: IndexMeta | undefined): SessionImage {
  const image = new SessionImage(meta)
  for (const { key, value } of index.entries()) {
    const opened = openValue(key, value)
    assert.isDefined(opened)
    assert.isDefined(image.load(opened))
  }
  return image
}

/** Stretches of ten records, of which a share is gone up to `coveredLsn`. */
function goneIn(random: Random, coveredLsn: number, share: number): (lsn: number) => boolean {
  const gone = Array.from({ length: Math.ceil(coveredLsn / 10) + 1 }, () => random.chance(share))
  return (lsn) => lsn <= coveredLsn && gone[Math.floor(lsn / 10)] === true
}

const lowestUncovered = (image: SessionImage): number =>
  Math.min(...[...image.uncovered()].map(({ firstLsn }) => firstLsn))

/** The log's records (from, to], but for those that are gone. */
function feed(
  image: SessionImage,
  life: ArrayLife,
  from: number,
  to: number,
  isGone: (lsn: number) => boolean = () => false
): void {
  for (const { lsn, packetIdentifier, record } of life.log.slice(from, to)) {
    if (isGone(lsn)) continue
    if (record.type === RecordType.message) {
      image.message(record.publisher, packetIdentifier, record.sequence, lsn)
      continue
    }
    const control = decodeControl(record)
    assert.isTrue(control !== undefined && control !== "other")
    if (control !== undefined && control !== "other") image.apply(control, lsn)
  }
}

function judge(image: SessionImage, life: ArrayLife, end: number, index: number): void {
  const truth = life.truths[end]
  assert.isDefined(truth)
  if (truth === undefined) return
  const found = comparable(image.toRecovered())
  assert.deepEqual(found, expected(truth), `life ${index}, cut at ${end}, seed ${seed}`)
  assert.isAtMost(image.nextSequence, life.truth.nextSequence)
  assert.isAtLeast(image.nextSequence, truth.nextSequence)
}
