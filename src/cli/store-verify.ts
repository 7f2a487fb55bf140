/**
 * `promptmq store verify`: is every byte of the log true that was ever durable; if not, what is lost and of which topics.
 * Writes nothing, takes no lock, and may be used on a store in use.
 *
 * Exit codes: 0 good, also with a torn end, which is said; 7 damaged.
 */
import * as Effect from "effect/Effect"
import { inspect } from "../store/tools/place.ts"
import { type DamageReport, type SegmentReport, type StoreReport, verifyStore } from "../store/tools/verify-store.ts"
import { diskFs } from "../wal/disk-fs.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { bad, bytesText, count, good, jsonOption, onStore, sayInUse, storeOptions, table } from "./store-place.ts"
import { complain, type World } from "./world.ts"

const topicsShown = 20

export const body = commandBody({
  notes: [
    "Reads only. A torn end after a crash is no damage: what it holds was never acknowledged as durable, and the next start cuts it off.",
    "On a store in use it judges what is durable now. The names of lost records come from bytes that no longer verify: they are a hint."
  ],
  examples: [
    { line: "promptmq store verify", why: "exit code 0: good, 7: damaged" },
    { line: "promptmq store verify --data-dir /mnt/copy --json", why: "another folder, for a program" }
  ],
  operands: [],
  options: { ...jsonOption, ...storeOptions },
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    onStore(
      options,
      world,
      ({ place }) =>
        Effect.gen(function* () {
          const inspected = yield* inspect(diskFs, place)
          if (!options.json) sayInUse(world, inspected)
          return yield* verifyStore(diskFs, inspected)
        }),
      (report, { place }) => {
        world.stdout.write(
          options.json ? `${JSON.stringify(toJson(report, place.dataDirectory))}\n` : text(report, world)
        )
        if (report.state !== "damaged") return exitCodes.done
        if (!options.json) {
          complain(world, {
            code: "E7001",
            fact: lossWords(report),
            fix: "copy the folder, then: promptmq store repair; or promptmq store salvage --to <new folder>"
          })
        }
        return exitCodes.dataDamaged
      }
    )
})

function text(report: StoreReport, world: World): string {
  const head = ["file", "state", "epoch", "LSN", "records", "size"]
  const rows = report.segments.map((segment) => [
    segment.segment,
    stateWords(segment),
    String(segment.epoch),
    segment.lastLsn < segment.baseLsn ? "-" : `${segment.baseLsn}-${segment.lastLsn}`,
    String(segment.records),
    bytesText(segment.sizeBytes)
  ])
  const lines = table([head, ...rows], new Set([2, 4, 5]))
  const damages = report.segments.flatMap(({ damages: found }) => found).map(damageWords)
  return `${lines}${[...damages, ...verdictLines(report, world)].join("\n")}\n`
}

function stateWords({ endOffset, state }: SegmentReport): string {
  return state === "cut" ? `cut at byte ${endOffset}` : state
}

function damageWords({ lengthBytes, lost, names, offset, segment }: DamageReport): string {
  const where = `${segment} at byte ${offset}, ${count(lengthBytes, "byte")}`
  const ranges = lost.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(", ")
  if (lost.length === 0) return `  ${where}: nothing lost, the same is there twice or was never used`
  const shown = [...names.topics].slice(0, topicsShown).map(([topic, records]) => `${topic} (${records})`)
  const kinds = [...names.kinds].map(([kind, records]) => `${kind} records (${records})`)
  const more = names.topics.size > topicsShown ? [`${names.topics.size - topicsShown} more topics`] : []
  const unnamed = names.unnamed > 0 ? [`unknown (${names.unnamed})`] : []
  return `  ${where}: lost LSN ${ranges}: ${[...shown, ...more, ...kinds, ...unnamed].join(", ")}`
}

function verdictLines(report: StoreReport, world: World): ReadonlyArray<string> {
  const held = `${count(report.records, "record")}, ${count(report.messages, "message")}`
  const quarantined =
    report.quarantined > 0 ? [`quarantine: ${count(report.quarantined, "file")} set aside earlier`] : []
  const format = report.format === "good" ? [] : [`FORMAT is ${report.format}: a start writes it again`]
  const snapshots = report.snapshots
    .filter(({ lsn }) => lsn === undefined)
    .map(({ name }) => `snapshot ${name} does not verify: the one before it and the log stand in for it`)
  const { missingEnd } = report
  const end =
    missingEnd === undefined
      ? []
      : [`the end is missing: LSN ${missingEnd.from}-${missingEnd.to}, a snapshot knows of it`]
  const beside = [...end, ...quarantined, ...format, ...snapshots]
  if (report.state === "damaged") return [...beside, `${bad(world, "damaged")}: ${lossWords(report)}; ${held}`]
  const cut = report.state === "cut" ? "; a torn end that was never durable, the next start cuts it off" : ""
  return [...beside, `${good(world, "good")}: ${held}${cut}`]
}

function lossWords({ lost, lostTopics, lostTopicsLeftOut }: StoreReport): string {
  if (lost === 0) return "bytes do not verify, no record is lost"
  const topics = lostTopics.length + lostTopicsLeftOut
  return `${count(lost, "record")} lost${topics === 0 ? "" : ` of ${count(topics, "topic")}`}`
}

function toJson(report: StoreReport, dataDirectory: string): unknown {
  const { lost, lostKinds, lostTopics, lostTopicsLeftOut, lostUnnamed, segments, ...rest } = report
  return {
    version: 1,
    dataDirectory,
    ...rest,
    segments: segments.map(({ baseLsn, damages, segment, wasClosed, ...facts }) => ({
      file: segment,
      firstLsn: baseLsn,
      ...facts,
      closed: wasClosed,
      damages: damages.map(({ lengthBytes, lost: ranges, names, offset }) => ({
        offset,
        lengthBytes,
        lost: ranges,
        topics: Object.fromEntries(names.topics),
        kinds: Object.fromEntries(names.kinds),
        unnamed: names.unnamed
      }))
    })),
    lost: {
      records: lost,
      topics: lostTopics.map(({ isKnown, records, topic }) => ({ topic, records, known: isKnown })),
      topicsLeftOut: lostTopicsLeftOut,
      kinds: Object.fromEntries(lostKinds),
      unnamed: lostUnnamed
    }
  }
}
