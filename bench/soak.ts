/**
 * Claim: a thousand clients that connect, subscribe, publish and vanish at random, at all QoS and versions, leave
 * nothing behind: flat memory, every gauge back to zero, and exact delivery for those who stayed.
 *
 *   npm run bench -- soak [--minutes 10] [--clients 1000] [--seed 1] [--memory-buffer-mib 32]
 *
 * Method: one broker (core 0), one process with all clients (core 1, harness/soak-clients.ts). /api/v1/system is
 * sampled all the time. At the end everybody leaves, sessions run out (5 s), one client clears the retained
 * messages; then connections, sessions, subscriptions, filters, retained messages, messages in flight and outgoing
 * bytes must be 0. The log keeps what fits its budget: `memory-buffer` is small, so that it is full, and flat, soon.
 *
 * Growth is that of a line through the samples of the second half. The heap is collected before each of them
 * (harness/inspector.ts): what it holds then, it holds.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { freePort, type RunningBroker, startBroker } from "./harness/brokers.ts"
import { markdownTable, short } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { Inspector, inspectorOptions } from "./harness/inspector.ts"
import { describeMachine, machineLine, pinned } from "./harness/machine.ts"
import type { SoakEvent, SoakOptions, SoakReport } from "./harness/soak-clients.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    clients: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    "memory-buffer-mib": { type: "string", default: "32" }
  }
})

/** Longest a session lives without its client. Returning stayers are away for less than half a second. */
const sessionExpiry = "5s"
const emptyWithinMs = 30_000
const growthMax = 0.1
/** Shorter runs only print it: code is still being compiled, the log is not full. */
const judgedFromMinutes = 5
const clientCore = 1
const mustBeEmpty = [
  "promptmq_connections",
  "promptmq_sessions",
  "promptmq_subscriptions",
  "promptmq_filters",
  "promptmq_retained_messages",
  "promptmq_retained_bytes",
  "promptmq_inflight_messages",
  "promptmq_outgoing_bytes"
]

interface System {
  readonly counters: ReadonlyArray<{
    readonly family: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }>
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly arrayBuffersBytes: number }
  readonly log: { readonly bytes: number }
  readonly drops: ReadonlyArray<{ readonly reason: string; readonly count: number }>
}

interface Sample {
  readonly seconds: number
  readonly rssBytes: number
  readonly heapBytes: number
}

const minutes = Number(values.minutes)
const sampleMs = minutes >= 2 ? 10_000 : 1000
const machine = describeMachine()
const adminPort = await freePort()
process.env["NODE_OPTIONS"] = `${process.env["NODE_OPTIONS"] ?? ""} ${inspectorOptions}`
const broker = await startBroker("promptmq", [
  `--admin-bind=127.0.0.1:${adminPort}`,
  `--memory-buffer=${Number(values["memory-buffer-mib"]) * 2 ** 20}`,
  `--mqtt-max-session-expiry=${sessionExpiry}`
])
let token = ""
let clients: ChildProcess | undefined
try {
  clients = startClients({ port: broker.port, clients: Number(values.clients), seed: Number(values.seed) })
  await next(clients, "ready")
  await soak(clients)
} finally {
  clients?.kill("SIGKILL")
  await broker.stop()
}

async function soak(process_: ChildProcess): Promise<void> {
  const startedMs = performance.now()
  const inspector = await Inspector.open(broker)
  const before = await system()
  const heapBefore = await inspector.heapBytes()
  const samples: Array<Sample> = []
  while (performance.now() - startedMs < minutes * 60_000) {
    await new Promise((resolve) => setTimeout(resolve, sampleMs))
    const heapBytes = await inspector.heapBytes()
    const { rssBytes } = (await system()).memory
    samples.push({ seconds: (performance.now() - startedMs) / 1000, rssBytes, heapBytes })
  }
  const during = await system()
  const seconds = (performance.now() - startedMs) / 1000
  process_.send("finish")
  const report = (await next(process_, "report")) as SoakReport
  const leftovers = await untilEmpty(process_)
  const after = await system()
  const heapAfter = await inspector.heapBytes()
  inspector.close()
  const half = samples.filter((sample) => sample.seconds > seconds / 2)
  const rssGrowth = growth(half.map((sample) => [sample.seconds, sample.rssBytes]))
  const heapGrowth = growth(half.map((sample) => [sample.seconds, sample.heapBytes]))
  const isJudged = minutes >= judgedFromMinutes
  const faults = [
    ...report.stayers.faults,
    ...leftovers.map(([family, value]) => `${family} is ${value} when everybody has gone`),
    ...(isJudged && rssGrowth > growthMax ? [`RSS grew by ${percent(rssGrowth)} over the second half`] : []),
    ...(isJudged && heapGrowth > growthMax ? [`the heap grew by ${percent(heapGrowth)} over the second half`] : []),
    ...(report.crowd.thrownOut > 0 ? [`${report.crowd.thrownOut} clients of the crowd were thrown out`] : []),
    ...complaintsOf(broker)
  ]
  print(seconds, before, during, after, samples, report, [heapBefore, heapAfter], rssGrowth, heapGrowth)
  for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`)
  saveResult("soak", { machine, options: values, seconds, report, samples, faults, before, during, after })
  process.exitCode = faults.length === 0 ? 0 : 1
}

function startClients(options: SoakOptions): ChildProcess {
  const script = join(import.meta.dirname, "harness", "soak-clients.ts")
  const [command, args] = pinned(clientCore, process.execPath, [script, JSON.stringify(options)])
  return spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] })
}

function next(child: ChildProcess, kind: SoakEvent["event"]): Promise<SoakEvent> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("the clients' process ended"))
    child.once("exit", ended)
    child.on("message", function listen(message) {
      if ((message as SoakEvent).event !== kind) return
      child.off("message", listen)
      child.off("exit", ended)
      resolve(message as SoakEvent)
    })
  })
}

async function system(): Promise<System> {
  if (token === "") token = readFileSync(join(broker.folder, "admin-token"), "utf8").trim()
  const url = `http://127.0.0.1:${adminPort}/api/v1/system`
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`/api/v1/system: ${response.status}`)
  return (await response.json()) as System
}

/** Sessions run out by themselves, delayed wills come, the cleaner clears; answers what is still not zero. */
async function untilEmpty(child: ChildProcess): Promise<ReadonlyArray<readonly [string, number]>> {
  const untilMs = performance.now() + emptyWithinMs
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const { counters } = await system()
    const left = mustBeEmpty
      .map((family) => [family, valueIn(counters, family)] as const)
      .filter(([, value]) => value !== 0)
    if (left.length === 0 || performance.now() > untilMs) return left
    const isOnlyRetained = left.every(([family]) => family.startsWith("promptmq_retained"))
    if (!isOnlyRetained) continue
    const cleaned = next(child, "clean")
    child.send("clean")
    await cleaned
  }
}

/** What the broker logged; it logs warnings and what is worse. */
function complaintsOf({ folder }: RunningBroker): ReadonlyArray<string> {
  const lines = readFileSync(join(folder, "output"), "utf8").split("\n")
  return lines.filter((line) => /\b(warn|error|fatal)\b/i.test(line)).map((line) => `the broker says: ${line}`)
}

function valueIn(counters: System["counters"], family: string, labels: Readonly<Record<string, string>> = {}): number {
  const isIt = (sample: System["counters"][number]) =>
    sample.family === family && Object.entries(labels).every(([name, value]) => sample.labels[name] === value)
  return counters.filter(isIt).reduce((sum, { value }) => sum + value, 0)
}

type Point = readonly [seconds: number, value: number]

/** Of the line of least squares, from its first point to its last, as a share of the first. */
function growth(points: ReadonlyArray<Point>): number {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || points.length < 2) return 0
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const middle = [mean(([x]) => x), mean(([, y]) => y)] as const
  const spread = mean(([x]) => (x - middle[0]) ** 2)
  const slope = mean(([x, y]) => (x - middle[0]) * (y - middle[1])) / spread
  const from = middle[1] + slope * (first[0] - middle[0])
  return (slope * (last[0] - first[0])) / from
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function print(
  seconds: number,
  before: System,
  during: System,
  after: System,
  samples: ReadonlyArray<Sample>,
  { crowd, stayers }: SoakReport,
  heapBytes: readonly [before: number, after: number],
  rssGrowth: number,
  heapGrowth: number
): void {
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  const rate = (family: string, labels: Readonly<Record<string, string>>) =>
    `${short((valueIn(during.counters, family, labels) - valueIn(before.counters, family, labels)) / seconds)}/s`
  const peak = Math.max(...samples.map(({ rssBytes }) => rssBytes))
  const heapPeak = Math.max(...samples.map((sample) => sample.heapBytes))
  const gauge = (family: string) => `${valueIn(during.counters, family)} / ${valueIn(after.counters, family)}`
  const drops = after.drops.map(({ count, reason }) => `${reason} ${count}`).join(", ")
  const rows = [
    ["clients, minutes, seed", `${values.clients}, ${values.minutes}, ${values.seed}`],
    ["connections accepted", rate("promptmq_connections_total", { result: "accepted" })],
    ["ends: DISCONNECT / destroyed / taken over", `${crowd.disconnects} / ${crowd.destroyed} / ${crowd.takenOver}`],
    ["messages in", rate("promptmq_messages_total", { direction: "in" })],
    ["messages out", rate("promptmq_messages_total", { direction: "out" })],
    ["stayers: published, deliveries checked", `${stayers.published}, ${stayers.delivered}`],
    ["stayers: returns, legal repeats", `${stayers.returns}, ${stayers.repeated}`],
    ["RSS start / peak / end", [before.memory.rssBytes, peak, after.memory.rssBytes].map(mebibytes).join(" / ")],
    ["heap, collected: start / peak / end", [heapBytes[0], heapPeak, heapBytes[1]].map(mebibytes).join(" / ")],
    ["growth over the second half: RSS, heap", `${percent(rssGrowth)}, ${percent(heapGrowth)}`],
    ["log at the end", mebibytes(after.log.bytes)],
    ...mustBeEmpty.map((family) => [`${family}, before leaving / after`, gauge(family)]),
    ["drop ledger", drops]
  ]
  process.stdout.write(`${markdownTable(["soak", ""], rows)}\n${machineLine(machine)}.\n`)
}
