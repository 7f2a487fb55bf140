/**
 * After each restart, before anybody publishes again: a new subscriber asks for everything that is retained, and every
 * topic must have the value its publisher left there, or one that was sent and never answered; cleared ones none.
 *
 * How it knows that it has seen all: it publishes to itself, and a new subscription's retained messages come before
 * what was published later.
 */
import type { IPublishPacket, Packet } from "mqtt-packet"
import type { Books, TopicBook } from "./books.ts"
import { numberOf } from "./payload.ts"
import { type Actor, Peer } from "./peer.ts"
import { ReceivingPeer } from "./receiving-peer.ts"

const barrierTopic = "audit/barrier"
const publishIdentifier = 2

export class RetainedAudit extends ReceivingPeer implements Actor {
  readonly #topics: ReadonlyMap<string, TopicBook>
  readonly #filters: ReadonlyArray<string>
  #found = new Map<string, number>()
  #onBarrier: (isReached: boolean) => void = () => undefined

  constructor(books: Books, filters: ReadonlyArray<string>, topics: ReadonlyArray<TopicBook>) {
    super(books, { name: "audit", version: 5, isPersistent: false })
    this.#filters = filters
    this.#topics = new Map(topics.filter(({ isRetained }) => isRetained).map((book) => [book.topic, book]))
  }

  async join(port: number): Promise<void> {
    this.#found = new Map()
    const { promise: reached, resolve } = Promise.withResolvers<boolean>()
    this.#onBarrier = resolve
    if (!(await this.connect(port))) return
    const subscriptions = [...this.#filters, barrierTopic].map((topic) => ({ topic, qos: 1 as const }))
    this.send({ cmd: "subscribe", messageId: 1, subscriptions })
    if (!(await reached)) return
    for (const [topic, book] of this.#topics) {
      const number = this.#found.get(topic) ?? 0
      if (book.mayBeRetained(number)) continue
      const what = number === 0 ? "nothing" : `${number}`
      this.fault(`${topic} retains ${what}; settled was ${book.settled}, sent up to ${book.issued}`)
    }
    this.books.event("audit")
    this.vanish()
    await this.ended
  }

  due(): undefined {}

  protected override onMessage(packet: IPublishPacket): void {
    if (packet.topic === barrierTopic) return void this.#onBarrier(true)
    if (!packet.retain) return
    const number = numberOf(Peer.bytesOf(packet))
    if (!this.#topics.has(packet.topic) || number < 0)
      this.fault(`a retained message on ${packet.topic} that nobody left`)
    if (this.#found.has(packet.topic)) this.fault(`two retained messages on ${packet.topic}`)
    this.#found.set(packet.topic, number)
  }

  protected override onOther(packet: Packet): void {
    if (packet.cmd !== "suback") return
    const fields = { topic: barrierTopic, payload: "", qos: 1, retain: false, dup: false } as const
    this.send({ cmd: "publish", messageId: publishIdentifier, ...fields })
  }

  protected override onEnded(): void {
    super.onEnded()
    this.#onBarrier(false)
  }
}
