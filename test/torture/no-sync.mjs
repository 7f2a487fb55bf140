/**
 * Loaded before a program (`node --import`): no sync does anything any more, and each says that it did. The mutant of all
 * mutants; a power cut must find it out. JavaScript, as it is loaded before anything could read TypeScript.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const pretend = (_descriptor, done) => void setImmediate(done, null)
fs.fsync = pretend
fs.fdatasync = pretend
fs.fsyncSync = () => undefined
fs.fdatasyncSync = () => undefined
syncBuiltinESMExports()
