/**
 * Packed columns answer what plain ones would, whatever their values need, and whatever is written to them afterwards;
 * and they take the bytes that they are there to take. The last case is a log whose one segment needs all widths.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { NO_TOPIC, PackedColumns } from "../../src/store/packed-columns.ts"
import { LogWithModel } from "../contract/message-log.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { until } from "../wal/workload.ts"
import { durableOptions, openManually } from "./durable-world.ts"

interface Plain {
  readonly topicIds: Uint32Array
  readonly publishers: Uint32Array
  readonly flags: Uint8Array
  readonly following: Uint32Array
  readonly sizes: Uint32Array
  readonly places: Uint32Array
}

const packedOf = (plain: Plain): PackedColumns => {
  const count = plain.sizes.length
  const starts = new Uint32Array(count + 1)
  for (let i = 0; i < count; i++) starts[i + 1] = (starts[i] as number) + (plain.sizes[i] as number)
  return new PackedColumns({ ...plain, count, starts })
}

/** Records of one kind, one behind the other. */
const flood = (count: number, more: Partial<Plain> = {}): Plain => ({
  topicIds: new Uint32Array(count).fill(3),
  publishers: new Uint32Array(count).fill(70_000),
  flags: new Uint8Array(count).fill(2),
  following: new Uint32Array(count).fill(1),
  sizes: new Uint32Array(count).fill(280),
  places: Uint32Array.from({ length: count }, (_, i) => 4096 + i * 328),
  ...more
})

const check = (packed: PackedColumns, plain: Plain): void => {
  const read = (at: (i: number) => number) => Array.from(plain.sizes, (_, i) => at(i))
  assert.deepEqual(
    read((i) => packed.topicIdAt(i)),
    [...plain.topicIds],
    "topics"
  )
  assert.deepEqual(packed.topicColumn(), plain.topicIds)
  assert.deepEqual(
    read((i) => packed.publisherAt(i)),
    [...plain.publishers],
    "publishers"
  )
  assert.deepEqual(
    read((i) => packed.flagsAt(i)),
    [...plain.flags],
    "flags"
  )
  assert.deepEqual(
    read((i) => packed.followingAt(i)),
    [...plain.following],
    "following"
  )
  assert.deepEqual(
    read((i) => packed.sizeAt(i)),
    [...plain.sizes],
    "sizes"
  )
  assert.deepEqual(
    read((i) => packed.placeAt(i)),
    [...plain.places],
    "places"
  )
}

/** Values about the borders of what columns of one and two bytes hold. */
const border = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 252, max: 259 }),
  fc.integer({ min: 65_532, max: 65_540 }),
  fc.integer({ min: 0, max: 0xffff_fffe })
)
/** Few kinds of values in one column: narrow columns are drawn too. */
const column = (count: number) =>
  fc
    .tuple(
      border,
      fc.array(border, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(2), { minLength: count, maxLength: count })
    )
    .map(([base, values, picks]) =>
      Uint32Array.from(picks, (pick) => Math.min(0xffff_fffe, base + (values[pick % values.length] as number)))
    )
const anyPlain = fc.nat(12).chain((count) =>
  fc.record({
    topicIds: column(count),
    publishers: column(count),
    flags: fc.uint8Array({ min: 0, max: 15, minLength: count, maxLength: count }),
    following: column(count),
    sizes: column(count).map((sizes) => sizes.map((size) => size >>> 8)),
    places: fc.oneof(
      column(count),
      fc
        .tuple(fc.nat(2 ** 20), fc.array(fc.nat(700), { minLength: count, maxLength: count }))
        .map(([from, gaps]) => Uint32Array.from(gaps, (gap, i) => (from + i * 500 + gap) * 8))
    )
  })
)
const steps = fc.array(
  fc.record({ what: fc.constantFrom("forget", "link", "move", "settle"), i: fc.nat(11), value: border }),
  { maxLength: 20 }
)

describe("packed columns", () => {
  it("answer what plain ones would", () => {
    fc.assert(
      fc.property(anyPlain, steps, (plain, steps) => {
        const packed = packedOf(plain)
        check(packed, plain)
        for (const { i, value, what } of steps) {
          if (i >= plain.sizes.length) continue
          const before = packed.bytes
          if (what === "forget") {
            packed.forget(i)
            plain.topicIds[i] = NO_TOPIC
          } else if (what === "link") {
            const grew = packed.link(i, value)
            plain.following[i] = value
            if (!grew) assert.strictEqual(packed.bytes, before, "what did not grow takes what it took")
          } else if (what === "move") {
            packed.movePlaces()[i] = value
            plain.places[i] = value
          } else packed.settlePlaces()
          check(packed, plain)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("take nothing for what all records have in common", () => {
    assert.strictEqual(packedOf(flood(1000)).bytes, 0)
    const topicIds = Uint32Array.from({ length: 1000 }, (_, i) => 5_000_000 + (i % 255))
    assert.strictEqual(packedOf(flood(1000, { topicIds })).bytes, 1000)
    const more = Uint32Array.from({ length: 1000 }, (_, i) => 5_000_000 + (i % 256))
    assert.strictEqual(packedOf(flood(1000, { topicIds: more })).bytes, 2000, "one value stands for none")
  })

  it("place records of several sizes with two bytes, and those of two files with four", () => {
    const places = Uint32Array.from({ length: 3000 }, (_, i) => 4096 + (i < 1500 ? i * 64 : 96_000 + (i - 1500) * 464))
    assert.strictEqual(packedOf(flood(3000, { places })).bytes, 6000)
    check(packedOf(flood(3000, { places })), flood(3000, { places }))
    const files = Uint32Array.from({ length: 3000 }, (_, i) => (i < 100 ? 60_000_000 + i * 328 : i * 328))
    const packed = packedOf(flood(3000, { places: files }))
    assert.strictEqual(packed.bytes, 12_000)
    check(packed, flood(3000, { places: files }))
  })

  it("grow with the distances they are told of, width by width", () => {
    const packed = packedOf(flood(100))
    const grows = [1, 0, 255, 256, 65_535, 65_536, 3_000_000_000].map((distance) => packed.link(7, distance))
    assert.deepEqual(grows, [false, true, false, true, false, true, false])
    assert.strictEqual(packed.bytes, 400)
    assert.deepEqual([packed.followingAt(6), packed.followingAt(7)], [1, 3_000_000_000])
  })

  it.live("a segment of more topics than two bytes tell apart, and next records further away", () =>
    Effect.gen(function* () {
      const fs = new MemoryFs()
      fs.isTracing = false
      const large = { indexSegmentBytes: 12 * 1_048_576, segmentBytes: 32 * 1_048_576, limitBytes: 256 * 1_048_576 }
      const options = durableOptions(fs, { ...large, cacheBytes: 0 })
      const { close, log } = yield* openManually(options)
      const settled = until(() => log.kept === log.ticket)
      const both = new LogWithModel(log)
      const topics = 66_500
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < topics; i++) {
          both.append(`t/${i}`, 10)
          if (i % 2000 === 0) yield* settled
        }
        // Large ones, until the segment is full and a new one has begun.
        for (const { segments } = log.statistics(); log.statistics().segments === segments; ) {
          both.append("filler", 100_000)
          yield* settled
        }
      }
      both.append("t/1", 10)
      yield* settled
      assert.isBelow(log.hotBytes, 2 * large.indexSegmentBytes, "all but the segment that fills is cold")
      const end = both.model.length
      for (const first of [0, topics - 10, end - 20]) {
        for (let sequence = first; sequence < first + 20; sequence++) {
          while (!log.isReady(sequence)) {
            yield* Effect.callback<void>((resume) => log.load(sequence, () => resume(Effect.void)))
          }
          both.checkPosition(sequence)
        }
      }
      for (const i of [0, 1, 255, 256, 65_534, 65_535, 65_536, topics - 1]) both.checkTopic(`t/${i}`, 1)
      yield* close
    })
  )
})
