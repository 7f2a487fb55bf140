/**
 * The snapshots of a store: data/snap/<lsn>.snap, the two newest kept.
 *
 *   <LSN, 20 digits>.snap        <LSN, 20 digits>.<copy>.snap  a second one of the same LSN, when nothing came since
 *
 * The log may lose control records only up to what the older of the two covers: then one of them may turn out damaged,
 * and the other with what is left of the log still tells everything. [IDX-4]
 *
 * A snapshot that does not verify is moved to quarantine/, never deleted.
 *
 * Elsewhere: the file (snapshot-file.ts), when one is made (indexer.ts).
 */
import * as Effect from "effect/Effect"
import { type StoreFault, type StoreFs, TEMPORARY_SUFFIX } from "../wal/store-fs.ts"
import type { IndexEntry, OpenedValue } from "./index-values.ts"
import { readSnapshot, readSnapshotHeader, type SnapshotHeader, writeSnapshot } from "./snapshot-file.ts"

const KEPT = 2

interface Snapshot {
  readonly name: string
  readonly header: SnapshotHeader
}

export class Snapshots {
  readonly #fs: StoreFs
  readonly #directory: string
  readonly #quarantine: string
  /** By rising LSN. */
  readonly #found: Array<Snapshot> = []
  /** Of the newest one, 0 when there is none or it was found. */
  sizeBytes = 0

  constructor(fs: StoreFs, dataDirectory: string) {
    this.#fs = fs
    this.#directory = `${dataDirectory}/snap`
    this.#quarantine = `${dataDirectory}/quarantine`
  }

  /** LSN of the newest, 0 when there is none. */
  get newestLsn(): number {
    return this.#found.at(-1)?.header.appliedLsn ?? 0
  }
  /** Of the newest one. */
  get path(): string | undefined {
    const newest = this.#found.at(-1)
    return newest === undefined ? undefined : `${this.#directory}/${newest.name}`
  }
  /** Up to here the log needs to keep no record that is not a message. */
  get coveredLsn(): number {
    const [older, ...newer] = this.#found
    return older === undefined || newer.length === 0 ? 0 : older.header.coveredLsn // [IDX-4]
  }

  /** What lies there of this store; leftovers go. */
  find(storeUuid: string): Effect.Effect<void, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      yield* this.#fs.makeDirectory(this.#directory)
      for (const name of yield* this.#fs.list(this.#directory)) {
        const path = `${this.#directory}/${name}`
        if (name.endsWith(TEMPORARY_SUFFIX)) yield* this.#fs.unlink(path)
        if (!isSnapshotName(name)) continue
        const header = yield* readSnapshotHeader(this.#fs, path)
        if (header === undefined || header.storeUuid !== storeUuid) yield* this.#setAside(name)
        else this.#found.push({ name, header })
      }
      // Names are of fixed width, and a second copy's sorts before the first.
      this.#found.sort((a, b) => a.header.appliedLsn - b.header.appliedLsn)
      yield* this.#removeOld
    })
  }

  /** Reads the newest one that verifies; `begin` comes before its entries, again for each that is tried. */
  load(
    begin: (header: SnapshotHeader) => void,
    sink: (entry: IndexEntry, opened: OpenedValue) => void
  ): Effect.Effect<SnapshotHeader | undefined, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      for (let newest = this.#found.at(-1); newest !== undefined; newest = this.#found.at(-1)) {
        begin(newest.header)
        const header = yield* readSnapshot(this.#fs, `${this.#directory}/${newest.name}`, sink)
        if (header !== undefined) return header
        this.#found.pop()
        yield* this.#setAside(newest.name)
      }
      return undefined
    })
  }

  make(header: SnapshotHeader, entries: Iterable<IndexEntry>): Effect.Effect<void, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      const name = this.#nameFor(header.appliedLsn)
      this.sizeBytes = yield* writeSnapshot(this.#fs, this.#directory, name, header, entries)
      this.#found.push({ name, header })
      yield* this.#removeOld
    })
  }

  #nameFor(lsn: number): string {
    const digits = String(lsn).padStart(20, "0")
    const taken = new Set(this.#found.map(({ name }) => name))
    let name = `${digits}.snap`
    for (let copy = 1; taken.has(name); copy++) name = `${digits}.${copy}.snap`
    return name
  }

  get #removeOld(): Effect.Effect<void, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      while (this.#found.length > KEPT) {
        const [oldest] = this.#found.splice(0, 1)
        if (oldest !== undefined) yield* this.#fs.unlink(`${this.#directory}/${oldest.name}`)
      }
    })
  }

  #setAside(name: string): Effect.Effect<void, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      yield* this.#fs.makeDirectory(this.#quarantine)
      yield* this.#fs.rename(`${this.#directory}/${name}`, `${this.#quarantine}/${name}`)
      yield* this.#fs.syncDirectory(this.#quarantine)
      yield* this.#fs.syncDirectory(this.#directory)
      yield* Effect.logWarning(`the snapshot ${name} does not verify: it was moved to ${this.#quarantine}`)
    })
  }
}

function isSnapshotName(name: string): boolean {
  return /^\d{20}(\.\d+)?\.snap$/.test(name)
}
