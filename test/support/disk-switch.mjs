/**
 * Loaded before the broker (`node --import`), so that a test decides over its disk, word by word over IPC:
 *
 *   hold     syncs do not answer any more          go       those that wait are done, and answer; so do all later ones
 *   broken   those that wait and all later ones    full     files that are made or would grow fail with ENOSPC; what
 *            fail with EIO, and do nothing                  was there can be written over, as on a real disk
 *                                                  roomy    they work again
 *
 * Each word is answered when it holds. Only what goes through node:fs; LMDB's own syncs, which nothing waits for, do not.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

let manner = "go"
let isFull = false
let waiting = []
const { fdatasync, fsync, openSync, write } = fs
const real = { fdatasync, fsync }

function fault(code, syscall) {
  return Object.assign(new Error(`${code}: made by a test, ${syscall}`), { code, syscall })
}

for (const name of ["fdatasync", "fsync"]) {
  fs[name] = (descriptor, done) => {
    const run = () => {
      if (manner === "broken") setImmediate(done, fault("EIO", name))
      else real[name](descriptor, done)
    }
    if (manner === "hold") waiting.push(run)
    else run()
  }
}

fs.write = (descriptor, buffer, start, length, position, done) => {
  if (isFull && position + length > fs.fstatSync(descriptor).size) setImmediate(done, fault("ENOSPC", "write"), 0)
  else write(descriptor, buffer, start, length, position, done)
}
fs.openSync = (path, flags, mode) => {
  if (isFull && String(flags).startsWith("w")) throw fault("ENOSPC", "open")
  return openSync(path, flags, mode)
}
syncBuiltinESMExports()

process.on("message", (word) => {
  if (word === "full" || word === "roomy") isFull = word === "full"
  else manner = word
  if (manner !== "hold") {
    const held = waiting
    waiting = []
    for (const run of held) run()
  }
  process.send(word)
})
// The test's end of the line must not keep the broker alive, nor its loss end it.
process.channel?.unref()
process.on("disconnect", () => undefined)
