/**
 * Makes the segment that takes the next frames, and ends the one before.
 *
 * Order of a creation, each step on the platter before the next [WAL-6]:
 *   1 header (and the frames that recovery writes again) into a spare or a new file, under a name that means nothing
 *   2 sync of that file
 *   3 rename to the segment's name
 *   4 sync of the folder: without it the name, and with it every frame synced later, may vanish in a power cut
 * A crash before 4 leaves a spare or a temporary file and the earlier segments as they were.
 *
 * A segment whose spare was missing grows as it is written: slower to sync, just as safe.
 */
import * as Effect from "effect/Effect"
import { makeSlab } from "./checksum.ts"
import { type ActiveSegment, SEAL_RESERVE_BYTES } from "./commit.ts"
import {
  type DecodedHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName
} from "./segment.ts"
import type { Spare } from "./spares.ts"
import { datasync, type StoreFault, type StoreFile, type StoreFs, TEMPORARY_SUFFIX, write } from "./store-fs.ts"

export interface NewSegment {
  readonly directory: string
  readonly header: Omit<SegmentHeader, "isRecycled">
  readonly segmentBytes: number
  /** A first frame that a segment of ordinary size cannot hold gets one of its own size. */
  readonly frameBytes: number
  readonly spare: Spare | undefined
  /** Writes what the segment begins with, from `position`; answers where it ends. */
  readonly fill?: (target: FillTarget) => Effect.Effect<FillEnd, StoreFault>
}

export interface FillTarget {
  readonly file: StoreFile
  readonly segment: DecodedHeader
}
export interface FillEnd {
  readonly position: number
  readonly chain: number
}

export const createSegment = (fs: StoreFs, request: NewSegment): Effect.Effect<ActiveSegment, StoreFault> =>
  Effect.gen(function* () {
    const { directory, frameBytes, header, segmentBytes, spare } = request
    const path = `${directory}/${segmentName(header.id, header.gen)}`
    const source = spare?.path ?? path + TEMPORARY_SUFFIX
    const file = yield* fs.open(source, spare === undefined ? "create" : "update")
    return yield* Effect.gen(function* () {
      const slab = makeSlab(SEGMENT_HEADER_BYTES)
      const segment = encodeSegmentHeader(slab, { ...header, isRecycled: spare?.isRecycled ?? false })
      yield* write(file, slab.bytes, 0)
      const begin = { position: SEGMENT_HEADER_BYTES, chain: segment.chain }
      const end = request.fill === undefined ? begin : yield* request.fill({ file, segment })
      yield* datasync(file) // [WAL-6]
      yield* fs.rename(source, path)
      file.path = path
      yield* fs.syncDirectory(directory) // [WAL-6]
      const needed = end.position + frameBytes + SEAL_RESERVE_BYTES
      const capacityBytes = Math.max(segmentBytes, needed) - SEAL_RESERVE_BYTES
      const { baseLsn, epoch, id } = header
      return { id, baseLsn, epoch, seed: segment.seed, file, isGrowing: spare === undefined, capacityBytes, ...end }
    }).pipe(Effect.tapError(() => file.close))
  })

/** The segment takes no more frames: what lies behind the last one goes. Losing this in a crash loses nothing. */
export const retireSegment = (segment: ActiveSegment): Effect.Effect<void, StoreFault> =>
  Effect.ensuring(segment.file.truncate(segment.position), segment.file.close)
