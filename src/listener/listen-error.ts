/**
 * Why a listener could not be opened, in words for the person who started the broker: which listener, which address,
 * the cause, who holds the port, what to do.
 *
 * The tables CAUSES and FILE_CAUSES are the whole mapping from system error to reason, sentence and fix; an error
 * that is not listed keeps the system's own words. When several listeners fail, the first error carries the others.
 *
 * Elsewhere: finding the owner of a port (port-owner.ts), printing and exiting (cli).
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { formatAddress } from "./address.ts"
import { type PortOwner, portOwner } from "./port-owner.ts"

/** Documented: "already running or port in use". */
export const LISTEN_EXIT_CODE = 8

export const ListenReason = Schema.Literals([
  "port-in-use",
  "permission-denied",
  "address-not-available",
  "host-not-found",
  "other"
])
export type ListenReason = typeof ListenReason.Type

interface CauseRow {
  readonly reason: ListenReason
  readonly fact: string
  readonly fix: string
}

const CAUSES: Readonly<Record<string, CauseRow>> = {
  EADDRINUSE: {
    reason: "port-in-use",
    fact: "port in use",
    fix: "stop the program that holds it, or choose another port"
  },
  EACCES: {
    reason: "permission-denied",
    fact: "permission denied",
    fix: "choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE"
  },
  EADDRNOTAVAIL: {
    reason: "address-not-available",
    fact: "no network interface of this machine has this address",
    fix: "choose an address of this machine, 127.0.0.1, or 0.0.0.0 for all"
  },
  ENOTFOUND: {
    reason: "host-not-found",
    fact: "host name not found",
    fix: "choose an address, or a name this machine can resolve"
  }
}

/** Of sockets that are files. */
const FILE_CAUSES: Readonly<Record<string, CauseRow>> = {
  EADDRINUSE: {
    reason: "port-in-use",
    fact: "another program listens on this socket",
    fix: "stop it, or choose another path"
  },
  EACCES: { reason: "permission-denied", fact: "permission denied", fix: "choose a folder this user may write to" },
  ENOENT: { reason: "other", fact: "the folder does not exist", fix: "make the folder, or choose another path" },
  ENOTDIR: { reason: "other", fact: "its folder is a file", fix: "choose another path" },
  ENOTSOCK: {
    reason: "other",
    fact: "a file that is no socket has this name",
    fix: "choose another path; nothing was removed"
  },
  ENAMETOOLONG: { reason: "other", fact: "the path is longer than 107 bytes", fix: "choose a shorter path" }
}

export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  listener: Schema.String,
  /** As formatted: "127.0.0.1:1883". */
  address: Schema.String,
  reason: ListenReason,
  fact: Schema.String,
  fix: Schema.String,
  ownerProcessId: Schema.UndefinedOr(Schema.Number),
  cause: Schema.Defect()
}) {
  /** The other listeners that could not be opened in the same start. */
  others: ReadonlyArray<ListenError> = []

  override get message(): string {
    const own = `listener "${this.listener}" cannot listen on ${this.address}: ${this.fact} (${this.fix})`
    return [own, ...this.others.map(({ message }) => message)].join("; ")
  }
  readonly exitCode = LISTEN_EXIT_CODE
  override readonly [Runtime.errorExitCode] = LISTEN_EXIT_CODE
}

export function listenError(listener: string, host: string, port: number, cause: NodeJS.ErrnoException): ListenError {
  const row = CAUSES[cause.code ?? ""] ?? { reason: "other", fact: cause.message, fix: "see the cause" }
  const owner = row.reason === "port-in-use" ? portOwner(port) : undefined
  const { reason, fix } = row
  const fact = owner === undefined ? row.fact : `${row.fact} by ${describe(owner)}`
  const address = formatAddress(host, port)
  return new ListenError({ listener, address, reason, fact, fix, ownerProcessId: owner?.processId, cause })
}

export function socketFileError(listener: string, path: string, cause: NodeJS.ErrnoException): ListenError {
  const row = FILE_CAUSES[cause.code ?? ""] ?? { reason: "other", fact: cause.message, fix: "see the cause" }
  return new ListenError({ listener, address: `unix:${path}`, ...row, ownerProcessId: undefined, cause })
}

function describe(owner: PortOwner): string {
  return owner.processId === process.pid ? "this process" : `${owner.command} (pid ${owner.processId})`
}
