/**
 * Programs that the tests start: Mosquitto's broker and clients, our own command as a real process, and
 * the brokers against which the client commands are tested.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runCommandLine } from "../../src/cli/run.ts"
import { repository, testWorld } from "./recorded-world.ts"

/** Debian puts the broker where only root looks. */
export const toolEnv = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` }

export function hasTool(name: string, probe = "--help"): boolean {
  return spawnSync(name, [probe], { env: toolEnv }).error === undefined
}

export const hasMosquitto = hasTool("mosquitto", "-h") && hasTool("mosquitto_pub") && hasTool("mosquitto_sub")

export interface Finished {
  readonly code: number | null
  readonly bytes: Buffer
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves when the pattern stands on stderr. */
  readonly said: (pattern: RegExp) => Promise<void>
}

export function start(command: string, words: ReadonlyArray<string>, input = "", env = toolEnv): Running {
  const child = spawn(command, words, { env, cwd: repository })
  const out: Array<Buffer> = []
  let err = ""
  child.stdin.on("error", () => {})
  child.stdin.end(input)
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    err += chunk
  })
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code) => {
      const bytes = Buffer.concat(out)
      resolve({ code, bytes, out: bytes.toString("utf8"), err })
    })
  })
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (pattern.test(err)) resolve()
      }
      child.stderr.on("data", check)
      child.on("close", () => reject(new Error(`ended without ${pattern}: ${err}`)))
      check()
    })
  return { child, finished, said }
}

/** Our own command as a process of its own, from source. */
export function promptmq(words: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Running {
  return start(process.execPath, [join(repository, "src", "main.ts"), ...words], "", { ...toolEnv, ...env })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}

export interface TestBroker {
  readonly port: number
  readonly stop: () => Promise<void>
}

/** Mosquitto with `lines` added to its configuration. */
export async function startMosquitto(lines: ReadonlyArray<string> = ["allow_anonymous true"]): Promise<TestBroker> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
  const file = join(folder, "mosquitto.conf")
  writeFileSync(file, [`listener ${port} 127.0.0.1`, ...lines, ""].join("\n"))
  const running = start("mosquitto", ["-c", file])
  await running.said(/running/)
  return {
    port,
    stop: async () => {
      running.child.kill()
      await running.finished
      rmSync(folder, { recursive: true })
    }
  }
}

/** Our broker, in this process, started through its own command. */
export async function startPromptmq(wantedPort = 0): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
  const world = testWorld({ workingDirectory: folder })
  const words = ["server", "--bind", `127.0.0.1:${wantedPort}`, "--ws-bind", "", "--no-admin", "--data-dir", folder]
  const code = runCommandLine(words, world)
  const [, port] = await Promise.race([
    world.stderr.until(/mqtt:\/\/127\.0\.0\.1:(\d+)/),
    code.then(() => Promise.reject(new Error(world.stderr.text)))
  ])
  return {
    port: Number(port),
    stop: async () => {
      world.signal("SIGTERM")
      await code
      rmSync(folder, { recursive: true })
    }
  }
}
