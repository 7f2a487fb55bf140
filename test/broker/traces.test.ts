/**
 * Goal: a live trace tells what becomes of each message it is about, step by step and nothing else, within its bounds;
 * while none runs there is nothing in the way of a message.
 * Method: a broker without time or sockets; the steps are read as the admin API reads them.
 */
import { assert, describe, it } from "@effect/vitest"
import { type TraceInfo, type TraceLimits, type TraceRequest, Traces } from "../../src/broker/traces.ts"
import { TestClient } from "./test-client.ts"
import { World, type WorldOptions } from "./world.ts"

const wide: TraceLimits = { tracesMax: 4, stepsMax: 1000, secondsMax: 60, bytesMax: 1_000_000, payloadBytesMax: 8 }

const setUp = (limits: Partial<TraceLimits> = {}, options: WorldOptions = {}) => {
  const world = new World(options)
  const traces = new Traces(world.core, () => ({ ...wide, ...limits }))
  const connect = (clientIdentifier: string, more: Partial<ConstructorParameters<typeof TestClient>[1]> = {}) => {
    const client = new TestClient(world, { clientIdentifier, ...more })
    world.run()
    return client
  }
  const start = (request: TraceRequest = {}): TraceInfo => {
    const started = traces.start(request, "tester")
    if ("fact" in started) throw new Error(started.fact)
    return started
  }
  /** "sent to b: packet identifier 1" */
  const told = (id: string) =>
    (traces.steps(id)?.steps ?? []).map(({ clientIdentifier, detail, step }) =>
      `${step} ${clientIdentifier}: ${detail}`.trim()
    )
  return { world, traces, connect, start, told }
}

describe("a trace by topic", () => {
  it("tells a QoS 1 message to a live subscriber from accepted to acknowledged", () => {
    const { connect, start, told, traces, world } = setUp()
    const reader = connect("b")
    reader.subscribe("plant/+", { qos: 1 })
    const publisher = connect("a")
    world.run()
    const { id } = start({ topic: "plant/#" })
    publisher.publish("plant/1", "on", { qos: 1 })
    publisher.publish("other", "on", { qos: 1 })
    world.run()
    assert.deepStrictEqual(told(id), [
      "accepted a: 2 bytes",
      "matched a: 1 subscription",
      "sent b: packet identifier 1",
      "acknowledged b: PUBACK"
    ])
    const steps = traces.steps(id)?.steps ?? []
    assert.deepStrictEqual(
      steps.map(({ number }) => number),
      [1, 2, 3, 4]
    )
    assert.strictEqual(new Set(steps.map(({ message }) => message)).size, 1)
    assert.isNull(steps[0]?.sequence)
    assert.strictEqual(steps[0]?.at, new Date(world.wallMs).toISOString())
  })

  it("tells QoS 2 to its completion", () => {
    const { connect, start, told, world } = setUp()
    connect("b").subscribe("t", { qos: 2 })
    const publisher = connect("a")
    world.run()
    const { id } = start({ topic: "t" })
    publisher.publish("t", "", { qos: 2 })
    world.run()
    assert.deepStrictEqual(told(id).slice(2), [
      "sent b: packet identifier 1",
      "acknowledged b: PUBREC",
      "completed b: PUBCOMP"
    ])
  })

  it("tells who was away from a message at QoS 0, which nobody keeps", () => {
    const { connect, start, told, world } = setUp()
    const reader = connect("b", { sessionExpirySeconds: 100 })
    reader.subscribe("t", { qos: 1 })
    connect("c").subscribe("t", { qos: 1 })
    world.run()
    reader.disconnect()
    const publisher = connect("a")
    const { id } = start({ topic: "t" })
    publisher.publish("t", "x", { qos: 0 })
    world.run()
    assert.deepStrictEqual(told(id), [
      "accepted a: 1 bytes",
      "matched a: 2 subscriptions",
      "sent c: QoS 0",
      "dropped b: it is away, and nothing is kept at QoS 0"
    ])
  })

  it("tells what waits for an absent session, and its delivery after the return, as one message", () => {
    const { connect, start, told, traces, world } = setUp()
    const session = { sessionExpirySeconds: 100 }
    const reader = connect("b", session)
    reader.subscribe("t", { qos: 1 })
    world.run()
    reader.disconnect()
    const publisher = connect("a")
    const { id } = start({ topic: "t" })
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    assert.deepStrictEqual(told(id), [
      "accepted a: 1 bytes",
      "matched a: 1 subscription",
      "logged a: sequence 0",
      "committed a:",
      "queued b: until it is back"
    ])
    connect("b", { ...session, cleanStart: false })
    world.run()
    assert.deepStrictEqual(told(id).slice(5), ["sent b: packet identifier 1", "acknowledged b: PUBACK"])
    const steps = traces.steps(id)?.steps ?? []
    assert.deepStrictEqual([...new Set(steps.map(({ sequence }) => sequence))], [0])
    assert.deepStrictEqual([...new Set(steps.map(({ message }) => message))], [0])
  })

  it("tells a session that falls back, and gives the steps before it the place in the log", () => {
    const { connect, start, told, traces, world } = setUp()
    const quick = connect("c")
    quick.subscribe("t", { qos: 1 })
    const reader = connect("b", { receiveMaximum: 1, sessionExpirySeconds: 9 })
    reader.subscribe("+", { qos: 1 })
    const publisher = connect("a")
    world.run()
    reader.acknowledges = false
    publisher.publish("t", "1", { qos: 1 })
    world.run()
    const { id } = start({ topic: "t" })
    publisher.publish("t", "2", { qos: 1 })
    world.run()
    assert.deepStrictEqual(told(id), [
      "accepted a: 1 bytes",
      "matched a: 2 subscriptions",
      "logged a: sequence 1",
      "committed a:",
      "sent c: packet identifier 2",
      "queued b: it is behind",
      "acknowledged c: PUBACK"
    ])
    reader.acknowledge(4, 1)
    world.run()
    assert.deepStrictEqual(told(id).slice(7), ["sent b: packet identifier 2"])
    assert.deepStrictEqual([...new Set((traces.steps(id)?.steps ?? []).map(({ message }) => message))], [1])
  })

  it("tells what waits in memory, and which message it is when it leaves", () => {
    const { connect, start, told, traces, world } = setUp()
    const reader = connect("b", { receiveMaximum: 1 })
    reader.subscribe("#", { qos: 1 })
    const publisher = connect("a")
    world.run()
    reader.acknowledges = false
    for (const text of ["1", "2"]) publisher.publish("t", text, { qos: 1 })
    world.run()
    const { id } = start({ topic: "t" })
    publisher.publish("t", "3", { qos: 1 })
    publisher.publish("else", "4", { qos: 1 })
    publisher.publish("t", "5", { qos: 1 })
    world.run()
    reader.acknowledges = true
    reader.acknowledge(4, 1)
    world.run()
    assert.deepStrictEqual(reader.texts, ["1", "2", "3", "4", "5"])
    const steps = traces.steps(id)?.steps ?? []
    const sentAs = [...Map.groupBy(steps, ({ message }) => message).values()].map((of) =>
      of.map(({ step }) => step).join(" ")
    )
    // The second was there before the trace began.
    assert.deepStrictEqual(sentAs.sort(), [
      "accepted matched queued sent acknowledged",
      "accepted matched queued sent acknowledged",
      "sent acknowledged"
    ])
    assert.include(told(id), "queued b: until it has room")
  })

  it("tells each frame of a run of QoS 0, with its payload where that was asked for", () => {
    const { connect, start, traces, world } = setUp()
    connect("b").subscribe("t")
    const publisher = connect("a")
    world.run()
    const { id } = start({ topic: "t", withPayload: true })
    publisher.peer.send(Buffer.concat(["one", "two", "nine bytes"].map((text) => qos0("t", text))))
    world.run()
    const steps = traces.steps(id)?.steps ?? []
    const accepted = steps.filter(({ step }) => step === "accepted")
    assert.deepStrictEqual(
      accepted.map(({ payload }) => [payload?.value, payload?.isCut, payload?.sizeBytes]),
      [
        ["one", false, 3],
        ["two", false, 3],
        ["nine byt", true, 10]
      ]
    )
    assert.lengthOf(
      steps.filter(({ clientIdentifier, step }) => step === "sent" && clientIdentifier === "b"),
      3
    )
    assert.strictEqual(new Set(steps.map(({ message }) => message)).size, 3)
  })

  it("tells that a message was retained, and nobody got it", () => {
    const { connect, start, told, world } = setUp()
    const publisher = connect("a")
    const { id } = start({ topic: "t" })
    publisher.publish("t", "x", { qos: 0, retain: true })
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    assert.include(told(id), "retained a: kept as the topic's retained message")
    assert.include(told(id), "dropped : no-subscriber")
  })
})

describe("what is not delivered", () => {
  it("is told with its reason: refused by the rules, refused by the receiver, expired", () => {
    const { connect, start, told, world } = setUp()
    const reader = connect("b", { sessionExpirySeconds: 100 })
    reader.subscribe("t", { qos: 1 })
    const publisher = connect("a")
    world.run()
    const { id } = start({})
    publisher.publish("$forbidden", "x", { qos: 1 })
    assert.deepStrictEqual(told(id), ["accepted a: 1 bytes", "refused a: not-authorized"])
    reader.acknowledges = false
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    reader.acknowledge(4, 1, 0x87)
    world.run()
    assert.include(told(id), "acknowledged b: PUBACK 0x87 Not authorized")
    assert.include(told(id), "dropped b: negative-acknowledgement")
    reader.disconnect()
    publisher.publish("t", "x", { qos: 1, expirySeconds: 1 })
    world.advance(2000)
    connect("b", { sessionExpirySeconds: 100, cleanStart: false })
    world.run()
    assert.strictEqual(told(id).at(-1), "dropped b: message-expired")
  })
})

describe("a trace by client", () => {
  it("is about what it publishes and what it is sent, and about nobody else", () => {
    const { connect, start, told, world } = setUp()
    const [a, b, c] = [connect("a"), connect("b"), connect("c")]
    for (const client of [a, b, c]) client.subscribe("t", { qos: 1 })
    world.run()
    const { id } = start({ client: "b" })
    a.publish("t", "from a", { qos: 1 })
    world.run()
    assert.deepStrictEqual(told(id), ["sent b: packet identifier 1", "acknowledged b: PUBACK"])
    b.publish("t", "from b", { qos: 0 })
    world.run()
    assert.deepStrictEqual(told(id).slice(2), [
      "accepted b: 6 bytes",
      "matched b: 3 subscriptions",
      "sent a: QoS 0",
      "sent b: QoS 0",
      "sent c: QoS 0"
    ])
  })

  it("tells what waits for it while it is away", () => {
    const { connect, start, told, world } = setUp()
    const b = connect("b", { sessionExpirySeconds: 100 })
    b.subscribe("t/#", { qos: 1 })
    world.run()
    b.disconnect()
    const { id } = start({ client: "b" })
    connect("a").publish("t/1", "x", { qos: 1 })
    world.run()
    assert.deepStrictEqual(told(id), ["queued b: until it is back"])
  })
})

describe("bounds", () => {
  it("[TRC-1] steps, bytes, time and number of traces; what does not fit is counted", () => {
    const { connect, start, traces, world } = setUp({ tracesMax: 2, stepsMax: 3 })
    const publisher = connect("a")
    const { id } = start({ stepsMax: 3 })
    for (let i = 0; i < 4; i++) publisher.publish("t", "x", { qos: 0 })
    world.run()
    assert.deepInclude(traces.list()[0], { steps: 3, stepsLeftOut: 5, state: "running" })
    const second = start({ seconds: 1 })
    const third = traces.start({}, "tester")
    assert.propertyVal(third, "reason", "busy")
    world.advance(1100)
    assert.strictEqual(traces.steps(second.id)?.trace.state, "ended")
    start({ client: "z" })
    assert.isUndefined(traces.steps(second.id), "the one that ended gave up its place")
    assert.isDefined(traces.steps(id))
  })

  it("[TRC-1] a trace holds no more than its bytes", () => {
    const { connect, start, traces, world } = setUp({ bytesMax: 1000 })
    const publisher = connect("a")
    start({})
    for (let i = 0; i < 10; i++) publisher.publish("t".repeat(100), "x", { qos: 0 })
    world.run()
    assert.isAtMost(traces.list()[0]?.steps ?? 0, 2)
    assert.isAtLeast(traces.list()[0]?.stepsLeftOut ?? 0, 18)
  })

  it("what cannot be is refused with its key", () => {
    const { traces } = setUp()
    for (const [request, key] of [
      [{ topic: "a/#/b" }, "topic"],
      [{ seconds: 61 }, "seconds"],
      [{ seconds: Number.NaN }, "seconds"],
      [{ stepsMax: 1001 }, "stepsMax"],
      [{ stepsMax: 0.5 }, "stepsMax"]
    ] as const) {
      assert.deepInclude(traces.start(request, "tester"), { reason: "bad-request", key })
    }
    assert.lengthOf(traces.list(), 0)
  })

  it("without a trace nothing watches; the last one that ends takes the watch away", () => {
    const { start, traces, world } = setUp()
    assert.isUndefined(world.core.watch)
    const first = start({})
    const second = start({ seconds: 2 })
    assert.isTrue(traces.end(first.id))
    assert.isDefined(world.core.watch)
    world.advance(2100)
    assert.isUndefined(world.core.watch)
    assert.isUndefined(world.core.ledger.observer)
    assert.isFalse(traces.end("no such trace"))
    assert.isTrue(traces.end(second.id))
  })

  it("steps are read behind a number, some at a time", () => {
    const { connect, start, traces, world } = setUp()
    const publisher = connect("a")
    const { id } = start({})
    for (let i = 0; i < 3; i++) publisher.publish("t", "x", { qos: 0 })
    world.run()
    const numbers = (after: number, limit?: number) => traces.steps(id, after, limit)?.steps.map(({ number }) => number)
    assert.deepStrictEqual(numbers(2, 2), [3, 4])
    assert.deepStrictEqual(numbers(5), [6])
    assert.deepStrictEqual(numbers(6), [])
  })
})

describe("[TRC-2] looking changes nothing", () => {
  it("clients get the same packets with a trace as without", () => {
    const packetsOf = (isTraced: boolean) => {
      const { connect, start, world } = setUp()
      const reader = connect("b", { receiveMaximum: 2, sessionExpirySeconds: 9 })
      reader.subscribe("t/#", { qos: 2 })
      const publisher = connect("a")
      world.run()
      if (isTraced) start({})
      for (let i = 0; i < 20; i++)
        publisher.publish(`t/${i % 3}`, `${i}`, { qos: (i % 3) as 0 | 1 | 2, retain: i % 5 === 0 })
      world.run()
      return [reader.all, publisher.all].map((all) =>
        all.map(({ payload, ...packet }) => ({ ...packet, payload: payload?.toString() }))
      )
    }
    assert.deepStrictEqual(packetsOf(true), packetsOf(false))
  })
})

const qos0 = (topic: string, payload: string): Buffer => {
  const body = Buffer.concat([
    Buffer.from([0, topic.length]),
    Buffer.from(topic),
    Buffer.from([0]),
    Buffer.from(payload)
  ])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}
