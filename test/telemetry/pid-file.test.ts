/**
 * The pid file: ours while we run, never somebody else's, gone at the end.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { holdPidFile, PidFileError } from "../../src/telemetry/pid-file.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-pid-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, "broker.pid")

/** What the file holds while it is held. */
const held = (path = file, meanwhile: () => void = () => {}) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.map(holdPidFile(path), () => {
        const text = readFileSync(path, "utf8")
        meanwhile()
        return text
      })
    ).pipe(Effect.catch((error) => Effect.succeed(error)))
  )

describe("the pid file", () => {
  it("holds the number of this process, and is gone at the end", async () => {
    assert.strictEqual(await held(), `${process.pid}\n`)
    assert.isFalse(existsSync(file))
  })

  it("is left alone at the end when it has become somebody else's", async () => {
    await held(file, () => writeFileSync(file, "1\n"))
    assert.strictEqual(readFileSync(file, "utf8"), "1\n", "PIDFILE-2")
  })

  it("that is stale is written over; one of a process of ours that runs is not", async () => {
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"])
    await once(other, "spawn")
    writeFileSync(file, `${other.pid}\n`)
    const refused = await held()
    assert.instanceOf(refused, PidFileError)
    assert.strictEqual((refused as PidFileError).holder, other.pid)
    assert.strictEqual(readFileSync(file, "utf8"), `${other.pid}\n`, "PIDFILE-1")
    other.kill("SIGKILL")
    await once(other, "exit")
    assert.strictEqual(await held(), `${process.pid}\n`)
  })

  it("that cannot be written says why", async () => {
    const refused = await held(join(folder, "none", "x.pid"))
    assert.include((refused as PidFileError).message, "ENOENT")
  })
})
