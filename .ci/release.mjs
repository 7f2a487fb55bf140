/**
 * Makes release/: `npm run release`.
 *
 *   promptmq-<version>.tgz                  the package as npm publishes it, for every platform
 *   promptmq-<version>-<platform>.tar.gz    the command alone, with its one native dependency, for Node 26 of that platform:
 *                                           bin/promptmq (bin/promptmq.cmd), dist/, config/, node_modules/lmdb
 *   SHA256SUMS                              of all of them: sha256sum -c SHA256SUMS
 *
 * The command is bundled but for LMDB, which comes prebuilt per platform, so archives of other platforms are made here
 * too: npm is asked for its package of that platform. One that npm cannot bring is named, and the run fails at its end.
 * Same input, same archive: names are sorted, times and owners are fixed.
 *
 *   --platform linux-x64   only this one (may be repeated)     --out folder     --no-build   dist/ is as it should be
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const platforms = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64"]

const root = fileURLToPath(new URL("..", import.meta.url))
const { values } = parseArgs({
  options: {
    platform: { type: "string", multiple: true },
    out: { type: "string", default: join(root, "release") },
    build: { type: "boolean", default: true }
  },
  allowNegative: true
})
const wanted = values.platform ?? platforms
const unknown = wanted.filter((each) => !platforms.includes(each))
if (unknown.length > 0) fail(`unknown platform ${unknown.join(", ")}: one of ${platforms.join(", ")}`)

const { version, dependencies, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const out = resolve(values.out)
const aside = mkdtempSync(join(tmpdir(), "promptmq-release-"))
const missing = []
try {
  if (values.build) run(process.execPath, [join(root, ".ci", "build.mjs")], root)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", out], root)
  for (const platform of wanted) archive(platform)
  const names = readdirSync(out).sort()
  const sums = names.map((name) => `${sha256(join(out, name))}  ${name}\n`)
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""))
  process.stdout.write(sums.join(""))
} finally {
  rmSync(aside, { recursive: true, force: true })
}
if (missing.length > 0) fail(`without ${missing.join(", ")}: npm could not bring LMDB for it`)

function archive(platform) {
  const name = `promptmq-${version}-${platform}`
  const folder = join(aside, name)
  const [os, cpu] = platform.split("-")
  mkdirSync(join(folder, "bin"), { recursive: true })
  const own = { name: "promptmq", version, type: "module", engines, dependencies: { lmdb: dependencies.lmdb } }
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(own, undefined, 2)}\n`)
  const flags = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--prefer-offline",
    "--loglevel=error"
  ]
  const libc = os === "linux" ? ["--libc=glibc"] : []
  const installed = spawnSync("npm", ["install", ...flags, `--os=${os}`, `--cpu=${cpu}`, ...libc], {
    cwd: folder,
    stdio: ["ignore", 2, 2]
  })
  const hasNative = readdirSync(join(folder, "node_modules", "@lmdb"), { withFileTypes: true, recursive: false })
  if (installed.status !== 0 || !hasNative.some((entry) => entry.name === `lmdb-${platform}`)) {
    missing.push(platform)
    return
  }
  for (const path of ["dist", "config", "LICENSE", "README.md"])
    cpSync(join(root, path), join(folder, path), { recursive: true, filter: isReleased })
  writeStarters(join(folder, "bin"), os)
  const fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=2000-01-01", "--format=ustar"]
  const tar = join(aside, `${name}.tar`)
  run("tar", [...fixed, "-cf", tar, "-C", aside, name], aside)
  run("gzip", ["-n", "-9", tar], aside)
  cpSync(`${tar}.gz`, join(out, `${name}.tar.gz`))
}

/** Declarations are nobody's here; compiled code is of this machine only, and never the same twice. */
function isReleased(path) {
  return !["types", "compiled"].some((name) => path === join(root, "dist", name))
}

function writeStarters(bin, os) {
  if (os === "win32") {
    writeFileSync(join(bin, "promptmq.cmd"), '@node "%~dp0..\\dist\\main.js" %*\r\n')
    return
  }
  const starter = join(bin, "promptmq")
  const script = [
    "#!/bin/sh",
    "# Follows links, so that it may be linked into a folder of the path.",
    'self=$0; while [ -L "$self" ]; do to=$(readlink "$self"); case $to in /*) self=$to ;; *) self=$(dirname "$self")/$to ;; esac; done',
    'exec node "$(dirname "$self")/../dist/main.js" "$@"',
    ""
  ]
  writeFileSync(starter, script.join("\n"))
  chmodSync(starter, 0o755)
}

function sha256(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex")
}

/** Talk goes to stderr: stdout has the sums. */
function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] })
  if (error !== undefined) fail(`${command}: ${error.message}`)
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with ${status}`)
}

function fail(text) {
  process.stderr.write(`promptmq: ${text}\n`)
  process.exit(1)
}
