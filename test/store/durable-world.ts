/**
 * Worlds for the durable log: disks whose answers wait until the test lets them come, so that a test without turns of
 * the event loop can still say "now everything has been written and synced". In memory, and on real files.
 */
import * as nodeFs from "node:fs"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type DurableLog, type DurableLogOptions, openDurableLog } from "../../src/store/durable-log.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import type { LogPolicy } from "../../src/wal/policy.ts"
import { StoreFault, type StoreFile, type StoreFs } from "../../src/wal/store-fs.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random } from "../fault/random.ts"

export const immediate: LogPolicy = { sync: { mode: "immediate" }, acknowledge: "durable" }
export const unsynced: LogPolicy = { sync: { mode: "never" }, acknowledge: "written" }

export const durableOptions = (fs: StoreFs, more: Partial<DurableLogOptions> = {}): DurableLogOptions => {
  const random = new Random(7)
  return {
    fs,
    dataDirectory: "data",
    logDirectory: "log",
    segmentBytes: 16_384,
    policy: immediate,
    limitBytes: 8 * 1_048_576,
    cacheBytes: 65_536,
    nowMs: () => 1_765_000_000_000,
    randomHex: (bytes) => random.hex(bytes),
    ...more
  }
}

/** A log whose scope the test closes, or does not: then the power went. */
export const openManually = (options: DurableLogOptions) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const log = yield* Scope.provide(openDurableLog(options), scope)
    return { log, close: Scope.close(scope, Exit.void) }
  })

/** What a disk or the end of a turn has to say waits here. */
export class Pump {
  readonly #tasks: Array<() => void> = []

  readonly defer = (task: () => void): void => void this.#tasks.push(task)

  /** Runs what waits, and what comes of it. */
  drain(): void {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task()
  }
}

export function pumpedMemory(pump: Pump): StoreFs {
  const inner = new MemoryFs()
  inner.isTracing = false
  const open: StoreFs["open"] = (path, mode) =>
    Effect.map(inner.open(path, mode), (file) => ({
      path: file.path,
      writeSome: (buffer, start, end, position, done) => {
        file.writeSome(buffer, start, end, position, () => undefined)
        pump.defer(() => done(undefined, end - start))
      },
      datasync: (done) => pump.defer(() => done(undefined)),
      readSome: (buffer, start, end, position, done) => {
        const read = Effect.runSync(file.read(buffer, start, end, position))
        pump.defer(() => done(undefined, read))
      },
      size: file.size,
      read: (buffer, start, end, position) => file.read(buffer, start, end, position),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      close: file.close
    }))
  return {
    open,
    list: (directory) => inner.list(directory),
    rename: (from, to) => inner.rename(from, to),
    unlink: (path) => inner.unlink(path),
    makeDirectory: (path) => inner.makeDirectory(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    volume: (path) => inner.volume(path),
    lock: (path) => inner.lock(path),
    unlock: (path) => inner.unlock(path)
  }
}

/** Real files: written and synced within the call, answered when the pump lets them. */
export function pumpedDisk(pump: Pump): StoreFs {
  return {
    ...diskFs,
    open: (path, mode) =>
      atOnce(path, () =>
        pumpedFile(path, nodeFs.openSync(path, mode === "read" ? "r" : mode === "update" ? "r+" : "w+"), pump)
      ),
    rename: (from, to) => atOnce(from, () => nodeFs.renameSync(from, to)),
    unlink: (path) => atOnce(path, () => nodeFs.rmSync(path, { force: true })),
    syncDirectory: () => Effect.void
  }
}

function pumpedFile(path: string, descriptor: number, pump: Pump): StoreFile {
  return {
    path,
    writeSome: (buffer, start, end, position, done) => {
      const writtenBytes = nodeFs.writeSync(descriptor, buffer, start, end - start, position)
      pump.defer(() => done(undefined, writtenBytes))
    },
    datasync: (done) => {
      nodeFs.fdatasyncSync(descriptor)
      pump.defer(() => done(undefined))
    },
    readSome: (buffer, start, end, position, done) => {
      const read = nodeFs.readSync(descriptor, buffer, start, end - start, position)
      pump.defer(() => done(undefined, read))
    },
    size: atOnce(path, () => nodeFs.fstatSync(descriptor).size),
    read: (buffer, start, end, position) =>
      atOnce(path, () => nodeFs.readSync(descriptor, buffer, start, end - start, position)),
    truncate: (sizeBytes) => atOnce(path, () => nodeFs.ftruncateSync(descriptor, sizeBytes)),
    close: Effect.sync(() => nodeFs.closeSync(descriptor))
  }
}

function atOnce<A>(path: string, run: () => A): Effect.Effect<A, StoreFault> {
  return Effect.try({ try: run, catch: (cause) => new StoreFault({ operation: "open", path, code: "test", cause }) })
}

/** Opens a log within the call. */
export function openPumped(pump: Pump, options: DurableLogOptions): DurableLog {
  const fiber = Effect.runFork(openManually({ ...options, defer: pump.defer }))
  pump.drain()
  const exit = fiber.pollUnsafe()
  assert(exit !== undefined && Exit.isSuccess(exit), "the log opens without a turn of the event loop")
  return exit.value.log
}
