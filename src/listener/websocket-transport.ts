/**
 * MQTT over WebSocket: the transport over one `ws` connection, plain or with TLS.
 *
 * A frame is only an envelope: its payload is a piece of the byte stream, which may hold half a packet or many
 * [MQTT-6.0.0-2]. One write is one binary frame.
 *
 * Invariants
 * - A text frame closes the connection [MQTT-6.0.0-1].
 * - `ws` gathers a message before it delivers any of it. limitIncoming() counts the reads of the socket below since
 *   the one in which a message ended: more than that, whatever the frames announce and however they are cut, ends
 *   the connection. Held then are at most the limit and two reads.
 *
 * Elsewhere: pings are answered by `ws` itself; MQTT's keep-alive is the broker's. Accepting: websocket.ts.
 */
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import { DoneQueue } from "./done-queue.ts"
import type { HeldBytes } from "./held-bytes.ts"
import type { PeerCertificate } from "./peer-certificate.ts"
import type { TlsProof } from "./tls-proof.ts"
import type { Transport } from "./transport.ts"

/** For a client that broke the rules: time to take our close frame. */
const FAREWELL_MS = 1_000
const CLOSE_NORMAL = 1000
const CLOSE_UNSUPPORTED_DATA = 1003
const CLOSE_TOO_LARGE = 1009

export interface WebSocketTransportOptions {
  readonly listener: string
  readonly peer: string
  readonly peerCertificate?: PeerCertificate | undefined
  readonly pskIdentity?: string | undefined
  readonly tlsProof?: TlsProof | undefined
  /** What carries the WebSocket. */
  readonly carrier: Duplex
}

export class WebSocketTransport implements Transport {
  readonly kind = "websocket"
  readonly listener: string
  readonly peer: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly pskIdentity: string | undefined
  readonly tlsProof: TlsProof | undefined
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined

  readonly #webSocket: WebSocket
  readonly #carrier: Duplex
  readonly #dones = new DoneQueue()
  #error: Error | undefined = undefined
  #gatheredBytes = 0
  #gatheredBytesMax = Number.POSITIVE_INFINITY
  #messageEnded = false
  #budget: HeldBytes | undefined = undefined
  /** After `ws` has worked on the chunk. */
  readonly #count = (chunk: Buffer): void => {
    const bytes = this.#messageEnded ? 0 : this.#gatheredBytes + chunk.length
    this.#messageEnded = false
    const isPaid = this.#gathered(bytes)
    if (bytes > this.#gatheredBytesMax || !isPaid) this.#refuseTooLarge()
  }

  constructor(webSocket: WebSocket, options: WebSocketTransportOptions) {
    this.listener = options.listener
    this.peer = options.peer
    this.peerCertificate = options.peerCertificate
    this.pskIdentity = options.pskIdentity
    this.tlsProof = options.tlsProof
    this.#webSocket = webSocket
    this.#carrier = options.carrier
    webSocket.on("message", (data, isBinary) => {
      this.#messageEnded = true
      if (!isBinary) this.#refuseText()
      else if ((data as Buffer).length > 0) this.onData(data as Buffer)
    })
    webSocket.on("error", (error) => {
      this.#error ??= error
    })
    webSocket.on("close", () => {
      this.#gathered(0)
      this.onClose(this.#error)
    })
  }

  get unsentBytes(): number {
    return this.#webSocket.bufferedAmount
  }

  get receivedBytes(): number {
    return (this.#carrier as Partial<Socket>).bytesRead ?? 0
  }

  get sentBytes(): number {
    return ((this.#carrier as Partial<Socket>).bytesWritten ?? 0) - this.#carrier.writableLength
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

  limitIncoming(bytes: number, budget?: HeldBytes): void {
    this.#carrier.off("data", this.#count)
    this.#gathered(0)
    this.#budget = budget
    this.#gatheredBytesMax = bytes
    if (Number.isFinite(bytes)) this.#carrier.on("data", this.#count)
  }

  /** So many bytes are held now. False when the budget has no room for them. */
  #gathered(bytes: number): boolean {
    const more = bytes - this.#gatheredBytes
    if (more > 0 && this.#budget?.take(more) === false) return false
    if (more < 0) this.#budget?.give(-more)
    this.#gatheredBytes = bytes
    return true
  }

  /** [MQTT-6.0.0-1] */
  #refuseText(): void {
    this.#error ??= new Error("text frame on an MQTT connection")
    this.#end(CLOSE_UNSUPPORTED_DATA, FAREWELL_MS)
  }

  #refuseTooLarge(): void {
    this.#error ??= new Error(`a WebSocket message above ${this.#gatheredBytesMax} bytes before CONNECT`)
    this.#carrier.off("data", this.#count)
    this.#end(CLOSE_TOO_LARGE, FAREWELL_MS)
    // What still comes stays in the kernel: `ws` would go on gathering it.
    this.#webSocket.pause()
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
