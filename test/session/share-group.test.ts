/**
 * A group's own bookkeeping: who is a member, what waits. The rest of its life needs a broker
 * (test/broker/shared-subscriptions.test.ts).
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { makeNaiveRouter } from "../../src/router/naive-router.ts"
import { Session } from "../../src/session/session.ts"
import { ShareGroup } from "../../src/session/share-group.ts"

const options = { qos: 1, retainAsPublished: false, identifiers: undefined }
const makeGroup = (): ShareGroup => new ShareGroup("$share/g/t", makeNaiveRouter<Session>().acquire("t"), 7)

describe("a share group", () => {
  it("has one place for a session, however often it subscribes", () => {
    const group = makeGroup()
    const session = new Session("A", 1, 8)
    group.join(session, options)
    group.join(session, { qos: 2, retainAsPublished: true, identifiers: [4] })
    assert.equal(group.members.length, 1)
    const member = group.memberOf(session)
    assert.deepEqual([member?.qos, member?.retainAsPublished, member?.identifiers], [2, true, [4]])
  })

  it("knows nothing of a session that left, and leaving twice changes nothing", () => {
    const group = makeGroup()
    const [a, b] = [new Session("A", 1, 8), new Session("B", 2, 8)]
    group.join(a, options)
    group.join(b, options)
    group.leave(a)
    group.leave(a)
    assert.isUndefined(group.memberOf(a))
    assert.deepEqual(
      group.members.map(({ session }) => session),
      [b]
    )
  })

  it("begins at the log position at which it was made", () => {
    const { entry } = makeGroup()
    assert.isUndefined(entry.at(6))
    assert.isDefined(entry.at(7))
  })

  it("keeps what waits in the order of the log", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1000)), (sequences) => {
        const group = makeGroup()
        for (const sequence of sequences) group.requeue(sequence)
        assert.deepEqual(
          group.requeued,
          sequences.toSorted((a, b) => a - b)
        )
      })
    )
  })
})
