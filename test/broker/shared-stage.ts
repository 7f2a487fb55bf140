/**
 * A stage for shared subscriptions over the real verbs: members that acknowledge only what they are told to, one
 * publisher, one group. The broker gets all its turns after every step.
 */
import type { ShareStrategy } from "../../src/session/share-strategy.ts"
import type { MessageLog } from "../../src/store/ports.ts"
import * as packets from "./client-packets.ts"
import { type Peer, World } from "./world.ts"

export const SHARE = "$share/g/t/+"
export const T1 = "t/1"

export interface Got {
  readonly text: string
  readonly qos: number
  readonly id: number
  readonly duplicate: boolean
  readonly identifiers: ReadonlyArray<number>
  readonly retain: boolean
}

/** A client that keeps what it is sent and acknowledges nothing by itself. */
export class Member {
  readonly name: string
  readonly got: Array<Got> = []
  readonly released: Array<number> = []
  readonly codes: Array<number> = []
  disconnectReason: number | undefined = undefined
  peer!: Peer
  readonly #world: World

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  connect(options: Partial<packets.ConnectOptions> = {}): this {
    this.connectUnheard(options)
    this.#world.run()
    return this
  }

  /** The broker has no turn yet: nothing but what CONNECT itself causes has happened. */
  connectUnheard(options: Partial<packets.ConnectOptions> = {}): void {
    const version = options.version ?? 5
    this.peer = this.#world.connect((packet) => this.#receive(packet), version)
    this.peer.send(packets.connect({ clientIdentifier: this.name, sessionExpirySeconds: 1000, ...options }))
  }

  subscribe(filter: string, qos: number, options: Partial<packets.SubscribeOptions> = {}): this {
    this.peer.send(packets.subscribe(1, { filter, qos, ...options }))
    this.#world.run()
    return this
  }

  unsubscribe(filter: string): void {
    this.peer.send(packets.unsubscribe(1, filter))
    this.#world.run()
  }

  acknowledge(type: number, id: number, reasonCode = 0): void {
    this.peer.send(packets.acknowledge(type, id, reasonCode))
    this.#world.run()
  }

  puback(text: string, reasonCode = 0): void {
    const { id } = this.got.findLast((each) => each.text === text) as Got
    this.acknowledge(4, id, reasonCode)
  }

  cut(): void {
    this.peer.cut()
    this.#world.run()
  }

  /** What came since the last look. */
  taken(): ReadonlyArray<string> {
    return this.got.splice(0).map(({ text }) => text)
  }

  #receive(packet: packets.Received): void {
    const { duplicate, identifiers, qos, retain, packetIdentifier: id } = packet
    if (packet.type === 3)
      this.got.push({ text: packet.payload.toString("latin1", 0, 8).trim(), qos, id, duplicate, identifiers, retain })
    if (packet.type === 6) this.released.push(packet.packetIdentifier)
    if (packet.type === 9 || packet.type === 11) this.codes.push(...packet.codes)
    if (packet.type === 14) this.disconnectReason = packet.reasonCode
  }
}

export class Stage {
  readonly world: World
  readonly #publisher: Member
  #identifier = 0

  constructor(strategy: ShareStrategy = "round-robin", log?: MessageLog) {
    this.world = new World({
      limits: { sharedStrategy: strategy, sharedKeyProperty: "key", sessionExpirySecondsMax: 100_000 },
      ...(log === undefined ? {} : { log })
    })
    this.#publisher = new Member(this.world, "P").connect()
  }

  member(name: string, qos: number, options: Partial<packets.ConnectOptions> = {}): Member {
    return new Member(this.world, name).connect(options).subscribe(SHARE, qos)
  }

  publish(text: string, options: Partial<packets.PublishOptions> = {}): void {
    this.#identifier = (this.#identifier % 60_000) + 1
    const all = { topic: T1, qos: 1, packetIdentifier: this.#identifier, ...options }
    this.#publisher.peer.send(packets.publish({ payload: text.padEnd(8), ...all }))
    if (options.qos === 2) this.#publisher.peer.send(packets.acknowledge(6, this.#identifier))
    this.world.run()
  }

  /** As packets.publish, with a user property, at QoS 1. */
  publishKeyed(text: string, key: string): void {
    const string = (value: string) => [0, value.length, ...Buffer.from(value)]
    const property = [0x26, ...string("key"), ...string(key)]
    const body = [...string(T1), 1, 1, property.length, ...property, ...Buffer.from(text.padEnd(8))]
    this.#publisher.peer.send(Buffer.from([0x32, body.length, ...body]))
    this.world.run()
  }

  ledger(name: string, reason: number): number {
    return this.world.dropped(name, reason)
  }

  get group() {
    return this.world.core.groups.get(SHARE)
  }
}
