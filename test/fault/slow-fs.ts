/**
 * A StoreFs whose syncs take time: each answers only after `delay` has called back, which may be a virtual clock or a
 * test that never does.
 */

import * as Effect from "effect/Effect"
import type { StoreFile, StoreFs } from "../../src/wal/store-fs.ts"

export function slowFs(inner: StoreFs, delay: (then: () => void) => void): StoreFs {
  return {
    open: (path, mode) => Effect.map(inner.open(path, mode), (file) => slowFile(file, delay)),
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

function slowFile(file: StoreFile, delay: (then: () => void) => void): StoreFile {
  return {
    path: file.path,
    writeSome: (buffer, start, end, position, done) => file.writeSome(buffer, start, end, position, done),
    datasync: (done) => file.datasync((fault) => delay(() => done(fault))),
    readSome: (buffer, start, end, position, done) => file.readSome(buffer, start, end, position, done),
    size: file.size,
    read: (buffer, start, end, position) => file.read(buffer, start, end, position),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    close: file.close
  }
}
