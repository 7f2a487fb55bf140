/**
 * The derived index in LMDB (npm lmdb): StoreIndex over one B-tree, whose keys begin with the table's letter.
 *
 *   data/index/data.mdb, lock.mdb   LMDB's own
 *   data/index/CLEAN                written when it was closed in good order, removed before it is opened again
 *
 * Why these flags: classic commits (`overlappingSync: false`) write pages, sync, write the root, sync; the other two
 * modes lose the file in a power cut, or trust a boot id that a moved volume breaks. [IDX-2] Never `noSync`, never
 * `useWritemap`. All operations of one turn of the event loop are one transaction of lmdb-js, so values and meta go
 * together; what is more than TURN_OPERATIONS goes in several, meta with the last: values ahead of it are whole values
 * of records that the log keeps, and are replaced by the replay.
 *
 * After an unclean end the file is checked in a child process before this one maps it (lmdb-check.ts). [IDX-3] A small
 * one is not worth that: made anew from snapshot and log it is there sooner than a child could have looked.
 *
 * lmdb-js leaves promises behind that nobody awaits: of each commit, and of its own bookkeeping when one failed. Their
 * rejections would end the process; watch() takes hold of all of them. A failed commit is final: after a failed sync
 * nobody knows what is on the platter, so the file is not touched again in this run.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { RootDatabase } from "lmdb"
import { replaceFile, type StoreFault, type StoreFs, withFile, write } from "../wal/store-fs.ts"
import type { IndexOperation } from "./index-changes.ts"
import { type IndexEntry, type IndexMeta, META_KEY, openMeta, openValue, sealMeta } from "./index-values.ts"
import { checkLmdb } from "./lmdb-check.ts"
import { IndexFailed, type StoreIndex } from "./store-index.ts"

export interface LmdbOptions {
  readonly fs: StoreFs
  readonly directory: string
  /** After an unclean end a file below this size is made anew, unseen. */
  readonly checkFromBytes?: number | undefined
}

export interface OpenedLmdb {
  readonly index: StoreIndex
  /** Called before the scope ends when everything was applied: the next start need not check the file. */
  readonly markClean: () => void
  /** Closes it now. */
  readonly close: Effect.Effect<void>
}

/** Why it cannot be used. It is not open. */
export class LmdbUnusable {
  readonly reason: string
  /** There is nothing to be learned from the file. */
  readonly isWorthless: boolean
  constructor(reason: string, isWorthless = false) {
    this.reason = reason
    this.isWorthless = isWorthless
  }
}

/** "absent" when there is none yet. The scope's end closes it. Only the holder of the store's lock may call this. */
export const openLmdb = (
  options: LmdbOptions
): Effect.Effect<OpenedLmdb | LmdbUnusable | "absent", StoreFault, Scope.Scope> =>
  Effect.gen(function* () {
    const { directory, fs } = options
    const names = yield* fs.list(directory)
    if (!names.includes(DATA_NAME)) return "absent"
    if (names.includes(CLEAN_NAME)) {
      yield* fs.unlink(`${directory}/${CLEAN_NAME}`)
      yield* fs.syncDirectory(directory)
    } else {
      const size = yield* withFile(fs, `${directory}/${DATA_NAME}`, "read", (file) => file.size)
      if (size < (options.checkFromBytes ?? CHECK_FROM_BYTES)) return new LmdbUnusable("small, and not closed", true)
      // LMDB itself is loaded meanwhile: a twentieth of a second.
      const [reason] = yield* Effect.all([checkLmdb(directory), Effect.ignore(loadLmdb)], { concurrency: 2 }) // [IDX-3]
      if (reason !== undefined) return new LmdbUnusable(reason)
    }
    const opened = yield* open(options)
    if (opened instanceof LmdbUnusable || opened.index.meta !== undefined) return opened
    yield* opened.close
    return new LmdbUnusable("it was never finished", true)
  })

/** A new one; there must be none. */
export const createLmdb = (options: LmdbOptions): Effect.Effect<OpenedLmdb | LmdbUnusable, StoreFault, Scope.Scope> =>
  options.fs
    .makeDirectory(options.directory)
    .pipe(Effect.andThen(holdLockBlocks(options)), Effect.andThen(open(options)))

/**
 * LMDB maps its lock file and only then touches it: where the device has no block for it that ends the process (SIGBUS).
 * Written before, it has its blocks, or there is an error to be told. [IDX-7]
 */
const holdLockBlocks = ({ directory, fs }: LmdbOptions): Effect.Effect<void, StoreFault> =>
  withFile(fs, `${directory}/${LOCK_NAME}`, "create", (file) => write(file, Buffer.alloc(LOCK_BYTES), 0))

/** Moves the file to the quarantine folder, where nothing of ours deletes it; one that is worthless goes. */
export const setLmdbAside = (
  { directory, fs }: LmdbOptions,
  quarantineDirectory: string,
  nowMs: number,
  isWorthless = false
): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    if (!isWorthless) yield* fs.makeDirectory(quarantineDirectory)
    for (const name of yield* fs.list(directory)) {
      const path = `${directory}/${name}`
      const isKept = name === DATA_NAME && !isWorthless
      yield* isKept ? fs.rename(path, `${quarantineDirectory}/index.${nowMs}.mdb`) : fs.unlink(path)
    }
    if (!isWorthless) yield* fs.syncDirectory(quarantineDirectory)
    yield* fs.syncDirectory(directory)
  })

const DATA_NAME = "data.mdb"
const LOCK_NAME = "lock.mdb"
/** More than LMDB needs for its 126 readers. */
const LOCK_BYTES = 16_384
const CLEAN_NAME = "CLEAN"
/** About 30,000 values: a tenth of a second to write, in the background. */
const CHECK_FROM_BYTES = 8 * 1_048_576
const MAP_BYTES = 16 * 1_073_741_824
/** Operations handed to LMDB in one turn of the event loop, about 10 ms of it. */
const TURN_OPERATIONS = 5000
const PAGE_ENTRIES = 1000
/** A write that came out short is an EIO to LMDB; with this little left on the device it was a full one. */
const FULL_BELOW_BYTES = 16 * 1_048_576

const loadLmdb = Effect.tryPromise(() => import("lmdb"))

const open = (options: LmdbOptions): Effect.Effect<OpenedLmdb | LmdbUnusable, StoreFault, Scope.Scope> =>
  Effect.gen(function* () {
    const { directory, fs } = options
    let isClean = false
    const index = yield* Effect.tryPromise(() => LmdbIndex.open(options)).pipe(
      Effect.catch(({ cause }) => Effect.succeed(new LmdbUnusable(String(cause))))
    )
    if (index instanceof LmdbUnusable) return index
    const closeFile = Effect.promise(() => index.close())
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        closeFile,
        Effect.suspend(() =>
          isClean ? Effect.ignore(replaceFile(fs, directory, CLEAN_NAME, Buffer.from("closed\n"))) : Effect.void
        )
      )
    )
    // LMDB syncs its file, not the name of its file.
    yield* fs.syncDirectory(directory)
    return { index, markClean: () => void (isClean = !index.hasFailed), close: closeFile }
  }).pipe(Effect.uninterruptible)

class LmdbIndex implements StoreIndex {
  meta: IndexMeta | undefined = undefined
  hasFailed = false
  readonly #options: LmdbOptions
  readonly #env: RootDatabase<Buffer, Buffer>

  #isClosed = false

  private constructor(options: LmdbOptions, env: RootDatabase<Buffer, Buffer>) {
    this.#options = options
    this.#env = env
    const value = env.get(META_KEY)
    this.meta = value === undefined ? undefined : openMeta(value)
  }

  static async open(options: LmdbOptions): Promise<LmdbIndex> {
    const lmdb = await import("lmdb")
    const env = lmdb.open<Buffer, Buffer>({
      path: options.directory,
      overlappingSync: false, // [IDX-2]
      keyEncoding: "binary",
      encoding: "binary",
      mapSize: MAP_BYTES,
      cache: false,
      ...{ permissionsMode: 0o600 }
    })
    return new LmdbIndex(options, env)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#env.close().catch(() => undefined)
  }

  commit(operations: Iterable<IndexOperation>, meta: IndexMeta): Effect.Effect<void, IndexFailed> {
    return Effect.gen({ self: this }, function* () {
      const left = operations[Symbol.iterator]()
      for (let isLast = false; !isLast; ) {
        const watched = new Watched()
        const thrown = yield* Effect.sync(() => {
          try {
            isLast = this.#turn(left, watched)
            if (isLast) watched.watch(this.#env.put(META_KEY, sealMeta(meta)))
            return undefined
          } catch (error) {
            return error as Error
          }
        })
        const cause = (yield* Effect.promise(() => watched.settled(this.#env))) ?? thrown
        if (cause !== undefined) return yield* this.#fail(cause) // [IDX-2]
      }
      this.meta = meta
    })
  }

  *entries(): Generator<IndexEntry> {
    for (let after: Buffer | undefined; ; ) {
      const from = after === undefined ? {} : { start: after, exclusiveStart: true }
      const page = [...this.#env.getRange({ ...from, limit: PAGE_ENTRIES })]
      for (const { key, value } of page) if (!key.equals(META_KEY)) yield { key, value }
      after = page.at(-1)?.key
      if (page.length < PAGE_ENTRIES) return
    }
  }

  /** True when nothing is left. */
  #turn(operations: Iterator<IndexOperation>, watched: Watched): boolean {
    for (let count = 0; count < TURN_OPERATIONS; count++) {
      const { done, value: operation } = operations.next()
      if (done === true) return true
      if (operation.kind === "put") watched.watch(this.#env.put(operation.key, operation.value))
      else if (operation.kind === "remove") watched.watch(this.#env.remove(operation.key))
      else for (const key of this.#keysBelow(operation.prefix)) watched.watch(this.#env.remove(key))
    }
    return false
  }

  #keysBelow(prefix: Buffer): ReadonlyArray<Buffer> {
    const keys: Array<Buffer> = []
    for (const key of this.#env.getKeys({ start: prefix })) {
      if (prefix.compare(key, 0, prefix.length) !== 0) break
      keys.push(key)
    }
    return keys
  }

  #fail(cause: Error): Effect.Effect<never, IndexFailed> {
    this.hasFailed = true
    const { directory, fs } = this.#options
    return Effect.option(fs.volume(directory)).pipe(
      Effect.flatMap((volume) => {
        const isFull = volume._tag === "Some" && volume.value.freeBytes < FULL_BELOW_BYTES
        return Effect.fail(new IndexFailed({ isFull, cause }))
      })
    )
  }
}

/** The promises of one turn's operations: lmdb-js answers with a few distinct ones, and makes one nobody was given. */
class Watched {
  readonly #promises = new Set<Promise<unknown>>()
  #cause: Error | undefined = undefined

  watch(promise: Promise<unknown>): void {
    if (this.#promises.has(promise)) return
    this.#promises.add(promise)
    promise.catch((error: Error & { readonly commitError?: Promise<never> }) => {
      this.#cause ??= error
      error.commitError?.catch((reason: Error) => {
        this.#cause = reason
      })
    })
  }

  /** Undefined when all of it is committed, and synced. */
  async settled(env: RootDatabase<Buffer, Buffer>): Promise<Error | undefined> {
    // lmdb-js ends the turn's batch in an immediate of its own, and makes that promise there.
    await nextTurn()
    this.watch(new Promise((resolve, reject) => void env.committed.then(resolve, reject)))
    await Promise.allSettled(this.#promises)
    if (this.#cause !== undefined) await nextTurn()
    return this.#cause
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Every entry of an index, verified; undefined when one does not verify, or cannot be read. */
export function readVerified(index: StoreIndex): ReadonlyArray<IndexEntry> | undefined {
  try {
    const entries: Array<IndexEntry> = []
    for (const entry of index.entries()) {
      if (openValue(entry.key, entry.value) === undefined) return undefined
      entries.push(entry)
    }
    return entries
  } catch {
    return undefined
  }
}
