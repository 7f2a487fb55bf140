/**
 * `promptmq store restore <folder>`: a store from a backup. The backup is verified before anything is written, and
 * nothing is ever overwritten.
 *
 * Exit codes: 0; 1 when the target is not empty; 6 no backup; 7 the backup is damaged (nothing was written), also with
 * --accept-damage, when the store that it was made of was.
 */
import { resolve } from "node:path"
import { restore } from "../store/tools/restore.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag } from "./grammar/option.ts"
import { bytesText, count, jsonOption, onStore, storeOptions } from "./store-place.ts"
import { complain, say } from "./world.ts"

export const body = commandBody({
  notes: ["The target is the data folder of --data-dir or of the configuration; it must be empty or not there yet."],
  examples: [
    {
      line: "promptmq store restore /mnt/backup/2026-11-21",
      why: "into the configured data folder, which must be empty"
    },
    { line: "promptmq store restore ./copy --data-dir ./again", why: "into a folder of its own, to look at" }
  ],
  operands: [{ name: "folder", summary: "the backup", isRequired: true, isFile: true }],
  options: {
    "accept-damage": flag("restore a backup of a store that was damaged when it was made"),
    ...jsonOption,
    ...storeOptions
  },
  isHelpWhenBare: true,
  run: ({ operands, options }, world) => {
    const folder = resolve(world.workingDirectory, operands[0] ?? "")
    return onStore(
      options,
      world,
      ({ place }) => restore(diskFs, folder, place, { acceptsDamage: options["accept-damage"] }),
      ({ bytes, isDamaged, manifest, records }, { place }) => {
        const { createdAt, durableLsn, files } = manifest
        if (options.json) {
          const answer = {
            version: 1,
            dataDirectory: place.dataDirectory,
            files: files.length,
            bytes,
            records,
            createdAt
          }
          world.stdout.write(`${JSON.stringify({ ...answer, upTo: durableLsn, damaged: isDamaged })}\n`)
        } else {
          const what = `${count(files.length, "file")}, ${bytesText(bytes)}, ${count(records, "record")}`
          world.stdout.write(`${place.dataDirectory}: ${what}, as of ${createdAt}\n`)
          say(world, `next: promptmq server --data-dir ${place.dataDirectory} with the configuration it had`)
        }
        if (!isDamaged) return exitCodes.done
        complain(world, {
          code: "E7001",
          fact: "the restored store is damaged, as it was when the backup was made",
          fix: "promptmq store verify tells what is lost"
        })
        return exitCodes.dataDamaged
      }
    )
  }
})
