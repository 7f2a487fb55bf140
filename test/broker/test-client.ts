/**
 * A client in a World that writes down what it gets and, unless told otherwise, acknowledges it at once.
 */
import * as packets from "./client-packets.ts"
import type { Peer, World } from "./world.ts"

export class TestClient {
  readonly name: string
  readonly #world: World
  readonly #version: 4 | 5
  readonly peer: Peer
  readonly all: Array<packets.Received> = []
  acknowledges = true
  /** Called for each PUBLISH, before it is acknowledged. */
  onMessage: (packet: packets.Received) => void = () => undefined
  #nextIdentifier = 1

  constructor(world: World, options: packets.ConnectOptions) {
    this.name = options.clientIdentifier
    this.#world = world
    this.#version = options.version ?? 5
    this.peer = world.connect((packet) => this.#received(packet), options.version ?? 5)
    this.peer.send(packets.connect(options))
  }

  get messages(): ReadonlyArray<packets.Received> {
    return this.all.filter(({ type }) => type === 3)
  }

  get texts(): ReadonlyArray<string> {
    return this.messages.map(({ payload }) => payload.toString())
  }

  of(type: number): ReadonlyArray<packets.Received> {
    return this.all.filter((packet) => packet.type === type)
  }

  subscribe(filter: string, options: Omit<packets.SubscribeOptions, "filter"> = {}): void {
    this.peer.send(packets.subscribe(this.#nextIdentifier++, { filter, ...options }, this.#version))
  }

  unsubscribe(filter: string): void {
    this.peer.send(packets.unsubscribe(this.#nextIdentifier++, filter, this.#version))
  }

  /** Answers the packet identifier it used. */
  publish(
    topic: string,
    payload: string | Buffer,
    options: Omit<packets.PublishOptions, "topic" | "payload"> = {}
  ): number {
    const packetIdentifier = options.packetIdentifier ?? this.#nextIdentifier++
    if (this.#nextIdentifier > 60_000) this.#nextIdentifier = 1
    this.peer.send(packets.publish({ topic, payload, packetIdentifier, ...options }, this.#version))
    return packetIdentifier
  }

  acknowledge(type: number, packetIdentifier: number, reasonCode = 0): void {
    this.peer.send(packets.acknowledge(type, packetIdentifier, reasonCode))
  }

  disconnect(reasonCode = 0, sessionExpirySeconds?: number): void {
    this.peer.send(packets.disconnect(reasonCode, sessionExpirySeconds))
    this.#world.run()
  }

  #received(packet: packets.Received): void {
    this.all.push(packet)
    if (packet.type === 3) this.onMessage(packet)
    if (!this.acknowledges) return
    if (packet.type === 3 && packet.qos > 0) this.acknowledge(packet.qos === 1 ? 4 : 5, packet.packetIdentifier)
    if (packet.type === 5 && packet.reasonCode < 0x80) this.acknowledge(6, packet.packetIdentifier)
    if (packet.type === 6) this.acknowledge(7, packet.packetIdentifier)
  }
}
