/**
 * Reads plain sockets into one buffer of the process, instead of new memory for each read.
 *
 * node has this for sockets that it connects (the option `onread` of net.connect), and none for sockets that a server
 * accepted. What the option sets, though, every socket has: three own properties, named by symbols, and a method of the
 * handle that tells libuv where to read to. They are set here, after a look whether they are there and empty.
 *
 * Measured beside 'data' events, CPU time of the broker: QoS 0, 1:1, 16 KiB 42.8 → 13.2 µs a message (a third of the time went
 * into memory for reads and its collection); 64 bytes 0.21 → 0.10 (1:1), 0.16 → 0.06 (10:10); a connect 64 → 60 µs.
 *
 * Invariants
 * - Where node looks different, or the socket has been read from already (PROXY header), the answer is false and the
 *   caller listens to 'data': slower, and the same bytes. TLS sockets and WebSockets always do.
 * - The buffer lives as long as the process: libuv knows its address only.
 * - pause() and resume() of the socket stop and start reading itself; the end and errors come as events.
 *
 * Elsewhere: what may be kept of what was read (lent-memory.ts).
 */
import type { Socket } from "node:net"
import { IN_FRONT_BYTES, READ_BYTES } from "./lent-memory.ts"

/** Where all shared reads go, with room in front. */
export const sharedMemory: Buffer = Buffer.allocUnsafeSlow(IN_FRONT_BYTES + READ_BYTES)
const readArea = sharedMemory.subarray(IN_FRONT_BYTES)

interface Inside {
  readonly buffer: symbol
  readonly callback: symbol
  readonly next: symbol
}
/** Undefined = not looked yet; null = this node has no such thing. */
let inside: Inside | null | undefined

type Opened = Socket &
  Record<symbol, unknown> & { readonly _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null }

/** `onBytes` is called with the socket as `this` and the number of bytes that lie in `sharedMemory` from IN_FRONT_BYTES on. */
export function readShared(socket: Socket, onBytes: (this: Socket, bytes: number) => void): boolean {
  const opened = socket as Opened
  inside ??= inside === null ? null : lookInside(opened)
  if (inside === null || socket.destroyed || socket.readableLength > 0 || socket.readableFlowing !== null) return false
  const { buffer, callback, next } = inside
  const handle = opened._handle
  if (typeof handle?.useUserBuffer !== "function") return false
  if (opened[buffer] !== null || opened[callback] !== null || opened[next] !== null) return false
  opened[buffer] = readArea
  opened[callback] = onBytes
  handle.useUserBuffer(readArea)
  return true
}

function lookInside(socket: Opened): Inside | null {
  const own = Object.getOwnPropertySymbols(socket)
  const [buffer, callback, next] = ["kBuffer", "kBufferCb", "kBufferGen"].map((name) =>
    own.find(({ description }) => description === name)
  )
  if (buffer === undefined || callback === undefined || next === undefined) return null
  return { buffer, callback, next }
}
