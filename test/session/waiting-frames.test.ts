/**
 * What waits in memory for a client: against an array of copies on random use, and its two bounds.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { CHUNK_BYTES, WaitingFrame, WaitingFrames, WaitingPool } from "../../src/session/waiting-frames.ts"

const MIB = 1_048_576

const frameOf = (sizeBytes: number, number: number): WaitingFrame => {
  const frame = new WaitingFrame()
  frame.buffer = Buffer.alloc(sizeBytes + 5, number)
  frame.start = 3
  frame.end = 3 + sizeBytes
  frame.qos = 1 + (number % 2)
  frame.retain = number % 3 === 0
  frame.isVersion5 = number % 5 === 0
  frame.sequence = number % 4 === 0 ? -1 : 2 ** 40 + number
  frame.expiresAtMs = number % 7 === 0 ? 1e12 + number : Number.POSITIVE_INFINITY
  frame.identifiers = number % 6 === 0 ? [number, 268_435_455] : undefined
  return frame
}

const shown = ({ buffer, end, start, ...rest }: WaitingFrame) => ({
  ...rest,
  bytes: buffer.subarray(start, end).toString("hex")
})

describe("frames that wait", () => {
  it("come out as they went in, in order, whatever their sizes", () => {
    const size = fc.oneof(fc.nat(200), fc.constantFrom(CHUNK_BYTES - 24, CHUNK_BYTES, 20_000))
    const steps = fc.array(fc.tuple(fc.nat(2), size), { maxLength: 300 })
    const property = fc.property(steps, (steps) => {
      const pool = new WaitingPool()
      const waiting = new WaitingFrames()
      const model: Array<ReturnType<typeof shown>> = []
      const read = new WaitingFrame()
      let number = 0
      for (const [verb, sizeBytes] of steps) {
        if (verb > 0) {
          const frame = frameOf(sizeBytes, number++ % 250)
          assert.isTrue(waiting.push(pool, frame, 64 * MIB, 64 * MIB))
          model.push(shown(frame))
        } else if (model.length > 0) {
          waiting.read(read)
          assert.deepEqual(shown(read), model.shift())
          waiting.shift(pool)
        }
        assert.strictEqual(waiting.count, model.length)
      }
      assert.strictEqual(waiting.clear(pool), model.length)
      assert.deepEqual([waiting.bytes, waiting.count, pool.usedBytes], [0, 0, 0], "nobody waits: nothing is held")
    })
    fc.assert(property, { numRuns: 200 })
  })

  it("hold no chunk once all is taken, and take chunks that others gave back", () => {
    const pool = new WaitingPool()
    const waiting = new WaitingFrames()
    const read = new WaitingFrame()
    assert.isTrue(waiting.push(pool, frameOf(10, 1), MIB, MIB))
    waiting.read(read)
    const { buffer } = read
    waiting.shift(pool)
    assert.deepEqual([waiting.bytes, pool.usedBytes], [0, 0])
    assert.isTrue(waiting.push(pool, frameOf(10, 2), MIB, MIB))
    waiting.read(read)
    assert.strictEqual(read.buffer, buffer)
  })

  it("are refused above the client's limit, and above the limit of all", () => {
    const pool = new WaitingPool()
    const one = new WaitingFrames()
    const other = new WaitingFrames()
    const frame = frameOf(1000, 1)
    assert.isTrue(one.push(pool, frame, 2048, MIB))
    assert.isTrue(one.push(pool, frame, 2048, MIB))
    assert.isFalse(one.push(pool, frame, 2048, MIB))
    assert.isFalse(other.push(pool, frame, MIB, CHUNK_BYTES), "the one chunk there may be is another's")
    assert.strictEqual(one.clear(pool), 2)
    assert.isTrue(other.push(pool, frame, MIB, CHUNK_BYTES))
  })
})
