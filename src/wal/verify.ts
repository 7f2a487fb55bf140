/**
 * Looks at a log without touching it: one line per segment, and whether the whole is good.
 *
 *   ok        every byte below the end verifies
 *   cut       the last segment ends in a torn tail, at `endOffset`: legal after a crash, nothing that was durable is gone
 *   damaged   bytes below the durable end do not verify; `damages` says where, and which LSNs are lost
 *
 * For a stopped store, under its lock or not: nothing is opened for writing, nothing is copied to quarantine.
 */
import * as Effect from "effect/Effect"
import type { Slab } from "./checksum.ts"
import { FrameFlag } from "./frame.ts"
import type { LsnRange } from "./lsn-ranges.ts"
import type { Damage, RecordSink, ScanResult } from "./scan.ts"
import type { ToldDrop } from "./segment-drop.ts"
import type { StoreRefused } from "./store-error.ts"
import type { StoreFault, StoreFs } from "./store-fs.ts"
import { type FoundSegment, survey } from "./survey.ts"
import { type WalkedSegment, walkSegments } from "./walk.ts"

export interface VerifyOptions<E = never> {
  /**
   * A segment was scanned: its bytes, valid until the effect is done, and what was found, tail frames and damage included. What is
   * missing at its end is not judged yet: the verdict says whether it is damage.
   */
  readonly onSegmentEnd?: (segment: FoundSegment, slab: Slab, result: ScanResult) => Effect.Effect<void, E>
  /** Somebody appends meanwhile: the end is read once more after it has said how far it is durable. */
  readonly isInUse?: boolean
  /** Ranges dropped on purpose, known from elsewhere than the log. */
  readonly knownDropped?: ReadonlyArray<LsnRange>
  /** What a snapshot or an index knows to have been durable. */
  readonly durableAtLeast?: number
}

export interface SegmentVerdict {
  readonly segment: string
  readonly state: "ok" | "cut" | "damaged"
  readonly epoch: number
  readonly baseLsn: number
  readonly lastLsn: number
  readonly records: number
  /** Written, but not yet known to be durable: the next start writes them again. */
  readonly tailRecords: number
  readonly endOffset: number
  readonly sizeBytes: number
  readonly damages: ReadonlyArray<Damage>
  readonly wasClosed: boolean
}

export interface Verdict {
  readonly segments: ReadonlyArray<SegmentVerdict>
  readonly isDamaged: boolean
  readonly records: number
  /** Segments that a compacted one replaces, or that were never finished: no part of the log. */
  readonly voided: ReadonlyArray<string>
  readonly dropped: ReadonlyArray<ToldDrop>
}

/** `sink` sees every record that recovery would see at its old place, in order: what dump and salvage are made of. */
export const verifyLog = <E = never>(
  fs: StoreFs,
  logDirectory: string,
  sink: (segment: string) => RecordSink = () => () => undefined,
  options: VerifyOptions<E> = {}
): Effect.Effect<Verdict, StoreFault | StoreRefused | E> =>
  Effect.gen(function* () {
    const found = yield* survey(fs, logDirectory)
    const sinks = new Map(found.segments.map(({ name }) => [name, sink(name)]))
    const { durableAtLeast = 0, isInUse = false, knownDropped = [], onSegmentEnd } = options
    const walked = yield* walkSegments<E>(
      fs,
      found,
      { durableAtLeast, knownDropped, isInUse },
      {
        record: (record, { name }, offset) => sinks.get(name)?.(record, offset),
        segmentEnd: onSegmentEnd ?? (() => Effect.void)
      }
    )
    const verdicts = [...found.unreadable.map(unreadable), ...walked.segments.map(verdictOf)]
    return {
      segments: verdicts.sort((a, b) => (a.segment < b.segment ? -1 : 1)),
      isDamaged: verdicts.some(({ state }) => state === "damaged"),
      records: verdicts.reduce((sum, { records }) => sum + records, 0),
      voided: found.voided.map(({ name }) => name),
      dropped: walked.dropped
    }
  })

function verdictOf({ damages, isLast, lastLsn, result, segment, writtenEnd }: WalkedSegment): SegmentVerdict {
  const isTorn = isLast && writtenEnd > result.endOffset
  return {
    segment: segment.name,
    state: damages.length > 0 ? "damaged" : isTorn ? "cut" : "ok",
    epoch: segment.decoded.header.epoch,
    baseLsn: segment.decoded.header.baseLsn,
    lastLsn,
    records: result.records,
    tailRecords: result.tail.reduce((sum, { count }) => sum + count, 0),
    endOffset: result.endOffset,
    sizeBytes: segment.sizeBytes,
    damages,
    wasClosed: (result.endFlags & FrameFlag.close) !== 0
  }
}

function unreadable({ name, sizeBytes }: { readonly name: string; readonly sizeBytes: number }): SegmentVerdict {
  return {
    segment: name,
    state: "damaged",
    epoch: 0,
    baseLsn: 0,
    lastLsn: 0,
    records: 0,
    tailRecords: 0,
    endOffset: 0,
    sizeBytes,
    damages: [{ offset: 0, lengthBytes: sizeBytes, lost: [] }],
    wasClosed: false
  }
}
