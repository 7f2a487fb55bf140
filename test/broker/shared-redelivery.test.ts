/**
 * What happens to a message of a shared subscription when its member refuses it, goes away, or leaves the group.
 * Random histories are in shared-model.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { SHARE, Stage } from "./shared-stage.ts"

describe("redelivery", () => {
  it("QoS 1: a message that a lost member had not acknowledged goes to another one, in order, once", () => {
    const stage = new Stage()
    const [a, b] = [stage.member("A", 1), stage.member("B", 1)]
    for (const text of ["1", "2", "3", "4", "5"]) stage.publish(text)
    assert.deepEqual(
      [a.taken(), b.taken()],
      [
        ["1", "3", "5"],
        ["2", "4"]
      ]
    )
    a.acknowledge(4, 1)
    a.cut()
    assert.deepEqual(b.taken(), ["3", "5"], "1 was acknowledged")
    a.connect()
    stage.publish("6")
    stage.publish("7")
    assert.deepEqual([a.taken(), b.taken()].flat().sort(), ["6", "7"])
  })

  it("QoS 1: never after a negative PUBACK [MQTT-4.8.2-6]", () => {
    const stage = new Stage()
    const [a, b] = [stage.member("A", 1), stage.member("B", 1)]
    stage.publish("1")
    a.puback("1", 0x83)
    a.cut()
    assert.deepEqual(b.taken(), [])
    assert.equal(stage.ledger("A", DropReason.negativeAcknowledgement), 1)
  })

  it("QoS 2: never after a negative PUBREC [MQTT-4.8.2-6]", () => {
    const stage = new Stage()
    const [a, b] = [stage.member("A", 2), stage.member("B", 2)]
    stage.publish("1", { qos: 2 })
    a.acknowledge(5, 1, 0x83)
    a.cut()
    a.connect({ sessionExpirySeconds: 0, cleanStart: true })
    assert.deepEqual([a.taken(), b.taken(), a.released], [["1"], [], []])
  })

  it("QoS 2 waits for its member [MQTT-4.8.2-4]", () => {
    const stage = new Stage()
    const [a, b] = [stage.member("A", 2), stage.member("B", 2)]
    stage.publish("1", { qos: 2 })
    stage.publish("2", { qos: 2 })
    b.acknowledge(5, 1)
    b.cut()
    a.cut()
    assert.deepEqual([a.taken(), b.taken()], [["1"], ["2"]])
    b.connect()
    assert.deepEqual([b.taken(), b.released], [[], [1, 1]], "only PUBREL is repeated")
    a.connect()
    assert.deepEqual(
      a.got.map(({ text, id, duplicate }) => [text, id, duplicate]),
      [["1", 1, true]]
    )
    a.acknowledge(5, 1)
    a.acknowledge(7, 1)
    assert.equal(stage.world.core.sessions.get("A")?.window.inFlight, 0)
    assert.equal(stage.world.core.sessions.get("A")?.sharedInFlight?.size, 0)
  })

  it("QoS 2 dies with its member's session [MQTT-4.8.2-5]", () => {
    for (const end of ["expiry", "clean start", "take-over"]) {
      const stage = new Stage()
      const [a, b] = [stage.member("A", 2, { sessionExpirySeconds: 5 }), stage.member("B", 2)]
      stage.publish("1", { qos: 2 })
      if (end !== "take-over") a.cut()
      if (end === "expiry") stage.world.advance(6000)
      else a.connect({ cleanStart: true })
      stage.world.run()
      assert.deepEqual([a.taken(), b.taken()], [["1"], []], end)
      const reason = end === "expiry" ? DropReason.sessionExpired : DropReason.sessionCleaned
      assert.equal(stage.ledger("A", reason), 1, end)
    }
  })

  it("a member that unsubscribed keeps what is open with it, and it is returned when its connection ends", () => {
    const stage = new Stage()
    const [a, b] = [stage.member("A", 1), stage.member("B", 1)]
    for (const text of ["1", "2", "3"]) stage.publish(text)
    a.unsubscribe(SHARE)
    a.puback("1")
    stage.publish("4")
    assert.deepEqual(
      [a.taken(), b.taken()],
      [
        ["1", "3"],
        ["2", "4"]
      ]
    )
    a.cut()
    assert.deepEqual(b.taken(), ["3"])
  })

  it("what is open with the last member that unsubscribed stays with it: nobody else wants it", () => {
    const stage = new Stage()
    const a = stage.member("A", 1)
    stage.publish("1")
    a.unsubscribe(SHARE)
    assert.isUndefined(stage.group)
    const b = stage.member("B", 1)
    a.cut()
    assert.deepEqual(b.taken(), [], "a group of the same name that came later is another one")
    a.connect()
    assert.deepEqual(
      a.got.map(({ text, duplicate }) => [text, duplicate]),
      [
        ["1", false],
        ["1", true]
      ]
    )
    a.acknowledge(4, 1)
    assert.equal(stage.world.core.sessions.get("A")?.window.inFlight, 0)
  })

  it("a take-over returns what was open, also to the member itself", () => {
    const stage = new Stage()
    const a = stage.member("A", 1)
    stage.publish("1")
    a.connect()
    assert.deepEqual(
      a.got.map(({ text }) => text),
      ["1", "1"]
    )
    a.puback("1")
    assert.equal(stage.world.core.sessions.get("A")?.window.inFlight, 0)
  })
})
