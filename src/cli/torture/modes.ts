/**
 * The sync modes under torture, as flags of `promptmq server`, and the rest of a tortured broker's command line.
 *
 * Log files are as small as they may be and compaction looks every second, so that a run of minutes sees hundreds of
 * rotations, snapshots and compactions and not only the first file.
 */
import { dirname } from "node:path"
import type { BrokerProgram } from "./broker-process.ts"

const modeFlags = {
  immediate: ["--wal-sync-mode=immediate"],
  batch: ["--wal-sync-mode=batch"],
  "batch-written": ["--wal-sync-mode=batch", "--wal-acknowledge=written"],
  periodic: ["--wal-sync-mode=periodic"]
} as const satisfies Readonly<Record<string, ReadonlyArray<string>>>

export type Mode = keyof typeof modeFlags
export const modes = Object.keys(modeFlags) as ReadonlyArray<Mode>

const fixedFlags = [
  "--bind=127.0.0.1:0",
  "--ws-bind=",
  "--admin=false",
  "--metrics=false",
  "--log-level=warn",
  "--wal-segment-size=4MiB",
  "--compaction-max-wal-size=8MiB",
  "--compaction-check-interval=1s"
]

export interface TorturedOptions {
  /** What Node runs to be this command: the entry of the process that asks, or of a build. */
  readonly script: string
  readonly folder: string
  readonly mode: Mode
  readonly engine?: "wal" | "memory" | undefined
  /** Before the script: a test makes the process worse than it is. */
  readonly nodeFlags?: ReadonlyArray<string> | undefined
}

export function tortured({ engine = "wal", folder, mode, nodeFlags = [], script }: TorturedOptions): BrokerProgram {
  const own = [`--storage-engine=${engine}`, `--data-dir=${folder}`]
  const words = [...nodeFlags, script, "server", ...own, ...fixedFlags, ...modeFlags[mode]]
  return { command: process.execPath, words, folder: dirname(folder) }
}
