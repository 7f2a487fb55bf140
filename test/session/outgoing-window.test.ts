/**
 * The window of exchanges towards one client: packet identifiers, states, order, growth. Against a naive model
 * on random use, and its edges by hand.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ExchangeState, OutgoingWindow } from "../../src/session/outgoing-window.ts"

const { awaitPuback, awaitPubcomp, awaitPubrec, free } = ExchangeState

describe("the outgoing window", () => {
  it("gives identifiers that are not open, and remembers each exchange", () => {
    const action = fc.tuple(fc.nat(3), fc.nat(0xffff))
    const property = fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.array(action, { maxLength: 300 }),
      (limit, actions) => {
        const window = new OutgoingWindow(limit)
        const open = new Map<number, { state: number; sequence: number }>()
        let sequence = 100
        for (const [verb, which] of actions) {
          const [id, exchange] = [...open][which % Math.max(1, open.size)] ?? [0, undefined]
          if (verb < 2 && !window.full) {
            const state = verb === 0 ? awaitPuback : awaitPubrec
            const given = window.open(state, which % 5 === 0 ? -1 : sequence)
            assert.isFalse(open.has(given), `${given} is open`)
            assert.isTrue(given >= 1 && given <= 65_535)
            open.set(given, { state, sequence: which % 5 === 0 ? -1 : sequence })
            sequence += 1
          } else if (exchange?.state === awaitPubrec && verb === 2) {
            window.released(id)
            exchange.state = awaitPubcomp
          } else if (exchange !== undefined) {
            window.close(id)
            open.delete(id)
          }
          assert.strictEqual(window.inFlight, open.size)
          assert.strictEqual(window.full, open.size >= limit)
          for (const [each, held] of open)
            assert.deepEqual([window.state(each), window.sequence(each)], [held.state, held.sequence])
          assert.deepEqual(window.openIdentifiers(), [...open.keys()], "in the order in which they were opened")
          const logged = [...open.values()].map((held) => held.sequence).filter((at) => at >= 0)
          assert.strictEqual(window.lowestSequence(), Math.min(...logged, Number.POSITIVE_INFINITY))
        }
      }
    )
    fc.assert(property, { numRuns: 300 })
  })

  it("reuses the identifier that has been idle longest", () => {
    const window = new OutgoingWindow(100)
    const first = [window.open(awaitPuback, 0), window.open(awaitPuback, 1), window.open(awaitPuback, 2)]
    for (const id of [...first].reverse()) window.close(id)
    const later = Array.from({ length: 16 }, (_, i) => window.open(awaitPuback, i))
    assert.deepEqual(later.slice(-3), [...first].reverse(), "they come after all that were never used")
  })

  it("opens exchanges again under the identifiers they had, and goes on from there", () => {
    const exchange = fc.record({
      packetIdentifier: fc.integer({ min: 1, max: 200 }),
      state: fc.constantFrom(awaitPuback, awaitPubrec, awaitPubcomp),
      sequence: fc.integer({ min: -1, max: 1000 })
    })
    const exchanges = fc.uniqueArray(exchange, { selector: ({ packetIdentifier }) => packetIdentifier, maxLength: 40 })
    const property = fc.property(exchanges, (before) => {
      const window = new OutgoingWindow(65_535)
      window.reopen(before)
      const identifiers = before.map(({ packetIdentifier }) => packetIdentifier)
      assert.deepEqual(window.openIdentifiers(), identifiers)
      for (const { packetIdentifier, sequence, state } of before) {
        assert.deepEqual([window.state(packetIdentifier), window.sequence(packetIdentifier)], [state, sequence])
      }
      const later = Array.from({ length: 300 }, (_, i) => window.open(awaitPuback, i))
      assert.strictEqual(new Set([...identifiers, ...later]).size, before.length + 300)
      assert.deepEqual(window.openIdentifiers(), [...identifiers, ...later])
    })
    fc.assert(property)
  })

  it("grows to 65,535 open exchanges and keeps them all", () => {
    const window = new OutgoingWindow(65_535)
    for (let i = 0; i < 65_535; i++) window.open(i % 2 === 0 ? awaitPuback : awaitPubrec, i)
    assert.isTrue(window.full)
    const ids = window.openIdentifiers()
    assert.strictEqual(new Set(ids).size, 65_535)
    assert.isTrue(ids.every((id, i) => window.sequence(id) === i && id >= 1 && id <= 65_535))
    for (const id of ids) window.close(id)
    assert.strictEqual(window.inFlight, 0)
    assert.strictEqual(window.state(ids[0] as number), free)
  })

  it("costs nothing before the first exchange, and knows identifiers that were never used", () => {
    const window = new OutgoingWindow(20)
    assert.strictEqual(window.state(1), free)
    assert.strictEqual(window.state(65_535), free)
    assert.deepEqual(window.openIdentifiers(), [])
    window.open(awaitPuback, 0)
    assert.strictEqual(window.state(0), free)
    assert.strictEqual(window.state(65_535), free)
  })

  it("is full while more are open than a smaller limit allows", () => {
    const window = new OutgoingWindow(5)
    const ids = Array.from({ length: 5 }, (_, i) => window.open(awaitPuback, i))
    window.limit = 2
    for (const id of ids.slice(0, 3)) {
      assert.isTrue(window.full)
      window.close(id)
    }
    assert.isTrue(window.full)
    window.close(ids[3] as number)
    assert.isFalse(window.full)
    assert.deepEqual(window.openIdentifiers(), ids.slice(4))
  })

  it("keeps the order of first sending over PUBREC", () => {
    const window = new OutgoingWindow(5)
    const [a, b, c] = [window.open(awaitPubrec, 0), window.open(awaitPubrec, 1), window.open(awaitPubrec, 2)]
    window.released(b)
    window.close(a)
    const d = window.open(awaitPubrec, 3)
    assert.deepEqual(window.openIdentifiers(), [b, c, d])
    assert.strictEqual(window.state(b), awaitPubcomp)
  })

  it("tells them in that order when the line of identifiers has gone round, also when one was overtaken", () => {
    const window = new OutgoingWindow(65_535)
    const open = Array.from({ length: 12 }, (_, i) => window.open(awaitPuback, i))
    for (let sequence = 12; sequence < 40; sequence++) {
      window.close(open.shift() as number)
      open.push(window.open(awaitPuback, sequence))
      assert.deepEqual(window.openIdentifiers(), open)
    }
    for (let sequence = 40; sequence < 80; sequence++) {
      window.close(open.splice(sequence % 3, 1)[0] as number)
      open.push(window.open(awaitPuback, sequence))
      assert.deepEqual(window.openIdentifiers(), open)
    }
  })
})
