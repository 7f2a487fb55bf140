/**
 * The outbox over a transport that takes bytes only when told: every byte once, in order, unchanged while in flight;
 * no slab without bytes; one write per turn; congestion seen and its end told.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { FlushTurn } from "../../src/listener/flush-turn.ts"
import { lent } from "../../src/listener/lent-memory.ts"
import { BY_REFERENCE_BYTES_MIN, Outbox } from "../../src/listener/outbox.ts"
import { SLAB_BYTES, SlabPool, SMALL_SLAB_BYTES } from "../../src/listener/slab-pool.ts"
import { ManualTurns, RoomyTransport, StubTransport } from "./stub-transport.ts"

function setUp(limitBytes = 1 << 20, freeSlabsMax = 8, transport = new StubTransport()) {
  const pool = new SlabPool(freeSlabsMax)
  const turns = new ManualTurns()
  const turn = new FlushTurn(turns.schedule)
  return { transport, pool, turns, turn, outbox: new Outbox(transport, pool, turn, limitBytes) }
}

/** Bytes no two ranges of which look alike. */
function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = (seed * 31 + index * 7 + (index >> 8)) & 0xff
  return bytes
}

function reserveAndFill(outbox: Outbox, content: Buffer): void {
  const offset = outbox.reserve(content.length)
  content.copy(outbox.slab, offset)
}

describe("outbox", () => {
  it("holds no slab while idle, takes one on the first byte, and has it back when the transport is done", () => {
    const { outbox, pool, transport, turns } = setUp()
    assert.strictEqual(pool.takenSlabs, 0)
    outbox.append(Buffer.from("hello"), 0, 5)
    assert.strictEqual(pool.takenSlabs, 1)
    turns.endTurn()
    assert.strictEqual(pool.takenSlabs, 1)
    transport.take(1)
    assert.strictEqual(pool.takenSlabs, 0)
    assert.strictEqual(transport.received.toString(), "hello")
  })

  it("writes once per turn while a turn's bytes fit in a slab", () => {
    const { outbox, transport, turns } = setUp()
    for (let message = 0; message < 1_000; message++) reserveAndFill(outbox, bytesOf(64, message))
    assert.strictEqual(transport.writes.length, 0)
    assert.strictEqual(turns.scheduled, 1)
    turns.endTurn()
    assert.strictEqual(transport.writes.length, 1)
    assert.strictEqual(transport.received.length, 64_000)
  })

  it("writes at once when a slab overflows, and the rest at the end of the turn", () => {
    const { outbox, transport, turns } = setUp()
    for (let message = 0; message < 5; message++) reserveAndFill(outbox, bytesOf(30_000, message))
    assert.strictEqual(transport.writes.length, 2)
    transport.take(2)
    turns.endTurn()
    assert.strictEqual(transport.writes.length, 3)
    assert.isTrue(transport.received.equals(Buffer.concat([0, 1, 2, 3, 4].map((seed) => bytesOf(30_000, seed)))))
  })

  it("begins with a small slab and keeps what is in it when it grows", () => {
    const { outbox, pool, transport, turns } = setUp()
    reserveAndFill(outbox, bytesOf(SMALL_SLAB_BYTES, 1))
    assert.strictEqual(outbox.slab.length, SMALL_SLAB_BYTES)
    reserveAndFill(outbox, bytesOf(SLAB_BYTES - SMALL_SLAB_BYTES, 2))
    assert.strictEqual(outbox.slab.length, SLAB_BYTES)
    assert.strictEqual(pool.takenSlabs, 1)
    turns.endTurn()
    assert.strictEqual(transport.writes.length, 1)
    const sent = Buffer.concat([bytesOf(SMALL_SLAB_BYTES, 1), bytesOf(SLAB_BYTES - SMALL_SLAB_BYTES, 2)])
    assert.isTrue(transport.received.equals(sent))
  })

  it("gives a whole slab of room, also when some bytes are waiting", () => {
    const { outbox, transport, turns } = setUp()
    reserveAndFill(outbox, bytesOf(10, 1))
    reserveAndFill(outbox, bytesOf(SLAB_BYTES, 2))
    transport.take(1)
    turns.endTurn()
    assert.isTrue(transport.received.equals(Buffer.concat([bytesOf(10, 1), bytesOf(SLAB_BYTES, 2)])))
  })

  it("hands a large range over where it lies, after what came before it", () => {
    const { outbox, transport } = setUp()
    const large = bytesOf(BY_REFERENCE_BYTES_MIN + 10, 3)
    reserveAndFill(outbox, bytesOf(5, 1))
    outbox.append(large, 5, large.length)
    assert.strictEqual(transport.writes.length, 2)
    assert.strictEqual(transport.held[1]?.buffer.buffer, large.buffer)
    assert.isTrue(transport.received.equals(Buffer.concat([bytesOf(5, 1), large.subarray(5)])))
  })

  it("what the network takes at once is done with: its slab is back, and later turns need no report", () => {
    const roomy = new RoomyTransport(25)
    const { outbox, pool, turns } = setUp(1 << 20, 8, roomy)
    for (let turn = 0; turn < 3; turn++) {
      reserveAndFill(outbox, bytesOf(10, turn))
      turns.endTurn()
      assert.strictEqual(outbox.writesDone, Math.min(turn + 1, 2))
    }
    assert.strictEqual(roomy.held[0]?.buffer.length, 5, "the rest of the third is handed over")
    assert.strictEqual(pool.takenSlabs, 1)
    roomy.roomBytes = 100
    reserveAndFill(outbox, bytesOf(10, 3))
    turns.endTurn()
    assert.strictEqual(roomy.takenNowBytes, 25, "nothing overtakes it")
    roomy.take(1)
    assert.strictEqual(pool.takenSlabs, 0)
    assert.isTrue(roomy.received.equals(Buffer.concat([0, 1, 2, 3].map((seed) => bytesOf(10, seed)))))
  })

  it("an answer that is alone leaves at once and without a slab; the rest of it, or behind something, with the turn", () => {
    const roomy = new RoomyTransport(25)
    const { outbox, pool, turns } = setUp(1 << 20, 8, roomy)
    outbox.appendAlone(bytesOf(10, 0))
    assert.strictEqual(roomy.takenNowBytes, 10)
    assert.deepStrictEqual([pool.takenSlabs, turns.scheduled, outbox.writesDone], [0, 0, 1])
    assert.isTrue(outbox.hasSent)
    outbox.appendAlone(bytesOf(20, 1))
    assert.strictEqual(roomy.takenNowBytes, 25, "as much as there is room for")
    roomy.roomBytes = 100
    outbox.appendAlone(bytesOf(10, 2))
    assert.strictEqual(roomy.takenNowBytes, 25, "nothing overtakes the rest")
    turns.endTurn()
    assert.isTrue(roomy.received.equals(Buffer.concat([bytesOf(10, 0), bytesOf(20, 1), bytesOf(10, 2)])))
    assert.strictEqual(pool.takenSlabs, 0)
    outbox.close()
    outbox.appendAlone(bytesOf(10, 3))
    assert.strictEqual(roomy.received.length, 40)
  })

  it("the end of a turn adds no write to one in flight; the rest leaves when that is done", () => {
    const { outbox, transport, turns } = setUp()
    reserveAndFill(outbox, bytesOf(10, 1))
    turns.endTurn()
    reserveAndFill(outbox, bytesOf(10, 2))
    turns.endTurn()
    reserveAndFill(outbox, bytesOf(10, 3))
    turns.endTurn()
    assert.strictEqual(transport.writes.length, 1)
    transport.take(1)
    assert.strictEqual(transport.writes.length, 2)
    assert.isTrue(transport.received.equals(Buffer.concat([1, 2, 3].map((seed) => bytesOf(10, seed)))))
  })

  it("a client that reads nothing, fed little every turn, holds slabs in proportion to its bytes", () => {
    const { outbox, pool, transport, turns } = setUp()
    for (let turn = 0; turn < 3_000; turn++) {
      reserveAndFill(outbox, bytesOf(64, turn))
      turns.endTurn()
    }
    assert.isAtMost(pool.takenSlabs, 2 + Math.ceil((3_000 * 64) / SLAB_BYTES))
    while (transport.held.length > 0) assert.isTrue(transport.take(1))
    const expected = Buffer.concat(Array.from({ length: 3_000 }, (_, turn) => bytesOf(64, turn)))
    assert.isTrue(transport.received.equals(expected))
    assert.strictEqual(pool.takenSlabs, 0)
  })

  it("the pool keeps a bounded number of free slabs", () => {
    const { outbox, pool, transport, turns } = setUp(1 << 30, 2)
    for (let message = 0; message < 100; message++) reserveAndFill(outbox, bytesOf(SLAB_BYTES, message))
    turns.endTurn()
    assert.strictEqual(pool.takenSlabs, 100)
    transport.take(99)
    transport.take(1)
    assert.strictEqual(pool.takenSlabs, 0)
    assert.strictEqual(pool.freeBytes, 2 * SLAB_BYTES)
  })

  it("is congested above its limit, and tells once when at most half of it is left", () => {
    const { outbox, transport, turns } = setUp(100)
    let drained = 0
    outbox.onDrained = () => drained++
    reserveAndFill(outbox, bytesOf(100, 1))
    assert.isFalse(outbox.congested)
    reserveAndFill(outbox, bytesOf(1, 1))
    assert.isTrue(outbox.congested)
    assert.strictEqual(outbox.queuedBytes, 101)
    outbox.awaitDrain()
    turns.endTurn()
    assert.isTrue(outbox.congested)
    assert.strictEqual(drained, 0)
    transport.take(1)
    assert.strictEqual(drained, 1)
    reserveAndFill(outbox, bytesOf(10, 1))
    turns.endTurn()
    transport.take(1)
    assert.strictEqual(drained, 1)
  })

  it("tells at half of the limit, while later writes are still in flight", () => {
    const { outbox, transport } = setUp(10 * BY_REFERENCE_BYTES_MIN)
    const range = bytesOf(BY_REFERENCE_BYTES_MIN, 1)
    let drained = 0
    outbox.onDrained = () => drained++
    for (let write = 0; write < 11; write++) outbox.append(range, 0, range.length)
    outbox.awaitDrain()
    transport.take(5)
    assert.strictEqual(drained, 0)
    transport.take(1)
    assert.strictEqual(drained, 1)
    transport.take(5)
    assert.strictEqual(drained, 1)
  })

  it("a drain awaited with nothing queued is told at the end of the turn, not from within the call", () => {
    const { outbox, turns } = setUp()
    let drained = 0
    outbox.onDrained = () => drained++
    outbox.awaitDrain()
    assert.strictEqual(drained, 0)
    turns.endTurn()
    assert.strictEqual(drained, 1)
  })

  it("bytes appended by onDrained leave in the next turn", () => {
    const { outbox, transport, turns } = setUp(10)
    outbox.onDrained = () => reserveAndFill(outbox, bytesOf(5, 9))
    reserveAndFill(outbox, bytesOf(20, 1))
    outbox.awaitDrain()
    turns.endTurn()
    transport.take(1)
    assert.strictEqual(transport.writes.length, 1)
    turns.endTurn()
    assert.isTrue(transport.received.equals(Buffer.concat([bytesOf(20, 1), bytesOf(5, 9)])))
  })

  it("after close it takes every call, writes nothing and holds nothing; slabs in flight still come back", () => {
    const { outbox, pool, transport, turns } = setUp(10)
    let drained = 0
    outbox.onDrained = () => drained++
    reserveAndFill(outbox, bytesOf(20, 1))
    turns.endTurn()
    reserveAndFill(outbox, bytesOf(20, 2))
    outbox.awaitDrain()
    outbox.close()
    assert.isTrue(outbox.closed)
    reserveAndFill(outbox, bytesOf(SLAB_BYTES, 3))
    outbox.append(bytesOf(100, 1), 0, 100)
    outbox.append(bytesOf(BY_REFERENCE_BYTES_MIN, 1), 0, BY_REFERENCE_BYTES_MIN)
    outbox.awaitDrain()
    outbox.flush()
    turns.endTurn()
    assert.strictEqual(pool.takenSlabs, 1)
    transport.take(1)
    outbox.close()
    assert.strictEqual(pool.takenSlabs, 0)
    assert.strictEqual(transport.writes.length, 1)
    assert.strictEqual(drained, 0)
  })

  it("is byte-exact under any sequence of reserve, append, flush, ends of turn and a transport that stalls", () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: SLAB_BYTES }))
    const step = fc.oneof(
      fc.record({ kind: fc.constant("reserve" as const), size }),
      fc.record({ kind: fc.constant("append" as const), size: fc.integer({ min: 0, max: 3 * SLAB_BYTES }) }),
      fc.record({ kind: fc.constant("alone" as const), size }),
      fc.record({ kind: fc.constant("turn" as const) }),
      fc.record({ kind: fc.constant("flush" as const) }),
      fc.record({ kind: fc.constant("take" as const), count: fc.nat(5) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.option(size), (steps, roomBytes) => {
        const roomy = roomBytes === null ? undefined : new RoomyTransport(roomBytes)
        const { outbox, pool, transport, turns } = setUp(SLAB_BYTES, 8, roomy)
        const expected: Array<Buffer> = []
        let expectedBytes = 0
        let takenBytes = 0
        for (const [index, step] of steps.entries()) {
          if (step.kind === "reserve" || step.kind === "append" || step.kind === "alone") {
            const content = bytesOf(step.size, index)
            expected.push(content)
            expectedBytes += content.length
            if (step.kind === "reserve") reserveAndFill(outbox, content)
            else if (step.kind === "alone") outbox.appendAlone(content)
            else outbox.append(content, 0, content.length)
          } else if (step.kind === "take") {
            const before = transport.unsentBytes
            const heldBefore = transport.held.slice(0, step.count).reduce((sum, { buffer }) => sum + buffer.length, 0)
            assert.isAtMost(heldBefore, before)
            takenBytes += heldBefore
            if (roomy !== undefined && roomBytes !== null) roomy.roomBytes = roomBytes
            assert.isTrue(transport.take(step.count), "a slab in flight was changed")
          } else if (step.kind === "turn") turns.endTurn()
          else outbox.flush()
          assert.strictEqual(outbox.queuedBytes, expectedBytes - takenBytes - (roomy?.takenNowBytes ?? 0))
          assert.strictEqual(outbox.congested, outbox.queuedBytes > SLAB_BYTES)
        }
        for (let round = 0; round < 3; round++) {
          turns.endTurn()
          assert.isTrue(transport.take(transport.held.length))
        }
        assert.isTrue(transport.received.equals(Buffer.concat(expected)))
        assert.strictEqual(outbox.queuedBytes, 0)
        assert.strictEqual(pool.takenSlabs, 0)
      }),
      { numRuns: 200 }
    )
  })
})

describe("flush turn", () => {
  it("flushes each dirty outbox once, and what becomes dirty meanwhile in the next turn", () => {
    const turns = new ManualTurns()
    const turn = new FlushTurn(turns.schedule)
    const ended: Array<string> = []
    const second = { endTurn: () => void ended.push("second") }
    const first = {
      endTurn: () => {
        ended.push("first")
        turn.add(second)
      }
    }
    turn.add(first)
    assert.strictEqual(turns.scheduled, 1)
    turns.endTurn()
    assert.deepStrictEqual(ended, ["first"])
    turns.endTurn()
    assert.deepStrictEqual(ended, ["first", "second"])
    assert.strictEqual(turns.scheduled, 0)
  })

  it("copies a range that is lent, and lets all outboxes but the first share one copy", () => {
    const { pool, transport, turn, turns, outbox } = setUp()
    const others = [1, 2].map(() => new StubTransport())
    const outboxes = [outbox, ...others.map((other) => new Outbox(other, pool, turn, 1 << 20))]
    const memory = bytesOf(3 * SLAB_BYTES, 1)
    const expected = Buffer.from(memory.subarray(10, 10 + 2 * SLAB_BYTES))
    const before = lent.begin(memory)
    for (const each of outboxes) {
      each.append(Buffer.from("in front "), 0, 9)
      each.append(memory, 10, 10 + 2 * SLAB_BYTES)
      each.append(Buffer.from(" behind"), 0, 7)
    }
    lent.begin(before)
    memory.fill(0)
    turns.endTurn()
    const whole = Buffer.concat([Buffer.from("in front "), expected, Buffer.from(" behind")])
    for (const each of [transport, ...others]) {
      assert.isTrue(each.take(each.held.length))
      turns.endTurn()
      each.take(each.held.length)
      assert.isTrue(each.received.equals(whole))
    }
    assert.strictEqual(pool.takenSlabs, 0)
  })

  it("copies of a range that is lent only what the network does not take at once", () => {
    const memory = bytesOf(3 * SLAB_BYTES, 5)
    const expected = Buffer.from(memory)
    const rooms = [expected.length + 100, SLAB_BYTES + 7, 0, 9 + SLAB_BYTES]
    const roomy = rooms.map((roomBytes) => new RoomyTransport(roomBytes))
    const { pool, turn, turns } = setUp()
    const outboxes = roomy.map((transport) => new Outbox(transport, pool, turn, 1 << 20))
    const before = lent.begin(memory)
    for (const outbox of outboxes) {
      outbox.append(Buffer.from("in front "), 0, 9)
      outbox.append(memory, 0, memory.length)
    }
    lent.begin(before)
    assert.deepStrictEqual(
      roomy.map(({ takenNowBytes }) => takenNowBytes),
      [9 + expected.length, SLAB_BYTES + 7, 0, 9 + SLAB_BYTES]
    )
    assert.strictEqual(outboxes[0]?.queuedBytes, 0)
    memory.fill(0)
    for (let round = 0; round < 4; round++) {
      turns.endTurn()
      for (const transport of roomy) assert.isTrue(transport.take(transport.held.length))
    }
    for (const { received } of roomy) {
      assert.isTrue(received.equals(Buffer.concat([Buffer.from("in front "), expected])))
    }
    assert.strictEqual(pool.takenSlabs, 0)
  })

  it("copies a range that is lent also while it holds", () => {
    const { transport, turns, outbox, pool } = setUp()
    const memory = bytesOf(2 * SLAB_BYTES, 3)
    const expected = Buffer.from(memory)
    outbox.append(Buffer.from("free"), 0, 4)
    outbox.hold(7)
    turns.endTurn()
    const before = lent.begin(memory)
    outbox.append(memory, 0, memory.length)
    lent.begin(before)
    memory.fill(0)
    turns.endTurn()
    assert.strictEqual(transport.received.toString(), "free")
    outbox.release(7)
    while (transport.held.length > 0 || turns.scheduled > 0) {
      turns.endTurn()
      if (transport.held.length === 0) break
      assert.isTrue(transport.take(transport.held.length))
    }
    assert.isTrue(transport.received.equals(Buffer.concat([Buffer.from("free"), expected])))
    assert.strictEqual(pool.takenSlabs, 0)
  })
})
