/**
 * What the machine gives the broker: open files, the disk's sync, room, memory, the clock. Measured where it can be;
 * nothing is left behind.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync
} from "node:fs"
import { totalmem } from "node:os"
import { dirname, join } from "node:path"
import type { Settings } from "../../settings/settings.ts"
import { formatSizeBytes } from "../../settings/units.ts"
import { bytesText } from "../store-place.ts"
import { type Finding, note, ok, problem, warning } from "./finding.ts"

export function machine(settings: Settings, wallClockMs: number): ReadonlyArray<Finding> {
  return [
    openFiles(settings, readOptional("/proc/self/limits")),
    ...disk(settings),
    memory(settings),
    clock(wallClockMs)
  ]
}

/** Beside the sockets: the log's files, listeners, the run time's own. */
const FILES_BESIDE_SOCKETS = 256

/** `limitsText`: /proc/self/limits, where there is one. */
export function openFiles({ mqtt }: Settings, limitsText: string | undefined): Finding {
  const wanted = mqtt.maxConnections + FILES_BESIDE_SOCKETS
  const limit = /^Max open files\s+(\d+|unlimited)\s/m.exec(limitsText ?? "")?.[1]
  if (limit === undefined) return note("open-files", "this system does not say how many files a process may open")
  if (limit === "unlimited" || Number(limit) >= wanted) {
    return ok("open-files", `${limit} open files, enough for mqtt.max-connections ${mqtt.maxConnections}`)
  }
  const fact = `${limit} open files are allowed, mqtt.max-connections ${mqtt.maxConnections} needs ${wanted}`
  return problem("open-files", fact, `ulimit -n ${wanted} in this shell, LimitNOFILE=${wanted} in a systemd unit`)
}

const SYNCS = 20
const SYNC_BYTES = 4096
const SYNC_SLOW_MS = 20
const SYNC_IMPLAUSIBLE_MS = 0.03
const FREE_SHARE_LOW = 0.1

function disk({ storage }: Settings): ReadonlyArray<Finding> {
  if (storage.engine === "memory") return [note("disk", "nothing is kept on disk: storage.engine is memory")]
  const folder = existing(storage.walDir)
  return [room(folder), sync(folder)]
}

/** The folder, or the nearest one above that is there: the broker makes it at its first start. */
function existing(folder: string): string {
  let at = folder
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  return at
}

function room(folder: string): Finding {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder)
    const free = `${bytesText(bavail * bsize)} of the disk of ${folder} are free`
    if (bavail >= blocks * FREE_SHARE_LOW) return ok("disk-room", free)
    return warning("disk-room", free, "make room: below a tenth the broker compacts, near the end it takes no messages")
  } catch (cause) {
    return problem(
      "disk-room",
      `${folder} cannot be looked at: ${wordsOf(cause)}`,
      "choose a folder with storage.data-dir"
    )
  }
}

function sync(folder: string): Finding {
  let scratch: string | undefined
  try {
    scratch = mkdtempSync(join(folder, ".promptmq-doctor-"))
    return judgeSync(measureSync(join(scratch, "sync")))
  } catch (cause) {
    const fix = "let the broker's user write there, or choose another folder with storage.data-dir"
    return problem("disk-sync", `${folder} cannot be written: ${wordsOf(cause)}`, fix)
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
  }
}

/** Milliseconds of each write with its sync, shortest first. */
function measureSync(file: string): ReadonlyArray<number> {
  const handle = openSync(file, "wx", 0o600)
  try {
    const block = Buffer.alloc(SYNC_BYTES, 1)
    const times: Array<number> = []
    for (let count = 0; count < SYNCS; count++) {
      const startedMs = performance.now()
      writeSync(handle, block)
      fdatasyncSync(handle)
      times.push(performance.now() - startedMs)
    }
    return times.sort((a, b) => a - b)
  } finally {
    closeSync(handle)
  }
}

export function judgeSync(times: ReadonlyArray<number>): Finding {
  const median = times[Math.floor(times.length / 2)] ?? 0
  const longest = times.at(-1) ?? 0
  const fact = `a sync takes ${median.toFixed(2)} ms, the longest of ${times.length} took ${longest.toFixed(2)} ms`
  if (median < SYNC_IMPLAUSIBLE_MS) {
    return note(
      "disk-sync",
      `${fact}: no disk is so fast. In a file system in memory, or a container that ignores syncs, a power cut loses what was acknowledged`
    )
  }
  if (median <= SYNC_SLOW_MS) return ok("disk-sync", fact)
  const fix = "use a faster disk, or storage.wal.sync-mode: batch, which shares a sync among more publishers"
  return warning("disk-sync", `${fact}: each QoS 1 publisher waits so long for its PUBACK`, fix)
}

function memory({ limits, storage }: Settings): Finding {
  const constrained = process.constrainedMemory()
  const total = constrained > 0 && constrained < totalmem() ? constrained : totalmem()
  const shown = bytesText(total)
  if (limits.memoryBytesMax > total) {
    const fact = `limits.max-memory ${formatSizeBytes(limits.memoryBytesMax)} is more than there is (${shown})`
    return problem("memory", fact, "lower it, or remove it: the default is 80 % of what there is")
  }
  if (storage.memoryBufferBytes > total / 2) {
    const fact = `storage.memory-buffer ${formatSizeBytes(storage.memoryBufferBytes)} is more than half of the memory (${shown})`
    return warning("memory", fact, "lower storage.memory-buffer, or give the broker more memory")
  }
  return ok(
    "memory",
    `${shown} for the broker; it protects itself from ${limits.memoryBytesMax > 0 ? formatSizeBytes(limits.memoryBytesMax) : "80 % of that"} on`
  )
}

/** This version was not written before. */
const EARLIEST_MS = Date.UTC(2025, 0, 1)
const CLOCK_FIX = "let the system keep the time: systemd-timesyncd, chrony or ntpd"

function clock(wallClockMs: number): Finding {
  return judgeClock(
    wallClockMs,
    SYNCHRONISED.some((file) => existsSync(file))
  )
}

/** Where the usual services say that the time is right. */
const SYNCHRONISED = [
  "/run/systemd/timesync/synchronized",
  "/run/chrony/chronyd.pid",
  "/run/ntpd.pid",
  "/var/run/ntpd.pid"
]

export function judgeClock(wallClockMs: number, isKept: boolean): Finding {
  const now = new Date(wallClockMs).toISOString()
  if (wallClockMs < EARLIEST_MS) {
    return problem(
      "clock",
      `the clock says ${now}: certificates, tokens and message expiry are judged by it`,
      CLOCK_FIX
    )
  }
  if (isKept) return ok("clock", `${now}, kept by a time service`)
  return note(
    "clock",
    `${now}; no time service was found here (in a container the machine around it may keep the time)`,
    CLOCK_FIX
  )
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
