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
import { FrameFlag } from "./frame.ts"
import { type Damage, findEvidence, type RecordSink, scanSegment } from "./scan.ts"
import type { StoreRefused } from "./store-error.ts"
import type { StoreFault, StoreFs } from "./store-fs.ts"
import { headerDamage, SegmentReader, survey } from "./survey.ts"

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
}

/** `sink` sees every record that recovery would see at its old place, in order: what dump and salvage are made of. */
export const verifyLog = (
  fs: StoreFs,
  logDirectory: string,
  sink: (segment: string) => RecordSink = () => () => undefined
): Effect.Effect<Verdict, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const found = yield* survey(fs, logDirectory)
    const reader = new SegmentReader(fs)
    const verdicts: Array<SegmentVerdict> = found.unreadable.map(unreadable)
    let expectedLsn = found.segments[0]?.decoded.header.baseLsn ?? 1
    for (const [index, segment] of found.segments.entries()) {
      const slab = yield* reader.read(segment)
      const next = found.segments[index + 1]?.decoded.header.baseLsn
      const evidence = findEvidence(slab, segment.sizeBytes, segment.decoded)
      const isFollowed = found.lastId > segment.id
      const result = scanSegment(
        {
          slab,
          lengthBytes: segment.sizeBytes,
          segment: segment.decoded,
          expectedLsn,
          durableLsn: next === undefined ? (isFollowed ? evidence.lastLsn : evidence.durableLsn) : next - 1,
          limit: next ?? Number.POSITIVE_INFINITY
        },
        sink(segment.name)
      )
      expectedLsn = Math.max(expectedLsn, result.nextLsn)
      const damages = [...headerDamage(segment), ...result.damages]
      const isTorn = next === undefined && evidence.writtenEnd > result.endOffset
      verdicts.push({
        segment: segment.name,
        state: damages.length > 0 ? "damaged" : isTorn ? "cut" : "ok",
        epoch: segment.decoded.header.epoch,
        baseLsn: segment.decoded.header.baseLsn,
        lastLsn: result.nextLsn - 1,
        records: result.records,
        tailRecords: result.tail.reduce((sum, { count }) => sum + count, 0),
        endOffset: result.endOffset,
        sizeBytes: segment.sizeBytes,
        damages,
        wasClosed: (result.endFlags & FrameFlag.close) !== 0
      })
    }
    return {
      segments: verdicts.sort((a, b) => (a.segment < b.segment ? -1 : 1)),
      isDamaged: verdicts.some(({ state }) => state === "damaged"),
      records: verdicts.reduce((sum, { records }) => sum + records, 0)
    }
  })

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
