/**
 * `npm run bench` runs every bench of this folder, `npm run bench -- NAME ...` one of them with its own options.
 *
 * A bench is a file here that measures one claim, prints it as Markdown and exits 1 when a figure the project
 * promises is missed. Each gets a fresh process. What they share is in harness/.
 */
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && file !== "main.ts")
  .map((file) => file.slice(0, -".ts".length))
  .sort()

/** Too long to be run with the others, or run by one of them (storage-floor). */
const onlyByName = ["soak", "micro-wal"]

const [name, ...rest] = process.argv.slice(2)
if (name !== undefined && !names.includes(name)) {
  process.stderr.write(`no bench "${name}": one of ${names.join(", ")}\n`)
  process.exit(2)
}

const chosen = name === undefined ? names.filter((bench) => !onlyByName.includes(bench)) : [name]
const failed = chosen.filter((bench) => {
  process.stdout.write(`\n# ${bench}\n\n`)
  const script = join(import.meta.dirname, `${bench}.ts`)
  return spawnSync(process.execPath, ["--expose-gc", script, ...rest], { stdio: "inherit" }).status !== 0
})
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(", ")}\n`)
  process.exitCode = 1
}
