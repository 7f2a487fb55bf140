/**
 * Who may ask: judged from a request's headers alone, before its body is read.
 *
 * - Host: a loopback listener answers only to names of this machine, so a page that had its own name
 *   re-bound to 127.0.0.1 gets nothing, not even /health.
 * - Origin: a browser names the page that asks; only the listener's own pages may.
 * - Token: compared in constant time, over digests, so that neither content nor length shows.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import type { FailureName } from "./failures.ts"

export interface Guard {
  /** Undefined: go on. Applies to every path. */
  readonly refusePlace: (headers: IncomingHttpHeaders) => FailureName | undefined
  readonly isTokenRight: (headers: IncomingHttpHeaders) => boolean
}

export function makeGuard(token: string, isLoopbackOnly: boolean, boundHost: string): Guard {
  const expected = digest(token)
  return {
    refusePlace: (headers) => {
      const host = headers.host ?? ""
      if (isLoopbackOnly && !isOwnName(host, boundHost)) return "foreignHost"
      if (headers.origin !== undefined && headers.origin !== `http://${host}`) return "foreignOrigin"
      return undefined
    },
    isTokenRight: (headers) => {
      const match = /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")
      return match !== null && timingSafeEqual(digest(match[1] as string), expected)
    }
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest()
}

/** `host` as in the Host header, with or without a port. */
function isOwnName(host: string, boundHost: string): boolean {
  const name = host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase()
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name) || name === boundHost.toLowerCase()
}
