/**
 * Makes dist/: `npm run build`. Runs on Node 26, starts nothing.
 *
 *   dist/main.js    the command, everything bundled (but LMDB, which is native): imports decide start-up time
 *   dist/index.js   the library; packages stay imports, so that an embedding program shares one `effect` with it
 *   dist/dashboard/ the page that the admin listener serves
 *   dist/man/       the manual pages, which npm puts where `man` looks (package.json: man)
 *   dist/compiled/  what V8 made of the command's files (compile.mjs)
 *   dist/types/     declarations, from the same compiler run that checks the types of src/
 *
 * It is built aside and renamed at the end: a program that runs from dist/ never sees half of it.
 * `--no-types` leaves the declarations (and the check) out: what `npm start` needs.
 */
import { spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { commandRows } from "../src/cli/commands.ts"
import { cutByGroups } from "./chunks.mjs"
import { compiledFolder, compileFiles } from "./compile.mjs"
import { buildDashboard } from "./dashboard.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const dist = join(root, "dist")
const aside = join(root, `dist-${process.pid}`)
const withTypes = !process.argv.includes("--no-types")

/** Told by `promptmq --version`; a source tree without git has none. */
const commit =
  spawnSync("git", ["-C", root, "rev-parse", "--short=12", "HEAD"], { encoding: "utf8" }).stdout?.trim() || undefined
const constants = {
  ...(commit === undefined ? {} : { PROMPTMQ_COMMIT: JSON.stringify(commit) }),
  PROMPTMQ_COMPILED: JSON.stringify(compiledFolder)
}
/** 2.9 MB become 1.7, which is read at every start; names of functions stay, so that a stack trace can be read. */
const minify = { mangle: { keepNames: true }, compress: true, codegen: { removeWhitespace: true } }
/** Native code cannot be bundled: LMDB, and helpers that `ws` looks for and does without. */
const native = ["lmdb", "bufferutil", "utf-8-validate"]
/** Copies of what Node has itself, made for browsers and older versions; libraries, and a module, of which one part is used. */
const substitutes = {
  "readable-stream": "node:stream",
  "worker-timers": "node:timers",
  mqtt$: join(root, ".ci", "mqtt-client.mjs"),
  "prom-client$": join(root, ".ci", "prom-registry.mjs"),
  "node:http": join(root, ".ci", "node-http.mjs")
}
/** A package name: neither a path nor a node builtin. */
const isPackage = (id) => !id.startsWith(".") && !id.startsWith("/") && !id.startsWith("node:")

try {
  const types = withTypes ? declarations() : Promise.resolve(0)
  await bundle("main", native, { codeSplitting: cutByGroups(root, commandRows), minify })
  if (existsSync(join(root, "src", "index.ts"))) await bundle("index", isPackage)
  await buildDashboard(join(aside, "dashboard"))
  chmodSync(join(aside, "main.js"), 0o755)
  const pages = await compileFiles(aside)
  process.exitCode = (await types) || pages.status
  if (process.exitCode === 0) {
    rmSync(dist, { recursive: true, force: true })
    renameSync(aside, dist)
  }
} finally {
  rmSync(aside, { recursive: true, force: true })
}

async function bundle(name, external, output = {}) {
  const build = await rolldown({
    // Nobody imports main.js; a file of the library exports what it says and no more.
    preserveEntrySignatures: name === "main" ? "allow-extension" : "exports-only",
    input: { [name]: join(root, "src", `${name}.ts`) },
    cwd: root,
    platform: "node",
    external,
    logLevel: "warn",
    resolve: {
      // Modules where a package has them beside CommonJS: only of those is left out what nobody calls (OpenTelemetry: 0.3 MB).
      mainFields: ["module", "main"],
      alias: substitutes
    },
    transform: { define: constants }
  })
  await build.write({
    dir: aside,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: `${name}-[name]-[hash].js`,
    comments: { legal: true, annotation: false, jsdoc: false },
    ...output
  })
  await build.close()
}

function declarations() {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
  const args = [compiler, "-p", join(root, "src", "tsconfig.build.json"), "--outDir", join(aside, "types")]
  return new Promise((resolve) => {
    spawn(process.execPath, args, { stdio: "inherit" }).on("exit", (code) => resolve(code ?? 1))
  })
}
