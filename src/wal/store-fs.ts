/**
 * StoreFs: the only door to the disk for everything that is stored.
 *
 * Because the log, its recovery and its tools reach files through this port alone, the same code runs on a real disk,
 * on an in-memory disk that builds legal crash images, and under injected faults (test/fault).
 *
 * Promises an implementation keeps, and no others:
 * - writeSome() may write fewer bytes than asked and report no error: callers go through writeAll(). [WAL-5]
 * - What datasync() was called for is on the platter when it has answered: every write that had answered before the
 *   call, and the file's size. A write that was still under way is not covered.
 * - A name (creation, rename, removal) is on the platter only after syncDirectory() of its folder.
 * - A failed datasync() says nothing about what is on the platter, and a second one that succeeds says no more.
 *
 * writeSome, datasync and readSome answer through a callback, never within the call: they are the operations of the
 * commit path and of readers that are behind, and go through libuv's pool. Everything else is cold and an Effect. A file
 * is closed only after they have answered. Paths are plain strings.
 *
 * Elsewhere: node:fs behind this port (disk-fs.ts); memory, faults, slowness (test/fault).
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export type FsOperation =
  | "open"
  | "read"
  | "write"
  | "datasync"
  | "truncate"
  | "close"
  | "rename"
  | "unlink"
  | "list"
  | "sync-directory"
  | "make-directory"
  | "volume"
  | "lock"

/** What the system answered, and to what. `code` is the system's own word: EIO, ENOSPC, ENOENT. */
export class StoreFault extends Schema.TaggedError<StoreFault>()("StoreFault", {
  operation: Schema.String,
  path: Schema.String,
  code: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.operation} of ${this.path} failed: ${this.code}`
  }
}

export type Done = (fault: StoreFault | undefined) => void
export type WriteDone = (fault: StoreFault | undefined, writtenBytes: number) => void
export type ReadDone = (fault: StoreFault | undefined, readBytes: number) => void

export interface StoreFile {
  /** For messages. Who renames an open file says so here. */
  path: string
  writeSome(buffer: Buffer, start: number, end: number, position: number, done: WriteDone): void
  datasync(done: Done): void
  /** Reads into [start, end) from `position`; may read fewer bytes than asked, 0 only at the end of the file. */
  readSome(buffer: Buffer, start: number, end: number, position: number, done: ReadDone): void
  readonly size: Effect.Effect<number, StoreFault>
  /** Fills [start, end) from `position`; answers fewer bytes only at the end of the file. */
  read(buffer: Buffer, start: number, end: number, position: number): Effect.Effect<number, StoreFault>
  truncate(sizeBytes: number): Effect.Effect<void, StoreFault>
  readonly close: Effect.Effect<void>
}

/** read: must exist. update: must exist, read and write. create: made or emptied, read and write, mode 0600. */
export type OpenMode = "read" | "update" | "create"

export interface Volume {
  readonly freeBytes: number
  readonly totalBytes: number
  /** A network file system may answer a sync before the data is safe, and two machines may hold the same lock. */
  readonly isNetwork: boolean
}

export interface StoreFs {
  open(path: string, mode: OpenMode): Effect.Effect<StoreFile, StoreFault>
  /** Names in the folder, sorted; nothing when there is no such folder. */
  list(directory: string): Effect.Effect<ReadonlyArray<string>, StoreFault>
  rename(from: string, to: string): Effect.Effect<void, StoreFault>
  /** Removing what is not there is no fault. */
  unlink(path: string): Effect.Effect<void, StoreFault>
  /** With all its parents, mode 0700, each durable. */
  makeDirectory(path: string): Effect.Effect<void, StoreFault>
  syncDirectory(path: string): Effect.Effect<void, StoreFault>
  volume(path: string): Effect.Effect<Volume, StoreFault>
  /** Takes the lock file `path`, or answers who holds it; a holder that no longer lives holds nothing. */
  lock(path: string): Effect.Effect<LockHolder | undefined, StoreFault>
  unlock(path: string): Effect.Effect<void>
}

export interface LockHolder {
  readonly processId: number
  readonly sinceMs: number
}

/** The device had no room, and nothing was promised yet: the operation may be tried again. A failed sync never is. */
export function isFull({ code, operation }: StoreFault): boolean {
  return code === "ENOSPC" && operation !== "datasync" && operation !== "sync-directory"
}

/** Writes all of [start, end) or answers a fault: a write that stalls is a full disk. */
export function writeAll(
  file: StoreFile,
  buffer: Buffer,
  start: number,
  end: number,
  position: number,
  done: Done
): void {
  file.writeSome(buffer, start, end, position, (fault, writtenBytes) => {
    if (fault !== undefined) return done(fault)
    if (start + writtenBytes >= end) return done(undefined) // [WAL-5]
    if (writtenBytes === 0) return done(stalled(file.path))
    writeAll(file, buffer, start + writtenBytes, end, position + writtenBytes, done)
  })
}

export const write = (file: StoreFile, buffer: Buffer, position: number): Effect.Effect<void, StoreFault> =>
  // Uninterruptible: the descriptor must not be closed, nor its number given again, while the pool writes to it.
  Effect.uninterruptible(
    Effect.callback((resume) => writeAll(file, buffer, 0, buffer.length, position, settle(resume)))
  )

export const datasync = (file: StoreFile): Effect.Effect<void, StoreFault> =>
  Effect.uninterruptible(Effect.callback((resume) => file.datasync(settle(resume))))

/** Zeroes from `position` to `sizeBytes`: a file whose blocks exist syncs in half the time. */
export const zeroFill = (file: StoreFile, position: number, sizeBytes: number): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    const zeroes = Buffer.alloc(Math.min(ZERO_FILL_BYTES, Math.max(0, sizeBytes - position)))
    for (let at = position; at < sizeBytes; at += zeroes.length) {
      yield* write(file, zeroes.subarray(0, Math.min(zeroes.length, sizeBytes - at)), at)
    }
  })

/** The whole of a small file. */
export const readFile = (fs: StoreFs, path: string): Effect.Effect<Buffer, StoreFault> =>
  withFile(fs, path, "read", (file) =>
    Effect.gen(function* () {
      const bytes = Buffer.alloc(yield* file.size)
      const read = yield* file.read(bytes, 0, bytes.length, 0)
      return bytes.subarray(0, read)
    })
  )

/** A file that is there whole or not at all: written beside, synced, renamed, its folder synced. */
export const replaceFile = (
  fs: StoreFs,
  directory: string,
  name: string,
  bytes: Buffer
): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    const temporary = `${directory}/${name}${TEMPORARY_SUFFIX}`
    yield* withFile(fs, temporary, "create", (file) => Effect.andThen(write(file, bytes, 0), datasync(file)))
    yield* fs.rename(temporary, `${directory}/${name}`)
    yield* fs.syncDirectory(directory)
  })

export const withFile = <A, E>(
  fs: StoreFs,
  path: string,
  mode: OpenMode,
  use: (file: StoreFile) => Effect.Effect<A, E>
): Effect.Effect<A, E | StoreFault> => Effect.acquireUseRelease(fs.open(path, mode), use, (file) => file.close)

/** What has this ending was never finished and may go. */
export const TEMPORARY_SUFFIX = ".tmp"
const ZERO_FILL_BYTES = 1_048_576

function settle(resume: (effect: Effect.Effect<void, StoreFault>) => void): Done {
  return (fault) => resume(fault === undefined ? Effect.void : Effect.fail(fault))
}

function stalled(path: string): StoreFault {
  return new StoreFault({ operation: "write", path, code: "ENOSPC", cause: "a write wrote nothing" })
}
