/**
 * Mosquitto as a target: one process per make-up on a free loopback port, from a configuration in a temporary
 * folder. What Mosquitto cannot be made to do (no-wildcard, enhanced) is not offered.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer, type Server } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { tcpWire } from "../../support/wire.ts"
import { guarded, type MakeUp, narrow, type Target, unknownFeatures } from "./target.ts"
import { websocketWire } from "./websocket-wire.ts"

const START_MS_MAX = 10_000

type Configured = Exclude<MakeUp, "no-wildcard" | "enhanced">

/** Lines for the listener and for the whole broker; Mosquitto wants the listener's first. */
const configurations = (folder: string): Readonly<Record<string, ReadonlyArray<string>>> => ({
  plain: [],
  qos0: ["max_qos 0"],
  qos1: ["max_qos 1"],
  "no-retain": ["retain_available false"],
  "no-alias": ["max_topic_alias 0"],
  narrow: [
    `max_topic_alias ${narrow.topicAliasMaximum}`,
    `max_packet_size ${narrow.packetBytes}`,
    `max_inflight_messages ${narrow.receiveMaximum}`
  ],
  guarded: [`password_file ${join(folder, "passwords")}`, `acl_file ${join(folder, "acl")}`]
})

/** The version that `mosquitto -h` tells, undefined when it is not installed. */
export const mosquittoVersion = (): string | undefined =>
  /^mosquitto version (\S+)/m.exec(String(spawnSync("mosquitto", ["-h"], { env: daemonPath() }).stdout))?.[1]

export const startMosquitto = async (): Promise<Target> => {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-mosquitto-"))
  writeFileSync(join(folder, "passwords"), `${guarded.username}:${guarded.password}\n`, { mode: 0o600 })
  spawnSync("mosquitto_passwd", ["-U", join(folder, "passwords")])
  const acl = [`user ${guarded.username}`, "topic readwrite #", `topic deny +/${guarded.forbidden}`, ""]
  writeFileSync(join(folder, "acl"), acl.join("\n"), { mode: 0o600 })
  const processes: Array<ChildProcess> = []
  const ports = new Map<string, number>()
  const stop = async () => {
    await Promise.all(processes.map(ended))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const makeUps = Object.entries(configurations(folder))
    const free = await freePorts(makeUps.length + 1)
    await Promise.all(
      makeUps.map(async ([makeUp, lines]) => {
        const port = free.pop() as number
        const file = join(folder, `${makeUp}.conf`)
        // Started by root it would become another user, who cannot read the folder.
        const whole = [`allow_anonymous ${makeUp !== "guarded"}`, "persistence false", `user ${userInfo().username}`]
        const text = [`listener ${port} 127.0.0.1`, ...lines, ...whole]
        if (makeUp === "plain") {
          ports.set("websocket", free.pop() as number)
          text.push(`listener ${ports.get("websocket")} 127.0.0.1`, "protocol websockets")
        }
        writeFileSync(file, `${text.join("\n")}\n`)
        processes.push(spawn("mosquitto", ["-c", file], { stdio: "ignore", env: daemonPath() }))
        await answers(port)
        ports.set(makeUp, port)
      })
    )
  } catch (error) {
    await stop()
    throw error
  }
  return {
    name: "Mosquitto",
    features: unknownFeatures,
    open: (makeUp) => {
      const port = ports.get(makeUp satisfies MakeUp as Configured)
      if (port === undefined) return undefined
      return makeUp === "websocket" ? websocketWire("127.0.0.1", port) : tcpWire(port)
    },
    stop
  }
}

/** Debian keeps daemons in /usr/sbin, which is not on every user's path. */
const daemonPath = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` })

/** Ports that were free a moment ago, held together so that they differ. */
const freePorts = async (count: number): Promise<Array<number>> => {
  const servers = await Promise.all(Array.from({ length: count }, listening))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

const listening = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(server))
  })

/** Resolves when something listens on the port. */
const answers = async (port: number): Promise<void> => {
  const giveUpMs = performance.now() + START_MS_MAX
  while (performance.now() < giveUpMs) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" })
      socket.once("connect", () => resolve(true))
      socket.once("error", () => resolve(false))
      socket.once("connect", () => socket.destroy())
    })
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`mosquitto does not listen on port ${port} after ${START_MS_MAX} ms`)
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill("SIGTERM")
  })
