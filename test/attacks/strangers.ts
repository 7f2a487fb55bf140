/**
 * What the attacks share: sockets that send what no library would, WebSocket frames by hand, and the client that means
 * well, which every attack ends with: it must be served as if nothing had happened.
 */
import { connect, type Socket } from "node:net"
import { assert } from "@effect/vitest"
import { until } from "../contract/transport.ts"
import type { TestBroker } from "../support/test-broker.ts"

/** A connected socket whose answers are gathered; errors are ends. */
export class Stranger {
  readonly socket: Socket
  readonly #chunks: Array<Buffer> = []
  isClosed = false

  static to(port: number): Promise<Stranger> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true })
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        resolve(new Stranger(socket))
      })
    })
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on("error", () => undefined)
    socket.on("data", (chunk: Buffer) => void this.#chunks.push(chunk))
    socket.on("close", () => {
      this.isClosed = true
    })
  }

  get heard(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  send(...parts: ReadonlyArray<Buffer | string | ReadonlyArray<number>>): void {
    this.socket.write(
      Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))))
    )
  }

  /** All that the broker sent until it closed. */
  async ended(): Promise<Buffer> {
    await until(() => this.isClosed)
    return this.heard
  }
}

/** It connects, publishes to itself and gets what it sent. */
export const isServed = async (broker: TestBroker, name = "means-well"): Promise<void> => {
  const client = await broker.join(name)
  await client.subscribe(`${name}/own`, 1)
  assert.strictEqual(await client.publish(`${name}/own`, "hello", { qos: 1 }), 0)
  assert.strictEqual(String((await client.message()).payload), "hello")
  await client.leave()
}

/** A 5.0 CONNECT that is right. */
export const connectBytes = (clientIdentifier: string): Buffer => {
  const id = Buffer.from(clientIdentifier)
  return Buffer.concat([
    Buffer.from([0x10, 13 + id.length, 0, 4, ...Buffer.from("MQTT"), 5, 2, 0, 0, 0, 0, id.length]),
    id
  ])
}

/** The upgrade, answered; `extensions` is what the client offers. */
export const webSocketStranger = async (port: number, extensions?: string): Promise<Stranger> => {
  const stranger = await Stranger.to(port)
  const fields = ["Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
  fields.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: mqtt")
  if (extensions !== undefined) fields.push(`Sec-WebSocket-Extensions: ${extensions}`)
  stranger.send(`GET /mqtt HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`)
  await until(() => stranger.heard.includes("\r\n\r\n") || stranger.isClosed)
  assert.match(stranger.heard.toString("latin1"), /^HTTP\/1\.1 101 /)
  return stranger
}

/** RFC 6455, 5.2: one masked frame (mask 0), whose length may be a lie. */
export const webSocketFrame = (first: number, payload: Buffer, announced = payload.length): Buffer => {
  const length =
    announced < 126
      ? [0x80 | announced]
      : announced < 65_536
        ? [0x80 | 126, announced >> 8, announced & 0xff]
        : [
            0x80 | 127,
            0,
            0,
            0,
            0,
            announced >>> 24,
            (announced >>> 16) & 0xff,
            (announced >>> 8) & 0xff,
            announced & 0xff
          ]
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), payload])
}
