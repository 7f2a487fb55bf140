/**
 * StoreFs in memory. It works like a disk and remembers what was asked of it, in order, so that crash-images.ts can say
 * what a real disk might hold had the power gone at any point.
 *
 * The trace holds an operation when it takes effect: a write when it is submitted (from then on any part of it may be on
 * the platter), a sync when it has answered (only from then on is anything certain). `mark` puts a line of the test's own
 * into it: what was acknowledged, and when.
 *
 * Callbacks come in a later microtask. Folders exist by themselves; the lock is a flag.
 */
import * as Effect from "effect/Effect"
import {
  type Done,
  type OpenMode,
  type ReadDone,
  StoreFault,
  type StoreFile,
  type StoreFs,
  type Volume,
  type WriteDone
} from "../../src/wal/store-fs.ts"

export type TraceEntry =
  | { readonly kind: "create"; readonly path: string; readonly inode: number }
  | { readonly kind: "write"; readonly inode: number; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly inode: number; readonly sizeBytes: number }
  /** Covers what stands before index `upTo` of the trace. */
  | { readonly kind: "datasync"; readonly inode: number; readonly upTo: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "sync-directory"; readonly path: string }
  | { readonly kind: "mark"; readonly lsn: number }

export class Inode {
  readonly number: number
  bytes: Buffer
  sizeBytes: number
  /** Others look at these bytes too: copied before the first write. Thousands of images share what no cut touches. */
  #isShared = true

  constructor(number: number, bytes: Buffer) {
    this.number = number
    this.bytes = bytes
    this.sizeBytes = bytes.length
  }

  write(position: number, from: Buffer): void {
    const end = position + from.length
    if (end > this.bytes.length || this.#isShared) {
      const grown = Buffer.alloc(
        Math.max(end, end > this.bytes.length ? this.bytes.length * 2 : this.bytes.length, 4096)
      )
      this.bytes.copy(grown, 0, 0, this.sizeBytes)
      this.bytes = grown
      this.#isShared = false
    }
    if (position > this.sizeBytes) this.bytes.fill(0, this.sizeBytes, position)
    from.copy(this.bytes, position)
    this.sizeBytes = Math.max(this.sizeBytes, end)
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes > this.sizeBytes) this.write(sizeBytes - 1, Buffer.alloc(1))
    this.sizeBytes = sizeBytes
  }

  /** As it is now; later writes do not change what was handed out. */
  content(): Buffer {
    this.#isShared = true
    return this.bytes.subarray(0, this.sizeBytes)
  }
}

export class MemoryFs implements StoreFs {
  readonly files = new Map<string, Inode>()
  readonly trace: Array<TraceEntry> = []
  readonly #locks = new Set<string>()
  #inodes = 0
  /** Off, when nobody will ask for crash images: the trace keeps every byte. */
  isTracing = true
  volumeNow: Volume = { freeBytes: 1e12, totalBytes: 1e12, isNetwork: false }

  constructor(content: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [path, bytes] of content) this.files.set(path, new Inode(this.#inodes++, bytes))
  }

  mark(lsn: number): void {
    this.record({ kind: "mark", lsn })
  }

  record(entry: TraceEntry): void {
    if (this.isTracing) this.trace.push(entry)
  }

  content(): Map<string, Buffer> {
    return new Map([...this.files].map(([path, inode]) => [path, inode.content()]))
  }

  open(path: string, mode: OpenMode): Effect.Effect<StoreFile, StoreFault> {
    return Effect.suspend(() => {
      const found = this.files.get(path)
      if (mode !== "create")
        return found === undefined ? missing("open", path) : Effect.succeed(this.#file(path, found))
      const inode = new Inode(this.#inodes++, Buffer.alloc(0))
      this.files.set(path, inode)
      this.record({ kind: "create", path, inode: inode.number })
      return Effect.succeed(this.#file(path, inode))
    })
  }

  list(directory: string): Effect.Effect<ReadonlyArray<string>, StoreFault> {
    return Effect.sync(() =>
      [...this.files.keys()]
        .filter((path) => path.startsWith(`${directory}/`) && !path.slice(directory.length + 1).includes("/"))
        .map((path) => path.slice(directory.length + 1))
        .sort()
    )
  }

  rename(from: string, to: string): Effect.Effect<void, StoreFault> {
    return Effect.suspend(() => {
      const inode = this.files.get(from)
      if (inode === undefined) return missing("rename", from)
      this.files.delete(from)
      this.files.set(to, inode)
      this.record({ kind: "rename", from, to })
      return Effect.void
    })
  }

  unlink(path: string): Effect.Effect<void, StoreFault> {
    return Effect.sync(() => {
      if (this.files.delete(path)) this.record({ kind: "unlink", path })
    })
  }

  makeDirectory(_path: string): Effect.Effect<void, StoreFault> {
    return Effect.void
  }

  syncDirectory(path: string): Effect.Effect<void, StoreFault> {
    return Effect.sync(() => this.record({ kind: "sync-directory", path }))
  }

  volume(_path: string): Effect.Effect<Volume, StoreFault> {
    return Effect.sync(() => this.volumeNow)
  }

  lock(path: string): Effect.Effect<{ readonly processId: number; readonly sinceMs: number } | undefined, StoreFault> {
    return Effect.sync(() => {
      if (this.#locks.has(path)) return { processId: 1, sinceMs: 0 }
      this.#locks.add(path)
      return undefined
    })
  }

  unlock(path: string): Effect.Effect<void> {
    return Effect.sync(() => void this.#locks.delete(path))
  }

  #file(path: string, inode: Inode): StoreFile {
    return {
      path,
      writeSome: (buffer: Buffer, start: number, end: number, position: number, done: WriteDone) => {
        const bytes = Buffer.from(buffer.subarray(start, end))
        this.record({ kind: "write", inode: inode.number, position, bytes })
        inode.write(position, bytes)
        queueMicrotask(() => done(undefined, end - start))
      },
      datasync: (done: Done) => {
        const upTo = this.trace.length
        queueMicrotask(() => {
          this.record({ kind: "datasync", inode: inode.number, upTo })
          done(undefined)
        })
      },
      readSome: (buffer: Buffer, start: number, end: number, position: number, done: ReadDone) => {
        const to = Math.min(inode.sizeBytes, position + end - start)
        const read = position < to ? inode.bytes.copy(buffer, start, position, to) : 0
        queueMicrotask(() => done(undefined, read))
      },
      size: Effect.sync(() => inode.sizeBytes),
      read: (buffer, start, end, position) =>
        Effect.sync(() => inode.bytes.copy(buffer, start, position, Math.min(inode.sizeBytes, position + end - start))),
      truncate: (sizeBytes) =>
        Effect.sync(() => {
          this.record({ kind: "truncate", inode: inode.number, sizeBytes })
          inode.truncate(sizeBytes)
        }),
      close: Effect.void
    }
  }
}

function missing(operation: string, path: string): Effect.Effect<never, StoreFault> {
  return Effect.fail(new StoreFault({ operation, path, code: "ENOENT", cause: "no such file" }))
}
