/**
 * `promptmq store repair`: takes damage out of a store in place, so that a start finds nothing wrong. What was damaged is
 * in quarantine/ afterwards, whole; nothing is deleted.
 *
 * Exit codes: 0 repaired, or nothing to do; 7 still damaged; 8 while a broker uses the store.
 */
import { repair } from "../store/tools/repair.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { count, jsonOption, onStore, storeOptions } from "./store-place.ts"
import { say } from "./world.ts"

export const body = commandBody({
  notes: [
    "A broker needs no repair to start: with storage.on-corruption: salvage it passes over damage and reports it each time. This makes the report stop, and lets on-corruption: refuse start again.",
    "Copy the folder first: what is lost stays lost, and a later version may read more than this one."
  ],
  examples: [{ line: "promptmq store repair", why: "of the configured, stopped store; then promptmq store verify" }],
  operands: [],
  options: { ...jsonOption, ...storeOptions },
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    onStore(
      options,
      world,
      ({ place, settings }) => repair(diskFs, place, settings.storage.wal.segmentSizeBytes),
      ({ bytesCut, lost, quarantined }, { place }) => {
        if (options.json) {
          world.stdout.write(`${JSON.stringify({ version: 1, quarantined, lost, bytesCut })}\n`)
          return exitCodes.done
        }
        const nothing = quarantined.length === 0 && lost === 0
        const what = nothing ? "nothing to repair" : `repaired: ${count(lost, "record")} lost`
        world.stdout.write(`${what}${bytesCut > 0 ? `, ${count(bytesCut, "byte")} of a torn end cut` : ""}\n`)
        for (const name of quarantined) say(world, `kept: ${place.dataDirectory}/quarantine/${name}`)
        return exitCodes.done
      }
    )
})
