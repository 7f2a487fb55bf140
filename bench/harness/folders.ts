/**
 * Where benches read and write: the repository's root, one temporary folder per process (removed at exit), and
 * .bench/ (not committed) for results as JSON.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

let scratch: string | undefined

export function scratchFolder(): string {
  if (scratch === undefined) {
    const made = mkdtempSync(join(tmpdir(), "promptmq-bench-"))
    process.on("exit", () => rmSync(made, { recursive: true, force: true }))
    scratch = made
  }
  return scratch
}

export function saveResult(name: string, result: unknown): void {
  const folder = join(root, ".bench")
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  process.stdout.write(`\nAs JSON: .bench/${name}.json\n`)
}
