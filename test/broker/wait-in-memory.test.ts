/**
 * Messages that wait in memory for a place in the window of a session that ends with its connection; the log behind that;
 * and publishers that wait for their receivers.
 */
import { assert, describe, it } from "@effect/vitest"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { SessionMode } from "../../src/session/session.ts"
import type { ConnectOptions } from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World, type WorldOptions } from "./world.ts"

const numbers = (from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

const setUp = (limits: WorldOptions["limits"] = {}, options: Partial<ConnectOptions> = {}) => {
  const world = new World({ limits })
  const reader = new TestClient(world, { clientIdentifier: "reader", receiveMaximum: 2, ...options })
  reader.subscribe("t/#", { qos: 2 })
  reader.acknowledges = false
  const publisher = new TestClient(world, { clientIdentifier: "publisher" })
  world.run()
  const publish = (from: number, to: number, topic = "t/1", qos: 1 | 2 = 1): void => {
    for (const text of numbers(from, to)) publisher.publish(topic, text, { qos })
    world.run()
  }
  const session = () => world.core.sessions.get("reader")
  /** Acknowledges what is open and all that follows. */
  const takeAll = (): void => {
    reader.acknowledges = true
    for (const { packetIdentifier, qos } of [...reader.messages]) {
      if (qos > 0) reader.acknowledge(qos === 1 ? 4 : 5, packetIdentifier)
    }
    world.run()
  }
  return { publish, publisher, reader, session, takeAll, world }
}

describe("a session that ends with its connection, its window full", () => {
  it("stays live: what comes waits in memory, in order, and in no log", () => {
    const { publish, reader, session, takeAll, world } = setUp()
    publish(0, 40)
    publish(40, 60, "t/2", 2)
    assert.deepEqual(reader.texts, ["0", "1"])
    assert.strictEqual(session()?.mode, SessionMode.live)
    assert.strictEqual(session()?.waiting?.count, 58)
    assert.strictEqual(world.core.log.next, 0)
    takeAll()
    assert.deepEqual(reader.texts, numbers(0, 60))
    assert.strictEqual(world.core.waitingPool.usedBytes, 0)
  })

  it("lets nothing overtake what waits, also when its window has room", () => {
    const { publish, reader, session, world } = setUp()
    publish(0, 5)
    const held = session()
    assert.isDefined(held)
    if (held !== undefined) held.window.limit = 10
    publish(5, 6)
    assert.deepEqual(reader.texts, ["0", "1"])
    reader.acknowledge(4, 1)
    world.run()
    assert.deepEqual(reader.texts, numbers(0, 6))
  })

  for (const limits of [{ waitingBytesMax: 1000 }, { waitingMemoryBytes: 4096 }, { waitingBytesMax: 0 }]) {
    it(`falls back to the log above ${JSON.stringify(limits)}, in order`, () => {
      const { publish, reader, session, takeAll, world } = setUp(limits)
      publish(0, 200)
      for (let looks = 0; looks < 6; looks++) {
        world.advance(100)
        world.run()
      }
      assert.strictEqual(session()?.mode, SessionMode.catchingUp)
      assert.isAbove(world.core.log.next, 0)
      publish(200, 210)
      takeAll()
      assert.deepEqual(reader.texts, numbers(0, 210))
      assert.strictEqual(session()?.mode, SessionMode.live)
    })
  }

  it("is one that is persistent: it reads the log", () => {
    const { publish, session } = setUp({}, { sessionExpirySeconds: 100 })
    publish(0, 5)
    assert.strictEqual(session()?.mode, SessionMode.catchingUp)
    assert.isUndefined(session()?.waiting)
  })

  it("is not sent what has expired meanwhile, with a row in the ledger", () => {
    const { publisher, publish, reader, takeAll, world } = setUp()
    publish(0, 2)
    publisher.publish("t/1", "short", { qos: 1, expirySeconds: 1 })
    publisher.publish("t/1", "long", { qos: 1, expirySeconds: 10 })
    world.run()
    world.advance(3000)
    takeAll()
    assert.deepEqual(reader.texts, ["0", "1", "long"])
    assert.strictEqual(world.dropped("reader", DropReason.messageExpired), 1)
  })

  it("ends: what waited is lost with a row in the ledger, and the memory is given back", () => {
    const { publish, reader, world } = setUp()
    publish(0, 10)
    reader.peer.cut()
    world.run()
    assert.strictEqual(world.dropped("reader", DropReason.inflightLost), 10)
    assert.strictEqual(world.core.waitingPool.usedBytes, 0)
  })
})

describe("a publisher whose message waits for all its receivers", () => {
  const CROWD = 8 * 16

  it("is not read from until they have taken some, and nothing is lost or reordered", () => {
    const { publish, publisher, reader, session, takeAll, world } = setUp()
    publish(0, 500)
    assert.isTrue(publisher.peer.client?.connection.stopped)
    assert.strictEqual(session()?.waiting?.count, CROWD)
    takeAll()
    assert.deepEqual(reader.texts, numbers(0, 500))
    assert.isFalse(publisher.peer.client?.connection.stopped)
    assert.strictEqual(world.core.heldBack.by.size, 0)
  })

  it("waits for nobody while another receiver is quick [HOLD-1]", () => {
    const { publish, publisher, session, world } = setUp()
    const quick = new TestClient(world, { clientIdentifier: "quick" })
    quick.subscribe("t/+", { qos: 1 })
    world.run()
    for (let i = 0; i < 500; i++) publish(i, i + 1)
    assert.isFalse(publisher.peer.client?.connection.stopped)
    assert.lengthOf(quick.messages, 500)
    assert.strictEqual(session()?.waiting?.count, 498)
  })

  it("waits a moment for one that takes little or nothing, once, and goes on [HOLD-2]", () => {
    const { publish, publisher, reader, session, takeAll, world } = setUp()
    publish(0, 500)
    for (let looks = 0; looks < 2; looks++) world.advance(100)
    reader.acknowledge(4, 1)
    world.run()
    assert.isTrue(publisher.peer.client?.connection.stopped)
    world.advance(100)
    world.run()
    assert.isFalse(publisher.peer.client?.connection.stopped)
    assert.strictEqual(session()?.waiting?.count, 497)
    publish(500, 1000)
    assert.isFalse(publisher.peer.client?.connection.stopped)
    takeAll()
    assert.sameOrderedMembers([...reader.texts], [...numbers(0, 1000)])
    reader.acknowledges = false
    publish(1000, 1500)
    assert.isTrue(publisher.peer.client?.connection.stopped, "it has taken everything: it is waited for again")
  })

  it("goes on when its receiver is gone", () => {
    const { publish, publisher, reader, world } = setUp()
    publish(0, 500)
    reader.peer.cut()
    world.run()
    assert.isFalse(publisher.peer.client?.connection.stopped)
    assert.strictEqual(world.core.heldBack.by.size, 0)
  })

  it("is read from while it has deliveries of its own to acknowledge", () => {
    const { publish, publisher, world } = setUp()
    publisher.subscribe("own", { qos: 1 })
    publisher.acknowledges = false
    world.run()
    publisher.publish("own", "x", { qos: 1 })
    world.run()
    publish(0, 500)
    assert.isFalse(publisher.peer.client?.connection.stopped)
  })
})
