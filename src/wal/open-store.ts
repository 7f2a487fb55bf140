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
import { type Format, readFormat, STORE_VERSION, writeFormat } from "./format-file.ts"
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
    yield* writeFormat(fs, dataDirectory, storeUuid, world.nowMs())
    return { storeUuid, isNew: segments.length === 0 }
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

const accept = (format: Format, path: string): Effect.Effect<OpenedStore, StoreRefused> =>
  format.version > STORE_VERSION || format.unknownFeatures !== 0
    ? Effect.fail(refuse("newer-version", path, "a later version wrote it", "use that version, or a later one"))
    : Effect.succeed({ storeUuid: format.storeUuid, isNew: false })

const onNetwork = (path: string): StoreRefused =>
  refuse("network-file-system", path, "it lies on a network file system", "choose a folder on a local disk")
