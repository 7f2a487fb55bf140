/**
 * Records that are alike are judged once: a session that comes back gets the same, whether the window makes the broker
 * judge each message by itself (a window of one: every call of the pump hands over one) or lets it take them in runs.
 *
 * PROMPTMQ_HISTORIES says how many (default 400), PROMPTMQ_SEED repeats a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { waitingMessages } from "../../src/broker/session-mode.ts"
import { Counter } from "../../src/metrics/counters.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { SessionMode } from "../../src/session/session.ts"
import type { SubscribeOptions } from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const HISTORIES = Number(process.env["PROMPTMQ_HISTORIES"] ?? 400)
const SEED = Number(process.env["PROMPTMQ_SEED"] ?? Math.floor(Math.random() * 0x7fff_ffff))

type Version = 4 | 5

/** Several messages in a row that differ in their bytes only. */
interface Batch {
  readonly from: "p" | "q" | "s"
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
  readonly sizes: ReadonlyArray<number>
  readonly expirySeconds: number
}

interface Change {
  readonly filter: string
  /** Undefined: unsubscribes. */
  readonly options: Omit<SubscribeOptions, "filter"> | undefined
}

interface History {
  readonly versions: readonly [publisher: Version, session: Version]
  readonly maximumPacketSize: number | undefined
  readonly steps: ReadonlyArray<Batch | Change>
}

const isBatch = (step: Batch | Change): step is Batch => "sizes" in step

const version = fc.constantFrom<Version>(4, 5)
/** On both sides of 127, where the Remaining Length takes a second byte. */
const size = fc.constantFrom(0, 3, 60, 110, 121, 122, 123, 130, 400)
const batch: fc.Arbitrary<Batch> = fc.record({
  from: fc.constantFrom("p", "p", "p", "q", "s"),
  topic: fc.constantFrom("a", "a", "a", "b"),
  qos: fc.constantFrom(1, 1, 1, 1, 2, 0),
  retain: fc.constantFrom(false, false, false, true),
  sizes: fc.array(size, { minLength: 1, maxLength: 8 }),
  expirySeconds: fc.constantFrom(-1, -1, -1, 5, 5000)
})
const change: fc.Arbitrary<Change> = fc.record({
  filter: fc.constantFrom("a", "a", "+", "b"),
  options: fc.option(
    fc.record({
      qos: fc.constantFrom(0, 1, 1, 2),
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      retainHandling: fc.constant(2),
      subscriptionIdentifier: fc.constantFrom(0, 0, 0, 7)
    }),
    { nil: undefined, freq: 5 }
  )
})
const history: fc.Arbitrary<History> = fc.record({
  versions: fc.tuple(version, version),
  maximumPacketSize: fc.constantFrom(undefined, undefined, 140),
  steps: fc.array(fc.oneof({ arbitrary: batch, weight: 3 }, { arbitrary: change, weight: 1 }), { maxLength: 14 })
})

const subscribe = (client: TestClient, { filter, options }: Change, own: Version): void => {
  if (options === undefined) client.unsubscribe(filter)
  else if (own === 4) client.subscribe(filter, { qos: options.qos ?? 0 })
  else {
    const { subscriptionIdentifier, ...rest } = options
    client.subscribe(filter, subscriptionIdentifier === 0 ? rest : options)
  }
}

/** What the session is sent when it comes back, and what is told of that. */
const outcome = ({ maximumPacketSize, steps, versions }: History, window: number) => {
  const [published, own] = versions
  const world = new World()
  const come = (receiveMaximum: number): TestClient => {
    world.core.limits = { ...world.core.limits, inFlightMax: receiveMaximum }
    const sizes = maximumPacketSize === undefined || own === 4 ? {} : { maximumPacketSize }
    const session = own === 5 ? { sessionExpirySeconds: 1000, receiveMaximum, ...sizes } : {}
    const client = new TestClient(world, { clientIdentifier: "s", version: own, ...session })
    world.run()
    return client
  }
  // It is there and acknowledges nothing: one message takes its window, all others wait.
  const first = come(1)
  first.acknowledges = false
  first.subscribe("a", { qos: 1 })
  const publishers = {
    p: new TestClient(world, { clientIdentifier: "p", version: published, cleanStart: true }),
    q: new TestClient(world, { clientIdentifier: "q", version: published, cleanStart: true }),
    s: first
  }
  world.run()
  publishers.p.publish("a", "first", { qos: 1 })
  let number = 0
  for (const step of steps) {
    if (isBatch(step)) {
      const expires = step.expirySeconds > 0 && published === 5 && step.from !== "s"
      for (const bytes of step.sizes) {
        const payload = `${number++}`.padEnd(bytes, ".")
        const { expirySeconds, qos, retain } = step
        publishers[step.from].publish(step.topic, payload, { qos, retain, ...(expires ? { expirySeconds } : {}) })
      }
    } else subscribe(first, step, own)
    world.run()
  }
  first.peer.cut()
  world.advance(10_000)
  const before = [...world.core.count]
  const second = come(window)
  world.run()
  const session = world.core.sessions.get("s")
  assert.isDefined(session)
  assert.strictEqual(session.mode, SessionMode.live)
  const counted = [Counter.messagesOut, Counter.messagesOut + 1, Counter.messagesOut + 2, Counter.payloadOut]
  return {
    messages: second.messages.map(({ duplicate, expirySeconds, identifiers, payload, qos, retain, topic }) => {
      return { topic, payload: payload.toString(), qos, retain, duplicate, identifiers, expirySeconds }
    }),
    counts: [Counter.packetsOut + 3, Counter.bytesOut, ...counted].map(
      (at) => (world.core.count[at] as number) - (before[at] as number)
    ),
    waiting: waitingMessages(session),
    dropped: world.rows("s").map(({ count, reason, topic }) => ({ count, reason, topic }))
  }
}

describe("records that are alike", () => {
  it("come as if each had been judged by itself", () => {
    const property = fc.property(history, (each) => {
      const bySelf = outcome(each, 1)
      const inRuns = outcome(each, 1000)
      assert.deepEqual(inRuns, bySelf)
    })
    fc.assert(property, { numRuns: HISTORIES, seed: SEED })
  })

  it("are judged anew where the options change [MQTT-3.8.4-3]", () => {
    const steps = [
      { from: "p", topic: "a", qos: 1, retain: false, sizes: [9, 9, 9, 9], expirySeconds: -1 },
      { filter: "a", options: { qos: 0 } },
      { from: "p", topic: "a", qos: 1, retain: false, sizes: [9, 9, 9, 9], expirySeconds: -1 },
      { filter: "a", options: { qos: 1, subscriptionIdentifier: 7 } },
      { from: "p", topic: "a", qos: 1, retain: false, sizes: [9, 9, 9, 9], expirySeconds: -1 }
    ] as const
    const { messages } = outcome({ versions: [5, 5], maximumPacketSize: undefined, steps }, 1000)
    assert.deepEqual(
      messages.map(({ identifiers, payload }) => `${Number.parseInt(payload, 10)} ${identifiers}`),
      ["NaN ", "0 ", "1 ", "2 ", "3 ", "8 7", "9 7", "10 7", "11 7"]
    )
  })

  it("are judged anew where a subscription has ended [MQTT-3.3.1-13]", () => {
    const alike = { from: "p", topic: "a", qos: 1, retain: true, sizes: [9, 9, 9, 9], expirySeconds: -1 } as const
    const steps = [
      { filter: "+", options: { qos: 1, retainAsPublished: true, retainHandling: 2 } },
      alike,
      { filter: "+", options: undefined },
      alike
    ]
    const { messages } = outcome({ versions: [5, 5], maximumPacketSize: undefined, steps }, 1000)
    assert.deepEqual(
      messages.slice(1).map(({ retain }) => retain),
      [true, true, true, true, false, false, false, false]
    )
  })

  it("are not alike where their publisher came back with another version of the protocol", () => {
    const world = new World()
    const come = (clientIdentifier: string, version: Version): TestClient => {
      const client = new TestClient(world, { clientIdentifier, version, ...(version === 5 ? lasting : {}) })
      world.run()
      return client
    }
    const lasting = { sessionExpirySeconds: 1000 }
    const first = come("s", 5)
    first.subscribe("a", { qos: 1 })
    world.run()
    first.peer.cut()
    for (const version of [5, 4, 5] as const) {
      const publisher = come("p", version)
      for (let i = 0; i < 4; i++) publisher.publish("a", `${version} ${i}`, { qos: 1 })
      world.run()
      publisher.peer.cut()
    }
    const { texts } = come("s", 5)
    assert.deepEqual(
      texts,
      [5, 4, 5].flatMap((version) => [0, 1, 2, 3].map((i) => `${version} ${i}`))
    )
  })

  it("do not take along what the session published itself under No Local [MQTT-3.8.3-3]", () => {
    const alike = { topic: "a", qos: 1, retain: false, sizes: [9, 9, 9], expirySeconds: -1 } as const
    const steps = [
      { filter: "a", options: { qos: 1, noLocal: true } },
      { ...alike, from: "p" },
      { ...alike, from: "s" },
      { ...alike, from: "q" }
    ] as const
    const { messages } = outcome({ versions: [5, 5], maximumPacketSize: undefined, steps }, 1000)
    assert.deepEqual(
      messages.slice(1).map(({ payload }) => Number.parseInt(payload, 10)),
      [0, 1, 2, 6, 7, 8]
    )
  })

  it("do not take one along that has expired or is too large", () => {
    const alike = { from: "p", topic: "a", qos: 1, retain: false, expirySeconds: -1 } as const
    const steps = [
      { ...alike, sizes: [9, 9, 9, 400, 9] },
      { ...alike, sizes: [9], expirySeconds: 5 },
      { ...alike, sizes: [9] }
    ]
    const { dropped, messages } = outcome({ versions: [5, 5], maximumPacketSize: 140, steps }, 1000)
    assert.deepEqual(
      messages.slice(1).map(({ payload }) => Number.parseInt(payload, 10)),
      [0, 1, 2, 4, 6]
    )
    assert.sameMembers(
      dropped.map(({ reason }) => reason),
      [DropReason.packetTooLarge, DropReason.messageExpired]
    )
  })
})
