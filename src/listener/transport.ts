/**
 * The transport port: a byte stream to one client, whatever carries it (TCP, TLS, WebSocket, unix, in-memory pair).
 *
 * Plain callbacks, no Effect: this is the per-batch border. One implementation per file; all pass
 * test/contract/transport. A transport never splits or merges what `write` was given in a way the peer
 * could tell, never calls back synchronously from within `write`, and calls `onClose` exactly once.
 */
import type { HeldBytes } from "./held-bytes.ts"
import type { PeerCertificate } from "./peer-certificate.ts"
import type { TlsProof } from "./tls-proof.ts"

export interface Transport {
  readonly kind: "tcp" | "tls" | "websocket" | "unix" | "memory"
  /** Name of the listener that accepted it, for logs, metrics and rules. */
  readonly listener: string
  /** Address of the peer as text, e.g. "127.0.0.1:53210" or "[::1]:53210"; "unix:/path" of a unix socket. */
  readonly peer: string
  /** What the peer proved about itself; absent = it has shown no certificate. */
  readonly peerCertificate?: PeerCertificate | undefined
  /** Identity of the pre-shared key that the handshake was made with. */
  readonly pskIdentity?: string | undefined
  /** What the two rest on, to be looked at again when that changes. */
  readonly tlsProof?: TlsProof | undefined
  /** Bytes accepted by write() that the kernel has not taken yet. */
  readonly unsentBytes: number
  /** What the socket below has carried so far, everything included; absent where nothing counts it. Read when somebody looks. */
  readonly receivedBytes?: number
  readonly sentBytes?: number
  /**
   * Hands over [0, length) of the buffer, which belongs to the transport until `done` is called (once, in
   * order, not before write returned; also called when the transport closes).
   */
  write(buffer: Buffer, done: () => void): void
  /**
   * Sends of [start, end) what the network takes at once and answers how many bytes that were; the memory stays the
   * caller's. 0 while it still has bytes of an earlier write(). Transports that cannot say have no such method.
   */
  writeNow?(buffer: Buffer, start: number, end: number): number
  /** Stops reading; chunks already read may still arrive once. */
  pause(): void
  resume(): void
  /** Flushes what was written, then closes. Hard-closes after `graceMs`. */
  end(graceMs: number): void
  /** Closes at once. */
  destroy(): void
  /**
   * For transports that gather bytes before they deliver any: from here on at most so many, or the connection ends.
   * Infinity = only the transport's own limit. Others deliver what arrives and have no such method. What is gathered
   * counts against the budget, where there is one.
   */
  limitIncoming?(bytes: number, budget?: HeldBytes): void
  /** Set by the connection before the first chunk is delivered. The chunk is the receiver's to keep. */
  onData: (chunk: Buffer) => void
  /**
   * Of transports that read into memory which is used again: [start, end) has arrived, and is overwritten after the call.
   * The receiver may write to the bytes in front of `start`. Such a transport may use onData as well.
   */
  onLent?: (buffer: Buffer, start: number, end: number) => void
  onClose: (error: Error | undefined) => void
}
