/**
 * The lock of a store: a file that names the process that holds it, until that process is gone.
 *
 *   {"processId": 4711, "bootId": "<of the machine's boot>", "started": "<clock ticks after boot>", "sinceMs": 1765000000000}
 *
 * A process number says little alone: numbers come again, after a reboot and in every container. So a holder counts as
 * alive only when the boot is the same and the process of that number started at the same tick and runs. Where the system tells
 * neither (no /proc), a living process of that number is enough.
 *
 * The file appears whole (a link to a finished file), so two processes that start together see one winner.
 */
import * as nodeFs from "node:fs"
import type { LockHolder } from "./store-fs.ts"

interface LockContent extends LockHolder {
  readonly bootId: string
  readonly started: string
}

const ATTEMPTS_MAX = 3

export function takeLock(file: string): LockHolder | undefined {
  const own = `${file}.${process.pid}.tmp`
  const content: LockContent = {
    processId: process.pid,
    bootId: bootId(),
    started: startedTicks(process.pid),
    sinceMs: Date.now()
  }
  nodeFs.writeFileSync(own, `${JSON.stringify(content)}\n`, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (linked(own, file)) return undefined
      const holder = read(file)
      if (holder !== undefined && isAlive(holder)) return holder
      nodeFs.rmSync(file, { force: true })
    }
    return read(file)
  } finally {
    nodeFs.rmSync(own, { force: true })
  }
}

/** Who holds it now, without taking it: for those who only look. */
export function lockHolder(file: string): LockHolder | undefined {
  const holder = read(file)
  return holder !== undefined && isAlive(holder) ? holder : undefined
}

/** Only the own lock: after a mistake by hand the file may be another's. */
export function releaseLock(file: string): void {
  if (read(file)?.processId === process.pid) nodeFs.rmSync(file, { force: true })
}

function linked(from: string, to: string): boolean {
  try {
    nodeFs.linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
}

/** Undefined when it is gone, or says nothing one could read. */
function read(file: string): LockContent | undefined {
  try {
    return JSON.parse(nodeFs.readFileSync(file, "utf8")) as LockContent
  } catch {
    return undefined
  }
}

function isAlive(holder: LockContent): boolean {
  if (holder.bootId !== bootId()) return false
  const started = startedTicks(holder.processId)
  if (holder.started !== "" || started !== "") return holder.started === started
  try {
    process.kill(holder.processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

function bootId(): string {
  return readOrEmpty("/proc/sys/kernel/random/boot_id").trim()
}

/**
 * Field 22 of stat, counted behind the command, which may hold blanks and brackets. Nothing for a process that was killed
 * and waits for its parent to notice: once its last thread is gone, nothing of it writes any more.
 */
function startedTicks(processId: number): string {
  const stat = readOrEmpty(`/proc/${processId}/stat`)
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const isOver = fields[0] === "Z" && fields[17] === "1"
  return isOver ? "" : (fields[19] ?? "")
}

function readOrEmpty(file: string): string {
  try {
    return nodeFs.readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
