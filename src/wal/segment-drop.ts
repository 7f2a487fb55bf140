/**
 * SEG-DROP: a segment is about to be removed although others before it stay. Durable before the removal, it tells
 * recovery that the gap in the LSNs is no damage.
 *
 *   offset  size  body of a record of type segmentDropped, little-endian
 *        0     8  segment id, 0 when several are meant
 *        8     8  first LSN of the gap
 *       16     8  last LSN of the gap
 *
 * A gap is told again, in a new record, before the record that told of it goes: as long as something lies before the
 * gap. DropLedger knows which; who removes segments asks it (store/compactor.ts); recovery only reads.
 */
import { type LsnRange, without } from "./lsn-ranges.ts"
import { RecordType, RecordView } from "./record.ts"

const BODY_BYTES = 24

export function segmentDropRecord(segmentId: number, { from, to }: LsnRange): RecordView {
  const body = Buffer.alloc(BODY_BYTES)
  body.writeBigUInt64LE(BigInt(segmentId), 0)
  body.writeBigUInt64LE(BigInt(from), 8)
  body.writeBigUInt64LE(BigInt(to), 16)
  const record = new RecordView()
  record.type = RecordType.segmentDropped
  record.buffer = body
  record.end = BODY_BYTES
  return record
}

/** Undefined when the record is none, or one that this version cannot read. */
export function readSegmentDrop({ buffer, end, start, type }: RecordView): LsnRange | undefined {
  if (type !== RecordType.segmentDropped || end - start < BODY_BYTES) return undefined
  return { from: Number(buffer.readBigUInt64LE(start + 8)), to: Number(buffer.readBigUInt64LE(start + 16)) }
}

/** A range that went on purpose, and the LSN of the record that says so. */
export interface ToldDrop extends LsnRange {
  readonly lsn: number
}

/** What a file of the log stands for. */
export interface FileRange {
  readonly firstLsn: number
  readonly lastLsn: number
}

/** Which gaps the log tells of, and where. SEG-DROPs are never copied. */
export class DropLedger {
  #told: Array<ToldDrop>

  constructor(told: ReadonlyArray<ToldDrop>) {
    this.#told = [...told]
  }

  tell(range: LsnRange, lsn: number): void {
    this.#told.push({ ...range, lsn })
  }

  /**
   * Gaps that must be told again before `going` go, because only records in them tell of these. `stay` are the files
   * between which there may be gaps then, in LSN order. [WAL-13]
   */
  toTellAgain(going: ReadonlyArray<FileRange>, stay: ReadonlyArray<FileRange>): ReadonlyArray<LsnRange> {
    const first = stay[0]?.firstLsn ?? Number.POSITIVE_INFINITY
    const known = stay.map(({ firstLsn, lastLsn }) => ({ from: firstLsn, to: lastLsn }))
    for (const told of this.#told) if (!isIn(told, going)) known.push(told)
    const again: Array<LsnRange> = []
    for (const { from, to } of this.#told.filter((told) => isIn(told, going) && told.to >= first)) {
      const left = without([{ from, to }], known)
      again.push(...left)
      known.push(...left)
    }
    return again
  }

  /** They are gone, and the records in them. */
  went(going: ReadonlyArray<FileRange>): void {
    this.#told = this.#told.filter((told) => !isIn(told, going))
  }
}

function isIn({ lsn }: ToldDrop, files: ReadonlyArray<FileRange>): boolean {
  return files.some(({ firstLsn, lastLsn }) => lsn >= firstLsn && lsn <= lastLsn)
}
