/**
 * A byte stream from a test's client to a broker: a real socket, or one end of a pair in memory. Nothing here
 * knows MQTT (raw-client.ts does), so the same client speaks to our broker and to any other.
 */
import { connect } from "node:net"
import type { MemoryTransport } from "../../src/listener/memory.ts"

export interface Wire {
  send(bytes: Buffer): void
  /** Stops taking what the broker sends, as a process that was stopped. */
  stopReading(): void
  startReading(): void
  /** Closes without a word of MQTT. */
  destroy(): void
  onBytes: (bytes: Buffer) => void
  onClose: () => void
}

export const tcpWire = (port: number, host = "127.0.0.1"): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true })
    const wire: Wire = {
      send: (bytes) => void socket.write(bytes),
      stopReading: () => void socket.pause(),
      startReading: () => void socket.resume(),
      destroy: () => void socket.destroy(),
      onBytes: () => undefined,
      onClose: () => undefined
    }
    socket.once("error", reject)
    socket.once("connect", () => {
      // From here on an error is an end like any other: "close" follows it.
      socket.on("error", () => undefined)
      socket.on("data", (bytes: Buffer) => wire.onBytes(bytes))
      socket.on("close", () => wire.onClose())
      resolve(wire)
    })
  })

export const memoryWire = (transport: MemoryTransport): Wire => {
  const wire: Wire = {
    send: (bytes) => transport.write(bytes, () => undefined),
    stopReading: () => transport.pause(),
    startReading: () => transport.resume(),
    destroy: () => transport.destroy(),
    onBytes: () => undefined,
    onClose: () => undefined
  }
  transport.onData = (bytes) => wire.onBytes(bytes)
  transport.onClose = () => wire.onClose()
  return wire
}
