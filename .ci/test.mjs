/**
 * One whole test run: `npm test`, `npm run torture`. Runs on Node 26 (setup.mjs starts it).
 *
 *   npm test                    tools, types, lint, build, every suite, a sample of mutants
 *   npm test -- test/codec      build, and only the test files whose path contains one of the words
 *   npm run torture             only test/torture; --tier, --cycles, --mode and --seed are explained in test/README.md
 *
 * Every step runs even if an earlier one failed, so that one run shows all there is to mend. The last line counts
 * steps and tests together: "N passed, N failed, N skipped". The exit code is 0 only when nothing failed.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { provideTools } from "./tools.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const words = process.argv.slice(2)
const isTorture = words[0] === "--torture"
const filters = isTorture ? tortureWords(words.slice(1)) : words
const isWhole = !isTorture && filters.length === 0

/** Seconds and outcome per row: a step, or a suite (a folder of test/). */
const rows = []
const startedMs = performance.now()

provideTools()
if (isWhole) {
  step("types", "node_modules/typescript/bin/tsc", ["--noEmit"])
  step("types of the dashboard", "node_modules/typescript/bin/tsc", ["--noEmit", "-p", "src/admin/dashboard"])
  step("lint and format", "node_modules/@biomejs/biome/bin/biome", ["check", "--error-on-warnings"])
}
step("build", ".ci/build.mjs", isWhole ? [] : ["--no-types"])
suites()
if (isWhole) step("mutants, a sample", "test/mutants/run.ts", ["--sample", "3"])
report()

function step(name, script, args) {
  process.stdout.write(`\n== ${name}\n`)
  const fromMs = performance.now()
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: ["ignore", 1, 2] })
  const isFine = status === 0
  rows.push({ name, ms: performance.now() - fromMs, passed: isFine ? 1 : 0, failed: isFine ? 0 : 1, skipped: 0 })
}

function suites() {
  process.stdout.write("\n== suites\n")
  const fromMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), "promptmq-test-"))
  const file = join(folder, "report.json")
  const projects = isTorture ? ["torture"] : ["unit", "behaviour", "dashboard"]
  const args = [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    ...["--config", "test/vitest.config.ts", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
    ...projects.map((project) => `--project=${project}`),
    ...filters
  ]
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", 1, 2] })
  const wallMs = performance.now() - fromMs
  const found = readReport(file)
  rmSync(folder, { recursive: true, force: true })
  rows.push(...found)
  const isTold = found.some((row) => row.failed > 0)
  // An error outside any test (a worker that died, no file found) fails the run as well.
  if (status !== 0 && !isTold) rows.push({ name: "suites", ms: wallMs, passed: 0, failed: 1, skipped: 0 })
}

/** Options become variables, a tier the file of its name; what is left are words as above. */
function tortureWords(given) {
  const { positionals, values } = parseArgs({
    args: given,
    allowPositionals: true,
    options: {
      tier: { type: "string" },
      cycles: { type: "string" },
      mode: { type: "string" },
      seed: { type: "string" }
    }
  })
  const { seed, tier, ...others } = values
  for (const [name, value] of Object.entries(others)) process.env[`PROMPTMQ_TORTURE_${name.toUpperCase()}`] = value
  if (seed !== undefined) process.env.PROMPTMQ_SEED = seed
  if (tier !== undefined) process.env.PROMPTMQ_TORTURE_TIER = tier
  return tier === undefined ? positionals : [...positionals, `test/torture/${tier}`]
}

/** One row per suite. Files run side by side, so the shares count the time of the files, not of the wall. */
function readReport(file) {
  const bySuite = new Map()
  for (const result of parse(file)) {
    const [, folder = "", below] = relative(root, result.name).split(sep)
    const name = below === undefined ? "test (tidy)" : `test/${folder}`
    const row = bySuite.get(name) ?? { name, ms: 0, passed: 0, failed: 0, skipped: 0 }
    row.ms += result.endTime - result.startTime
    if (result.status === "failed" && result.assertionResults.every(({ status }) => status !== "failed"))
      row.failed += 1
    for (const { status } of result.assertionResults) {
      if (status === "passed") row.passed += 1
      else if (status === "failed") row.failed += 1
      else row.skipped += 1
    }
    bySuite.set(name, row)
  }
  return [...bySuite.values()].sort((a, b) => b.ms - a.ms)
}

function parse(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).testResults
  } catch {
    return []
  }
}

function report() {
  const totalMs = rows.reduce((sum, row) => sum + row.ms, 0)
  process.stdout.write("\n== where the time went\n")
  for (const { name, ms, passed, failed, skipped } of rows) {
    const share = `${Math.round((100 * ms) / totalMs)} %`.padStart(5)
    const seconds = `${(ms / 1000).toFixed(1)} s`.padStart(8)
    process.stdout.write(`${seconds} ${share}  ${name}: ${count(passed, failed, skipped)}\n`)
  }
  process.stdout.write(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s in all (wall)\n\n`)
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  process.exitCode = sum("failed") === 0 ? 0 : 1
  process.stdout.write(`${count(sum("passed"), sum("failed"), sum("skipped"))}\n`)
}

function count(passed, failed, skipped) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
