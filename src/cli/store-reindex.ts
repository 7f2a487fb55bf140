/**
 * `promptmq store reindex`: the index is set aside and made anew from snapshots and log. For an index that is suspected;
 * a missing or damaged one is made anew at the next start anyway.
 *
 * Exit codes: 0; 8 while a broker uses the store.
 */
import { storeOptionsOf } from "../config/store-options.ts"
import { reindex } from "../store/tools/reindex.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { count, jsonOption, onStore, storeOptions } from "./store-place.ts"

export const body = commandBody({
  notes: [
    "Nothing is lost by it: everything in the index is in the snapshots and the log. The old one goes to quarantine/."
  ],
  examples: [{ line: "promptmq store reindex", why: "of the configured, stopped store" }],
  operands: [],
  options: { ...jsonOption, ...storeOptions },
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    onStore(
      options,
      world,
      ({ settings }) => reindex({ ...storeOptionsOf(settings), fs: diskFs }, Math.floor(world.wallClockMs())),
      ({ index, milliseconds, sessions, subscriptions }) => {
        const json = { version: 1, from: index, sessions, subscriptions, milliseconds }
        const from = index.replace("rebuilt from", "made anew from")
        const text = `${from}: ${count(sessions, "session")}, ${count(subscriptions, "subscription")}, ${Math.round(milliseconds)} ms`
        world.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `index ${text}\n`)
        return exitCodes.done
      }
    )
})
