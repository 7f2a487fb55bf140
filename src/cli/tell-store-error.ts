/**
 * Why the store was not opened, or why it ended the broker, for the person at the command line: code, key, place, fact,
 * fix. What the codes mean at length stands in config/error-codes.ts.
 *
 * The place is that of the setting which chose the folder: the file's line, the variable or the flag.
 */
import type { LoadedSettings } from "../config/load.ts"
import type { Place, Problem } from "../config/problem.ts"
import { leafByKey } from "../settings/leaves.ts"
import type { RefusalReason, StoreFailed, StoreRefused } from "../wal/store-error.ts"
import type { StoreFault } from "../wal/store-fs.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"

export interface Told {
  readonly problem: Problem
  readonly exitCode: ExitCode
}

const refusals: Readonly<Record<RefusalReason, readonly [code: string, exitCode: ExitCode]>> = {
  locked: ["E8002", exitCodes.alreadyRunning],
  "network-file-system": ["E3601", exitCodes.configInvalid],
  "foreign-store": ["E3602", exitCodes.configInvalid],
  "newer-version": ["E3603", exitCodes.configInvalid],
  "unknown-record-type": ["E3604", exitCodes.configInvalid],
  corrupt: ["E7001", exitCodes.dataDamaged],
  unreadable: ["E7002", exitCodes.dataDamaged]
}

export function storeRefused({ fact, fix, path, reason }: StoreRefused, loaded: LoadedSettings): Told {
  const [code, exitCode] = refusals[reason]
  return { problem: problem(code, `${path}: ${fact}`, withFlag(fix, reason, path, loaded), path, loaded), exitCode }
}

/** The operating system refused something before the log was open. */
export function storeFault({ code, operation, path }: StoreFault, loaded: LoadedSettings): Told {
  const fact = `${path}: ${operation} failed, ${faultWords[code] ?? code}`
  const fix =
    code === "ENOSPC" ? "make room, or choose a folder on another disk" : "correct it, or choose another folder"
  return { problem: problem("E1301", fact, fix, path, loaded), exitCode: exitCodes.failed }
}

/** While it served. One line: whoever supervises the broker reads it. */
export function storeFailed(error: StoreFailed): Told {
  const { durableLsn, fault } = error
  const fact = `${fault.message}; records up to ${durableLsn} are safe, nothing was acknowledged after the failure`
  const fix = "look at the disk, then start again: what is safe is recovered"
  const told: Problem = { code: "E1302", severity: "error", key: undefined, place: undefined, fact, fix }
  return { problem: told, exitCode: exitCodes.failed }
}

const faultWords: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "part of the path is no folder",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EIO: "the disk reports an error"
}

function problem(code: string, fact: string, fix: string, path: string, loaded: LoadedSettings): Problem {
  const key = keyOf(path, loaded)
  return { code, severity: "error", key, place: placeOf(key, loaded), fact, fix }
}

/** The setting that chose the folder in which `path` lies. */
function keyOf(path: string, { settings }: LoadedSettings): string {
  const { dataDir, walDir } = settings.storage
  const isBelow = (folder: string) => path === folder || path.startsWith(`${folder}/`)
  const isOwn = walDir !== `${dataDir}/log`
  return isOwn && isBelow(walDir) ? "storage.wal-dir" : "storage.data-dir"
}

function placeOf(key: string, { origins }: LoadedSettings): Place | undefined {
  const origin = origins.get(key)
  if (origin === undefined || origin.source === "default") return undefined
  const { source: _, ...place } = origin
  return place
}

/** Where another folder is the way out: how to name one. */
function withFlag(fix: string, reason: RefusalReason, path: string, loaded: LoadedSettings): string {
  if (reason !== "locked" && reason !== "network-file-system") return fix
  return `${fix}: --${leafByKey.get(keyOf(path, loaded))?.flag}`
}
