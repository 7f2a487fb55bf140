/**
 * The store as a place: a local folder, locked for this process, with a FORMAT that we understand. Held for the scope.
 *
 *   data/FORMAT   format-file.ts      data/LOCK   lock-file.ts      data/quarantine/   quarantine.ts
 *   log/          segments and spares; a folder of its own when the operator wants it on another device
 *
 * Segments name the store's uuid, so a log folder that belongs to another store is refused by recovery.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Format, newerThanUs, readFormat, STORE_VERSION, writeFormat } from "./format-file.ts"
import { refuse, type StoreRefused } from "./store-error.ts"
import { type StoreFault, type StoreFs, TEMPORARY_SUFFIX } from "./store-fs.ts"
import { survey } from "./survey.ts"

export interface StorePlace {
  readonly dataDirectory: string
  readonly logDirectory: string
}

export interface OpenedStore {
  readonly storeUuid: string
  readonly isNew: boolean
  readonly createdMs: number
  /** An earlier version of this software wrote it; undefined when it is of ours. */
  readonly formatBefore: number | undefined
}

export const openStore = (
  fs: StoreFs,
  place: StorePlace,
  world: { readonly nowMs: () => number; readonly randomHex: (bytes: number) => string }
): Effect.Effect<OpenedStore, StoreFault | StoreRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const { dataDirectory, logDirectory } = place
    for (const directory of [dataDirectory, logDirectory]) {
      yield* fs.makeDirectory(directory)
      if ((yield* fs.volume(directory)).isNetwork) return yield* onNetwork(directory)
    }
    yield* Effect.acquireRelease(lock(fs, `${dataDirectory}/${LOCK_NAME}`), () =>
      fs.unlock(`${dataDirectory}/${LOCK_NAME}`)
    )
    for (const name of yield* fs.list(dataDirectory)) {
      if (name.endsWith(TEMPORARY_SUFFIX)) yield* fs.unlink(`${dataDirectory}/${name}`)
    }
    const format = yield* readFormat(fs, dataDirectory)
    if (format !== "absent" && format !== "damaged") return yield* accept(format, dataDirectory)
    const { segments } = yield* survey(fs, logDirectory)
    // Segments without a readable FORMAT: they agree on the uuid, or recovery refuses those that do not.
    const storeUuid = segments[0]?.decoded.header.storeUuid ?? world.randomHex(16)
    const createdMs = world.nowMs()
    yield* writeFormat(fs, dataDirectory, storeUuid, createdMs)
    return { storeUuid, isNew: segments.length === 0, createdMs, formatBefore: undefined }
  })

export const LOCK_NAME = "LOCK"

const lock = (fs: StoreFs, path: string): Effect.Effect<void, StoreFault | StoreRefused> =>
  Effect.flatMap(fs.lock(path), (holder) =>
    holder === undefined
      ? Effect.void
      : Effect.fail(
          refuse(
            "locked",
            path,
            `already running, pid ${holder.processId}, since ${new Date(holder.sinceMs).toISOString()}`,
            "stop that process, or choose another data folder"
          )
        )
  )

const accept = (format: Format, path: string): Effect.Effect<OpenedStore, StoreRefused> => {
  const newer = newerThanUs(format, path)
  if (newer !== undefined) return Effect.fail(newer)
  const { createdMs, storeUuid, version } = format
  const formatBefore = version < STORE_VERSION ? version : undefined
  return Effect.succeed({ storeUuid, isNew: false, createdMs, formatBefore })
}

/** [WAL-17] Told, never silent: an earlier version does not open it any more. Writes before the first record does. */
export const raiseFormat = (
  fs: StoreFs,
  { dataDirectory }: StorePlace,
  { createdMs, formatBefore, storeUuid }: OpenedStore
): Effect.Effect<void, StoreFault> =>
  formatBefore === undefined
    ? Effect.void
    : Effect.andThen(
        writeFormat(fs, dataDirectory, storeUuid, createdMs),
        Effect.logInfo(`store format ${formatBefore} -> ${STORE_VERSION}: earlier versions do not open it any more`)
      )

const onNetwork = (path: string): StoreRefused =>
  refuse("network-file-system", path, "it lies on a network file system", "choose a folder on a local disk")
