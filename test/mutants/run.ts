/**
 * Breaks src one line at a time and demands that a test turns red: `npm run mutants [-- --sample N] [--seed S]`.
 *
 * Works on a copy in a temporary folder; the working tree is never touched. First the named tests must be green on
 * the unbroken copy, and the text of every row, drawn or not, must occur exactly once with its statement cited near it.
 * Then, row by row: the break is applied, only the named test files run, and at least one *test* must fail. A file
 * that no longer loads proves nothing and counts as survived; a run that hangs counts as noticed. The last line is
 * "N killed, N failed"; exit code 1 when a mutant survived or no longer applies. Without --seed the sample changes
 * from day to day.
 */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Mutant } from "./mutant.ts"
import { mutants } from "./mutants.ts"

const hangMs = 120_000
const testTimeoutMs = 10_000
/** Lines above or below the break in which its statement must be cited. */
const citationLinesMax = 12

const { values } = parseArgs({
  options: { sample: { type: "string" }, seed: { type: "string" }, only: { type: "string" } }
})
const seed = Number(values.seed ?? Math.floor(Date.now() / 86_400_000))
const matching = mutants.filter((mutant) => values.only === undefined || nameOf(mutant).includes(values.only))
const chosen = values.sample === undefined ? matching : sample(matching, Number(values.sample), seed)
const root = fileURLToPath(new URL("../..", import.meta.url))
const copy = mkdtempSync(join(tmpdir(), "promptmq-mutants-"))
try {
  process.exitCode = run()
} finally {
  rmSync(copy, { recursive: true, force: true })
}

function run(): number {
  for (const part of ["src", "test", "config", "bench", "package.json", "tsconfig.json", "dist"]) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  process.stdout.write(`${chosen.length} of ${mutants.length} mutants, seed ${seed}\n`)
  let failed = 0
  const tell = (mutant: Mutant, verdict: string, ms: number) => {
    if (verdict !== "killed") failed += 1
    process.stdout.write(`${verdict.padEnd(8)} ${(ms / 1000).toFixed(1).padStart(5)} s  ${nameOf(mutant)}\n`)
  }
  for (const mutant of mutants) {
    const reason = lost(mutant)
    if (reason !== undefined) tell(mutant, reason, 0)
  }
  const present = chosen.filter((mutant) => lost(mutant) === undefined)
  const healthy = present.length === 0 ? "green" : vitest([...new Set(present.flatMap((mutant) => mutant.tests))])
  if (healthy !== "green") {
    process.stdout.write(`the named tests are ${healthy} without any mutant: mend them first\n`)
    return 1
  }
  let killed = 0
  for (const mutant of present) {
    const fromMs = performance.now()
    const verdict = judge(mutant)
    if (verdict === "killed") killed += 1
    tell(mutant, verdict, performance.now() - fromMs)
  }
  process.stdout.write(`${killed} killed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

/** Why a row no longer applies to the source, undefined when it does. Every row is asked in every run. */
function lost(mutant: Mutant): string | undefined {
  const missing = [mutant.file, ...mutant.tests].filter((file) => !existsSync(join(copy, file)))
  if (missing.length > 0) return `LOST: no ${missing.join(", ")}`
  const text = readFileSync(join(copy, mutant.file), "utf8")
  const parts = text.split(mutant.find)
  if (parts.length !== 2) return `LOST: the text occurs ${parts.length - 1} times`
  const line = parts[0]?.split("\n").length ?? 0
  return isCitedNear(text, line, mutant.statement) ? undefined : "LOST: statement not cited near it"
}

function judge(mutant: Mutant): string {
  const path = join(copy, mutant.file)
  const text = readFileSync(path, "utf8")
  writeFileSync(path, text.split(mutant.find).join(mutant.replace))
  const outcome = vitest(mutant.tests)
  writeFileSync(path, text)
  if (outcome === "red" || outcome === "hung") return "killed"
  return outcome === "green" ? "SURVIVED" : "SURVIVED: the break does not load"
}

function isCitedNear(text: string, line: number, statement: string): boolean {
  const near = text.split("\n").slice(Math.max(0, line - 1 - citationLinesMax), line + citationLinesMax)
  return near.some((each) => each.includes(statement))
}

interface Report {
  readonly numFailedTests: number
  readonly testResults: ReadonlyArray<{ readonly assertionResults: ReadonlyArray<unknown> }>
}

/** red: a test failed, or the whole run did. broken: a file did not load, or vitest itself failed. */
function vitest(files: ReadonlyArray<string>): "green" | "red" | "broken" | "hung" {
  const report = join(copy, "report.json")
  rmSync(report, { force: true })
  const script = join(root, "node_modules", "vitest", "vitest.mjs")
  const args = [
    "run",
    "--config",
    "test/vitest.config.ts",
    "--reporter=json",
    `--outputFile=${report}`,
    "--bail=1",
    ...files
  ]
  const { status, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: copy,
    stdio: "ignore",
    env: { ...process.env, PROMPTMQ_TEST_TIMEOUT_MS: String(testTimeoutMs) },
    timeout: hangMs,
    killSignal: "SIGKILL"
  })
  if (error !== undefined) return "hung"
  if (status === 0) return "green"
  try {
    const found = JSON.parse(readFileSync(report, "utf8")) as Report
    // Every file loaded and ran, and yet the run is red: an invariant of ours was broken outside of any one test.
    const allLoaded = found.testResults.every(({ assertionResults }) => assertionResults.length > 0)
    return found.numFailedTests > 0 || (allLoaded && found.testResults.length > 0) ? "red" : "broken"
  } catch {
    return "broken"
  }
}

/** Draws `count` rows without repetition; mulberry32 is enough of a generator for that. */
function sample(rows: ReadonlyArray<Mutant>, count: number, from: number): ReadonlyArray<Mutant> {
  const left = [...rows]
  const drawn: Array<Mutant> = []
  let state = from | 0
  while (drawn.length < count && left.length > 0) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    const index = ((mixed ^ (mixed >>> 14)) >>> 0) % left.length
    drawn.push(...left.splice(index, 1))
  }
  return drawn
}

function nameOf(mutant: Mutant): string {
  return `${mutant.statement}  ${mutant.file}  ${mutant.find.trim()} → ${mutant.replace.trim()}`
}
