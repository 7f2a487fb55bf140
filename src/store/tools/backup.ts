/**
 * A backup of a store that is stopped, or of one that is being served from: a folder with a manifest (manifest.ts).
 *
 *   1 snapshots   copied first: the log that is copied after them goes on where they end
 *   2 D           what is durable now; a running store is synced for it
 *   3 log         sealed files whole; the last one up to its last frame at or below D
 *   4 manifest    last, when everything is on the platter
 *   5 verdict     the copy is verified as a store would be
 *
 * Running: files only appear, but for those that compaction and the snapshotter replace. Compaction waits for the backup;
 * when a file went away all the same, everything is begun anew, ATTEMPTS_MAX times. The index is not copied: it is derived.
 *
 * Damage of the source is copied as it is, and said: a backup of a damaged store is better than none.
 */
import * as Effect from "effect/Effect"
import { makeSlab } from "../../wal/checksum.ts"
import { FORMAT_NAME, writeFormat } from "../../wal/format-file.ts"
import { FRAME_HEADER_BYTES, FrameHeader, readFrameHeader } from "../../wal/frame.ts"
import type { StorePlace } from "../../wal/open-store.ts"
import { SEGMENT_HEADER_BYTES } from "../../wal/segment.ts"
import type { StoreFailed } from "../../wal/store-error.ts"
import { StoreFault, type StoreFs, withFile } from "../../wal/store-fs.ts"
import { type FoundSegment, survey } from "../../wal/survey.ts"
import { type Verdict, verifyLog } from "../../wal/verify.ts"
import { checksumFile, copyFile } from "./file-copy.ts"
import { type Manifest, type ManifestFile, writeManifest } from "./manifest.ts"
import { type Inspected, inspect, type ToolError, toolRefused } from "./place.ts"

const ATTEMPTS_MAX = 3
export const SNAPSHOT_FOLDER = "snap"

/** What a backup needs of a store that is in use. */
export interface LiveStore {
  readonly durableLsn: () => number
  /** Returns when everything appended so far is on the platter. */
  readonly force: Effect.Effect<void, StoreFailed>
  /** Runs the effect while compaction removes nothing. */
  readonly withoutCompaction: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

export interface BackupReport {
  readonly directory: string
  readonly files: number
  readonly bytes: number
  readonly durableLsn: number
  readonly records: number
  /** The store's own damage is in the backup too. */
  readonly isDamaged: boolean
}

/** Of a running broker's own store. `directory` is absolute, and empty or not there yet. */
export const backupLive = (
  fs: StoreFs,
  place: StorePlace,
  live: LiveStore,
  directory: string,
  nowMs: () => number
): Effect.Effect<BackupReport, ToolError | StoreFailed> =>
  live.withoutCompaction(backup(fs, place, directory, nowMs(), Effect.map(live.force, live.durableLsn)))

/** Of a stopped store, under its lock. */
export const backupStopped = (
  fs: StoreFs,
  place: StorePlace,
  directory: string,
  nowMs: number
): Effect.Effect<BackupReport, ToolError> =>
  backup(fs, place, directory, nowMs, Effect.succeed(Number.POSITIVE_INFINITY))

const backup = <E>(
  fs: StoreFs,
  place: StorePlace,
  directory: string,
  nowMs: number,
  durable: Effect.Effect<number, E>
): Effect.Effect<BackupReport, ToolError | E> =>
  Effect.gen(function* () {
    const inspected = yield* inspect(fs, place)
    const present = yield* fs.list(directory)
    if (present.length > 0) {
      // [TOOL-2]
      return yield* toolRefused("not-empty", `${directory} is not empty: it holds ${present[0]}`, "name a new folder")
    }
    for (const folder of [directory, `${directory}/data`, `${directory}/data/${SNAPSHOT_FOLDER}`, `${directory}/log`]) {
      yield* fs.makeDirectory(folder)
    }
    const copied = yield* copyAll(fs, place, directory, durable, ATTEMPTS_MAX)
    const format = yield* copyFormat(fs, inspected, directory, nowMs)
    const verdict = yield* verifyLog(fs, `${directory}/log`)
    const manifest: Manifest = {
      storeUuid: inspected.storeUuid ?? "",
      createdAt: new Date(nowMs).toISOString(),
      durableLsn: lastLsn(verdict),
      files: [...copied, format]
    }
    yield* writeManifest(fs, directory, manifest)
    return {
      directory,
      files: manifest.files.length,
      bytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      durableLsn: manifest.durableLsn,
      records: verdict.records,
      isDamaged: verdict.isDamaged
    }
  })

const copyAll = <E>(
  fs: StoreFs,
  place: StorePlace,
  directory: string,
  durable: Effect.Effect<number, E>,
  left: number
): Effect.Effect<ReadonlyArray<ManifestFile>, ToolError | E> =>
  Effect.gen(function* () {
    const files: Array<ManifestFile> = []
    const snapshots = `${place.dataDirectory}/${SNAPSHOT_FOLDER}`
    for (const name of (yield* fs.list(snapshots)).filter(isFinished)) {
      const path = `data/${SNAPSHOT_FOLDER}/${name}`
      files.push({ path, ...(yield* copyFile(fs, `${snapshots}/${name}`, `${directory}/${path}`)) })
    }
    const durableLsn = yield* durable
    const found = yield* survey(fs, place.logDirectory)
    const last = found.segments.at(-1)
    for (const segment of [...found.segments, ...found.unreadable]) {
      const isLast = segment === last && last.id === found.lastId && last.gen === 0
      const limit = isLast ? yield* durableEnd(fs, last, durableLsn) : undefined
      if (limit === 0) continue
      const path = `log/${segment.name}`
      files.push({ path, ...(yield* copyFile(fs, segment.path, `${directory}/${path}`, limit)) })
    }
    for (const folder of [`${directory}/data/${SNAPSHOT_FOLDER}`, `${directory}/log`]) yield* fs.syncDirectory(folder)
    return files
  }).pipe(
    Effect.catch((error) =>
      error instanceof StoreFault && error.code === "ENOENT" && left > 1
        ? Effect.andThen(emptied(fs, directory), copyAll(fs, place, directory, durable, left - 1))
        : Effect.fail(error)
    )
  )

/** A finished file of the store's: nothing that is still being made. */
function isFinished(name: string): boolean {
  return /^[\w.-]+$/.test(name) && !name.endsWith(".tmp")
}

/** The copies of an attempt that a vanished file has ended. */
const emptied = (fs: StoreFs, directory: string): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    for (const folder of [`${directory}/data/${SNAPSHOT_FOLDER}`, `${directory}/log`]) {
      for (const name of yield* fs.list(folder)) yield* fs.unlink(`${folder}/${name}`)
    }
  })

/**
 * Where the last frame at or below `durableLsn` ends; 0 when the file holds none of them and nothing before it. The file
 * whole when its frames end earlier than they should: then it is damaged, and that is not to be hidden.
 */
const durableEnd = (
  fs: StoreFs,
  { decoded, path, sizeBytes }: FoundSegment,
  durableLsn: number
): Effect.Effect<number | undefined, StoreFault> => {
  if (durableLsn === Number.POSITIVE_INFINITY) return Effect.succeed(undefined)
  if (decoded.header.baseLsn > durableLsn) return Effect.succeed(0)
  return withFile(fs, path, "read", (file) =>
    Effect.gen(function* () {
      const slab = makeSlab(FRAME_HEADER_BYTES)
      const frame = new FrameHeader()
      let at = SEGMENT_HEADER_BYTES
      let nextLsn = decoded.header.baseLsn
      while (nextLsn <= durableLsn) {
        const read = yield* file.read(slab.bytes, 0, FRAME_HEADER_BYTES, at)
        const isFrame = read === FRAME_HEADER_BYTES && isFrameAt(slab, at, sizeBytes, decoded, frame)
        if (!isFrame || frame.firstLsn > durableLsn + 1) return undefined
        at += frame.lengthBytes
        nextLsn = Math.max(nextLsn, frame.firstLsn + frame.count)
      }
      return at
    })
  )
}

/** The slab holds the header alone, and a header names the offset it was written for. */
function isFrameAt(
  slab: ReturnType<typeof makeSlab>,
  at: number,
  sizeBytes: number,
  { header, seed }: FoundSegment["decoded"],
  frame: FrameHeader
): boolean {
  readFrameHeader(slab, 0, FRAME_HEADER_BYTES, header.epoch, seed, frame)
  const isOurs = frame.offset === at && frame.epoch === header.epoch
  return isOurs && frame.lengthBytes >= FRAME_HEADER_BYTES && frame.lengthBytes <= sizeBytes - at
}

/** The store's own FORMAT, or a new one where it has none that can be read. */
const copyFormat = (
  fs: StoreFs,
  { format, place, storeUuid }: Inspected,
  directory: string,
  nowMs: number
): Effect.Effect<ManifestFile, StoreFault> =>
  Effect.gen(function* () {
    const path = `data/${FORMAT_NAME}`
    const to = `${directory}/${path}`
    if (format === "good") yield* copyFile(fs, `${place.dataDirectory}/${FORMAT_NAME}`, to)
    else yield* writeFormat(fs, `${directory}/data`, storeUuid ?? "", nowMs)
    yield* fs.syncDirectory(`${directory}/data`)
    return { path, ...(yield* checksumFile(fs, to)) }
  })

function lastLsn({ segments }: Verdict): number {
  return segments.reduce((most, segment) => Math.max(most, segment.lastLsn), 0)
}
