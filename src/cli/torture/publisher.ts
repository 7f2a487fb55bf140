/**
 * A publisher that never gives up: what was not acknowledged when the broker died is sent again when it is back, in the
 * order in which it was first sent [MQTT-4.4.0-1], until the broker has taken it on.
 *
 * Its session is persistent, or it is not and publishes at QoS 1 only: then it sends anew what it has no answer to.
 * How fast it publishes in a life is drawn: as fast as its window allows, or one message at a time.
 */
import type { Packet } from "mqtt-packet"
import type { Books, TopicBook } from "./books.ts"
import type { Dice } from "./dice.ts"
import { payloadOf } from "./payload.ts"
import { type Actor, Peer } from "./peer.ts"
import type { Version } from "./wire.ts"

export interface PublisherOptions {
  readonly name: string
  readonly version: Version
  readonly isPersistent: boolean
  readonly topics: ReadonlyArray<TopicBook>
}

interface Flight {
  readonly book: TopicBook
  readonly number: number
  isReceived: boolean
}

const windowMax = 20
const perLifeMax = 400
const identifierMax = 65_535
const failureFrom = 0x80

export class Publisher extends Peer implements Actor {
  readonly topics: ReadonlyArray<TopicBook>
  readonly #dice: () => Dice
  /** In the order of their first sending. */
  readonly #inFlight = new Map<number, Flight>()
  #identifier = 0
  #left = 0
  #window = 1
  #isPaused = false
  #onIdle: () => void = () => undefined

  constructor(books: Books, dice: () => Dice, { topics, ...options }: PublisherOptions) {
    super(books, options)
    this.topics = topics
    this.#dice = dice
  }

  async join(port: number, isLast: boolean): Promise<void> {
    const dice = this.#dice()
    this.#left = isLast ? 0 : dice.between(1, perLifeMax)
    this.#window = dice.chance(0.3) ? 1 : dice.between(2, windowMax)
    this.#isPaused = false
    await this.connect(port)
  }

  async settle(): Promise<void> {
    this.#isPaused = true
    if (this.#inFlight.size > 0 && this.isConnected) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  lifeEnded(): void {
    this.#left = 0
  }

  due(): string | undefined {
    const open = this.#inFlight.size
    return open === 0 ? undefined : `${this.name}: ${open} messages were never acknowledged to the end`
  }

  protected override onConnected(isSessionPresent: boolean): void {
    for (const [messageId, flight] of this.#inFlight) {
      if (flight.isReceived) this.send({ cmd: "pubrel", messageId })
      else {
        flight.book.republished.add(flight.number)
        this.#publish(messageId, flight, isSessionPresent)
      }
    }
    this.#fill()
  }

  protected override onEnded(): void {
    this.#onIdle()
  }

  protected override onPacket(packet: Packet): void {
    const { cmd, messageId = 0 } = packet
    const flight = this.#inFlight.get(messageId)
    const code = (packet as { readonly reasonCode?: number }).reasonCode ?? 0
    if (cmd !== "puback" && cmd !== "pubrec" && cmd !== "pubcomp") {
      if (cmd !== "disconnect") this.fault(`an unexpected ${cmd}`)
      return
    }
    if (flight === undefined) return void this.fault(`${cmd} for identifier ${messageId}, which is not in use`)
    if (code >= failureFrom && cmd !== "pubcomp")
      this.fault(`${cmd} refuses ${flight.number} with 0x${code.toString(16)}`)
    if ((cmd === "puback") !== (flight.book.qos === 1)) this.fault(`${cmd} for a message of QoS ${flight.book.qos}`)
    if (cmd !== "pubcomp") flight.book.settled = Math.max(flight.book.settled, flight.number)
    if (cmd === "pubrec") {
      flight.isReceived = true
      this.send({ cmd: "pubrel", messageId })
    } else {
      this.#inFlight.delete(messageId)
      if (this.#inFlight.size === 0) this.#onIdle()
    }
    this.books.event(cmd)
    this.#fill()
  }

  #fill(): void {
    while (this.#left > 0 && !this.#isPaused && this.isConnected && this.#inFlight.size < this.#window) {
      this.#left--
      const book = this.#dice().pick(this.topics)
      const flight = { book, number: ++book.issued, isReceived: false }
      do this.#identifier = (this.#identifier % identifierMax) + 1
      while (this.#inFlight.has(this.#identifier))
      this.#inFlight.set(this.#identifier, flight)
      this.#publish(this.#identifier, flight, false)
    }
  }

  #publish(messageId: number, { book, number }: Flight, dup: boolean): void {
    const { isRetained: retain, qos, topic } = book
    const payload = book.isClear(number) ? Buffer.alloc(0) : payloadOf(number)
    const properties = this.version === 5 ? { properties: { userProperties: { number: String(number) } } } : {}
    this.send({ cmd: "publish", messageId, topic, payload, qos, retain, dup, ...properties })
  }
}
