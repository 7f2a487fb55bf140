/**
 * `promptmq store import <file>`: an export into a new store or a stopped one. The file is checked whole before anything
 * is written.
 *
 * Exit codes: 0; 2 when the file is no export, with the line that is wrong; 1 when the store has a session of that name
 * already; 8 while a broker uses the store.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { importStore, type OnExisting, onExistingWays } from "../store/tools/import-store.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { count, jsonOption, onStore, storeOptions } from "./store-place.ts"
import { complain, say } from "./world.ts"

export const body = commandBody({
  notes: [
    "Every session waits for the same messages as before, in the same order. Sessions that the store has already do not see them; its shared subscriptions do.",
    "An imported retained value replaces the store's own."
  ],
  examples: [
    { line: "promptmq store import state.jsonl --data-dir /var/lib/promptmq", why: "into a new or stopped store" },
    { line: "promptmq store import state.jsonl --existing skip", why: "only sessions that are not there yet" }
  ],
  operands: [{ name: "file", summary: "what store export wrote", isRequired: true, isFile: true }],
  options: {
    existing: text("sessions that the store has already: refuse (the import), skip or replace", {
      placeholder: "way",
      choices: onExistingWays
    }),
    ...jsonOption,
    ...storeOptions
  },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const file = resolve(world.workingDirectory, operands[0] ?? "")
    if (!existsSync(file)) {
      complain(world, { code: "E6001", fact: `${file}: no such file`, fix: "name what promptmq store export wrote" })
      return exitCodes.notFound
    }
    const way = (options.existing ?? "refuse") as OnExisting
    return onStore(
      options,
      world,
      ({ place, settings }) =>
        importStore(diskFs, file, { place, segmentBytes: settings.storage.wal.segmentSizeBytes }, way),
      ({ existing, groups, messages, sessions }, { place }) => {
        if (options.json) {
          world.stdout.write(`${JSON.stringify({ version: 1, messages, sessions, groups, existing })}\n`)
          return exitCodes.done
        }
        const what = [count(messages, "message"), count(sessions, "session"), count(groups, "group")].join(", ")
        world.stdout.write(`${place.dataDirectory}: imported ${what}\n`)
        for (const name of existing) say(world, `${way === "skip" ? "skipped" : "replaced"}: session ${name}`)
        return exitCodes.done
      }
    )
  }
})
