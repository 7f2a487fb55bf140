/**
 * The appender: group commit into the active segment. Plain code, no clock, no promise, nothing allocated per record.
 *
 *   append ─► group that fills ─► (end of the turn) ─► one write in flight ─► sync, as the policy asks ─► kept
 *
 * One write is in flight; what arrives meanwhile is the next frame. In `immediate` and `batch` the next write also
 * waits for a running sync, so that a sync carries as many records as came during the one before; in `periodic` and
 * `never` writes go on beside it, and a sync covers what had been written when it began.
 *
 * The promises, cited where they are kept (tests: test/wal/promises, mutants: test/mutants/wal-mutants.ts)
 *   WAL-1   nothing is told kept before the sync that covers it, unless the policy says `written`
 *   WAL-2   a frame's durable LSN never exceeds what a sync has covered
 *   WAL-3   damage below the durable LSN costs the records it hit and no other; damage above it ends the log
 *   WAL-4   what may exist in the page cache only is written and synced again before it is served
 *   WAL-5   a short write is continued, never taken for a whole one
 *   WAL-6   a segment is named only after all before it, its header and its name's folder are on the platter
 *   WAL-7   bytes of a client or of an earlier use of the file never verify: every CRC is salted
 *   WAL-8   a new epoch writes its own segment; what it starts with replaces the earlier ones' tails
 *   WAL-9   an idle log says so, so that damage to its last frame is not taken for a torn one
 *   WAL-10  a failed sync is final: nothing is kept after it, it is not tried again
 *   WAL-11  a compacted segment is named when all of it is on the platter; what it replaces goes only after its name is
 *   WAL-12  it is compacted again only when what it replaced is gone for good
 *   WAL-13  a segment goes from the middle of the log only after the log says so
 *   WAL-14  what a segment made void in the one before is cut off, for good, before that segment can go
 *   WAL-15  records that were announced together share one frame
 *   WAL-16  a frame that finds no room in a segment that grows as it is written goes into a spare, whose blocks are there
 *   WAL-17  a store of an earlier format is raised, and said to be, before anything is written; a later one is not touched
 *
 * Running out of space is not a failed sync: the same frame is written again at the same place when retry() is called.
 *
 * Elsewhere: fibers that call sync(), heartbeat() and retry(), the segment after this one (log.ts); bytes (frame.ts,
 * record.ts); the memory of frames on their way (groups.ts).
 */
import { assert } from "../base/assert.ts"
import { copyBytes } from "../base/bytes.ts"
import type { AppenderHost } from "./appender-host.ts"
import type { AppenderMeter } from "./appender-meter.ts"
import { makeSlab } from "./checksum.ts"
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, writeFrameHeader } from "./frame.ts"
import { type Group, Groups } from "./groups.ts"
import type { LogPolicy } from "./policy.ts"
import { RecordType, type RecordView, recordSize, sealRecords, writeRecordHeader } from "./record.ts"
import { SEGMENT_HEADER_BYTES } from "./segment.ts"
import { isFull, type StoreFault, type StoreFile, writeAll } from "./store-fs.ts"

/** The segment that takes frames. */
export interface ActiveSegment {
  readonly id: number
  readonly baseLsn: number
  readonly epoch: number
  readonly seed: number
  readonly file: StoreFile
  /** It was made without a spare: its blocks come as it is written, or do not come when the device is full. */
  readonly isGrowing: boolean
  /** Frames must end below this; the last bytes are kept for SEAL and CLOSE. */
  readonly capacityBytes: number
  /** Where the next frame goes, and what it names as its predecessor. */
  position: number
  chain: number
}

/** What records that are no messages may take beyond pendingBytesMax: acknowledgements go on when messages are refused. */
export const CONTROL_RESERVE_BYTES = 8 * 1_048_576
/** How many records together() makes room for. */
const TOGETHER_RECORDS_MAX = 4
export const SEAL_RESERVE_BYTES = 3 * FRAME_HEADER_BYTES
/** In `periodic` a sync begins early at this much, beside the writes, so that a rotation finds little left to wait for. */
const UNSYNCED_BYTES_MAX = 4 * 1_048_576
/** Frames of a burst that one sync may cover in `immediate`. */
const FRAMES_PER_SYNC_MAX = 16
/** Of which a HEARTBEAT may use the first part; SEAL and CLOSE the rest. */
const HEARTBEAT_RESERVE_BYTES = 2 * FRAME_HEADER_BYTES

type State = "open" | "closing" | "failed"

export class Appender {
  readonly #host: AppenderHost
  readonly #groups = new Groups()
  readonly #frame = new FrameHeader()
  readonly #control = makeSlab(64)
  readonly #pendingBytesMax: number
  #policy: LogPolicy
  #segment: ActiveSegment
  #state: State = "open"
  #nextLsn: number
  #writtenLsn: number
  #durableLsn: number
  #keptLsn: number
  #inFlight: Group | undefined = undefined
  #isWriting = false
  #isSyncing = false
  #isRotating = false
  #isStalled = false
  #isDeferred = false
  #isFinishing = false
  /** A sync is wanted until this is durable. */
  #wantedLsn = 0
  #framesUnsynced = 0
  #bytesUnsynced = 0
  #syncStartedMs = 0
  meter: AppenderMeter | undefined = undefined
  /** Told how many ms it took from writing the first frame that was not kept to keeping it. */
  onCommitted: ((tookMs: number) => void) | undefined = undefined
  /** Wall ms; 0 while everything written is kept. */
  #commitBeganMs = 0
  /** Since the start; of syncs that ended. */
  readonly counted = { frames: 0, bytes: 0, syncs: 0, syncMs: 0, faults: 0 }
  /** The frame of #inFlight is made; what is left is to write it. */
  #isPlaced = false
  /** The segment has no room on the device: the next frame goes into another one. */
  #isLeaving = false
  /** The segment that ends with SEAL already: a rotation that is tried again does not write a second one. */
  #sealedId = -1
  #afterDrain: (() => void) | undefined = undefined

  constructor(
    host: AppenderHost,
    segment: ActiveSegment,
    options: { readonly nextLsn: number; readonly policy: LogPolicy; readonly pendingBytesMax: number }
  ) {
    this.#host = host
    this.#segment = segment
    this.#policy = options.policy
    this.#pendingBytesMax = options.pendingBytesMax
    this.#nextLsn = options.nextLsn
    this.#writtenLsn = options.nextLsn - 1
    this.#durableLsn = options.nextLsn - 1
    this.#keptLsn = options.nextLsn - 1
  }

  get nextLsn(): number {
    return this.#nextLsn
  }
  get writtenLsn(): number {
    return this.#writtenLsn
  }
  get durableLsn(): number {
    return this.#durableLsn
  }
  get keptLsn(): number {
    return this.#keptLsn
  }
  /** Bytes of records that are not written yet. */
  get pendingBytes(): number {
    return this.#groups.pendingBytes
  }
  /** Share of the memory for records that are not written yet, 0..1. */
  get pressure(): number {
    return Math.min(1, this.#groups.pendingBytes / this.#pendingBytesMax)
  }
  /** Wall ms at which the running sync began, 0 when none runs: what a slow disk is told by. Going on in the next file is syncs too. */
  get syncingSinceMs(): number {
    return this.#isSyncing || this.#isRotating ? this.#syncStartedMs : 0
  }
  get segment(): ActiveSegment {
    return this.#segment
  }
  get isFailed(): boolean {
    return this.#state === "failed"
  }
  get policy(): LogPolicy {
    return this.#policy
  }
  /** Nothing to write, nothing to sync. */
  get isIdle(): boolean {
    return this.#groups.isEmpty && !this.#isBusy && this.#writtenLsn === this.#durableLsn
  }
  /** Where the body of the record reserved last goes. Valid until the caller returns to the event loop. */
  body: Buffer = this.#control.bytes
  bodyOffset = 0

  setPolicy(policy: LogPolicy): void {
    this.#policy = policy
    this.#keep()
    this.#host.onMoved()
    if (this.#writtenLsn > this.#durableLsn) this.sync()
  }

  /**
   * The records appended next in this turn, at most TOGETHER_RECORDS_MAX with `bodyBytes` bytes of body in all, share a
   * frame: they are kept together or not at all. [WAL-15] False when the log does not take them all now.
   */
  together(bodyBytes: number): boolean {
    const size = bodyBytes + TOGETHER_RECORDS_MAX * recordSize(0) + TOGETHER_RECORDS_MAX * 8
    if (!this.#takes(size, this.#pendingBytesMax)) return false
    this.#groups.forRecord(size, this.#segment.capacityBytes - SEGMENT_HEADER_BYTES)
    return true
  }

  /** Appends `record` with its body; answers its LSN, or -1 when the log takes none now (full, stalled, closed). */
  append(record: RecordView, asksSync: boolean): number {
    const bodyBytes = record.end - record.start
    const lsn = this.reserve(record, bodyBytes, asksSync)
    if (lsn >= 0) copyBytes(this.body, this.bodyOffset, record.buffer, record.start, record.end)
    return lsn
  }

  /** As append(), but the caller writes the `bodyBytes` bytes into `body` at `bodyOffset`, before it returns to the loop. */
  reserve(record: RecordView, bodyBytes: number, asksSync: boolean): number {
    const size = recordSize(bodyBytes)
    const groups = this.#groups
    const isMessage = record.type === RecordType.message
    const reserveBytes = isMessage ? 0 : CONTROL_RESERVE_BYTES
    if (!this.#takes(size, this.#pendingBytesMax + reserveBytes)) return -1
    const group = groups.forRecord(size, this.#segment.capacityBytes - SEGMENT_HEADER_BYTES)
    const lsn = this.#nextLsn++
    if (group.count++ === 0) group.firstLsn = lsn
    if (asksSync) group.asksSync = true
    if (isMessage) group.hasMessages = true
    this.bodyOffset = writeRecordHeader(group.slab, group.used, record, lsn, bodyBytes)
    this.body = group.slab.bytes
    group.used += size
    groups.pendingBytes += size
    if (!this.#isDeferred) {
      this.#isDeferred = true
      this.#host.defer(this.#endOfTurn)
    }
    return lsn
  }

  /** Syncs what has been written; what is being written right now follows when it is. */
  sync(): void {
    if (this.#state === "failed") return
    this.#wantedLsn = this.#nextLsn - 1
    if (!this.#isSyncing && !this.#isRotating && this.#writtenLsn > this.#durableLsn) this.#startSync()
  }

  /** A frame without records, when the log is idle. [WAL-9] False when it was not, or when there is no room. */
  heartbeat(): boolean {
    const room = this.#segment.position + HEARTBEAT_RESERVE_BYTES <= this.#fileBytes
    if (this.#state !== "open" || !this.isIdle || !room) return false
    this.#writeControl(FrameFlag.heartbeat, this.#resume) // [WAL-9]
    return true
  }

  /** After onStalled: tries the same write again. */
  retry(): void {
    if (this.#state === "failed" || !this.#isStalled) return
    this.#isStalled = false
    if (this.#inFlight !== undefined && this.#isPlaced) this.#commit(this.#inFlight)
    else this.#resume()
  }

  /** The answer to host.rotate(). */
  rotated(next: ActiveSegment): void {
    assert(this.#isRotating, "a segment follows only where one was asked for")
    this.#segment = next
    this.#isRotating = false
    this.#isLeaving = false
    this.#resume()
  }

  /** The answer to host.rotate() when it could not: full disk stalls, anything else is final. */
  notRotated(fault: StoreFault): void {
    this.#isRotating = false
    this.#notWritten(fault)
  }

  /** Takes nothing more, writes and syncs what it has, writes CLOSE, syncs that; then calls `done`, also when it failed. */
  close(done: () => void): void {
    this.#afterDrain = done
    if (this.#state === "failed") this.#drained()
    else this.#state = "closing"
    if (this.#isStalled) this.retry()
    else this.#resume()
  }

  /** An error of the owner's, for instance of the segment keeper: as final as a failed sync. */
  abort(fault: StoreFault): void {
    this.#fail(fault)
  }

  #takes(sizeBytes: number, limitBytes: number): boolean {
    const { pendingBytes } = this.#groups
    return this.#state === "open" && (pendingBytes === 0 || pendingBytes + sizeBytes <= limitBytes)
  }

  get #isBusy(): boolean {
    return this.#isWriting || this.#isSyncing || this.#isRotating || this.#isStalled
  }
  get #fileBytes(): number {
    return this.#segment.capacityBytes + SEAL_RESERVE_BYTES
  }
  /** Does the next write wait for a running sync? */
  get #isSerial(): boolean {
    return this.#policy.sync.mode === "immediate" || this.#policy.sync.mode === "batch"
  }

  readonly #endOfTurn = (): void => {
    this.#isDeferred = false
    this.#resume()
  }

  /** Starts whatever may start now. Every completion ends here. */
  readonly #resume = (): void => {
    if (this.#state === "failed" || this.#isWriting || this.#isRotating || this.#isStalled) return
    if (this.#isSyncing && (this.#isSerial || this.#state === "closing")) return
    const group = this.#inFlight ?? this.#groups.next()
    const isUnsynced = this.#writtenLsn > this.#durableLsn
    if (group !== undefined) this.#place(group)
    else if (this.#isSyncing) return
    else if (isUnsynced && (this.#state === "closing" || this.#wantedLsn > this.#durableLsn)) this.#startSync()
    else if (this.#state === "closing") this.#finish()
  }

  #place(group: Group): void {
    this.#inFlight = group
    const segment = this.#segment
    if (segment.position + group.used > segment.capacityBytes || this.#isLeaving) {
      if (!this.#isSyncing) this.#rotate(segment, group)
      return
    }
    sealRecords(group.slab, FRAME_HEADER_BYTES, group.count, segment.seed)
    this.#sealFrame(group.slab, group.used, group.count, group.firstLsn, FrameFlag.none)
    this.#isPlaced = true
    this.#commit(group)
  }

  /** The segment is full: first all of it is synced, then SEAL says so, then the next one is made. */
  #rotate(segment: ActiveSegment, group: Group): void {
    if (this.#writtenLsn > this.#durableLsn) {
      this.#startSync() // [WAL-6]
      return
    }
    const next = (): void => this.#host.rotate(segment, group.firstLsn, group.used, group.hasMessages)
    this.#isRotating = true
    this.#syncStartedMs = this.#host.nowMs()
    if (this.#sealedId === segment.id) next()
    else this.#writeControl(FrameFlag.seal, next)
    this.#sealedId = segment.id
  }

  #commit(group: Group): void {
    const { file, position } = this.#segment
    this.#isWriting = true
    if (this.#commitBeganMs === 0) this.#commitBeganMs = this.#host.nowMs()
    this.meter?.writing()
    writeAll(file, group.slab.bytes, 0, group.used, position, (fault) => {
      this.#isWriting = false
      if (this.#state === "failed") return
      if (fault !== undefined) return this.#notWritten(fault)
      this.#inFlight = undefined
      this.#isPlaced = false
      this.#host.onPlaced(group.firstLsn, group.count, this.#segment.id, position)
      this.#framesUnsynced++
      this.#bytesUnsynced += group.used
      this.counted.frames++
      this.counted.bytes += group.used
      this.meter?.written(group.count, group.used)
      this.#advance(group.used)
      this.#writtenLsn = group.firstLsn + group.count - 1
      const { asksSync } = group
      this.#groups.finish(group)
      this.#host.onWritten(this.#writtenLsn)
      this.#keep()
      this.#host.onMoved()
      this.#syncIfDue(asksSync)
      this.#resume()
    })
  }

  #notWritten(fault: StoreFault): void {
    this.counted.faults++
    if (!isFull(fault)) this.#fail(fault)
    else if (this.#state === "closing") this.#giveUp()
    else if (this.#isPlaced && this.#segment.isGrowing) {
      this.#isPlaced = false
      this.#isLeaving = true // [WAL-16]
      this.#resume()
    } else {
      this.#isStalled = true
      this.#host.onStalled(fault)
    }
  }

  /** The device is full at shutdown: what was not written was not kept, and nobody was told so. */
  #giveUp(): void {
    this.#groups.clear()
    this.#inFlight = undefined
    this.#resume()
  }

  #syncIfDue(asksSync: boolean): void {
    const { sync } = this.#policy
    if (asksSync) this.#wantedLsn = Math.max(this.#wantedLsn, this.#writtenLsn)
    if (this.#isSyncing) return
    const isDue =
      this.#wantedLsn > this.#durableLsn ||
      sync.mode === "immediate" ||
      (sync.mode === "batch" && this.#writtenLsn - this.#durableLsn >= sync.records) ||
      (sync.mode === "periodic" && this.#bytesUnsynced >= UNSYNCED_BYTES_MAX)
    // A burst that is several frames already shares one sync.
    const isBurst = this.#groups.waiting > 0 && this.#framesUnsynced < FRAMES_PER_SYNC_MAX
    if (!isDue) this.#host.onUnsynced()
    else if (isBurst) this.#wantedLsn = Math.max(this.#wantedLsn, this.#writtenLsn)
    else this.#startSync()
  }

  #startSync(): void {
    const covered = this.#writtenLsn
    this.#isSyncing = true
    this.#syncStartedMs = this.#host.nowMs()
    this.#framesUnsynced = 0
    this.#bytesUnsynced = 0
    this.meter?.syncing()
    this.#segment.file.datasync((fault) => {
      this.#isSyncing = false
      if (this.#state === "failed") return
      if (fault !== undefined) this.counted.faults++
      if (fault !== undefined) return this.#fail(fault) // [WAL-10]
      this.counted.syncs++
      this.meter?.synced()
      this.counted.syncMs += this.#host.nowMs() - this.#syncStartedMs
      this.#durableLsn = covered
      this.#keep()
      this.#host.onDurable(covered)
      this.#host.onMoved()
      // Written beside this sync: the next one is wanted already, or waits for its batch or tick.
      if (this.#writtenLsn > covered && this.#wantedLsn > covered) this.#startSync()
      else if (this.#writtenLsn > covered) this.#host.onUnsynced()
      this.#resume()
    })
  }

  #keep(): void {
    const kept = this.#policy.acknowledge === "durable" ? this.#durableLsn : this.#writtenLsn // [WAL-1]
    if (kept <= this.#keptLsn) return
    this.#keptLsn = kept
    if (this.#commitBeganMs > 0) this.onCommitted?.(this.#host.nowMs() - this.#commitBeganMs)
    this.#commitBeganMs = kept < this.#writtenLsn ? this.#host.nowMs() : 0
    this.#host.onKept(kept)
  }

  #sealFrame(slab: Group["slab"], lengthBytes: number, count: number, firstLsn: number, flags: number): void {
    const frame = this.#frame
    const segment = this.#segment
    frame.lengthBytes = lengthBytes
    frame.count = count
    frame.firstLsn = firstLsn
    frame.durableLsn = this.#durableLsn // [WAL-2]
    frame.epoch = segment.epoch
    frame.previous = segment.chain
    frame.offset = segment.position
    frame.flags = flags
    frame.writtenMs = this.#host.nowMs()
    writeFrameHeader(slab, 0, frame, segment.seed)
  }

  /** A frame without records. It is not synced: losing it loses nothing. */
  #writeControl(flags: number, then: () => void): void {
    const { file, position } = this.#segment
    this.#sealFrame(this.#control, FRAME_HEADER_BYTES, 0, this.#writtenLsn + 1, flags)
    this.#isWriting = true
    writeAll(file, this.#control.bytes, 0, FRAME_HEADER_BYTES, position, (fault) => {
      this.#isWriting = false
      if (this.#state === "failed") return
      if (fault !== undefined && !isFull(fault)) return this.#fail(fault)
      if (fault === undefined) this.#advance(FRAME_HEADER_BYTES)
      then()
    })
  }

  #advance(writtenBytes: number): void {
    this.#segment.position += writtenBytes
    this.#segment.chain = this.#frame.crc
  }

  /** Everything is durable: CLOSE says so, and a last sync makes CLOSE itself durable. */
  #finish(): void {
    if (this.#isFinishing) return
    this.#isFinishing = true
    this.#writeControl(FrameFlag.close, () => {
      this.#isSyncing = true
      this.#segment.file.datasync((fault) => {
        this.#isSyncing = false
        if (fault !== undefined) this.#fail(fault)
        this.#drained()
      })
    })
  }

  #fail(fault: StoreFault): void {
    if (this.#state === "failed") return
    this.#state = "failed"
    this.#host.onFailed(fault)
    this.#drained()
  }

  #drained(): void {
    const done = this.#afterDrain
    this.#afterDrain = undefined
    done?.()
  }
}
