/**
 * The load generator and delivery checker `mqttload`: found, built aside, run, read.
 *
 * It is a tool of its own (one C file) and not part of this repository. MQTTLOAD names its binary or its source
 * folder; without it, ../shared/tools/mqttload beside the repository is looked at. A source folder is never written
 * to: the binary is built in a temporary folder.
 */
import { execFileSync, spawn } from "node:child_process"
import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { root, scratchFolder } from "./folders.ts"
import { pinned } from "./machine.ts"

/** What mqttload reports, by its own names. */
export interface LoadReport extends Readonly<Record<string, number | undefined>> {
  readonly seconds: number
  readonly published_per_s: number
  readonly delivered_per_s: number
  readonly generator_cpu_pct: number
  readonly broker_cpu_pct: number
  readonly published: number
  readonly expected: number
  readonly delivered: number
  readonly lost: number
  readonly excess: number
  readonly duplicated: number
  readonly out_of_order: number
  readonly window_stalls: number
  readonly p50_us: number
  readonly p99_us: number
  readonly broker_peak_mb: number
  readonly errors: number
}

/** The generator's core; the broker has the other one. */
export const generatorCore = 1

/** Answers the path of a ready binary. */
export function findGenerator(): string {
  const place = process.env["MQTTLOAD"] ?? join(root, "..", "shared", "tools", "mqttload")
  if (!existsSync(place)) {
    throw new Error("the load generator is missing: let MQTTLOAD name the mqttload binary or its source folder")
  }
  if (statSync(place).isFile()) return place
  const binary = join(scratchFolder(), "mqttload")
  execFileSync("cc", ["-O2", "-o", binary, join(place, "mqttload.c")], { stdio: ["ignore", "inherit", "inherit"] })
  return binary
}

/** How long a run is measured, behind how much that is not. */
export function timingFlags(seconds: number, warmupSeconds: number): ReadonlyArray<string> {
  return ["--seconds", String(seconds), "--warmup", String(warmupSeconds)]
}

/** One run against a broker. Exit status 1 means a wrong delivery: the report says which, so it is no error here. */
export function runGenerator(
  binary: string,
  port: number,
  brokerPid: number,
  flags: ReadonlyArray<string>
): Promise<LoadReport> {
  const own = ["--port", String(port), "--broker-pid", String(brokerPid), "--json"]
  const [command, args] = pinned(generatorCore, binary, [...own, ...flags])
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
  const output: Array<string> = []
  const complaints: Array<string> = []
  child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text))
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => {
      const line = output.join("").trim().split("\n").at(-1) ?? ""
      if (line.startsWith("{")) resolve(JSON.parse(line) as LoadReport)
      else reject(new Error(`mqttload ${flags.join(" ")} ended with ${code}: ${complaints.join("").trim()}`))
    })
  })
}

/** Everything but speed that may be wrong with a run. Empty when each message came once and in order. */
export function deliveryFaults(report: LoadReport, mayLose: boolean): ReadonlyArray<string> {
  const { lost, excess, duplicated, out_of_order, errors } = report
  const counts = { lost: mayLose ? 0 : lost, excess, duplicated, out_of_order, errors }
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
}
