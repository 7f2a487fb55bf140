/**
 * Goal: a folder that others may write to does not lead the broker to write into files of somebody else.
 * Method: a link where the broker writes aside before it renames, and a file behind it that must stay as it is.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { saveBans } from "../../src/access/bans-file.ts"
import { replaceFile } from "../../src/access/private-file.ts"
import { holdPidFile } from "../../src/telemetry/pid-file.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-links-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const victim = (name: string, link: string): (() => string) => {
  const file = join(folder, name)
  writeFileSync(file, "kept")
  symlinkSync(file, link)
  return () => readFileSync(file, "utf8")
}

describe("[attack: a link where a file is written]", () => {
  it("the process id goes into a file of its own", () => {
    const file = join(folder, "promptmq.pid")
    const kept = victim("victim-of-pid", `${file}.${process.pid}`)
    Effect.runSync(
      Effect.scoped(
        Effect.map(holdPidFile(file), () => assert.strictEqual(readFileSync(file, "utf8"), `${process.pid}\n`))
      )
    )
    assert.strictEqual(kept(), "kept")
  })

  it("bans go into a file of the owner's alone, also where a readable one was left", () => {
    const file = join(folder, "bans.json")
    const kept = victim("victim-of-bans", `${file}.new`)
    saveBans(file, [])
    assert.strictEqual(kept(), "kept")
    writeFileSync(`${file}.new`, "left by a crash", { mode: 0o644 })
    saveBans(file, [])
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
  })

  it("so do quotas, and the names of publishers", async () => {
    const file = join(folder, "quotas.json")
    const kept = victim("victim-of-quotas", `${file}.new`)
    await replaceFile(file, "counts")
    assert.deepEqual([kept(), readFileSync(file, "utf8")], ["kept", "counts"])
    writeFileSync(`${file}.new`, "left by a crash", { mode: 0o644 })
    await replaceFile(file, "counts")
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
  })
})
