/**
 * Who changed what through the admin API: the last entries in memory, each also a line of the event log, and of
 * `admin.audit-file` where one is named. Refused attempts of known callers are in it, with their status.
 *
 * A file that cannot be written is told to the log once; the change has happened then, and its line is in the log.
 */
import { appendFileSync } from "node:fs"
import type { Log } from "../telemetry/logging.ts"
import type { AuditEntry } from "./api/system.ts"

export interface AuditOptions {
  readonly entriesMax: number
  /** "" = none. */
  readonly file: string
  readonly log: Log
  readonly wallClockMs: () => number
}

const ownerOnly = 0o600

export class Audit {
  readonly #options: AuditOptions
  /** A ring: `#next` is where the next one goes. */
  readonly #entries: Array<AuditEntry> = []
  #next = 0
  #isFileBad = false

  constructor(options: AuditOptions) {
    this.#options = options
  }

  add(done: Omit<AuditEntry, "at">): void {
    const { entriesMax, file, log, wallClockMs } = this.#options
    const entry = { at: new Date(wallClockMs()).toISOString(), ...done }
    this.#entries[this.#next] = entry
    this.#next = (this.#next + 1) % entriesMax
    log.write("info", "changed through the admin API", done)
    if (file === "") return
    try {
      appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: ownerOnly })
      this.#isFileBad = false
    } catch (cause) {
      if (this.#isFileBad) return
      this.#isFileBad = true
      log.write("error", "admin.audit-file cannot be written", { file, why: (cause as Error).message })
    }
  }

  /** Newest first. */
  last(limit: number): ReadonlyArray<AuditEntry> {
    const { length } = this.#entries
    const taken: Array<AuditEntry> = []
    for (let back = 1; back <= Math.min(limit, length); back++) {
      taken.push(this.#entries[(this.#next - back + length * 2) % length] as AuditEntry)
    }
    return taken
  }
}
