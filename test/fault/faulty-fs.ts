/**
 * A StoreFs whose nth operation goes wrong, once or from then on.
 *
 *   EIO, ENOSPC   the operation fails and does nothing; a sync that fails loses what it should have synced for good
 *   short         a write writes half of what was asked, and reports no error
 *   late          the answer of a write or sync comes a few turns later
 *
 * Counted are the operations named in `on`. `hit` says whether the nth was reached: a test runs n = 1, 2, 3 ... until
 * it is not, and has then met every point at which the disk can fail.
 */
import * as Effect from "effect/Effect"
import { type FsOperation, StoreFault, type StoreFile, type StoreFs } from "../../src/wal/store-fs.ts"

export interface FaultPlan {
  readonly kind: "EIO" | "ENOSPC" | "short" | "late"
  readonly nth: number
  readonly isSticky: boolean
  readonly on: ReadonlyArray<FsOperation>
}

const LATE_TURNS = 5

export class FaultyFs implements StoreFs {
  readonly #inner: StoreFs
  readonly #plan: FaultPlan
  #count = 0
  hit = false
  /** What comes after the fault works again, also when it is sticky. */
  isHealed = false

  constructor(inner: StoreFs, plan: FaultPlan) {
    this.#inner = inner
    this.#plan = plan
  }

  open(path: string, mode: "read" | "update" | "create") {
    return this.#guard("open", path, () => Effect.map(this.#inner.open(path, mode), (file) => this.#file(file)))
  }
  list(directory: string) {
    return this.#guard("list", directory, () => this.#inner.list(directory))
  }
  rename(from: string, to: string) {
    return this.#guard("rename", from, () => this.#inner.rename(from, to))
  }
  unlink(path: string) {
    return this.#guard("unlink", path, () => this.#inner.unlink(path))
  }
  makeDirectory(path: string) {
    return this.#guard("make-directory", path, () => this.#inner.makeDirectory(path))
  }
  syncDirectory(path: string) {
    return this.#guard("sync-directory", path, () => this.#inner.syncDirectory(path))
  }
  volume(path: string) {
    return this.#guard("volume", path, () => this.#inner.volume(path))
  }
  lock(path: string) {
    return this.#inner.lock(path)
  }
  unlock(path: string) {
    return this.#inner.unlock(path)
  }

  #file(file: StoreFile): StoreFile {
    return {
      path: file.path,
      writeSome: (buffer, start, end, position, done) => {
        if (!this.#strikes("write")) return file.writeSome(buffer, start, end, position, done)
        const { kind } = this.#plan
        if (kind === "short") {
          const half = start + Math.max(1, Math.floor((end - start) / 2))
          file.writeSome(buffer, start, half, position, done)
        } else if (kind === "late") {
          file.writeSome(buffer, start, end, position, (fault, bytes) => late(LATE_TURNS, () => done(fault, bytes)))
        } else queueMicrotask(() => done(this.#fault("write", file.path), 0))
      },
      datasync: (done) => {
        if (!this.#strikes("datasync")) return file.datasync(done)
        if (this.#plan.kind === "late") file.datasync((fault) => late(LATE_TURNS, () => done(fault)))
        else if (this.#plan.kind === "short") file.datasync(done)
        else queueMicrotask(() => done(this.#fault("datasync", file.path)))
      },
      readSome: (buffer, start, end, position, done) => {
        if (!this.#strikes("read")) return file.readSome(buffer, start, end, position, done)
        const { kind } = this.#plan
        const half = start + Math.max(1, Math.floor((end - start) / 2))
        if (kind === "short") file.readSome(buffer, start, half, position, done)
        else if (kind === "late") {
          file.readSome(buffer, start, end, position, (fault, bytes) => late(LATE_TURNS, () => done(fault, bytes)))
        } else queueMicrotask(() => done(this.#fault("read", file.path), 0))
      },
      size: file.size,
      read: (buffer, start, end, position) =>
        this.#guard("read", file.path, () => file.read(buffer, start, end, position)),
      truncate: (sizeBytes) => this.#guard("truncate", file.path, () => file.truncate(sizeBytes)),
      close: file.close
    }
  }

  #guard<A>(
    operation: FsOperation,
    path: string,
    run: () => Effect.Effect<A, StoreFault>
  ): Effect.Effect<A, StoreFault> {
    return Effect.suspend(() => {
      const isBroken = this.#strikes(operation) && (this.#plan.kind === "EIO" || this.#plan.kind === "ENOSPC")
      return isBroken ? Effect.fail(this.#fault(operation, path)) : run()
    })
  }

  #strikes(operation: FsOperation): boolean {
    if (!this.#plan.on.includes(operation)) return false
    this.#count++
    const strikes = this.#count === this.#plan.nth || (this.#plan.isSticky && this.#count > this.#plan.nth)
    if (strikes) this.hit = true
    return strikes && !this.isHealed
  }

  #fault(operation: FsOperation, path: string): StoreFault {
    return new StoreFault({ operation, path, code: this.#plan.kind, cause: "injected" })
  }
}

function late(turns: number, then: () => void): void {
  if (turns === 0) then()
  else setImmediate(() => late(turns - 1, then))
}
