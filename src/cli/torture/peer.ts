/**
 * What every client of a run has in common: an identity that outlives connections, CONNECT and what CONNACK must say,
 * PINGREQ as a barrier.
 *
 * Invariants
 * - A persistent session whose CONNACK was received is there for good: Session Present must be 1 from then on, and 0
 *   before the first CONNECT and after a Clean Start. When the CONNECT before was never answered, both are right.
 * - Nothing waits for ever: every wait ends with the connection at the latest, and the broker's end ends that.
 */
import type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from "mqtt-packet"
import type { Books } from "./books.ts"
import { type Version, Wire } from "./wire.ts"

export interface Actor {
  readonly name: string
  /** Resolves when its connection of now has ended. */
  readonly ended: Promise<void>
  /**
   * Comes to the broker of this life. Resolves when it is in its stride, or its connection has ended. In a life that
   * ends the books (`isLast`) everybody comes and nobody publishes anything new.
   */
  join(port: number, isLast: boolean): Promise<void>
  /** Before a tidy stop: acknowledges nothing more; resolves when the broker has heard all that it said. */
  settle(): Promise<void>
  /** The broker of this life has ended; `isTidy` when by a tidy stop. */
  lifeEnded(isTidy: boolean): void
  /** What has to come before the books can be closed; undefined when nothing is due. */
  due(): string | undefined
}

export interface PeerOptions {
  readonly name: string
  readonly version: Version
  readonly isPersistent: boolean
  readonly receiveMaximum?: number
  readonly will?: IConnectPacket["will"]
}

const sessionExpirySeconds = 86_400

export abstract class Peer {
  readonly name: string
  readonly books: Books
  readonly #options: PeerOptions
  #wire: Wire | undefined
  #session: "absent" | "unknown" | "present" = "absent"
  #isCleanStart = true
  #onConnack: (isAccepted: boolean) => void = () => undefined
  readonly #pings: Array<(isAnswered: boolean) => void> = []
  #onEnd: () => void = () => undefined
  #ended: Promise<void> = Promise.resolve()

  constructor(books: Books, options: PeerOptions) {
    this.books = books
    this.name = options.name
    this.#options = options
  }

  get version(): Version {
    return this.#options.version
  }

  get isConnected(): boolean {
    return this.#wire !== undefined && !this.#wire.isEnded
  }

  /** Resolves when the connection of now has ended. */
  get ended(): Promise<void> {
    return this.#ended
  }

  protected abstract onPacket(packet: Packet): void
  /** Called within the turn in which CONNACK came, before any later packet. */
  protected abstract onConnected(isSessionPresent: boolean): void
  protected onEnded(): void {}

  /** True when CONNACK accepted it. */
  protected async connect(port: number, isCleanStart = !this.#options.isPersistent): Promise<boolean> {
    const { name, receiveMaximum, version, will } = this.#options
    this.#wire?.destroy()
    await this.#ended
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#ended = ended
    const { promise: accepted, resolve: answered } = Promise.withResolvers<boolean>()
    this.#onConnack = answered
    this.#onEnd = resolve
    const wire = new Wire(port, version, { onPacket: (packet) => this.#take(packet), onEnd: () => this.#end() })
    this.#wire = wire
    const expiry = this.#options.isPersistent ? { sessionExpiryInterval: sessionExpirySeconds } : {}
    const properties = { ...expiry, ...(receiveMaximum === undefined ? {} : { receiveMaximum }) }
    wire.send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: version,
      clientId: name,
      clean: version === 4 ? !this.#options.isPersistent : isCleanStart,
      keepalive: 0,
      ...(version === 5 ? { properties } : {}),
      ...(will === undefined ? {} : { will })
    })
    this.#isCleanStart = isCleanStart
    if (this.#options.isPersistent && (isCleanStart || this.#session === "absent")) this.#session = "unknown"
    return accepted
  }

  protected send(packet: Packet): void {
    this.#wire?.send(packet)
  }

  /** False when the connection ended first. Everything sent before was taken by the broker when it is true. */
  protected ping(): Promise<boolean> {
    if (!this.isConnected) return Promise.resolve(false)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#pings.push(resolve)
    this.send({ cmd: "pingreq" })
    return promise
  }

  protected vanish(): void {
    this.#wire?.destroy()
  }

  protected fault(text: string): void {
    this.books.fault(`${this.name}: ${text}`)
  }

  /** Payload bytes whatever the library made of them. */
  protected static bytesOf({ payload }: IPublishPacket): Buffer {
    return typeof payload === "string" ? Buffer.from(payload) : payload
  }

  #take(packet: Packet): void {
    if (packet.cmd === "connack") return void this.#connected(packet)
    if (packet.cmd === "pingresp") return void this.#pings.shift()?.(true)
    this.onPacket(packet)
  }

  #connected(packet: IConnackPacket): void {
    const code = packet.reasonCode ?? packet.returnCode ?? 0
    if (code !== 0) {
      this.fault(`CONNECT was refused with 0x${code.toString(16)}`)
      return void this.#onConnack(false)
    }
    if (this.#session === "present" && !packet.sessionPresent) this.fault("its session is gone")
    if (this.#isCleanStart && packet.sessionPresent) this.fault("a session is there that it wanted to be gone")
    if (this.#options.isPersistent) this.#session = "present"
    this.onConnected(packet.sessionPresent)
    this.books.event("connack")
    this.#onConnack(true)
  }

  #end(): void {
    this.#onConnack(false)
    for (const answer of this.#pings.splice(0)) answer(false)
    this.onEnded()
    this.#onEnd()
  }
}
