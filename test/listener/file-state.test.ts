/** A file that was written, exchanged or taken away is seen to be another one, also where its size is the same. */
import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { stateOfFile } from "../../src/listener/file-state.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-state-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the state of a file", () => {
  it("stays while nobody touches it, and is another one after whatever was done", () => {
    const [file, other] = [join(folder, "file"), join(folder, "other")]
    writeFileSync(file, "one")
    const first = stateOfFile(file)
    assert.strictEqual(stateOfFile(file), first)
    // The clock of a file system may stand still between two writes.
    utimesSync(file, 1_000_000_000, 1_000_000_000)
    const touched = stateOfFile(file)
    const { atime, mtime } = statSync(file)
    writeFileSync(other, "two")
    utimesSync(other, atime, mtime)
    renameSync(other, file)
    const exchanged = stateOfFile(file)
    writeFileSync(file, "three")
    utimesSync(file, atime, mtime)
    assert.strictEqual(new Set([first, touched, exchanged, stateOfFile(file)]).size, 4)
  })

  it("is a word for a file that is not there, and for none", () => {
    assert.strictEqual(stateOfFile(join(folder, "nowhere")), "ENOENT")
    writeFileSync(join(folder, "plain"), "")
    assert.strictEqual(stateOfFile(join(folder, "plain", "below")), "ENOTDIR")
    assert.strictEqual(stateOfFile(""), "-")
  })
})
