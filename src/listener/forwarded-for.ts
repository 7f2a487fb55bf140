/**
 * X-Forwarded-For of a WebSocket upgrade: which address a proxy says it speaks for.
 *
 *   X-Forwarded-For: <client>, <proxy 1>, <proxy 2>      each proxy appends whom it saw
 *
 * [PROXY-4] Read from the right, over the proxies that are trusted: the first that is not is the client. What stands further
 * left anybody can have written. An entry that is no address is a refusal: nothing is guessed.
 */
import { isIP } from "node:net"
import { type NetworkSet, plainAddress } from "../settings/network-set.ts"

const ENTRIES_MAX = 32

/** Undefined = the header names nobody else; "malformed" = it cannot be relied on. */
export function forwardedFor(header: string | undefined, trusted: NetworkSet): string | undefined {
  if (header === undefined) return undefined
  const entries = header.split(",")
  if (entries.length > ENTRIES_MAX) return MALFORMED
  let nearest: string | undefined
  for (const entry of entries.reverse()) {
    const address = bareAddress(entry.trim())
    if (isIP(address) === 0) return MALFORMED
    nearest = plainAddress(address)
    if (!trusted.has(nearest)) return nearest // [PROXY-4]
  }
  return nearest
}

export const MALFORMED = "malformed"

/** Some proxies add the port: "192.0.2.1:4711", "[2001:db8::1]:4711". */
function bareAddress(entry: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)
  if (bracketed !== null) return bracketed[1] as string
  return /^[\d.]+:\d{1,5}$/.test(entry) ? entry.slice(0, entry.indexOf(":")) : entry
}
