/**
 * A WebSocket as a byte stream for Peer, and as itself for the rules of chapter 6: one `send`, one binary frame.
 */
import WebSocket from "ws"
import type { Wire } from "../../support/wire.ts"

export interface WebSocketWire extends Wire {
  readonly socket: WebSocket
  /** Frames that came as text. */
  readonly textFrames: Array<string>
}

export const websocketWire = (host: string, port: number, protocol = "mqtt"): Promise<WebSocketWire> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${host}:${port}/mqtt`, protocol)
    const textFrames: Array<string> = []
    const wire: WebSocketWire = {
      socket,
      textFrames,
      send: (bytes) => socket.send(bytes),
      stopReading: () => socket.pause(),
      startReading: () => socket.resume(),
      destroy: () => socket.terminate(),
      onBytes: () => undefined,
      onClose: () => undefined
    }
    socket.once("error", reject)
    socket.once("open", () => {
      // From here on an error is an end like any other: "close" follows it.
      socket.on("error", () => undefined)
      socket.on("message", (data: Buffer, isBinary) => {
        if (isBinary) wire.onBytes(data)
        else textFrames.push(data.toString())
      })
      socket.on("close", () => wire.onClose())
      resolve(wire)
    })
  })
