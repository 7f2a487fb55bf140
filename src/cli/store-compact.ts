/**
 * `promptmq store compact`: what nobody waits for goes, now and not when the broker's schedule comes to it. Of a store in
 * use the broker does it, asked through its admin API.
 *
 * Exit codes: 0, also when there was nothing to gain, which is said.
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import { storeOptionsOf } from "../config/store-options.ts"
import { compactStore } from "../store/tools/compact-store.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { askBroker } from "./store-admin.ts"
import { bytesText, chooseStore, count, jsonOption, onHeldStore, runTool, storeOptions } from "./store-place.ts"
import { say, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "Removes messages that no session, shared subscription, retained value or replay window needs, as the broker's own compaction does. History that a topic's policy keeps for replay stays: give the broker's configuration.",
    "Of a store in use the broker makes one round by its own settings; of a stopped one everything that can be gained is."
  ],
  examples: [{ line: "promptmq store compact -c broker.yaml", why: "before a backup, or when the disk is short" }],
  operands: [],
  options: { ...jsonOption, ...storeOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const chosen = await chooseStore(options, world)
    if (typeof chosen === "number") return chosen
    const { settings } = chosen
    return onHeldStore(chosen, world, {
      held: async (holder) => {
        const asked = await askBroker(settings, holder, { path: "/api/v1/storage/compact", body: {} }, world)
        if (typeof asked === "number") return asked
        tell(asked.answer as Compacted, options.json, world)
        return exitCodes.done
      },
      free: () =>
        runTool(
          Effect.suspend(() =>
            compactStore({
              ...storeOptionsOf(settings),
              fs: diskFs,
              compaction: settings.storage.compaction,
              nowMs: () => Math.floor(world.wallClockMs()),
              randomHex: (bytes) => randomBytes(bytes).toString("hex")
            })
          ),
          world,
          (report) => {
            tell(report, options.json, world)
            return exitCodes.done
          }
        )
    })
  }
})

/** As the admin API answers it too (admin/api/). */
interface Compacted {
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly filesDropped: number
  readonly filesCopied: number
  readonly isBlocked: boolean
}

function tell(
  { bytesAfter, bytesBefore, filesCopied, filesDropped, isBlocked }: Compacted,
  isJson: boolean,
  world: World
): void {
  if (isJson) {
    const json = { version: 1, bytesBefore, bytesAfter, filesDropped, filesCopied, isBlocked }
    world.stdout.write(`${JSON.stringify(json)}\n`)
    return
  }
  const done = `${count(filesDropped, "file")} removed, ${filesCopied} rewritten`
  const isNothing = filesDropped + filesCopied === 0
  const sizes = `${bytesText(bytesBefore)} before, ${bytesText(bytesAfter)} after`
  world.stdout.write(isNothing ? `nothing to gain: ${bytesText(bytesAfter)}\n` : `${sizes}: ${done}\n`)
  if (isBlocked) say(world, "more can go once the state of sessions is in two snapshots: try again later")
}
