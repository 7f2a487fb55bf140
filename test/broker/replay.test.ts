/**
 * The seam between history and what is live: whatever is published before, while and after the history is handed over,
 * every message that keeps history comes once, in order; and after a crash nothing comes twice at QoS 2, nothing is missing
 * at QoS 1. Over a store that is cut at any record (test/support/crash-store.ts).
 *
 * PROMPTMQ_HISTORIES says how many of each (default 200).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { livenessRoots } from "../../src/broker/liveness.ts"
import { restore } from "../../src/broker/restore.ts"
import { flushCursors } from "../../src/broker/save-cursors.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import type { ReaderLimits } from "../../src/store/log-reader.ts"
import { CrashStore, type Engine } from "../support/crash-store.ts"
import type * as packets from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const HISTORIES = Number(process.env["PROMPTMQ_HISTORIES"] ?? 200)

/** Topics below h/ keep their messages. */
const isHistory = (topic: string): boolean => topic.startsWith("h/")

class Stage {
  store: CrashStore
  world: World
  readonly #readers: ReaderLimits | undefined

  constructor(engine: Engine = "bytes", readers?: ReaderLimits) {
    this.#readers = readers
    this.store = new CrashStore(engine)
    this.world = this.#open()
  }

  #open(): World {
    const { log } = this.store
    log.history = {
      keeps: ({ bytes }) => isHistory(bytes.toString()),
      isKept: (topicId) => isHistory(log.topicName(topicId)),
      get settled() {
        return log.durable
      },
      positionAt: (ms) => Math.max(0, ms)
    }
    const readerLimits = this.#readers === undefined ? {} : { readerLimits: this.#readers }
    return new World({ log, sessionStore: this.store, outboxBytesMax: 400, ...readerLimits })
  }

  /** Everything that can happen. */
  settle(): void {
    for (let before = -1; before !== this.store.records.length; ) {
      before = this.store.records.length
      this.world.run()
      this.store.promise()
      this.world.run()
    }
  }

  connect(clientIdentifier: string, options: Partial<packets.ConnectOptions> = {}): TestClient {
    const client = new TestClient(this.world, { clientIdentifier, sessionExpirySeconds: 1000, ...options })
    this.settle()
    return client
  }

  /** The process dies; what is found again is what was kept, and `more` of what was not. */
  async crash(more: number): Promise<void> {
    const cuts = this.store.cuts()
    this.store = this.store.crash(cuts[more % cuts.length] as number)
    this.world = this.#open()
    this.world.core.delivered = this.store.log.next
    this.world.core.tailSeen = this.store.log.next
    await Effect.runPromise(restore(this.world.core))
    this.settle()
  }
}

const numbers = (client: TestClient): ReadonlyArray<number> => client.texts.map(Number)

interface Verb {
  readonly kind: number
  readonly topic: number
  readonly qos: number
}
const verb: fc.Arbitrary<Verb> = fc.record({ kind: fc.nat(9), topic: fc.nat(3), qos: fc.nat(2) })
const readers = fc.constantFrom<ReaderLimits | undefined>(
  undefined,
  { scanRecords: 2, mergeTopicsMax: 4 },
  { scanRecords: 3, mergeTopicsMax: 0 }
)
const TOPICS = ["h/a", "h/b", "h/c/d", "other"]

/** Publishes, runs a little, stalls the reader for a while. */
class Play {
  readonly stage: Stage
  readonly publisher: TestClient
  /** Texts by topic. */
  readonly published: Array<{ readonly topic: string; readonly qos: number }> = []
  constructor(stage: Stage) {
    this.stage = stage
    this.publisher = stage.connect("p", { sessionExpirySeconds: 0 })
  }
  publish({ qos, topic }: Verb): void {
    const name = TOPICS[topic] as string
    this.publisher.publish(name, String(this.published.length), { qos })
    this.published.push({ topic: name, qos })
  }
  step(verb: Verb, reader: TestClient | undefined): void {
    const { stage } = this
    if (verb.kind < 6) this.publish(verb)
    else if (verb.kind === 6) stage.world.run(1 + verb.topic)
    else if (verb.kind === 7 && verb.topic === 3) flushCursors(stage.world.core, Number.POSITIVE_INFINITY)
    else if (verb.kind === 7) stage.store.promise(verb.topic)
    else if (verb.kind === 8) reader?.peer.stall()
    else reader?.peer.unstall()
  }
}

describe("a replay", () => {
  it("hands over every message once, in order, whatever is published meanwhile", { timeout: 600_000 }, () => {
    const property = fc.property(
      fc.array(verb, { maxLength: 30, size: "max" }),
      fc.array(verb, { maxLength: 30, size: "max" }),
      fc.nat(2),
      fc.integer({ min: 1, max: 4 }),
      readers,
      fc.boolean(),
      (before, meanwhile, qos, receiveMaximum, limits, isPersistent) => {
        const stage = new Stage("plain", limits)
        const play = new Play(stage)
        for (const each of before) play.step(each, undefined)
        stage.settle()
        const sessionExpirySeconds = isPersistent ? 1000 : 0
        const client = stage.connect("s", { receiveMaximum, sessionExpirySeconds })
        client.subscribe("$replay/earliest/h/#", { qos, subscriptionIdentifier: 7 })
        for (const each of meanwhile) play.step(each, client)
        client.peer.unstall()
        stage.settle()
        assert.strictEqual(stage.world.core.sessions.get("s")?.replayCursors.length, 0, "it has come to the head")
        play.publish({ kind: 0, topic: 0, qos: 1 })
        stage.settle()
        const expected = play.published.flatMap(({ topic }, i) => (isHistory(topic) ? [i] : []))
        const got = new Set(numbers(client))
        assert.strictEqual(got.size, client.messages.length, "nothing twice")
        // Once it is live a full outbox drops QoS 0 messages, as any subscription's.
        const missing = expected.filter((i) => !got.has(i))
        assert.strictEqual(
          missing.length,
          stage.world.dropped("s", DropReason.outgoingBufferFull),
          `missing: ${missing}`
        )
        assert.isTrue(missing.every((i) => qos === 0 || play.published[i]?.qos === 0))
        assert.strictEqual(got.size + missing.length, expected.length, "and nothing else")
        for (const topic of TOPICS) {
          for (const publishedQos of [0, 1, 2]) {
            const own = client.messages
              .map(({ payload }) => Number(payload.toString()))
              .filter((i) => {
                return play.published[i]?.topic === topic && play.published[i]?.qos === publishedQos
              })
            assert.deepEqual(own, [...own].sort(rising), `${topic} at QoS ${publishedQos} in order`)
          }
        }
        for (const { identifiers, payload, qos: got, retain } of client.messages) {
          const sent = play.published[Number(payload.toString())]?.qos ?? 0
          assert.deepEqual([got, retain, identifiers], [Math.min(qos, sent), false, [7]])
        }
        assert.strictEqual(stage.world.core.sessions.get("s")?.window.inFlight, 0)
      }
    )
    fc.assert(property, { numRuns: HISTORIES })
  })

  it("is in order as a whole while it is behind", () => {
    const stage = new Stage()
    const play = new Play(stage)
    for (let i = 0; i < 20; i++) play.publish({ kind: 0, topic: i % 3, qos: i % 3 })
    stage.settle()
    const client = stage.connect("s", { receiveMaximum: 3 })
    client.subscribe("$replay/earliest/#", { qos: 2 })
    stage.world.run(4)
    for (let i = 0; i < 20; i++) {
      play.publish({ kind: 0, topic: i % 3, qos: i % 3 })
      stage.world.run(1)
    }
    stage.settle()
    assert.deepEqual(
      numbers(client),
      Array.from({ length: 40 }, (_, i) => i)
    )
  })

  it("goes on after a crash: at QoS 1 some may come again, at QoS 2 none, and none is missing", {
    timeout: 600_000
  }, async () => {
    const property = fc.asyncProperty(
      fc.array(verb, { minLength: 5, maxLength: 25, size: "max" }),
      fc.array(verb, { maxLength: 25, size: "max" }),
      fc.array(verb, { maxLength: 10, size: "max" }),
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(20),
      fc.constantFrom<Engine>("plain", "bytes"),
      async (before, meanwhile, after, qos, receiveMaximum, cut, engine) => {
        const stage = new Stage(engine)
        let play = new Play(stage)
        const all = (more: Verb): Verb => ({ ...more, qos: qos === 2 ? 2 : 1 })
        for (const each of before) play.step(all(each), undefined)
        stage.settle()
        const first = stage.connect("s", { receiveMaximum })
        first.subscribe("$replay/earliest/h/#", { qos })
        stage.store.promise()
        for (const each of meanwhile) play.step(all(each), first)
        const { published } = play
        const isAcknowledged = new Set(
          play.publisher.of(qos === 1 ? 4 : 7).map(({ packetIdentifier }) => packetIdentifier)
        )
        const heard = numbers(first)
        const wasTold = first.of(9).length > 0
        await stage.crash(cut)
        play = new Play(stage)
        play.published.push(...published)
        const second = stage.connect("s", { receiveMaximum })
        if (!wasTold) return
        for (const each of after) play.step(all(each), second)
        second.peer.unstall()
        play.publish({ kind: 0, topic: 0, qos })
        stage.settle()
        const got = [...heard, ...numbers(second)]
        for (const [i, { topic }] of play.published.entries()) {
          const times = got.filter((each) => each === i).length
          // The publisher's first packet identifier is 1.
          const isKept = i >= published.length || isAcknowledged.has(i + 1)
          if (isHistory(topic) && isKept) assert.isAtLeast(times, 1, `${i} is missing`)
          if (qos === 2) {
            const again = second.messages.filter(
              ({ duplicate, payload }) => duplicate && Number(payload.toString()) === i
            )
            assert.isAtMost(times - again.length, 1, `${i} came twice`)
          }
        }
        assert.strictEqual(stage.world.core.sessions.get("s")?.replayCursors.length, 0)
      }
    )
    await fc.assert(property, { numRuns: HISTORIES })
  })

  for (const isSaved of [false, true]) {
    it(`that is over stays over at QoS 2 after a crash, ${isSaved ? "" : "no "}cursor saved since`, async () => {
      const stage = new Stage()
      const play = new Play(stage)
      for (let i = 0; i < 3; i++) play.publish({ kind: 0, topic: 0, qos: 2 })
      stage.settle()
      const first = stage.connect("s")
      first.subscribe("$replay/earliest/h/a", { qos: 2 })
      stage.settle()
      for (let i = 0; i < 3; i++) play.publish({ kind: 0, topic: 0, qos: 2 })
      stage.settle()
      assert.deepEqual(numbers(first), [0, 1, 2, 3, 4, 5])
      if (isSaved) flushCursors(stage.world.core, Number.POSITIVE_INFINITY)
      stage.settle()
      await stage.crash(0)
      const again = new Play(stage)
      const second = stage.connect("s")
      again.publisher.publish("h/a", "6", { qos: 2 })
      stage.settle()
      assert.deepEqual(numbers(second), [6])
    })
  }

  it("goes on where it was when the client comes back", () => {
    const stage = new Stage()
    const play = new Play(stage)
    for (let i = 0; i < 10; i++) play.publish({ kind: 0, topic: 0, qos: 1 })
    stage.settle()
    const first = stage.connect("s", { receiveMaximum: 2 })
    first.acknowledges = false
    first.subscribe("$replay/earliest/h/a", { qos: 1, subscriptionIdentifier: 3 })
    stage.settle()
    assert.deepEqual(numbers(first), [0, 1])
    first.peer.cut()
    for (let i = 0; i < 3; i++) play.publish({ kind: 0, topic: 0, qos: 1 })
    const second = stage.connect("s")
    stage.settle()
    assert.deepEqual(
      numbers(second),
      Array.from({ length: 13 }, (_, i) => i)
    )
    assert.deepEqual(
      second.messages.slice(0, 3).map(({ duplicate, identifiers }) => [duplicate, identifiers]),
      [
        [true, [3]],
        [true, [3]],
        [false, [3]]
      ]
    )
  })

  it("leaves the session's other subscriptions alone, and one copy is enough once it is over", () => {
    const stage = new Stage()
    const play = new Play(stage)
    for (let i = 0; i < 6; i++) play.publish({ kind: 0, topic: 0, qos: 1 })
    stage.settle()
    const client = stage.connect("s", { receiveMaximum: 10 })
    client.subscribe("h/a", { qos: 1, subscriptionIdentifier: 1 })
    stage.settle()
    client.acknowledges = false
    client.subscribe("$replay/@4/h/a", { qos: 1, subscriptionIdentifier: 2 })
    stage.settle()
    assert.deepEqual(numbers(client), [4, 5])
    play.publish({ kind: 0, topic: 0, qos: 1 })
    play.publish({ kind: 0, topic: 0, qos: 0 })
    stage.settle()
    assert.deepEqual(numbers(client), [4, 5, 6, 7])
    assert.deepEqual(
      client.messages.slice(2).map(({ identifiers }) => [...identifiers].sort()),
      [
        [1, 2],
        [1, 2]
      ]
    )
  })

  it("begins again when it is asked for again, or not, as Retain Handling says", () => {
    const stage = new Stage()
    const play = new Play(stage)
    for (let i = 0; i < 3; i++) play.publish({ kind: 0, topic: 0, qos: i })
    stage.settle()
    const client = stage.connect("s")
    client.subscribe("$replay/earliest/h/#", { qos: 1 })
    stage.settle()
    client.subscribe("$replay/earliest/h/#", { qos: 1, retainHandling: 1 })
    client.subscribe("$replay/earliest/h/#", { qos: 1, retainHandling: 2 })
    stage.settle()
    assert.deepEqual(numbers(client), [0, 1, 2])
    client.subscribe("$replay/@1/h/#", { qos: 1, retainHandling: 2 })
    stage.settle()
    assert.deepEqual(numbers(client), [0, 1, 2])
    client.subscribe("$replay/earliest/h/#", { qos: 1 })
    stage.settle()
    assert.deepEqual(numbers(client), [0, 1, 2, 0, 1, 2])
  })

  it("ends with UNSUBSCRIBE of the same text, and the ledger knows what waited", () => {
    const stage = new Stage()
    const play = new Play(stage)
    for (let i = 0; i < 5; i++) play.publish({ kind: 0, topic: 0, qos: 1 })
    stage.settle()
    const client = stage.connect("s", { receiveMaximum: 2 })
    client.acknowledges = false
    client.subscribe("$replay/earliest/h/a", { qos: 1 })
    stage.settle()
    for (let i = 0; i < 3; i++) play.publish({ kind: 0, topic: 0, qos: 1 })
    client.unsubscribe("h/a")
    client.unsubscribe("$replay/earliest/h/a")
    client.acknowledges = true
    for (const { packetIdentifier } of client.messages) client.acknowledge(4, packetIdentifier)
    stage.settle()
    play.publish({ kind: 0, topic: 0, qos: 1 })
    stage.settle()
    assert.deepEqual(numbers(client), [0, 1])
    assert.deepEqual(
      client.of(11).flatMap(({ codes }) => codes),
      [0x11, 0]
    )
    assert.strictEqual(stage.world.dropped("s", DropReason.unsubscribedBacklog), 3)
    assert.strictEqual(stage.world.core.router.find("h/a"), undefined)
  })

  it("waits until what came before is as safe as it will be", () => {
    const stage = new Stage()
    const play = new Play(stage)
    stage.settle()
    const client = stage.connect("s", { sessionExpirySeconds: 0 })
    play.publish({ kind: 0, topic: 0, qos: 1 })
    client.subscribe("$replay/earliest/h/a", { qos: 1 })
    stage.world.run()
    assert.deepEqual(
      client.of(9).flatMap(({ codes }) => codes),
      [1]
    )
    assert.deepEqual(numbers(client), [])
    stage.store.promise()
    stage.world.run()
    assert.deepEqual(numbers(client), [0])
  })

  it("passes over what has expired, what is gone, and its own with No Local", () => {
    const stage = new Stage()
    const play = new Play(stage)
    play.publisher.publish("h/a", "0", { qos: 1, expirySeconds: 5 })
    for (const text of ["1", "2"]) play.publisher.publish("h/a", text, { qos: 1 })
    stage.settle()
    const client = stage.connect("s")
    client.publish("h/a", "3", { qos: 1 })
    stage.settle()
    stage.store.log.dropped.add(1)
    stage.world.advance(6000)
    client.subscribe("$replay/earliest/h/a", { qos: 1, noLocal: true })
    stage.settle()
    assert.deepEqual(numbers(client), [2])
    assert.strictEqual(stage.world.rows("s").length, 0)
  })

  it("needs what it has not read yet, and what it was sent", async () => {
    const stage = new Stage()
    const play = new Play(stage)
    for (let i = 0; i < 6; i++) play.publish({ kind: 0, topic: i === 5 ? 1 : 0, qos: 1 })
    stage.settle()
    const client = stage.connect("s", { receiveMaximum: 2 })
    client.acknowledges = false
    client.subscribe("$replay/@1/h/a", { qos: 1 })
    stage.settle()
    assert.deepEqual(numbers(client), [1, 2])
    const preparing = Effect.runPromise(livenessRoots(stage.world.core).prepare())
    stage.store.promise()
    const { held, neededFrom } = await preparing
    const { log } = stage.store
    assert.deepEqual([...held], [1, 2])
    assert.strictEqual(neededFrom(log.topicId("h/a")), 3)
    assert.strictEqual(neededFrom(log.topicId("h/b")), log.next)
  })
})

const rising = (a: number, b: number): number => a - b
