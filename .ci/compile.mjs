/**
 * Makes dist/compiled/, what V8 made of the command's files for this version of Node (src/main.ts reads it), and dist/man/.
 *
 *   compiled/<runtime>/commands   as `promptmq man` leaves it, which loads every command and writes the manual pages
 *   compiled/<runtime>/broker     as a broker leaves it that was started, asked for its pages and stopped
 *
 * Node writes them when those processes end. It is of one machine and never the same twice, so it is not published: neither
 * package.json nor release.mjs takes it along. An image is built where it runs.
 */
import { spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** In dist/. */
export const compiledFolder = "compiled"
const brokerTimeoutMs = 30_000

/** `dist` holds main.js. The result is that of the manual pages; a broker that cannot be started here is told of and no more. */
export async function compileFiles(dist) {
  const folder = join(dist, compiledFolder, `${process.version}-${process.platform}-${process.arch}`)
  for (const kind of ["broker", "commands"]) mkdirSync(join(folder, kind), { recursive: true })
  const data = mkdtempSync(join(tmpdir(), "promptmq-build-"))
  // The builder's own configuration is none of these.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PROMPTMQ|NODE)_/.test(name)))
  try {
    if (!(await visitBroker(join(dist, "main.js"), data, env)))
      process.stderr.write("promptmq: no broker could be started here: its starts will compile it\n")
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
  const words = [join(dist, "main.js"), "man", "--directory", join(dist, "man")]
  const pages = spawnSync(process.execPath, words, { encoding: "utf8", env })
  if (pages.status !== 0) process.stderr.write(pages.stderr)
  share(join(dist, compiledFolder))
  return pages
}

function visitBroker(main, data, env) {
  const places = ["--bind=127.0.0.1:0", "--ws-bind=127.0.0.1:0", "--admin-bind=127.0.0.1:0", `--data-dir=${data}`]
  const broker = spawn(process.execPath, [main, "server", ...places], { cwd: data, env })
  const limit = setTimeout(() => broker.kill("SIGKILL"), brokerTimeoutMs)
  let told = ""
  let isVisited = false
  const listen = async (text) => {
    told += text
    const admin = /admin +(http:\S+)[\s\S]*promise/.exec(told)?.[1]
    if (admin === undefined || isVisited) return
    isVisited = true
    const visits = ["/", "/health", "/metrics", "/api/v1/status"].map((path) =>
      fetch(`${admin}${path}`).then((answer) => answer.text())
    )
    await Promise.allSettled(visits)
    broker.kill("SIGTERM")
  }
  broker.stdout.setEncoding("utf8").on("data", listen)
  broker.stderr.setEncoding("utf8").on("data", listen)
  return new Promise((resolve) => {
    broker.on("error", () => resolve(false))
    broker.on("close", (code) => {
      clearTimeout(limit)
      resolve(code === 0)
    })
  })
}

/** Node writes for its own user only; dist/ is read by whoever runs the broker, and written by nobody else. */
function share(folder) {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
}
