/**
 * A backup as a folder, and the list of what is in it.
 *
 *   MANIFEST.json      written last: a folder without it is no backup
 *   data/FORMAT        the store's
 *   data/snap/...      its snapshots
 *   log/...            its log files: sealed ones whole, the last one up to what was durable
 *
 *   {"promptmq": "backup", "version": 1, "storeUuid": "…", "createdAt": "…", "durableLsn": 12,
 *    "files": [{"path": "log/….wal", "sizeBytes": 4096, "crc32": "89abcdef"}]}
 */
import * as Effect from "effect/Effect"
import { readFile, replaceFile, type StoreFault, type StoreFs } from "../../wal/store-fs.ts"
import { type ToolRefused, toolRefused } from "./place.ts"

const MANIFEST_NAME = "MANIFEST.json"
const VERSION = 1

export interface ManifestFile {
  /** Below the backup's folder; "/" between names. */
  readonly path: string
  readonly sizeBytes: number
  /** 8 hex digits. */
  readonly crc32: string
}

export interface Manifest {
  readonly storeUuid: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly durableLsn: number
  readonly files: ReadonlyArray<ManifestFile>
}

export const writeManifest = (fs: StoreFs, directory: string, manifest: Manifest): Effect.Effect<void, StoreFault> => {
  const text = JSON.stringify({ promptmq: "backup", version: VERSION, ...manifest }, undefined, 1)
  return replaceFile(fs, directory, MANIFEST_NAME, Buffer.from(`${text}\n`))
}

export const readManifest = (fs: StoreFs, directory: string): Effect.Effect<Manifest, StoreFault | ToolRefused> =>
  Effect.gen(function* () {
    const path = `${directory}/${MANIFEST_NAME}`
    if (!(yield* fs.list(directory)).includes(MANIFEST_NAME)) {
      return yield* toolRefused(
        "no-backup",
        `${directory} is no backup: it has no ${MANIFEST_NAME}`,
        "name the folder that `promptmq store backup` wrote; one without it was not finished"
      )
    }
    const parsed = parse((yield* readFile(fs, path)).toString("utf8"))
    if (parsed === undefined) {
      return yield* toolRefused("damaged", `${path} cannot be read`, "take another backup of the same store")
    }
    if (parsed.version > VERSION) {
      return yield* toolRefused("bad-input", `${path} is of version ${parsed.version}`, "restore with a later version")
    }
    return parsed
  })

/** Undefined when the text is no manifest, or names files outside of the backup. */
function parse(text: string): (Manifest & { readonly version: number }) | undefined {
  try {
    const found = JSON.parse(text)
    const isWhole =
      found.promptmq === "backup" &&
      Number.isInteger(found.version) &&
      typeof found.storeUuid === "string" &&
      typeof found.createdAt === "string" &&
      Number.isSafeInteger(found.durableLsn) &&
      Array.isArray(found.files) &&
      found.files.every(isFile)
    return isWhole ? found : undefined
  } catch {
    return undefined
  }
}

function isFile(file: unknown): file is ManifestFile {
  const { crc32, path, sizeBytes } = (file ?? {}) as Partial<ManifestFile>
  return (
    typeof path === "string" &&
    /^(data\/FORMAT|data\/snap\/[\w.-]+|log\/[\w.-]+)$/.test(path) &&
    Number.isSafeInteger(sizeBytes) &&
    typeof crc32 === "string" &&
    /^[\da-f]{8}$/.test(crc32)
  )
}
