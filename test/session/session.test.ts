/**
 * A session's own state.
 */
import { assert, describe, it } from "@effect/vitest"
import { Session, SessionMode } from "../../src/session/session.ts"

describe("a session", () => {
  it("begins offline, with nothing, and ends with its connection", () => {
    const session = new Session("s", 1, 20)
    assert.strictEqual(session.mode, SessionMode.offline)
    assert.strictEqual(session.connection, undefined)
    assert.isFalse(session.persistent)
    assert.strictEqual(session.window.inFlight, 0)
    session.expiryIntervalSeconds = 1
    assert.isTrue(session.persistent)
  })

  it("remembers identifiers of QoS 2 messages it has not released", () => {
    const session = new Session("s", 1, 20)
    assert.strictEqual(session.incoming, undefined, "most sessions never need the memory")
    session.addIncoming(5)
    session.addIncoming(9)
    session.addIncoming(5)
    assert.deepEqual([...(session.incoming ?? [])], [5, 9])
  })
})
