/**
 * Goal: a start of the built broker compiles nothing (src/main.ts, .ci/compile.mjs) and opens few files (.ci/chunks.mjs): what
 * makes it quick, told without a clock.
 * Method: Node says of every file whether V8 took what it had. Once from dist/, once from a copy elsewhere, as an image is.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Child } from "../support/child.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const built = join(root, "dist")
const folder = mkdtempSync(join(tmpdir(), "promptmq-compiled-"))
const copy = join(folder, "dist")
/** 20; where every set of commands had a file of its own it was more than three times as many. */
const filesAtStartMax = 24
/** There are 176 for the broker and the other commands. */
const compiledMin = 150
const isBuilt = existsSync(join(built, "main.js"))
const asBuilder = ["-u", "NODE_COMPILE_CACHE", "-u", "NODE_DISABLE_COMPILE_CACHE", "NODE_DEBUG_NATIVE=COMPILE_CACHE"]

afterAll(() => rmSync(folder, { recursive: true, force: true }))

// Skipped without dist/, because npm test builds it first.
describe.skipIf(!isBuilt)("what the build compiled", () => {
  beforeAll(() => {
    // Files with a dot are being written, by a command that another test runs.
    const isWhole = (path: string) => !/compiled.*\.\w{6}$/.test(path)
    cpSync(built, copy, { recursive: true, filter: isWhole })
    cpSync(join(root, "package.json"), join(folder, "package.json"))
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  })

  it("is for every user to read, and for its owner to write", () => {
    const entries = readdirSync(join(copy, "compiled"), { recursive: true, withFileTypes: true })
    const modes = entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mode & 0o777)
    assert.deepEqual(
      modes.filter((mode) => (mode & 0o022) !== 0),
      []
    )
    // Commands that ran since the build may have added what they loaded besides, each for its own user.
    assert.isAtLeast(modes.filter((mode) => mode === 0o644).length, compiledMin)
  })

  it("is all that a broker needs, up to its pages", async () => {
    const { compiled, taken, written } = await visit(built)
    assert.deepEqual({ compiled, written }, { compiled: [], written: [] })
    assert.include(taken.join(), "main-http-app-")
  })

  it("is found wherever dist/ lies", async () => {
    const { compiled, taken } = await visit(copy, [])
    assert.deepEqual(
      compiled.filter((file) => file.startsWith("main-")),
      []
    )
    const own = taken.filter((file) => file.startsWith("main-"))
    assert.include(own.join(), "main-server-")
    assert.isAtMost(own.length, filesAtStartMax, own.join("\n"))
  })

  it("is made by no start", async () => {
    rmSync(join(copy, "compiled"), { recursive: true })
    assert.deepEqual(await visit(copy), { taken: [], compiled: [], written: [] })
    assert.isFalse(existsSync(join(copy, "compiled")))
  })

  it("leaves a source tree as it is", async () => {
    const main = join(root, "src", "main.ts")
    await using child = new Child("env", [...asBuilder, process.execPath, main, "--version"])
    const told = await child.succeeded()
    assert.match(told.join("\n"), /^promptmq \d/m)
    assert.notMatch(told.join("\n"), /compile cache/)
  })

  /**
   * A broker is started, asked and stopped: which files V8 took as they were, which it had to compile, which of these were
   * written for the next.
   */
  async function visit(
    dist: string,
    paths: ReadonlyArray<string> = ["/", "/metrics", "/api/v1/status"]
  ): Promise<Readonly<Record<"taken" | "compiled" | "written", Array<string>>>> {
    const data = mkdtempSync(join(folder, "data-"))
    const place = ["--bind=127.0.0.1:0", "--ws-bind=127.0.0.1:0", "--admin-bind=127.0.0.1:0", `--data-dir=${data}`]
    const words = [...asBuilder, process.execPath, join(dist, "main.js"), "server", ...place]
    await using broker = new Child("env", words)
    const admin = /http:\S+/.exec(await broker.line(/^ +admin {2,}/))?.[0]
    await broker.line(/^ +config {2,}/)
    for (const path of paths) await (await fetch(`${admin}${path}`)).arrayBuffer()
    broker.kill("SIGTERM")
    const told = await broker.succeeded()
    const named = (pattern: RegExp) =>
      told.flatMap((line) => (pattern.test(line) ? (/([^/ ]+\.[cm]?js)\b/.exec(line)?.[1] ?? []) : []))
    return {
      taken: named(/ was accepted/),
      compiled: named(/ was (rejected|not initialized)/),
      written: named(/writing cache for .*success/)
    }
  }
})

// Skipped without dist/, because npm test builds it first.
describe.skipIf(!isBuilt)("the files of dist/", () => {
  const files = (isBuilt ? readdirSync(built) : []).filter((name) => /^main[\w-]*\.js$/.test(name))
  const imports = new Map(files.map((name) => [name, importsOf(name)]))

  it("import each other without a circle", () => {
    const done = new Set<string>()
    const visit = (name: string, above: ReadonlyArray<string>): void => {
      assert.notInclude(above, name, "a circle")
      if (done.has(name)) return
      for (const each of imports.get(name) ?? []) visit(each, [...above, name])
      done.add(name)
    }
    for (const name of files) visit(name, [])
  })

  it("spare a command what it does not use: pub needs nothing of Effect", () => {
    const size = (command: string) =>
      [...reached(files.find((name) => name.startsWith(`main-${command}-`)) ?? assert.fail(command))].reduce(
        (bytes, name) => bytes + statSync(join(built, name)).size,
        0
      )
    assert.isBelow(size("pub"), 100_000)
    assert.isAbove(size("server"), 1_000_000)
  })

  function reached(name: string, found = new Set<string>()): Set<string> {
    if (found.has(name)) return found
    found.add(name)
    for (const each of imports.get(name) ?? []) reached(each, found)
    return found
  }

  function importsOf(name: string): ReadonlyArray<string> {
    const text = readFileSync(join(built, name), "utf8")
    return [...text.matchAll(/(?:from|import)\s*["'`]\.\/(main[\w-]*\.js)["'`]/g)].map((found) => found[1] ?? "")
  }
})
