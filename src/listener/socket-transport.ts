/**
 * The transport over a node socket: TCP, TLS or unix.
 *
 * The socket's own queue is the transport's: write() hands over, the callback says that the kernel took it (for TLS:
 * that it was encrypted and the kernel took that), and writableLength is what it has not taken. A TLS socket never
 * reports a write as done at once; nothing here relies on more than the callback.
 *
 * A plain socket is asked first what the kernel takes at once (write-now.ts); node gets the rest.
 *
 * What it reads it lends, where node lets it (shared-read.ts); a paused socket then leaves all with the kernel, its end too.
 *
 * Invariants
 * - The listener made the socket with allowHalfOpen false: a client that ends its side is answered by the end of
 *   ours, after what was written.
 * - After end() the socket reads on and discards: closing a socket with unread bytes makes the kernel send a reset,
 *   which can take our last packet (DISCONNECT, a refusing CONNACK) away from the client.
 *
 * Elsewhere: who accepts (tcp.ts, tls.ts, unix.ts), one write per turn (outbox.ts).
 */
import type { Socket } from "node:net"
import { formatPeer } from "./address.ts"
import { DoneQueue } from "./done-queue.ts"
import { IN_FRONT_BYTES } from "./lent-memory.ts"
import type { PeerCertificate } from "./peer-certificate.ts"
import { readShared, sharedMemory } from "./shared-read.ts"
import type { TlsProof } from "./tls-proof.ts"
import type { Transport } from "./transport.ts"
import { descriptorOf, NO_DESCRIPTOR, writeNow } from "./write-now.ts"

/** The way from a socket to its transport: handlers are shared, so that a connection needs no closure for each event. */
const transport = Symbol("transport")
interface Carrier extends Socket {
  [transport]: SocketTransport
}

export interface SocketTransportOptions {
  readonly kind: "tcp" | "tls" | "unix"
  readonly listener: string
  /** Where the socket has no address of its own to show. */
  readonly peer?: string | undefined
  readonly peerCertificate?: PeerCertificate | undefined
  readonly pskIdentity?: string | undefined
  readonly tlsProof?: TlsProof | undefined
}

export class SocketTransport implements Transport {
  readonly kind: Transport["kind"]
  readonly listener: string
  readonly peer: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly pskIdentity: string | undefined
  readonly tlsProof: TlsProof | undefined
  onData: (chunk: Buffer) => void = nothing
  onLent: (buffer: Buffer, start: number, end: number) => void = nothing
  onClose: (error: Error | undefined) => void = nothing

  /** What ended it, for onClose. */
  error: Error | undefined = undefined
  readonly #socket: Socket
  readonly #descriptor: number
  readonly #dones = new DoneQueue()
  /** What node knows nothing of. */
  #takenAtOnceBytes = 0

  constructor(socket: Socket, options: SocketTransportOptions) {
    this.kind = options.kind
    this.listener = options.listener
    this.peer = options.peer ?? formatPeer(socket)
    this.peerCertificate = options.peerCertificate
    this.pskIdentity = options.pskIdentity
    this.tlsProof = options.tlsProof
    this.#socket = socket
    this.#descriptor = options.kind === "tls" ? NO_DESCRIPTOR : descriptorOf(socket)
    const carrier = socket as Carrier
    carrier[transport] = this
    if (this.kind === "tls" || !readShared(socket, carrierLent)) socket.on("data", carrierData)
    socket.on("error", carrierError)
    socket.on("close", carrierClosed)
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead
  }

  get sentBytes(): number {
    return this.#takenAtOnceBytes + this.#socket.bytesWritten - this.#socket.writableLength
  }

  write(buffer: Buffer, done: () => void): void {
    this.#dones.push(done)
    this.#socket.write(buffer, this.#dones.reported)
  }

  writeNow(buffer: Buffer, start: number, end: number): number {
    const taken = writeNow(this.#socket, this.#descriptor, buffer, start, end)
    this.#takenAtOnceBytes += taken
    return taken
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(graceMs: number): void {
    this.onData = nothing
    this.onLent = nothing
    this.#socket.end()
    this.#socket.resume()
    const deadline = setTimeout(() => this.#socket.destroy(), graceMs)
    this.#socket.once("close", () => clearTimeout(deadline))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function nothing(): void {}

function carrierLent(this: Socket, bytes: number): void {
  ;(this as Carrier)[transport].onLent(sharedMemory, IN_FRONT_BYTES, IN_FRONT_BYTES + bytes)
}

function carrierData(this: Socket, chunk: Buffer): void {
  ;(this as Carrier)[transport].onData(chunk)
}

function carrierError(this: Socket, error: Error): void {
  // Answers written to a client that has said its last word fail; that is a farewell and no fault.
  if (!this.readableEnded) (this as Carrier)[transport].error = error
}

function carrierClosed(this: Socket): void {
  const closed = (this as Carrier)[transport]
  closed.onClose(closed.error)
}
