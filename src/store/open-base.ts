/**
 * What a start stands on before it reads the log: the index, or else the newest snapshot, or nothing.
 *
 * The index is used when it could be opened, is this store's, is not older than the newest snapshot (the log may have
 * lost what comes between [IDX-4]), and every value in it verifies and means something. Otherwise it is set aside, with a
 * warning that says why, and a new one is made: `changes` then hold all of the snapshot, and get what the log adds.
 *
 * The caller holds the store's lock.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StoreFault, StoreFs } from "../wal/store-fs.ts"
import { IndexChanges } from "./index-changes.ts"
import { type IndexEntry, openValue, VALUE_HEADER_BYTES } from "./index-values.ts"
import { LateIndex } from "./late-index.ts"
import { LmdbUnusable, type OpenedLmdb, openLmdb, setLmdbAside } from "./lmdb-index.ts"
import { SessionImage } from "./session-image.ts"
import { Snapshots } from "./snapshot.ts"
import { MemoryIndex, type StoreIndex } from "./store-index.ts"

export interface BaseOptions {
  readonly fs: StoreFs
  readonly dataDirectory: string
  readonly storeUuid: string
  readonly index: "lmdb" | "memory"
  readonly indexCheckFromBytes?: number | undefined
  readonly nowMs: () => number
}

export interface StoreBase {
  readonly image: SessionImage
  /** What the index has to be told: everything, where it is new. */
  readonly changes: IndexChanges
  readonly index: StoreIndex
  /** Control records up to here are in the image. */
  readonly appliedLsn: number
  readonly source: "index" | "snapshot" | "log"
  readonly snapshots: Snapshots
  /** See OpenedLmdb. */
  readonly markClean: () => void
}

export const openBase = (options: BaseOptions): Effect.Effect<StoreBase, StoreFault, Scope.Scope> =>
  Effect.gen(function* () {
    const snapshots = new Snapshots(options.fs, options.dataDirectory)
    yield* snapshots.find(options.storeUuid)
    if (options.index === "memory") return yield* fromSnapshot(snapshots, new MemoryIndex(), noMark)
    const { dataDirectory, fs, indexCheckFromBytes } = options
    const place = { fs, directory: `${dataDirectory}/index`, checkFromBytes: indexCheckFromBytes }
    const opened = yield* openLmdb(place)
    const used =
      opened === "absent" || opened instanceof LmdbUnusable ? opened : yield* fromIndex(options, snapshots, opened)
    if (used !== "absent" && !(used instanceof LmdbUnusable)) return used
    const quarantine = `${dataDirectory}/quarantine`
    if (used instanceof LmdbUnusable && !used.isWorthless) {
      yield* Effect.logWarning(`the index is made anew from snapshot and log: ${used.reason}`)
      yield* setLmdbAside(place, quarantine, options.nowMs())
    }
    // One that is worthless is so again at the next start, should this run not get as far as its first commit.
    const isInTheWay = used instanceof LmdbUnusable && used.isWorthless
    const late = yield* LateIndex.make(
      place,
      isInTheWay ? setLmdbAside(place, quarantine, options.nowMs(), true) : Effect.void
    )
    return yield* fromSnapshot(snapshots, late, () => late.markClean())
  })

const noMark = (): void => undefined

const fromIndex = (
  { storeUuid }: BaseOptions,
  snapshots: Snapshots,
  { close, index, markClean }: OpenedLmdb
): Effect.Effect<StoreBase | LmdbUnusable> =>
  Effect.suspend((): Effect.Effect<StoreBase | LmdbUnusable> => {
    const { meta } = index
    const unusable = (reason: string) => Effect.as(close, new LmdbUnusable(reason))
    if (meta === undefined || meta.storeUuid !== storeUuid) return unusable("it belongs to another store")
    // [IDX-4]
    if (meta.appliedLsn < snapshots.newestLsn) return unusable("it is older than the newest snapshot")
    const image = new SessionImage(meta)
    try {
      for (const { key, value } of index.entries()) {
        const found = openValue(key, value)
        if (found === undefined || image.load(found) === undefined) return unusable("a value does not verify")
      }
    } catch (error) {
      return unusable(String(error))
    }
    const { appliedLsn } = meta
    const changes = new IndexChanges()
    return Effect.succeed({ image, changes, index, appliedLsn, source: "index", snapshots, markClean })
  })

const fromSnapshot = (
  snapshots: Snapshots,
  index: StoreIndex,
  markClean: () => void
): Effect.Effect<StoreBase, StoreFault> =>
  Effect.gen(function* () {
    let image = new SessionImage(undefined)
    let changes = new IndexChanges()
    const header = yield* snapshots.load(
      (begun) => {
        image = new SessionImage(begun)
        changes = new IndexChanges()
      },
      ({ value }: IndexEntry, opened) => {
        const record = image.load(opened)
        if (record !== undefined) changes.take(record, opened.lsn, value.subarray(VALUE_HEADER_BYTES))
      }
    )
    if (header !== undefined) {
      return { image, changes, index, appliedLsn: header.appliedLsn, source: "snapshot", snapshots, markClean }
    }
    const none = { image: new SessionImage(undefined), changes: new IndexChanges(), appliedLsn: 0 }
    return { ...none, index, source: "log", snapshots, markClean }
  })
