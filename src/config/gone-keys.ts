/**
 * Keys of earlier documents that mean nothing here, each with what says it now. They are errors, since a setting without
 * effect would be found out on the worst day; the error names the key to use instead.
 */
import { environmentName } from "../settings/leaves.ts"

/** The section as a whole is known, whatever stands in it. */
export const goneSection = "storage.sqlite"
export const goneFact = "this version has no SQLite engine, and nothing to set for it"

/** Key -> fix. */
export const goneKeys: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "cache-size": "use storage.memory-buffer, the memory for the log's index and its newest messages",
    "temp-store": "remove it; nothing is sorted in temporary tables",
    "mmap-size": "use storage.memory-buffer; the log is read without mapping it",
    "busy-timeout": "remove it; one process owns the store, so nobody waits for a lock",
    synchronous: "use storage.wal.sync-mode: immediate for FULL and EXTRA, periodic for NORMAL; no-sync: true for OFF",
    "journal-mode": "use storage.engine: wal, or memory for MEMORY and OFF",
    "foreign-keys": "remove it; there are no tables"
  }).map(([name, fix]) => [`${goneSection}.${name}`, fix])
)

export const goneVariables: ReadonlyMap<string, string> = new Map(
  Array.from(goneKeys, ([key, fix]) => [environmentName(key), fix])
)
