/**
 * `promptmq bench` as the generator, on the generator's core: for what mqttload has not (TLS, many topics round).
 * With what the broker spent meanwhile, read from /proc around the whole run.
 */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { root } from "./folders.ts"
import { generatorCore } from "./generator.ts"
import { pinned } from "./machine.ts"
import { cpuSeconds } from "./process-figures.ts"

/** What is read of `promptmq bench --json`. */
export interface OwnReport {
  readonly published: number
  readonly delivered: number
  readonly lost: number
  readonly repeated: number
  readonly lostConnections: number
  readonly deliveredPerSecond: number
  readonly publishedPerSecond: number
  readonly clientCpuPercent: number
  readonly deliveryUs?: { readonly p50: number; readonly p99: number }
  /** Of the broker, connecting and warm-up included, per message published. */
  readonly brokerUsPerMessage: number
}

export async function runOwnLoad(brokerPid: number, words: ReadonlyArray<string>): Promise<OwnReport> {
  const script = join(root, "dist", "main.js")
  const [command, args] = pinned(generatorCore, process.execPath, [script, "bench", ...words, "--json"])
  const before = cpuSeconds(brokerPid)
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
  const output: Array<string> = []
  const complaints: Array<string> = []
  child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text))
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve))
  const line = output.join("").trim()
  if (!line.startsWith("{")) throw new Error(`promptmq bench ended with ${code}: ${complaints.join("").trim()}`)
  const report = JSON.parse(line) as Omit<OwnReport, "brokerUsPerMessage">
  return { ...report, brokerUsPerMessage: ((cpuSeconds(brokerPid) - before) / report.published) * 1e6 }
}
