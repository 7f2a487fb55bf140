/**
 * The durable store as a whole, on a disk in memory: starts after power cuts at any point, with compaction taking what the
 * snapshots allow it to take; retained messages; what waits for a sync and what does not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { PublishView } from "../../src/codec/publish-view.ts"
import { viewTrusted } from "../../src/codec/read-publish.ts"
import type { DurableStore } from "../../src/store/durable-store.ts"
import type { RetainedMessage } from "../../src/store/ports.ts"
import { parseSegmentName } from "../../src/wal/segment.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { slowFs } from "../fault/slow-fs.ts"
import { turn, until } from "../wal/workload.ts"
import { comparable, expected, SessionLife } from "./session-life.ts"
import { lifeLog, openStoreManually, publishTo, storeOptions } from "./store-world.ts"

const seed = seedOfRun("durable store")
const DRAWS = 4
const LIVES = 4
const STEPS = 300
const CUTS = 25

const settled = ({ log }: DurableStore) => until(() => log.durable === log.ticket)

describe("a durable store and power cuts", () => {
  for (let draw = 1; draw <= DRAWS; draw++) {
    it.effect(`${LIVES * CUTS} of them, draw ${draw}: sessions exactly as of the last record that is there`, () =>
      Effect.gen(function* () {
        const random = new Random(seed + draw)
        let base: Map<string, Buffer> = new Map()
        let acknowledged = 0
        let life: SessionLife | undefined
        for (let index = 0; index < LIVES; index++) {
          const fs = new MemoryFs(base)
          const { close, store } = yield* openStoreManually(storeOptions(fs))
          const recovered = store.sessions.takeRecovered()
          life ??= new SessionLife(random, store.sessions, lifeLog(store))
          judge(store, recovered, life, `draw ${draw}, life ${index}, seed ${seed}`)
          life.goOn(store.sessions, lifeLog(store), store.log.ticket)
          fs.mark(store.log.ticket)
          store.log.onKept(() => fs.mark(store.log.kept))
          yield* live(store, life, random, fs)
          if (random.chance(0.5)) yield* close
          const points = Array.from({ length: CUTS }, () => random.below(fs.trace.length + 1)).sort((a, b) => a - b)
          const images = new CrashImages(fs.trace, base)
          images.acknowledged = acknowledged
          for (const point of points) {
            yield* judgeCut(images.at(point), life, random, `draw ${draw}, cut after ${point}, seed ${seed}`)
          }
          // The next life begins where the power went near this one's end.
          const end = new CrashImages(fs.trace, base)
          end.acknowledged = acknowledged
          base = end.at(fs.trace.length - random.below(20)).build(random)
          acknowledged = end.acknowledged
        }
      })
    )
  }
})

/** Steps with turns of the loop between them, an index that follows, snapshots, and compaction of what they cover. */
const live = (store: DurableStore, life: SessionLife, random: Random, fs: MemoryFs) =>
  Effect.gen(function* () {
    for (let step = 0; step < STEPS; step++) {
      life.step()
      if (random.chance(0.3)) {
        yield* turn
        yield* TestClock.adjust(10)
      }
      if (!random.chance(0.02)) continue
      yield* TestClock.adjust(2000)
      const covered = yield* store.ensureSnapshot(store.log.ticket)
      assert.isAtMost(covered, store.log.durable)
      yield* removeFront(fs, covered)
    }
    yield* settled(store)
  })

/** What compaction may do at most: the files in front go, once snapshots cover every record in them. */
const removeFront = (fs: MemoryFs, coveredLsn: number) =>
  Effect.gen(function* () {
    const names = (yield* fs.list("log")).filter((name) => parseSegmentName(name) !== undefined)
    for (const [index, name] of names.slice(0, -1).entries()) {
      const next = fs.content().get(`log/${names[index + 1]}`) as Buffer
      const nextBase = Number(next.readBigUInt64LE(48))
      if (nextBase - 1 > coveredLsn) return
      yield* fs.unlink(`log/${name}`)
      yield* fs.syncDirectory("log")
    }
  })

const judgeCut = (images: CrashImages, life: SessionLife, random: Random, where: string) =>
  Effect.gen(function* () {
    const fs = new MemoryFs(images.build(random))
    fs.isTracing = false
    const { store } = yield* openStoreManually(storeOptions(fs))
    assert.isAtLeast(store.log.ticket, images.acknowledged, where)
    judge(store, store.sessions.takeRecovered(), life, where)
  })

function judge(
  store: DurableStore,
  recovered: ReturnType<DurableStore["sessions"]["takeRecovered"]>,
  life: SessionLife,
  where: string
): void {
  assert.deepEqual(store.report.damages, [], `a false alarm, ${where}`)
  const truth = life.truths[store.log.ticket]
  assert.isDefined(truth, where)
  if (truth === undefined) return
  assert.deepEqual(comparable(recovered), expected(truth), where)
}

describe("a durable store whose disk does not answer", () => {
  it.effect("indexes nothing that is not synced, and goes on when it is [IDX-1]", () =>
    Effect.gen(function* () {
      const waiting: Array<() => void> = []
      let isBlocked = false
      const fs = slowFs(new MemoryFs(), (then) => void (isBlocked ? waiting.push(then) : queueMicrotask(then)))
      const { store } = yield* openStoreManually(storeOptions(fs))
      const life = new SessionLife(new Random(seed), store.sessions, lifeLog(store))
      isBlocked = true
      for (let step = 0; step < 100; step++) {
        life.step()
        yield* turn
        yield* TestClock.adjust(50)
        assert.isAtMost(store.indexState().appliedLsn, store.log.durable)
      }
      assert.strictEqual(store.indexState().appliedLsn, 0)
      const last = store.sessions.endGroup("$share/g/none")
      isBlocked = false
      while (store.log.durable < store.log.ticket) {
        for (const then of waiting.splice(0)) then()
        yield* turn
      }
      while (store.indexState().appliedLsn < last) {
        yield* TestClock.adjust(50)
        yield* turn
      }
    })
  )
})

describe("a durable store's retained messages", () => {
  const nowMs = 1_765_000_000_000
  const payloadOf = ({ frame, isVersion5 }: RetainedMessage): string => {
    const view = new PublishView()
    viewTrusted(view, frame, 0, frame.length, isVersion5)
    assert.strictEqual(view.qos > 0 ? view.packetIdentifier : 0, 0)
    return frame.toString("utf8", view.payloadStart, view.frameEnd)
  }
  const restarted = (messages: Parameters<typeof publishTo>[1][], more: Parameters<typeof storeOptions>[1] = {}) =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      const first = yield* openStoreManually(storeOptions(fs))
      const sequences = messages.map((message) => publishTo(first.store.log, message))
      yield* settled(first.store)
      yield* first.close
      const { store } = yield* openStoreManually(storeOptions(fs, more))
      return { store, sequences }
    })

  it.effect("the newest of a topic, at its sequence, without its publisher's packet identifier", () =>
    Effect.gen(function* () {
      const { sequences, store } = yield* restarted([
        { topic: "a", payload: "old", retain: true },
        { topic: "a", payload: "not retained" },
        { topic: "b", payload: "b", retain: true, qos: 2, publisher: 5, packetIdentifier: 77 },
        { topic: "a", payload: "new", retain: true, qos: 0, publisher: 4 }
      ])
      const [a, b] = [store.retained.get("a"), store.retained.get("b")]
      assert.isDefined(a)
      assert.isDefined(b)
      if (a === undefined || b === undefined) return
      assert.deepEqual([payloadOf(a), a.sequence, a.publisher], ["new", sequences[3] as number, 4])
      assert.deepEqual([payloadOf(b), b.sequence, b.publisher], ["b", sequences[2] as number, 5])
      assert.strictEqual(store.report.retained, 2)
      assert.strictEqual(store.sessions.takeRecovered().nextSessionNumber, 6)
    })
  )

  it.effect("cleared stays cleared, and an expired one does not bring back the one before", () =>
    Effect.gen(function* () {
      const { store } = yield* restarted([
        { topic: "a", payload: "old", retain: true },
        { topic: "a", payload: "", retain: true },
        { topic: "b", payload: "old", retain: true },
        { topic: "b", payload: "late", retain: true, expiresAtMs: nowMs - 1 },
        { topic: "c", payload: "in time", retain: true, expiresAtMs: nowMs + 1 }
      ])
      assert.isUndefined(store.retained.get("a"))
      assert.isUndefined(store.retained.get("b"))
      assert.strictEqual(store.retained.get("c")?.expiresAtMs, nowMs + 1)
    })
  )

  it.effect("keeps the time at which it was published, across two restarts and a clock that was set back [RET-1]", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      let clockMs = nowMs
      const started = Effect.suspend(() => openStoreManually(storeOptions(fs, { nowMs: () => clockMs })))
      const first = yield* started
      publishTo(first.store.log, { topic: "a", retain: true, expiresAtMs: nowMs + 10_000 })
      yield* settled(first.store)
      clockMs += 1000
      publishTo(first.store.log, { topic: "b", retain: true })
      yield* settled(first.store)
      yield* first.close
      for (const laterMs of [5000, 3000, -8000]) {
        clockMs += laterMs
        const { close, store } = yield* started
        const [a, b] = [store.retained.get("a"), store.retained.get("b")]
        const expected = [nowMs, nowMs + 1000].map((each) => Math.min(each, clockMs))
        assert.deepEqual([a?.storedAtMs, b?.storedAtMs], expected)
        assert.strictEqual(a?.expiresAtMs, nowMs + 10_000)
        yield* close
      }
    })
  )

  it.effect("beyond the limits: gone, not an older one", () =>
    Effect.gen(function* () {
      const limits = { maxMessages: 10, maxBytes: 60, visitsMax: 10 }
      const { store } = yield* restarted(
        [
          { topic: "a", payload: "small", retain: true },
          { topic: "a", payload: "large".repeat(20), retain: true },
          { topic: "b", payload: "small", retain: true }
        ],
        { retained: limits }
      )
      assert.isUndefined(store.retained.get("a"))
      assert.isDefined(store.retained.get("b"))
    })
  )
})
