/**
 * Why a listener could not be opened, in words for the person who started the broker: which listener, which address,
 * the cause, who holds the port, what to do.
 *
 * The table CAUSES is the whole mapping from system error to reason, sentence and fix; an error that is not
 * listed keeps the system's own words.
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
  override get message(): string {
    return `listener "${this.listener}" cannot listen on ${this.address}: ${this.fact} (${this.fix})`
  }
  readonly exitCode = LISTEN_EXIT_CODE
  override readonly [Runtime.errorExitCode] = LISTEN_EXIT_CODE
}

export function listenError(listener: string, host: string, port: number, cause: NodeJS.ErrnoException): ListenError {
  const row = CAUSES[cause.code ?? ""] ?? { reason: "other", fact: cause.message, fix: "see the cause" }
  const owner = row.reason === "port-in-use" ? portOwner(port) : undefined
  return new ListenError({
    listener,
    address: formatAddress(host, port),
    reason: row.reason,
    fact: owner === undefined ? row.fact : `${row.fact} by ${describe(owner)}`,
    fix: row.fix,
    ownerProcessId: owner?.processId,
    cause
  })
}

function describe(owner: PortOwner): string {
  return owner.processId === process.pid ? "this process" : `${owner.command} (pid ${owner.processId})`
}
