/**
 * One connection of a test: a client that does nothing by itself.
 *
 * A plain verb (`publish`, `puback`) writes one packet; its participle (`published`, `subscribed`) writes and
 * waits until the exchange is over. Waiting is for packets or for the end of the connection, and bounded. That
 * nothing comes is shown with `quiet`: PINGREQ is answered after everything that was sent before. One wait at a
 * time: a peer is used by one line of control.
 */
import type { Wire } from "../../support/wire.ts"
import {
  type AcknowledgementKind,
  type Answer,
  type Connack,
  type Kind,
  type Packet,
  type PacketOf,
  type Publish,
  packetLength,
  readPacket,
  type Version
} from "./packets.ts"
import type { Properties, Text, Wished } from "./properties.ts"
import {
  acknowledgementBytes,
  authBytes,
  type ConnectFields,
  connectBytes,
  disconnectBytes,
  type Entry,
  type PublishFields,
  pingreqBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes
} from "./write.ts"

export interface Refusal {
  /** Codes that the standard or the catalogue tolerates beside the one it names. */
  readonly tolerated?: ReadonlyArray<number>
  /** The answer is optional even for a target that tells why. */
  readonly mayBeSilent?: boolean
}
export interface PeerOptions {
  readonly version: Version
  /** The target always says why it closes, with exactly the code asked for. */
  readonly tellsWhy: boolean
  readonly waitMs: number
}
type Options = Omit<PublishFields, "topic" | "payload">
type SubscribeOptions = Omit<Entry, "filter"> & { readonly identifier?: number }

const malformedOrProtocolError = [0x81, 0x82]

export class Peer {
  readonly version: Version
  readonly wire: Wire
  /** All packets that came, taken or not. */
  readonly history: Array<Packet> = []
  /** Properties of CONNACK, once it came. */
  announced: Properties = {}
  isClosed = false
  readonly #options: PeerOptions
  #unread: Array<Packet> = []
  #bytes: Buffer = Buffer.alloc(0)
  #breach: unknown
  #wake: () => void = () => undefined
  #lastIdentifier = 0

  constructor(wire: Wire, options: PeerOptions) {
    this.wire = wire
    this.version = options.version
    this.#options = options
    wire.onBytes = (bytes) => this.#receive(bytes)
    wire.onClose = () => {
      this.isClosed = true
      this.#wake()
    }
  }

  // Writing

  raw(...parts: ReadonlyArray<Buffer>): void {
    this.wire.send(Buffer.concat(parts))
  }
  connect(fields: ConnectFields): void {
    this.raw(connectBytes(this.version, fields))
  }
  /** Answers the packet identifier: the one given, or the next unused one. */
  publish(fields: PublishFields): number {
    const id = fields.id ?? ((fields.qos ?? 0) > 0 ? this.identifier() : 0)
    this.raw(publishBytes(this.version, { ...fields, id }))
    return id
  }
  puback(id: number, code?: number, properties?: Wished): void {
    this.#acknowledge("puback", id, code, properties)
  }
  pubrec(id: number, code?: number, properties?: Wished): void {
    this.#acknowledge("pubrec", id, code, properties)
  }
  pubrel(id: number, code?: number, properties?: Wished): void {
    this.#acknowledge("pubrel", id, code, properties)
  }
  pubcomp(id: number, code?: number, properties?: Wished): void {
    this.#acknowledge("pubcomp", id, code, properties)
  }
  subscribe(entries: ReadonlyArray<Entry>, properties?: Wished): number {
    const id = this.identifier()
    this.raw(subscribeBytes(this.version, id, entries, properties))
    return id
  }
  unsubscribe(...filters: ReadonlyArray<Text>): number {
    const id = this.identifier()
    this.raw(unsubscribeBytes(this.version, id, filters))
    return id
  }
  pingreq(): void {
    this.raw(pingreqBytes)
  }
  disconnect(code?: number, properties?: Wished): void {
    this.raw(disconnectBytes(this.version, code, properties))
  }
  auth(code: number, properties: Wished): void {
    this.raw(authBytes(code, properties))
  }
  identifier(): number {
    this.#lastIdentifier += 1
    return this.#lastIdentifier
  }

  // Reading

  /** The next packet, which must be of this kind. */
  async take<K extends Kind>(kind: K): Promise<PacketOf<K>> {
    await this.#until(() => this.#unread.length > 0, kind)
    const packet = this.#unread.shift() as Packet
    if (packet.kind !== kind) throw new Error(`expected ${kind}, got ${describe(packet)}`)
    return packet as PacketOf<K>
  }

  /** The first packet of this kind; others that came before stay for later. */
  async find<K extends Kind>(kind: K): Promise<PacketOf<K>> {
    const at = () => this.#unread.findIndex((packet) => packet.kind === kind)
    await this.#until(() => at() >= 0, kind)
    return this.#unread.splice(at(), 1)[0] as PacketOf<K>
  }

  /** Everything the server had for this client has been taken. Twice: what one look sets going may come a turn later. */
  async quiet(): Promise<void> {
    for (const _ of ["once", "twice"]) {
      this.pingreq()
      await this.take("pingresp")
    }
  }

  /** Messages that the server had for this client, in their order, not acknowledged; what else came stays for later. */
  async waiting(): Promise<ReadonlyArray<Publish>> {
    for (const _ of ["once", "twice"]) {
      this.pingreq()
      await this.find("pingresp")
    }
    const messages = this.#unread.filter((packet): packet is Publish => packet.kind === "publish")
    this.#unread = this.#unread.filter(({ kind }) => kind !== "publish")
    return messages
  }

  /** SUBACK, or undefined when the server ended the connection instead. */
  async subackOrEnd(): Promise<Answer<"suback"> | undefined> {
    const has = () => this.#unread.some(({ kind }) => kind === "suback")
    await this.#until(() => this.isClosed || has(), "suback or the end of the connection")
    return has() ? this.find("suback") : undefined
  }

  /** The end of the connection; nothing may come before it. */
  async ended(): Promise<void> {
    await this.#until(() => this.isClosed, "the end of the connection")
    if (this.#unread.length > 0) throw new Error(`before the end came ${this.#unread.map(describe).join(", ")}`)
  }

  /** The server ends this connection. In 5.0 it may say why before, and must name one of the codes then. */
  async refused(code: number | ReadonlyArray<number>, refusal: Refusal = {}): Promise<void> {
    await this.#closedWith("disconnect", [code].flat(), refusal)
  }

  /** The server refuses CONNECT: CONNACK with one of the codes, where it says so, then the end. */
  async rejected(code: number | ReadonlyArray<number>, refusal: Refusal = {}): Promise<void> {
    await this.#closedWith("connack", [code].flat(), refusal)
  }

  async #closedWith(kind: "connack" | "disconnect", codes: ReadonlyArray<number>, refusal: Refusal): Promise<void> {
    await this.#until(() => this.isClosed, "the server to close the connection")
    const [last, ...others] = this.#unread.splice(0)
    if (others.length > 0)
      throw new Error(`before the end came ${[last as Packet, ...others].map(describe).join(", ")}`)
    const { mayBeSilent = false, tolerated = [] } = refusal
    const { tellsWhy } = this.#options
    const hasWords = kind === "connack" || this.version === 5
    if (last === undefined) {
      if (tellsWhy && hasWords && !mayBeSilent)
        throw new Error(`closed without ${kind} ${codes.map(code).join(" or ")}`)
      return
    }
    const swapped = codes.some((each) => malformedOrProtocolError.includes(each)) ? malformedOrProtocolError : []
    const allowed = tellsWhy ? codes : [...codes, ...tolerated, ...swapped]
    if (!hasWords || last.kind !== kind || !allowed.includes(last.code)) {
      throw new Error(`expected ${kind} ${allowed.map(code).join(" or ")}, got ${describe(last)}`)
    }
  }

  // Exchanges

  /** CONNECT, and CONNACK whatever it says. */
  async connected(fields: ConnectFields): Promise<Connack> {
    this.connect(fields)
    const connack = await this.take("connack")
    this.announced = connack.properties
    return connack
  }

  /** SUBSCRIBE to one filter, and the code that answers it. */
  async subscribed(filter: Text, { identifier, ...options }: SubscribeOptions = {}): Promise<number> {
    const { codes } = await this.suback(
      [{ filter, ...options }],
      identifier === undefined ? undefined : { subscriptionIdentifier: [identifier] }
    )
    return codes[0] as number
  }

  async suback(entries: ReadonlyArray<Entry>, properties?: Wished): Promise<Answer<"suback">> {
    const id = this.subscribe(entries, properties)
    const suback = await this.find("suback")
    if (suback.id !== id) throw new Error(`SUBACK names ${suback.id}, not ${id}`)
    return suback
  }

  async unsubscribed(...filters: ReadonlyArray<Text>): Promise<ReadonlyArray<number>> {
    const id = this.unsubscribe(...filters)
    const unsuback = await this.find("unsuback")
    if (unsuback.id !== id) throw new Error(`UNSUBACK names ${unsuback.id}, not ${id}`)
    return unsuback.codes
  }

  /** PUBLISH to the end of its exchange (at QoS 0: until the server has read it); answers the reason code. */
  async published(topic: Text, payload: Text = "", options: Options = {}): Promise<number> {
    const id = this.publish({ topic, payload, ...options })
    if ((options.qos ?? 0) === 0) {
      this.pingreq()
      await this.find("pingresp")
      return 0
    }
    if (options.qos === 1) return this.#answered(await this.find("puback"), id)
    const code = this.#answered(await this.find("pubrec"), id)
    if (code >= 0x80) return code
    this.pubrel(id)
    this.#answered(await this.find("pubcomp"), id)
    return code
  }

  /** The next packet, which must be a message; acknowledged as its QoS asks for. */
  async delivered(): Promise<Publish> {
    const message = await this.take("publish")
    await this.acknowledged(message)
    return message
  }

  async acknowledged({ id, qos }: Publish): Promise<void> {
    if (qos === 1) this.puback(id)
    if (qos !== 2) return
    this.pubrec(id)
    const { id: released } = await this.find("pubrel")
    if (released !== id) throw new Error(`PUBREL names ${released}, not ${id}`)
    this.pubcomp(id)
  }

  /** Payloads of the next messages, as text. */
  async texts(count: number): Promise<ReadonlyArray<string>> {
    const texts: Array<string> = []
    while (texts.length < count) texts.push((await this.delivered()).text)
    return texts
  }

  /** DISCONNECT, and the end of the connection. */
  async left(code?: number, properties?: Wished): Promise<void> {
    this.disconnect(code, properties)
    await this.ended()
  }

  /** The connection breaks: no DISCONNECT. */
  async lost(): Promise<void> {
    this.wire.destroy()
    await this.#until(() => this.isClosed, "the end of the connection")
  }

  /** Throws when something came that the standard forbids, read by the test or not. */
  verify(): void {
    if (this.#breach !== undefined) throw this.#breach
  }

  #acknowledge(kind: AcknowledgementKind, id: number, code?: number, properties?: Wished): void {
    this.raw(acknowledgementBytes(this.version, kind, id, code, properties))
  }

  #answered(answer: { readonly kind: string; readonly id: number; readonly code: number }, id: number): number {
    if (answer.id !== id) throw new Error(`${answer.kind} names ${answer.id}, not ${id}`)
    return answer.code
  }

  #receive(bytes: Buffer): void {
    if (this.#breach !== undefined) return
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    try {
      for (let length = packetLength(this.#bytes); length > 0; length = packetLength(this.#bytes)) {
        const packet = readPacket(Buffer.from(this.#bytes.subarray(0, length)), this.version)
        this.#bytes = this.#bytes.subarray(length)
        this.history.push(packet)
        this.#unread.push(packet)
      }
    } catch (breach) {
      this.#breach = breach
    }
    this.#wake()
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>()
    const { waitMs } = this.#options
    const timer = setTimeout(() => reject(new Error(`waited ${waitMs} ms for ${what}${this.#beside()}`)), waitMs)
    try {
      for (;;) {
        if (this.#breach !== undefined) throw this.#breach
        if (condition()) return
        if (this.isClosed) throw new Error(`the connection ended before ${what}${this.#beside()}`)
        await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), tooLate])
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #beside(): string {
    return this.#unread.length === 0 ? "" : `; unread: ${this.#unread.map(describe).join(", ")}`
  }
}

const code = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`

const describe = (packet: Packet): string => {
  const { bytes, first: _first, properties, ...rest } = packet
  const shown = Object.entries({ ...rest, ...properties }).map(([name, value]) =>
    Buffer.isBuffer(value)
      ? ""
      : ` ${name}=${typeof value === "number" && name === "code" ? code(value) : JSON.stringify(value)}`
  )
  return `${packet.kind.toUpperCase()} (${bytes.length} bytes${shown.join("")})`
}
