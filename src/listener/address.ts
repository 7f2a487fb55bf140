/**
 * Addresses as text: "127.0.0.1:1883", "[::1]:1883". The form of logs, messages, metrics and rules.
 *
 * An IPv4 client of a dual-stack listener arrives as "::ffff:127.0.0.1"; it is shown, and matched by rules, as the
 * IPv4 address it is.
 */

const IPV4_MAPPED = "::ffff:"

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
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([\d.]+)):\d+$/.exec(peer)
  return match?.[1] ?? match?.[2]
}
