/**
 * The listener that accepts WebSocket upgrades, plain (ws) or with TLS (wss).
 *
 * Invariants
 * - A client must offer a subprotocol of ours, and is told which one was chosen [MQTT-6.0.0-4].
 * - Nothing is inflated (no permessage-deflate), and no message grows beyond the largest packet, rounded up; how
 *   much less it is before CONNECT the broker says (limitIncoming of the transport).
 * - What is no upgrade on one of our paths gets a plain HTTP answer: 404, 403, 400, or 426. An upgrade not finished
 *   in HANDSHAKE_TIMEOUT_MS is cut off by node's own check.
 * - With TLS the certificates of clients are judged as on the TLS listener.
 *
 * Elsewhere: the transport (websocket-transport.ts), certificates and reload (tls-material.ts).
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { isIP } from "node:net"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { WebSocketServer } from "ws"
import { formatAddress, formatPeer, hostOf } from "./address.ts"
import type { Guest } from "./door.ts"
import { forwardedFor, MALFORMED } from "./forwarded-for.ts"
import { type HandshakeOptions, handshakeEnd, handshakeOptions, peerRefusal } from "./handshake.ts"
import type { ListenError } from "./listen-error.ts"
import { peerCertificate } from "./peer-certificate.ts"
import { type BoundAddress, type ListenOptions, serve } from "./serve.ts"
import type { Transport } from "./transport.ts"
import { WebSocketTransport } from "./websocket-transport.ts"

export const WEBSOCKET_SUBPROTOCOLS: ReadonlyArray<string> = ["mqtt", "mqttv3.1"]
export const WEBSOCKET_PATHS_DEFAULT: ReadonlyArray<string> = ["/mqtt", "/"]

const HANDSHAKE_TIMEOUT_MS = 10_000
const HANDSHAKE_CHECK_INTERVAL_MS = 2_000
/** A frame may carry some small packets beside the largest one; the limit is rounded up to whole steps of this. */
const PAYLOAD_STEP_BYTES = 65_536

const HTTP_OPTIONS = {
  noDelay: true,
  headersTimeout: HANDSHAKE_TIMEOUT_MS,
  requestTimeout: HANDSHAKE_TIMEOUT_MS,
  connectionsCheckingInterval: HANDSHAKE_CHECK_INTERVAL_MS
}

export interface ListenWebSocketOptions extends ListenOptions {
  readonly paths: ReadonlyArray<string>
  readonly maxPacketBytes: number
  /** When given, a browser on another site is answered 403; clients that send no Origin are not concerned. "*" = every site. */
  readonly originsAllowed?: ReadonlyArray<string> | undefined
  /** Nobody has to log in: without a list only pages of this machine may, or any page a user visits could. [WS-1] */
  readonly isOpen?: boolean | undefined
  /** Given = wss. */
  readonly tls?: HandshakeOptions | undefined
  readonly onTransport: (transport: Transport) => void
}

export const listenWebSocket = (
  options: ListenWebSocketOptions
): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: (Math.ceil(options.maxPacketBytes / PAYLOAD_STEP_BYTES) + 1) * PAYLOAD_STEP_BYTES,
      // [MQTT-6.0.0-4]: the chosen name is part of the answer; refusal() has seen that there is one.
      handleProtocols: (offered) => WEBSOCKET_SUBPROTOCOLS.find((name) => offered.has(name)) ?? false
    })
    const server = options.tls === undefined ? createServer(HTTP_OPTIONS) : yield* secureServer(options, options.tls)
    server.on("request", (request, response) => {
      const status = options.paths.includes(pathOf(request)) ? 426 : 404
      response.writeHead(status, { "content-type": "text/plain", connection: "close", upgrade: "websocket" })
      response.end(`${STATUS_CODES[status]}\n`)
    })
    server.on("upgrade", (request, carrier, head) => {
      const refused = refusal(options, request)
      if (refused !== undefined) return refuse(carrier, refused)
      const guest = guestOf(options, request)
      if (typeof guest === "number") return refuse(carrier, guest)
      upgrades.handleUpgrade(request, carrier, head, (webSocket) => {
        const { socket } = request
        const shown = socket instanceof TLSSocket ? peerCertificate(socket) : undefined
        const { certificate, peer } = guest
        const pskIdentity = socket instanceof TLSSocket ? options.tls?.material.pskIdentities.of(socket) : undefined
        const tlsProof = socket instanceof TLSSocket ? options.tls?.material.proofOf(socket) : undefined
        const proved = { peerCertificate: shown ?? certificate, pskIdentity, tlsProof }
        const parts = { listener: options.name, peer, ...proved, carrier }
        options.onTransport(new WebSocketTransport(webSocket, parts))
      })
    })
    return yield* serve(server, options)
  })

const secureServer = (
  options: ListenWebSocketOptions,
  tls: HandshakeOptions
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const server = createSecureServer({ ...HTTP_OPTIONS, ...handshakeOptions(tls) })
    server.on("tlsClientError", yield* handshakeEnd(options.name, options.door))
    server.on("secureConnection", (socket) => socket.disableRenegotiation())
    yield* tls.material.followedBy(server)
    return server
  })

/** Who it is, or the HTTP status of a refusal; a proxy that is trusted may say for whom it speaks. */
function guestOf({ door }: ListenWebSocketOptions, { headers, socket }: IncomingMessage): Guest | number {
  const guest = door === undefined ? { peer: formatPeer(socket) } : door.guestOf(socket)
  if (guest === undefined) return 400
  if (door === undefined || !door.options.isForwarded) return guest
  const { trusted } = door.options
  if (!trusted.has(hostOf(guest.peer))) return guest
  // Sent twice, node joins them with a comma: one list, in order.
  const address = forwardedFor(headers["x-forwarded-for"] as string | undefined, trusted)
  if (address === MALFORMED) return 400
  if (address === undefined) return guest
  return door.admitForwarded(address, socket) ? { ...guest, peer: formatAddress(address, 0) } : 503
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? ""
}

/** HTTP status for an upgrade that is not for us. */
function refusal(options: ListenWebSocketOptions, request: IncomingMessage): number | undefined {
  const { socket } = request
  const { tls } = options
  if (tls !== undefined && socket instanceof TLSSocket && peerRefusal(socket, tls.material) !== undefined) return 403
  if (!options.paths.includes(pathOf(request))) return 404
  const { host, origin } = request.headers
  if (origin !== undefined && !mayOpen(options, origin, host ?? "")) return 403
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
  return WEBSOCKET_SUBPROTOCOLS.some((name) => offered.includes(name)) ? undefined : 400
}

/** [WS-1] */
function mayOpen({ isOpen, originsAllowed }: ListenWebSocketOptions, origin: string, host: string): boolean {
  if (originsAllowed !== undefined) return originsAllowed.includes("*") || originsAllowed.includes(origin)
  return isOpen !== true || isOwnPage(origin, host)
}

/** A page of this machine, or one from the very address that is asked. Names do not count: they can be bound anew. [WS-1] */
function isOwnPage(origin: string, host: string): boolean {
  const page = URL.parse(origin)?.hostname ?? ""
  if (page === "localhost" || page.endsWith(".localhost") || page === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(page))
    return true
  return isIP(page.replace(/^\[(.*)\]$/, "$1")) !== 0 && URL.parse(`http://${host}`)?.hostname === page
}

function refuse(socket: Duplex, status: number): void {
  socket.on("error", () => undefined)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  socket.resume()
}
