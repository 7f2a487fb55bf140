/**
 * Who may ask at all: judged from a request's headers alone, before anything else. Tokens are callers.ts.
 *
 * - Host: a loopback listener answers only to names of this machine, so a page that had its own name
 *   re-bound to 127.0.0.1 gets nothing, not even /health.
 * - Origin: a browser names the page that asks; only the listener's own pages may.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { FailureName } from "./failures.ts"

export interface Guard {
  /** Undefined: go on. Applies to every path. */
  readonly refusePlace: (headers: IncomingHttpHeaders) => FailureName | undefined
}

export function makeGuard(isLoopbackOnly: boolean, boundHost: string): Guard {
  return {
    refusePlace: (headers) => {
      const host = headers.host ?? ""
      if (isLoopbackOnly && !isOwnName(host, boundHost)) return "foreignHost"
      if (headers.origin !== undefined && headers.origin !== `http://${host}`) return "foreignOrigin"
      return undefined
    }
  }
}

/** `host` as in the Host header, with or without a port. */
function isOwnName(host: string, boundHost: string): boolean {
  const name = host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase()
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name) || name === boundHost.toLowerCase()
}
