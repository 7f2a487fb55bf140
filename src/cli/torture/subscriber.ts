/**
 * A subscriber with a persistent session: subscribes once, comes and goes, and enters in its books what it gets.
 *
 * How often it stays away for a life, and whether it leaves and returns within one, is drawn. Its books may be those of a
 * group: then it is a member of a shared subscription.
 */
import type { IPublishPacket, Packet } from "mqtt-packet"
import { type Books, GroupBook, type ReceivingBook } from "./books.ts"
import type { Dice } from "./dice.ts"
import { numberOf } from "./payload.ts"
import { type Actor, Peer } from "./peer.ts"
import { keyOf, type Manner, ReceivingPeer } from "./receiving-peer.ts"
import type { Version } from "./wire.ts"

export interface SubscriberOptions {
  readonly name: string
  readonly version: Version
  readonly subscriptions: ReadonlyArray<{ readonly topic: string; readonly qos: 0 | 1 | 2 }>
  readonly receives: ReadonlyArray<ReceivingBook>
  /** Share of the lives in which it does not come at all. */
  readonly absence?: number
  readonly manner?: Manner
  readonly receiveMaximum?: number
  readonly isShared?: boolean
}

const returnShare = 0.2
const returnAfterMsMax = 60
const failureFrom = 0x80

export class Subscriber extends ReceivingPeer implements Actor {
  readonly #options: SubscriberOptions
  readonly #dice: () => Dice
  readonly #receives: ReadonlyMap<string, ReceivingBook>
  /** Per topic what came last; after a crash the broker may have begun again below what came highest. */
  readonly #last = new Map<ReceivingBook, number>()
  /** The same at the last tidy stop: up to there nothing comes again, but for `#openAtStop`. */
  #closedUpTo: ReadonlyMap<ReceivingBook, number> = new Map()
  #openAtStop: ReadonlySet<string> = new Set()
  #isSubscribed = false
  #onSuback: (isAccepted: boolean) => void = () => undefined
  #timer: NodeJS.Timeout | undefined

  constructor(books: Books, dice: () => Dice, options: SubscriberOptions) {
    const { isShared = false, manner = "prompt", name, receiveMaximum, version } = options
    const narrow = receiveMaximum === undefined ? {} : { receiveMaximum }
    super(books, { name, version, isPersistent: true, manner, isExactAfterStop: !isShared, ...narrow })
    this.#options = options
    this.#dice = dice
    this.#receives = new Map(options.receives.map((book) => [book.topic.topic, book]))
  }

  async join(port: number, isLast: boolean): Promise<void> {
    const { absence = 0, subscriptions } = this.#options
    const dice = this.#dice()
    if (this.#isSubscribed && !isLast && dice.chance(absence)) return
    if (!(await this.connect(port))) return
    if (!this.#isSubscribed) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      this.#onSuback = resolve
      this.send({ cmd: "subscribe", messageId: 1, subscriptions: [...subscriptions] })
      this.#isSubscribed = await promise
    } else if (!isLast && absence > 0 && dice.chance(returnShare)) {
      this.#timer = setTimeout(() => this.#return(port), dice.below(returnAfterMsMax))
    }
  }

  override async settle(): Promise<void> {
    clearTimeout(this.#timer)
    await super.settle()
  }

  override lifeEnded(isTidy: boolean): void {
    clearTimeout(this.#timer)
    super.lifeEnded(isTidy)
  }

  protected override stoppedWith(open: ReadonlySet<string>): void {
    this.#openAtStop = open
    this.#closedUpTo = new Map(this.#last)
  }

  due(): string | undefined {
    const open = this.#options.receives.filter(({ due }) => due > 0)
    if (open.length === 0) return undefined
    const words = open.map((book) => {
      const first = book instanceof GroupBook ? `, ${book.firstDue} first` : ""
      return `${book.due} of ${book.topic.issued} on ${book.topic.topic}${first}`
    })
    return `${this.name} never got ${words.join(", ")}`
  }

  protected override onMessage(packet: IPublishPacket, isDue: boolean): void {
    const book = this.#receives.get(packet.topic)
    if (book === undefined) return void this.fault(`a message on ${packet.topic}, to which it did not subscribe`)
    const number = numberOf(Peer.bytesOf(packet))
    if (number < 0) return void this.fault(`a wrong payload on ${packet.topic}`)
    if (packet.qos !== book.qos) this.fault(`${packet.topic} ${number} came at QoS ${packet.qos}, not ${book.qos}`)
    let isRepeated = false
    const complaint = book.take(number, () => {
      isRepeated = true
      return isDue || this.#mayRepeat(book, number, packet)
    })
    if (complaint !== undefined) this.fault(`${packet.topic}: ${complaint}`)
    this.#last.set(book, number)
    this.books.event(isRepeated ? "repeated" : "message")
  }

  protected override onOther(packet: Packet): void {
    if (packet.cmd !== "suback") return void this.fault(`an unexpected ${packet.cmd}`)
    const isRefused = packet.granted.some((code) => Number(code) >= failureFrom)
    if (isRefused) this.fault("SUBSCRIBE was refused")
    this.books.event("suback")
    this.#onSuback(!isRefused)
  }

  protected override onEnded(): void {
    super.onEnded()
    this.#onSuback(false)
  }

  #mayRepeat(book: ReceivingBook, number: number, packet: IPublishPacket): boolean {
    if (number > (this.#closedUpTo.get(book) ?? 0)) return true
    return book.topic.republished.has(number) || this.#openAtStop.has(keyOf(packet))
  }

  #return(port: number): void {
    this.vanish()
    void this.connect(port)
  }
}
