/**
 * Messages of a shared subscription that wait: for a member, for room in a window or an outbox, for a late log's
 * tail; and what the ledger says of those that never come.
 */
import { assert, describe, it } from "@effect/vitest"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LateLog } from "../support/late-log.ts"
import { Member, SHARE, Stage, T1 } from "./shared-stage.ts"

const SMALL_RING_BYTES = 24_576

describe("waiting", () => {
  it("the cursor waits while nobody is connected, and goes on with the first that returns", () => {
    const stage = new Stage()
    const [a, b] = [stage.member("A", 1), stage.member("B", 1)]
    a.cut()
    b.cut()
    for (const text of ["1", "2", "3"]) stage.publish(text)
    b.connect()
    assert.deepEqual(b.taken(), ["1", "2", "3"])
    a.connect()
    assert.deepEqual(a.taken(), [])
  })

  it("a member that joins gets what waits", () => {
    const stage = new Stage()
    stage.member("A", 1, { receiveMaximum: 1 })
    for (const text of ["1", "2", "3"]) stage.publish(text)
    assert.deepEqual(stage.member("B", 1).taken(), ["2", "3"])
  })

  it("an acknowledgement makes room, and the group is live again", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { receiveMaximum: 1 })
    for (const text of ["1", "2", "3"]) stage.publish(text)
    for (const text of ["1", "2", "3"]) {
      assert.equal(a.got.at(-1)?.text, text)
      a.puback(text)
    }
    assert.equal(stage.group?.reader.mode, 2)
  })

  it("a congested outbox that drains wakes the group: no acknowledgement comes that could", () => {
    const stage = new Stage()
    const a = stage.member("A", 1)
    a.peer.stall()
    for (let i = 0; i < 60; i++) stage.publish("filler", { qos: 0, payload: Buffer.alloc(4000) })
    stage.publish("1")
    assert.deepEqual(a.taken(), [])
    a.peer.unstall()
    stage.world.run()
    assert.include(a.taken(), "1")
    assert.equal(stage.group?.reader.mode, 2)
  })

  it("QoS 0 goes to a member with a full window: it needs no place there", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { receiveMaximum: 1 })
    stage.publish("1")
    stage.publish("0", { qos: 0 })
    assert.deepEqual(a.taken(), ["1", "0"])
  })

  it("a QoS 0 message that is in the log because it is retained is not read from there", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { receiveMaximum: 1 })
    stage.publish("1")
    stage.publish("2")
    stage.publish("0", { qos: 0, retain: true })
    assert.deepEqual(a.taken(), ["1", "0"])
    a.acknowledge(4, 1)
    assert.deepEqual(a.taken(), ["2"])
  })

  it("strict: what waits for one member goes to another when that one leaves", () => {
    const stage = new Stage("hash-topic")
    const members = [stage.member("A", 1, { receiveMaximum: 1 }), stage.member("B", 1)] as const
    for (const member of members) member.subscribe("own", 1)
    stage.publish("own", { topic: "own" })
    const topics = Array.from({ length: 8 }, (_, i) => `t/${i}`)
    for (const topic of topics) stage.publish(topic, { topic })
    const [a, b] = members
    assert.deepEqual(a.taken(), ["own"])
    const before = b.taken().length
    a.cut()
    assert.equal(before + b.taken().length, 1 + topics.length)
  })

  it("a group whose members went down to QoS 0 stops reading the log when nothing waits any more", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { receiveMaximum: 1 })
    stage.publish("1")
    stage.publish("2")
    a.subscribe(SHARE, 0)
    assert.deepEqual(a.taken(), ["1", "2"])
    assert.equal(stage.group?.entry.filter.logReaders, 0)
  })

  it("what waits expires, with a row", () => {
    const stage = new Stage()
    const a = stage.member("A", 1)
    a.cut()
    stage.publish("1", { expirySeconds: 2 })
    stage.publish("2")
    stage.world.advance(3000)
    a.connect()
    assert.deepEqual(a.taken(), ["2"])
    assert.equal(stage.ledger(SHARE, DropReason.messageExpired), 1)
  })

  it("when the last member goes, the group goes, and what waited is in the ledger", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { sessionExpirySeconds: 5, receiveMaximum: 2 })
    for (const text of ["1", "2", "3", "4"]) stage.publish(text)
    stage.publish("0", { qos: 0 })
    a.cut()
    stage.world.advance(6000)
    assert.equal(stage.world.core.groups.size, 0)
    assert.equal(stage.world.core.router.statistics().filters, 0)
    assert.equal(stage.ledger(SHARE, DropReason.sessionExpired), 4)
    stage.publish("5")
    assert.equal(stage.world.dropped("", DropReason.noSubscriber), 1)
  })

  it("unsubscribing the last member: what waits is in the ledger, what is open is not", () => {
    const stage = new Stage()
    const a = stage.member("A", 1, { receiveMaximum: 1 })
    for (const text of ["1", "2", "3"]) stage.publish(text)
    a.unsubscribe(SHARE)
    assert.equal(stage.ledger(SHARE, DropReason.unsubscribedBacklog), 2)
    a.puback("1")
    assert.equal(stage.world.core.sessions.get("A")?.window.inFlight, 0)
  })

  it("a session that ends leaves all its groups", () => {
    const stage = new Stage()
    const a = new Member(stage.world, "A").connect({ sessionExpirySeconds: 0 })
    for (const name of ["g", "h", "i"]) a.subscribe(`$share/${name}/t/+`, 1)
    a.cut()
    assert.equal(stage.world.core.groups.size, 0)
    assert.equal(stage.world.core.router.statistics().filters, 0)
  })

  it("is counted in messages of the group, not in records, when the ring overtakes it", () => {
    const log = new MemoryLog({ limitBytes: SMALL_RING_BYTES })
    const stage = new Stage("round-robin", log)
    const other = new Member(stage.world, "O").connect().subscribe("other", 1)
    const a = stage.member("A", 1)
    a.cut()
    let published = 0
    for (let i = 0; i < 40; i++) {
      stage.publish("x", { topic: "other", payload: Buffer.alloc(700) })
      other.acknowledge(4, (i % 16) + 1)
      if (i % 4 !== 0) continue
      published += 1
      stage.publish(String(i))
    }
    const waiting = log.countOfTopic(log.topicId(T1))
    assert.isBelow(waiting, published)
    a.connect()
    assert.equal(a.taken().length, waiting)
    assert.equal(stage.ledger(SHARE, DropReason.overtaken), published - waiting)
  })
})

describe("a log whose tail comes late", () => {
  const lateStage = () => {
    const log = new LateLog(new MemoryLog({ limitBytes: 4_194_304 }))
    return { log, stage: new Stage("round-robin", log) }
  }

  it("members get what was published since the group began, and nothing older", () => {
    const { log, stage } = lateStage()
    new Member(stage.world, "O").connect().subscribe("#", 1)
    stage.publish("before")
    const a = stage.member("A", 1)
    stage.publish("after")
    log.showTail()
    stage.world.run()
    assert.deepEqual(a.taken(), ["after"])
  })

  it("the last member that leaves before the tail is shown leaves a row", () => {
    const { log, stage } = lateStage()
    const a = stage.member("A", 1)
    stage.publish("1")
    stage.publish("2")
    a.unsubscribe(SHARE)
    log.showTail()
    stage.world.run()
    assert.deepEqual(a.taken(), [])
    assert.equal(stage.ledger(SHARE, DropReason.unsubscribedBacklog), 2)
  })

  it("a message that expires before it is shown is dropped with a row", () => {
    const { log, stage } = lateStage()
    const a = stage.member("A", 1)
    stage.publish("1", { expirySeconds: 2 })
    stage.world.advance(3000)
    log.showTail()
    stage.world.run()
    assert.deepEqual(a.taken(), [])
    assert.equal(stage.ledger(SHARE, DropReason.messageExpired), 1)
  })

  it("what a lost member had goes before what is shown later", () => {
    const { log, stage } = lateStage()
    const [a, b] = [stage.member("A", 1), stage.member("B", 1)]
    stage.publish("1")
    log.showTail()
    stage.world.run()
    stage.publish("2")
    a.cut()
    log.showTail()
    stage.world.run()
    assert.deepEqual([a.taken(), b.taken()], [["1"], ["1", "2"]])
    assert.equal(stage.group?.reader.mode, 2)
  })
})
