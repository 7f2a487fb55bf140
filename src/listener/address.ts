/**
 * Addresses as text: "127.0.0.1:1883", "[::1]:1883". The form of logs, messages, metrics and rules.
 *
 * An IPv4 client of a dual-stack listener arrives as "::ffff:127.0.0.1"; it is shown, and matched by rules, as the
 * IPv4 address it is.
 */

const IPV4_MAPPED = "::ffff:"
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

export function formatAddress(host: string, port: number): string {
  const plain = host.startsWith(IPV4_MAPPED) && host.includes(".") ? host.slice(IPV4_MAPPED.length) : host
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`
}

/** The peer of an accepted socket; a client may be gone before it was asked for its address. */
export function formatPeer(socket: {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}): string {
  if (socket.remoteAddress === undefined || socket.remotePort === undefined) return "unknown"
  return formatAddress(socket.remoteAddress, socket.remotePort)
}

/** The address without its port; undefined for peers that have none (unix sockets, connections in memory). */
export function hostOf(peer: string): string | undefined {
  const colon = peer.lastIndexOf(":")
  const first = peer.charCodeAt(0)
  // Asked at every CONNECT: an IPv4 address and its port need no expression.
  if (first >= DIGIT_0 && first <= DIGIT_9) return colon > 0 ? peer.slice(0, colon) : undefined
  const match = /^\[([0-9a-fA-F:.%\w]+)\]:\d+$/.exec(peer)
  return match?.[1]
}
