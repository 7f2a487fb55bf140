/**
 * TCP: the transport over a node:net socket, and the listener that accepts them.
 *
 * The socket's own queue is the transport's: write() hands over, the callback says that the kernel took it, and
 * writableLength is what it has not taken. Nagle's delay is off; batching is the outbox's work, once per turn.
 *
 * Invariants
 * - allowHalfOpen is false: a client that ends its side is answered by the end of ours, after what was written.
 * - After end() the socket reads on and discards: closing a socket with unread bytes makes the kernel send a reset,
 *   which can take our last packet (DISCONNECT, a refusing CONNACK) away from the client.
 * - Closing the listener's scope stops accepting and touches no accepted connection; the broker above closes those.
 *
 * Elsewhere: limits on connections (broker), the address a proxy reports (its own file, when it comes).
 */
import { createServer, type Server, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { formatPeer } from "./address.ts"
import { DoneQueue } from "./done-queue.ts"
import type { ListenError } from "./listen-error.ts"
import { type BoundAddress, type ListenOptions, serve } from "./serve.ts"
import type { Transport } from "./transport.ts"

export interface ListenTcpOptions extends ListenOptions {
  readonly onTransport: (transport: Transport) => void
}

export const listenTcp = (options: ListenTcpOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.suspend(() => {
    const server: Server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) =>
      options.onTransport(new TcpTransport(socket, options.name))
    )
    return serve(server, options)
  })

export class TcpTransport implements Transport {
  readonly kind: Transport["kind"]
  readonly listener: string
  readonly peer: string
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined

  readonly #socket: Socket
  readonly #dones = new DoneQueue()
  #error: Error | undefined = undefined
  #peerEnded = false

  constructor(socket: Socket, listener: string, kind: "tcp" | "tls" | "unix" = "tcp") {
    this.kind = kind
    this.listener = listener
    this.peer = formatPeer(socket)
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => this.onData(chunk))
    socket.on("end", () => {
      this.#peerEnded = true
    })
    socket.on("error", (error) => {
      // Answers written to a client that has said its last word fail; that is a farewell and no fault.
      if (!this.#peerEnded) this.#error = error
    })
    socket.on("close", () => this.onClose(this.#error))
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  write(buffer: Buffer, done: () => void): void {
    this.#dones.push(done)
    this.#socket.write(buffer, this.#dones.reported)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(graceMs: number): void {
    this.onData = () => undefined
    this.#socket.end()
    this.#socket.resume()
    const deadline = setTimeout(() => this.#socket.destroy(), graceMs)
    this.#socket.once("close", () => clearTimeout(deadline))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
