/**
 * The bytes of headers and records: what is written comes back, any changed bit is seen, names sort as ids do.
 */
import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { checksum, makeSlab } from "../../src/wal/checksum.ts"
import { FRAME_HEADER_BYTES, FrameHeader, readFrameHeader, writeFrameHeader } from "../../src/wal/frame.ts"
import {
  isAcceptable,
  RecordFlag,
  RecordView,
  readRecord,
  recordSize,
  sealRecords,
  verifyRecord,
  writeRecordHeader
} from "../../src/wal/record.ts"
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  isSpareName,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  segmentName,
  spareName
} from "../../src/wal/segment.ts"

const lsn = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const word = fc.integer({ min: 0, max: 0xffff_ffff })

describe("checksum", () => {
  it("is zlib's CRC-32, whatever the length and the seed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 1200 }), fc.integer(), fc.nat(3), (bytes, seed, skip) => {
        const length = bytes.length & ~7
        const slab = makeSlab(length)
        slab.bytes.set(bytes.subarray(0, length))
        const from = Math.min(length, skip * 4)
        const expected = crc32(slab.bytes.subarray(from, length), seed >>> 0) | 0
        assert.strictEqual(checksum(slab, from, length, seed), expected)
      })
    )
  })
})

describe("segment header", () => {
  const header = fc.record({
    id: lsn,
    gen: word,
    epoch: word,
    baseLsn: lsn,
    createdMs: fc.integer({ min: 0, max: 8.64e15 }),
    storeUuid: fc.stringMatching(/^[0-9a-f]{32}$/),
    salt: fc.stringMatching(/^[0-9a-f]{16}$/),
    isRecycled: fc.boolean(),
    lastLsn: fc.nat(),
    replaces: fc.array(fc.record({ id: lsn, gen: word }), { maxLength: 100 })
  })

  it("comes back as it was written, from either copy", () => {
    fc.assert(
      fc.property(header, fc.constantFrom(0, 2048), fc.nat(2047), (wanted, copy, at) => {
        const slab = makeSlab(SEGMENT_HEADER_BYTES)
        const written = encodeSegmentHeader(slab, wanted)
        assert.deepEqual(decodeSegmentHeader(slab), { ...written, version: 1 })
        slab.bytes[copy + at] = (slab.bytes[copy + at] as number) ^ 4
        assert.deepEqual(decodeSegmentHeader(slab), { ...written, version: 1, copies: copy === 0 ? 2 : 1 })
      }),
      { numRuns: 50 }
    )
  })

  it("is none when both copies are damaged", () => {
    const slab = makeSlab(SEGMENT_HEADER_BYTES)
    slab.bytes.fill(0)
    assert.isUndefined(decodeSegmentHeader(slab))
  })

  it("names sort as ids do, and nothing else is taken for one", () => {
    const names = [9, 10, 100, 4_000_000_000].map((id) => segmentName(id, 0))
    assert.deepEqual([...names].sort(), names)
    assert.deepEqual(parseSegmentName(segmentName(12, 3)), { id: 12, gen: 3 })
    for (const name of ["1.0.wal", `${segmentName(1, 0)}.tmp`, spareName(1, false)])
      assert.isUndefined(parseSegmentName(name))
    assert.isTrue([false, true].every((used) => isSpareName(spareName(1_234_567, used))))
    assert.isFalse(isSpareName(`${spareName(1, false)}.tmp`))
  })
})

describe("frame header", () => {
  const fields = fc.record({
    lengthBytes: word,
    count: word,
    firstLsn: lsn,
    durableLsn: lsn,
    epoch: word,
    previous: fc.integer(),
    flags: fc.nat(15),
    writtenMs: lsn
  })

  it("comes back, and any changed bit is seen", () => {
    fc.assert(
      fc.property(fields, fc.integer(), fc.nat(FRAME_HEADER_BYTES * 8 - 1), (wanted, seed, bit) => {
        const slab = makeSlab(128)
        const header = Object.assign(new FrameHeader(), wanted, { offset: 64 })
        writeFrameHeader(slab, 64, header, seed)
        const found = new FrameHeader()
        assert.isTrue(readFrameHeader(slab, 64, 128, wanted.epoch, seed, found))
        assert.deepEqual({ ...found }, { ...header })
        slab.bytes[64 + (bit >> 3)] = (slab.bytes[64 + (bit >> 3)] as number) ^ (1 << (bit & 7))
        assert.isFalse(readFrameHeader(slab, 64, 128, wanted.epoch, seed, found))
      })
    )
  })

  it("is none at another offset, in another epoch, under another salt", () => {
    const slab = makeSlab(192)
    writeFrameHeader(slab, 64, Object.assign(new FrameHeader(), { epoch: 7, offset: 64 }), 1)
    slab.bytes.copy(slab.bytes, 128, 64, 120)
    const found = new FrameHeader()
    assert.isTrue(readFrameHeader(slab, 64, 192, 7, 1, found))
    assert.isFalse(readFrameHeader(slab, 128, 192, 7, 1, found))
    assert.isFalse(readFrameHeader(slab, 64, 192, 8, 1, found))
    assert.isFalse(readFrameHeader(slab, 64, 192, 7, 2, found))
  })
})

describe("record", () => {
  const fields = fc.record({
    type: fc.integer({ min: 1, max: 255 }),
    flags: fc.nat(255),
    sequence: word,
    publisher: word,
    expiresAtMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), lsn)
  })

  it("comes back whole, and any changed bit is seen", () => {
    fc.assert(
      fc.property(fields, lsn, fc.uint8Array({ maxLength: 700 }), fc.nat(), (wanted, number, body, bit) => {
        const size = recordSize(body.length)
        const slab = makeSlab(size + 16)
        const at = writeRecordHeader(slab, 8, Object.assign(new RecordView(), wanted), number, body.length)
        slab.bytes.set(body, at)
        sealRecords(slab, 8, 1, 99)
        assert.strictEqual(verifyRecord(slab, 8, size + 8, 99), size)
        assert.strictEqual(verifyRecord(slab, 8, size + 7, 99), 0, "cut off")
        const found = new RecordView()
        readRecord(slab, 8, found)
        const { buffer, end, start, ...rest } = found
        assert.deepEqual({ ...rest }, { ...wanted, lsn: number, sizeBytes: size, writtenMs: 0 })
        assert.deepEqual([...buffer.subarray(start, end)], [...body])
        const byte = 8 + ((bit >> 3) % size)
        slab.bytes[byte] = (slab.bytes[byte] as number) ^ (1 << (bit & 7))
        assert.strictEqual(verifyRecord(slab, 8, size + 8, 99), 0)
      })
    )
  })

  it("of an unknown kind is acceptable only when it says that it may be passed over", () => {
    assert.isTrue(isAcceptable(1, 0))
    assert.isTrue(isAcceptable(21, 0))
    assert.isFalse(isAcceptable(0, 0))
    assert.isFalse(isAcceptable(22, 0))
    assert.isTrue(isAcceptable(22, RecordFlag.optional))
  })
})
