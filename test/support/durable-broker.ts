/**
 * The released command with the durable engine, as a process with a data folder that outlives it, and with a hand on its
 * disk (disk-switch.mjs).
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtCommand } from "./child.ts"
import { type ConnectFields, RawClient, type Version } from "./raw-client.ts"
import { tcpWire } from "./wire.ts"

const START_MS = 20_000

export type DiskWord = "hold" | "go" | "broken" | "full" | "roomy"

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A folder that is gone at the end of the block. */
export class Folder implements Disposable {
  readonly path: string

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), "promptmq-durable-"))
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export class DurableBroker implements AsyncDisposable {
  readonly ended: Promise<Ending>
  readonly output: ReadonlyArray<string>
  readonly port: number
  readonly #child: ChildProcess

  static async start(folder: string, flags: ReadonlyArray<string> = []): Promise<DurableBroker> {
    const preload = ["--import", new URL("disk-switch.mjs", import.meta.url).href]
    const own = ["--storage-engine=wal", `--data-dir=${folder}`, "--bind=127.0.0.1:0", "--ws-bind=", "--admin=false"]
    const words = [...preload, builtCommand, "server", ...own, "--log-level=warn", ...flags]
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PROMPTMQ_")))
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe", "ipc"], env })
    const output: Array<string> = []
    const { promise: listening, resolve, reject } = Promise.withResolvers<number>()
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8")
      stream?.on("data", (text: string) => {
        output.push(text)
        const port = /mqtt:\/\/[^\s]*:(\d+)/.exec(output.join(""))?.[1]
        if (port !== undefined) resolve(Number(port))
      })
    }
    const ended = once(child, "close").then(([code, signal]) => ({ code, signal }) as Ending)
    const timer = setTimeout(() => reject(new Error(`it does not listen: ${output.join("")}`)), START_MS)
    void ended.then(() => reject(new Error(`it ended before it listened: ${output.join("")}`)))
    try {
      return new DurableBroker(child, await listening, ended, output)
    } finally {
      clearTimeout(timer)
    }
  }

  constructor(child: ChildProcess, port: number, ended: Promise<Ending>, output: ReadonlyArray<string>) {
    this.#child = child
    this.port = port
    this.ended = ended
    this.output = output
  }

  get text(): string {
    return this.output.join("")
  }

  /** Resolves when the word holds. */
  async disk(word: DiskWord): Promise<void> {
    const answered = once(this.#child, "message")
    this.#child.send(word)
    await answered
  }

  async dial(version: Version = 5): Promise<RawClient> {
    return RawClient.over(await tcpWire(this.port), version)
  }

  /** A client whose CONNECT was accepted. */
  async join(clientId: string, fields: ConnectFields = {}): Promise<RawClient> {
    const client = await this.dial()
    const { reasonCode } = await client.connect(clientId, fields)
    if (reasonCode !== 0) throw new Error(`CONNECT was refused with ${reasonCode}`)
    return client
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.ended
  }

  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM")
    return (await this.ended).code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}

/** For CONNECT: a session that stays. */
export const persistent: ConnectFields = { clean: false, properties: { sessionExpiryInterval: 3600 } }
