/**
 * What one member of a shared subscription gets: QoS, identifiers, copies, sizes; and the order of keys.
 */
import { assert, describe, it } from "@effect/vitest"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import * as packets from "./client-packets.ts"
import { Member, SHARE, Stage, T1 } from "./shared-stage.ts"

describe("what a member gets", () => {
  it("QoS is the lower of the message's and the member's own [MQTT-4.8.2-3]", () => {
    const stage = new Stage()
    const members = [0, 1, 2].map((qos) => stage.member(`M${qos}`, qos))
    for (let i = 0; i < 3; i++) stage.publish(String(i), { qos: 2 })
    assert.deepEqual(
      members.map(({ got }) => got.map(({ qos }) => qos)),
      [[0], [1], [2]]
    )
  })

  it("what waits is given at QoS 0 when only members at QoS 0 are left", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { sessionExpirySeconds: 5 })
    a.cut()
    stage.publish("1")
    stage.publish("2")
    const b = stage.member("B", 0)
    assert.deepEqual(
      b.got.map(({ text, qos }) => [text, qos]),
      [
        ["1", 0],
        ["2", 0]
      ]
    )
    stage.world.advance(6000)
    stage.publish("3")
    assert.deepEqual(b.taken(), ["1", "2", "3"])
    assert.equal(stage.group?.entry.filter.logReaders, 0, "a group at QoS 0 needs no log")
  })

  it("a member that changes to QoS 0 gets nothing twice and loses nothing", () => {
    const stage = new Stage()
    const other = new Member(stage.world, "O").connect().subscribe(T1, 1)
    const a = stage.member("A", 1)
    stage.publish("1")
    a.subscribe(SHARE, 0)
    a.connect()
    stage.publish("2")
    stage.publish("3")
    assert.deepEqual(a.taken(), ["1", "1", "2", "3"])
    assert.equal(other.taken().length, 3)
  })

  it("its own Subscription Identifier and Retain As Published", () => {
    const stage = new Stage()
    const a = new Member(stage.world, "A")
      .connect()
      .subscribe(SHARE, 1, { subscriptionIdentifier: 5, retainAsPublished: true })
    const b = new Member(stage.world, "B").connect().subscribe(SHARE, 1, { subscriptionIdentifier: 6 })
    stage.publish("1", { retain: true })
    stage.publish("2", { retain: true })
    assert.deepEqual(
      [...a.got, ...b.got].map(({ identifiers, retain }) => [identifiers, retain]),
      [
        [[5], true],
        [[6], false]
      ]
    )
  })

  it("a copy by its group and a copy by its own subscription", () => {
    const stage = new Stage()
    for (const filter of ["t/+", "t/#"]) {
      const a = new Member(stage.world, `A${filter}`).connect()
      a.subscribe(SHARE, 1, { subscriptionIdentifier: 1 }).subscribe(filter, 1, { subscriptionIdentifier: 2 })
      stage.publish("1")
      const copies = a.got.map(({ identifiers }) => identifiers[0]).sort()
      assert.deepEqual(copies, [1, 2], filter)
      a.acknowledge(4, 1)
      a.acknowledge(4, 2)
      assert.equal(stage.world.core.sessions.get(a.name)?.window.inFlight, 0)
      a.unsubscribe(SHARE)
    }
  })

  it("a copy by each of its groups", () => {
    const stage = new Stage()
    const a = stage.member("A", 1).subscribe("$share/h/t/+", 1).subscribe("$share/g/#", 1)
    stage.publish("1")
    assert.deepEqual(a.taken(), ["1", "1", "1"])
  })

  it("nothing retained, whatever Retain Handling says", () => {
    const stage = new Stage()
    stage.publish("1", { retain: true })
    for (const retainHandling of [0, 1, 2]) {
      const a = new Member(stage.world, `A${retainHandling}`).connect().subscribe(SHARE, 1, { retainHandling })
      assert.deepEqual(a.taken(), [])
    }
  })

  it("No Local on a shared subscription is a protocol error [MQTT-3.8.3-4]", () => {
    const stage = new Stage()
    const a = new Member(stage.world, "A").connect().subscribe(SHARE, 1, { noLocal: true })
    assert.deepEqual([a.codes, a.disconnectReason], [[], 0x82])
    assert.isUndefined(stage.group)
  })
})

describe("a message too large for a member", () => {
  const large = { payload: Buffer.from("large".padEnd(400)) }

  it("goes to another one that can take it", () => {
    for (const strategy of [
      "round-robin",
      "random",
      "sticky",
      "least-inflight",
      "hash-topic",
      "hash-clientid"
    ] as const) {
      const stage = new Stage(strategy)
      const a = stage.member("A", 1, { maximumPacketSize: 100 })
      const b = stage.member("B", 1)
      for (let i = 0; i < 4; i++) stage.publish("", { ...large, topic: `t/${i}` })
      assert.deepEqual([a.taken().length, b.taken().length], [0, 4], strategy)
    }
  })

  it("waits for the one that can take it and has no room", () => {
    const stage = new Stage()
    stage.member("A", 1, { maximumPacketSize: 100 })
    const b = stage.member("B", 1, { receiveMaximum: 1 })
    stage.publish("", large)
    stage.publish("", large)
    assert.deepEqual(b.taken(), ["large"])
    b.acknowledge(4, 1)
    assert.deepEqual(b.taken(), ["large"])
  })

  it("that waited is dropped when the member that comes back takes smaller packets only", () => {
    const stage = new Stage()
    const a = stage.member("A", 1)
    a.cut()
    stage.publish("", large)
    stage.publish("1")
    a.connect({ maximumPacketSize: 100 })
    assert.deepEqual(a.taken(), ["1"])
    assert.equal(stage.ledger(SHARE, DropReason.packetTooLarge), 1)
  })

  it("is dropped when no connected member can take it [MQTT-3.1.2-25]", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { maximumPacketSize: 100 })
    stage.publish("", large)
    stage.publish("", { ...large, qos: 0 })
    stage.publish("1")
    assert.deepEqual(a.taken(), ["1"])
    assert.equal(stage.ledger(SHARE, DropReason.packetTooLarge), 2)
    assert.equal(stage.world.core.sessions.get("A")?.window.inFlight, 1)
  })

  it("key-ordered: is dropped, somebody else would get it out of order", () => {
    const stage = new Stage("key-ordered")
    const a = stage.member("A", 1, { maximumPacketSize: 100 })
    stage.publish("1")
    stage.member("B", 1)
    stage.publish("", large)
    assert.equal(stage.ledger(SHARE, DropReason.packetTooLarge), 1)
    stage.publish("2")
    assert.deepEqual(a.taken(), ["1", "2"])
  })
})

describe("key-ordered", () => {
  it("keeps the order of a key while members come and go, by user property", () => {
    const stage = new Stage("key-ordered")
    const a = new Member(stage.world, "A").connect({ version: 4 })
    a.peer.send(packets.subscribe(1, { filter: SHARE, qos: 1 }, 4))
    stage.publishKeyed("x1", "x")
    stage.publishKeyed("y1", "y")
    const b = new Member(stage.world, "B").connect({ version: 4 })
    b.peer.send(packets.subscribe(1, { filter: SHARE, qos: 1 }, 4))
    for (const text of ["x2", "y2", "x3", "y3"]) stage.publishKeyed(text, text[0] as string)
    assert.deepEqual([a.taken(), b.taken()], [["x1", "y1", "x2", "y2", "x3", "y3"], []], "all are open with A")
    a.cut()
    assert.deepEqual(b.taken(), ["x1", "y1", "x2", "y2", "x3", "y3"])
  })

  it("a key held up by one member's window does not stop the others", () => {
    const stage = new Stage("key-ordered")
    const members = [stage.member("A", 1, { receiveMaximum: 1 }), stage.member("B", 1, { receiveMaximum: 1 })] as const
    for (let i = 0; i < 40; i++) stage.publish(`1.${i}`, { topic: "t/1" })
    const [slow, quick] = members[0].got.length > 0 ? members : [members[1], members[0]]
    const other = ["t/2", "t/3", "t/4", "t/5", "t/6"].find((topic) => {
      stage.publish("probe", { topic })
      return quick.got.length > 0
    })
    assert.isDefined(other)
    assert.deepEqual(slow.taken(), ["1.0"])
    quick.acknowledge(4, 1)
    quick.taken()
    for (let i = 0; i < 10; i++) {
      stage.publish(`2.${i}`, { topic: other as string })
      assert.deepEqual(quick.taken(), [`2.${i}`])
      quick.acknowledge(4, 1)
      quick.acknowledge(4, 2)
      quick.acknowledge(4, ((i + 1) % 16) + 1)
    }
  })

  it("a key that is open at QoS 2 with a member that is away waits for it, the rest goes on", () => {
    const stage = new Stage("key-ordered")
    const a = stage.member("A", 2)
    stage.publish("q2", { qos: 2 })
    stage.publish("q1")
    const b = stage.member("B", 2)
    a.cut()
    a.taken()
    stage.publish("later")
    stage.publish("other", { topic: "t/2" })
    assert.deepEqual(b.taken(), ["other"])
    a.connect()
    assert.deepEqual(a.taken(), ["q2", "q1", "later"], "what was open is repeated in its order")
  })

  it("and moves on when that session ends", () => {
    const stage = new Stage("key-ordered")
    const a = stage.member("A", 2, { sessionExpirySeconds: 5 })
    stage.publish("q2", { qos: 2 })
    stage.publish("q1")
    const b = stage.member("B", 2)
    a.cut()
    stage.publish("later")
    stage.world.advance(6000)
    stage.world.run()
    assert.deepEqual(b.taken(), ["q1", "later"])
    assert.equal(stage.ledger("A", DropReason.sessionExpired), 1)
  })

  it("QoS 0 waits for nobody: it goes past a key that is open with a member that is away", () => {
    const stage = new Stage("key-ordered")
    const a = stage.member("A", 2)
    stage.publish("q2", { qos: 2 })
    const b = stage.member("B", 2)
    a.cut()
    stage.publish("q0", { qos: 0 })
    assert.deepEqual(b.taken(), ["q0"])
  })

  it("what is open is repeated before anything new of its key", () => {
    const stage = new Stage("key-ordered")
    const a = stage.member("A", 2)
    stage.publish("q2", { qos: 2 })
    a.cut()
    a.taken()
    a.connectUnheard()
    stage.publish("later")
    assert.deepEqual(a.taken(), ["q2", "later"])
  })

  it("a member that unsubscribed holds its open keys until it has acknowledged", () => {
    const stage = new Stage("key-ordered")
    const a = stage.member("A", 1)
    stage.publish("1")
    const b = stage.member("B", 1)
    a.unsubscribe(SHARE)
    stage.publish("2")
    assert.deepEqual([a.taken(), b.taken()], [["1"], []])
    a.acknowledge(4, 1)
    assert.deepEqual([a.taken(), b.taken()], [[], ["2"]])
  })
})
