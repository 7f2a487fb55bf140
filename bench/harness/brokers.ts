/**
 * The brokers under comparison: how each is set up, started on one core, and stopped.
 *
 * Every start is a fresh process with an empty folder on a free loopback port. Whatever is raised above a broker's
 * defaults stands in `settings` here and is printed with the figures; the subscriber window (1000 unacknowledged
 * messages) is the same on both sides.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { root, scratchFolder } from "./folders.ts"
import { pinned, withSbin } from "./machine.ts"

export type BrokerName = "promptmq" | "mosquitto"

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
}

/** Where a broker is started again that was there before. */
export interface Place {
  readonly folder: string
  readonly port: number
}

const brokerCore = 0
const startLimitMs = 10_000
const stopLimitMs = 10_000

interface BrokerKind {
  /** Settings that differ from the defaults, as the broker's own words. */
  readonly settings: ReadonlyArray<string>
  readonly command: (port: number, folder: string, flags: ReadonlyArray<string>) => [string, Array<string>]
}

export const brokers: Readonly<Record<BrokerName, BrokerKind>> = {
  promptmq: {
    settings: ["--max-inflight=1000"],
    command: (port, folder, flags) => [
      process.execPath,
      [
        join(root, "dist", "main.js"),
        "server",
        `--bind=127.0.0.1:${port}`,
        "--ws-bind=",
        ...(flags.length === 0 ? ["--admin=false"] : flags),
        "--metrics=false",
        `--data-dir=${folder}`,
        "--log-level=warn",
        ...brokers.promptmq.settings
      ]
    ]
  },
  mosquitto: {
    settings: ["set_tcp_nodelay true", "max_inflight_messages 1000", "max_queued_messages 0"],
    command: (port, folder, flags) => {
      const file = join(folder, "mosquitto.conf")
      const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", ...brokers.mosquitto.settings, ...flags]
      writeFileSync(file, `${lines.join("\n").replaceAll("FOLDER", folder)}\n`)
      return ["mosquitto", ["-c", file]]
    }
  }
}

/**
 * `flags` go to PromptMQ's command line, without any the admin listener is off; or into Mosquitto's configuration, where
 * FOLDER stands for its own one.
 */
export async function startBroker(
  name: BrokerName,
  flags: ReadonlyArray<string> = [],
  place?: Place,
  limitMs = startLimitMs
): Promise<RunningBroker> {
  const folder = place?.folder ?? mkdtempSync(join(scratchFolder(), `${name}-`))
  const port = place?.port ?? (await freePort())
  const [program, args] = brokers[name].command(port, folder, flags)
  const [command, commandArgs] = pinned(brokerCore, program, args)
  const log = join(folder, "output")
  const output = openSync(log, "w")
  const fromMs = performance.now()
  const child = spawn(command, commandArgs, {
    stdio: ["ignore", output, output],
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
    kill: () => kill(child)
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
