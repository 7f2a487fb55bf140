/** Clients at the other end of a transport, for the contract suite and the listeners' own tests. */
import { connect, type Socket } from "node:net"
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls"
import { type ClientOptions, WebSocket } from "ws"
import type { MemoryPair } from "../../src/listener/memory.ts"
import type { Peer } from "../contract/transport.ts"

export class SocketPeer implements Peer {
  readonly received: Array<Buffer> = []
  closed = false
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    this.socket.on("data", (chunk: Buffer) => this.received.push(chunk))
    this.socket.on("error", () => undefined)
    this.socket.on("close", () => {
      this.closed = true
    })
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  sendAndClose(bytes: Buffer): void {
    this.socket.end(bytes)
  }

  stopReading(): void {
    this.socket.pause()
  }

  startReading(): void {
    this.socket.resume()
  }
}

export class TcpPeer extends SocketPeer {
  constructor(port: number, host = "127.0.0.1") {
    super(connect({ port, host, noDelay: true }))
  }
}

export class UnixPeer extends SocketPeer {
  constructor(path: string) {
    super(connect({ path }))
  }
}

export class TlsPeer extends SocketPeer {
  /** Both sides are agreed; with TLS 1.3 the server may still refuse our certificate. */
  secured = false
  readonly tls: TLSSocket

  constructor(port: number, options: ConnectionOptions) {
    const socket = connectTls({ port, host: "127.0.0.1", ...options })
    super(socket)
    this.tls = socket
    socket.on("secureConnect", () => {
      this.secured = true
    })
  }
}

export class WebSocketPeer implements Peer {
  readonly received: Array<Buffer> = []
  closed = false
  opened = false
  closeCode: number | undefined = undefined
  /** HTTP status of an upgrade that was refused. */
  refusedStatus: number | undefined = undefined
  readonly webSocket: WebSocket

  constructor(url: string, protocols: ReadonlyArray<string> = ["mqtt"], options: ClientOptions = {}) {
    this.webSocket = new WebSocket(url, [...protocols], options)
    this.webSocket.on("open", () => {
      this.opened = true
    })
    this.webSocket.on("message", (data) => this.received.push(data as Buffer))
    this.webSocket.on("error", () => undefined)
    this.webSocket.on("unexpected-response", (request, response) => {
      this.refusedStatus = response.statusCode
      request.destroy()
    })
    this.webSocket.on("close", (code) => {
      this.closed = true
      this.closeCode = code
    })
  }

  send(bytes: Buffer): void {
    this.webSocket.send(bytes)
  }

  sendAndClose(bytes: Buffer): void {
    this.webSocket.send(bytes)
    this.webSocket.close()
  }

  stopReading(): void {
    this.webSocket.pause()
  }

  startReading(): void {
    this.webSocket.resume()
  }
}

export class MemoryPeer implements Peer {
  readonly received: Array<Buffer> = []
  closed = false
  readonly #pair: MemoryPair

  constructor(pair: MemoryPair) {
    this.#pair = pair
    pair.client.onData = (chunk) => void this.received.push(chunk)
    pair.client.onClose = () => {
      this.closed = true
    }
  }

  send(bytes: Buffer): void {
    this.#pair.client.write(bytes, () => undefined)
  }

  sendAndClose(bytes: Buffer): void {
    this.send(bytes)
    this.#pair.client.end(60_000)
  }

  stopReading(): void {
    this.#pair.server.stall()
  }

  startReading(): void {
    this.#pair.server.unstall()
  }
}
