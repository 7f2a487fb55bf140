/**
 * Who listens on a TCP port of this machine: read from /proc, for one error message.
 *
 *   /proc/net/tcp, tcp6   sl local_address rem_address st ... inode     local_address = hex address:hex port, st 0A = LISTEN
 *   /proc/<pid>/fd/<n>    link to "socket:[inode]"
 *
 * A best effort: another user's process cannot be looked into, and other systems have no /proc; both answer
 * undefined. Synchronous, because it runs once, when the start has failed already. At most LINKS_READ_MAX links are
 * read, so that a machine with a million open files does not delay the message.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"

const LINKS_READ_MAX = 100_000
const STATE_LISTEN = "0A"

export interface PortOwner {
  readonly processId: number
  /** Name of the program, as the kernel knows it. */
  readonly command: string
}

export function portOwner(port: number, procFolder = "/proc"): PortOwner | undefined {
  const links = new Set([
    ...listeningSockets(`${procFolder}/net/tcp`, port),
    ...listeningSockets(`${procFolder}/net/tcp6`, port)
  ])
  if (links.size === 0) return undefined
  let linksRead = 0
  for (const name of tryRead(() => readdirSync(procFolder)) ?? []) {
    if (!/^\d+$/.test(name)) continue
    for (const descriptor of tryRead(() => readdirSync(`${procFolder}/${name}/fd`)) ?? []) {
      if (++linksRead > LINKS_READ_MAX) return undefined
      const link = tryRead(() => readlinkSync(`${procFolder}/${name}/fd/${descriptor}`))
      if (link === undefined || !links.has(link)) continue
      const command = tryRead(() => readFileSync(`${procFolder}/${name}/comm`, "utf8"))?.trim()
      return { processId: Number(name), command: command ?? "a process" }
    }
  }
  return undefined
}

function listeningSockets(file: string, port: number): ReadonlyArray<string> {
  const table = tryRead(() => readFileSync(file, "utf8")) ?? ""
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === STATE_LISTEN && Number.parseInt(columns[1]?.split(":")[1] ?? "", 16) === port)
    .map((columns) => `socket:[${columns[9]}]`)
}

function tryRead<A>(read: () => A): A | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
