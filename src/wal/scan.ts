/**
 * Walks the bytes of one segment: which frames and records in it are true, what is torn, what is damaged.
 *
 * Plain and total: any bytes give an answer. With D = the highest LSN known to be durable:
 * - Damage or a gap above D is a torn tail: the scan ends before it, quietly. A frame there counts whole or not at all.
 * - Damage or a gap at or below D is corruption: every record that still verifies is delivered, the bytes and the lost
 *   LSNs are reported, the scan goes on behind them. [WAL-3]
 * - Records at or above `limit` (the base LSN of the next segment) are void, whatever their bytes say. [WAL-8]
 *
 * Whole frames above D are not delivered but listed as `tail`: they may exist in the page cache only, and nobody may
 * see them before they have been written again. [WAL-4]
 *
 * A compacted segment (gen >= 1) is sparse: its LSNs rise, and those that are not there are gone for good, up to its
 * header's last LSN. All of it is durable. What damage cost there is told as the range in which it lay: where the LSNs
 * are not dense, nobody knows which of them it held.
 *
 * When LSNs are missing between the end of a segment and `limit`, that is answered apart, as `missing`: a segment may
 * have been dropped there, of which only a later record tells (segment-drop.ts); if none was, it is damage.
 *
 * Elsewhere: order of segments, quarantine, the new segment (recover.ts); the same walk for people (verify.ts).
 */
import type { Slab } from "./checksum.ts"
import { FRAME_HEADER_BYTES, FrameHeader, readFrameHeader } from "./frame.ts"
import type { LsnRange } from "./lsn-ranges.ts"
import { isAcceptable, RecordView, readLsn, readRecord, recordSize, verifyRecord } from "./record.ts"
import { type DecodedHeader, SEGMENT_HEADER_BYTES } from "./segment.ts"

export interface Damage {
  readonly offset: number
  readonly lengthBytes: number
  readonly lost: ReadonlyArray<LsnRange>
}

export interface TailFrame {
  readonly writtenMs: number
  readonly offset: number
  readonly lengthBytes: number
  readonly firstLsn: number
  readonly count: number
}

/** Called per record, in LSN order; `offset` is where the record begins in its segment. */
export type RecordSink = (record: RecordView, offset: number) => void

export interface ScanInput {
  readonly slab: Slab
  readonly lengthBytes: number
  readonly segment: DecodedHeader
  /** The LSN that must come first. */
  readonly expectedLsn: number
  readonly durableLsn: number
  /** Infinity for the last segment. */
  readonly limit: number
}

export interface ScanResult {
  /** Behind the last frame that counts: sealing cuts here. */
  readonly endOffset: number
  readonly nextLsn: number
  /** Delivered, and in tail frames. */
  readonly records: number
  /** Flags of the last frame that counts. */
  readonly endFlags: number
  readonly damages: ReadonlyArray<Damage>
  /** What should follow here, or in a segment between this one and the next; the bytes are what stands here instead. */
  readonly missing: Damage | undefined
  /** Of the last frame with records, wall ms; 0 when there is none. */
  readonly newestMs: number
  readonly tail: ReadonlyArray<TailFrame>
  /** A record type that this version may not pass over. */
  readonly refusedType: number | undefined
}

export function scanSegment(input: ScanInput, sink: RecordSink): ScanResult {
  return new Scan(input, sink).run()
}

export interface Evidence {
  readonly durableLsn: number
  /** Of any frame whose header verifies. */
  readonly lastLsn: number
  /** Behind the last byte that was written to this segment, as far as one can tell. */
  readonly writtenEnd: number
}

/** What the frames of the last segment, damaged stretches passed over, prove to be durable. */
export function findEvidence(slab: Slab, lengthBytes: number, segment: DecodedHeader): Evidence {
  const frame = new FrameHeader()
  const { epoch, gen, isRecycled } = segment.header
  let durableLsn = gen > 0 ? segment.header.lastLsn : segment.header.baseLsn - 1 // [WAL-6]
  let lastLsn = durableLsn
  let writtenEnd = SEGMENT_HEADER_BYTES
  for (let at = SEGMENT_HEADER_BYTES; at + FRAME_HEADER_BYTES <= lengthBytes; ) {
    if (!readFrameHeader(slab, at, lengthBytes, epoch, segment.seed, frame)) {
      at += 8
      continue
    }
    durableLsn = Math.max(durableLsn, frame.durableLsn)
    lastLsn = Math.max(lastLsn, frame.firstLsn + frame.count - 1)
    const end = at + Math.max(FRAME_HEADER_BYTES, (frame.lengthBytes + 7) & ~7)
    writtenEnd = Math.min(end, lengthBytes)
    // A frame that is cut off hides nothing behind it; one that is whole is passed over.
    at = end
  }
  if (!isRecycled) writtenEnd = Math.max(writtenEnd, endOfNonZero(slab, lengthBytes))
  return { durableLsn, lastLsn, writtenEnd }
}

function endOfNonZero({ words }: Slab, lengthBytes: number): number {
  let word = (lengthBytes >>> 2) - 1
  while (word >= 0 && words[word] === 0) word--
  return (word + 1) * 4
}

class Scan {
  readonly #input: ScanInput
  readonly #sink: RecordSink
  readonly #frame = new FrameHeader()
  readonly #record = new RecordView()
  readonly #isSparse: boolean
  /** D, as far as this segment goes. */
  readonly #durableLsn: number
  readonly #damages: Array<Damage> = []
  readonly #tail: Array<TailFrame> = []
  #lost: Array<LsnRange> = []
  #at = SEGMENT_HEADER_BYTES
  #end = SEGMENT_HEADER_BYTES
  #expected: number
  #chain: number | undefined
  #records = 0
  #endFlags = 0
  #newestMs = 0
  /** In a sparse segment: bytes before `#at` did not verify, and may have held records from `#expected` on. */
  #isHurt = false
  #refusedType: number | undefined = undefined

  constructor(input: ScanInput, sink: RecordSink) {
    this.#input = input
    this.#sink = sink
    this.#expected = input.expectedLsn
    this.#chain = input.segment.chain
    const { gen, lastLsn } = input.segment.header
    this.#isSparse = gen > 0
    this.#durableLsn = gen > 0 ? lastLsn : input.durableLsn
  }

  run(): ScanResult {
    while (this.#refusedType === undefined && this.#step()) {}
    const missing = this.#refusedType === undefined ? this.#missing() : undefined
    return {
      endOffset: this.#end,
      nextLsn: this.#expected,
      records: this.#records,
      endFlags: this.#endFlags,
      damages: this.#damages,
      missing,
      newestMs: this.#newestMs,
      tail: this.#tail,
      refusedType: this.#refusedType
    }
  }

  #missing(): Damage | undefined {
    const { durableLsn, lengthBytes, limit, slab } = this.#input
    if (this.#isSparse) {
      this.#passTo(Math.min(this.#durableLsn, limit - 1) + 1)
      this.#addToLast()
    }
    const from = this.#expected
    const to = Math.min(durableLsn, limit - 1)
    if (from > to) return undefined
    this.#expected = to + 1
    const end = Math.max(this.#end, endOfNonZero(slab, lengthBytes))
    return { offset: this.#end, lengthBytes: end - this.#end, lost: [{ from, to }] }
  }

  /** One frame, or one stretch of damage. False at the end of what counts. */
  #step(): boolean {
    const { lengthBytes, limit, segment, slab } = this.#input
    const durableLsn = this.#durableLsn
    const frame = this.#frame
    const from = this.#at
    const isTail = this.#expected > durableLsn
    const isFrame =
      readFrameHeader(slab, from, lengthBytes, segment.header.epoch, segment.seed, frame) &&
      frame.lengthBytes <= lengthBytes - from &&
      frame.lengthBytes >= FRAME_HEADER_BYTES
    if (!isFrame) return isTail ? false : this.#search(from) // [WAL-3]
    if (frame.firstLsn >= limit && frame.count > 0) return false // [WAL-8]
    if (isTail && (frame.firstLsn !== this.#expected || this.#chain !== frame.previous)) return false
    const end = from + frame.lengthBytes
    if (frame.firstLsn < this.#expected || !this.#isWhole(from, end)) {
      return isTail || frame.firstLsn > durableLsn ? false : this.#salvage(from, end)
    }
    if (frame.firstLsn > this.#expected) {
      this.#passTo(Math.min(frame.firstLsn - 1, durableLsn) + 1)
      if (this.#isSparse) this.#addToLast()
      else this.#report(from, from)
      if (frame.firstLsn > this.#expected) return false
    }
    this.#accept(from, end)
    return true
  }

  #accept(from: number, end: number): void {
    const { slab } = this.#input
    const durableLsn = this.#durableLsn
    const { count, firstLsn, lengthBytes, writtenMs } = this.#frame
    this.#chain = this.#frame.crc
    this.#at = end
    this.#end = end
    this.#endFlags = this.#frame.flags
    if (count === 0) return
    this.#newestMs = writtenMs
    this.#record.writtenMs = writtenMs
    if (firstLsn > durableLsn) {
      this.#refuseUnknown(from + FRAME_HEADER_BYTES, end)
      this.#tail.push({ offset: from, lengthBytes, firstLsn, count, writtenMs })
      this.#expected += count
      this.#records += count
      return
    }
    for (let at = from + FRAME_HEADER_BYTES; at < end; at += this.#record.sizeBytes) this.#deliver(slab, at)
  }

  #refuseUnknown(from: number, end: number): void {
    const record = this.#record
    for (let at = from; at < end; at += record.sizeBytes) {
      readRecord(this.#input.slab, at, record)
      if (!isAcceptable(record.type, record.flags)) this.#refusedType ??= record.type
    }
  }

  #deliver(slab: Slab, at: number): void {
    const record = this.#record
    readRecord(slab, at, record)
    this.#expected = record.lsn + 1
    this.#records++
    if (!isAcceptable(record.type, record.flags)) this.#refusedType ??= record.type
    else this.#sink(record, at)
  }

  /** Does every record of the frame verify, with the LSNs that the header names? */
  #isWhole(from: number, end: number): boolean {
    const { segment, slab } = this.#input
    const { count, firstLsn } = this.#frame
    let at = from + FRAME_HEADER_BYTES
    let lsn = firstLsn - 1
    for (let index = 0; index < count; index++) {
      const size = verifyRecord(slab, at, end, segment.seed)
      if (size === 0) return false
      const next = readLsn(slab, at)
      if (this.#isSparse && index > 0 ? next <= lsn || next > this.#durableLsn : next !== lsn + 1) return false
      lsn = next
      at += size
    }
    return at === end
  }

  /** A frame whose header is true and whose records are not all: what verifies in it is kept. */
  #salvage(from: number, end: number): boolean {
    const { count, crc, firstLsn, writtenMs } = this.#frame
    this.#chain = crc
    this.#record.writtenMs = writtenMs
    if (this.#isSparse) this.#passTo(firstLsn)
    for (let at = from + FRAME_HEADER_BYTES; at < end; ) at = this.#salvageAt(at, end)
    if (!this.#isSparse) this.#passTo(Math.min(firstLsn + count - 1, this.#durableLsn, this.#input.limit - 1) + 1)
    this.#report(from, end)
    this.#at = end
    this.#end = end
    return true
  }

  /** No frame where one should be: records are looked for one by one, until a frame header verifies again. */
  #search(from: number): boolean {
    const { lengthBytes, segment, slab } = this.#input
    const before = this.#records
    this.#record.writtenMs = 0
    let at = this.#salvageAt(from, lengthBytes)
    while (
      at + FRAME_HEADER_BYTES <= lengthBytes &&
      !readFrameHeader(slab, at, lengthBytes, segment.header.epoch, segment.seed, this.#frame)
    ) {
      at = this.#salvageAt(at, lengthBytes)
    }
    const isFound = at + FRAME_HEADER_BYTES <= lengthBytes
    // Nothing at all: the end, or what is left of one. Whether something is missing there is the caller's to judge.
    if (!isFound && !this.#isSparse && this.#records === before) return false
    this.#chain = isFound ? this.#frame.previous : undefined
    if (isFound) this.#passTo(Math.min(this.#frame.firstLsn - 1, this.#durableLsn) + 1)
    else if (!this.#isSparse) this.#passTo(Math.min(this.#durableLsn, this.#input.limit - 1) + 1)
    this.#report(from, isFound ? at : Math.max(from, endOfNonZero(slab, lengthBytes)))
    this.#at = at
    this.#end = at
    return isFound
  }

  /** Delivers the record at `at` if there is one that may still count; answers where to look next. */
  #salvageAt(at: number, end: number): number {
    const { limit, segment, slab } = this.#input
    const durableLsn = this.#durableLsn
    const size = verifyRecord(slab, at, end, segment.seed)
    const lsn = size === 0 ? 0 : readLsn(slab, at)
    if (size === 0 || lsn < this.#expected || lsn > durableLsn || lsn >= limit) {
      this.#isHurt = true
      return at + 8
    }
    this.#passTo(lsn)
    this.#deliver(slab, at)
    return at + recordSize(this.#record.end - this.#record.start)
  }

  /** `lsn` is what comes next. Everything before it is lost, unless it is rightly not there. */
  #passTo(lsn: number): void {
    if (lsn > this.#expected) {
      if (!this.#isSparse || this.#isHurt) this.#lost.push({ from: this.#expected, to: lsn - 1 })
      this.#expected = lsn
    }
    this.#isHurt = false
  }

  /** What a stretch of damage cost is known only when something behind it is found. */
  #addToLast(): void {
    const last = this.#damages.pop()
    if (last === undefined) return
    this.#damages.push({ ...last, lost: [...last.lost, ...this.#lost] })
    this.#lost = []
  }

  #report(offset: number, end: number): void {
    this.#damages.push({ offset, lengthBytes: end - offset, lost: this.#lost })
    this.#lost = []
  }
}
