/**
 * Goal: what a stranger gets from the registry works: the package is packed, installed into an empty project, its
 * declarations hold a strict program, and the library and the command run from there.
 * Method: npm pack and npm install in a temporary folder; the programs are in consumers.ts. Needs the registry, or
 * npm's cache of it, for the dependencies.
 */
import { type ExecFileOptions, execFile } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { durableProgram, effectProgram, promiseProgram } from "./consumers.ts"

/** What a failed command said is the message: by itself the error holds the command line only. */
const run = (file: string, args: ReadonlyArray<string>, options: ExecFileOptions) =>
  promisify(execFile)(file, args, { ...options, encoding: "utf8" }).catch(
    (error: Error & { readonly stdout: string; readonly stderr: string }) => {
      throw new Error(`${file} ${args.join(" ")}\n${error.stdout}\n${error.stderr}`)
    }
  )
const root = fileURLToPath(new URL("../..", import.meta.url))
const env = { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}` }
/** npm at work, on a machine that does other things too: a limit against hanging. */
const npmTimeoutMs = 300_000
/** As of the first version 0.5 MB; a megabyte more needs a reason. */
/** A third is the page of the API's documentation, which works without a network and is loaded by nobody else. */
const packedBytesMax = 2_700_000

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number }>
}

let folder = ""
let packed: Packed | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "promptmq-package-"))
  if (isStale()) await run(process.execPath, [join(root, ".ci", "build.mjs")], { cwd: root })
  // Without scripts: prepack would build again, and replace dist/ under the tests that run beside this one.
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder]
  const { stdout } = await run("npm", pack, { cwd: root, env, maxBuffer: 16_777_216 })
  const told = JSON.parse(stdout) as ReadonlyArray<Packed> | Readonly<Record<string, Packed>>
  packed = Object.values(told)[0] as Packed
  const project = { name: "consumer", private: true, type: "module" }
  writeFileSync(join(folder, "package.json"), JSON.stringify(project))
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${packed.filename}`]
  await run("npm", install, { cwd: folder, env })
}, npmTimeoutMs)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const built = /^dist\/[\w-]+\.js$|^dist\/types\/.*\.d\.ts$|^dist\/dashboard\/[\w./-]+\.(js|css|svg|html)(\.gz|\.br)?$/

describe("the tarball", () => {
  it("holds the release and nothing of the workshop", () => {
    const paths = packed?.files.map(({ path }) => path) ?? []
    const wanted = [
      "LICENSE",
      "README.md",
      "package.json",
      "dist/main.js",
      "dist/index.js",
      "dist/types/index.d.ts"
    ].concat("dist/dashboard/index.html", "dist/man/man1/promptmq.1", "dist/man/man5/promptmq.yaml.5")
    const presets = readdirSync(join(root, "config"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => relative(root, join(parentPath, name)))
    assert.deepEqual(
      [...wanted, ...presets].filter((path) => !paths.includes(path)),
      [],
      "missing"
    )
    const isAllowed = (path: string) => wanted.includes(path) || presets.includes(path) || built.test(path)
    assert.deepEqual(
      paths.filter((path) => !isAllowed(path)),
      [],
      "superfluous"
    )
  })

  it("is small", () => {
    process.stdout.write(`tarball: ${packed?.files.length} files, ${packed?.size} bytes packed\n`)
    assert.isAtMost(packed?.size ?? Number.POSITIVE_INFINITY, packedBytesMax)
  })

  it("is built by npm before every pack", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    assert.strictEqual(scripts["prepack"], "npm run build")
  })
})

describe("the library, installed", () => {
  it("has declarations that a strict program checks against", async () => {
    writeFileSync(join(folder, "promise.ts"), promiseProgram)
    writeFileSync(join(folder, "effect.ts"), effectProgram)
    writeFileSync(join(folder, "durable.ts"), durableProgram)
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      module: "nodenext",
      moduleResolution: "nodenext",
      target: "es2024",
      skipLibCheck: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules", "@types")]
    }
    const project = { compilerOptions, files: ["promise.ts", "effect.ts", "durable.ts"] }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(project))
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
    await run(process.execPath, [compiler, "-p", folder], { cwd: folder })
  })

  it("runs as promises, and the process ends by itself", async () => {
    assert.deepEqual(await report("promise.ts"), {
      atClient: "from the host",
      atHost: ["to/host", "from the client", 2, false],
      problems: [
        ["E3105", "mqtt.max-qos", "string"],
        ["E3105", "mqtt.max-inflight", "string"]
      ],
      taken: "port-in-use",
      refusals: ["invalid-topic", "invalid-filter", "stopped"],
      isLogged: true,
      types: "function"
    })
  })

  it("keeps on disk what it is told to keep, with LMDB as the registry has it", async () => {
    assert.deepEqual(await report("durable.ts"), { value: "21.5", isIndexed: true, complaints: [] })
    assert.isFalse(existsSync(join(folder, ".local")), "in memory unless told otherwise")
  })

  it("runs as a layer, on the program's own effect", async () => {
    const expected = { payload: "hello", refusal: "invalid-topic", port: "number", problem: "E3105" }
    assert.deepEqual(await report("effect.ts"), expected)
    assert.isFalse(existsSync(join(folder, "node_modules", "promptmq", "node_modules", "effect")), "a second effect")
  })
})

describe("the command, installed", () => {
  it("says its version", async () => {
    const { stdout } = await promptmq("--version")
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string }
    assert.match(
      stdout,
      new RegExp(`^promptmq ${version}, Node ${process.versions.node}, commit \\w+, store format \\d`)
    )
  })

  it("reads the presets that came with it", async () => {
    const presets = join("node_modules", "promptmq", "config")
    const { stdout, stderr } = await promptmq("config", "check", join(presets, "development.yaml"))
    assert.notInclude(stdout + stderr, "error")
  })

  it("is executable by itself", () => {
    const { mode } = statSync(join(folder, "node_modules", "promptmq", "dist", "main.js"))
    assert.strictEqual(mode & 0o111, 0o111)
  })
})

async function report(program: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, [join(folder, program)], {
    cwd: folder,
    env: { ...env, HOME: folder, XDG_STATE_HOME: "" }
  })
  return JSON.parse(stdout)
}

function promptmq(...args: ReadonlyArray<string>): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run("npx", ["--no-install", "promptmq", ...args], { cwd: folder, env })
}

/** dist/ lacks declarations after a quick build, and is old when a source is newer. */
function isStale(): boolean {
  const built = join(root, "dist", "types", "index.d.ts")
  if (!existsSync(built)) return true
  const builtMs = statSync(join(root, "dist", "main.js")).mtimeMs
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true }).some(
    (entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).mtimeMs > builtMs
  )
}
