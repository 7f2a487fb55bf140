/**
 * `promptmq bench`: loads a broker over the network and says how fast it is, how late, and whether anything was lost.
 * Any MQTT broker; connected to as pub and sub do it.
 *
 * The clients are our own (bench/), because a library that makes an object per message measures itself. Data goes to
 * stdout, progress to stderr and only to a terminal.
 */

import type { LoadResult, OnWatch } from "./bench/load-run.ts"
import {
  clientsMax,
  inFlightDefault,
  type LoadPlan,
  loadPlan,
  type Shape,
  secondsDefault,
  shapes,
  sizeBytesDefault,
  sizeBytesMin,
  topicsMax,
  warmupSecondsDefault
} from "./bench/plan.ts"
import { ConnectFailure } from "./client/connect.ts"
import { connectionOptions } from "./client/connection-options.ts"
import { type ConnectionSettings, connectionSettings } from "./client/connection-settings.ts"
import { errorCodeOf, exitCodeOfReason, reasonText } from "./client/reason-text.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, number, text, UsageFault } from "./grammar/option.ts"
import { complain, type StopSignal, type World } from "./world.ts"

const load = { section: "Load" }
const time = { section: "Time and result" }
const sizeBytesMax = 256 * 1024 * 1024 - 65_536

export const body = commandBody({
  notes: [
    "pub publishes only; sub listens only; pair connects each publisher with a subscriber of its own; fan-out has all subscribers on one topic.",
    "Without --rate it is a closed loop: as fast as the broker delivers, with at most --window messages under way. With --rate it is an open one: a message that had to wait counts from when it was due.",
    "pub in one terminal and sub in another find each other, as do several of each. Latency across machines needs clocks that agree.",
    "This is one process: it says how much of a core it used. Run it on another core than the broker, and several of it where one is too slow.",
    "Exit codes: 0 done, 1 messages lost at QoS 1 or 2, 2 wrong usage, 4 no broker or it closed a connection, 5 refused."
  ],
  examples: [
    { line: "promptmq bench pair --clients 10", why: "10 publishers, 10 subscribers, QoS 0, as fast as it goes" },
    { line: "promptmq bench fan-out --clients 1000 --rate 100", why: "latency of 100,000 deliveries a second" },
    { line: "promptmq bench pub -q 1 --clients 100 --json", why: "QoS 1 publishes with their acknowledgements" },
    { line: "promptmq bench pair -L mqtts://host -u me --password-file pw", why: "over TLS, with a password" }
  ],
  operands: [
    { name: "shape", summary: `what the clients do: ${shapes.join(", ")}`, isRequired: true, choices: shapes }
  ],
  options: {
    clients: number("publishers of pub, subscribers of sub and fan-out (100), pairs of pair (1)", {
      ...load,
      placeholder: "count",
      minimum: 1,
      maximum: clientsMax
    }),
    publishers: number("publishers of fan-out (1)", { ...load, placeholder: "count", minimum: 1, maximum: clientsMax }),
    topic: text("topic, or where the topics lie below; of sub the filter", {
      ...load,
      letter: "t",
      placeholder: "topic"
    }),
    topics: number("different topics (pub and pair one per client, fan-out 1); listened to with a wildcard", {
      ...load,
      placeholder: "count",
      minimum: 1,
      maximum: topicsMax
    }),
    qos: number("quality of service 0, 1 or 2 (0)", {
      ...load,
      letter: "q",
      placeholder: "qos",
      minimum: 0,
      maximum: 2
    }),
    retain: flag("each message is retained", { ...load, letter: "r" }),
    size: number(`payload in bytes (${sizeBytesDefault}, at least ${sizeBytesMin} for the stamp)`, {
      ...load,
      letter: "s",
      placeholder: "bytes",
      minimum: sizeBytesMin,
      maximum: sizeBytesMax
    }),
    rate: number("messages per second of all publishers together (as fast as possible)", {
      ...load,
      placeholder: "count",
      minimum: 0.001,
      maximum: 1e9,
      isFractional: true
    }),
    window: number("messages published and not yet delivered, of all (pair 10000, fan-out 1000; 0 is no limit)", {
      ...load,
      placeholder: "count",
      minimum: 0,
      maximum: 2 ** 31
    }),
    "max-inflight": number(`unacknowledged messages per publisher at QoS 1 and 2 (${inFlightDefault})`, {
      ...load,
      letter: "M",
      placeholder: "count",
      minimum: 1,
      maximum: 65_535
    }),
    count: number("messages of all publishers together, then it ends; without warm-up", {
      ...time,
      placeholder: "count",
      minimum: 1,
      maximum: 2 ** 40
    }),
    seconds: number(`measured time (${secondsDefault})`, {
      ...time,
      placeholder: "seconds",
      minimum: 0.1,
      maximum: 604_800,
      isFractional: true
    }),
    warmup: number(`time before it that does not count (${warmupSecondsDefault})`, {
      ...time,
      placeholder: "seconds",
      minimum: 0,
      maximum: 3600,
      isFractional: true
    }),
    json: flag("one JSON object on standard output", time),
    ...connectionOptions(["publish"])
  },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const settings = connectionSettings(options, world.processId)
    if (settings instanceof UsageFault) return settings
    const plan = loadPlan(
      {
        shape: operands[0] as Shape,
        clients: options.clients,
        publishers: options.publishers,
        topic: options.topic,
        topics: options.topics,
        qos: options.qos,
        retain: options.retain,
        sizeBytes: options.size,
        ratePerSecond: options.rate,
        windowMax: options.window,
        inFlightMax: options["max-inflight"],
        count: options.count,
        seconds: options.seconds,
        warmupSeconds: options.warmup
      },
      settings,
      world.processId
    )
    return plan instanceof UsageFault ? plan : bench(plan, settings, options.json, world)
  }
})

async function bench(plan: LoadPlan, settings: ConnectionSettings, isJson: boolean, world: World): Promise<ExitCode> {
  const { LoadRun } = await import("./bench/load-run.ts")
  const progress = new Progress(world, plan, settings)
  const run = new LoadRun(plan, settings, world, progress.show)
  let signal: StopSignal | undefined
  const release = world.onStopSignal((received) => {
    signal = received
    run.stop()
  })
  const result = await run.run()
  release()
  progress.clear()
  if (result instanceof ConnectFailure) {
    if (!settings.isQuiet) complain(world, result)
    return result.exitCode
  }
  const { lostOf, reportJson, reportLines } = await import("./bench/load-report.ts")
  if (isJson) world.stdout.write(`${JSON.stringify(reportJson(plan, settings, result))}\n`)
  else world.stdout.write(`${reportLines(plan, settings, result).join("\n")}\n`)
  if (signal !== undefined) return signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated
  return verdict(plan, settings, result, lostOf(result), world)
}

function verdict(
  plan: LoadPlan,
  settings: ConnectionSettings,
  { tally }: LoadResult,
  lost: number,
  world: World
): ExitCode {
  const fail = (exitCode: ExitCode, fact: string, fix: string): ExitCode => {
    if (!settings.isQuiet) complain(world, { code: errorCodeOf(exitCode), fact, fix })
    return exitCode
  }
  if (tally.lostConnections > 0) {
    const fact = `the broker ended ${tally.lostConnections} connections before the run was over`
    return fail(
      exitCodes.unreachable,
      fact,
      "its log may say why; a limit of clients, of rate or of packet size is likely"
    )
  }
  if (tally.refused > 0) {
    const fact = `${tally.refused} messages were refused: ${reasonText(tally.refusedReason)}`
    return fail(exitCodeOfReason(tally.refusedReason), fact, "the reason is the broker's; its log may say more")
  }
  if (lost > 0 && plan.qos > 0) {
    return fail(
      exitCodes.failed,
      `${lost} messages were lost`,
      "they had been promised: report it with the broker's log"
    )
  }
  return exitCodes.done
}

const progressEveryMs = 500

/** A line that is written over, on a terminal only. */
class Progress {
  readonly #world: World
  readonly #isShown: boolean
  readonly #clients: number
  #shownMs = 0
  #published = 0
  #delivered = 0

  constructor(world: World, plan: LoadPlan, settings: ConnectionSettings) {
    this.#world = world
    this.#clients = plan.publishers + plan.subscribers
    this.#isShown = world.stderr.isTerminal && !settings.isQuiet
  }

  readonly show: OnWatch = (tally, phase, clients) => {
    const nowMs = this.#world.monotonicMs()
    const elapsedMs = nowMs - this.#shownMs
    if (!this.#isShown || elapsedMs < progressEveryMs) return
    const perSecond = (count: number) => Math.round((count * 1000) / elapsedMs).toLocaleString("en-US")
    const rates = `${perSecond(tally.published - this.#published)} published/s, ${perSecond(tally.delivered - this.#delivered)} delivered/s`
    const text = phase === "connecting" ? `${clients} of ${this.#clients} clients` : rates
    this.#world.stderr.write(`\r${phase}: ${text}\x1b[K`)
    this.#shownMs = nowMs
    this.#published = tally.published
    this.#delivered = tally.delivered
  }

  clear(): void {
    if (this.#isShown) this.#world.stderr.write("\r\x1b[K")
  }
}
