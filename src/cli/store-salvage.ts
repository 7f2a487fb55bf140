/**
 * `promptmq store salvage --to <folder>`: a new store from everything that verifies of a damaged one, which is only read.
 *
 * Exit codes: 0, also when something was lost, which is said; 1 when the target is not empty; 8 while a broker uses the
 * store.
 */
import { join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { inspect } from "../store/tools/place.ts"
import { salvage } from "../store/tools/salvage.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { refuse } from "../wal/store-error.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text, UsageFault } from "./grammar/option.ts"
import { count, jsonOption, onStore, storeOptions } from "./store-place.ts"
import { say } from "./world.ts"

export const body = commandBody({
  notes: [
    "Writes messages, sessions, subscriptions and groups into a store of its own, with its log inside the folder. The damaged store stays as it is.",
    "What a lost record said is not guessed: a session whose position was lost goes on from an older one, and may get messages again."
  ],
  examples: [
    { line: "promptmq store salvage --to /var/lib/promptmq-new", why: "then start the broker with that data-dir" }
  ],
  operands: [],
  options: {
    to: text("data folder of the new store, which is empty or not there yet", { placeholder: "folder", isFile: true }),
    ...jsonOption,
    ...storeOptions
  },
  isHelpWhenBare: true,
  run: async ({ options }, world) => {
    const { to } = options
    if (to === undefined) return new UsageFault("--to is missing: where to write the new store")
    const dataDirectory = resolve(world.workingDirectory, to)
    return onStore(
      options,
      world,
      ({ place, settings }) =>
        Effect.gen(function* () {
          const inspected = yield* inspect(diskFs, place)
          const { holder } = inspected
          if (holder !== undefined) {
            const fact = `the store is in use by pid ${holder.processId}, since ${new Date(holder.sinceMs).toISOString()}`
            return yield* refuse("locked", place.dataDirectory, fact, "stop that process first")
          }
          const target = { dataDirectory, logDirectory: join(dataDirectory, "log") }
          return yield* salvage(diskFs, inspected, {
            place: target,
            segmentBytes: settings.storage.wal.segmentSizeBytes
          })
        }),
      ({ groups, messages, sessions, unreadable, verdict }) => {
        const lost = verdict.segments
          .flatMap(({ damages }) => damages.flatMap((damage) => damage.lost))
          .reduce((sum, range) => sum + range.to - range.from + 1, 0)
        if (options.json) {
          const json = { version: 1, dataDirectory, messages, sessions, groups, lost, unreadable }
          world.stdout.write(`${JSON.stringify(json)}\n`)
          return exitCodes.done
        }
        const saved = `${count(messages, "message")}, ${count(sessions, "session")}, ${count(groups, "group")}`
        const files = unreadable === 0 ? "" : `, ${count(unreadable, "file")} could not be read at all`
        world.stdout.write(`${dataDirectory}: ${saved}; ${count(lost, "record")} lost${files}\n`)
        say(world, `next: promptmq store verify --data-dir ${dataDirectory}`)
        return exitCodes.done
      }
    )
  }
})
