/**
 * A durable log that is compacted by the real compactor, and readers who are numbers: per topic the position from which
 * somebody still reads, and what is held singly. Over MemoryFs; the clock is the test's.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { type CompactionSettings, Compactor } from "../../src/store/compactor.ts"
import type { DurableLog } from "../../src/store/durable-log.ts"
import { LogRecord } from "../../src/store/ports.ts"
import { RecordType, RecordView } from "../../src/wal/record.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { turn } from "../wal/workload.ts"
import { durableOptions, openManually } from "./durable-world.ts"

export const NOW_MS = 1_765_000_000_000

export class CompactionLife {
  readonly log: DurableLog
  readonly close: Effect.Effect<void>
  readonly messages: LogWithModel
  readonly compactor: Compactor
  /** By sequence. */
  readonly lsns: Array<number> = []
  readonly neededFrom = new Map<string, number>()
  held: Array<number> = []
  coveredLsn = Number.POSITIVE_INFINITY
  readonly snapshotsWanted: Array<number> = []
  prepares = 0
  settings: CompactionSettings = {
    maxWalSizeBytes: 1e9,
    maxMessageAgeMs: 7_200_000,
    checkIntervalMs: 300_000,
    batchSize: 50,
    concurrentWorkers: 1,
    maxCopyRateBytes: 8 * 1_048_576
  }
  nowMs = NOW_MS

  constructor(fs: StoreFs, log: DurableLog, close: Effect.Effect<void>, segmentBytes: number) {
    this.log = log
    this.close = close
    this.messages = new LogWithModel(log)
    let salts = 0
    this.compactor = new Compactor({
      fs,
      logDirectory: "log",
      quarantineDirectory: "data/quarantine",
      storeUuid: log.wal.storeUuid,
      epoch: log.wal.epoch,
      segmentBytes,
      settings: () => this.settings,
      target: log,
      roots: {
        prepare: () =>
          Effect.sync(() => {
            this.prepares++
            const { held, neededFrom } = this
            return {
              neededFrom: (topicId) => neededFrom.get(log.topicName(topicId)) ?? Number.POSITIVE_INFINITY,
              held: [...held].sort((a, b) => a - b)
            }
          })
      },
      ensureSnapshot: (lsn) =>
        Effect.sync(() => {
          this.snapshotsWanted.push(lsn)
          return this.coveredLsn
        }),
      dropped: log.wal.dropped,
      nowMs: () => this.nowMs,
      randomHex: (bytes) => String(++salts).padStart(bytes * 2, "0")
    })
  }

  /** Appends `count` messages of about 200 bytes to each of the topics in turn, and lets them become durable. */
  fill(count: number, topics: ReadonlyArray<string>, sizeBytes = 130): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (let i = 0; i < count; i++) {
        const sequence = this.messages.append(topics[i % topics.length] as string, sizeBytes)
        assert.isAtLeast(sequence, 0)
        this.lsns[sequence] = this.log.ticket
        if (i % 20 === 19) yield* this.settle
      }
      yield* this.settle
    })
  }

  control(): number {
    const record = new RecordView()
    record.type = RecordType.session
    return this.log.appendControl(record)
  }

  readonly settle: Effect.Effect<void> = Effect.suspend(() => passUntil(() => this.log.durable === this.log.ticket))

  /** A pass, with turns and virtual time for what it waits for. */
  readonly pass: Effect.Effect<{ readonly isBlocked: boolean }, unknown> = Effect.suspend(() =>
    whileRunning(this.compactor.pass)
  )

  /** Is the message there, as it was appended? Fails when what is there is something else. */
  holds(sequence: number): boolean {
    const record = new LogRecord()
    if (!this.log.read(sequence, record)) {
      assert.isBelow(this.log.topicAt(sequence), 0, `${sequence}: no record, no topic`)
      return false
    }
    const { frame, topic } = this.messages.model[sequence] as LogWithModel["model"][number]
    assert.isTrue(frame.equals(record.buffer.subarray(record.start, record.end)), `${sequence}: its frame`)
    assert.strictEqual(this.log.topicName(record.topicId), topic)
    return true
  }

  /** Sequences of a topic's messages that are there. */
  present(topic: string): Array<number> {
    return this.messages.model.flatMap((message, sequence) =>
      message.topic === topic && this.holds(sequence) ? [sequence] : []
    )
  }

  all(topic: string): Array<number> {
    return this.messages.model.flatMap((message, sequence) => (message.topic === topic ? [sequence] : []))
  }
}

export const openLife = (fs: StoreFs = new MemoryFs(), before?: CompactionLife, segmentBytes = 16_384) =>
  Effect.gen(function* () {
    const { close, log } = yield* openManually(durableOptions(fs, { segmentBytes }))
    const life = new CompactionLife(fs, log, close, segmentBytes)
    if (before !== undefined) life.messages.model.push(...before.messages.model)
    return life
  })

/** Turns of the event loop, a virtual millisecond each, until it holds. */
export const passUntil = (condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!condition()) {
      yield* turn
      yield* TestClock.adjust(1)
    }
  })

export const whileRunning = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    let isDone = false
    const fiber = yield* Effect.forkChild(
      Effect.ensuring(
        effect,
        Effect.sync(() => (isDone = true))
      )
    )
    yield* passUntil(() => isDone)
    return yield* Fiber.join(fiber)
  })
