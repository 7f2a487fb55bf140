/**
 * What Linux says about a process: CPU time, memory, open files. From /proc, so elsewhere they are NaN.
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** USER_HZ, in which /proc counts. */
const ticksPerSecond = Number(output("getconf", ["CLK_TCK"])) || 100

/** User and system, since its start. */
export function cpuSeconds(pid: number): number {
  const text = read(pid, "stat")
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export function residentMiB(pid: number): number {
  return memoryMiB(pid, "VmRSS")
}

export function peakMiB(pid: number): number {
  return memoryMiB(pid, "VmHWM")
}

export function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return Number.NaN
  }
}

/** How many files a process started here may open at most. */
export function openFilesMax(): number {
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(read(process.pid, "limits"))?.[1] ?? Number.NaN)
}

function memoryMiB(pid: number, key: string): number {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(read(pid, "status"))
  return found === null ? Number.NaN : Number(found[1]) / 1024
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8")
  } catch {
    return ""
  }
}

function output(program: string, args: ReadonlyArray<string>): string {
  try {
    return execFileSync(program, args, { encoding: "utf8" }).trim()
  } catch {
    return ""
  }
}
