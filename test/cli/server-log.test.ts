/**
 * The log of the command: into its file, with level, shape and rotation that follow the settings while it runs; a log
 * that was asked for and cannot be written ends the start.
 */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { runCommandLine } from "../../src/cli/run.ts"
import { serverLog } from "../../src/cli/server-log.ts"
import { resolveSettings } from "../../src/settings/resolve.ts"
import { defaultSettings, type Settings } from "../../src/settings/settings.ts"
import { timePasses } from "../support/time.ts"
import { run, testWorld } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-server-log-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settingsWith = (log: Partial<Settings["log"]>): Settings =>
  resolveSettings(
    { ...defaultSettings, log: { ...defaultSettings.log, ...log } },
    { environment: {}, workingDirectory: folder, homeDirectory: folder }
  )

describe("the command's log", () => {
  it("goes to stdout without a file", () => {
    const world = testWorld()
    serverLog(settingsWith({ format: "text" }), world).log.write("info", "hello")
    assert.match(world.stdout.text, /level=info message=hello/)
  })

  it("goes to its file, relative to the working directory; shape and rotation change while it runs", () => {
    const world = testWorld({ isTerminal: true })
    const settings = settingsWith({ file: "a.log" })
    const { fault, log, onChanged } = serverLog(settings, world)
    assert.isUndefined(fault)
    log.write("info", "first")
    assert.strictEqual(world.stdout.text, "")
    const path = join(folder, "a.log")
    assert.match(readFileSync(path, "utf8"), /^\{"time".*"first"\}\n$/, "json: a file is no terminal")
    onChanged(settingsWith({ file: "elsewhere.log", format: "text", rotateSizeBytes: 10, rotateKeep: 1 }))
    log.write("info", "second")
    assert.match(readFileSync(path, "utf8"), /^time=.* message=second\n$/)
    assert.include(readFileSync(`${path}.1`, "utf8"), "first")
    assert.isFalse(existsSync(join(folder, "elsewhere.log")), "the name is not live")
  })

  it("is opened again at SIGUSR1, and at a reload", async () => {
    const path = join(folder, "b.log")
    const config = join(folder, "b.yaml")
    writeFileSync(
      config,
      `server: { bind: "127.0.0.1:0", ws-bind: "" }\nadmin: { enabled: false }\nstorage: { engine: memory }\nlog: { file: ${path} }\n`
    )
    const world = testWorld({ workingDirectory: folder })
    const ended = runCommandLine(["server", "-c", config], world)
    await Promise.race([world.stderr.until(/ready/), ended])
    assert.isTrue(existsSync(path))
    renameSync(path, `${path}.moved`)
    world.serviceSignal("SIGUSR1")
    assert.isTrue(existsSync(path))
    renameSync(path, `${path}.moved`)
    world.serviceSignal("SIGHUP")
    while (!existsSync(path) || !readFileSync(path, "utf8").includes("was read again")) await timePasses(10)
    world.signal("SIGTERM")
    assert.strictEqual(await ended, 0)
  })

  it("that cannot be written ends the start, with the reason", async () => {
    const { code, err } = await run([
      "server",
      "--log-file",
      join(folder, "none", "x.log"),
      "--storage-engine",
      "memory"
    ])
    assert.strictEqual(code, 1)
    assert.match(err, /E1311 .*x\.log cannot be written: ENOENT/)
  })
})
