/**
 * `promptmq store dump`: the records of the log, one JSON object per line, in the order in which they were written.
 * Writes nothing, takes no lock, and may be used on a store in use.
 *
 * Exit codes: 0, 7 when damaged bytes were passed over (everything that verifies was printed).
 */
import * as Effect from "effect/Effect"
import { filterFault, matches } from "../router/topic-filter.ts"
import { parseDurationMs } from "../settings/units.ts"
import { recordJson } from "../store/tools/dump-record.ts"
import { type PayloadForm, payloadForms } from "../store/tools/json.ts"
import { inspect } from "../store/tools/place.ts"
import { kindName, recordKinds } from "../store/tools/record-kinds.ts"
import { readRecords, type StoredRecord } from "../store/tools/stored-records.ts"
import { topicOf } from "../store/tools/verify-store.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { RecordType } from "../wal/record.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, number, text, texts, UsageFault } from "./grammar/option.ts"
import { LineBlocks } from "./store-lines.ts"
import { onStore, sayInUse, storeOptions } from "./store-place.ts"
import { complain } from "./world.ts"

const dumpOptions = {
  topic: text("only messages whose topic this filter matches", { letter: "t", placeholder: "filter" }),
  kind: texts("only these kinds of records; may be repeated", { placeholder: "kind", choices: recordKinds }),
  from: number("first LSN", { placeholder: "LSN", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  to: number("last LSN", { placeholder: "LSN", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  since: text("written then or later: a time (2026-11-21T08:00:00Z) or how long ago (2h)", { placeholder: "time" }),
  until: text("written before: a time or how long ago", { placeholder: "time" }),
  payload: text("payloads as text, base64, not at all, or as text where they are (auto)", {
    placeholder: "form",
    choices: payloadForms
  }),
  limit: number("at most so many records", { placeholder: "count", minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
}

export const body = commandBody({
  notes: [
    "A record's time is when it was written. Records that are written but not yet known to be durable have durable: false; the next start keeps them.",
    "On a store in use it prints what is there now."
  ],
  examples: [
    { line: "promptmq store dump -t 'plant/#' --since 2h", why: "what the last two hours left of a part of the tree" },
    { line: "promptmq store dump --kind session --kind cursor", why: "sessions and how far they are" },
    { line: "promptmq store dump --from 1000 --to 1010 --payload base64", why: "a few records, byte by byte" }
  ],
  operands: [],
  options: { ...dumpOptions, ...storeOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const isWanted = selection(options, world.wallClockMs())
    if (isWanted instanceof UsageFault) return isWanted
    const form = (options.payload ?? "auto") as PayloadForm
    const lines = new LineBlocks((block) => world.stdout.write(block))
    let left = options.limit ?? Number.POSITIVE_INFINITY
    return onStore(
      options,
      world,
      ({ place }) =>
        Effect.gen(function* () {
          const inspected = yield* inspect(diskFs, place)
          sayInUse(world, inspected)
          return yield* readRecords(diskFs, inspected, {
            record: (stored) => {
              if (left <= 0 || !isWanted(stored)) return
              left--
              lines.add(JSON.stringify(recordJson(stored, form)))
            }
          })
        }),
      (verdict) => {
        lines.flush()
        if (!verdict.isDamaged) return exitCodes.done
        complain(world, {
          code: "E7001",
          fact: "damaged bytes were passed over; every record that verifies is above",
          fix: "promptmq store verify tells which"
        })
        return exitCodes.dataDamaged
      }
    )
  }
})

/** Which records are asked for. */
function selection(
  options: Decoded<typeof dumpOptions>,
  nowMs: number
): ((stored: StoredRecord) => boolean) | UsageFault {
  const { from = 0, kind, to = Number.POSITIVE_INFINITY, topic } = options
  const unknown = kind.find((name) => !recordKinds.includes(name))
  if (unknown !== undefined) return new UsageFault(`--kind is "${unknown}", it takes one of ${recordKinds.join(", ")}`)
  const fault = topic === undefined ? undefined : filterFault(topic, Number.POSITIVE_INFINITY)
  if (fault !== undefined) return new UsageFault(`--topic is "${topic}": ${fault.why}`, undefined, "E2002")
  const since = readTime("since", options.since, nowMs) ?? 0
  const until = readTime("until", options.until, nowMs) ?? Number.POSITIVE_INFINITY
  if (since instanceof UsageFault) return since
  if (until instanceof UsageFault) return until
  const isTimed = options.since !== undefined || options.until !== undefined
  const kinds = new Set(kind)
  return ({ record, writtenMs }) => {
    if (record.lsn < from || record.lsn > to) return false
    if (kinds.size > 0 && !kinds.has(kindName(record.type))) return false
    if (isTimed && (writtenMs === 0 || writtenMs < since || writtenMs >= until)) return false
    return topic === undefined || (record.type === RecordType.message && matches(topic, topicOf(record)))
  }
}

function readTime(name: string, given: string | undefined, nowMs: number): number | UsageFault | undefined {
  if (given === undefined) return undefined
  const agoMs = parseDurationMs(given)
  if (agoMs !== undefined) return nowMs - agoMs
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(given) ? Date.parse(given) : Number.NaN
  if (!Number.isNaN(timeMs)) return timeMs
  return new UsageFault(
    `--${name} is "${given}", it takes a time such as 2026-11-21T08:00:00Z or a duration such as 2h`
  )
}
