/**
 * Loaded before a broker (`node --import`): what is written into files of the log never gets there, and nobody is told.
 * For tests that must see a loss. Other processes are left alone.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const { openSync, write } = fs
const logFiles = new Set()

if (process.argv.includes("server")) {
  fs.openSync = (path, flags, mode) => {
    const descriptor = openSync(path, flags, mode)
    if (/\.wal$/.test(String(path))) logFiles.add(descriptor)
    else logFiles.delete(descriptor)
    return descriptor
  }
  fs.write = (descriptor, buffer, start, length, position, done) => {
    // Headers get there, so that the next start finds a log.
    if (logFiles.has(descriptor) && position >= 4096) setImmediate(done, null, length)
    else write(descriptor, buffer, start, length, position, done)
  }
  syncBuiltinESMExports()
}
