/**
 * What lies in a log folder: its segments in order, their headers, spares, leftovers. Reading only; recovery and verify
 * begin with it.
 *
 * A segment whose header does not verify in either copy cannot be read at all (its salt is gone): it is listed as
 * `unreadable`, and the LSNs between its neighbours are lost.
 *
 * Compacted segments (gen >= 1, compact.ts): what one `replaces` is void, listed as such, and no part of the log
 * [WAL-11]. One that does not end with SEAL was never finished, and is void itself as long as all that it replaces is
 * there; if not, it is damaged, and all there is.
 */
import * as Effect from "effect/Effect"
import { makeSlab, type Slab } from "./checksum.ts"
import { GO_BACK } from "./format-file.ts"
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, readFrameHeader } from "./frame.ts"
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
  /** Of gen >= 1: ends with SEAL. */
  readonly isSealed: boolean
}

export interface UnreadableSegment extends SegmentReference {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
}

export interface Survey {
  /** In LSN order. */
  readonly segments: ReadonlyArray<FoundSegment>
  readonly unreadable: ReadonlyArray<UnreadableSegment>
  /** No part of the log any more, or not yet: may go. */
  readonly voided: ReadonlyArray<UnreadableSegment>
  readonly spares: ReadonlyArray<string>
  readonly leftovers: ReadonlyArray<string>
  /** Of the highest id, readable or not; 0 when there is none. */
  readonly lastId: number
  readonly lastEpoch: number
}

export const survey = (fs: StoreFs, directory: string): Effect.Effect<Survey, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const names = yield* fs.list(directory)
    const readable: Array<FoundSegment> = []
    const unreadable: Array<UnreadableSegment> = []
    const slab = makeSlab(SEGMENT_HEADER_BYTES)
    for (const name of names) {
      const reference = parseSegmentName(name)
      if (reference === undefined) continue
      const path = `${directory}/${name}`
      const place = { ...reference, name, path }
      const sizeBytes = yield* withFile(fs, path, "read", (file) => readInto(file, slab, SEGMENT_HEADER_BYTES))
      const decoded = decodeSegmentHeader(slab)
      if (decoded === undefined) unreadable.push({ ...place, sizeBytes })
      else if (decoded.version > FORMAT_VERSION) return yield* tooNew(path, "a later version wrote it")
      else {
        const isSealed = reference.gen > 0 && (yield* withFile(fs, path, "read", (file) => endsWithSeal(file, decoded)))
        readable.push({ ...place, sizeBytes, decoded, isSealed })
      }
    }
    const all = [...readable, ...unreadable]
    const voided = voidedOf(readable, all)
    return {
      segments: readable.filter((segment) => !voided.has(segment)).sort((a, b) => a.id - b.id || a.gen - b.gen),
      unreadable: unreadable.filter((segment) => !voided.has(segment)),
      voided: [...voided],
      spares: names.filter(isSpareName),
      leftovers: names.filter((name) => name.endsWith(TEMPORARY_SUFFIX)),
      lastId: all.reduce((most, { id }) => Math.max(most, id), 0),
      lastEpoch: readable.reduce((most, { decoded }) => Math.max(most, decoded.header.epoch), 0)
    }
  })

/** What a finished output replaces; an unfinished output where everything that it was to replace is still there. */
function voidedOf(
  readable: ReadonlyArray<FoundSegment>,
  all: ReadonlyArray<UnreadableSegment>
): ReadonlySet<UnreadableSegment> {
  const byName = new Map(all.map((segment) => [keyOf(segment), segment]))
  const voided = new Set<UnreadableSegment>()
  for (const output of readable) {
    const { replaces } = output.decoded.header
    const inputs = replaces.map((reference) => byName.get(keyOf(reference)))
    if (output.gen > 0 && !output.isSealed && inputs.every((input) => input !== undefined)) voided.add(output)
    else for (const input of inputs) if (input !== undefined) voided.add(input) // [WAL-11]
  }
  return voided
}

function keyOf({ gen, id }: SegmentReference): string {
  return `${id}.${gen}`
}

/** Is the last thing in the file a frame that says so? */
const endsWithSeal = (file: StoreFile, { header, seed }: DecodedHeader): Effect.Effect<boolean, StoreFault> =>
  Effect.gen(function* () {
    const at = (yield* file.size) - FRAME_HEADER_BYTES
    if (at < SEGMENT_HEADER_BYTES) return false
    const slab = makeSlab(FRAME_HEADER_BYTES)
    const frame = new FrameHeader()
    const read = yield* file.read(slab.bytes, 0, FRAME_HEADER_BYTES, at)
    return readFrameHeader(slab, 0, read, header.epoch, seed, frame, at) && (frame.flags & FrameFlag.seal) !== 0
  })

/** A header that verifies in one copy only costs nothing, and is said; so is a missing SEAL. */
export function headerDamage({ decoded, gen, isSealed, sizeBytes }: FoundSegment): ReadonlyArray<Damage> {
  const half = SEGMENT_HEADER_BYTES / 2
  const damages: Array<Damage> = []
  if (decoded.copies !== 3) damages.push({ offset: decoded.copies === 1 ? half : 0, lengthBytes: half, lost: [] })
  if (gen > 0 && !isSealed) damages.push({ offset: sizeBytes, lengthBytes: 0, lost: [] })
  return damages
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

const tooNew = (path: string, fact: string): StoreRefused => refuse("newer-version", path, fact, GO_BACK)
