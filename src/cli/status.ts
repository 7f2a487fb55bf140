/**
 * `promptmq status`: how the running broker does, on one screen: health, version, addresses, rates, what it promises.
 *
 * Exit codes: 0 all checks are well, 1 one fails; 4 and 5 as of every operating command. With --quiet nothing is printed and
 * it is 0 or 1 only, which is what container engines understand.
 */
import { Overview, SystemInfo } from "../admin/api/system.ts"
import type { Api } from "./api-client.ts"
import { ApiFault } from "./api-fault.ts"
import { chooseBroker } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { askHealth } from "./health.ts"
import { type Fact, factsText } from "./operate/columns.ts"
import { type ShowOptions, show, showOptions, type View } from "./operate/show.ts"
import {
  addressText,
  millisecondsText,
  numberText,
  percentText,
  rateText,
  spanText,
  timeText
} from "./operate/words.ts"
import { bytesText, count } from "./store-place.ts"
import { paint, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "Exit code 0: every check is well; 1: one fails, and is named. With --quiet it is 0 or 1 only, also when no broker answers.",
    "Rates are of the last second, latencies of the last ten."
  ],
  examples: [
    { line: "promptmq status", why: "the broker of this user's configuration" },
    { line: "promptmq status --watch --interval 1", why: "drawn anew every second" },
    { line: "promptmq status --url http://10.0.0.7:9090 --token-file viewer.token", why: "another machine's broker" }
  ],
  operands: [],
  options: {
    quiet: flag("say nothing; exit code 0 or 1, for health checks", { letter: "q", section: "How it is shown" }),
    ...showOptions
  },
  isHelpWhenBare: false,
  run: async ({ options }, world) => (options.quiet ? quietly(options, world) : show(options, world, view(world)))
})

interface Status {
  readonly system: typeof SystemInfo.Type
  readonly overview: typeof Overview.Type
}

/** As `promptmq health` asks, without a word. */
async function quietly(options: ShowOptions, world: World): Promise<ExitCode | UsageFault> {
  // Not a copy: to read a member of the process's world may open it (standard input).
  const place = await chooseBroker(options, Object.create(world, { stderr: { value: silent } }) as World)
  if (place instanceof UsageFault) return place
  if (typeof place === "number") return exitCodes.failed
  const health = await askHealth(place.url)
  return !(health instanceof ApiFault) && health.status === "ok" ? exitCodes.done : exitCodes.failed
}

const silent = { isTerminal: false, columns: 100, write: () => {} }

function view(world: World): View<Status> {
  return {
    read: readStatus,
    lines: (status) => statusLines(status, world),
    document: (status) => ({ ...status }),
    items: (status) => [{ ...status }],
    exitCode: ({ overview }) => (overview.status === "ok" ? exitCodes.done : exitCodes.failed)
  }
}

async function readStatus(api: Api): Promise<Status | ApiFault> {
  const system = await api.ask({ path: "/api/v1/system" }, SystemInfo)
  if (system instanceof ApiFault) return system
  const overview = await api.ask({ path: "/api/v1/overview" }, Overview)
  return overview instanceof ApiFault ? overview : { system, overview }
}

function statusLines({ overview, system }: Status, world: World): ReadonlyArray<string> {
  const isWell = overview.status === "ok"
  const mark = paint(world, world.stdout, isWell ? "good" : "error", isWell ? "ok" : "failing")
  const head = `${mark}  promptmq ${system.version}, pid ${system.pid}, up ${spanText(system.uptimeSeconds)}`
  return [`${head} (since ${timeText(system.startedAt)})`, ...factsText(facts({ overview, system }), world)]
}

function facts({ overview, system }: Status): ReadonlyArray<Fact> {
  const failing = overview.checks.filter(({ status }) => status === "failing")
  const { disk, promise } = system.storage
  const drops = Object.entries(overview.dropsByReason).filter(([, dropped]) => dropped > 0)
  return [
    ...failing.map(({ fact, name }): Fact => ["failing", `${name}: ${fact ?? "no reason told"}`, "error"]),
    ...system.addresses.map((address): Fact => ["address", addressText(address)]),
    [
      "clients",
      `${numberText(overview.clientsConnected)} connected, ${count(overview.sessions, "session")}, ${count(overview.subscriptions, "subscription")}`
    ],
    [
      "messages",
      `${rateText(overview.messagesInPerSecond)}/s in, ${rateText(overview.messagesOutPerSecond)}/s out; ${bytesText(Math.round(overview.bytesInPerSecond))}/s in, ${bytesText(Math.round(overview.bytesOutPerSecond))}/s out`
    ],
    [
      "acknowledged",
      `p50 ${millisecondsText(overview.publishAckP50Ms)}, p99 ${millisecondsText(overview.publishAckP99Ms)}; synced in p50 ${millisecondsText(overview.syncP50Ms)}, p99 ${millisecondsText(overview.syncP99Ms)}`
    ],
    ["promise", promise],
    ["retained", `${count(overview.retainedMessages, "message")}, ${bytesText(overview.retainedBytes)}`],
    [
      "backlog",
      `${numberText(overview.inFlight)} in flight, ${bytesText(overview.unsentBytes)} unsent, ${count(overview.notDurable, "record")} not durable, pressure ${percentText(overview.pressure)}`
    ],
    [
      "drops",
      drops.length === 0
        ? "none"
        : `${rateText(overview.dropsPerSecond)}/s; ${drops.map(([reason, dropped]) => `${reason} ${numberText(dropped)}`).join(", ")}`,
      overview.dropsPerSecond > 0 ? "warning" : undefined
    ],
    [
      "log",
      `${count(overview.logRecords, "record")}, ${bytesText(overview.logBytes)}${disk === undefined ? " in memory" : `; ${count(disk.files, "file")}, ${bytesText(disk.bytes)} on disk, space ${disk.space}`}`
    ],
    [
      "process",
      `${bytesText(overview.rssBytes)} of memory, CPU ${percentText(overview.cpuRatio)}, loop lag p99 ${millisecondsText(overview.loopLagP99Ms)}, Node ${system.node.replace(/^v/, "")}`
    ]
  ]
}
