/**
 * Goal: what happened to a client can be read afterwards, while it is connected and while it is away, and nobody can make
 * the broker remember more than it should or forget what matters.
 * Method: the histories alone under floods; then a broker without time brought through each event.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { enforceBan } from "../../src/broker/admission.ts"
import { ClientEvents } from "../../src/broker/client-events.ts"
import { closeClient } from "../../src/broker/disconnect.ts"
import { LOOK_MS, watchQueues } from "../../src/broker/queue-caps.ts"
import { ReasonCode } from "../../src/codec/reason-codes.ts"
import { TestClient } from "./test-client.ts"
import { World, type WorldOptions } from "./world.ts"

describe("histories", () => {
  const connected = (events: ClientEvents, name: string, atMs = 0) =>
    events.add(name, "connected", atMs, "1.2.3.4:5", undefined, "MQTT 5.0")
  const refused = (events: ClientEvents, name: string, detail = "not authorized") =>
    events.add(name, "refused", 0, "6.6.6.6:6", 0x87, detail)

  it("[EVT-1] keep 20 of a client and the given number of all; who was quiet longest is forgotten", () => {
    const events = new ClientEvents(() => 100)
    for (let i = 0; i < 30; i++) connected(events, "busy", i)
    assert.lengthOf(events.of("busy"), 20)
    assert.strictEqual(events.of("busy")[0]?.at, new Date(10).toISOString())
    for (let i = 0; i < 200; i++) connected(events, `c${i}`)
    assert.isAtMost(events.size, 100)
    assert.lengthOf(events.of("busy"), 0)
    assert.lengthOf(events.of("c199"), 1)
    for (let i = 0; i < 100; i++) refused(events, `stranger${i}`)
    assert.isAtMost(events.size, 100)
    assert.isAtLeast(events.size, 95)
  })

  it("[EVT-2] who is never let in pushes nobody out", () => {
    const events = new ClientEvents(() => 100)
    for (let i = 0; i < 60; i++) connected(events, `c${i}`)
    for (let i = 0; i < 10_000; i++) refused(events, `stranger${i}`)
    for (let i = 0; i < 60; i++) assert.lengthOf(events.of(`c${i}`), 1)
    assert.isAtMost(events.size, 65)
    for (let i = 0; i < 1000; i++) refused(events, "c0", i % 2 === 0 ? "one" : "another")
    assert.strictEqual(events.of("c0")[0]?.what, "connected")
    assert.isAtMost(events.of("c0").length, 11)
  })

  it("the same again is counted", () => {
    const events = new ClientEvents(() => 100)
    for (let i = 0; i < 3; i++) refused(events, "a")
    assert.deepStrictEqual(
      events.of("a").map(({ detail }) => detail),
      ["not authorized, 3 times"]
    )
    for (let i = 0; i < 3; i++) events.add("b", "queue-dropped", 0, undefined, undefined, "full", 7)
    assert.deepStrictEqual(
      events.of("b").map(({ detail }) => detail),
      ["21 messages: full"]
    )
  })

  it("what was refused before belongs to the history of who is let in", () => {
    const events = new ClientEvents(() => 100)
    refused(events, "a")
    connected(events, "a")
    assert.deepStrictEqual(
      events.of("a").map(({ what }) => what),
      ["refused", "connected"]
    )
  })

  it("at 0 nothing is kept", () => {
    const events = new ClientEvents(() => 0)
    connected(events, "a")
    refused(events, "b")
    assert.strictEqual(events.size, 0)
  })

  it("[EVT-1] the size is what is kept, under any events", () => {
    const event = fc.tuple(fc.nat(30), fc.constantFrom("connected", "refused", "queue-dropped"), fc.nat(3))
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), fc.nat(50), (all, max) => {
        const events = new ClientEvents(() => max)
        for (const [who, what, detail] of all)
          events.add(`c${who}`, what as "connected", 0, undefined, undefined, `${detail}`)
        const kept = Array.from({ length: 31 }, (_, i) => events.of(`c${i}`).length)
        assert.isAtMost(events.size, max)
        assert.isAtLeast(events.size, Math.max(...kept))
      })
    )
  })
})

describe("the broker writes down", () => {
  const setUp = (options: WorldOptions = {}) => {
    const world = new World(options)
    const connect = (clientIdentifier: string, more: Partial<ConstructorParameters<typeof TestClient>[1]> = {}) => {
      const client = new TestClient(world, { clientIdentifier, ...more })
      world.run()
      return client
    }
    const told = (name: string) =>
      world.core.clientEvents.of(name).map(({ detail, reasonCode, what }) => [what, reasonCode, detail] as const)
    return { world, connect, told }
  }
  const session = { sessionExpirySeconds: 10 }

  it("connects, disconnects with their reason, take-overs and resumptions, with addresses and times", () => {
    const { connect, told, world } = setUp()
    connect("a", session)
    connect("a", { ...session, cleanStart: false, version: 5 }).disconnect(0x04)
    assert.deepStrictEqual(told("a"), [
      ["connected", null, "MQTT 5.0, new session"],
      ["taken-over", 0x8e, "session taken over"],
      ["connected", null, "MQTT 5.0, session resumed"],
      ["disconnected", 0x04, "the client disconnected"]
    ])
    const [first] = world.core.clientEvents.of("a")
    assert.strictEqual(first?.at, new Date(world.wallMs).toISOString())
    assert.isString(first?.address)
  })

  it("lost connections and broken rules", () => {
    const { connect, told, world } = setUp()
    connect("lost").peer.cut()
    const wrong = connect("wrong")
    wrong.peer.send(Buffer.from([0xf0 & 0x0f, 0]))
    world.run()
    assert.strictEqual(told("wrong")[1]?.[0], "disconnected")
    assert.isAtLeast(told("wrong")[1]?.[1] ?? 0, 0x80)
  })

  it("the end of a session that did not come back, with what waited for it", () => {
    const { connect, told, world } = setUp()
    const reader = connect("b", session)
    reader.subscribe("t", { qos: 1 })
    world.run()
    reader.disconnect()
    connect("a").publish("t", "x", { qos: 1 })
    world.run()
    world.advance(11_000)
    assert.deepStrictEqual(told("b").at(-1), ["expired", null, "the session ended, 1 messages waited"])
  })

  it("refusals under the name that CONNECT claims", () => {
    const { connect, told } = setUp({ limits: { connectionsMax: 1 } })
    connect("in")
    connect("out")
    assert.deepStrictEqual(told("out"), [["refused", 0x97, "mqtt.max-connections is reached"]])
  })

  it("kicks and bans", () => {
    const { connect, told, world } = setUp()
    connect("kicked")
    connect("banned")
    const client = world.core.clients.find((each) => each?.session?.clientIdentifier === "kicked")
    if (client !== undefined) closeClient(world.core, client, "server", ReasonCode.administrativeAction, "an operator")
    const ban = { kind: "client" as const, value: "banned", why: "", by: "", createdAtMs: 0, untilMs: undefined }
    world.core.fairness.bans.add(ban, world.wallMs)
    enforceBan(world.core)
    assert.deepStrictEqual(told("kicked").at(-1), ["kicked", 0x98, "an operator"])
    assert.deepStrictEqual(told("banned").at(-1), ["banned", 0x98, "this client id is banned"])
  })

  it("messages that its queue had no room for, as a number", () => {
    const { connect, told, world } = setUp({ limits: { queuedMessagesMax: 2 } })
    watchQueues(world.core)
    const reader = connect("b", { sessionExpirySeconds: 1000 })
    reader.subscribe("t", { qos: 1 })
    world.run()
    reader.disconnect()
    const publisher = connect("a")
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 5; i++) publisher.publish("t", "x", { qos: 1 })
      world.run()
      world.advance(LOOK_MS)
    }
    const drops = told("b").filter(([what]) => what === "queue-dropped")
    assert.lengthOf(drops, 1)
    assert.match(drops[0]?.[2] ?? "", /^8 messages: /)
  })
})
