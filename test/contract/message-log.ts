/**
 * What every message log must do, whatever it is made of; see src/store/ports.ts for the words. Run by
 * test/store/memory-log.test.ts and durable-contract.test.ts on each implementation. messageLogContract is for all,
 * ringContract for those that forget their oldest records to make room.
 *
 * Method: random appends over many topics, compared after each with an array of everything ever appended. How
 * much a ring forgets, and when, is its own affair; that it says so (`first`), that it stays within its budget
 * and that it answers for the rest as the array does is not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { PublishView } from "../../src/codec/publish-view.ts"
import { viewTrusted } from "../../src/codec/read-publish.ts"
import { LogRecord, type LogTopicHolder, type MessageLog } from "../../src/store/ports.ts"
import { publish } from "../broker/client-packets.ts"

export interface LogUnderTest {
  readonly log: MessageLog
  /** Makes the log show and promise everything appended so far. */
  readonly settle: () => void
}
export type MakeLog = (limitBytes: number) => LogUnderTest

const KIB = 1024
/** On a machine that does other things too. */
const PROPERTY_LIMIT_MS = 30_000
/** What the log may take beyond its budget: the columns of one segment, a record as large as the budget. */
const SLACK_BYTES = 8 * KIB

export function messageLogContract(name: string, make: MakeLog): void {
  describe(`message log contract: ${name}`, () => {
    appending(make)
    reading(make)
  })
}

export function ringContract(name: string, make: MakeLog): void {
  describe(`message log that forgets its oldest records: ${name}`, () => {
    forgetting(make)
    topics(make)
  })
}

interface Appended {
  readonly topic: string
  readonly frame: Buffer
  readonly publisher: number
  readonly expiresAtMs: number
  readonly isVersion5: boolean
}

/** A log and the array that knows better. */
export class LogWithModel {
  readonly log: MessageLog
  readonly model: Array<Appended> = []
  /** Of the model: what the log holds no more, though it lies above `first`. */
  readonly gone = new Set<number>()
  readonly #holders = new Map<string, LogTopicHolder>()
  readonly #view = new PublishView()
  readonly #record = new LogRecord()

  constructor(log: MessageLog) {
    this.log = log
  }

  append(topic: string, sizeBytes: number, qos = 1, version = 5, packetIdentifier = 0): number {
    return this.#append(topic, sizeBytes, qos, version, packetIdentifier, sizeBytes % 2 === 1)
  }

  appendRetained(topic: string, sizeBytes: number): number {
    return this.#append(topic, sizeBytes, 1, 5, 0, true)
  }

  #append(
    topic: string,
    sizeBytes: number,
    qos: number,
    version: number,
    packetIdentifier: number,
    retain: boolean
  ): number {
    const payload = Buffer.alloc(sizeBytes, this.model.length)
    const frame = publish({ topic, payload, qos, packetIdentifier: 77, duplicate: qos > 0, retain }, version)
    viewTrusted(this.#view, frame, 0, frame.length, version === 5)
    const publisher = this.model.length % 5
    const expiresAtMs = this.model.length % 3 === 0 ? 1000 + this.model.length : Number.POSITIVE_INFINITY
    const sequence = this.log.append(this.#view, this.holder(topic), publisher, expiresAtMs, packetIdentifier)
    if (sequence < 0) return sequence
    const kept = Buffer.from(frame)
    kept[0] = (kept[0] as number) & ~8
    if (qos > 0) kept.writeUInt16BE(packetIdentifier, this.#view.packetIdentifierAt)
    this.model.push({ topic, frame: kept, publisher, expiresAtMs, isVersion5: version === 5 })
    return sequence
  }

  holder(topic: string): LogTopicHolder {
    let holder = this.#holders.get(topic)
    if (holder === undefined) {
      holder = { bytes: Buffer.from(topic), logTopic: -1, logStamp: 0 }
      this.#holders.set(topic, holder)
    }
    return holder
  }

  /** The router forgot its entry for the topic and makes another one later. */
  forgetHolder(topic: string): void {
    this.#holders.delete(topic)
  }

  /** Positions that nobody was given: a restart goes on behind them. */
  padTo(next: number): void {
    while (this.model.length < next) {
      this.gone.add(this.model.length)
      this.model.push({ topic: "", frame: Buffer.alloc(0), publisher: 0, expiresAtMs: 0, isVersion5: false })
    }
  }

  /** Everything about one position. */
  checkPosition(sequence: number): void {
    const { log, model } = this
    const isHeld = sequence >= log.first && sequence < log.next && !this.gone.has(sequence)
    const what = `sequence ${sequence} of [${log.first}, ${log.next})`
    assert.strictEqual(log.read(sequence, this.#record), isHeld, what)
    if (!isHeld) {
      assert.strictEqual(log.topicAt(sequence), -1, what)
      assert.strictEqual(log.following(sequence), -1, what)
      return
    }
    const { topic, frame, publisher, expiresAtMs, isVersion5 } = model[sequence] as Appended
    const record = this.#record
    assert.isTrue(frame.equals(record.buffer.subarray(record.start, record.end)), `${what}: frame`)
    const fields = [record.sequence, record.publisher, record.expiresAtMs, record.isVersion5, record.topicId]
    assert.deepEqual(fields, [sequence, publisher, expiresAtMs, isVersion5, log.topicAt(sequence)], what)
    assert.strictEqual(log.topicName(record.topicId), topic, what)
    assert.strictEqual(log.topicId(topic), record.topicId, what)
    assert.isBelow(record.topicId, log.topicIdBound, what)
    assert.strictEqual(log.following(sequence), this.#next(topic, sequence + 1), `${what}: following`)
  }

  /** Everything about one topic, asked from one position. */
  checkTopic(topic: string, from: number): void {
    const { log, model } = this
    const id = log.topicId(topic)
    const held = model.filter((record, at) => at >= log.first && record.topic === topic && !this.gone.has(at))
    assert.strictEqual(id >= 0, held.length > 0, `${topic} has an id while it has records`)
    if (id < 0) return
    assert.strictEqual(log.nextOfTopic(id, from), this.#next(topic, Math.max(from, log.first)), `${topic} from ${from}`)
    const last = model.findLastIndex((record, at) => record.topic === topic && !this.gone.has(at))
    assert.strictEqual(log.lastOfTopic(id), last, `${topic}: last`)
    const acknowledged = held.filter(({ frame }) => ((frame[0] as number) & 6) > 0).length
    assert.strictEqual(log.countOfTopic(id), acknowledged, `${topic}: records at QoS 1 and 2`)
  }

  /** What all that it holds takes. */
  checkBytes(): void {
    const { log, model } = this
    if (log.frameBytes === undefined) return
    let bytes = 0
    for (let at = log.first; at < model.length; at++) bytes += this.gone.has(at) ? 0 : (model[at]?.frame.length ?? 0)
    assert.strictEqual(log.frameBytes, bytes, "bytes of all frames")
  }

  #next(topic: string, from: number): number {
    for (let sequence = from; sequence < this.model.length; sequence++) {
      if (this.model[sequence]?.topic === topic && !this.gone.has(sequence)) return sequence
    }
    return -1
  }
}

const names = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? `t${i}` : `room/${i % 7}/${i}`))
const append = fc.record({
  /** Few topics often, many rarely, and some that never come again. */
  topic: fc.oneof(
    fc.constantFrom(...names.slice(0, 3)),
    fc.constantFrom(...names),
    fc.nat(5000).map((i) => `once/${i}`)
  ),
  sizeBytes: fc.oneof({ weight: 8, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(20_000) }),
  qos: fc.nat(2),
  version: fc.constantFrom(4, 5),
  ask: fc.nat(0xffff),
  forget: fc.boolean()
})

const appending = (make: MakeLog): void => {
  it(
    "answers like an array of everything appended, for what it still holds",
    () => {
      const limits = fc.constantFrom(40 * KIB, 64 * KIB, 1024 * KIB)
      const property = fc.property(limits, fc.array(append, { maxLength: 400, size: "max" }), (limitBytes, appends) => {
        const { log, settle } = make(limitBytes)
        const both = new LogWithModel(log)
        let first = 0
        for (const { topic, sizeBytes, qos, version, ask, forget } of appends) {
          if (forget) both.forgetHolder(topic)
          const sequence = both.append(topic, sizeBytes, qos, version)
          settle()
          assert.strictEqual(sequence, both.model.length - 1, "sequences are dense")
          assert.strictEqual(log.next, both.model.length)
          assert.isTrue(log.first >= first && log.first <= sequence, "it forgets the oldest, never the newest")
          first = log.first
          both.checkPosition(sequence)
          both.checkPosition(ask % (log.next + 2))
          both.checkPosition(log.first + (ask % 7) - 3)
          both.checkTopic(topic, ask % (log.next + 2))
          both.checkTopic(names[ask % names.length] as string, log.first + (ask % 50))
        }
        for (let sequence = log.first; sequence < log.next; sequence++) both.checkPosition(sequence)
        both.checkBytes()
      })
      fc.assert(property, { numRuns: 30 })
    },
    PROPERTY_LIMIT_MS
  )

  it("shows every record once, in order, and promises it", () => {
    const { log, settle } = make(256 * KIB)
    const shown: Array<number> = []
    let kept = 0
    log.onTail((first, count) => {
      for (let i = 0; i < count; i++) shown.push(first + i)
    })
    log.onKept(() => {
      assert.isAtLeast(log.kept, kept, "the promise only grows")
      kept = log.kept
    })
    const both = new LogWithModel(log)
    for (let i = 0; i < 300; i++) {
      both.append(`t/${i % 9}`, i % 100)
      if (i % 7 === 0) settle()
    }
    settle()
    assert.deepEqual(
      shown,
      Array.from({ length: 300 }, (_, i) => i)
    )
    assert.isAtLeast(log.ticket, 300, "a ticket each")
    assert.strictEqual(kept, log.ticket)
    assert.strictEqual(log.kept, log.ticket)
  })

  it("refuses a record larger than it may hold, and is as it was", () => {
    const { log, settle } = make(64 * KIB)
    const both = new LogWithModel(log)
    both.append("a", 10)
    const { ticket } = log
    assert.strictEqual(both.append("b", log.statistics().limitBytes), -1)
    assert.strictEqual(log.refusal, "too-large")
    assert.strictEqual(log.ticket, ticket, "no ticket for what was refused")
    assert.strictEqual(both.append("a", 20), 1)
    settle()
    for (let sequence = 0; sequence < 2; sequence++) both.checkPosition(sequence)
    assert.strictEqual(log.topicId("b"), -1)
  })

  it("keeps the publisher's packet identifier where it is the proof of reception", () => {
    const { log, settle } = make(256 * KIB)
    const both = new LogWithModel(log)
    const topics = ["a", "a/".repeat(80), "b"]
    for (const topic of topics) {
      for (const version of [4, 5]) {
        both.append(topic, 10, 2, version, 0)
        both.append(topic, 300, 2, version, 0xfedc)
      }
    }
    settle()
    for (let sequence = 0; sequence < log.next; sequence++) both.checkPosition(sequence)
  })
}

const reading = (make: MakeLog): void => {
  it("reads what is not in memory once load() has called back, and not before the call returns", () => {
    const { log, settle } = make(64 * KIB)
    const both = new LogWithModel(log)
    for (let i = 0; i < 900; i++) {
      assert.isAtLeast(both.append(`t/${i % 13}`, (i * 37) % 400), 0)
      if (i % 50 === 0) settle()
    }
    settle()
    for (let i = 0; i < 900; i++) {
      const sequence = (i * 397) % 900
      if (!log.isReady(sequence)) {
        let calls = 0
        log.load(sequence, () => {
          calls += 1
        })
        assert.strictEqual(calls, 0, "not within the call")
        settle()
        assert.strictEqual(calls, 1)
        assert.isTrue(log.isReady(sequence))
      }
      both.checkPosition(sequence)
    }
    for (const sequence of [900, 100_000]) assert.isTrue(log.isReady(sequence), "nothing is nowhere else")
  })

  it("steps from message to message", () => {
    const { log, settle } = make(1024 * KIB)
    const both = new LogWithModel(log)
    assert.strictEqual(log.nextMessage(0), 0)
    for (let i = 0; i < 200; i++) both.append("t", 10)
    settle()
    for (const from of [0, 1, 77, 199]) assert.strictEqual(log.nextMessage(from), from)
    assert.strictEqual(log.nextMessage(200), 200)
    assert.strictEqual(log.nextMessage(500), 200)
  })
}

const forgetting = (make: MakeLog): void => {
  it("takes a record that is nearly as large as it may hold", () => {
    const { log, settle } = make(64 * KIB)
    const both = new LogWithModel(log)
    for (let i = 0; i < 50; i++) both.append("small", 500)
    const sequence = both.append("large", 64 * KIB - 100)
    settle()
    assert.strictEqual(sequence, 50)
    both.checkPosition(50)
    both.append("small", 1)
    settle()
    both.checkPosition(51)
  })

  it("says before an append what the append will make it forget", () => {
    const property = fc.property(fc.array(append, { minLength: 50, maxLength: 300, size: "max" }), (appends) => {
      const { log, settle } = make(64 * KIB)
      const both = new LogWithModel(log)
      for (const { topic, sizeBytes, qos, version } of appends) {
        const first = log.first
        const frameBytes = sizeBytes + topic.length + 10
        const foretold = log.wouldDropBelow(frameBytes)
        both.append(topic, sizeBytes, qos, version)
        settle()
        if (foretold < 0) assert.strictEqual(log.first, first, `${frameBytes} bytes: there was room`)
        else assert.isAtMost(log.first, Math.max(foretold, first), `${frameBytes} bytes: not more than foretold`)
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  it("foretells nothing while there is plenty of room", () => {
    const { log } = make(1024 * KIB)
    const both = new LogWithModel(log)
    for (let i = 0; i < 500; i++) {
      assert.strictEqual(log.wouldDropBelow(600), -1)
      both.append(`t/${i}`, 500)
    }
  })

  it("stays within its budget, whatever it is filled with", () => {
    const fillings: ReadonlyArray<readonly [string, (i: number) => readonly [string, number]]> = [
      ["large records", (i) => [`t/${i % 3}`, 5000]],
      ["empty records", () => ["t", 0]],
      ["topics that come once", (i) => [`once/${i}`, 0]]
    ]
    for (const [what, filling] of fillings) {
      const { log, settle } = make(256 * KIB)
      const both = new LogWithModel(log)
      for (let i = 0; i < 8000; i++) {
        both.append(...filling(i))
        settle()
        const { bytes, limitBytes } = log.statistics()
        assert.isAtMost(bytes, limitBytes + SLACK_BYTES, `${what}, record ${i}`)
        assert.isAtLeast(log.next - log.first, Math.min(i + 1, 20), `${what}: it holds something`)
      }
    }
  })
}

const topics = (make: MakeLog): void => {
  it(
    "gives ids again only in a new epoch, and never to two topics at a time",
    () => {
      const { log, settle } = make(64 * KIB)
      const both = new LogWithModel(log)
      const names = new Map<number, string>()
      let epoch = log.topicEpoch
      for (let i = 0; i < 85_000; i++) {
        const topic = i % 5 === 0 ? "steady" : `once/${i}`
        if (topic !== "steady") both.forgetHolder(`once/${i - 1}`)
        const sequence = both.append(topic, 0)
        settle()
        if (log.topicEpoch !== epoch) names.clear()
        epoch = log.topicEpoch
        const id = log.topicAt(sequence)
        assert.strictEqual(names.get(id) ?? topic, topic, `id ${id} within epoch ${epoch}`)
        names.set(id, topic)
        if (i % 997 === 0) for (let at = log.first; at < log.next; at++) both.checkPosition(at)
      }
      assert.isAbove(epoch, 0, "ids were given again")
      assert.isBelow(log.topicIdBound, 70_000, "ids stay dense")
    },
    PROPERTY_LIMIT_MS
  )

  it("knows a topic by its name, not by who remembers its id", () => {
    const { log, settle } = make(64 * KIB)
    const both = new LogWithModel(log)
    const old = both.holder("moved")
    both.append("moved", 10)
    for (let i = 0; log.first === 0; i++) both.append(`filler/${i}`, 500)
    settle()
    assert.strictEqual(log.topicId("moved"), -1)
    const sequence = both.append("moved", 10)
    settle()
    assert.strictEqual(log.topicAt(sequence), old.logTopic)
    both.checkPosition(sequence)
    both.forgetHolder("moved")
    both.checkPosition(both.append("moved", 3))
    assert.strictEqual(log.nextOfTopic(log.topicId("moved"), 0), sequence)
  })
}
