/**
 * An MQTT client that does nothing by itself: it sends what a test says, packet by packet or byte by byte, and
 * hands over what comes, in order. Packets are written and read by mqtt-packet, never by our own codec.
 *
 *   const client = RawClient.over(await tcpWire(1883), 5)
 *   await client.connect("alice")
 *   client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "a", qos: 1 }] })
 *   const suback = await client.take("suback")
 *
 * Waiting is for events and bounded: `take` fails when something else comes, when the connection ends, or when
 * nothing comes in WAIT_MS. That nothing comes is shown with `quiet`: PINGREQ is answered after everything that
 * was sent before it.
 */
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
  parser
} from "mqtt-packet"
import { frame, raw } from "../codec/frames.ts"
import type { Wire } from "./wire.ts"

export type Version = 3 | 4 | 5
export type PacketOf<K extends Packet["cmd"]> = Extract<Packet, { cmd: K }>
export type ConnectFields = Partial<Omit<IConnectPacket, "cmd" | "clientId" | "protocolVersion" | "protocolId">>
export type PublishFields = Partial<Omit<IPublishPacket, "cmd" | "topic" | "payload">>

const WAIT_MS = 10_000

export class RawClient {
  readonly version: Version
  readonly wire: Wire
  isClosed = false
  #unread: Array<Packet> = []
  #wake: () => void = () => undefined
  #nextIdentifier = 1

  static over(wire: Wire, version: Version): RawClient {
    return new RawClient(wire, version)
  }

  constructor(wire: Wire, version: Version) {
    this.wire = wire
    this.version = version
    const incoming = parser({ protocolVersion: version })
    incoming.on("packet", (packet: Packet) => {
      this.#unread.push(packet)
      this.#wake()
    })
    wire.onBytes = (bytes) => void incoming.parse(bytes)
    wire.onClose = () => {
      this.isClosed = true
      this.#wake()
    }
  }

  bytesOf(packet: Packet): Buffer {
    const bytes = generate(packet, { protocolVersion: this.version })
    if (bytes.length === 0) throw new Error(`mqtt-packet does not write ${JSON.stringify(packet)}`)
    return bytes
  }

  send(...packets: ReadonlyArray<Packet>): void {
    this.wire.send(Buffer.concat(packets.map((packet) => this.bytesOf(packet))))
  }

  /** Frames by hand: `32 "a/b" 0001 . 'hello'`; the notation is explained in test/codec/frames.ts. */
  sendFrame(...notations: ReadonlyArray<string>): void {
    this.wire.send(Buffer.concat(notations.map((notation) => frame(notation, this.version))))
  }

  /** Bytes as they are, no length computed; same notation. */
  sendRaw(notation: string): void {
    this.wire.send(raw(notation))
  }

  /** The next packet, which must be of this kind. */
  async take<K extends Packet["cmd"]>(kind: K): Promise<PacketOf<K>> {
    await this.#until(() => this.#unread.length > 0, kind)
    const packet = this.#unread.shift() as Packet
    if (packet.cmd === kind) return packet as PacketOf<K>
    throw new Error(`expected ${kind}, got ${JSON.stringify(packet)}`)
  }

  /** The first packet of this kind; others that came before stay for later. */
  async find<K extends Packet["cmd"]>(kind: K): Promise<PacketOf<K>> {
    const at = () => this.#unread.findIndex((packet) => packet.cmd === kind)
    await this.#until(() => at() >= 0, kind)
    return this.#unread.splice(at(), 1)[0] as PacketOf<K>
  }

  /** The end of the connection; nothing may come before it. */
  async closed(): Promise<void> {
    await this.#until(() => this.isClosed, "the end of the connection")
    if (this.#unread.length > 0) throw new Error(`unexpected before the end: ${JSON.stringify(this.#unread)}`)
  }

  /** DISCONNECT with this reason code (5.0), or just the end (3.x), which has no word for it. */
  async refused(reasonCode: number): Promise<void> {
    if (this.version === 5) {
      const packet = await this.take("disconnect")
      if (packet.reasonCode !== reasonCode)
        throw new Error(`expected 0x${reasonCode.toString(16)}, got ${JSON.stringify(packet)}`)
    }
    await this.closed()
  }

  /** Everything that the broker had for this client has been taken. */
  async quiet(): Promise<void> {
    // Twice: what a first look sets in motion may leave in the next turn of the broker's loop.
    for (const _ of ["once", "twice"]) {
      this.send({ cmd: "pingreq" })
      await this.take("pingresp")
    }
  }

  /** The messages that the broker has sent by now, not acknowledged. */
  async pending(): Promise<ReadonlyArray<IPublishPacket>> {
    this.send({ cmd: "pingreq" })
    await this.find("pingresp")
    return this.#unread.splice(0).filter((packet) => packet.cmd === "publish")
  }

  /** What has come and nobody has taken. One turn of the loop first, for what lies in the socket. */
  async received(): Promise<ReadonlyArray<Packet>> {
    await new Promise((resolve) => setImmediate(resolve))
    return this.#unread.splice(0)
  }

  /** CONNECT, and CONNACK whatever it says. */
  async connect(clientId: string, fields: ConnectFields = {}): Promise<IConnackPacket> {
    this.send(this.connectPacket(clientId, fields))
    return this.take("connack")
  }

  connectPacket(clientId: string, fields: ConnectFields = {}): IConnectPacket {
    const { version } = this
    const protocolId = version === 3 ? "MQIsdp" : "MQTT"
    return { cmd: "connect", protocolId, protocolVersion: version, clientId, clean: true, keepalive: 0, ...fields }
  }

  /** SUBSCRIBE to one filter, and the code that answers it. */
  async subscribe(
    topic: string,
    qos: 0 | 1 | 2 = 0,
    { subscriptionIdentifier, ...options }: SubscribeOptions = {}
  ): Promise<number> {
    const properties = subscriptionIdentifier === undefined ? {} : { properties: { subscriptionIdentifier } }
    const messageId = this.newIdentifier()
    this.send({ cmd: "subscribe", messageId, subscriptions: [{ topic, qos, ...options }], ...properties })
    const { granted, messageId: answered } = await this.take("suback")
    if (answered !== messageId) throw new Error(`SUBACK answers ${answered}, not ${messageId}`)
    return granted[0] as number
  }

  async unsubscribe(topic: string): Promise<number | undefined> {
    const messageId = this.newIdentifier()
    this.send({ cmd: "unsubscribe", messageId, unsubscriptions: [topic] })
    const { granted } = (await this.take("unsuback")) as { granted?: ReadonlyArray<number> }
    return granted?.[0]
  }

  /** PUBLISH to its end: what its QoS needs to be done; answers the reason code (0 where there is none). */
  async publish(topic: string, payload: string | Buffer, fields: PublishFields = {}): Promise<number> {
    const qos = fields.qos ?? 0
    const messageId = fields.messageId ?? this.newIdentifier()
    this.send({ cmd: "publish", topic, payload, retain: false, dup: false, ...fields, qos, messageId })
    if (qos === 0) return 0
    if (qos === 1) return (await this.find("puback")).reasonCode ?? 0
    const { reasonCode = 0 } = await this.find("pubrec")
    if (reasonCode >= 0x80) return reasonCode
    this.send({ cmd: "pubrel", messageId })
    await this.find("pubcomp")
    return reasonCode
  }

  /** The next message, acknowledged as its QoS asks for. */
  async message(): Promise<IPublishPacket> {
    const packet = await this.take("publish")
    const { messageId = 0, qos } = packet
    if (qos === 1) this.send({ cmd: "puback", messageId })
    if (qos === 2) {
      this.send({ cmd: "pubrec", messageId })
      await this.find("pubrel")
      this.send({ cmd: "pubcomp", messageId })
    }
    return packet
  }

  /** The payloads of the next messages, as text. */
  async payloads(count: number): Promise<ReadonlyArray<string>> {
    const taken: Array<string> = []
    while (taken.length < count) taken.push(String((await this.message()).payload))
    return taken
  }

  /** DISCONNECT, and the end of the connection. */
  async leave(packet: Partial<PacketOf<"disconnect">> = {}): Promise<void> {
    this.send({ cmd: "disconnect", ...packet })
    await this.closed()
  }

  /** The connection breaks: no DISCONNECT. */
  async vanish(): Promise<void> {
    this.wire.destroy()
    await this.#until(() => this.isClosed, "the end of the connection")
  }

  newIdentifier(): number {
    return this.#nextIdentifier++
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(`nothing came while waiting for ${what}`)), WAIT_MS)
    try {
      while (!condition()) {
        if (this.isClosed) throw new Error(`the connection ended while waiting for ${what}`)
        await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), tooLate])
      }
    } finally {
      clearTimeout(timer)
    }
  }
}

export interface SubscribeOptions {
  /** No Local, Retain As Published, Retain Handling: 5.0 only. */
  readonly nl?: boolean
  readonly rap?: boolean
  readonly rh?: number
  readonly subscriptionIdentifier?: number
}
