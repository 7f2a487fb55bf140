/**
 * StoreFs on a real disk, by node:fs.
 *
 * write, datasync and readSome go through libuv's pool; so do truncate, rename, unlink and the sync of a folder, which may wait
 * for the journal. open, read, list and close answer at once: they run at start, at rotation and in tools.
 *
 * Linux file systems are told apart by statfs: NFS, SMB and 9p count as network. A descriptor is plain (no O_DSYNC):
 * one kind per segment, and a sync covers the whole file.
 */
import * as nodeFs from "node:fs"
import * as path from "node:path"
import * as Effect from "effect/Effect"
import { releaseLock, takeLock } from "./lock-file.ts"
import {
  type Done,
  type FsOperation,
  type OpenMode,
  type ReadDone,
  StoreFault,
  type StoreFile,
  type StoreFs,
  type WriteDone
} from "./store-fs.ts"

export const diskFs: StoreFs = {
  open: (file, mode) => atOnce("open", file, () => new DiskFile(file, nodeFs.openSync(file, OPEN_FLAGS[mode], 0o600))),
  list: (directory) =>
    atOnce("list", directory, () => (nodeFs.existsSync(directory) ? nodeFs.readdirSync(directory).sort() : [])),
  rename: (from, to) => pooled("rename", from, (done) => nodeFs.rename(from, to, done)),
  unlink: (file) =>
    pooled("unlink", file, (done) => nodeFs.unlink(file, done)).pipe(
      Effect.catch((fault) => (fault.code === "ENOENT" ? Effect.void : Effect.fail(fault)))
    ),
  makeDirectory: (directory) =>
    atOnce("make-directory", directory, () => {
      for (const made of makeFolders(directory)) syncFolder(path.dirname(made))
    }),
  syncDirectory: (directory) =>
    Effect.acquireUseRelease(
      atOnce("sync-directory", directory, () => nodeFs.openSync(directory, "r")),
      (descriptor) => pooled("sync-directory", directory, (done) => nodeFs.fsync(descriptor, done)),
      (descriptor) => Effect.sync(() => nodeFs.closeSync(descriptor))
    ),
  volume: (place) =>
    atOnce("volume", place, () => {
      const { bavail, blocks, bsize, type } = nodeFs.statfsSync(place)
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, isNetwork: NETWORK_TYPES.has(type >>> 0) }
    }),
  lock: (file) => atOnce("lock", file, () => takeLock(file)),
  unlock: (file) => Effect.sync(() => releaseLock(file))
}

const OPEN_FLAGS: Readonly<Record<OpenMode, string>> = { read: "r", update: "r+", create: "w+" }

/** statfs(2): NFS, SMB, CIFS, SMB2, 9P, AFS, Coda, Ceph. */
const NETWORK_TYPES: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x5346414f, 0x73757245, 0x00c36400
])

class DiskFile implements StoreFile {
  path: string
  readonly #descriptor: number

  constructor(file: string, descriptor: number) {
    this.path = file
    this.#descriptor = descriptor
  }

  writeSome(buffer: Buffer, start: number, end: number, position: number, done: WriteDone): void {
    nodeFs.write(this.#descriptor, buffer, start, end - start, position, (error, writtenBytes) =>
      done(error === null ? undefined : faultOf("write", this.path, error), writtenBytes)
    )
  }
  datasync(done: Done): void {
    nodeFs.fdatasync(this.#descriptor, (error) =>
      done(error === null ? undefined : faultOf("datasync", this.path, error))
    )
  }
  readSome(buffer: Buffer, start: number, end: number, position: number, done: ReadDone): void {
    nodeFs.read(this.#descriptor, buffer, start, end - start, position, (error, readBytes) =>
      done(error === null ? undefined : faultOf("read", this.path, error), readBytes)
    )
  }
  get size() {
    return atOnce("read", this.path, () => nodeFs.fstatSync(this.#descriptor).size)
  }
  read(buffer: Buffer, start: number, end: number, position: number) {
    return atOnce("read", this.path, () => {
      let at = start
      while (at < end) {
        const read = nodeFs.readSync(this.#descriptor, buffer, at, end - at, position + at - start)
        if (read === 0) break
        at += read
      }
      return at - start
    })
  }
  truncate(sizeBytes: number) {
    return pooled("truncate", this.path, (done) => nodeFs.ftruncate(this.#descriptor, sizeBytes, done))
  }
  get close() {
    return Effect.sync(() => nodeFs.closeSync(this.#descriptor))
  }
}

function atOnce<A>(operation: FsOperation, file: string, run: () => A): Effect.Effect<A, StoreFault> {
  return Effect.try({ try: run, catch: (cause) => faultOf(operation, file, cause) })
}

function pooled(
  operation: FsOperation,
  file: string,
  run: (done: (error: Error | null) => void) => void
): Effect.Effect<void, StoreFault> {
  return Effect.uninterruptible(
    Effect.callback((resume) =>
      run((error) => resume(error === null ? Effect.void : Effect.fail(faultOf(operation, file, error))))
    )
  )
}

function faultOf(operation: FsOperation, file: string, cause: unknown): StoreFault {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? "unknown"
  return new StoreFault({ operation, path: file, code, cause })
}

/**
 * Makes the folder and those above it that are missing; answers what it made. One by one: the recursive call of Node never
 * returns where a folder exists and takes no entries, as below /proc.
 */
function makeFolders(directory: string): ReadonlyArray<string> {
  const missing: Array<string> = []
  let at = path.resolve(directory)
  for (; !nodeFs.existsSync(at); at = path.dirname(at)) missing.push(at)
  if (!nodeFs.statSync(at).isDirectory()) missing.push(at)
  return missing.reverse().filter(makeFolder)
}

/** False when somebody else made it meanwhile. */
function makeFolder(folder: string): boolean {
  try {
    nodeFs.mkdirSync(folder, 0o700)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !isFolder(folder)) throw error
    return false
  }
}

function isFolder(place: string): boolean {
  return nodeFs.statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function syncFolder(directory: string): void {
  const descriptor = nodeFs.openSync(directory, "r")
  try {
    nodeFs.fsyncSync(descriptor)
  } finally {
    nodeFs.closeSync(descriptor)
  }
}
