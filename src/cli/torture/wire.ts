/**
 * The client side of one connection: packets out, packets in, the end. It knows no rules of the protocol; the peers do.
 *
 * Packets are written and read by mqtt-packet and not by the broker's own codec: a broker that reads wrongly what it
 * writes wrongly would pass its own test.
 *
 * Invariants: handlers are called in order and never after `onEnd`; nothing here throws or rejects, because a broker
 * that is killed in the middle of everything is the ordinary case.
 */
import { connect, type Socket } from "node:net"
import { generate, type Packet, type Parser, parser } from "mqtt-packet"

export type Version = 4 | 5

export interface WireHandlers {
  readonly onPacket: (packet: Packet) => void
  readonly onEnd: () => void
}

export class Wire {
  readonly version: Version
  readonly #socket: Socket
  readonly #handlers: WireHandlers
  #isEnded = false

  constructor(port: number, version: Version, handlers: WireHandlers) {
    this.version = version
    this.#handlers = handlers
    const incoming: Parser = parser({ protocolVersion: version })
    incoming.on("packet", (packet: Packet) => {
      if (!this.#isEnded) handlers.onPacket(packet)
    })
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.on("data", (bytes: Buffer) => void incoming.parse(bytes))
    // What follows an error is the end.
    this.#socket.on("error", () => undefined)
    this.#socket.on("close", () => this.#end())
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  send(packet: Packet): void {
    if (!this.#isEnded) this.#socket.write(generate(packet, { protocolVersion: this.version }))
  }

  /** Ends without a word of MQTT. */
  destroy(): void {
    this.#socket.destroy()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#handlers.onEnd()
  }
}
