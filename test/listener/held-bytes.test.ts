/**
 * Bytes that wait for a ticket in the outbox: never written before it is kept, always after, in order; what came
 * before them is not delayed; nothing leaks when the connection ends with some of them waiting.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Holds } from "../../src/broker/holds.ts"
import { FlushTurn } from "../../src/listener/flush-turn.ts"
import { Hold, Outbox } from "../../src/listener/outbox.ts"
import { SLAB_BYTES, SlabPool } from "../../src/listener/slab-pool.ts"
import { ManualTurns, RoomyTransport, StubTransport } from "./stub-transport.ts"

const setUp = (gatherBytes = SLAB_BYTES, transport = new StubTransport()) => {
  const pool = new SlabPool(8)
  const turns = new ManualTurns()
  const outbox = new Outbox(transport, pool, new FlushTurn(turns.schedule), 1 << 20, gatherBytes)
  const say = (text: string) => outbox.append(Buffer.from(text), 0, text.length)
  /** Ends the turn, and the transport takes everything. */
  const turn = () => {
    turns.endTurn()
    while (transport.held.length > 0) assert.isTrue(transport.take(1), "a slab changed while it was in flight")
    return transport.received.toString()
  }
  return { transport, pool, turns, outbox, say, turn }
}

describe("held bytes", () => {
  it("wait for their ticket, what came before does not", () => {
    const { outbox, say, turn } = setUp()
    say("free ")
    assert.strictEqual(outbox.hold(7), Hold.began)
    say("held ")
    assert.strictEqual(turn(), "free ")
    outbox.release(6)
    assert.strictEqual(turn(), "free ")
    outbox.release(7)
    say("later")
    assert.strictEqual(turn(), "free held later")
  })

  it("wait, too, when they are an answer that is alone", () => {
    const { outbox, turn } = setUp(SLAB_BYTES, new RoomyTransport(100))
    outbox.hold(7)
    outbox.appendAlone(Buffer.from("held"))
    assert.strictEqual(turn(), "")
    outbox.release(7)
    assert.strictEqual(turn(), "held")
  })

  it("of one turn leave together, with the highest ticket; the next turn's are their own", () => {
    const { outbox, say, turn } = setUp()
    outbox.hold(3)
    say("a")
    assert.strictEqual(outbox.hold(4), Hold.raised)
    say("b")
    turn()
    assert.strictEqual(outbox.hold(5), Hold.began)
    say("c")
    assert.strictEqual(outbox.hold(2), Hold.behind)
    say("d")
    turn()
    outbox.release(3)
    assert.strictEqual(turn(), "")
    outbox.release(4)
    assert.strictEqual(turn(), "ab")
    outbox.release(9)
    assert.strictEqual(turn(), "abcd")
  })

  it("share slabs, whatever the turns, and give them back", () => {
    const { outbox, pool, say, turn } = setUp()
    for (let ticket = 1; ticket <= 500; ticket++) {
      outbox.hold(ticket)
      say(`${ticket},`)
      turn()
    }
    assert.strictEqual(pool.takenSlabs, 1)
    assert.isAbove(outbox.queuedBytes, 1000)
    for (let kept = 1; kept <= 500; kept++) {
      outbox.release(kept)
      assert.strictEqual(turn().split(",").length, kept + 1)
    }
    assert.strictEqual(pool.takenSlabs, 0)
    assert.strictEqual(outbox.queuedBytes, 0)
  })

  it("count as queued, and tell when the client has drained", () => {
    const { outbox, turn } = setUp()
    let drained = 0
    outbox.onDrained = () => drained++
    outbox.hold(1)
    const large = Buffer.alloc(2 << 20)
    outbox.append(large, 0, large.length)
    assert.isTrue(outbox.congested)
    assert.strictEqual(outbox.queuedBytes, large.length)
    outbox.awaitDrain()
    turn()
    assert.strictEqual(drained, 0)
    outbox.release(1)
    turn()
    assert.strictEqual(drained, 1)
    assert.isFalse(outbox.congested)
  })

  it("are dropped when the connection ends, slabs that are in flight come back with their write", () => {
    const { outbox, pool, say, transport, turns } = setUp()
    say("sent ")
    outbox.hold(1)
    say("held")
    turns.endTurn()
    outbox.close()
    outbox.release(1)
    turns.endTurn()
    assert.strictEqual(transport.received.toString(), "sent ")
    assert.strictEqual(pool.takenSlabs, 1)
    assert.isTrue(transport.take(1))
    assert.strictEqual(pool.takenSlabs, 0)
  })

  it("can be forgotten for a last word, which goes out at once", () => {
    const { outbox, pool, say, turn } = setUp()
    say("sent ")
    outbox.hold(1)
    say("held")
    assert.isTrue(outbox.hasSent)
    outbox.dropHeld()
    say("bye")
    outbox.flush()
    outbox.close()
    assert.strictEqual(turn(), "sent bye")
    assert.strictEqual(pool.takenSlabs, 0)
  })

  it("the very first ones tell that the client was sent nothing yet", () => {
    const { outbox, say } = setUp()
    outbox.hold(1)
    say("held")
    assert.isFalse(outbox.hasSent)
    outbox.release(1)
    assert.isTrue(outbox.hasSent)
  })
})

type Action = readonly [verb: number, amount: number]
const VERBS = 8

/** One outbox and what is known of it: each piece with the ticket it was added under, and the one its run ended up with. */
class Model {
  readonly parts = setUp()
  readonly holds = new Holds()
  readonly #pieces: Array<{ readonly bytes: Buffer; readonly ticket: number; run: number; end: number }> = []
  #ticket = 0
  #kept = 0
  /** Of the newest hold; the first piece of the run that is open in this turn. */
  #needed = 0
  #openFrom = -1
  #added = 0

  take([verb, amount]: Action): void {
    const { transport, turns } = this.parts
    if (verb <= 1) this.#add(1 + (amount % 300))
    else if (verb === 2) this.#add(amount * 137)
    else if (verb <= 4) this.#hold(amount)
    else if (verb === 5) this.#keep(Math.min(this.#ticket, this.#kept + (amount % 4)))
    else if (verb === 6) transport.take(1 + (amount % 2))
    else {
      turns.endTurn()
      this.#openFrom = -1
    }
    this.#check()
  }

  finish(): void {
    const { outbox, pool, transport, turn } = this.parts
    turn()
    this.#check()
    const free = this.#pieces.filter(({ run }) => run <= this.#kept).at(-1)?.end ?? 0
    assert.strictEqual(transport.received.length, free, "what may leave has left")
    this.#keep(this.#ticket)
    turn()
    assert.isTrue(transport.received.equals(Buffer.concat(this.#pieces.map(({ bytes }) => bytes))))
    assert.strictEqual(pool.takenSlabs, 0)
    assert.strictEqual(outbox.queuedBytes, 0)
    assert.strictEqual(this.holds.length, 0)
  }

  #add(length: number): void {
    const bytes = Buffer.alloc(length, this.#pieces.length + 1)
    const run = this.#pieces.at(-1)?.run ?? 0
    this.#added += length
    this.#pieces.push({ bytes, ticket: this.#needed, run: Math.max(run, this.#needed), end: this.#added })
    this.parts.outbox.append(bytes, 0, length)
  }

  #hold(amount: number): void {
    this.#ticket += amount % 3
    const ticket = Math.max(0, this.#ticket - (amount % 5 === 0 ? 2 : 0))
    if (ticket <= this.#kept) return
    this.holds.add(this.parts.outbox, ticket)
    if (ticket <= this.#needed) return
    if (this.#openFrom < 0 || this.#needed <= this.#kept) this.#openFrom = this.#pieces.length
    for (const piece of this.#pieces.slice(this.#openFrom)) piece.run = ticket
    this.#needed = ticket
  }

  #keep(kept: number): void {
    this.#kept = kept
    this.holds.release(kept)
  }

  /** Nothing has left too early. */
  #check(): void {
    const written = this.parts.transport.received.length
    for (const { bytes, end, ticket } of this.#pieces) {
      if (end - bytes.length < written) assert.isAtMost(ticket, this.#kept, "bytes left before their ticket was kept")
    }
    const { outbox, transport } = this.parts
    assert.strictEqual(outbox.queuedBytes, this.#added - written + transport.unsentBytes)
  }
}

describe("an outbox that holds", () => {
  it("never writes before the ticket is kept, always after, and in order", () => {
    const action: fc.Arbitrary<Action> = fc.tuple(fc.nat(VERBS - 1), fc.nat(400))
    const property = fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const model = new Model()
      for (const each of actions) model.take(each)
      model.finish()
    })
    fc.assert(property, { numRuns: 600 })
  })

  it("leaks no slab, wherever it is closed or its held bytes are dropped", () => {
    const action: fc.Arbitrary<Action> = fc.tuple(fc.nat(VERBS - 1), fc.nat(400))
    const property = fc.property(fc.array(action, { maxLength: 60 }), fc.boolean(), (actions, drops) => {
      const model = new Model()
      for (const each of actions) model.take(each)
      const { outbox, pool, transport, turns } = model.parts
      if (drops) outbox.dropHeld()
      const before = transport.received.length + (drops ? outbox.queuedBytes - transport.unsentBytes : 0)
      if (drops) outbox.append(Buffer.from("bye"), 0, 3)
      if (drops) outbox.flush()
      outbox.close()
      model.holds.release(Number.POSITIVE_INFINITY)
      turns.endTurn()
      assert.strictEqual(transport.received.length, before + (drops ? 3 : 0))
      while (transport.held.length > 0) assert.isTrue(transport.take(1))
      turns.endTurn()
      assert.strictEqual(pool.takenSlabs, 0)
    })
    fc.assert(property, { numRuns: 400 })
  })
})
