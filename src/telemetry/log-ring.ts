/**
 * The last entries of the log, for those who look at it through the admin API: what the log's level lets through, with
 * values made safe as in every other shape (log-entry.ts).
 *
 * Bounded by their number; an entry is bounded by log-entry.ts. Entries are numbered from 1 so that a reader can ask for
 * what came since.
 */
import { type LogEntry, type LogLevelName, type PlainValue, plainFields, shortened } from "./log-entry.ts"
import type { Log } from "./logging.ts"

export interface KeptEntry {
  readonly number: number
  readonly atMs: number
  readonly level: LogLevelName
  readonly message: string
  readonly fields: Readonly<Record<string, PlainValue>>
}

export const keptEntriesMax = 2000

/** The last entries of that log from now on. */
export const ringOf = (log: Log, entriesMax: number = keptEntriesMax): LogRing => {
  const ring = new LogRing(entriesMax)
  log.onEntry = (entry) => ring.add(entry)
  return ring
}

export class LogRing {
  readonly #entriesMax: number
  readonly #entries: Array<KeptEntry> = []
  #count = 0
  /** Told of each entry. */
  onEntry: ((entry: KeptEntry) => void) | undefined = undefined

  constructor(entriesMax: number = keptEntriesMax) {
    this.#entriesMax = entriesMax
  }

  add({ atMs, cause, fields, level, message }: LogEntry): void {
    const all = cause === undefined ? fields : { ...fields, cause }
    const entry = { number: this.#count + 1, atMs, level, message: shortened(message), fields: plainFields(all) }
    this.#entries[this.#count % this.#entriesMax] = entry
    this.#count += 1
    this.onEntry?.(entry)
  }

  /** Those behind number `after` that are wanted, the newest `limit` of them, oldest first. */
  since(after: number, limit: number, isWanted: (entry: KeptEntry) => boolean): ReadonlyArray<KeptEntry> {
    const found: Array<KeptEntry> = []
    const oldest = Math.max(after + 1, this.#count - this.#entries.length + 1)
    for (let number = this.#count; number >= oldest && found.length < limit; number--) {
      const entry = this.#entries[(number - 1) % this.#entriesMax] as KeptEntry
      if (isWanted(entry)) found.push(entry)
    }
    return found.reverse()
  }
}
