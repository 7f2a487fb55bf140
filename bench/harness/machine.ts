/**
 * The machine a figure was measured on, and pinning to its cores. A figure without these lines is worth nothing.
 */
import { spawnSync } from "node:child_process"
import { cpus, loadavg, release, totalmem } from "node:os"
import { networkWords } from "./own-network.ts"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly mosquitto: string
  readonly pinned: boolean
  readonly network: string
  /** One-minute load average before the first run: above 0.5 something else was using the machine. */
  readonly loadBefore: number
  readonly at: string
}

/** Set by the door for the benches it runs one after the other: the load of the first is not other work. */
export const loadVariable = "BENCH_LOAD_BEFORE"

/** One-minute load above which other work certainly moved the figures. */
const busyLoad = 0.7

/** Of the machine: a bench is itself pinned to one, so what is available to it says nothing. */
const cores = cpus().length
const canPin = cores >= 2 && spawnSync("taskset", ["--version"]).status === 0

/** The command that runs `program` on one core, where the system can do that. */
export function pinned(core: number, program: string, args: ReadonlyArray<string>): [string, Array<string>] {
  return canPin ? ["taskset", ["-c", String(core), program, ...args]] : [program, [...args]]
}

export function describeMachine(): Machine {
  const help = spawnSync("mosquitto", ["-h"], { encoding: "utf8", env: { ...process.env, PATH: withSbin() } })
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    mosquitto: /version (\S+)/.exec(help.stdout ?? "")?.[1] ?? "missing",
    pinned: canPin,
    network: networkWords(),
    loadBefore: Number(process.env[loadVariable] ?? loadavg()[0] ?? 0),
    at: new Date().toISOString()
  }
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, node, mosquitto, network, loadBefore, at } = machine
  const pinning = machine.pinned ? "broker on core 0, generator on core 1" : "NOT pinned to cores"
  return (
    `${at.slice(0, 16)}Z, ${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, ` +
    `Mosquitto ${mosquitto}; loopback, ${network}, ${pinning}, load before ${loadBefore.toFixed(2)}` +
    (isBusy(machine) ? " (BUSY: take ratios per CPU second only)" : "")
  )
}

/** Something else was using it. */
export function isBusy({ loadBefore }: Machine): boolean {
  return loadBefore > busyLoad
}

/** Debian keeps daemons in /usr/sbin, which is not on every user's path. */
export function withSbin(): string {
  return `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin`
}
