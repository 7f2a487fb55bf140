/**
 * What lies in a log folder: its segments in order, their headers, spares, leftovers. Reading only; recovery and verify
 * begin with it.
 *
 * A segment whose header does not verify in either copy cannot be read at all (its salt is gone): it is listed as
 * `unreadable`, and the LSNs between its neighbours are lost.
 */
import * as Effect from "effect/Effect"
import { makeSlab, type Slab } from "./checksum.ts"
import type { Damage } from "./scan.ts"
import {
  type DecodedHeader,
  decodeSegmentHeader,
  FORMAT_VERSION,
  isSpareName,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  type SegmentReference
} from "./segment.ts"
import { refuse, type StoreRefused } from "./store-error.ts"
import { type StoreFault, type StoreFile, type StoreFs, TEMPORARY_SUFFIX, withFile } from "./store-fs.ts"

export interface FoundSegment extends SegmentReference {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly decoded: DecodedHeader
}

export interface UnreadableSegment extends SegmentReference {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
}

export interface Survey {
  readonly segments: ReadonlyArray<FoundSegment>
  readonly unreadable: ReadonlyArray<UnreadableSegment>
  readonly spares: ReadonlyArray<string>
  readonly leftovers: ReadonlyArray<string>
  /** Of the highest id, readable or not; 0 when there is none. */
  readonly lastId: number
  readonly lastEpoch: number
}

export const survey = (fs: StoreFs, directory: string): Effect.Effect<Survey, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const names = yield* fs.list(directory)
    const segments: Array<FoundSegment> = []
    const unreadable: Array<UnreadableSegment> = []
    const slab = makeSlab(SEGMENT_HEADER_BYTES)
    for (const name of names) {
      const reference = parseSegmentName(name)
      if (reference === undefined) continue
      const path = `${directory}/${name}`
      const place = { ...reference, name, path }
      if (reference.gen > 0) return yield* tooNew(path, "it holds compacted segments")
      const sizeBytes = yield* withFile(fs, path, "read", (file) => readInto(file, slab, SEGMENT_HEADER_BYTES))
      const decoded = decodeSegmentHeader(slab)
      if (decoded === undefined) unreadable.push({ ...place, sizeBytes })
      else if (decoded.version > FORMAT_VERSION) return yield* tooNew(path, "its format is newer")
      else segments.push({ ...place, sizeBytes, decoded })
    }
    // Names are of fixed width: their order is the order of ids.
    const ids = [...segments, ...unreadable].map(({ id }) => id)
    return {
      segments,
      unreadable,
      spares: names.filter(isSpareName),
      leftovers: names.filter((name) => name.endsWith(TEMPORARY_SUFFIX)),
      lastId: Math.max(0, ...ids),
      lastEpoch: Math.max(0, ...segments.map(({ decoded }) => decoded.header.epoch))
    }
  })

/** A header that verifies in one copy only costs nothing, and is said. */
export function headerDamage({ decoded }: FoundSegment): ReadonlyArray<Damage> {
  const half = SEGMENT_HEADER_BYTES / 2
  return decoded.copies === 3 ? [] : [{ offset: decoded.copies === 1 ? half : 0, lengthBytes: half, lost: [] }]
}

/** One slab for all segments of a walk: it grows to the largest. */
export class SegmentReader {
  readonly #fs: StoreFs
  #slab: Slab = makeSlab(SEGMENT_HEADER_BYTES)

  constructor(fs: StoreFs) {
    this.#fs = fs
  }

  /** The whole segment; what the slab held before is gone. */
  read(segment: { readonly path: string; readonly sizeBytes: number }): Effect.Effect<Slab, StoreFault> {
    if (this.#slab.bytes.length < segment.sizeBytes) this.#slab = makeSlab((segment.sizeBytes + 7) & ~7)
    const slab = this.#slab
    return withFile(this.#fs, segment.path, "read", (file) => Effect.as(readInto(file, slab, segment.sizeBytes), slab))
  }
}

/** Reads the first `wantedBytes`, zeroes in place of what the file does not have; answers the file's size. */
const readInto = (file: StoreFile, slab: Slab, wantedBytes: number): Effect.Effect<number, StoreFault> =>
  Effect.gen(function* () {
    const read = yield* file.read(slab.bytes, 0, wantedBytes, 0)
    slab.bytes.fill(0, read, Math.min(slab.bytes.length, (wantedBytes + 7) & ~7))
    return yield* file.size
  })

const tooNew = (path: string, fact: string): StoreRefused =>
  refuse("newer-version", path, fact, "use the version that wrote it, or a later one")
