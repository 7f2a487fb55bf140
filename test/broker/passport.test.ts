/**
 * Goal: the passport of a logged message says of everybody who was to get it what became of it, and "unknown" where that
 * cannot be known.
 * Method: a broker without time or sockets is brought into each state; one test holds the passport against what clients
 * really got, over random histories.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { passport, readPassport } from "../../src/broker/passport.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { TestClient } from "./test-client.ts"
import { World, type WorldOptions } from "./world.ts"

const session = { sessionExpirySeconds: 1000 }

const setUp = (options: WorldOptions = {}) => {
  const world = new World(options)
  const connect = (clientIdentifier: string, more: Partial<ConstructorParameters<typeof TestClient>[1]> = session) => {
    const client = new TestClient(world, { clientIdentifier, ...more })
    world.run()
    return client
  }
  /** By client or share: "in flight: packet identifier 1". */
  const stated = (sequence: number) =>
    Object.fromEntries(
      (passport(world.core, sequence)?.deliveries ?? []).map(({ clientIdentifier, detail, share, state }) => [
        share === null ? clientIdentifier : `${share}/${clientIdentifier}`,
        `${state}: ${detail}`
      ])
    )
  return { world, connect, stated }
}

describe("a passport", () => {
  it("tells the message, and who has it, waits for it, or has it in flight", () => {
    const { connect, stated, world } = setUp()
    const [done, away, slow] = [connect("done"), connect("away"), connect("slow")]
    for (const client of [done, away, slow]) client.subscribe("plant/#", { qos: 2 })
    connect("other").subscribe("else", { qos: 1 })
    connect("late")
    world.run()
    away.disconnect()
    slow.acknowledges = false
    const publisher = connect("publisher")
    publisher.publish("plant/1", "first", { qos: 1, expirySeconds: 60 })
    publisher.publish("plant/1", "second", { qos: 1 })
    world.run()
    connect("later").subscribe("plant/#", { qos: 1 })
    world.run()
    assert.deepStrictEqual(stated(1), {
      done: "done: acknowledged",
      away: "waiting: at most 1 before it",
      slow: "in flight: packet identifier 2"
    })
    assert.propertyVal(stated(0), "away", "waiting: it is next")
    const told = passport(world.core, 0)
    assert.deepInclude(told, {
      sequence: 0,
      topic: "plant/1",
      qos: 1,
      retain: false,
      publisher: "publisher",
      expiresAt: new Date(world.wallMs + 60_000).toISOString(),
      payload: { encoding: "utf8", value: "first", sizeBytes: 5, isCut: false },
      matched: 3,
      isDurable: false
    })
  })

  it("tells QoS 2 that was received and not completed", () => {
    const { connect, stated, world } = setUp()
    const reader = connect("b")
    reader.subscribe("t", { qos: 2 })
    const publisher = connect("a")
    world.run()
    reader.acknowledges = false
    publisher.publish("t", "x", { qos: 2 })
    world.run()
    reader.acknowledge(5, 1)
    world.run()
    assert.deepStrictEqual(stated(0), { b: "received: packet identifier 1" })
  })

  it("tells a drop with its reason, of a session that is there and of one that is gone", () => {
    const { connect, stated, world } = setUp()
    const small = connect("small", { ...session, maximumPacketSize: 40 })
    const gone = connect("gone")
    const expired = connect("expired")
    for (const client of [small, gone, expired]) client.subscribe("t", { qos: 1 })
    world.run()
    for (const client of [gone, expired]) client.disconnect()
    connect("a").publish("t", "x".repeat(100), { qos: 1, expirySeconds: 5 })
    world.run()
    world.advance(6000)
    connect("expired", { ...session, cleanStart: false })
    connect("gone", { ...session, cleanStart: true })
    world.run()
    assert.deepStrictEqual(stated(0), {
      small: "dropped: packet-too-large",
      expired: "dropped: message-expired",
      gone: "dropped: session-cleaned"
    })
  })

  it("[PSP-1] a range of drops that may include it is told as unknown", () => {
    const { connect, stated, world } = setUp()
    const reader = connect("b")
    reader.subscribe("t", { qos: 1 })
    world.run()
    const publisher = connect("a")
    for (let i = 0; i < 3; i++) publisher.publish("t", "x", { qos: 1 })
    world.run()
    world.core.ledger.add(DropReason.overtaken, "b", "", 2, world.wallMs, 0, 2)
    assert.deepStrictEqual(stated(1), { b: "unknown: acknowledged, or one of 2 dropped: overtaken" })
  })

  it("[PSP-1] what was done with before the broker's start is unknown", () => {
    const first = setUp()
    const reader = first.connect("b")
    reader.subscribe("t", { qos: 1 })
    first.connect("a").publish("t", "x", { qos: 1 })
    first.world.run()
    const { connect, stated, world } = setUp({ log: first.world.log })
    assert.strictEqual(world.core.bornAt, 1)
    const again = connect("b")
    again.subscribe("t", { qos: 1 })
    world.run()
    connect("a").publish("t", "y", { qos: 1 })
    world.run()
    assert.deepStrictEqual(stated(0), {}, "it subscribed after that message")
    assert.deepStrictEqual(stated(1), { b: "done: acknowledged" })
    const kept = world.core.sessions.get("b")?.subscriptions.get("t")
    kept?.bringBack([
      {
        qos: 1,
        noLocal: false,
        retainAsPublished: false,
        subscriptionIdentifier: 0,
        from: 0,
        to: Number.POSITIVE_INFINITY
      }
    ])
    assert.deepStrictEqual(stated(0), { b: "unknown: done with before the broker's last start" })
  })

  it("tells No Local and QoS 0 as what they are", () => {
    const { connect, stated, world } = setUp()
    const own = connect("own")
    own.subscribe("t", { qos: 1, noLocal: true })
    connect("zero").subscribe("t", { qos: 0 })
    connect("one").subscribe("t", { qos: 1 })
    world.run()
    own.publish("t", "x", { qos: 1 })
    world.run()
    assert.deepStrictEqual(Object.keys(stated(0)).sort(), ["one", "zero"])
    assert.match(stated(0)["zero"] ?? "", /^unknown: QoS 0/)
  })

  it("tells which member of a shared subscription has it, or that it waits for one", () => {
    const { connect, stated, world } = setUp()
    const member = connect("m", { ...session, receiveMaximum: 1 })
    member.subscribe("$share/team/t", { qos: 1 })
    const publisher = connect("a")
    world.run()
    member.acknowledges = false
    for (const text of ["1", "2"]) publisher.publish("t", text, { qos: 1 })
    world.run()
    assert.deepStrictEqual(stated(0), { "team/m": "in flight: packet identifier 1" })
    assert.deepStrictEqual(stated(1), { "team/": "waiting: it is next" })
    member.acknowledge(4, 1)
    world.run()
    assert.deepStrictEqual(stated(0), { "team/": "done: acknowledged" })
  })

  it("is about nothing where the log has no message", async () => {
    const { world } = setUp()
    for (const sequence of [-1, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.isUndefined(passport(world.core, sequence))
      assert.isUndefined(await Effect.runPromise(readPassport(world.core, sequence)))
    }
  })

  it("waits for a record that lies on the disk", async () => {
    const { connect, world } = setUp()
    connect("b").subscribe("t", { qos: 1 })
    connect("a").publish("t", "x", { qos: 1 })
    world.run()
    let isLoaded = false
    world.core.log.isReady = () => isLoaded
    world.core.log.load = (_sequence, done) => {
      isLoaded = true
      queueMicrotask(done)
    }
    assert.isUndefined(passport(world.core, 0))
    assert.strictEqual((await Effect.runPromise(readPassport(world.core, 0)))?.topic, "t")
  })

  it("shows 1,000 and counts all", () => {
    const { connect, world } = setUp()
    for (let i = 0; i < 1100; i++) connect(`c${i}`).subscribe("t", { qos: 1 })
    world.run()
    connect("a").publish("t", "x", { qos: 1 })
    world.run()
    const told = passport(world.core, 0)
    assert.lengthOf(told?.deliveries ?? [], 1000)
    assert.strictEqual(told?.matched, 1100)
  })

  it("is what clients really got, whatever happened before", () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant("publish" as const),
          topic: fc.constantFrom("x", "y"),
          qos: fc.constantFrom(1, 2)
        })
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("leave", "come", "mute", "speak"), who: fc.nat(2) }) }
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { connect, world } = setUp()
        const readers = ["r0", "r1", "r2"].map((name) => ({
          client: connect(name, { ...session, receiveMaximum: 2 }),
          got: new Set<string>(),
          isHere: true,
          isMute: false,
          name
        }))
        const follow = (reader: (typeof readers)[number]) => {
          reader.client.acknowledges = !reader.isMute
          for (const text of reader.client.texts) reader.got.add(text)
          reader.client.onMessage = ({ payload }) => {
            reader.got.add(payload.toString())
          }
        }
        readers.forEach((reader, i) => {
          reader.client.subscribe(i === 2 ? "x" : "#", { qos: 2 })
          follow(reader)
        })
        const publisher = connect("publisher")
        world.run()
        let count = 0
        for (const each of steps) {
          if (each.do === "publish") publisher.publish(each.topic, `${count++}`, { qos: each.qos })
          else {
            const reader = readers[each.who]
            if (reader === undefined) continue
            if (each.do === "leave" && reader.isHere) reader.client.disconnect()
            if (each.do === "come" && !reader.isHere)
              reader.client = connect(reader.name, { ...session, receiveMaximum: 2, cleanStart: false })
            if (each.do === "leave") reader.isHere = false
            if (each.do === "come") reader.isHere = true
            if (each.do === "mute") reader.isMute = true
            if (each.do === "speak") reader.isMute = false
            follow(reader)
          }
          world.run()
        }
        for (let sequence = world.log.first; sequence < world.log.next; sequence++) {
          const told = passport(world.core, sequence)
          const text = told?.payload.value ?? ""
          for (const { clientIdentifier, state } of told?.deliveries ?? []) {
            const reader = readers.find(({ name }) => name === clientIdentifier)
            const hasGot = reader?.got.has(text) === true
            assert.strictEqual(hasGot, state !== "waiting", `${clientIdentifier} ${text}: ${state}`)
          }
          const expected = told?.topic === "x" ? 3 : 2
          assert.strictEqual(told?.matched, expected)
        }
      }),
      { numRuns: 200 }
    )
  })
})
