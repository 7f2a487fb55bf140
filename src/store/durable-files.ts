/**
 * The log's files as its index sees them: which file holds a sequence, and what compaction has to know about each.
 *
 *   begin()     the appender (or recovery) writes into this file from now on; the one before is sealed
 *   replace()   an output stands where its inputs stood
 *   drop()      a file is gone; its entry stays, as an empty place, until the index has forgotten its messages
 *
 * Invariants
 * - Files are in LSN order, and so in the order of sequences: a file holds those from its `from` up to the next one's.
 * - The last one is the active file; it is never replaced nor dropped.
 *
 * Elsewhere: bytes read from them (cold-reads.ts), what compaction decides (compactor.ts).
 */
import { assert } from "../base/assert.ts"
import type { StoreFile } from "../wal/store-fs.ts"
import type { CompactedFile, CompactionFile } from "./compaction-target.ts"

/** A file as it came to be known. */
export interface NewFile {
  readonly id: number
  readonly gen: number
  readonly path: string
  readonly seed: number
  readonly firstLsn: number
  /** First sequence that may lie in it. */
  readonly from: number
  readonly lastControlLsn: number
}

/** What compaction did to a stretch of the log, until the index has taken it in, slice by slice. */
export interface Move {
  readonly file: LogFile
  readonly end: number
  /** Records below are taken in. */
  at: number
  /** Those that live on, rising, and where they lie now; `next` is the first at or above `at`. */
  readonly sequences: Float64Array
  readonly offsets: Uint32Array
  next: number
}

export class LogFile {
  /** Unlike ids, never given twice: an output takes the id of an input. */
  readonly serial: number
  readonly id: number
  readonly gen: number
  readonly path: string
  readonly seed: number
  readonly firstLsn: number
  readonly from: number
  lastLsn = 0
  endSequence = Number.POSITIVE_INFINITY
  sizeBytes = 0
  lastControlLsn: number
  newestMs = 0
  /** Places of its records that the index does not have yet. */
  move: Move | undefined = undefined
  isGone = false
  /** Held open by its readers. */
  open: StoreFile | undefined = undefined
  reads = 0
  /** Blocks that could not be read: their records are read one by one. */
  readonly badBlocks = new Set<number>()

  constructor(serial: number, { firstLsn, from, gen, id, lastControlLsn, path, seed }: NewFile) {
    this.serial = serial
    this.id = id
    this.gen = gen
    this.path = path
    this.seed = seed
    this.firstLsn = firstLsn
    this.from = from
    this.lastControlLsn = lastControlLsn
  }
}

export class DurableFiles {
  readonly #files: Array<LogFile> = []
  #serials = 0

  get last(): LogFile | undefined {
    return this.#files.at(-1)
  }

  begin(file: NewFile): LogFile {
    const { last } = this
    assert(last === undefined || (last.firstLsn <= file.firstLsn && last.from <= file.from), "files follow each other")
    const begun = new LogFile(++this.#serials, file)
    this.#files.push(begun)
    return begun
  }

  /** The last file takes nothing more. */
  seal(sizeBytes: number, lastLsn: number, endSequence: number, newestMs: number): void {
    const { last } = this
    assert(last !== undefined, "there is a file")
    Object.assign(last, { sizeBytes, lastLsn, endSequence, newestMs })
  }

  /** The file whose range holds the sequence. */
  of(sequence: number): LogFile | undefined {
    let low = 0
    let high = this.#files.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#files[middle] as LogFile).from <= sequence) low = middle
      else high = middle - 1
    }
    return this.#files[low]
  }

  /** All but the active one. */
  sealed(): ReadonlyArray<LogFile> {
    return this.#files.slice(0, -1).filter(({ isGone }) => !isGone)
  }

  /** Everything below lies in files whose newest record is at most as new as that. */
  endOfAged(newestMs: number): number {
    let below = 0
    for (let i = 0; i < this.#files.length - 1; i++) {
      const file = this.#files[i] as LogFile
      if (file.newestMs > newestMs) break
      below = file.endSequence
    }
    return below
  }

  get sealedBytes(): number {
    let sum = 0
    for (const { isGone, sizeBytes } of this.#files) if (!isGone) sum += sizeBytes
    return sum
  }

  /** Has the index taken in all that was done to these neighbours, and to what was between them? */
  isSettled(neighbours: ReadonlyArray<CompactionFile>): boolean {
    const first = this.#indexOf(neighbours[0])
    const stretch = this.#files.slice(first, this.#indexOf(neighbours.at(-1)) + 1)
    return stretch.length === neighbours.length && stretch.every(({ move }) => move === undefined)
  }

  /** Hands each input to `gone`. */
  replace(inputs: ReadonlyArray<CompactionFile>, output: CompactedFile, gone: (input: LogFile) => void): LogFile {
    const first = this.#indexOf(inputs[0])
    assert(this.#indexOf(inputs.at(-1)) === first + inputs.length - 1, "inputs are neighbours")
    const { from } = this.#files[first] as LogFile
    const file = new LogFile(++this.#serials, { ...output, from })
    const endSequence = (this.#files[first + inputs.length] as LogFile).from
    Object.assign(file, {
      sizeBytes: output.sizeBytes,
      lastLsn: output.lastLsn,
      newestMs: output.newestMs,
      endSequence
    })
    for (const input of this.#files.splice(first, inputs.length, file)) {
      input.isGone = true
      gone(input)
    }
    return file
  }

  drop(dropped: CompactionFile): LogFile {
    const file = this.#files[this.#indexOf(dropped)] as LogFile
    file.isGone = true
    return file
  }

  forget(file: LogFile): void {
    const at = this.#files.indexOf(file)
    assert(at >= 0 && at < this.#files.length - 1, "a sealed file")
    this.#files.splice(at, 1)
  }

  #indexOf(wanted: CompactionFile | undefined): number {
    const at = this.#files.findIndex(({ gen, id, isGone }) => id === wanted?.id && gen === wanted.gen && !isGone)
    assert(at >= 0 && at < this.#files.length - 1, "a sealed file that is there")
    return at
  }
}

export function asCompactionFile(file: LogFile): CompactionFile {
  const { endSequence, firstLsn, from, gen, id, lastControlLsn, lastLsn, newestMs, path, sizeBytes } = file
  const firstSequence = from
  return { id, gen, path, firstLsn, lastLsn, sizeBytes, firstSequence, endSequence, lastControlLsn, newestMs }
}
