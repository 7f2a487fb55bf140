/**
 * Reads a sealed segment from front to back in stretches that fit a small slab: for compaction, which may hold neither
 * the loop nor 16 MiB for long. Frames are handed out whole and verified.
 *
 *   next()   "frame"    `slab`, `frame`, and its records at [recordsAt, recordsEnd)
 *            "end"      the segment's last LSN has been passed; of a compacted one, its SEAL was met
 *            "broken"   something does not verify: scan.ts knows how to go on, `passedLsn` says how far this came
 *
 * The slab grows to the largest frame. What was handed out is valid until the next call.
 */
import * as Effect from "effect/Effect"
import { makeSlab, type Slab } from "./checksum.ts"
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, readFrameHeader } from "./frame.ts"
import { readLsn, verifyRecord } from "./record.ts"
import { type DecodedHeader, decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "./segment.ts"
import type { StoreFault, StoreFile } from "./store-fs.ts"

const STRETCH_BYTES = 262_144

export class SegmentFrames {
  slab: Slab = makeSlab(STRETCH_BYTES)
  readonly frame = new FrameHeader()
  recordsAt = 0
  recordsEnd = 0
  passedLsn: number
  readonly #file: StoreFile
  readonly #segment: DecodedHeader
  readonly #lastLsn: number
  /** Offset in the file of the slab's first byte; bytes of the file in the slab; where the next frame begins in it. */
  #base = SEGMENT_HEADER_BYTES
  #length = 0
  #at = 0

  /** What stands behind `lastLsn` does not count. */
  constructor(file: StoreFile, segment: DecodedHeader, lastLsn: number) {
    this.#file = file
    this.#segment = segment
    this.#lastLsn = lastLsn
    this.passedLsn = segment.header.baseLsn - 1
  }

  next(): Effect.Effect<"frame" | "end" | "broken", StoreFault> {
    return Effect.gen({ self: this }, function* () {
      while (true) {
        if (this.#isPassed) return "end"
        if (!this.#readHeader()) {
          yield* this.#fill(FRAME_HEADER_BYTES)
          if (!this.#readHeader()) return "broken"
        }
        const { count, firstLsn, flags, lengthBytes } = this.frame
        if (lengthBytes < FRAME_HEADER_BYTES) return "broken"
        if ((flags & FrameFlag.seal) !== 0) return this.#isSparse ? "end" : "broken"
        if (count > 0 && firstLsn > this.#lastLsn) return "broken"
        if (this.#at + lengthBytes > this.#length) {
          yield* this.#fill(lengthBytes)
          if (!this.#readHeader() || this.#at + lengthBytes > this.#length) return "broken"
        }
        const from = this.#at
        this.#at += lengthBytes
        if (count === 0) continue
        this.recordsAt = from + FRAME_HEADER_BYTES
        this.recordsEnd = from + lengthBytes
        return this.#isWhole(count, firstLsn) ? "frame" : "broken"
      }
    })
  }

  /** Of a dense segment the last record was seen; a sparse one ends with SEAL only. */
  get #isPassed(): boolean {
    return !this.#isSparse && this.passedLsn >= this.#lastLsn
  }
  get #isSparse(): boolean {
    return this.#segment.header.gen > 0
  }

  #readHeader(): boolean {
    const { header, seed } = this.#segment
    return readFrameHeader(this.slab, this.#at, this.#length, header.epoch, seed, this.frame, this.#base)
  }

  /** Brings what begins at the next frame to the slab's front, at least `wantedBytes` of it where the file has them. */
  #fill(wantedBytes: number): Effect.Effect<void, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      const size = yield* this.#file.size
      this.#base += this.#at
      this.#at = 0
      // A damaged length must not be believed: no frame is longer than what is left of its file.
      const wanted = Math.min(wantedBytes, Math.max(0, size - this.#base))
      if (this.slab.bytes.length < wanted) this.slab = makeSlab((wanted + 7) & ~7)
      this.#length = yield* this.#file.read(this.slab.bytes, 0, this.slab.bytes.length, this.#base)
    })
  }

  #isWhole(count: number, firstLsn: number): boolean {
    const { slab } = this
    let at = this.recordsAt
    let lsn = this.passedLsn
    if (this.#isSparse ? firstLsn <= lsn : firstLsn !== lsn + 1) return false
    for (let index = 0; index < count; index++) {
      const size = verifyRecord(slab, at, this.recordsEnd, this.#segment.seed)
      if (size === 0) return false
      const next = readLsn(slab, at)
      if (this.#isSparse ? next <= lsn || next > this.#lastLsn : next !== lsn + 1) return false
      lsn = next
      at += size
    }
    if (at !== this.recordsEnd) return false
    this.passedLsn = lsn
    return true
  }
}

/** Reads the segment's header; undefined when it does not verify. */
export const readSegmentHeader = (file: StoreFile): Effect.Effect<DecodedHeader | undefined, StoreFault> =>
  Effect.gen(function* () {
    const slab = makeSlab(SEGMENT_HEADER_BYTES)
    yield* file.read(slab.bytes, 0, SEGMENT_HEADER_BYTES, 0)
    return decodeSegmentHeader(slab)
  })
