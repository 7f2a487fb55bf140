/**
 * MQTT over WebSocket: the transport over one `ws` connection, and the listener that accepts the upgrade.
 *
 * A frame is only an envelope: its payload is a piece of the byte stream, which may hold half a packet or many
 * [MQTT-6.0.0-2]. One write is one binary frame.
 *
 * Invariants
 * - A text frame closes the connection [MQTT-6.0.0-1].
 * - A client must offer a subprotocol of ours, and is told which one was chosen [MQTT-6.0.0-4].
 * - Nothing is inflated (no permessage-deflate), and no frame grows beyond the largest packet, rounded up: what a
 *   client can make us hold before it has said who it is stays bounded.
 * - What is no upgrade on one of our paths gets a plain HTTP answer: 404, 403, 400, or 426. An upgrade not finished
 *   in HANDSHAKE_TIMEOUT_MS is cut off by node's own check.
 *
 * Elsewhere: pings are answered by `ws` itself; MQTT's keep-alive is the broker's.
 */
import { createServer, type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type WebSocket, WebSocketServer } from "ws"
import { formatPeer } from "./address.ts"
import { DoneQueue } from "./done-queue.ts"
import type { ListenError } from "./listen-error.ts"
import { type BoundAddress, type ListenOptions, serve } from "./serve.ts"
import type { Transport } from "./transport.ts"

export const WEBSOCKET_SUBPROTOCOLS: ReadonlyArray<string> = ["mqtt", "mqttv3.1"]
export const WEBSOCKET_PATHS_DEFAULT: ReadonlyArray<string> = ["/mqtt", "/"]

const HANDSHAKE_TIMEOUT_MS = 10_000
const HANDSHAKE_CHECK_INTERVAL_MS = 2_000
/** A frame may carry some small packets beside the largest one; the limit is rounded up to whole steps of this. */
const PAYLOAD_STEP_BYTES = 65_536
/** For a client that broke the framing: time to take our close frame. */
const FAREWELL_MS = 1_000
const CLOSE_NORMAL = 1000
const CLOSE_UNSUPPORTED_DATA = 1003

export interface ListenWebSocketOptions extends ListenOptions {
  readonly paths: ReadonlyArray<string>
  readonly maxPacketBytes: number
  /** When given, a browser on another site is answered 403; clients that send no Origin are not concerned. */
  readonly originsAllowed?: ReadonlyArray<string> | undefined
  readonly onTransport: (transport: Transport) => void
}

export const listenWebSocket = (
  options: ListenWebSocketOptions
): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.suspend(() => {
    const upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: (Math.ceil(options.maxPacketBytes / PAYLOAD_STEP_BYTES) + 1) * PAYLOAD_STEP_BYTES,
      // [MQTT-6.0.0-4]: the chosen name is part of the answer; refusal() has seen that there is one.
      handleProtocols: (offered) => WEBSOCKET_SUBPROTOCOLS.find((name) => offered.has(name)) ?? false
    })
    const server = createServer({
      noDelay: true,
      headersTimeout: HANDSHAKE_TIMEOUT_MS,
      requestTimeout: HANDSHAKE_TIMEOUT_MS,
      connectionsCheckingInterval: HANDSHAKE_CHECK_INTERVAL_MS
    })
    server.on("request", (request, response) => {
      const status = options.paths.includes(pathOf(request)) ? 426 : 404
      response.writeHead(status, { "content-type": "text/plain", connection: "close", upgrade: "websocket" })
      response.end(`${STATUS_CODES[status]}\n`)
    })
    server.on("upgrade", (request, socket, head) => {
      const refused = refusal(options, request)
      if (refused !== undefined) return refuse(socket, refused)
      upgrades.handleUpgrade(request, socket, head, (webSocket) =>
        options.onTransport(new WebSocketTransport(webSocket, options.name, formatPeer(request.socket)))
      )
    })
    return serve(server, options)
  })

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? ""
}

/** HTTP status for an upgrade that is not for us. */
function refusal(options: ListenWebSocketOptions, request: IncomingMessage): number | undefined {
  if (!options.paths.includes(pathOf(request))) return 404
  const { origin } = request.headers
  if (options.originsAllowed !== undefined && origin !== undefined && !options.originsAllowed.includes(origin)) {
    return 403
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
  return WEBSOCKET_SUBPROTOCOLS.some((name) => offered.includes(name)) ? undefined : 400
}

function refuse(socket: Duplex, status: number): void {
  socket.on("error", () => undefined)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  socket.resume()
}

export class WebSocketTransport implements Transport {
  readonly kind = "websocket"
  readonly listener: string
  readonly peer: string
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined

  readonly #webSocket: WebSocket
  readonly #dones = new DoneQueue()
  #error: Error | undefined = undefined

  constructor(webSocket: WebSocket, listener: string, peer: string) {
    this.listener = listener
    this.peer = peer
    this.#webSocket = webSocket
    webSocket.on("message", (data, isBinary) => {
      if (!isBinary) this.#refuseText()
      else if ((data as Buffer).length > 0) this.onData(data as Buffer)
    })
    webSocket.on("error", (error) => {
      this.#error = error
    })
    webSocket.on("close", () => this.onClose(this.#error))
  }

  get unsentBytes(): number {
    return this.#webSocket.bufferedAmount
  }

  write(buffer: Buffer, done: () => void): void {
    this.#dones.push(done)
    this.#webSocket.send(buffer, SEND_OPTIONS, this.#dones.reported)
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  end(graceMs: number): void {
    this.#end(CLOSE_NORMAL, graceMs)
  }

  destroy(): void {
    this.onData = () => undefined
    this.#webSocket.terminate()
  }

  /** [MQTT-6.0.0-1] */
  #refuseText(): void {
    this.#error ??= new Error("text frame on an MQTT connection")
    this.#end(CLOSE_UNSUPPORTED_DATA, FAREWELL_MS)
  }

  #end(code: number, graceMs: number): void {
    this.onData = () => undefined
    this.#webSocket.close(code)
    this.#webSocket.resume()
    const deadline = setTimeout(() => this.#webSocket.terminate(), graceMs)
    this.#webSocket.once("close", () => clearTimeout(deadline))
  }
}

const SEND_OPTIONS = { binary: true, compress: false, fin: true }
