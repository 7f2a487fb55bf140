/**
 * The snapshots of a store, read without changing anything: the newest one that verifies to its end, and how each is.
 * A start moves a bad one to quarantine; a tool only says so.
 */
import * as Effect from "effect/Effect"
import type { StoreFault, StoreFs } from "../../wal/store-fs.ts"
import type { IndexMeta, OpenedValue } from "../index-values.ts"
import { readSnapshot, readSnapshotHeader } from "../snapshot-file.ts"

export const SNAPSHOT_FOLDER = "snap"

export interface SnapshotBase {
  readonly meta: IndexMeta
  readonly values: ReadonlyArray<OpenedValue>
}

export interface SnapshotState {
  readonly name: string
  readonly sizeBytes: number
  /** Undefined when it does not verify, or belongs to another store. */
  readonly lsn: number | undefined
}

/** Undefined when no snapshot verifies: the log alone tells everything then, or what it no longer holds is lost. */
export const newestSnapshot = (
  fs: StoreFs,
  dataDirectory: string,
  storeUuid?: string
): Effect.Effect<SnapshotBase | undefined, StoreFault> =>
  Effect.gen(function* () {
    let newest: SnapshotBase | undefined
    for (const path of yield* snapshotPaths(fs, dataDirectory)) {
      const values: Array<OpenedValue> = []
      const meta = yield* readSnapshot(fs, path, (_entry, opened) => void values.push(opened))
      if (meta === undefined || (storeUuid !== undefined && meta.storeUuid !== storeUuid)) continue
      if (newest === undefined || meta.appliedLsn >= newest.meta.appliedLsn) newest = { meta, values }
    }
    return newest
  })

/** The highest LSN that a snapshot names: nothing is in a snapshot that was not durable. */
export const durableBySnapshots = (
  fs: StoreFs,
  dataDirectory: string,
  storeUuid: string | undefined
): Effect.Effect<number, StoreFault> =>
  Effect.gen(function* () {
    let highest = 0
    for (const path of yield* snapshotPaths(fs, dataDirectory)) {
      // One that goes meanwhile, while the store is in use, has a newer one.
      const header = yield* Effect.orElseSucceed(readSnapshotHeader(fs, path), () => undefined)
      if (header?.storeUuid === storeUuid) highest = Math.max(highest, header?.appliedLsn ?? 0)
    }
    return highest
  })

export const snapshotStates = (
  fs: StoreFs,
  dataDirectory: string,
  storeUuid: string | undefined
): Effect.Effect<ReadonlyArray<SnapshotState>, StoreFault> =>
  Effect.gen(function* () {
    const states: Array<SnapshotState> = []
    for (const path of yield* snapshotPaths(fs, dataDirectory)) {
      const header = yield* readSnapshot(fs, path, () => undefined)
      const lsn = header?.storeUuid === storeUuid ? header?.appliedLsn : undefined
      const file = yield* fs.open(path, "read")
      const sizeBytes = yield* Effect.ensuring(file.size, file.close)
      states.push({ name: path.slice(path.lastIndexOf("/") + 1), sizeBytes, lsn })
    }
    return states
  })

const snapshotPaths = (fs: StoreFs, dataDirectory: string): Effect.Effect<ReadonlyArray<string>, StoreFault> => {
  const directory = `${dataDirectory}/${SNAPSHOT_FOLDER}`
  return Effect.map(fs.list(directory), (names) =>
    names.filter((name) => name.endsWith(".snap")).map((name) => `${directory}/${name}`)
  )
}
