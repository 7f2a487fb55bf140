/**
 * The log in a file: appended to, turned over by size and by age, opened again when somebody moved it away.
 *
 *   broker.log ─▶ broker.log.1 ─▶ broker.log.2 ─▶ ... ─▶ broker.log.<keep> ─▶ removed
 *
 * Invariants
 * - [LOGFILE-1] Nothing here throws: an entry that the disk does not take is counted and left out, and the broker goes
 *   on. The next entry that is taken is preceded by one line that says how many are missing.
 * - [LOGFILE-2] An entry is never split over two files, and no file grows over sizeBytesMax, but for an entry that is
 *   larger by itself.
 * - [LOGFILE-3] At most `keep` files besides the current one; those above a `keep` that was lowered are left alone.
 * - Writes are synchronous: entries are there when the process dies a moment later, and none pile up in memory. What is
 *   logged per message is not: the levels that may be called so are off in service.
 *
 * Elsewhere: what an entry looks like (log-format.ts), who asks for reopen() (cli/server-life.ts: SIGUSR1, a reload).
 */
import { closeSync, constants, fstatSync, openSync, renameSync, rmSync, writeSync } from "node:fs"

/** The door to the disk; tests let it fail. */
export interface LogFileFs {
  readonly open: (path: string) => number
  readonly size: (descriptor: number) => { readonly bytes: number; readonly bornMs: number }
  readonly write: (descriptor: number, bytes: Buffer) => number
  readonly close: (descriptor: number) => void
  readonly rename: (from: string, to: string) => void
  readonly remove: (path: string) => void
}

export interface LogFileLimits {
  /** 0 = not by size. */
  readonly sizeBytesMax: number
  /** 0 = not by age. */
  readonly ageMs: number
  readonly keep: number
}

export interface LogFileOptions {
  readonly path: string
  /** Asked each time: they may change while the broker runs. */
  readonly limits: () => LogFileLimits
  readonly wallClockMs: () => number
  /** The entry that says how many are missing before it. */
  readonly missing: (count: number, why: string) => string
  readonly fs?: LogFileFs
}

const MODE = 0o640
/** After a failure the file is not tried again for so long, or a broken disk would cost a system call per entry. */
const RETRY_MS = 1000
const lineFeed = Buffer.from("\n")

export class LogFile {
  readonly #options: LogFileOptions
  readonly #fs: LogFileFs
  #descriptor: number | undefined
  #bytes = 0
  #bornMs = 0
  #missing = 0
  #why = ""
  /** The disk took the beginning of an entry only. */
  #isTorn = false
  #retryAtMs = 0

  constructor(options: LogFileOptions) {
    this.#options = options
    this.#fs = options.fs ?? diskLogFs
  }

  /** Undefined when the file can be written; else why not, in words. For the start, which then refuses. */
  open(): string | undefined {
    this.#openNow()
    return this.#descriptor === undefined ? this.#why : undefined
  }

  /** Entries that could not be written since the last one that was. */
  get missing(): number {
    return this.#missing
  }

  write(entry: string): void {
    const bytes = Buffer.from(entry)
    if (this.#isDue(bytes.length)) this.#turnOver()
    if (this.#descriptor === undefined) this.#openNow()
    const told = this.#missing === 0 ? bytes : Buffer.concat([this.#missingEntry(), bytes])
    if (this.#append(this.#isTorn ? Buffer.concat([lineFeed, told]) : told)) this.#missing = 0
    else this.#missing += 1
  }

  /** Somebody moved the file away: the next entry goes to a new one of the same name. */
  reopen(): void {
    this.#close()
    this.#retryAtMs = 0
    this.#openNow()
  }

  close(): void {
    this.#close()
  }

  #missingEntry(): Buffer {
    return Buffer.from(this.#options.missing(this.#missing, this.#why))
  }

  /** [LOGFILE-2] */
  #isDue(entryBytes: number): boolean {
    if (this.#descriptor === undefined || this.#bytes === 0) return false
    const { ageMs, sizeBytesMax } = this.#options.limits()
    if (sizeBytesMax > 0 && this.#bytes + entryBytes > sizeBytesMax) return true
    return ageMs > 0 && this.#options.wallClockMs() - this.#bornMs >= ageMs
  }

  #turnOver(): void {
    const { path } = this.#options
    const { keep } = this.#options.limits()
    this.#close()
    try {
      if (keep === 0) this.#fs.remove(path)
      else {
        // [LOGFILE-3] The last one is written over.
        for (let number = keep - 1; number >= 1; number--)
          this.#moveIfThere(`${path}.${number}`, `${path}.${number + 1}`)
        this.#fs.rename(path, `${path}.1`)
      }
    } catch (cause) {
      this.#failed(cause)
      this.#retryAtMs = 0
    }
  }

  #moveIfThere(from: string, to: string): void {
    try {
      this.#fs.rename(from, to)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
    }
  }

  #openNow(): void {
    const nowMs = this.#options.wallClockMs()
    if (nowMs < this.#retryAtMs) return
    this.#retryAtMs = 0
    try {
      const descriptor = this.#fs.open(this.#options.path)
      const { bornMs, bytes } = this.#fs.size(descriptor)
      this.#descriptor = descriptor
      this.#bytes = bytes
      this.#bornMs = bytes === 0 ? nowMs : bornMs
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #append(bytes: Buffer): boolean {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return false
    try {
      let written = 0
      while (written < bytes.length) {
        const count = this.#fs.write(descriptor, bytes.subarray(written))
        if (count === 0) throw new Error("nothing was written")
        written += count
        this.#bytes += count
        this.#isTorn = written < bytes.length
      }
      return true
    } catch (cause) {
      // [LOGFILE-1]
      this.#close()
      this.#failed(cause)
      return false
    }
  }

  #close(): void {
    const descriptor = this.#descriptor
    this.#descriptor = undefined
    if (descriptor === undefined) return
    try {
      this.#fs.close(descriptor)
    } catch (cause) {
      this.#failed(cause)
    }
  }

  /** [LOGFILE-1] */
  #failed(cause: unknown): void {
    this.#why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    this.#retryAtMs = this.#options.wallClockMs() + RETRY_MS
  }
}

export const diskLogFs: LogFileFs = {
  // No link is followed: whoever may write the folder must not choose which file the broker appends to.
  open: (path) => {
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
    return openSync(path, O_APPEND | O_CREAT | O_WRONLY | (O_NOFOLLOW ?? 0), MODE)
  },
  size: (descriptor) => {
    const { birthtimeMs, mtimeMs, size } = fstatSync(descriptor)
    return { bytes: size, bornMs: birthtimeMs > 0 ? birthtimeMs : mtimeMs }
  },
  write: (descriptor, bytes) => writeSync(descriptor, bytes),
  close: closeSync,
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true })
}
