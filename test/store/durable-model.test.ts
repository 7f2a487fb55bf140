/**
 * The durable log against a plain model: messages are appended, forgotten by compaction singly, by file and in
 * neighbours, and the log is stopped and opened again, in random order. After every step each question of MessageLog has
 * the model's answer.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { DurableLog } from "../../src/store/durable-log.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { turn, until } from "../wal/workload.ts"
import { durableOptions, openManually } from "./durable-world.ts"
import { HandCompaction } from "./hand-compaction.ts"

const seed = seedOfRun("durable model")
const STEPS = 20
const topics = ["a", "a/b", "room/1", "room/2", "seldom"]

const settled = (log: DurableLog) => until(() => log.kept === log.ticket && !log.isMoving)

const append = (both: LogWithModel, random: Random) =>
  Effect.gen(function* () {
    for (let left = random.below(120); left > 0; left--) {
      const topic = random.chance(0.2) ? `once/${both.model.length}` : random.pick(topics)
      const sizeBytes = random.chance(0.05) ? 3000 + random.below(3000) : random.below(200)
      assert.isAtLeast(both.append(topic, sizeBytes, random.below(3), random.pick([4, 5])), 0)
      if (random.chance(0.1)) yield* turn
    }
  })

/** Each message below a point goes with a chance of its own; now and then all of them. */
const forget = (both: LogWithModel, log: DurableLog, compaction: HandCompaction, random: Random) =>
  Effect.gen(function* () {
    yield* settled(log)
    const below = random.below(log.next + 1)
    const chance = random.pick([0.05, 0.5, 0.95, 1])
    const last = log.files().at(-1)?.endSequence ?? 0
    for (let sequence = 0; sequence < Math.min(below, last); sequence++) {
      if (random.chance(chance)) both.gone.add(sequence)
    }
    yield* compaction.run((sequence) => !both.gone.has(sequence), random.pick([1, 1, 3]))
    yield* settled(log)
  })

/** Reads everything, in an order of its own, the way readers do: what is not ready is loaded first. */
const readAll = (both: LogWithModel, log: DurableLog, random: Random) =>
  Effect.gen(function* () {
    const from = random.below(log.next + 1)
    for (let i = 0; i < log.next + 2; i++) {
      const sequence = (from + i) % (log.next + 2)
      while (!log.isReady(sequence)) {
        yield* Effect.callback<void>((resume) => log.load(sequence, () => resume(Effect.void)))
      }
      both.checkPosition(sequence)
    }
  })

const checkAll = (both: LogWithModel, log: DurableLog, random: Random): void => {
  const { gone, model } = both
  assert.strictEqual(log.next, model.length)
  assert.strictEqual(log.statistics().records, model.length - gone.size)
  const held = new Map<string, { messages: number; bytes: number }>()
  let next = log.next
  for (let sequence = log.next - 1; sequence >= 0; sequence--) {
    const record = model[sequence]
    if (!gone.has(sequence) && record !== undefined) {
      next = sequence
      const usage = held.get(record.topic) ?? { messages: 0, bytes: 0 }
      held.set(record.topic, { messages: usage.messages + 1, bytes: usage.bytes + record.frame.length })
    }
    assert.strictEqual(log.nextMessage(sequence), next, `from ${sequence}`)
  }
  for (const [topic, usage] of held) assert.deepEqual(log.usageOfTopic(log.topicId(topic)), usage, topic)
  assert.strictEqual(log.statistics().topics, held.size)
  for (const topic of topics) for (let i = 0; i < 10; i++) both.checkTopic(topic, random.below(log.next + 2))
  both.checkBytes()
}

describe("a durable log, at random", () => {
  for (const name of ["cold", "warm"]) {
    it.live(
      `answers as a plain model does, through compaction and restarts, ${name}`,
      () =>
        Effect.gen(function* () {
          for (let round = 0; round < 3; round++) {
            const random = new Random(seed + round)
            const fs = new MemoryFs()
            fs.isTracing = false
            const cacheBytes = name === "cold" ? 0 : 16_384
            const options = durableOptions(fs, { cacheBytes, coldBytes: 131_072, indexSegmentBytes: 4096 })
            let opened = yield* openManually(options)
            let both = new LogWithModel(opened.log)
            let compaction = new HandCompaction(opened.log, options)
            for (let step = 0; step < STEPS; step++) {
              const what = random.below(5)
              if (what < 3) yield* append(both, random)
              else if (what === 3) yield* forget(both, opened.log, compaction, random)
              else {
                yield* settled(opened.log)
                yield* opened.close
                opened = yield* openManually(options)
                assert.deepEqual(opened.log.report.damages, [])
                const again = new LogWithModel(opened.log)
                again.model.push(...both.model)
                for (const sequence of both.gone) again.gone.add(sequence)
                // What went from the end took LSNs with it: they may have been messages.
                assert.isAtLeast(opened.log.next, both.model.length, "no sequence is given twice")
                if (both.gone.size === 0) assert.strictEqual(opened.log.next, both.model.length)
                again.padTo(opened.log.next)
                both = again
                compaction = new HandCompaction(opened.log, options)
              }
              checkAll(both, opened.log, random)
              yield* readAll(both, opened.log, random)
            }
            assert.strictEqual(opened.log.cold.blockingReads, 0)
            assert.strictEqual(opened.log.readFaults, 0, `seed ${seed + round}`)
            yield* opened.close
          }
        }),
      120_000
    )
  }
})
