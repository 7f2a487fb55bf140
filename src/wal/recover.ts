/**
 * Opens the log of a store: walks what is there, decides what is true, starts a new epoch.
 *
 *   1 survey      segments, headers, spares (survey.ts); leftovers of unfinished creations go
 *   2 walk        every segment below the next one's base LSN; the last one up to its evidence (scan.ts). Records go to
 *                 the sink in LSN order. Damaged stretches are copied to quarantine/; nothing damaged is altered
 *   3 new epoch   a segment of its own [WAL-8], which begins with the frames above D, written again and synced [WAL-4];
 *                 only then does it get its name
 *   4 tidy        the last epoch's torn end is cut off, a segment that held nothing goes: both may be lost in a crash
 *
 * A crash at any point, also here, leaves a store that recovers to the same records. LSNs that may have been durable
 * are never given again.
 *
 * Elsewhere: lock and FORMAT (open-store.ts), the appender's life (log.ts), what records mean (the sink).
 */
import * as Effect from "effect/Effect"
import type { Slab } from "./checksum.ts"
import type { ActiveSegment } from "./commit.ts"
import { createSegment, type FillEnd, type FillTarget } from "./create-segment.ts"
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, writeFrameHeader } from "./frame.ts"
import { quarantine } from "./quarantine.ts"
import { RECORD_HEADER_BYTES, RecordView, readRecord, sealRecords } from "./record.ts"
import {
  type Damage,
  findEvidence,
  type LsnRange,
  type RecordSink,
  type ScanResult,
  scanSegment,
  type TailFrame
} from "./scan.ts"
import { SEGMENT_HEADER_BYTES } from "./segment.ts"
import { Spares } from "./spares.ts"
import { refuse, type StoreRefused } from "./store-error.ts"
import { type StoreFault, type StoreFs, withFile, write } from "./store-fs.ts"
import { type FoundSegment, headerDamage, SegmentReader, type Survey, survey } from "./survey.ts"

export interface RecoverOptions {
  readonly logDirectory: string
  readonly quarantineDirectory: string
  readonly storeUuid: string
  readonly segmentBytes: number
  readonly onCorruption: "salvage" | "refuse"
  /** What an index or a client knows to have been durable; 0 when nobody knows more than the log. */
  readonly durableAtLeast: number
  readonly nowMs: () => number
  readonly randomHex: (bytes: number) => string
}

/** Per record, in LSN order, with where it lies. The view is valid during the call only. */
export type RecoverSink = (record: RecordView, segmentId: number, offset: number) => void

export interface SegmentDamage extends Damage {
  readonly segment: string
  /** False when an earlier recovery has reported the same. */
  readonly isNew: boolean
}

export interface RecoveryReport {
  readonly records: number
  readonly segments: number
  /** Of the torn end: written, and never durable. */
  readonly bytesCut: number
  readonly damages: ReadonlyArray<SegmentDamage>
  readonly lost: ReadonlyArray<LsnRange>
  /** The last run ended with CLOSE. */
  readonly wasClosed: boolean
  readonly milliseconds: number
}

export interface Recovered {
  readonly report: RecoveryReport
  readonly active: ActiveSegment
  readonly spares: Spares
  readonly epoch: number
  readonly nextLsn: number
  /** Earlier segments that can be read, in LSN order. */
  readonly sealed: ReadonlyArray<FoundSegment>
}

export const recover = (
  fs: StoreFs,
  options: RecoverOptions,
  sink: RecoverSink
): Effect.Effect<Recovered, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const fromMs = options.nowMs()
    const found = yield* survey(fs, options.logDirectory)
    for (const name of found.leftovers) yield* fs.unlink(`${options.logDirectory}/${name}`)
    const reader = new SegmentReader(fs)
    const walked = yield* walk(fs, found, options, reader, sink)
    const spares = new Spares(fs, options.logDirectory, options.segmentBytes, found.spares)
    const spare = spares.take()
    const baseLsn = walked.tail[0]?.firstLsn ?? walked.nextLsn // [WAL-4]
    const epoch = found.lastEpoch + 1
    const active = yield* createSegment(fs, {
      directory: options.logDirectory,
      segmentBytes: options.segmentBytes,
      frameBytes: 0,
      spare,
      header: {
        id: found.lastId + 1, // [WAL-8]
        gen: 0,
        epoch,
        baseLsn,
        createdMs: options.nowMs(),
        salt: options.randomHex(8),
        storeUuid: options.storeUuid,
        replaces: []
      },
      fill: (target) => writeAgain(walked, target, options.nowMs(), sink)
    })
    const sealed = yield* tidy(fs, found, walked)
    const report: RecoveryReport = {
      records: walked.records,
      segments: found.segments.length,
      bytesCut: walked.bytesCut,
      damages: walked.damages,
      lost: walked.damages.flatMap(({ lost }) => lost),
      wasClosed: walked.wasClosed,
      milliseconds: options.nowMs() - fromMs
    }
    return { report, active, spares, epoch, nextLsn: walked.nextLsn, sealed }
  })

interface Walked {
  readonly records: number
  readonly nextLsn: number
  readonly bytesCut: number
  readonly damages: ReadonlyArray<SegmentDamage>
  readonly wasClosed: boolean
  /** Frames of the last segment that are to be written again; they lie in `slab`. */
  readonly tail: ReadonlyArray<TailFrame>
  readonly slab: Slab | undefined
  /** Where the last segment ends once its tail has been written again; undefined when it is to stay as it is. */
  readonly cutAt: number | undefined
  readonly emptyIds: ReadonlySet<number>
}

const walk = (
  fs: StoreFs,
  found: Survey,
  options: RecoverOptions,
  reader: SegmentReader,
  sink: RecoverSink
): Effect.Effect<Walked, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const { segments } = found
    const damages: Array<SegmentDamage> = []
    const emptyIds = new Set<number>()
    let records = 0
    const firstLsn = segments[0]?.decoded.header.baseLsn ?? 1
    let nextLsn = firstLsn
    let end: { readonly result: ScanResult; readonly slab: Slab; readonly writtenEnd: number } | undefined
    for (const [index, segment] of segments.entries()) {
      if (segment.decoded.header.storeUuid !== options.storeUuid) return yield* foreign(segment.path)
      const slab = yield* reader.read(segment)
      const limit = segments[index + 1]?.decoded.header.baseLsn ?? Number.POSITIVE_INFINITY
      const isLast = index === segments.length - 1
      // A segment behind it, readable or not, was named after all of this one was durable.
      const isFollowed = found.lastId > segment.id
      const evidence = evidenceOf(slab, segment, limit, isFollowed, options.durableAtLeast)
      const result = scanSegment(
        {
          slab,
          lengthBytes: segment.sizeBytes,
          segment: segment.decoded,
          expectedLsn: nextLsn,
          durableLsn: evidence.durableLsn,
          limit
        },
        toSink(sink, segment.id)
      )
      if (result.refusedType !== undefined) return yield* unknownType(segment.path, result.refusedType)
      const seen = [...headerDamage(segment), ...result.damages]
      if (seen.length > 0 && options.onCorruption === "refuse") return yield* corrupt(segment.path)
      for (const damage of seen) {
        const isNew = yield* quarantine(fs, options.quarantineDirectory, segment.name, damage, slab)
        damages.push({ ...damage, segment: segment.name, isNew })
      }
      if (result.records === 0 && seen.length === 0) emptyIds.add(segment.id)
      records += result.records
      nextLsn = Math.max(nextLsn, result.nextLsn)
      if (isLast) end = { result, slab, writtenEnd: evidence.writtenEnd }
    }
    for (const segment of found.unreadable) {
      if (options.onCorruption === "refuse") return yield* corrupt(segment.path)
      // What lay between two readable ones is counted where the next one begins; of the first only its end is known.
      const isFirst = firstLsn > 1 && found.unreadable[0] === segment && segment.id < (segments[0]?.id ?? 0)
      const lost = isFirst ? [{ from: 1, to: firstLsn - 1 }] : []
      damages.push({ segment: segment.name, offset: 0, lengthBytes: segment.sizeBytes, lost, isNew: true })
      // Nobody knows how many records the end of the log held: more than fit its bytes it did not.
      if (segment.id > (segments.at(-1)?.id ?? 0)) nextLsn += Math.ceil(segment.sizeBytes / RECORD_HEADER_BYTES)
    }
    if (options.durableAtLeast >= nextLsn) {
      damages.push(missingEnd(nextLsn, options.durableAtLeast))
      nextLsn = options.durableAtLeast + 1
    }
    const tail = end?.result.tail ?? []
    const isDamaged = damages.some(({ segment }) => segment === segments.at(-1)?.name)
    return {
      records,
      nextLsn,
      damages,
      emptyIds,
      tail,
      slab: end?.slab,
      bytesCut: end === undefined ? 0 : Math.max(0, end.writtenEnd - end.result.endOffset),
      wasClosed: end === undefined || (end.result.endFlags & FrameFlag.close) !== 0,
      cutAt: end === undefined || isDamaged ? undefined : (tail[0]?.offset ?? end.result.endOffset)
    }
  })

/** Before a later segment everything is durable; in the last one its own frames say how far. */
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

function toSink(sink: RecoverSink, segmentId: number): RecordSink {
  return (record, offset) => sink(record, segmentId, offset)
}

function missingEnd(from: number, to: number): SegmentDamage {
  return { segment: "", offset: 0, lengthBytes: 0, lost: [{ from, to }], isNew: true }
}

/** Writes the tail's frames again: new epoch, new salt, same LSNs. [WAL-4] */
const writeAgain = (
  { slab, tail }: Walked,
  { file, segment }: FillTarget,
  nowMs: number,
  sink: RecoverSink
): Effect.Effect<FillEnd, StoreFault> =>
  Effect.gen(function* () {
    const frame = new FrameHeader()
    const record = new RecordView()
    let position = SEGMENT_HEADER_BYTES
    let { chain } = segment
    if (slab === undefined) return { position, chain }
    for (const { count, firstLsn, lengthBytes, offset } of tail) {
      sealRecords(slab, offset + FRAME_HEADER_BYTES, count, segment.seed)
      Object.assign(frame, { count, firstLsn, lengthBytes, offset: position, flags: FrameFlag.again, writtenMs: nowMs })
      frame.durableLsn = segment.header.baseLsn - 1
      frame.epoch = segment.header.epoch
      frame.previous = chain
      chain = writeFrameHeader(slab, offset, frame, segment.seed)
      yield* write(file, slab.bytes.subarray(offset, offset + lengthBytes), position)
      for (let at = offset + FRAME_HEADER_BYTES; at < offset + lengthBytes; at += record.sizeBytes) {
        readRecord(slab, at, record)
        sink(record, segment.header.id, position + at - offset)
      }
      position += lengthBytes
    }
    return { position, chain }
  })

/** What the new segment has made void goes. Answers the earlier segments that stay. */
const tidy = (
  fs: StoreFs,
  found: Survey,
  { cutAt, emptyIds, tail }: Walked
): Effect.Effect<ReadonlyArray<FoundSegment>, StoreFault> =>
  Effect.gen(function* () {
    const last = found.segments.at(-1)
    const stay: Array<FoundSegment> = []
    for (const segment of found.segments) {
      const isVoid = segment === last && cutAt === SEGMENT_HEADER_BYTES && tail.length > 0
      if (emptyIds.has(segment.id) || isVoid) yield* fs.unlink(segment.path)
      else stay.push(segment)
    }
    if (last !== undefined && stay.includes(last) && cutAt !== undefined && cutAt < last.sizeBytes) {
      yield* withFile(fs, last.path, "update", (file) => file.truncate(cutAt))
    }
    return stay
  })

const foreign = (path: string): StoreRefused =>
  refuse("foreign-store", path, "the segment belongs to another store", "put each store's log into a folder of its own")
const corrupt = (path: string): StoreRefused =>
  refuse("corrupt", path, "damaged bytes below the durable end", "look with store verify, or open with salvage")
const unknownType = (path: string, type: number): StoreRefused =>
  refuse("unknown-record-type", path, `record type ${type} is unknown`, "use the version that wrote it, or a later one")
