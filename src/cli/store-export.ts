/**
 * `promptmq store export`: retained messages, sessions, groups and what they wait for, as text that another store and
 * another version can import. Reads only, under the store's lock.
 *
 * Exit codes: 0; 7 when damaged bytes were passed over; 8 while a broker uses the store.
 */
import { closeSync, openSync, writeSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import { readErrorWords } from "../config/layers.ts"
import { exportStore } from "../store/tools/export-store.ts"
import { holding } from "../store/tools/place.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { LineBlocks } from "./store-lines.ts"
import { count, onStore, storeOptions } from "./store-place.ts"
import { complain, say, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "One JSON object per line: head, messages, sessions, groups, end. Without a file name it goes to stdout.",
    "Only what somebody waits for is in it: retained values, and queued and unacknowledged messages of sessions and groups. For a copy of everything use store backup."
  ],
  examples: [
    { line: "promptmq store export state.jsonl", why: "a way back before an upgrade" },
    { line: "promptmq store export | gzip > state.jsonl.gz", why: "to stdout" }
  ],
  operands: [{ name: "file", summary: "file to write, which must not be there yet", isRequired: false, isFile: true }],
  options: { ...storeOptions },
  isHelpWhenBare: false,
  run: ({ operands, options }, world) => {
    const output = outputOf(operands[0], world)
    if (typeof output === "number") return Promise.resolve(output)
    const lines = new LineBlocks(output.write)
    return onStore(
      options,
      world,
      ({ place }) =>
        Effect.gen(function* () {
          const inspected = yield* holding(diskFs, place)
          return yield* exportStore(diskFs, inspected, Math.floor(world.wallClockMs()), (line) => lines.add(line))
        }).pipe(Effect.ensuring(Effect.sync(() => lines.flush()))),
      ({ groups, messages, retained, sessions, verdict }) => {
        const what = [count(messages, "message"), `${retained} of them retained`, count(sessions, "session")]
        say(world, `exported ${what.join(", ")}, ${count(groups, "group")}`)
        if (!verdict.isDamaged) return exitCodes.done
        const fix = "promptmq store verify tells what is lost"
        complain(world, { code: "E7001", fact: "damaged bytes were passed over; the rest is exported", fix })
        return exitCodes.dataDamaged
      }
    ).finally(output.close)
  }
})

interface FileOutput {
  readonly write: (text: string) => void
  readonly close: () => void
}

/** Messages may be anybody's secrets: the file is the owner's alone. */
function outputOf(name: string | undefined, world: World): FileOutput | ExitCode {
  if (name === undefined || name === "-") return { write: (text) => world.stdout.write(text), close: () => undefined }
  const file = resolve(world.workingDirectory, name)
  try {
    const descriptor = openSync(file, "wx", 0o600)
    return { write: (text) => void writeSync(descriptor, text), close: () => closeSync(descriptor) }
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST"
    const fix = isThere ? "choose another name; it is not overwritten" : "choose a folder that this user may write to"
    complain(world, { code: "E1001", fact: `${file}: ${isThere ? "already exists" : readErrorWords(cause)}`, fix })
    return exitCodes.failed
  }
}
