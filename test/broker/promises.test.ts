/**
 * What leaves when: every packet that says "this is safe with me" comes after the record it speaks of is kept, and
 * then it does come. A durable store whose promise the test moves by hand (test/support/slow-store.ts).
 */
import { assert, describe, it } from "@effect/vitest"
import { Counter } from "../../src/metrics/counters.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { type AppendRefusal, KeepLane } from "../../src/store/ports.ts"
import type * as packets from "./client-packets.ts"
import { slowWorld } from "./slow-world.ts"
import { TestClient } from "./test-client.ts"

const CONNACK = 2
const PUBACK = 4
const PUBREC = 5
const PUBREL = 6
const PUBCOMP = 7
const SUBACK = 9
const UNSUBACK = 11
const PINGRESP = 13
const DISCONNECT = 14
const QUOTA_EXCEEDED = 0x97

const setUp = () => {
  const slow = slowWorld({ acknowledges: false })
  const { connect, settle, store, world } = slow
  const subscriber = (filter: string, qos: number, clientIdentifier = "s"): TestClient => {
    const client = connect(clientIdentifier)
    client.subscribe(filter, { qos })
    settle()
    return client
  }
  /** The packet is not there before its record is kept, and is when it is. */
  const comesWith = (client: TestClient, type: number, record: string): packets.Received => {
    const before = client.of(type).length
    world.run()
    const ticket = store.ticketOf(record)
    assert.isAbove(ticket, store.kept, `${record} is in the log, and not kept`)
    if (ticket > store.kept + 1) store.keep(ticket - store.kept - 1)
    world.run()
    assert.strictEqual(client.of(type).length, before, `nothing leaves before ${record} is kept`)
    store.keep(1)
    world.run()
    assert.strictEqual(client.of(type).length, before + 1, `it leaves when ${record} is kept`)
    return client.of(type).at(-1) as packets.Received
  }
  return { ...slow, subscriber, comesWith }
}

describe("a packet waits until its record is kept", () => {
  it("CONNACK of a session that outlives its connection; another one's comes at once", () => {
    const { comesWith, store, world } = setUp()
    const client = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 10 })
    comesWith(client, CONNACK, "SESSION s")
    const brief = new TestClient(world, { clientIdentifier: "brief" })
    world.run()
    assert.strictEqual(brief.of(CONNACK).length, 1)
    assert.strictEqual(store.ticket, 1)
  })

  it("SUBACK and UNSUBACK, and what was asked for after them", () => {
    const { comesWith, connect, world } = setUp()
    const client = connect("s")
    client.subscribe("a/#", { qos: 1 })
    client.peer.send(Buffer.from([0xc0, 0]))
    comesWith(client, SUBACK, "SUB a/#")
    assert.strictEqual(client.all.at(-1)?.type, PINGRESP)
    client.unsubscribe("a/#")
    comesWith(client, UNSUBACK, "UNSUB a/#")
    world.run()
  })

  it("PUBACK", () => {
    const { comesWith, connect, store, subscriber } = setUp()
    const receiver = subscriber("t", 1)
    const publisher = connect("p")
    publisher.publish("t", "one", { qos: 1, packetIdentifier: 9 })
    assert.strictEqual(comesWith(publisher, PUBACK, "MSG 0 id 0").packetIdentifier, 9)
    assert.deepEqual(receiver.texts, ["one"], "a delivery at QoS 1 waits for nothing")
    assert.strictEqual(store.records.filter((record) => record.startsWith("Q2")).length, 0)
  })

  it("PUBACK, by the promise of its topic", () => {
    const { connect, store, subscriber, world } = setUp()
    subscriber("t", 1)
    const publisher = connect("p")
    const publish = (lane: number, packetIdentifier: number) => {
      store.lane = lane
      publisher.publish("t", "m", { qos: 1, packetIdentifier })
      world.run()
    }
    const told = () => publisher.of(PUBACK).map(({ packetIdentifier }) => packetIdentifier)
    publish(KeepLane.durable, 1)
    publish(KeepLane.policy, 2)
    publish(KeepLane.written, 3)
    const all = Number.POSITIVE_INFINITY
    store.keep(all, KeepLane.written)
    world.run()
    assert.deepEqual(told(), [3])
    store.keep(all, KeepLane.policy)
    world.run()
    assert.deepEqual(told(), [3, 2])
    store.keep(all, KeepLane.durable)
    world.run()
    assert.deepEqual(told(), [3, 2, 1])
  })

  it("PUBACK of a topic that asks for a sync, though the policy's promise is kept at once", () => {
    const { connect, store, subscriber, world } = setUp()
    subscriber("t", 1)
    const publisher = connect("p")
    store.isWrittenAtOnce = true
    publisher.publish("t", "m", { qos: 1, packetIdentifier: 1 })
    store.lane = KeepLane.durable
    publisher.publish("t", "m", { qos: 1, packetIdentifier: 2 })
    world.run()
    assert.strictEqual(publisher.of(PUBACK).length, 1)
    store.keep()
    world.run()
    assert.strictEqual(publisher.of(PUBACK).length, 2)
  })

  it("PUBREC; the message's record carries the packet identifier, and a repetition waits with it", () => {
    const { connect, store, subscriber, world } = setUp()
    subscriber("t", 1)
    const publisher = connect("p")
    const { kept } = store
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 5 })
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 5, duplicate: true })
    world.run()
    assert.strictEqual(store.records.filter((record) => record.startsWith("MSG")).length, 1)
    assert.strictEqual(store.ticketOf("MSG 0 id 5"), kept + 1)
    assert.strictEqual(publisher.of(PUBREC).length, 0)
    store.keep(1)
    world.run()
    assert.strictEqual(publisher.of(PUBREC).length, 2)
    assert.isFalse(store.records.some((record) => record.startsWith("Q2IN")))
  })

  it("a repetition waits for the promise of its topic, on the next connection too", () => {
    const { connect, store, subscriber, world } = setUp()
    subscriber("t", 1)
    store.lane = KeepLane.durable
    connect("p").publish("t", "one", { qos: 2, packetIdentifier: 5 })
    store.keep(Number.POSITIVE_INFINITY, KeepLane.policy)
    const second = new TestClient(world, { clientIdentifier: "p", sessionExpirySeconds: 1000 })
    second.acknowledges = false
    world.run()
    store.keep(Number.POSITIVE_INFINITY, KeepLane.policy)
    second.publish("t", "one", { qos: 2, packetIdentifier: 5, duplicate: true })
    world.run()
    assert.strictEqual(second.of(CONNACK).length, 1)
    assert.strictEqual(second.of(PUBREC).length, 0)
    store.keep(Number.POSITIVE_INFINITY, KeepLane.durable)
    world.run()
    assert.strictEqual(second.of(PUBREC).length, 1)
  })

  it("PUBREC of a message that is in no log: its identifier is saved, before anybody gets the message", () => {
    const { comesWith, connect, store, world } = setUp()
    const live = connect("live", { sessionExpirySeconds: 0 })
    live.subscribe("t", { qos: 2 })
    const publisher = connect("p")
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 5 })
    comesWith(publisher, PUBREC, "Q2IN id 5")
    assert.deepEqual(live.texts, ["one"])
    publisher.publish("nobody", "two", { qos: 2, packetIdentifier: 6 })
    comesWith(publisher, PUBREC, "Q2IN id 6")
    store.refusesSteps = true
    publisher.publish("t", "three", { qos: 2, packetIdentifier: 7 })
    world.run()
    assert.strictEqual(publisher.of(PUBREC).at(-1)?.reasonCode, QUOTA_EXCEEDED)
    assert.deepEqual(live.texts, ["one"], "what was refused was given to nobody")
  })

  it("PUBCOMP; a second PUBREL finds nothing, and is told so after the first one", () => {
    const { comesWith, connect, settle, subscriber, world } = setUp()
    subscriber("t", 1)
    const publisher = connect("p")
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 5 })
    settle()
    publisher.acknowledge(PUBREL, 5)
    assert.strictEqual(comesWith(publisher, PUBCOMP, "Q2REL id 5").reasonCode, 0)
    publisher.acknowledge(PUBREL, 5)
    world.run()
    assert.deepEqual(
      publisher.of(PUBCOMP).map(({ reasonCode }) => reasonCode),
      [0, 0x92]
    )
  })

  it("PUBLISH at QoS 2 to a session that outlives the process, and everything behind it; then PUBREL", () => {
    const { comesWith, connect, store, subscriber, world } = setUp()
    const receiver = subscriber("t", 2)
    const publisher = connect("p", { sessionExpirySeconds: 0 })
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 1 })
    publisher.publish("t", "two", { qos: 0 })
    world.run()
    store.keep(store.ticketOf("MSG 0") - store.kept)
    world.run()
    assert.strictEqual(publisher.of(PUBREC).length, 1)
    assert.deepEqual(receiver.texts, [], "the message is kept, but not that it was sent")
    store.keep(store.ticketOf("Q2OUT 0 id 1 ordinary") - store.kept)
    world.run()
    assert.deepEqual(receiver.texts, ["one", "two"])
    receiver.acknowledge(PUBREC, 1)
    comesWith(receiver, PUBREL, "Q2OUT-REC id 1")
  })

  it("what ends an exchange is saved, and nobody waits for it", () => {
    const { connect, settle, store, subscriber, world } = setUp()
    const receiver = subscriber("t", 2)
    const publisher = connect("p")
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 1 })
    publisher.publish("t", "two", { qos: 2, packetIdentifier: 2 })
    settle()
    const [one, two] = receiver.messages.map(({ packetIdentifier }) => packetIdentifier) as [number, number]
    receiver.acknowledge(PUBREC, one)
    settle()
    receiver.acknowledge(PUBCOMP, one)
    receiver.acknowledge(PUBREC, two, 0x80)
    receiver.peer.send(Buffer.from([0xc0, 0]))
    world.run()
    assert.isAbove(store.ticketOf(`Q2OUT-DONE id ${one}`), store.kept)
    assert.isAbove(store.ticketOf(`Q2OUT-DONE id ${two}`), store.kept)
    assert.strictEqual(receiver.of(PINGRESP).length, 1)
  })

  it("a retained message at QoS 2, saved with the filter that asked for it", () => {
    const { connect, settle, store, world } = setUp()
    connect("p").publish("a/b", "kept", { qos: 2, retain: true })
    settle()
    const receiver = connect("s")
    receiver.subscribe("a/#", { qos: 2 })
    world.run()
    store.keep(store.ticketOf("SUB") - store.kept)
    world.run()
    assert.strictEqual(receiver.of(SUBACK).length, 1)
    const sent = store.ticketOf("Q2OUT 0 id 1 retained a/#")
    assert.isAbove(sent, store.kept)
    assert.deepEqual(receiver.texts, [])
    store.keep(sent - store.kept)
    world.run()
    assert.deepEqual(receiver.texts, ["kept"])
  })

  it("nothing of a session that ends with its connection", () => {
    const { connect, store, world } = setUp()
    const both = connect("both", { sessionExpirySeconds: 0 })
    both.acknowledges = true
    both.subscribe("t", { qos: 2 })
    both.publish("t", "one", { qos: 2 })
    world.run()
    assert.deepEqual(both.texts, ["one"])
    assert.strictEqual(both.of(PUBCOMP).length, 1)
    assert.strictEqual(store.ticket, 0)
  })
})

describe("a connection that is gone", () => {
  it("gets nothing of what it waited for, and neither does the next one in its place", () => {
    const { connect, settle, store, subscriber, world } = setUp()
    subscriber("t", 1)
    const publisher = connect("p")
    publisher.publish("t", "one", { qos: 1, packetIdentifier: 1 })
    publisher.publish("t", "two", { qos: 2, packetIdentifier: 2 })
    publisher.subscribe("x", { qos: 1 })
    world.run()
    publisher.peer.cut()
    const other = new TestClient(world, { clientIdentifier: "other" })
    world.run()
    assert.strictEqual(other.of(CONNACK).length, 1)
    settle()
    assert.strictEqual(other.all.length, 1)
    assert.deepEqual(
      publisher.all.map(({ type }) => type),
      [CONNACK]
    )
    assert.strictEqual(world.core.holds.length + store.kept, store.ticket)
  })
})

describe("a store that takes nothing now", () => {
  const rows: ReadonlyArray<readonly [AppendRefusal, number]> = [
    ["too-large", DropReason.logRecordTooLarge],
    ["topic-quota", DropReason.topicQuota],
    ["memory", DropReason.logMemory],
    ["disk-full", DropReason.diskFull],
    ["busy", DropReason.logBusy],
    ["closed", DropReason.logClosed]
  ]
  for (const [refusal, reason] of rows) {
    it(`${refusal}: 0x97 and a row in the ledger, QoS 1 and 2`, () => {
      const { connect, store, subscriber, world } = setUp()
      const receiver = subscriber("t", 2)
      const publisher = connect("p")
      store.refuse = refusal
      publisher.publish("t", "one", { qos: 1, packetIdentifier: 1 })
      publisher.publish("t", "two", { qos: 2, packetIdentifier: 2 })
      world.run()
      assert.strictEqual(publisher.of(PUBACK)[0]?.reasonCode, QUOTA_EXCEEDED)
      assert.strictEqual(publisher.of(PUBREC)[0]?.reasonCode, QUOTA_EXCEEDED)
      assert.strictEqual(world.dropped("", reason), 2)
      assert.deepEqual(receiver.texts, [])
      assert.strictEqual(world.core.sessions.get("p")?.incoming?.size ?? 0, 0)
    })
  }

  it("MQTT 3.1.1 cannot be told: its connection ends", () => {
    const { settle, store, subscriber, world } = setUp()
    subscriber("t", 2)
    const publisher = new TestClient(world, { clientIdentifier: "p", version: 4 })
    settle()
    store.refuse = "disk-full"
    publisher.publish("t", "one", { qos: 1 })
    world.run()
    assert.isTrue(publisher.peer.closed)
    assert.strictEqual(publisher.of(PUBACK).length, 0)
    // Whoever looks for the reason is not told of other people's sessions, nor of a fault of the client.
    assert.match(world.core.clientEvents.of("p").at(-1)?.detail ?? "", /the disk is nearly full/)
    assert.strictEqual(world.core.count[Counter.disconnectionsProtocolError], 0)
    assert.strictEqual(world.core.count[Counter.disconnectionsByServer], 1)
  })

  it("a PUBREL that cannot be saved is not answered: DISCONNECT 0x97, and it is known on the next connection", () => {
    const { connect, settle, store, subscriber, world } = setUp()
    subscriber("t", 1)
    const publisher = connect("p")
    publisher.publish("t", "one", { qos: 2, packetIdentifier: 5 })
    settle()
    store.refusesSteps = true
    publisher.acknowledge(PUBREL, 5)
    world.run()
    assert.strictEqual(publisher.of(PUBCOMP).length, 0)
    assert.strictEqual(publisher.of(DISCONNECT)[0]?.reasonCode, QUOTA_EXCEEDED)
    store.refusesSteps = false
    const again = connect("p")
    again.acknowledge(PUBREL, 5)
    settle()
    assert.strictEqual(again.of(PUBCOMP)[0]?.reasonCode, 0)
  })

  it("a PUBREC that cannot be saved is not answered either, and the message is repeated", () => {
    const { connect, settle, store, subscriber, world } = setUp()
    const receiver = subscriber("t", 2)
    connect("p").publish("t", "one", { qos: 2 })
    settle()
    store.refusesSteps = true
    receiver.acknowledge(PUBREC, 1)
    world.run()
    assert.strictEqual(receiver.of(PUBREL).length, 0)
    assert.strictEqual(receiver.of(DISCONNECT)[0]?.reasonCode, QUOTA_EXCEEDED)
    store.refusesSteps = false
    const again = connect("s")
    assert.deepEqual(
      again.messages.map(({ duplicate, packetIdentifier }) => [packetIdentifier, duplicate]),
      [[1, true]]
    )
  })

  it("a delivery at QoS 2 that cannot be saved waits in the log, in order, and comes later", () => {
    const { connect, settle, store, subscriber, world } = setUp()
    const receiver = subscriber("t", 2)
    const publisher = connect("p")
    store.refusesSteps = true
    publisher.publish("t", "one", { qos: 1, packetIdentifier: 1 })
    publisher.publish("t", "two", { qos: 2, packetIdentifier: 2 })
    publisher.publish("t", "three", { qos: 1, packetIdentifier: 3 })
    settle()
    assert.strictEqual(publisher.of(PUBACK).length + publisher.of(PUBREC).length, 3)
    assert.deepEqual(receiver.texts, ["one"])
    assert.strictEqual(world.core.sessions.get("s")?.window.inFlight, 1)
    world.advance(500)
    settle()
    assert.deepEqual(receiver.texts, ["one"])
    store.refusesSteps = false
    world.advance(500)
    settle()
    assert.deepEqual(receiver.texts, ["one", "two", "three"])
    assert.strictEqual(world.core.ledger.rows().length, 0)
    assert.isAbove(store.ticketOf("Q2OUT 1"), 0)
  })

  it("a retained message at QoS 2 waits for the store as well", () => {
    const { connect, settle, store, world } = setUp()
    connect("p").publish("a/b", "kept", { qos: 2, retain: true })
    const receiver = connect("s")
    receiver.subscribe("a/#", { qos: 2 })
    const { sessions } = store
    const sent = sessions.sent
    Object.assign(sessions, { sent: () => -1 })
    settle()
    assert.deepEqual(receiver.texts, [])
    Object.assign(sessions, { sent })
    world.advance(500)
    settle()
    assert.deepEqual(receiver.texts, ["kept"])
  })
})

describe("sessions whose saved cursor is behind", () => {
  it("are in the queue once, and only those that outlive the process", () => {
    const { connect, settle, subscriber, world } = setUp()
    const receiver = subscriber("t", 1)
    const brief = connect("brief", { sessionExpirySeconds: 0 })
    brief.subscribe("t", { qos: 1 })
    const publisher = connect("p")
    settle()
    const names = () =>
      world.core.dirtySessions.splice(0).map((session) => {
        session.savedBehind = false
        return session.clientIdentifier
      })
    names()
    publisher.publish("t", "one", { qos: 1 })
    publisher.publish("t", "two", { qos: 1 })
    settle()
    assert.deepEqual(names(), ["s"])
    receiver.acknowledge(PUBACK, 1)
    assert.deepEqual(names(), ["s"])
    publisher.publish("t", "three", { qos: 2 })
    settle()
    assert.deepEqual(names().sort(), ["p", "s"])
  })
})
