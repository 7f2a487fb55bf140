/**
 * Opens the log of a store: walks what is there, decides what is true, starts a new epoch.
 *
 *   1 survey      segments, headers, spares (survey.ts); leftovers of unfinished creations go
 *   2 walk        every segment below the next one's base LSN; the last one up to its evidence (walk.ts). Records go to
 *                 the sink in LSN order. Damaged stretches are copied to quarantine/; nothing damaged is altered
 *   3 new epoch   a segment of its own [WAL-8], which begins with the frames above D, written again and synced [WAL-4];
 *                 only then does it get its name
 *   4 tidy        what stands behind a segment's end is cut off, for good [WAL-14]; a segment that held nothing goes; what
 *                 compaction had replaced goes, for good [WAL-12]
 *
 * A crash at any point, also here, leaves a store that recovers to the same records. LSNs that may have been durable
 * are never given again.
 *
 * Elsewhere: lock and FORMAT (open-store.ts), the appender's life (log.ts), what records mean (the sink).
 */
import * as Effect from "effect/Effect"
import type { ActiveSegment } from "./commit.ts"
import { createSegment, type FillEnd, type FillTarget } from "./create-segment.ts"
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, writeFrameHeader } from "./frame.ts"
import type { LsnRange } from "./lsn-ranges.ts"
import { quarantine } from "./quarantine.ts"
import { RECORD_HEADER_BYTES, RecordView, readRecord, sealRecords } from "./record.ts"
import { RecoveryProgress } from "./recovery-progress.ts"
import type { Damage, TailFrame } from "./scan.ts"
import { SEGMENT_HEADER_BYTES } from "./segment.ts"
import type { ToldDrop } from "./segment-drop.ts"
import { Spares } from "./spares.ts"
import { refuse, type StoreRefused } from "./store-error.ts"
import { datasync, type StoreFault, type StoreFs, withFile, write } from "./store-fs.ts"
import { type FoundSegment, headerDamage, type Survey, survey } from "./survey.ts"
import { type Walked, type WalkedSegment, walkSegments } from "./walk.ts"

export interface RecoverOptions {
  readonly logDirectory: string
  readonly quarantineDirectory: string
  readonly storeUuid: string
  readonly segmentBytes: number
  readonly onCorruption: "salvage" | "refuse"
  /** What an index or a client knows to have been durable; 0 when nobody knows more than the log. */
  readonly durableAtLeast: number
  /** Ranges dropped on purpose, known from elsewhere than the log. */
  readonly knownDropped: ReadonlyArray<LsnRange>
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
  /** In a compacted segment: the range in which what was lost lay. */
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
  readonly sealed: ReadonlyArray<RecoveredSegment>
  /** What went on purpose, and which record says so. */
  readonly dropped: ReadonlyArray<ToldDrop>
}

export interface RecoveredSegment extends FoundSegment {
  /** Its own, not what the next one begins with less one: a gap may lie between. Base LSN less one when it holds nothing. */
  readonly lastLsn: number
  /** Wall ms of its newest record, 0 when it holds none. */
  readonly newestMs: number
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
    const walked = yield* walk(fs, found, options, sink)
    const end = endOf(walked)
    const damages = yield* judge(fs, found, walked, options)
    const nextLsn = nextLsnOf(found, walked, options)
    const spares = new Spares(fs, options.logDirectory, options.segmentBytes, found.spares)
    const spare = spares.take()
    const baseLsn = end.tail[0]?.firstLsn ?? nextLsn // [WAL-4]
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
        lastLsn: 0,
        replaces: []
      },
      fill: (target) => writeAgain(walked, end.tail, target, sink)
    })
    const sealed = yield* tidy(fs, options, found, walked, baseLsn)
    const report: RecoveryReport = {
      records: walked.segments.reduce((sum, { result }) => sum + result.records, 0),
      segments: found.segments.length,
      bytesCut: end.bytesCut,
      damages,
      lost: damages.flatMap(({ lost }) => lost),
      wasClosed: end.wasClosed,
      milliseconds: options.nowMs() - fromMs
    }
    return { report, active, spares, epoch, nextLsn, sealed, dropped: walked.dropped }
  })

const walk = (
  fs: StoreFs,
  found: Survey,
  options: RecoverOptions,
  sink: RecoverSink
): Effect.Effect<Walked & { readonly isNew: ReadonlySet<string> }, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const isNew = new Set<string>()
    const { durableAtLeast, knownDropped } = options
    const tell = yield* RecoveryProgress
    const totalBytes = found.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    let doneBytes = 0
    for (const { decoded, path } of found.segments) {
      if (decoded.header.storeUuid !== options.storeUuid) return yield* foreign(path)
    }
    const walked = yield* walkSegments<StoreFault | StoreRefused>(
      fs,
      found,
      { durableAtLeast, knownDropped, isInUse: false },
      {
        record: (record, segment, offset) => sink(record, segment.id, offset),
        segmentEnd: (segment, slab, result) =>
          Effect.gen(function* () {
            if (result.refusedType !== undefined) return yield* unknownType(segment.path, result.refusedType)
            const seen = [...headerDamage(segment), ...result.damages]
            if (seen.length > 0 && options.onCorruption === "refuse") return yield* corrupt(segment.path)
            for (const damage of seen) {
              const bytes = slab.bytes.subarray(damage.offset, damage.offset + damage.lengthBytes)
              const isFirst = yield* quarantine(fs, options.quarantineDirectory, segment.name, damage, bytes)
              if (isFirst) isNew.add(keyOf(segment.name, damage))
            }
            doneBytes += segment.sizeBytes
            tell(doneBytes, totalBytes)
          })
      }
    )
    return { ...walked, isNew }
  })

function keyOf(segment: string, { lengthBytes, offset }: Damage): string {
  return `${segment}.${offset}.${lengthBytes}`
}

/** What is wrong with the log, now that all of it has been seen; gaps come to quarantine here. */
const judge = (
  fs: StoreFs,
  found: Survey,
  { firstLsn, isNew, nextLsn, segments }: Walked & { readonly isNew: ReadonlySet<string> },
  options: RecoverOptions
): Effect.Effect<ReadonlyArray<SegmentDamage>, StoreFault | StoreRefused> =>
  Effect.gen(function* () {
    const damages: Array<SegmentDamage> = []
    for (const { damages: own, gap, gapBytes, segment } of segments) {
      const { name, path } = segment
      if (gap !== undefined && options.onCorruption === "refuse") return yield* corrupt(path)
      const isNewGap = gap !== undefined && (yield* quarantine(fs, options.quarantineDirectory, name, gap, gapBytes))
      for (const damage of own) {
        damages.push({ ...damage, segment: name, isNew: damage === gap ? isNewGap : isNew.has(keyOf(name, damage)) })
      }
    }
    for (const segment of found.unreadable) {
      if (options.onCorruption === "refuse") return yield* corrupt(segment.path)
      // What lay between two readable ones is counted where the first of them ends; of the first only its end is known.
      const isFirst = firstLsn > 1 && found.unreadable[0] === segment && segment.id < (segments[0]?.segment.id ?? 0)
      const lost = isFirst ? [{ from: 1, to: firstLsn - 1 }] : []
      damages.push({ segment: segment.name, offset: 0, lengthBytes: segment.sizeBytes, lost, isNew: true })
    }
    const goesOn = nextLsn + unreadableRecords(found)
    if (options.durableAtLeast >= goesOn) {
      const lost = [{ from: goesOn, to: options.durableAtLeast }]
      damages.push({ segment: "", offset: 0, lengthBytes: 0, lost, isNew: true })
    }
    return damages
  })

function nextLsnOf(found: Survey, { nextLsn }: Walked, { durableAtLeast }: RecoverOptions): number {
  return Math.max(nextLsn + unreadableRecords(found), durableAtLeast + 1)
}

/** Nobody knows how many records an unreadable end of the log held: more than fit its bytes it did not. */
function unreadableRecords({ segments, unreadable }: Survey): number {
  const lastId = segments.at(-1)?.id ?? 0
  return unreadable.reduce(
    (sum, { id, sizeBytes }) => (id > lastId ? sum + Math.ceil(sizeBytes / RECORD_HEADER_BYTES) : sum),
    0
  )
}

interface LogEnd {
  /** Frames of the last segment that are to be written again; they lie in the walk's slab. */
  readonly tail: ReadonlyArray<TailFrame>
  readonly bytesCut: number
  readonly wasClosed: boolean
}

function endOf({ segments }: Walked): LogEnd {
  const last = segments.at(-1)
  if (last === undefined) return { tail: [], bytesCut: 0, wasClosed: true }
  const { result, writtenEnd } = last
  return {
    tail: result.tail,
    bytesCut: Math.max(0, writtenEnd - result.endOffset),
    wasClosed: (result.endFlags & FrameFlag.close) !== 0
  }
}

/** Writes the tail's frames again: new epoch, new salt, same LSNs. [WAL-4] */
const writeAgain = (
  { slab }: Walked,
  tail: ReadonlyArray<TailFrame>,
  { file, segment }: FillTarget,
  sink: RecoverSink
): Effect.Effect<FillEnd, StoreFault> =>
  Effect.gen(function* () {
    const frame = new FrameHeader()
    const record = new RecordView()
    let position = SEGMENT_HEADER_BYTES
    let { chain } = segment
    if (slab === undefined) return { position, chain }
    for (const { count, firstLsn, lengthBytes, offset, writtenMs } of tail) {
      sealRecords(slab, offset + FRAME_HEADER_BYTES, count, segment.seed)
      Object.assign(frame, { count, firstLsn, lengthBytes, offset: position, flags: FrameFlag.again, writtenMs })
      frame.durableLsn = segment.header.baseLsn - 1
      frame.epoch = segment.header.epoch
      frame.previous = chain
      chain = writeFrameHeader(slab, offset, frame, segment.seed)
      yield* write(file, slab.bytes.subarray(offset, offset + lengthBytes), position)
      record.writtenMs = writtenMs
      for (let at = offset + FRAME_HEADER_BYTES; at < offset + lengthBytes; at += record.sizeBytes) {
        readRecord(slab, at, record)
        sink(record, segment.header.id, position + at - offset)
      }
      position += lengthBytes
    }
    return { position, chain }
  })

/** What the new segment, or a compacted one, has made void goes. Answers the earlier segments that stay. */
const tidy = (
  fs: StoreFs,
  { logDirectory }: RecoverOptions,
  found: Survey,
  { segments }: Walked,
  baseLsn: number
): Effect.Effect<ReadonlyArray<RecoveredSegment>, StoreFault> =>
  Effect.gen(function* () {
    const stay: Array<RecoveredSegment> = []
    const gone: Array<string> = found.voided.map(({ path }) => path)
    for (const walked of segments) {
      const { damages, lastLsn, result, segment } = walked
      const cutAt = endOffset(walked)
      const isVoid = walked.isLast && cutAt === SEGMENT_HEADER_BYTES && result.tail.length > 0
      const isEmpty = segment.gen === 0 && result.records === 0 && damages.length === 0
      if (isEmpty || isVoid) {
        gone.push(segment.path)
        continue
      }
      const { newestMs } = result
      if (cutAt === undefined || cutAt >= segment.sizeBytes) {
        stay.push({ ...segment, lastLsn: Math.min(lastLsn, baseLsn - 1), newestMs })
        continue
      }
      // Before the segment behind it can be dropped: what it made void must not come back. [WAL-14]
      yield* withFile(fs, segment.path, "update", (file) => Effect.andThen(file.truncate(cutAt), datasync(file)))
      stay.push({ ...segment, sizeBytes: cutAt, lastLsn: Math.min(lastLsn, baseLsn - 1), newestMs })
    }
    for (const path of gone) yield* fs.unlink(path)
    if (gone.length > 0) yield* fs.syncDirectory(logDirectory) // [WAL-12]
    return stay
  })

/** Where the segment ends; undefined when it is to stay as it is. */
function endOffset({ damages, gap, isLast, result, segment }: WalkedSegment): number | undefined {
  if (segment.gen > 0 || gap !== undefined || (isLast && damages.length > 0)) return undefined
  return (isLast ? result.tail[0]?.offset : undefined) ?? result.endOffset
}

const foreign = (path: string): StoreRefused =>
  refuse("foreign-store", path, "the segment belongs to another store", "put each store's log into a folder of its own")
const corrupt = (path: string): StoreRefused =>
  refuse("corrupt", path, "damaged bytes below the durable end", "look with store verify, or open with salvage")
const unknownType = (path: string, type: number): StoreRefused =>
  refuse("unknown-record-type", path, `record type ${type} is unknown`, "use the version that wrote it, or a later one")
