/**
 * What this is, in one line: version, Node, commit, store format. The build may define the constant
 * PROMPTMQ_COMMIT (rolldown `transform.define`); a source tree with git answers from there; an installed
 * package without either says "unknown".
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"

declare const PROMPTMQ_COMMIT: string | undefined

/** STORE_VERSION of wal/format-file.ts, which is not imported here: `--version` needs none of what that brings along. */
export const storeFormatVersion = 1

export function versionLine(): string {
  const program = `promptmq ${packageVersion()}, Node ${process.versions.node}, commit ${commit()}`
  return `${program}, store format ${storeFormatVersion}`
}

export function packageVersion(): string {
  const found = packageFile()
  return found === undefined ? "unknown" : found.version
}

interface PackageFile {
  readonly folder: string
  readonly version: string
}

/** The package.json above this file: the same search serves src/, dist/ and an installed package. */
function packageFile(): PackageFile | undefined {
  let folder = import.meta.dirname
  for (;;) {
    const version = versionIn(join(folder, "package.json"))
    if (version !== undefined) return { folder, version }
    const parent = dirname(folder)
    if (parent === folder) return undefined
    folder = parent
  }
}

function versionIn(file: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"))
    if (typeof parsed !== "object" || parsed === null) return undefined
    const { name, version } = parsed as { readonly name?: unknown; readonly version?: unknown }
    return name === "promptmq" && typeof version === "string" ? version : undefined
  } catch {
    return undefined
  }
}

function commit(): string {
  if (typeof PROMPTMQ_COMMIT === "string") return PROMPTMQ_COMMIT
  const folder = packageFile()?.folder
  if (folder === undefined) return "unknown"
  try {
    const root = execFileSync("git", ["-C", folder, "rev-parse", "--show-toplevel", "--short=12", "HEAD"], quietly)
    const [top, hash] = root.trim().split("\n")
    // An installed package inside someone else's repository must not report that repository's commit.
    return top === folder && hash !== undefined ? hash : "unknown"
  } catch {
    return "unknown"
  }
}

const quietly = {
  encoding: "utf8" as const,
  stdio: ["ignore" as const, "pipe" as const, "ignore" as const],
  timeout: 2000
}
