/**
 * Goal: a start of the built broker compiles nothing (src/main.ts, .ci/build.mjs) and opens few files
 * (.ci/chunks.mjs): what makes it quick, told without a clock.
 * Method: dist/ copied elsewhere, as an image or a deployment does; Node says of every file whether V8 took what it had.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Child } from "../support/child.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "promptmq-compiled-"))
const dist = join(folder, "dist")
const compiled = join(dist, "compiled")
/** The broker's start opened 66 before they were cut by groups of commands. */
const filesAtStartMax = 20
/** There are 128, of which the broker needs some. */
const filesOfCommandsMin = 100
const isBuilt = existsSync(join(root, "dist", "main.js"))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

// Skipped without dist/, because npm test builds it first.
describe.skipIf(!isBuilt)("what the build compiled", () => {
  beforeAll(() => {
    cpSync(join(root, "dist"), dist, { recursive: true })
    cpSync(join(root, "package.json"), join(folder, "package.json"))
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  })

  it("is for every user to read, and for its owner to write", () => {
    const entries = readdirSync(compiled, { recursive: true, withFileTypes: true })
    const modes = entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mode & 0o777)
    assert.deepEqual(
      modes.filter((mode) => (mode & 0o022) !== 0),
      []
    )
    // Commands that ran since the build added what they loaded besides, each for its own user.
    assert.isAtLeast(modes.filter((mode) => mode === 0o644).length, filesOfCommandsMin)
  })

  it("is all that a start of the broker needs, wherever dist/ lies", async () => {
    const { rejected, taken, written } = await start()
    assert.deepEqual(rejected, [])
    assert.deepEqual(written, [])
    assert.include(taken.join(), "main-server-")
    assert.isAtMost(taken.length, filesAtStartMax, taken.join("\n"))
  })

  it("is made by the first start where there is none, and taken by the second", async () => {
    rmSync(compiled, { recursive: true })
    const first = await start()
    assert.deepEqual(first.taken, [])
    assert.include(first.written.join(), "main-server-")
    const second = await start()
    assert.deepEqual(second.rejected, [])
    assert.deepEqual(second.taken.sort(), first.written.sort())
  })

  // Skipped for root, because root may write everywhere.
  it.skipIf(process.getuid?.() === 0)("is done without where nobody may write", async () => {
    rmSync(compiled, { recursive: true })
    chmodSync(dist, 0o555)
    const { taken } = await start().finally(() => chmodSync(dist, 0o755))
    assert.deepEqual(taken, [])
    assert.isFalse(existsSync(compiled))
  })

  it("leaves a source tree as it is", async () => {
    const main = join(root, "src", "main.ts")
    await using child = new Child("env", ["NODE_DEBUG_NATIVE=COMPILE_CACHE", process.execPath, main, "--version"])
    const told = await child.succeeded()
    assert.match(told.join("\n"), /^promptmq \d/m)
    assert.notMatch(told.join("\n"), /compile cache/)
  })

  /** The broker started and stopped: which of its files V8 took as they were, which not, which were written anew. */
  async function start(): Promise<Readonly<Record<"taken" | "rejected" | "written", Array<string>>>> {
    const data = mkdtempSync(join(folder, "data-"))
    const place = ["--bind=127.0.0.1:0", "--ws-bind=127.0.0.1:0", "--admin-bind=127.0.0.1:0", `--data-dir=${data}`]
    const words = ["NODE_DEBUG_NATIVE=COMPILE_CACHE", process.execPath, join(dist, "main.js"), "server", ...place]
    await using broker = new Child("env", words)
    await broker.line(/config {2,}/)
    broker.kill("SIGTERM")
    const told = await broker.succeeded()
    const named = (pattern: RegExp) =>
      told.flatMap((line) => (pattern.test(line) ? (/dist\/(main-[\w-]+\.js)/.exec(line)?.[1] ?? []) : []))
    return {
      taken: named(/ was accepted/),
      rejected: named(/ was rejected/),
      written: named(/writing cache for .*success/)
    }
  }
})

// Skipped without dist/, because npm test builds it first.
describe.skipIf(!isBuilt)("the files of dist/", () => {
  const files = readdirSync(join(root, "dist")).filter((name) => /^main[\w-]*\.js$/.test(name))
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
        (bytes, name) => bytes + statSync(join(root, "dist", name)).size,
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
    const text = readFileSync(join(root, "dist", name), "utf8")
    return [...text.matchAll(/(?:from|import)\s*["'`]\.\/(main[\w-]*\.js)["'`]/g)].map((found) => found[1] ?? "")
  }
})
