/**
 * The door of a fresh clone: `npm start`, `npm test`, `npm run bench | bench:profile | mutants | torture | release` enter
 * here.
 *
 * Runs before node_modules exists and on the system's Node (18 or later), therefore plain JavaScript without any
 * dependency. It installs when node_modules does not hold what the lock names, builds when dist/ is older than src/ or .ci/,
 * and hands over to Node 26, which comes as the development dependency `node`.
 *
 * Invariants: nothing is installed or built twice; arguments pass through; the child's exit code is ours; SIGTERM,
 * SIGINT and SIGHUP reach the child once. Elsewhere: what a build is (build.mjs), what a test run is (test.mjs).
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const binaries = join(root, "node_modules", ".bin")
const node = join(binaries, process.platform === "win32" ? "node.cmd" : "node")
const environment = { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ""}` }

/** Per npm script: the file Node 26 runs, and whether it needs dist/ first. */
const tasks = {
  start: { script: "dist/main.js", needsBuild: true },
  test: { script: ".ci/test.mjs", needsBuild: false },
  torture: { script: ".ci/test.mjs", needsBuild: true, first: ["--torture"] },
  bench: { script: "bench/main.ts", needsBuild: true, tools: "bench" },
  "bench:profile": { script: "bench/profile.ts", needsBuild: true },
  mutants: { script: "test/mutants/run.ts", needsBuild: true },
  release: { script: ".ci/release.mjs", needsBuild: false },
  conformance: { script: "test/conformance/against.ts", needsBuild: false }
}

const [name = "", ...rest] = process.argv.slice(2)
const task = tasks[name]
if (task === undefined) fail(`unknown task "${name}": one of ${Object.keys(tasks).join(", ")}`)
if (!isInstalled()) install()
if (task.needsBuild && !isBuilt()) build()
if (task.tools !== undefined) (await import("./tools.mjs")).provideTools(task.tools)
handOver([join(root, task.script), ...(task.first ?? []), ...rest])

/** True when every package of the lock (foreign platforms aside) is in node_modules at its version. */
function isInstalled() {
  if (!existsSync(join(root, "node_modules", "node", "bin", "node"))) return false
  const wanted = readLock("package-lock.json")
  const present = readLock(join("node_modules", ".package-lock.json"))
  if (wanted === undefined || present === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true
    const found = present[path]
    return found === undefined ? entry.optional === true : found.version === entry.version
  })
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages
  } catch {
    return undefined
  }
}

function install() {
  say("installing what package-lock.json names (npm ci)")
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"])
  if (!existsSync(join(root, "node_modules", "node", "bin", "node"))) {
    fail("Node 26 is missing: its install script did not run. Try: npm rebuild node --ignore-scripts=false")
  }
}

function isBuilt() {
  const built = modified(join(root, "dist", "main.js"))
  const inputs = ["src", "package.json", "package-lock.json", ".ci"]
  return built > 0 && inputs.every((input) => newest(join(root, input)) <= built)
}

function newest(path) {
  const own = modified(path)
  if (own === 0 || !statSync(path).isDirectory()) return own
  return readdirSync(path).reduce((latest, entry) => Math.max(latest, newest(join(path, entry))), own)
}

function modified(path) {
  try {
    return statSync(path).mtimeMs
  } catch {
    return 0
  }
}

function build() {
  say("building dist/")
  run(node, [join(root, ".ci", "build.mjs"), "--no-types"])
}

/** A step that must succeed. Its talk goes to stderr: stdout belongs to the task. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: ["ignore", 2, 2] })
  if (error !== undefined) fail(`${command}: ${error.message}`)
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with ${status}`)
}

/**
 * On a terminal Ctrl-C reaches the whole foreground group, the child included, and npm passes it on to us as well:
 * passing it on again would be the "second signal" that makes the broker leave at once.
 */
function handOver(args) {
  const child = spawn(node, args, { env: environment, stdio: "inherit" })
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal === "SIGTERM" || !onTerminal) child.kill(signal)
    })
  }
  child.on("error", (error) => fail(error.message))
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function say(text) {
  process.stderr.write(`promptmq: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}
