/** Files of the broker's own: who owns them, who may read them, and that they are there whole or as they were. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { exchangeFile, replaceFile } from "../../src/access/private-file.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-private-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const SOMEBODY = 61_234
const modeOf = (file: string) => statSync(file).mode & 0o777

describe("a file that is exchanged", () => {
  it("is its owner's alone; a group that could read it still can, and nobody else", () => {
    const file = join(folder, "modes")
    exchangeFile(file, "first")
    assert.strictEqual(modeOf(file), 0o600)
    for (const [before, after] of [
      [0o640, 0o640],
      [0o666, 0o640],
      [0o604, 0o600],
      [0o400, 0o600]
    ] as const) {
      chmodSync(file, before)
      exchangeFile(file, "next")
      assert.strictEqual(modeOf(file), after)
    }
    assert.strictEqual(readFileSync(file, "utf8"), "next")
  })

  // Skipped without root, because nobody else may give files away.
  it.skipIf(process.getuid?.() !== 0)("by root stays its owner's, and a first one is its folder's owner's", () => {
    const theirs = join(folder, "theirs")
    mkdirSync(theirs)
    chownSync(theirs, SOMEBODY, SOMEBODY)
    const file = join(theirs, "owned")
    for (const owner of [SOMEBODY, SOMEBODY + 1]) {
      exchangeFile(file, "text")
      assert.deepEqual([statSync(file).uid, statSync(file).gid], [owner, owner])
      chownSync(file, SOMEBODY + 1, SOMEBODY + 1)
    }
  })

  it("where it cannot be is told, and nothing is left lying", () => {
    const file = join(folder, "a-folder")
    mkdirSync(join(file, "full"), { recursive: true })
    assert.throws(() => exchangeFile(file, "text"))
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("a-folder")),
      ["a-folder"]
    )
  })
})

describe("a file that is replaced", () => {
  it("is its owner's alone, in a folder of the owner's that is made for it", async () => {
    const file = join(folder, "made", "for-it")
    await replaceFile(file, "one")
    chmodSync(file, 0o644)
    await replaceFile(file, "two")
    assert.deepEqual([modeOf(join(folder, "made")), modeOf(file)], [0o700, 0o600])
    assert.strictEqual(readFileSync(file, "utf8"), "two")
    assert.deepEqual(readdirSync(join(folder, "made")), ["for-it"])
  })
})
