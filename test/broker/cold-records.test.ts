/**
 * Records that are on the disk, or lost: nobody waits for the disk while others could go on, order stays, and what
 * cannot be read back has its row in the drop ledger.
 */
import { assert, describe, it } from "@effect/vitest"
import { waitingMessages } from "../../src/broker/session-mode.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import type { Session } from "../../src/session/session.ts"
import { slowWorld } from "./slow-world.ts"

const setUp = () => {
  const slow = slowWorld()
  const { connect, settle, store, world } = slow
  /** The session `s` subscribes to t/#, is away, and five messages wait for it on the disk. */
  const away = (...filters: ReadonlyArray<string>) => {
    const client = connect("s")
    for (const filter of filters.length === 0 ? ["t/#"] : filters) client.subscribe(filter, { qos: 2 })
    settle()
    client.peer.cut()
    const publisher = connect("p")
    for (let i = 0; i < 5; i++) publisher.publish(`t/${i}`, `${i}`, { qos: 1 + (i % 2) })
    settle()
    store.cold = { from: 0, to: 5 }
    return publisher
  }
  const session = () => world.core.sessions.get("s") as Session
  return { ...slow, away, session }
}

describe("a record that is on the disk", () => {
  it("is asked for, and the session goes on when it has come; others are served meanwhile", () => {
    const { away, connect, settle, store } = setUp()
    const publisher = away()
    const live = connect("live")
    live.subscribe("t/#", { qos: 1 })
    settle()
    const client = connect("s")
    assert.deepEqual(client.texts, [])
    publisher.publish("t/5", "5", { qos: 1 })
    settle()
    assert.deepEqual(live.texts, ["5"])
    for (let loaded = 0; loaded < 5; loaded++) {
      assert.strictEqual(client.texts.length, loaded)
      assert.strictEqual(store.finishLoads(), 1, "one record is asked for, once")
      settle()
    }
    assert.deepEqual(client.texts, ["0", "1", "2", "3", "4", "5"])
  })

  it("may come when the client has gone, or is another one", () => {
    const { away, connect, settle, store } = setUp()
    away()
    const first = connect("s")
    first.peer.cut()
    store.finishLoads()
    settle()
    assert.deepEqual(first.texts, [])
    const second = connect("s")
    const third = connect("s")
    while (store.finishLoads() > 0) settle()
    assert.deepEqual(second.texts, ["0"], "which the one before had asked for")
    assert.deepEqual(third.texts, ["1", "2", "3", "4"])
  })

  it("is loaded before it is repeated, and what comes after it waits", () => {
    const { connect, settle, store } = setUp()
    const first = connect("s")
    first.acknowledges = false
    first.subscribe("t", { qos: 2 })
    settle()
    const publisher = connect("p")
    for (let i = 0; i < 4; i++) publisher.publish("t", `${i}`, { qos: 1 + (i % 2) })
    settle()
    assert.strictEqual(first.texts.length, 4)
    first.peer.cut()
    store.cold = { from: 1, to: 3 }
    const second = connect("s")
    second.acknowledges = false
    publisher.publish("t", "4", { qos: 1 })
    settle()
    assert.deepEqual(second.texts, ["0"])
    while (store.finishLoads() > 0) settle()
    assert.deepEqual(second.texts, ["0", "1", "2", "3", "4"])
    assert.deepEqual(
      second.messages.map(({ duplicate }) => duplicate),
      [true, true, true, true, false]
    )
  })

  it("of a shared subscription holds back what comes after it, also what was given back", () => {
    const { connect, settle, store, world } = setUp()
    const member = connect("s")
    member.subscribe("$share/g/t", { qos: 1 })
    settle()
    member.peer.cut()
    const publisher = connect("p")
    for (let i = 0; i < 4; i++) publisher.publish("t", `${i}`, { qos: 1 })
    settle()
    store.cold = { from: 0, to: 4 }
    const again = connect("s")
    again.acknowledges = false
    assert.deepEqual(again.texts, [])
    while (store.finishLoads() > 0) settle()
    assert.deepEqual(again.texts, ["0", "1", "2", "3"])
    again.peer.cut()
    settle()
    publisher.publish("t", "4", { qos: 1 })
    store.cold = { from: 0, to: 4 }
    store.forgetLoaded()
    const last = connect("s")
    assert.deepEqual(last.texts, [])
    while (store.finishLoads() > 0) settle()
    assert.deepEqual(last.texts, ["0", "1", "2", "3", "4"])
    assert.strictEqual(world.core.ledger.rows().length, 0)
  })
})

describe("a record that is lost", () => {
  it("has a row in the drop ledger, with its topic, and the rest is handed over", () => {
    const { away, connect, session, store, world } = setUp()
    away("t/#", "t/+")
    store.cold = { from: 0, to: 0 }
    store.lost.add(1).add(3)
    assert.strictEqual(waitingMessages(session()), 10)
    const client = connect("s")
    assert.deepEqual(client.texts, ["0", "2", "4"])
    assert.strictEqual(waitingMessages(session()), 0)
    const rows = world.rows("s", DropReason.logRecordLost)
    assert.deepEqual(
      rows.map(({ count, topic }) => [topic, count]),
      [
        ["t/1", 1],
        ["t/3", 1]
      ]
    )
  })

  it("was open: its exchange ends, and the ledger says why", () => {
    const { connect, settle, store, world } = setUp()
    const first = connect("s")
    first.acknowledges = false
    first.subscribe("t", { qos: 2 })
    settle()
    const publisher = connect("p")
    publisher.publish("t", "0", { qos: 2 })
    publisher.publish("t", "1", { qos: 2 })
    settle()
    first.peer.cut()
    store.lost.add(0)
    const second = connect("s")
    assert.deepEqual(second.texts, ["1"])
    assert.strictEqual(world.dropped("s", DropReason.logRecordLost), 1)
    assert.isAbove(store.ticketOf("Q2OUT-DONE id 1"), 0)
  })

  it("of a shared subscription has a row under the group's name", () => {
    const { connect, settle, store, world } = setUp()
    const member = connect("s")
    member.subscribe("$share/g/t", { qos: 1 })
    settle()
    member.peer.cut()
    const publisher = connect("p")
    for (let i = 0; i < 3; i++) publisher.publish("t", `${i}`, { qos: 1 })
    settle()
    store.lost.add(1)
    assert.deepEqual(connect("s").texts, ["0", "2"])
    assert.strictEqual(world.dropped("$share/g/t", DropReason.logRecordLost), 1)
  })
})

describe("what was handed over at QoS 2 before the last start", () => {
  it("is passed over by the session's reader, and counted as handed", () => {
    const { away, connect, session, store } = setUp()
    away()
    store.cold = { from: 0, to: 0 }
    session().handed = new Set([1, 3])
    const client = connect("s")
    assert.deepEqual(client.texts, ["0", "2", "4"])
    assert.strictEqual(waitingMessages(session()), 0)
  })

  it("is not even read", () => {
    const { away, connect, session, settle, store } = setUp()
    away()
    store.cold = { from: 0, to: 2 }
    session().handed = new Set([0, 1])
    const client = connect("s")
    settle()
    assert.deepEqual(client.texts, ["2", "3", "4"])
    assert.strictEqual(store.finishLoads(), 0)
  })
})
