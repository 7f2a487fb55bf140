/**
 * Compaction of sealed segments: what is still needed of one, or of neighbours, is copied into a new one, in LSN order.
 *
 *   step                                              a crash here leaves
 *   1 <first input's id>.<gen + 1>.wal.tmp: header,   a leftover, which goes at the next start
 *     survivors in SPARSE frames, SEAL; all synced
 *   2 renamed, folder synced [WAL-11]                 the inputs, or the output and its inputs, which it voids
 *   3 told: readers go to the output                  the same
 *   4 inputs unlinked, folder synced [WAL-12]         the output, and inputs that it voids
 *
 * The output names its inputs (`replaces`) and the range of LSNs that it stands for: what is not in it is gone on purpose.
 * An input that is damaged is salvaged, after its damaged bytes came to quarantine: an output never hides what was lost.
 *
 * Every step is bounded (`batchRecords` looked at, or OUTPUT_FRAME_BYTES written) and ends with a turn of the event loop
 * and the owner's pace. May be interrupted anywhere before 2; from there on it runs to its end.
 *
 * Elsewhere: which segments, when, and what is needed of them (src/store/compactor.ts); reading (segment-frames.ts).
 */
import * as Effect from "effect/Effect"
import { assert } from "../base/assert.ts"
import { copyBytes } from "../base/bytes.ts"
import { makeSlab, type Slab } from "./checksum.ts"
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, writeFrameHeader } from "./frame.ts"
import { quarantine } from "./quarantine.ts"
import { RecordView, readRecord, sealRecords } from "./record.ts"
import { type Damage, scanSegment } from "./scan.ts"
import {
  type DecodedHeader,
  encodeSegmentHeader,
  REPLACES_MAX,
  SEGMENT_HEADER_BYTES,
  type SegmentReference,
  segmentName
} from "./segment.ts"
import { readSegmentHeader, SegmentFrames } from "./segment-frames.ts"
import { datasync, StoreFault, type StoreFile, type StoreFs, TEMPORARY_SUFFIX, withFile, write } from "./store-fs.ts"
import { SegmentReader } from "./survey.ts"
import { Survivors } from "./survivors.ts"

export interface CompactInput extends SegmentReference {
  readonly path: string
  readonly lastLsn: number
}

export interface CompactRequest {
  readonly logDirectory: string
  readonly quarantineDirectory: string
  readonly storeUuid: string
  readonly epoch: number
  readonly nowMs: number
  /** 8 bytes, as 16 hex digits. */
  readonly salt: string
  /** Neighbours, in LSN order; all sealed. */
  readonly inputs: ReadonlyArray<CompactInput>
  /** What the output stands for: from the first input's base LSN up to here. A gap behind the last input may be included. */
  readonly lastLsn: number
  readonly batchRecords: number
  /** The view is valid during the call. */
  readonly isLive: (record: RecordView) => boolean
  /** After every step, with the bytes that it wrote. */
  readonly pace: (writtenBytes: number) => Effect.Effect<void>
  /** The output is named for good, its inputs are about to go: readers go to the output now. */
  readonly replaced: (output: CompactedSegment) => void
}

export interface CompactedSegment extends SegmentReference {
  readonly path: string
  readonly seed: number
  readonly firstLsn: number
  readonly lastLsn: number
  readonly sizeBytes: number
  /** Wall ms of the newest frame that a survivor comes from. */
  readonly newestMs: number
  readonly survivors: Survivors
  /** Of the inputs, found while copying. */
  readonly damages: ReadonlyArray<Damage>
}

const OUTPUT_FRAME_BYTES = 262_144
/** Survivors of frames that were written further apart do not share a frame: it keeps the time of its first one. */
const FRAME_SPAN_MS = 1000

/** Undefined when nothing survives: no output is made then, and nothing was removed. */
export const compactSegments = (
  fs: StoreFs,
  request: CompactRequest
): Effect.Effect<CompactedSegment | undefined, StoreFault> =>
  Effect.gen(function* () {
    const { inputs, logDirectory } = request
    assert(inputs.length > 0 && inputs.length <= REPLACES_MAX, "what is replaced fits the header")
    const id = inputs[0]?.id ?? 0
    const gen = inputs.reduce((most, input) => Math.max(most, input.gen), 0) + 1
    const path = `${logDirectory}/${segmentName(id, gen)}`
    const temporary = path + TEMPORARY_SUFFIX
    const made = yield* Effect.onExit(
      withFile(fs, temporary, "create", (file) => fill(fs, request, { id, gen }, file)),
      (exit) =>
        exit._tag === "Success" && exit.value !== undefined ? Effect.void : Effect.ignore(fs.unlink(temporary))
    )
    if (made === undefined) return undefined
    const output: CompactedSegment = { ...made, path }
    return yield* Effect.uninterruptible(
      Effect.gen(function* () {
        yield* fs.rename(temporary, path)
        yield* fs.syncDirectory(logDirectory) // [WAL-11]
        request.replaced(output)
        for (const input of inputs) yield* fs.unlink(input.path)
        yield* fs.syncDirectory(logDirectory) // [WAL-12]
        return output
      })
    )
  })

/** Removes a segment of which nothing is needed. In the middle of the log only after a durable SEG-DROP. [WAL-13] */
export const dropSegment = (fs: StoreFs, logDirectory: string, path: string): Effect.Effect<void, StoreFault> =>
  Effect.uninterruptible(Effect.andThen(fs.unlink(path), fs.syncDirectory(logDirectory)))

type Filled = Omit<CompactedSegment, "path">

const fill = (
  fs: StoreFs,
  request: CompactRequest,
  reference: SegmentReference,
  file: StoreFile
): Effect.Effect<Filled | undefined, StoreFault> =>
  Effect.gen(function* () {
    const { epoch, inputs, lastLsn, nowMs, salt, storeUuid } = request
    const damages: Array<Damage> = []
    let output: Output | undefined
    for (const input of inputs) {
      yield* withFile(fs, input.path, "read", (source) =>
        Effect.gen(function* () {
          const segment = yield* readSegmentHeader(source)
          if (segment === undefined) return yield* headerless(input.path)
          if (output === undefined) {
            const { baseLsn } = segment.header
            const replaces = inputs.map(({ gen, id }) => ({ gen, id }))
            const rest = { epoch, baseLsn, createdMs: nowMs, salt, storeUuid, isRecycled: false, lastLsn, replaces }
            output = new Output(file, { ...reference, ...rest })
          }
          const frames = new SegmentFrames(source, segment, input.lastLsn)
          while (true) {
            const found = yield* frames.next()
            if (found === "end") return
            if (found === "broken") {
              damages.push(...(yield* salvage(fs, request, output, input, segment, frames.passedLsn)))
              return
            }
            yield* copyFrame(request, output, frames)
          }
        })
      )
    }
    if (output === undefined || output.survivors.count === 0) return undefined
    yield* request.pace(yield* output.finish())
    yield* datasync(file) // [WAL-11]
    const { newestMs, position, seed, survivors } = output
    const firstLsn = output.header.baseLsn
    return { ...reference, seed, firstLsn, lastLsn, sizeBytes: position, newestMs, survivors, damages }
  })

const copyFrame = (
  { batchRecords, isLive, pace }: CompactRequest,
  output: Output,
  { frame, recordsAt, recordsEnd, slab }: SegmentFrames
): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    const { record } = output
    record.writtenMs = frame.writtenMs
    for (let at = recordsAt; at < recordsEnd; ) {
      let left = batchRecords
      let isFull = false
      while (at < recordsEnd && left-- > 0 && !isFull) {
        readRecord(slab, at, record)
        isFull = isLive(record) && !output.take(slab, at)
        if (!isFull) at += record.sizeBytes
      }
      const writtenBytes = isFull ? yield* output.flush() : 0
      yield* turn
      yield* pace(writtenBytes)
    }
  })

/** The slow way through a damaged input: everything in memory at once, what verifies behind `passedLsn` is copied. */
const salvage = (
  fs: StoreFs,
  { isLive, logDirectory, pace, quarantineDirectory }: CompactRequest,
  output: Output,
  { gen, id, lastLsn, path }: CompactInput,
  segment: DecodedHeader,
  passedLsn: number
): Effect.Effect<ReadonlyArray<Damage>, StoreFault> =>
  Effect.gen(function* () {
    const lengthBytes = yield* withFile(fs, path, "read", (file) => file.size)
    const slab = yield* new SegmentReader(fs).read({ path, sizeBytes: lengthBytes })
    const places: Array<{ readonly at: number; readonly writtenMs: number }> = []
    const { damages, missing } = scanSegment(
      { slab, lengthBytes, segment, expectedLsn: segment.header.baseLsn, durableLsn: lastLsn, limit: lastLsn + 1 },
      (record, at) => {
        if (record.lsn > passedLsn) places.push({ at, writtenMs: record.writtenMs })
      }
    )
    const all = missing === undefined ? damages : [...damages, missing]
    for (const damage of all) {
      const bytes = slab.bytes.subarray(damage.offset, damage.offset + damage.lengthBytes)
      yield* quarantine(fs, quarantineDirectory, path.slice(logDirectory.length + 1), damage, bytes)
    }
    const { record } = output
    for (const { at, writtenMs } of places) {
      readRecord(slab, at, record)
      record.writtenMs = writtenMs
      if (!isLive(record) || output.take(slab, at)) continue
      yield* pace(yield* output.flush())
      yield* turn
      readRecord(slab, at, record)
      assert(output.take(slab, at), `a record of ${id}.${gen} fits an empty frame`)
    }
    return all
  })

/** The output as it grows. */
class Output {
  readonly record = new RecordView()
  readonly survivors = new Survivors()
  readonly header: DecodedHeader["header"]
  readonly seed: number
  position = SEGMENT_HEADER_BYTES
  newestMs = 0
  readonly #file: StoreFile
  readonly #frame = new FrameHeader()
  readonly #headerSlab: Slab = makeSlab(SEGMENT_HEADER_BYTES)
  #chain: number
  #slab: Slab = makeSlab(OUTPUT_FRAME_BYTES)
  #used = FRAME_HEADER_BYTES
  #count = 0
  #firstLsn = 0
  #writtenMs = 0
  #isBegun = false

  constructor(file: StoreFile, header: DecodedHeader["header"]) {
    const { chain, seed } = encodeSegmentHeader(this.#headerSlab, header)
    this.#file = file
    this.#chain = chain
    this.header = header
    this.seed = seed
  }

  /** Copies the record in `record`, which lies at `at` of `slab`; false when the frame has to be flushed first. */
  take(slab: Slab, at: number): boolean {
    const { record } = this
    const { sizeBytes, writtenMs } = record
    if (this.#count === 0) {
      if (this.#slab.bytes.length < FRAME_HEADER_BYTES + sizeBytes)
        this.#slab = makeSlab(FRAME_HEADER_BYTES + sizeBytes)
      this.#firstLsn = record.lsn
      this.#writtenMs = writtenMs
    } else if (this.#used + sizeBytes > this.#slab.bytes.length || writtenMs - this.#writtenMs > FRAME_SPAN_MS) {
      return false
    }
    copyBytes(this.#slab.bytes, this.#used, slab.bytes, at, at + sizeBytes)
    this.survivors.add(record, this.position + this.#used)
    this.newestMs = Math.max(this.newestMs, writtenMs)
    this.#used += sizeBytes
    this.#count++
    return true
  }

  /** Answers the bytes written. */
  flush(): Effect.Effect<number, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      if (!this.#isBegun) yield* write(this.#file, this.#headerSlab.bytes, 0)
      this.#isBegun = true
      if (this.#count === 0) return 0
      sealRecords(this.#slab, FRAME_HEADER_BYTES, this.#count, this.seed)
      const written = yield* this.#writeFrame(this.#used, this.#count, this.#firstLsn, FrameFlag.sparse)
      this.#used = FRAME_HEADER_BYTES
      this.#count = 0
      return written
    })
  }

  finish(): Effect.Effect<number, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      const written = yield* this.flush()
      return written + (yield* this.#writeFrame(FRAME_HEADER_BYTES, 0, this.header.lastLsn + 1, FrameFlag.seal))
    })
  }

  #writeFrame(lengthBytes: number, count: number, firstLsn: number, flags: number): Effect.Effect<number, StoreFault> {
    const frame = this.#frame
    frame.lengthBytes = lengthBytes
    frame.count = count
    frame.firstLsn = firstLsn
    frame.durableLsn = this.header.lastLsn
    frame.epoch = this.header.epoch
    frame.previous = this.#chain
    frame.offset = this.position
    frame.flags = flags
    frame.writtenMs = this.#writtenMs
    this.#chain = writeFrameHeader(this.#slab, 0, frame, this.seed)
    const at = this.position
    this.position += lengthBytes
    return Effect.as(write(this.#file, this.#slab.bytes.subarray(0, lengthBytes), at), lengthBytes)
  }
}

/** Lets the event loop turn: what waits for the disk or a socket goes on. */
const turn: Effect.Effect<void> = Effect.callback((resume) => void setImmediate(() => resume(Effect.void)))

const headerless = (path: string): Effect.Effect<never, StoreFault> =>
  Effect.fail(
    new StoreFault({ operation: "read", path, code: "EBADMSG", cause: "neither copy of its header verifies" })
  )
