/**
 * The brokers under comparison: how each is set up, started on one core, and stopped.
 *
 * Every start is a fresh process with an empty folder on a free loopback port. Whatever is raised above a broker's
 * defaults stands in `settings` here and is printed with the figures. The subscriber window (1000 unacknowledged
 * messages) is the same on both sides where the bench raises it; `settings` may be replaced per start (Conditions).
 *
 * "bare-node" is no broker: the floor of one that runs in Node (bare-relay.ts).
 *
 * aedes comes with npm and runs from a file of this folder; nats-server and mosquitto come with apt and may be missing:
 * isInstalled() says so, and a bench goes on without them.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { root, scratchFolder } from "./folders.ts"
import { pinned, withSbin } from "./machine.ts"

export const brokerNames = ["promptmq", "mosquitto", "aedes", "nats-server", "bare-node"] as const
export type BrokerName = (typeof brokerNames)[number]

export interface RunningBroker {
  readonly port: number
  readonly pid: number
  /** Its data and its output. */
  readonly folder: string
  /** From spawn to the first accepted connection. */
  readonly listeningMs: number
  /** What it has said so far. */
  readonly output: () => string
  readonly stop: () => Promise<void>
  /** kill -9 */
  readonly kill: () => Promise<void>
  /** kill -9, and its folder is gone: for runs of which nothing is looked at again. */
  readonly discard: () => Promise<void>
}

/** Where a broker is started again that was there before. */
export interface Place {
  readonly folder: string
  readonly port: number
}

const brokerCore = 0
const startLimitMs = 10_000
const stopLimitMs = 10_000

/** The window of both sides in the paired runs. */
export const subscriberWindow = 1000

interface BrokerKind {
  /** Settings that differ from the defaults, as the broker's own words. */
  readonly settings: ReadonlyArray<string>
  /** What is added instead of `settings` where the default subscriber window is what is measured. */
  readonly settingsDefaultWindow: ReadonlyArray<string>
  /** Whether it answers with a version when asked for one. */
  readonly probe: readonly [program: string, args: ReadonlyArray<string>]
  readonly command: (order: Order) => Promise<[string, Array<string>]>
}

interface Order {
  readonly port: number
  readonly folder: string
  readonly flags: ReadonlyArray<string>
  readonly settings: ReadonlyArray<string>
  /** Options of Node in front of the script. */
  readonly nodeFlags: ReadonlyArray<string>
}

/** How a start differs from the usual one. */
export interface Conditions {
  readonly place?: Place
  readonly limitMs?: number
  readonly isDefaultWindow?: boolean
  readonly nodeFlags?: ReadonlyArray<string>
}

/** BENCH_MAIN: another build to measure, such as the one before a change. */
export const promptmqMain = process.env["BENCH_MAIN"] ?? join(root, "dist", "main.js")
const metricsOff = (flags: ReadonlyArray<string>) =>
  flags.some((flag) => flag.startsWith("--metrics")) ? [] : ["--metrics=false"]
const mosquittoSettings = ["set_tcp_nodelay true", "max_queued_messages 0"]

/** Admin API and metrics as they are by default, on ports of the system's choice. */
export const everythingOn: ReadonlyArray<string> = [
  "--admin-bind=127.0.0.1:0",
  "--metrics=true",
  "--metrics-bind=127.0.0.1:0"
]

export const brokers: Readonly<Record<BrokerName, BrokerKind>> = {
  promptmq: {
    settings: [`--max-inflight=${subscriberWindow}`],
    settingsDefaultWindow: [],
    probe: [process.execPath, [promptmqMain, "--version"]],
    command: async ({ flags, folder, nodeFlags, port, settings }) => [
      process.execPath,
      [
        ...nodeFlags,
        promptmqMain,
        "server",
        `--bind=127.0.0.1:${port}`,
        ...(flags.some((flag) => flag.startsWith("--ws-bind")) ? [] : ["--ws-bind="]),
        ...(flags.length === 0 ? ["--admin=false"] : flags),
        ...metricsOff(flags),
        `--data-dir=${folder}`,
        "--log-level=warn",
        ...settings
      ]
    ]
  },
  mosquitto: {
    settings: [...mosquittoSettings, `max_inflight_messages ${subscriberWindow}`],
    settingsDefaultWindow: mosquittoSettings,
    probe: ["mosquitto", ["-h"]],
    command: async ({ flags, folder, port, settings }) => {
      const file = join(folder, "mosquitto.conf")
      const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", ...settings, ...flags]
      writeFileSync(file, `${lines.join("\n").replaceAll("FOLDER", folder)}\n`)
      return ["mosquitto", ["-c", file]]
    }
  },
  aedes: {
    settings: ["TCP no-delay"],
    settingsDefaultWindow: [],
    probe: [process.execPath, [join(import.meta.dirname, "aedes-broker.ts"), "--version"]],
    command: async ({ port }) => [process.execPath, [join(import.meta.dirname, "aedes-broker.ts"), String(port)]]
  },
  "bare-node": {
    settings: ["TCP no-delay"],
    settingsDefaultWindow: [],
    probe: [process.execPath, [join(import.meta.dirname, "bare-relay.ts"), "--version"]],
    command: async ({ port }) => [process.execPath, [join(import.meta.dirname, "bare-relay.ts"), String(port)]]
  },
  "nats-server": {
    settings: ["jetstream (its MQTT needs it)", `mqtt.max_ack_pending ${subscriberWindow}`],
    settingsDefaultWindow: [],
    probe: ["nats-server", ["--version"]],
    command: async ({ folder, port }) => {
      const file = join(folder, "nats.conf")
      const lines = [
        "server_name: bench",
        "host: 127.0.0.1",
        `port: ${await freePort()}`,
        `jetstream { store_dir: "${folder}" }`,
        `mqtt { host: 127.0.0.1, port: ${port}, max_ack_pending: ${subscriberWindow} }`
      ]
      writeFileSync(file, `${lines.join("\n")}\n`)
      return ["nats-server", ["-c", file]]
    }
  }
}

/** Its version, or undefined when it cannot be started here. */
export function versionOf(name: BrokerName): string | undefined {
  const [program, args] = brokers[name].probe
  const asked = spawnSync(program, args, { encoding: "utf8", env: { ...process.env, PATH: withSbin() } })
  if (asked.error !== undefined) return undefined
  return /\d+\.\d+\.\d+/.exec(`${asked.stdout}${asked.stderr}`)?.[0]
}

/**
 * `flags` go to PromptMQ's command line, without any the admin listener is off; or into Mosquitto's configuration, where
 * FOLDER stands for its own one.
 */
export async function startBroker(
  name: BrokerName,
  flags: ReadonlyArray<string> = [],
  conditions: Conditions = {}
): Promise<RunningBroker> {
  const { place, limitMs = startLimitMs, isDefaultWindow = false, nodeFlags = [] } = conditions
  const folder = place?.folder ?? mkdtempSync(join(scratchFolder(), `${name}-`))
  const port = place?.port ?? (await freePort())
  const settings = isDefaultWindow ? brokers[name].settingsDefaultWindow : brokers[name].settings
  const [program, args] = await brokers[name].command({ port, folder, flags, settings, nodeFlags })
  const [command, commandArgs] = pinned(brokerCore, program, args)
  const log = join(folder, "output")
  const output = openSync(log, "w")
  const fromMs = performance.now()
  const child = spawn(command, commandArgs, {
    stdio: ["ignore", output, output],
    cwd: folder,
    env: { ...process.env, PATH: withSbin() }
  })
  closeSync(output)
  if (child.pid === undefined) throw new Error(`${name} could not be started: ${command} is missing`)
  try {
    await listening(child, port, fromMs + limitMs)
  } catch (cause) {
    child.kill("SIGKILL")
    throw new Error(`${name} does not listen: ${readFileSync(log, "utf8").trim()}`, { cause })
  }
  return {
    port,
    pid: child.pid,
    folder,
    listeningMs: performance.now() - fromMs,
    output: () => readFileSync(log, "utf8"),
    stop: () => stop(child),
    kill: () => kill(child),
    discard: async () => {
      await kill(child)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Tries to connect until somebody accepts; a broker that ends first will never. */
async function listening(child: ChildProcess, port: number, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("it ended")
    if (await accepts(port)) return
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`nothing on port ${port} in time`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGKILL")
  await ended
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  const patience = setTimeout(() => child.kill("SIGKILL"), stopLimitMs)
  await ended
  clearTimeout(patience)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}
