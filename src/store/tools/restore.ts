/**
 * A store from a backup: verified before anything is written, into folders that are empty or not there yet.
 *
 *   1 verify   every file of the manifest by size and checksum, then the log as a store would be
 *   2 copy     into <folder>/restoring
 *   3 rename   log files, snapshots, FORMAT last
 *
 * What stops in 2 leaves a folder that holds nothing but `restoring`; the next restore empties that and begins anew.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StorePlace } from "../../wal/open-store.ts"
import type { StoreFault, StoreFs } from "../../wal/store-fs.ts"
import { verifyLog } from "../../wal/verify.ts"
import { mustBeEmpty, RESTORING, removeRestoring } from "./empty-folder.ts"
import { checksumFile, copyFile } from "./file-copy.ts"
import { type Manifest, type ManifestFile, readManifest } from "./manifest.ts"
import { lockFolder, type ToolError, type ToolRefused, toolRefused } from "./place.ts"

export interface RestoreReport {
  readonly manifest: Manifest
  readonly bytes: number
  readonly records: number
  readonly isDamaged: boolean
}

export interface RestoreOptions {
  /** Takes a backup whose log is damaged, as it was when the backup was made. Its files must still be as they were. */
  readonly acceptsDamage: boolean
}

export const restore = (
  fs: StoreFs,
  directory: string,
  place: StorePlace,
  options: RestoreOptions
): Effect.Effect<RestoreReport, ToolError, Scope.Scope> =>
  Effect.gen(function* () {
    const manifest = yield* readManifest(fs, directory)
    for (const file of manifest.files) yield* check(fs, directory, file)
    const { isDamaged, records } = yield* verifyLog(fs, `${directory}/log`)
    if (isDamaged && !options.acceptsDamage) {
      return yield* toolRefused(
        "damaged",
        "the store was damaged when this backup was made",
        "take an older backup, or restore it all the same with --accept-damage"
      )
    }
    for (const folder of [place.dataDirectory, place.logDirectory]) yield* mustBeEmpty(fs, folder, place)
    yield* fs.makeDirectory(place.dataDirectory)
    yield* lockFolder(fs, place.dataDirectory)
    const targets = manifest.files.map((file) => targetOf(file, place))
    for (const folder of new Set(targets.flatMap(({ final, folder }) => [final, `${folder}/${RESTORING}`]))) {
      yield* fs.makeDirectory(folder)
    }
    for (const { file, temporary } of targets) yield* copyFile(fs, `${directory}/${file.path}`, temporary)
    for (const { final, name, temporary } of targets.sort((a, b) => a.order - b.order)) {
      yield* fs.rename(temporary, `${final}/${name}`)
    }
    for (const folder of new Set(targets.flatMap(({ final, folder }) => [final, folder]))) {
      removeRestoring(folder)
      yield* fs.syncDirectory(folder)
    }
    return { manifest, isDamaged, records, bytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
  })

const check = (fs: StoreFs, directory: string, file: ManifestFile): Effect.Effect<void, StoreFault | ToolRefused> =>
  Effect.gen(function* () {
    const path = `${directory}/${file.path}`
    const found = yield* Effect.catch(checksumFile(fs, path), (fault) =>
      fault.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(fault)
    )
    if (found?.sizeBytes === file.sizeBytes && found.crc32 === file.crc32) return // [TOOL-3]
    const fact = found === undefined ? "is missing" : "is not as it was when the backup was made"
    return yield* toolRefused("damaged", `${path} ${fact}`, "take another backup; nothing was written")
  })

interface Target {
  readonly file: ManifestFile
  readonly name: string
  readonly temporary: string
  /** The folder under which it is made, and the one in which it stays. */
  readonly folder: string
  readonly final: string
  readonly order: number
}

function targetOf(file: ManifestFile, { dataDirectory, logDirectory }: StorePlace): Target {
  const parts = file.path.split("/")
  const name = parts.at(-1) as string
  const isLog = parts[0] === "log"
  const folder = isLog ? logDirectory : dataDirectory
  const final = isLog ? logDirectory : [dataDirectory, ...parts.slice(1, -1)].join("/")
  const order = isLog ? 0 : parts.length > 2 ? 1 : 2
  return { file, name, temporary: `${folder}/${RESTORING}/${name}`, folder, final, order }
}
