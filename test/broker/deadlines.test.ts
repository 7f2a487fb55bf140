/**
 * Everything that ends because time passes, with a clock that the test moves: keep-alive, connect timeout,
 * packets that do not end, readers that do not read, sessions that expire.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import * as packets from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const TICK_MS = 100

/** Lets time pass tick by tick until the peer is closed; answers how long that took. */
const ticksUntilClosed = (world: World, client: TestClient, mostMs: number): number => {
  const from = world.nowMs
  while (!client.peer.closed && world.nowMs - from < mostMs) {
    world.advance(TICK_MS)
    world.run()
  }
  return client.peer.closed ? world.nowMs - from : Number.POSITIVE_INFINITY
}

describe("keep-alive", () => {
  it("ends a silent connection between one and a half times the interval and a second later", () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.nat(20_000),
      fc.nat(99),
      (seconds, later, skew) => {
        const world = new World()
        const client = new TestClient(world, { clientIdentifier: "c", keepAliveSeconds: seconds })
        world.run()
        world.advance(Math.min(later, seconds * 1000) + skew)
        client.peer.send(packets.pingreq)
        const tookMs = ticksUntilClosed(world, client, 2_000_000)
        assert.isAtLeast(tookMs, seconds * 1500)
        assert.isAtMost(tookMs, seconds * 1500 + 1000)
        assert.strictEqual(client.of(14)[0]?.reasonCode, 0x8d)
      }
    )
    fc.assert(property, { numRuns: 40 })
  })

  it("does not count what the server sends", () => {
    const world = new World()
    const client = new TestClient(world, { clientIdentifier: "c", keepAliveSeconds: 10 })
    client.subscribe("a")
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (let i = 0; i < 14; i++) {
      world.run()
      world.advance(1000)
      publisher.publish("a", "x")
    }
    assert.isFalse(client.peer.closed)
    world.advance(2000)
    world.run()
    assert.isTrue(client.peer.closed)
    assert.strictEqual(client.messages.length, 14)
  })

  it("is no limit at all when the client says 0", () => {
    const world = new World()
    const client = new TestClient(world, { clientIdentifier: "c" })
    world.run()
    for (let i = 0; i < 100; i++) world.advance(3_600_000)
    world.run()
    assert.isFalse(client.peer.closed)
  })
})

describe("a connection that does not go on", () => {
  it("has until the connect timeout to say CONNECT", () => {
    const world = new World({ limits: { connectTimeoutMs: 5000 } })
    const peer = world.connect(() => undefined)
    world.advance(4900)
    world.run()
    assert.isFalse(peer.closed)
    world.advance(200)
    world.run()
    assert.isTrue(peer.closed)
    assert.strictEqual(world.core.connections, 0)
  })

  it("has the read timeout to end a packet it began", () => {
    const world = new World({ limits: { readTimeoutMs: 4000 } })
    const client = new TestClient(world, { clientIdentifier: "c" })
    world.run()
    world.advance(10_000)
    client.peer.send(Buffer.from([0x30, 10, 0, 1]))
    const tookMs = ticksUntilClosed(world, client, 60_000)
    assert.isAtLeast(tookMs, 4000)
    assert.isAtMost(tookMs, 6100)
  })

  it("has the write timeout to take something of what it was sent, counted from when it stopped", () => {
    const world = new World({ limits: { writeTimeoutMs: 4000 } })
    const client = new TestClient(world, { clientIdentifier: "c" })
    client.subscribe("a")
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    world.run()
    client.peer.stall()
    publisher.publish("a", "x")
    world.run()
    const tookMs = ticksUntilClosed(world, client, 60_000)
    assert.isAtLeast(tookMs, 4000)
    assert.isAtMost(tookMs, 8100)
  })
})

describe("a session without a connection", () => {
  it("ends when its interval has run out, with a row for what it still waited for", () => {
    const world = new World()
    const away = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 10 })
    away.subscribe("a", { qos: 1 })
    world.run()
    away.peer.cut()
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (let i = 0; i < 3; i++) publisher.publish("a", "x", { qos: 1 })
    world.advance(9900)
    assert.isTrue(world.core.sessions.has("s"))
    world.advance(200)
    assert.isFalse(world.core.sessions.has("s"))
    assert.strictEqual(world.dropped("s", DropReason.sessionExpired), 3)
    const back = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 10 })
    world.run()
    assert.isFalse(back.of(2)[0]?.sessionPresent)
    assert.strictEqual(back.messages.length, 0)
  })

  it("lives on when the client comes back in time, and the interval begins anew", () => {
    const world = new World()
    for (let i = 0; i < 5; i++) {
      const client = new TestClient(world, { clientIdentifier: "s", sessionExpirySeconds: 10 })
      world.run()
      assert.strictEqual(client.of(2)[0]?.sessionPresent, i > 0)
      client.peer.cut()
      world.advance(9000)
    }
    assert.isTrue(world.core.sessions.has("s"))
  })

  it("has the interval that DISCONNECT says, but cannot be given one it never had", () => {
    const world = new World()
    const longer = new TestClient(world, { clientIdentifier: "longer", sessionExpirySeconds: 5 })
    const ended = new TestClient(world, { clientIdentifier: "ended", sessionExpirySeconds: 5 })
    const never = new TestClient(world, { clientIdentifier: "never" })
    world.run()
    longer.disconnect(0, 100)
    ended.disconnect(0, 0)
    never.disconnect(0, 100)
    assert.isFalse(world.core.sessions.has("ended"))
    assert.strictEqual(never.of(14)[0]?.reasonCode, 0x82)
    assert.isFalse(world.core.sessions.has("never"))
    world.advance(99_000)
    assert.isTrue(world.core.sessions.has("longer"))
    world.advance(2000)
    assert.isFalse(world.core.sessions.has("longer"))
  })
})
