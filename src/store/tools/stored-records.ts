/**
 * Every record of a stopped or running store, in LSN order, with where it lies and when it was written: what dump,
 * salvage, stats and export are made of.
 *
 * - Records of the tail (written whole, not yet known to be durable) come too: the next start keeps them. `isDurable`
 *   tells them apart.
 * - A record's time is that of the frame it was written in; 0 = not known: it was salvaged from under a bad frame header.
 * - Registers are reused, and the record's bytes are valid during the call.
 *
 * A store in use changes while it is read: what compaction replaces goes away. Then the log is looked at again, LOOKS_MAX
 * times, and only records behind the last one that was visited are visited.
 */
import * as Effect from "effect/Effect"
import type { Slab } from "../../wal/checksum.ts"
import { FRAME_HEADER_BYTES } from "../../wal/frame.ts"
import { RecordView, readRecord } from "../../wal/record.ts"
import type { ScanResult } from "../../wal/scan.ts"
import { refuse, type StoreRefused } from "../../wal/store-error.ts"
import { StoreFault, type StoreFs } from "../../wal/store-fs.ts"
import type { FoundSegment } from "../../wal/survey.ts"
import { type Verdict, verifyLog } from "../../wal/verify.ts"
import type { Inspected } from "./place.ts"

const LOOKS_MAX = 4

/** Registers. */
export class StoredRecord {
  readonly record = new RecordView()
  segment = ""
  offset = 0
  isDurable = true
  /** Wall ms, 0 = not known. */
  writtenMs = 0
}

export interface RecordVisitor<E = never> {
  readonly record: (stored: StoredRecord) => void
  /** After the records of a segment, which is when a writer may wait. The slab is valid until the effect is done. */
  readonly segmentEnd?: (segment: FoundSegment, slab: Slab, result: ScanResult) => Effect.Effect<void, E>
}

export const readRecords = <E = never>(
  fs: StoreFs,
  { durableAtLeast, holder, place: { logDirectory } }: Inspected,
  visitor: RecordVisitor<E>
): Effect.Effect<Verdict, StoreFault | StoreRefused | E> => {
  const isInUse = holder !== undefined
  const stored = new StoredRecord()
  let visitedLsn = 0
  const visit = (found: StoredRecord): void => {
    if (found.record.lsn <= visitedLsn) return
    visitedLsn = found.record.lsn
    visitor.record(found)
  }
  const look = (left: number): Effect.Effect<Verdict, StoreFault | StoreRefused | E> => {
    let places = new Places()
    return verifyLog<E | StoreRefused>(fs, logDirectory, () => (record, offset) => places.sink(record, offset), {
      isInUse,
      durableAtLeast,
      onSegmentEnd: (segment, slab, result) => {
        if (result.refusedType !== undefined) return Effect.fail(unknownType(segment.path, result.refusedType))
        visitSegment(segment, slab, result, places, stored, visit)
        places = new Places()
        return visitor.segmentEnd?.(segment, slab, result) ?? Effect.void
      }
    }).pipe(
      Effect.catch((error) => {
        const isGone = error instanceof StoreFault && error.code === "ENOENT"
        return isGone && isInUse && left > 1 ? look(left - 1) : Effect.fail(error)
      })
    )
  }
  return Effect.suspend(() => look(LOOKS_MAX))
}

/** Where the records of one segment lie that the scan handed out, and when they were written. */
class Places {
  readonly offsets: Array<number> = []
  readonly times: Array<number> = []

  readonly sink = (record: RecordView, offset: number): void => {
    this.offsets.push(offset)
    this.times.push(record.writtenMs)
  }
}

function visitSegment(
  segment: FoundSegment,
  slab: Slab,
  result: ScanResult,
  { offsets, times }: Places,
  stored: StoredRecord,
  visit: (stored: StoredRecord) => void
): void {
  stored.segment = segment.name
  stored.isDurable = true
  const visitAt = (offset: number, writtenMs: number): void => {
    readRecord(slab, offset, stored.record)
    stored.offset = offset
    stored.writtenMs = writtenMs
    visit(stored)
  }
  for (const [i, offset] of offsets.entries()) visitAt(offset, times[i] ?? 0)
  stored.isDurable = false
  for (const { lengthBytes, offset, writtenMs } of result.tail) {
    const end = offset + lengthBytes
    for (let at = offset + FRAME_HEADER_BYTES; at < end; at += stored.record.sizeBytes) visitAt(at, writtenMs)
  }
}

function unknownType(path: string, type: number): StoreRefused {
  return refuse(
    "unknown-record-type",
    path,
    `record type ${type} is unknown`,
    "use the version that wrote it, or a later one"
  )
}
