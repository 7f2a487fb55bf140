/**
 * The walk over a whole log, segment by segment, that recovery and verify share: what each holds, and what is wrong.
 *
 *   limit     of a segment is the base LSN of the next: what stands there from the limit on is void [WAL-8]
 *   D         before a later segment everything is durable; in the last one its own frames say how far [WAL-6]
 *   gaps      LSNs between two segments are lost, unless a SEG-DROP says that they went on purpose. It lies later in the
 *             log than the gap, so gaps are judged when the walk is over [WAL-13]
 *
 * Nothing is written here. Elsewhere: one segment (scan.ts), which files count (survey.ts), what follows from damage
 * (recover.ts), what people are told (verify.ts).
 */
import * as Effect from "effect/Effect"
import type { Slab } from "./checksum.ts"
import { FRAME_HEADER_BYTES } from "./frame.ts"
import { type LsnRange, without } from "./lsn-ranges.ts"
import { RecordView, readRecord } from "./record.ts"
import { type Damage, findEvidence, type ScanResult, scanSegment } from "./scan.ts"
import { readSegmentDrop, type ToldDrop } from "./segment-drop.ts"
import type { StoreFault, StoreFs } from "./store-fs.ts"
import { type FoundSegment, headerDamage, SegmentReader, type Survey } from "./survey.ts"

export interface WalkOptions {
  /** What an index or a client knows to have been durable; 0 when nobody knows more than the log. */
  readonly durableAtLeast: number
  /** Ranges dropped on purpose, known from elsewhere than the log. */
  readonly knownDropped: ReadonlyArray<LsnRange>
  /** Somebody appends meanwhile: the end is read once more after it has said how far it is durable. */
  readonly isInUse: boolean
}

export interface WalkHandlers<E> {
  /** Per durable record, in LSN order. The view is valid during the call only. */
  readonly record: (record: RecordView, segment: FoundSegment, offset: number) => void
  /** A segment was scanned. Its bytes are valid until the effect is done; gaps and drops are not judged yet. */
  readonly segmentEnd: (segment: FoundSegment, slab: Slab, result: ScanResult) => Effect.Effect<void, E>
}

export interface WalkedSegment {
  readonly segment: FoundSegment
  readonly result: ScanResult
  readonly isLast: boolean
  /** Behind the last byte that was written, where that is known: in the last segment. */
  readonly writtenEnd: number
  /** Judged, the header's included. */
  readonly damages: ReadonlyArray<Damage>
  /** Copies of the bytes of the one that is a gap, when there are any. */
  readonly gapBytes: Buffer
  readonly gap: Damage | undefined
  /** Of the last record that is there or was lost in it; of gen >= 1 the last that it stands for. */
  readonly lastLsn: number
}

export interface Walked {
  readonly segments: ReadonlyArray<WalkedSegment>
  /** The last segment's bytes. */
  readonly slab: Slab | undefined
  readonly firstLsn: number
  readonly nextLsn: number
  readonly dropped: ReadonlyArray<ToldDrop>
}

type Scanned = Omit<WalkedSegment, "damages" | "gap">

export const walkSegments = <E>(
  fs: StoreFs,
  found: Survey,
  options: WalkOptions,
  handlers: WalkHandlers<E>
): Effect.Effect<Walked, StoreFault | E> =>
  Effect.gen(function* () {
    const { segments } = found
    const reader = new SegmentReader(fs)
    const dropped: Array<ToldDrop> = []
    const scanned: Array<Scanned> = []
    const firstLsn = segments[0]?.decoded.header.baseLsn ?? 1
    let nextLsn = firstLsn
    let slab: Slab | undefined
    for (const [index, segment] of segments.entries()) {
      slab = yield* reader.read(segment)
      const limit = segments[index + 1]?.decoded.header.baseLsn ?? Number.POSITIVE_INFINITY
      // A segment behind it, readable or not, was named after all of this one was durable.
      const isFollowed = found.lastId > segment.id
      const evidence = evidenceOf(slab, segment, limit, isFollowed, options.durableAtLeast)
      const isLast = limit === Number.POSITIVE_INFINITY
      if (isLast && options.isInUse) yield* reader.read(segment)
      const result = scanSegment(
        {
          slab,
          lengthBytes: segment.sizeBytes,
          segment: segment.decoded,
          expectedLsn: nextLsn,
          durableLsn: evidence.durableLsn,
          limit
        },
        (record, offset) => {
          collectDrop(record, dropped)
          handlers.record(record, segment, offset)
        }
      )
      collectTailDrops(slab, result, dropped)
      yield* handlers.segmentEnd(segment, slab, result)
      const { missing } = result
      scanned.push({
        segment,
        result,
        isLast,
        writtenEnd: evidence.writtenEnd,
        lastLsn: missing === undefined ? result.nextLsn - 1 : (missing.lost[0]?.from ?? result.nextLsn) - 1,
        gapBytes: missing === undefined ? NONE : copyOf(slab, missing)
      })
      nextLsn = Math.max(nextLsn, result.nextLsn)
    }
    const known = [...options.knownDropped, ...dropped]
    return { segments: scanned.map((each) => judge(each, known)), slab, firstLsn, nextLsn, dropped }
  })

const NONE = Buffer.alloc(0)

function evidenceOf(
  slab: Slab,
  segment: FoundSegment,
  limit: number,
  isFollowed: boolean,
  durableAtLeast: number
): { readonly durableLsn: number; readonly writtenEnd: number } {
  if (limit !== Number.POSITIVE_INFINITY) return { durableLsn: limit - 1, writtenEnd: 0 } // [WAL-6]
  const { durableLsn, lastLsn, writtenEnd } = findEvidence(slab, segment.sizeBytes, segment.decoded)
  return { durableLsn: Math.max(isFollowed ? lastLsn : durableLsn, durableAtLeast), writtenEnd }
}

function judge(scanned: Scanned, known: ReadonlyArray<LsnRange>): WalkedSegment {
  const { result, segment } = scanned
  const { missing } = result
  const damages = [...headerDamage(segment), ...result.damages].map((damage) => ({
    ...damage,
    lost: without(damage.lost, known)
  }))
  const lost = missing === undefined ? [] : without(missing.lost, known) // [WAL-13]
  const gap = missing === undefined || lost.length === 0 ? undefined : { ...missing, lost }
  return { ...scanned, gap, damages: gap === undefined ? damages : [...damages, gap] }
}

function collectDrop(record: RecordView, dropped: Array<ToldDrop>): void {
  const range = readSegmentDrop(record)
  if (range !== undefined) dropped.push({ ...range, lsn: record.lsn })
}

const view = new RecordView()

/** A SEG-DROP was durable before its segment went; the frames may not say so yet. */
function collectTailDrops(slab: Slab, { tail }: ScanResult, dropped: Array<ToldDrop>): void {
  for (const { lengthBytes, offset } of tail) {
    for (let at = offset + FRAME_HEADER_BYTES; at < offset + lengthBytes; at += view.sizeBytes) {
      readRecord(slab, at, view)
      collectDrop(view, dropped)
    }
  }
}

function copyOf(slab: Slab, { lengthBytes, offset }: Damage): Buffer {
  return lengthBytes === 0 ? NONE : Buffer.from(slab.bytes.subarray(offset, offset + lengthBytes))
}
