/**
 * `promptmq store stats`: what a store is made of. Of a stopped one everything: files, topics by bytes, sessions, retained
 * values, garbage. Of one in use what the broker tells through its admin API.
 *
 * Exit codes: 0; 7 when damaged bytes were passed over.
 */
import { type StoreStats, storeStats } from "../store/tools/stats.ts"
import { diskFs } from "../wal/disk-fs.ts"
import type { LockHolder } from "../wal/store-fs.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { number } from "./grammar/option.ts"
import { askBroker } from "./store-admin.ts"
import {
  bytesText,
  type ChosenStore,
  chooseStore,
  count,
  jsonOption,
  onHeldStore,
  runTool,
  storeOptions,
  table
} from "./store-place.ts"
import { complain, say, type World } from "./world.ts"

const rowsDefault = 10

export const body = commandBody({
  notes: ["Garbage is what no session, group or retained value waits for: compaction may remove it."],
  examples: [
    { line: "promptmq store stats", why: "of a stopped store, or through the running broker" },
    { line: "promptmq store stats --limit 100 --json", why: "the hundred largest of each kind, for a program" }
  ],
  operands: [],
  options: {
    limit: number(`rows of each list (${rowsDefault})`, { placeholder: "count", minimum: 0, maximum: 1_000_000 }),
    ...jsonOption,
    ...storeOptions
  },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const chosen = await chooseStore(options, world)
    if (typeof chosen === "number") return chosen
    return onHeldStore(chosen, world, {
      held: (holder) => throughBroker(chosen, holder, options.json, world),
      free: (inspected) =>
        runTool(storeStats(diskFs, inspected), world, (stats) =>
          tell(stats, options.limit ?? rowsDefault, options.json, world)
        )
    })
  }
})

function tell(stats: StoreStats, limit: number, isJson: boolean, world: World): ExitCode {
  world.stdout.write(isJson ? `${JSON.stringify(toJson(stats, limit))}\n` : text(stats, limit))
  if (!stats.isDamaged) return exitCodes.done
  const fix = "promptmq store verify tells what is lost"
  complain(world, { code: "E7001", fact: "damaged bytes were passed over; the figures are of the rest", fix })
  return exitCodes.dataDamaged
}

function text(stats: StoreStats, limit: number): string {
  const percent = `${(stats.garbageShare * 100).toFixed(1)} %`
  const garbageBytes = stats.messageBytes - stats.liveBytes
  const facts = table([
    ["log", `${count(stats.files.length, "file")}, ${bytesText(stats.bytes)}, ${count(stats.spares, "spare")}`],
    ["messages", `${count(stats.messages, "message")}, ${bytesText(stats.messageBytes)}`],
    ["waited for", `${count(stats.liveMessages, "message")}, ${bytesText(stats.liveBytes)}`],
    ["garbage", `${bytesText(garbageBytes)}, ${percent} of the messages' bytes`],
    ["other records", `${count(stats.controlRecords, "record")}, ${bytesText(stats.controlBytes)}`],
    [
      "snapshots",
      stats.snapshots.map(({ lsn, name }) => `${name}${lsn === undefined ? " (damaged)" : ""}`).join(", ") || "none"
    ],
    ["quarantine", count(stats.quarantined, "file")]
  ])
  const topics = stats.topics
    .slice(0, limit)
    .map((each) => [each.topic, String(each.messages), bytesText(each.bytes), String(each.liveMessages)])
  const sessions = stats.sessions
    .slice(0, limit)
    .map((each) => [
      each.clientIdentifier,
      String(each.subscriptions),
      String(each.behind),
      String(each.unacknowledged),
      each.disconnectedAtMs === 0 ? "-" : new Date(each.disconnectedAtMs).toISOString()
    ])
  const retained = stats.retained.slice(0, limit).map((each) => [each.topic, bytesText(each.bytes)])
  return [
    facts,
    list(`topics: ${stats.topics.length}`, ["topic", "messages", "size", "waited for"], topics, [1, 2, 3]),
    list(
      `sessions: ${stats.sessions.length}, shared subscriptions: ${stats.groups}`,
      ["client", "filters", "messages behind", "unacknowledged", "disconnected"],
      sessions,
      [1, 2, 3]
    ),
    list(`retained: ${stats.retained.length}`, ["topic", "size"], retained, [1])
  ].join("\n")
}

function list(
  title: string,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  right: ReadonlyArray<number>
): string {
  return rows.length === 0 ? `${title}\n` : `${title}\n${table([head, ...rows], new Set(right))}`
}

function toJson(stats: StoreStats, limit: number): unknown {
  const { files, isDamaged, retained, sessions, topics, ...rest } = stats
  return {
    version: 1,
    ...rest,
    damaged: isDamaged,
    files: files.map(({ lastLsn, records, segment, sizeBytes, state }) => ({
      file: segment,
      state,
      lastLsn,
      records,
      sizeBytes
    })),
    topicCount: topics.length,
    topics: topics.slice(0, limit),
    sessionCount: sessions.length,
    sessions: sessions.slice(0, limit).map(({ disconnectedAtMs, ...session }) => ({
      ...session,
      disconnectedAt: disconnectedAtMs === 0 ? null : new Date(disconnectedAtMs).toISOString()
    })),
    retainedCount: retained.length,
    retained: retained.slice(0, limit)
  }
}

/** Of the answer of GET /api/v1/system (admin/api/) what is about the store. */
interface SystemAnswer {
  readonly log: Readonly<Record<string, number>>
  readonly storage?: {
    readonly promise: string
    readonly pressure: number
    readonly durable: number
    readonly appended: number
    readonly disk?: { readonly space: string; readonly files: number; readonly bytes: number }
  }
}

async function throughBroker({ settings }: ChosenStore, holder: LockHolder, isJson: boolean, world: World) {
  const asked = await askBroker(settings, holder, { path: "/api/v1/system", body: undefined }, world)
  if (typeof asked === "number") return asked
  const { log, storage } = asked.answer as SystemAnswer
  if (isJson) {
    world.stdout.write(`${JSON.stringify({ version: 1, inUseBy: holder.processId, log, storage })}\n`)
    return exitCodes.done
  }
  const disk = storage?.disk
  say(world, `told by the running broker, pid ${holder.processId}; stop it to see topics and sessions`)
  world.stdout.write(
    table([
      ...(disk === undefined
        ? []
        : [["log", `${count(disk.files, "file")}, ${bytesText(disk.bytes)}, space ${disk.space}`]]),
      ["messages", `${count(log["records"] ?? 0, "message")} of ${count(log["topics"] ?? 0, "topic")}`],
      ...(storage === undefined
        ? []
        : [
            ["durable", `LSN ${storage.durable} of ${storage.appended}`],
            ["pressure", `${(storage.pressure * 100).toFixed(0)} %`],
            ["promise", storage.promise]
          ])
    ])
  )
  return exitCodes.done
}
