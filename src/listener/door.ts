/**
 * What every accepted socket of a port passes before its listener sees it: the limits on sockets, and, behind a proxy, the
 * PROXY header that says who is there.
 *
 *   accepted ──▶ total, overload ──▶ PROXY header ──▶ limits of the address ──▶ TLS, HTTP or MQTT
 *                                    (proxied ports)
 *
 * Invariants
 * - A socket that is turned away costs no handshake, no answer and one line of the log per REPORT_INTERVAL_MS.
 * - [PROXY-1] On a proxied port nobody comes in without a header, and only listed proxies may send one: everybody else is
 *   closed before a byte of theirs is read. A LOCAL header (a health check) leaves the proxy's own address.
 * - The address that limits, rules, bans and logs see is the one the proxy named.
 * - [PROXY-2] The client's bytes behind the header are put back in front of the stream, in order.
 *
 * Elsewhere: the header (proxy-header.ts), the counting (accept-limits.ts), X-Forwarded-For (forwarded-for.ts).
 */
import type { Server, Socket } from "node:net"
import type { NetworkSet } from "../settings/network-set.ts"
import type { AcceptLimits, AcceptRefusal } from "./accept-limits.ts"
import { formatAddress, formatPeer } from "./address.ts"
import type { PeerCertificate } from "./peer-certificate.ts"
import { HEADER_BYTES_MAX, readProxyHeader } from "./proxy-header.ts"

export type TurnedAway = AcceptRefusal | "proxy"

export interface DoorOptions {
  readonly listener: string
  readonly limits: AcceptLimits
  /** Whose word counts: for PROXY headers, and for X-Forwarded-For. */
  readonly trusted: NetworkSet
  /** Every connection begins with a PROXY header. */
  readonly isProxied: boolean
  /** X-Forwarded-For of a trusted peer names the client. */
  readonly isForwarded: boolean
  readonly headerTimeoutMs: number
  readonly nowMs: () => number
  /** At most once per second: `count` sockets since the last time, the last one from `peer`. */
  readonly onTurnedAway: (why: TurnedAway, told: TurnedAwayReport | undefined) => void
}

export interface TurnedAwayReport {
  readonly listener: string
  readonly peer: string
  readonly why: string
  readonly count: number
}

export interface Guest {
  readonly peer: string
  /** What a proxy has verified. */
  readonly certificate?: PeerCertificate | undefined
}

const REPORT_INTERVAL_MS = 1000

type Hand = (socket: Socket) => void

/** The address that a socket counts for. */
const admittedAs = Symbol("admitted as")
interface Admitted extends Socket {
  [admittedAs]?: string
}

export class Door {
  readonly options: DoorOptions
  /** By the four numbers of the connection: a TLS socket has those of the one below it. */
  readonly #guests = new Map<string, Guest>()
  /** One for all sockets: a closure for each would be 250 bytes of every idle connection. */
  readonly #left: (this: Socket) => void
  #quietUntilMs = Number.NEGATIVE_INFINITY
  #untold = 0

  constructor(options: DoorOptions) {
    const { limits } = options
    this.options = options
    this.#left = function (this: Socket) {
      const address = (this as Admitted)[admittedAs]
      if (address !== undefined) limits.release(address)
      limits.leave()
    }
  }

  /** Stands before whoever listens to the server's connections already. */
  guard(server: Server): void {
    const listeners = server.listeners("connection") as Array<Hand>
    server.removeAllListeners("connection")
    const hand: Hand = (admitted) => {
      for (const listener of listeners) listener.call(server, admitted)
    }
    server.on("connection", (socket: Socket) => this.#arrived(socket, hand))
  }

  /** Who that is; undefined only where a proxy should have said it and the socket is gone. */
  guestOf(socket: Socket): Guest | undefined {
    const known = this.#guests.size === 0 ? undefined : this.#guests.get(keyOf(socket))
    return known ?? (this.options.isProxied ? undefined : { peer: formatPeer(socket) })
  }

  /** The same for what goes into the log. */
  peerOf(socket: Socket): string {
    return this.guestOf(socket)?.peer ?? formatPeer(socket)
  }

  /** The client that X-Forwarded-For names counts as one socket of its own address. */
  admitForwarded(address: string, socket: Socket): boolean {
    const { limits } = this.options
    const refusal = limits.admit(address)
    if (refusal === undefined) socket.once("close", () => limits.release(address))
    else this.#turnAway(refusal, refusal, `${address}:0`)
    return refusal === undefined
  }

  #arrived(socket: Socket, hand: Hand): void {
    const { isForwarded, isProxied, limits, trusted } = this.options
    const refusal = limits.enter()
    if (refusal !== undefined) {
      this.#close(socket, refusal, refusal)
      return
    }
    socket.on("close", this.#left)
    const address = socket.remoteAddress
    if (address === undefined) {
      // A unix socket has no address; of a port it means that the client is gone already.
      if (socket.localPort === undefined && !isProxied) hand(socket)
      else socket.destroy()
      return
    }
    const isTrusted = (isProxied || isForwarded) && trusted.has(address)
    if (isProxied) {
      // [PROXY-1]
      if (isTrusted) this.#readHeader(socket, hand)
      else this.#close(socket, "proxy", "not one of server.proxy-trusted")
      return
    }
    // A trusted proxy stands for many; whom it names is counted when it has named it.
    const refused = isTrusted ? undefined : this.#admit(address, socket)
    if (refused === undefined) hand(socket)
    else this.#close(socket, refused, refused)
  }

  #admit(address: string, socket: Socket): AcceptRefusal | undefined {
    const refusal = this.options.limits.admit(address)
    if (refusal === undefined) (socket as Admitted)[admittedAs] = address
    return refusal
  }

  #readHeader(socket: Socket, hand: Hand): void {
    let held: Buffer = Buffer.alloc(0)
    const ignore = (): void => {}
    const stop = (): void => {
      clearTimeout(deadline)
      socket.off("readable", onReadable)
      socket.off("close", stop)
      socket.off("error", ignore)
    }
    const refuse = (why: string): void => {
      stop()
      this.#close(socket, "proxy", why)
    }
    const onReadable = (): void => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const header = readProxyHeader(held)
      if (typeof header === "string") {
        refuse(header)
        return
      }
      if (header === undefined) {
        if (held.length > HEADER_BYTES_MAX) refuse("a PROXY header without an end")
        return
      }
      stop()
      const rest = held.subarray(header.bytes)
      const host = header.source?.host ?? socket.remoteAddress ?? ""
      const refusal = header.source === undefined ? undefined : this.#admit(host, socket)
      if (refusal !== undefined) {
        this.#close(socket, refusal, refusal)
        return
      }
      this.#remember(socket, {
        peer: header.source === undefined ? formatPeer(socket) : formatAddress(host, header.source.port),
        certificate: header.commonName === undefined ? undefined : verifiedByProxy(header.commonName)
      })
      if (rest.length > 0) socket.unshift(rest) // [PROXY-2]
      hand(socket)
    }
    const deadline = setTimeout(() => refuse("no PROXY header in time"), this.options.headerTimeoutMs)
    socket.on("error", ignore)
    socket.on("close", stop)
    socket.on("readable", onReadable)
  }

  #remember(socket: Socket, guest: Guest): void {
    const key = keyOf(socket)
    this.#guests.set(key, guest)
    socket.once("close", () => this.#guests.delete(key))
  }

  #close(socket: Socket, why: TurnedAway, words: string): void {
    const peer = formatPeer(socket)
    socket.on("error", () => undefined)
    socket.destroy()
    this.#turnAway(why, words, peer)
  }

  #turnAway(why: TurnedAway, words: string, peer: string): void {
    const { listener, nowMs, onTurnedAway } = this.options
    this.#untold += 1
    const now = nowMs()
    if (now < this.#quietUntilMs) {
      onTurnedAway(why, undefined)
      return
    }
    const count = this.#untold
    this.#quietUntilMs = now + REPORT_INTERVAL_MS
    this.#untold = 0
    onTurnedAway(why, { listener, peer, why: words, count })
  }
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** All that a PROXY header tells of a certificate. */
function verifiedByProxy(commonName: string): PeerCertificate {
  return {
    subject: `CN=${commonName}`,
    commonNames: [commonName],
    alternativeNames: [],
    fingerprint: "",
    expiresAtMs: Number.POSITIVE_INFINITY
  }
}
