/**
 * The door of the benches.
 *
 *   npm run bench                   what is promised beside the peers, in under 15 minutes: speed, open-loop, start-up
 *   npm run bench -- --full         everything, growth and recovery and the rest, an hour or more
 *   npm run bench -- NAME ...       one of them, with its own options
 *
 * A bench is a file here that measures one claim, prints it as Markdown and exits 1 when a figure the project promises is
 * missed or a message was lost. Each gets a fresh process on the generator's core, so that it never takes the broker's.
 * What they print is gathered in .bench/report.md, what they measured in .bench/report.json. What they share is in harness/.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import { join } from "node:path"
import { root } from "./harness/folders.ts"
import { generatorCore } from "./harness/generator.ts"
import { loadVariable, pinned } from "./harness/machine.ts"
import { inOwnNetwork } from "./harness/own-network.ts"

const doors = ["main", "profile"]
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length))
  .filter((name) => !doors.includes(name))
  .sort()

/** Without a name; in this order. */
const usual = ["start-up", "speed", "open-loop"]
/** Ten minutes of churn, or run by another bench: not even with --full. */
const onlyByName = ["soak", "micro-wal"]

const [name, ...rest] = process.argv.slice(2)
const isFull = name === "--full"
if (name !== undefined && !isFull && !names.includes(name)) {
  process.stderr.write(`no bench "${name}": one of ${names.join(", ")}, --full for all, nothing for the usual\n`)
  process.exit(2)
}

const others = names.filter((bench) => !usual.includes(bench) && !onlyByName.includes(bench))
const chosen = isFull ? [...usual, ...others] : name === undefined ? usual : [name]
const startedMs = performance.now()
process.env[loadVariable] ??= String(loadavg()[0] ?? 0)
const failed: Array<string> = []
const texts: Array<string> = []
for (const bench of chosen) {
  const { isFine, text } = await run(bench, chosen.length === 1 ? rest : [])
  texts.push(text)
  if (!isFine) failed.push(bench)
}
const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1)
if (!isFull && name === undefined) {
  const left = `${minutes} minutes. Left out (npm run bench -- NAME, or --full): ${[...others, ...onlyByName].join(", ")}\n`
  process.stdout.write(`\n${left}`)
  texts.push(`\n${left}`)
}
if (chosen.length > 1) gather()
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(", ")}\n`)
  process.exitCode = 1
}

async function run(bench: string, words: ReadonlyArray<string>): Promise<{ isFine: boolean; text: string }> {
  const title = `\n# ${bench}\n\n`
  process.stdout.write(title)
  const script = join(import.meta.dirname, `${bench}.ts`)
  const [command, args] = inOwnNetwork(...pinned(generatorCore, process.execPath, ["--expose-gc", script, ...words]))
  const child = spawn(command, args, { stdio: ["inherit", "pipe", "inherit"] })
  const output: Array<string> = [title]
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.push(text)
    process.stdout.write(text)
  })
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve))
  return { isFine: code === 0, text: output.join("") }
}

function gather(): void {
  const folder = join(root, ".bench")
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "report.md"), texts.join(""))
  const results = chosen.flatMap((bench) => {
    const file = join(folder, `${bench}.json`)
    return existsSync(file) ? [[bench, JSON.parse(readFileSync(file, "utf8"))] as const] : []
  })
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(Object.fromEntries(results), null, 2)}\n`)
  process.stdout.write("\nAll of it: .bench/report.md, .bench/report.json\n")
}
