/**
 * A ring that is full: publishes that only full sessions would get are refused, everybody else goes on, and who
 * is overtaken gets what is left, in order, with a row for exactly the rest.
 */
import { assert, describe, it } from "@effect/vitest"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { SessionMode } from "../../src/session/session.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const MIB = 1_048_576
const QUOTA_EXCEEDED = 0x97

const ringOf = (limitBytes: number): World => new World({ log: new MemoryLog({ limitBytes }) })

/** A persistent session that is not there. */
const away = (world: World, name: string, filter: string, qos = 1): void => {
  const client = new TestClient(world, { clientIdentifier: name, sessionExpirySeconds: 1000 })
  client.subscribe(filter, { qos })
  world.run()
  client.peer.cut()
}

const back = (world: World, name: string): TestClient => {
  const client = new TestClient(world, { clientIdentifier: name, sessionExpirySeconds: 1000 })
  world.run()
  return client
}

const numbers = (client: TestClient): ReadonlyArray<number> =>
  client.messages.map(({ payload }) => payload.readUInt32BE(0))

const numbered = (number: number, sizeBytes: number): Buffer => {
  const payload = Buffer.alloc(sizeBytes)
  payload.writeUInt32BE(number)
  return payload
}

/** Publishes until one is refused; answers the numbers of those that were accepted. */
const publishUntilRefused = (world: World, publisher: TestClient, topic: string, qos = 1): number => {
  for (let i = 0; i < 100_000; i++) {
    const id = publisher.publish(topic, numbered(i, 500), { qos })
    world.run()
    const answer = publisher.of(qos === 1 ? 4 : 5).find(({ packetIdentifier }) => packetIdentifier === id)
    publisher.all.length = 0
    if (answer?.reasonCode === QUOTA_EXCEEDED) return i
  }
  throw new Error("never refused")
}

describe("a publish that only full sessions match", () => {
  it("is refused with 0x97, and what was accepted before all comes", () => {
    const world = ringOf(MIB)
    away(world, "s", "a/#")
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    const accepted = publishUntilRefused(world, publisher, "a/b")
    assert.isAbove(accepted, 1000, "a MiB holds that many")
    assert.strictEqual(world.core.ledger.total(DropReason.quotaExceeded), 1)
    const client = back(world, "s")
    assert.deepEqual(
      numbers(client),
      Array.from({ length: accepted }, (_, i) => i)
    )
    assert.strictEqual(world.dropped("s"), 0)
  })

  it("is refused at QoS 2 without keeping its identifier", () => {
    const world = ringOf(MIB)
    away(world, "s", "a", 2)
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    publishUntilRefused(world, publisher, "a", 2)
    assert.strictEqual(world.core.sessions.get("p")?.incoming?.size ?? 0, 0)
  })

  it("ends the connection of a 3.1.1 client, unacknowledged", () => {
    const world = ringOf(MIB)
    away(world, "s", "a")
    const publisher = new TestClient(world, { clientIdentifier: "p", version: 4, cleanStart: true })
    world.run()
    let sent = 0
    for (; sent < 10_000 && !publisher.peer.closed; sent++) {
      publisher.publish("a", numbered(sent, 500), { qos: 1 })
      world.run()
    }
    assert.isTrue(publisher.peer.closed)
    assert.strictEqual(publisher.of(4).length, sent - 1)
    assert.deepEqual(numbers(back(world, "s")).length, sent - 1)
  })

  it("is accepted as soon as one session has room, and again when the full one has read", () => {
    const world = ringOf(MIB)
    away(world, "s", "a")
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    publishUntilRefused(world, publisher, "a")
    const taker = new TestClient(world, { clientIdentifier: "t" })
    taker.subscribe("+", { qos: 0 })
    world.run()
    const first = publisher.publish("a", "x", { qos: 1 })
    world.run()
    assert.deepEqual(
      publisher.of(4).map((each) => [each.packetIdentifier, each.reasonCode]),
      [[first, 0]]
    )
    assert.strictEqual(taker.messages.length, 1)
    taker.disconnect()
    back(world, "s").disconnect()
    const second = publisher.publish("a", "x", { qos: 1 })
    world.run()
    assert.strictEqual(publisher.of(4).find((each) => each.packetIdentifier === second)?.reasonCode, 0)
  })

  it("is accepted where a session that is busy otherwise takes it at QoS 0", () => {
    const world = ringOf(MIB)
    away(world, "s", "a")
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    publishUntilRefused(world, publisher, "a")
    const busy = new TestClient(world, { clientIdentifier: "b", receiveMaximum: 1, sessionExpirySeconds: 60 })
    busy.acknowledges = false
    busy.subscribe("busy", { qos: 1 })
    busy.subscribe("a")
    for (let i = 0; i < 3; i++) publisher.publish("busy", "x", { qos: 1, retain: true })
    world.run()
    assert.strictEqual(world.core.sessions.get("b")?.mode, SessionMode.catchingUp)
    assert.isAtLeast(world.log.wouldDropBelow(300_000), 0)
    publisher.publish("a", Buffer.alloc(300_000), { qos: 1 })
    world.run()
    assert.strictEqual(busy.messages.at(-1)?.topic, "a")
  })

  it("is not refused for a session whose cursor lies far behind but that waits for nothing", () => {
    const world = ringOf(MIB)
    away(world, "s", "rare")
    away(world, "busy", "often")
    const taker = new TestClient(world, { clientIdentifier: "t" })
    taker.subscribe("often", { qos: 1 })
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    for (let i = 0; world.log.first === 0 || world.log.wouldDropBelow(520) < 0; i++) {
      assert.isBelow(i, 20_000)
      publisher.publish("often", numbered(i, 500), { qos: 1 })
      world.run()
    }
    publisher.publish("rare", "x", { qos: 1 })
    world.run()
    assert.strictEqual(world.core.ledger.total(DropReason.quotaExceeded), 0)
    assert.deepEqual(back(world, "s").texts, ["x"])
  })
})

describe("a session that is overtaken", () => {
  for (const qos of [1, 2]) {
    it(`gets at QoS ${qos} what the ring holds, in order, and a row for exactly the rest; others lose nothing`, () => {
      const world = ringOf(MIB)
      const slow = new TestClient(world, { clientIdentifier: "slow", sessionExpirySeconds: 1000, receiveMaximum: 10 })
      const quick = new TestClient(world, { clientIdentifier: "quick" })
      for (const each of [slow, quick]) each.subscribe("load/#", { qos })
      const publisher = new TestClient(world, { clientIdentifier: "p" })
      world.run()
      slow.peer.stall()
      const count = 20_000
      for (let i = 0; i < count; i++) {
        publisher.publish(`load/${i % 7}`, numbered(i, 256), { qos })
        if (i % 50 === 0) world.run()
        publisher.all.length = 0
      }
      world.run()
      assert.deepEqual(
        numbers(quick),
        Array.from({ length: count }, (_, i) => i)
      )
      const held = world.log.statistics()
      assert.isAtMost(held.bytes, held.limitBytes + 65_536)
      slow.peer.unstall()
      world.run()
      const got = numbers(slow)
      assert.isTrue(
        got.every((number, i) => i === 0 || number > (got[i - 1] as number)),
        "in order, once"
      )
      assert.strictEqual(got.at(-1), count - 1)
      const lost = world.rows("slow", DropReason.overtaken)
      assert.strictEqual(world.dropped("slow", DropReason.overtaken), count - got.length)
      assert.strictEqual(lost.length, 1)
      assert.isAbove(got.length, 1000, "the ring held that many")
      assert.strictEqual(world.core.sessions.get("slow")?.mode, SessionMode.live)
    })
  }

  it("again and again, by little, has the same sum in the ledger", () => {
    const world = ringOf(MIB / 4)
    const slow = new TestClient(world, { clientIdentifier: "slow", sessionExpirySeconds: 1000, receiveMaximum: 5 })
    const quick = new TestClient(world, { clientIdentifier: "quick" })
    const publisher = new TestClient(world, { clientIdentifier: "p" })
    slow.subscribe("a/+", { qos: 1 })
    slow.subscribe("b/1", { qos: 1 })
    quick.subscribe("#", { qos: 1 })
    slow.acknowledges = false
    const open: Array<number> = []
    let got = 0
    slow.onMessage = ({ qos, packetIdentifier }) => {
      if (qos === 0) return
      got += 1
      open.push(packetIdentifier)
    }
    const acknowledgeAll = (): void => {
      for (const id of open.splice(0)) slow.acknowledge(4, id)
      world.run()
    }
    world.run()
    let wanted = 0
    let jumps = 0
    for (let i = 0; i < 6000; i++) {
      const topic = ["a/x", "b/1", "c", "a/y"][i % 4] as string
      if (topic !== "c") wanted += 1
      publisher.publish(topic, numbered(i, 300), { qos: 1, retain: i % 8 === 0 })
      // Logged for its retained value, delivered at once: nobody waits for it.
      if (i % 10 === 0) publisher.publish("a/zero", "x", { retain: true })
      const before = world.dropped("slow", DropReason.overtaken)
      if (i % 20 === 0) acknowledgeAll()
      if (world.dropped("slow", DropReason.overtaken) > before) jumps += 1
      world.run()
      publisher.all.length = 0
    }
    assert.isAbove(jumps, 3)
    while (open.length > 0) acknowledgeAll()
    assert.strictEqual(world.core.sessions.get("slow")?.mode, SessionMode.live)
    assert.strictEqual(got + world.dropped("slow", DropReason.overtaken), wanted)
  })

  it("while it is away has its row when it comes back, or when it ends", () => {
    for (const returns of [true, false]) {
      const world = ringOf(MIB / 4)
      away(world, "s", "a")
      const quick = new TestClient(world, { clientIdentifier: "quick" })
      quick.subscribe("a", { qos: 1 })
      const publisher = new TestClient(world, { clientIdentifier: "p" })
      for (let i = 0; i < 3000; i++) {
        publisher.publish("a", numbered(i, 300), { qos: 1 })
        world.run()
      }
      if (returns) {
        const got = back(world, "s").messages.length
        assert.strictEqual(world.dropped("s", DropReason.overtaken), 3000 - got)
      } else {
        world.advance(1_000_100)
        assert.strictEqual(world.dropped("s", DropReason.sessionExpired), 3000)
      }
    }
  })
})
