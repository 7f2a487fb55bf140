/**
 * The log's files as its readers see them: which file holds a sequence, frames read back from it, and which files hold
 * nothing any more.
 *
 * Reading is synchronous: one pread of 4 KiB for an ordinary record, a second one of its size for a larger one, and the
 * record is verified again each time. It holds the loop for as long as the disk takes; readers' steps are bounded, so
 * the stall is. StoreFs answers open and read within the call, on every implementation there is; one that does not is
 * counted as a fault.
 *
 * Invariants
 * - Files are in LSN order; a file holds the sequences from its `from` up to the next one's.
 * - Only the oldest file can be dead, never the last one; it is dead when all its records left the log. A file that
 *   holds records of other kinds than messages stays, and so does everything behind it: a gap in the LSNs would be
 *   taken for damage.
 * - At most FILES_OPEN_MAX are open.
 */

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { assert } from "../base/assert.ts"
import { RecordReader } from "../wal/read-record.ts"
import { RecordView } from "../wal/record.ts"
import { segmentName } from "../wal/segment.ts"
import type { StoreFile, StoreFs } from "../wal/store-fs.ts"
import type { LogRecord } from "./ports.ts"

const FILES_OPEN_MAX = 4

export interface LogFile {
  readonly id: number
  /** First sequence that lies in it. */
  readonly from: number
  readonly path: string
  /** Holds records that are no messages. */
  hasOthers: boolean
  open: { readonly file: StoreFile; readonly reader: RecordReader } | undefined
}

export class DurableFiles {
  /** Records that could not be read back: the disk refused, or they no longer verify. */
  faults = 0
  readonly #fs: StoreFs
  readonly #directory: string
  readonly #seeds = new Map<number, number>()
  readonly #files: Array<LogFile> = []
  /** Those that are open, the longest first. */
  readonly #opened: Array<LogFile> = []
  readonly #view = new RecordView()

  constructor(fs: StoreFs, directory: string) {
    this.#fs = fs
    this.#directory = directory
  }

  get last(): LogFile | undefined {
    return this.#files.at(-1)
  }

  /** Recovery met records of other kinds in these. */
  markOthers(ids: ReadonlySet<number>): void {
    for (const file of this.#files) if (ids.has(file.id)) file.hasOthers = true
  }

  /** The file's seed: before its first record is read. */
  learn(id: number, seed: number): void {
    this.#seeds.set(id, seed)
  }

  /** From `sequence` on records lie in this file. */
  begin(id: number, from: number): LogFile {
    const file: LogFile = {
      id,
      from,
      path: `${this.#directory}/${segmentName(id, 0)}`,
      hasOthers: false,
      open: undefined
    }
    assert(from >= (this.last?.from ?? 0), "files follow each other")
    this.#files.push(file)
    return file
  }

  /** Fills the record's bytes, in memory of their own; false when they are not to be had. */
  read(sequence: number, offset: number, record: LogRecord): boolean {
    const file = this.#fileOf(sequence)
    const reader = file === undefined ? undefined : this.#readerOf(file)
    const view = this.#view
    const found = reader === undefined ? undefined : Effect.runSyncExit(reader.read(sequence + 1, offset, view))
    if (found === undefined || !Exit.isSuccess(found) || !found.value) {
      this.faults += 1
      return false
    }
    // The reader's memory is overwritten by the next read; the port promises the bytes until the caller's turn ends.
    record.buffer = Buffer.from(view.buffer.subarray(view.start, view.end))
    record.start = 0
    record.end = record.buffer.length
    return true
  }

  /** The oldest file, once it holds nothing at or above `first`. */
  dead(first: number): LogFile | undefined {
    const [oldest, next] = this.#files
    return oldest !== undefined && next !== undefined && next.from <= first && !oldest.hasOthers ? oldest : undefined
  }

  /** The oldest file has been removed. */
  forget(file: LogFile): void {
    assert(file === this.#files[0], "files go in order")
    this.#close(file)
    this.#files.shift()
    this.#seeds.delete(file.id)
  }

  close(): void {
    for (const file of [...this.#opened]) this.#close(file)
  }

  #fileOf(sequence: number): LogFile | undefined {
    let low = 0
    let high = this.#files.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#files[middle] as LogFile).from <= sequence) low = middle
      else high = middle - 1
    }
    return this.#files[low]
  }

  #readerOf(logFile: LogFile): RecordReader | undefined {
    if (logFile.open !== undefined) return logFile.open.reader
    const seed = this.#seeds.get(logFile.id)
    assert(seed !== undefined, "a file is known before it is read")
    const opened = Effect.runSyncExit(this.#fs.open(logFile.path, "read"))
    if (!Exit.isSuccess(opened)) return undefined
    logFile.open = { file: opened.value, reader: new RecordReader(opened.value, seed) }
    this.#opened.push(logFile)
    if (this.#opened.length > FILES_OPEN_MAX) this.#close(this.#opened[0] as LogFile)
    return logFile.open.reader
  }

  #close(logFile: LogFile): void {
    const at = this.#opened.indexOf(logFile)
    if (at < 0) return
    this.#opened.splice(at, 1)
    const { open } = logFile
    logFile.open = undefined
    if (open !== undefined) Effect.runSync(open.file.close)
  }
}
