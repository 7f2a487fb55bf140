/**
 * `promptmq store backup <folder>`: a copy of the store that can be restored, with checksums. A stopped store is copied
 * here; of one in use the broker makes the copy itself, asked through its admin API, and goes on serving.
 *
 * Exit codes: 0; 7 when the store is damaged (the backup was made, and holds the same damage).
 */
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import { type BackupReport, backupStopped } from "../store/tools/backup.ts"
import { holding } from "../store/tools/place.ts"
import { diskFs } from "../wal/disk-fs.ts"
import type { LockHolder } from "../wal/store-fs.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { askBroker } from "./store-admin.ts"
import {
  bytesText,
  type ChosenStore,
  chooseStore,
  count,
  jsonOption,
  onHeldStore,
  runTool,
  storeOptions
} from "./store-place.ts"
import { complain, say, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "The folder must be new or empty. It holds the log, the snapshots and a manifest with checksums; the index is derived and left out, quarantined bytes are too.",
    "Files are copied, not linked: a backup shares no bytes with the store. Take it to another disk."
  ],
  examples: [
    { line: "promptmq store backup /mnt/backup/2026-11-21", why: "of a stopped store, or through the running broker" },
    { line: "promptmq store backup -c broker.yaml ./copy --json", why: "the store of that configuration" }
  ],
  operands: [{ name: "folder", summary: "where to write the backup", isRequired: true, isFile: true }],
  options: { ...jsonOption, ...storeOptions },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const chosen = await chooseStore(options, world)
    if (typeof chosen === "number") return chosen
    const folder = resolve(world.workingDirectory, operands[0] ?? "")
    return onHeldStore(chosen, world, {
      held: (holder) => throughBroker(chosen, holder, folder, options.json, world),
      free: () => runTool(stopped(chosen, folder, world), world, (report) => tellOwn(report, options.json, world))
    })
  }
})

const stopped = ({ place }: ChosenStore, folder: string, world: World) =>
  Effect.andThen(holding(diskFs, place), backupStopped(diskFs, place, folder, Math.floor(world.wallClockMs())))

function tellOwn(
  { bytes, directory, durableLsn, files, isDamaged, records }: BackupReport,
  isJson: boolean,
  world: World
): ExitCode {
  tell({ folder: directory, files, bytes, upTo: durableLsn }, isJson, world, `, ${count(records, "record")}`)
  if (!isDamaged) return exitCodes.done
  complain(world, {
    code: "E7001",
    fact: "the store is damaged, and so is this backup of it",
    fix: "promptmq store verify tells what is lost; keep older backups"
  })
  return exitCodes.dataDamaged
}

/** As the admin API answers it (admin/api/). */
interface BackedUp {
  readonly folder: string
  readonly files: number
  readonly bytes: number
  readonly upTo: number
}

async function throughBroker(
  { settings }: ChosenStore,
  holder: LockHolder,
  folder: string,
  isJson: boolean,
  world: World
): Promise<ExitCode> {
  const asked = await askBroker(settings, holder, { path: "/api/v1/storage/backup", body: { folder } }, world)
  if (typeof asked === "number") return asked
  tell(asked.answer as BackedUp, isJson, world, `, by the running broker (pid ${holder.processId})`)
  return exitCodes.done
}

function tell({ bytes, files, folder, upTo }: BackedUp, isJson: boolean, world: World, more: string): void {
  if (isJson) {
    world.stdout.write(`${JSON.stringify({ version: 1, folder, files, bytes, upTo })}\n`)
    return
  }
  world.stdout.write(`${folder}: ${count(files, "file")}, ${bytesText(bytes)}, up to LSN ${upTo}${more}\n`)
  say(world, `to restore it: promptmq store restore ${folder} --data-dir <new folder>`)
}
