/**
 * Records that are in files only: blocks of 64 KiB, read ahead of need and kept in a budget.
 *
 *   isReady()   are all blocks of the record there?     load()   if not: read them, then call back
 *   read()      the record, from its blocks; what is not there is read within the call, and counted (`blockingReads`)
 *
 * A record longer than a block, or that touches a block which could not be read, is read by itself: a bad sector costs
 * the records that lie on it, and no other. Every record is verified each time it is handed out. One that cannot be read
 * or does not verify is lost: counted and told once, and from then on answered without the disk.
 *
 * Invariants
 * - At most READS_MAX reads are under way, lowest position first, one per block however many wait for it.
 * - The bytes of an evicted block are written to again only after the turn in which they were evicted.
 * - A block read while its file was still written to knows up to which sequence it is true (`below`).
 * - At most FILES_OPEN_MAX files are held open beside those that are being read; a file is closed after its last read.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { assert } from "../base/assert.ts"
import { makeSlab, type Slab } from "../wal/checksum.ts"
import { RECORD_HEADER_BYTES, RecordType, RecordView, readLsn, readRecord, verifyRecord } from "../wal/record.ts"
import { StoreFault, type StoreFile, type StoreFs } from "../wal/store-fs.ts"
import type { LogFile } from "./durable-files.ts"
import type { LogRecord } from "./ports.ts"

export const COLD_BYTES_DEFAULT = 16 * 1_048_576
const BLOCK_BITS = 16
const BLOCK_BYTES = 1 << BLOCK_BITS
const READS_MAX = 4
const FILES_OPEN_MAX = 8
const NO_DESCRIPTOR: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"])
const OPEN_RETRY_MS = 100
/** Keys of one file's blocks, and from there of its records' own extents: by their place in units of 8 bytes. */
const EXTENTS_FROM = 2 ** 29

/** A stretch of a file, in memory or on its way there: a block, or the extent of one record. */
interface Block {
  readonly key: number
  readonly file: LogFile
  readonly start: number
  readonly lengthBytes: number
  slab: Slab | undefined
  /** Read so far. */
  bytes: number
  /** Records from this sequence on may have been written after it was read. */
  below: number
  waiters: Array<() => void>
}

/** Where a record lies; registers, filled for each call. */
export class ColdPlace {
  file: LogFile | undefined = undefined
  offset = 0
  sizeBytes = 0
  sequence = 0
}

export interface LostRecord {
  readonly sequence: number
  /** As its damaged bytes say, 0 when they do not. */
  readonly lsn: number
  readonly path: string
  readonly offset: number
}

export interface ColdOptions {
  readonly fs: StoreFs
  readonly budgetBytes: number
  /** Sequences below are on their way into files no more: their bytes are there. */
  readonly writtenBelow: () => number
  readonly onLost: (lost: LostRecord) => void
  /** Runs a task in a later turn. */
  readonly defer: (task: () => void) => void
}

export class ColdReads {
  /** Records that could not be read back. */
  faults = 0
  /** Bytes read from files. */
  bytesRead = 0
  reads = 0
  /** Reads that held the loop: somebody did not ask isReady(). */
  blockingReads = 0
  readonly #options: ColdOptions
  /** Least recently used first. */
  readonly #blocks = new Map<number, Block>()
  readonly #loading = new Map<number, Block>()
  /** Waiting to be read, highest position first. */
  readonly #queue: Array<Block> = []
  readonly #lost = new Set<number>()
  readonly #opened: Array<LogFile> = []
  #evicted: Array<Slab> = []
  #free: Array<Slab> = []
  #newest: Block | undefined = undefined
  #heldBytes = 0
  #reads = 0
  #isClosed = false
  readonly #view = new RecordView()

  constructor(options: ColdOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  isReady(place: ColdPlace): boolean {
    const { offset, sequence, sizeBytes } = place
    const file = fileOf(place)
    if (this.#lost.has(sequence)) return true
    if (isSingle(file, offset, sizeBytes)) return this.#held(extentKey(file, offset), sequence) !== undefined
    for (let block = offset >>> BLOCK_BITS; block <= (offset + sizeBytes - 1) >>> BLOCK_BITS; block++) {
      if (this.#held(blockKey(file, block), sequence) === undefined) return false
    }
    return true
  }

  /** Calls back in a later turn, when what was missing has come or has turned out not to come. */
  load(place: ColdPlace, done: () => void): void {
    const { offset, sequence, sizeBytes } = place
    const file = fileOf(place)
    let missing = 1
    const arrived = (): void => {
      missing -= 1
      if (missing === 0) done()
    }
    const want = (key: number, start: number, lengthBytes: number): void => {
      const held = this.#held(key, sequence)
      if (held === undefined) {
        missing += 1
        this.#want(file, key, start, lengthBytes).waiters.push(arrived)
        // What is there already must not make room for what comes.
      } else this.#use(held)
    }
    if (isSingle(file, offset, sizeBytes)) want(extentKey(file, offset), offset, sizeBytes)
    else {
      for (let block = offset >>> BLOCK_BITS; block <= (offset + sizeBytes - 1) >>> BLOCK_BITS; block++) {
        want(blockKey(file, block), block * BLOCK_BYTES, BLOCK_BYTES)
      }
    }
    if (missing === 1) this.#options.defer(arrived)
    else missing -= 1
    this.#start()
  }

  /** Fills the record's bytes; false when they are not to be had. */
  read(place: ColdPlace, record: LogRecord): boolean {
    const { offset, sequence, sizeBytes } = place
    const file = fileOf(place)
    if (this.#isClosed || this.#lost.has(sequence)) return false
    const first = isSingle(file, offset, sizeBytes)
      ? this.#held(extentKey(file, offset), sequence)
      : this.#held(blockKey(file, offset >>> BLOCK_BITS), sequence)
    if (first?.slab !== undefined && offset + sizeBytes <= first.start + first.lengthBytes) {
      this.#use(first)
      return this.#take(place, first.slab, offset - first.start, record)
    }
    const joined = this.#join(file, offset, sizeBytes, sequence) ?? this.#readNow(file, offset, sizeBytes)
    return joined === undefined ? this.#lose(place, 0) : this.#take(place, joined, 0, record)
  }

  /** No file is read any more, but for reads under way. */
  close(): void {
    this.#isClosed = true
    for (const file of [...this.#opened]) this.#release(file)
  }

  /** The file is not to be read again. */
  forget(file: LogFile): void {
    this.#release(file)
    for (const [key, block] of this.#blocks) if (block.file === file) this.#evict(key, block)
  }

  #take(place: ColdPlace, slab: Slab, at: number, record: LogRecord): boolean {
    const { sequence, sizeBytes } = place
    const view = this.#view
    // [LOG-3]
    if (verifyRecord(slab, at, at + sizeBytes, fileOf(place).seed) !== sizeBytes) {
      return this.#lose(place, at + sizeBytes <= slab.bytes.length ? readLsn(slab, at) : 0)
    }
    readRecord(slab, at, view)
    if (view.type !== RecordType.message || view.sequence !== sequence) return this.#lose(place, view.lsn)
    record.buffer = view.buffer
    record.start = view.start
    record.end = view.end
    return true
  }

  /** [LOG-4] */
  #lose(place: ColdPlace, lsn: number): false {
    const { offset, sequence } = place
    const file = fileOf(place)
    this.faults += 1
    this.#lost.add(sequence)
    const isLikely = lsn >= file.firstLsn && (file.lastLsn === 0 || lsn <= file.lastLsn)
    this.#options.onLost({ sequence, lsn: isLikely ? lsn : 0, path: file.path, offset })
    return false
  }

  /** A block that is there and true for the sequence. [LOG-3] */
  #held(key: number, sequence: number): Block | undefined {
    const newest = this.#newest
    const block = newest !== undefined && newest.key === key ? newest : this.#blocks.get(key)
    return block !== undefined && sequence < block.below ? block : undefined
  }

  #use(block: Block): void {
    if (block === this.#newest) return
    this.#newest = block
    this.#blocks.delete(block.key)
    this.#blocks.set(block.key, block)
  }

  /** A record that lies in several blocks, copied together when all are there. */
  #join(file: LogFile, offset: number, sizeBytes: number, sequence: number): Slab | undefined {
    if (isSingle(file, offset, sizeBytes)) return undefined
    const last = (offset + sizeBytes - 1) >>> BLOCK_BITS
    const joined = makeSlab(sizeBytes)
    for (let number = offset >>> BLOCK_BITS; number <= last; number++) {
      const block = this.#held(blockKey(file, number), sequence)
      if (block?.slab === undefined) return undefined
      const from = Math.max(offset, block.start)
      const to = Math.min(offset + sizeBytes, block.start + block.lengthBytes)
      block.slab.bytes.copy(joined.bytes, from - offset, from - block.start, to - block.start)
    }
    return joined
  }

  #readNow(file: LogFile, offset: number, sizeBytes: number): Slab | undefined {
    this.blockingReads += 1
    const opened = this.#open(file)
    if (opened instanceof StoreFault) return undefined
    const slab = makeSlab(sizeBytes)
    const exit = Effect.runSyncExit(opened.read(slab.bytes, 0, sizeBytes, offset))
    if (!Exit.isSuccess(exit)) return undefined
    this.bytesRead += exit.value
    this.reads += 1
    slab.bytes.fill(0, exit.value)
    return slab
  }

  #want(file: LogFile, key: number, start: number, lengthBytes: number): Block {
    const known = this.#loading.get(key)
    if (known !== undefined) return known
    const stale = this.#blocks.get(key)
    if (stale !== undefined) this.#evict(key, stale)
    const block: Block = { key, file, start, lengthBytes, slab: undefined, bytes: 0, below: 0, waiters: [] }
    this.#loading.set(key, block)
    this.#enqueue(block)
    return block
  }

  #enqueue(block: Block): void {
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(block, this.#queue[middle] as Block)) low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, block)
  }

  #start(): void {
    while (this.#reads < READS_MAX) {
      const block = this.#queue.pop()
      if (block === undefined) return
      this.#reads += 1
      block.file.reads += 1
      const opened = this.#open(block.file)
      if (opened instanceof StoreFault) this.#notOpened(block, opened)
      else {
        block.slab = this.#slabOf(block.lengthBytes)
        block.below = this.#options.writtenBelow()
        this.#fill(opened, block, block.slab)
      }
    }
  }

  /** Descriptors that are all in use come back: that loses nothing. */
  #notOpened(block: Block, { code }: StoreFault): void {
    if (this.#isClosed || !NO_DESCRIPTOR.has(code)) {
      this.#options.defer(() => this.#finish(block, false))
      return
    }
    setTimeout(() => {
      this.#reads -= 1
      block.file.reads -= 1
      this.#enqueue(block)
      this.#start()
    }, OPEN_RETRY_MS)
  }

  #fill(file: StoreFile, block: Block, slab: Slab): void {
    const done = (fault: StoreFault | undefined, readBytes: number): void => {
      block.bytes += readBytes
      this.bytesRead += readBytes
      const isOver = fault !== undefined || readBytes === 0 || block.bytes >= block.lengthBytes
      if (isOver) this.#finish(block, fault === undefined)
      else this.#fill(file, block, slab)
    }
    file.readSome(slab.bytes, block.bytes, block.lengthBytes, block.start + block.bytes, done)
  }

  #finish(block: Block, isRead: boolean): void {
    const { file, key, slab } = block
    this.#reads -= 1
    file.reads -= 1
    // Whoever read from these in an earlier turn has returned to the loop since.
    this.#free.push(...this.#evicted)
    this.#evicted = []
    this.#loading.delete(key)
    if (file.isGone) this.#retire(slab)
    else if (isRead && slab !== undefined) {
      slab.bytes.fill(0, block.bytes, block.lengthBytes)
      this.#hold(block, slab)
    } else if (isExtent(key) && !this.#isClosed) this.#loseExtent(block)
    else file.badBlocks.add(block.start >>> BLOCK_BITS) // [LOG-4]
    if (file.isGone || this.#isClosed || this.#opened.length > FILES_OPEN_MAX) this.#release(file)
    const { waiters } = block
    block.waiters = []
    for (const waiter of waiters) waiter()
    this.#start()
  }

  /** A record's own bytes cannot be read: zeroes stand for them, which do not verify. */
  #loseExtent(block: Block): void {
    const zeroes = makeSlab(RECORD_HEADER_BYTES)
    zeroes.bytes.fill(0)
    block.below = Number.POSITIVE_INFINITY
    this.#hold(block, zeroes)
  }

  #hold(block: Block, slab: Slab): void {
    block.slab = slab
    this.#blocks.set(block.key, block)
    this.#heldBytes += slab.bytes.length
    this.#evictBeyond(block)
  }

  #evictBeyond(kept: Block): void {
    for (const [key, block] of this.#blocks) {
      if (this.#heldBytes <= this.#options.budgetBytes) return
      if (block !== kept) this.#evict(key, block)
    }
  }

  #evict(key: number, block: Block): void {
    const { slab } = block
    this.#blocks.delete(key)
    if (this.#newest === block) this.#newest = undefined
    if (slab === undefined) return
    this.#heldBytes -= slab.bytes.length
    this.#retire(slab)
  }

  #retire(slab: Slab | undefined): void {
    if (slab !== undefined && slab.bytes.length === BLOCK_BYTES) this.#evicted.push(slab)
  }

  #slabOf(lengthBytes: number): Slab {
    return (lengthBytes === BLOCK_BYTES ? this.#free.pop() : undefined) ?? makeSlab(lengthBytes)
  }

  #open(file: LogFile): StoreFile | StoreFault {
    if (file.open !== undefined) return file.open
    const opened = Effect.runSync(this.#options.fs.open(file.path, "read").pipe(Effect.catch(Effect.succeed)))
    if (opened instanceof StoreFault) return opened
    file.open = opened
    this.#opened.push(file)
    if (this.#opened.length > FILES_OPEN_MAX) {
      const idle = this.#opened.find(({ reads }) => reads === 0)
      if (idle !== undefined && idle !== file) this.#release(idle)
    }
    return file.open
  }

  #release(file: LogFile): void {
    if (file.open === undefined || file.reads > 0) return
    const { open } = file
    file.open = undefined
    this.#opened.splice(this.#opened.indexOf(file), 1)
    Effect.runSync(open.close)
  }
}

function fileOf({ file }: ColdPlace): LogFile {
  assert(file !== undefined, "a place is filled before it is used")
  return file
}

function isSingle({ badBlocks }: LogFile, offset: number, sizeBytes: number): boolean {
  if (sizeBytes > BLOCK_BYTES) return true
  if (badBlocks.size === 0) return false
  return badBlocks.has(offset >>> BLOCK_BITS) || badBlocks.has((offset + sizeBytes - 1) >>> BLOCK_BITS)
}

function blockKey({ serial }: LogFile, block: number): number {
  return serial * 2 * EXTENTS_FROM + block
}

function extentKey({ serial }: LogFile, offset: number): number {
  return serial * 2 * EXTENTS_FROM + EXTENTS_FROM + offset / 8
}

function isExtent(key: number): boolean {
  return key % (2 * EXTENTS_FROM) >= EXTENTS_FROM
}

function isBefore(a: Block, b: Block): boolean {
  return a.file === b.file ? a.start < b.start : a.file.firstLsn < b.file.firstLsn
}
