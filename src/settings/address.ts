/**
 * Addresses to listen on (or to call), as written in the configuration.
 *
 *   127.0.0.1:1883   [::1]:1883   localhost:1883   broker.example:7946
 *   :1883  or  *:1883    every address of the machine; decoded to host "" (leave the host out in listen())
 *
 * Port 0 asks the system for a free port. An IPv6 address must stand in brackets: "::1:1883" has two
 * readings. Nothing here resolves names: "localhost" counts as loopback because the resolver standard
 * (RFC 6761) says so, every other name counts as public.
 */
import { isIPv4, isIPv6 } from "node:net"

export interface ListenAddress {
  /** "" = every address. IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/** The address, or undefined when the text is none. */
export const parseAddress = (text: string): ListenAddress | undefined => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text.trim())
  if (match === null) return undefined
  const port = Number(match[3])
  if (port > 65_535) return undefined
  if (match[1] !== undefined) return isIPv6(match[1]) ? { host: match[1].toLowerCase(), port } : undefined
  const host = (match[2] ?? "").toLowerCase()
  if (host === "" || host === "*") return { host: "", port }
  return isIPv4(host) || isHostName(host) ? { host, port } : undefined
}

export const formatAddress = (address: ListenAddress): string =>
  address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`

/** True when only this machine can reach it. */
export const isLoopback = (address: ListenAddress): boolean => {
  const host = address.host
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1") return true
  if (isIPv4(host)) return host.startsWith("127.")
  // The same machine written as IPv6: ::ffff:127.x.y.z and the long form of ::1.
  return /^::ffff:127(\.\d{1,3}){3}$/.test(host) || /^(0{1,4}:){7}0{0,3}1$/.test(host)
}

const isHostName = (host: string): boolean =>
  host.length <= 253 &&
  !/^[\d.]+$/.test(host) &&
  host.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))

/** Where a listener is called from its own machine: one that listens everywhere is called at home. */
export const reachable = ({ host, port }: ListenAddress): ListenAddress => ({
  host: host === "" || host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host,
  port
})
