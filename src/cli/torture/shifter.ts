/**
 * A persistent session whose subscriptions change all the time: SUBSCRIBE with another QoS and another identifier,
 * UNSUBSCRIBE, SUBSCRIBE again. After each restart every filter must be exactly what was last acknowledged, or what was
 * asked for and never answered. Now and then it asks for a new session, and nothing may be left of the old one.
 *
 * How it looks: a second client publishes one probe per filter at QoS 2 and then one to a filter that never changes; a
 * probe says by the QoS and the identifier it comes with which subscription let it through. Probes of a life that ended
 * in between are told apart by a number.
 */
import type { IPublishPacket, Packet } from "mqtt-packet"
import type { Books } from "./books.ts"
import type { Dice } from "./dice.ts"
import { type Actor, Peer } from "./peer.ts"
import { ReceivingPeer } from "./receiving-peer.ts"

/** "none", or "QoS identifier" */
type Subscribed = string

interface Filter {
  readonly filter: string
  readonly probe: string
  confirmed: Subscribed
  /** Asked for, and not answered when the connection ended. */
  asked: Subscribed | undefined
}

const renewShare = 0.1

const filterCount = 6
const changesPerLifeMax = 8
const barrier = { filter: "x/barrier", qos: 2 } as const
const none = "none"
const identifierMax = 268_435_455
const failureFrom = 0x80

export class Shifter extends ReceivingPeer implements Actor {
  readonly #dice: () => Dice
  readonly #prober: Prober
  readonly #filters: ReadonlyArray<Filter>
  #look = 0
  #seen = new Map<string, Subscribed>()
  #messageId = 0
  #answered: (isAnswered: boolean) => void = () => undefined
  #onBarrier: (isReached: boolean) => void = () => undefined
  #isReady = false
  #mayBeNew = false

  constructor(books: Books, dice: () => Dice) {
    super(books, { name: "shifter", version: 5, isPersistent: true })
    this.#dice = dice
    this.#prober = new Prober(books, { name: "prober", version: 5, isPersistent: false })
    this.#filters = Array.from({ length: filterCount }, (_, i) => ({
      filter: i % 2 === 0 ? `x/${i}/#` : `x/${i}/+`,
      probe: `x/${i}/p`,
      confirmed: none,
      asked: undefined
    }))
  }

  async join(port: number, isLast: boolean): Promise<void> {
    // Before CONNACK: with it come the probes of a look that was cut off.
    this.#look++
    this.#seen = new Map()
    const isRenewing = this.#isReady && !isLast && this.#dice().chance(renewShare)
    // Until CONNACK comes it may have either session, and either has no barrier or one.
    if (isRenewing) {
      this.#mayBeNew = true
      this.#isReady = false
    }
    if (!(await this.connect(port, isRenewing))) return
    if (!this.#isReady) this.#isReady = await this.#subscribe(barrier.filter, barrier.qos, 1)
    if (!this.#isReady || !(await this.#judge(port))) return
    if (!isLast) await this.#change()
  }

  due(): undefined {}

  protected override onConnected(isSessionPresent: boolean): void {
    super.onConnected(isSessionPresent)
    if (isSessionPresent) return
    this.#mayBeNew = false
    this.#isReady = false
    for (const each of this.#filters) {
      each.confirmed = none
      each.asked = undefined
    }
  }

  protected override onMessage({ dup, payload, properties, qos, topic }: IPublishPacket): void {
    if (String(payload) !== String(this.#look)) return
    if (topic === barrier.filter) return void this.#onBarrier(true)
    const subscribed = `${qos} ${properties?.subscriptionIdentifier ?? 0}`
    const before = this.#seen.get(topic)
    if (before !== undefined) this.fault(`the probe of ${topic} came as "${before}" and "${subscribed}", DUP ${dup}`)
    this.#seen.set(topic, subscribed)
  }

  protected override onOther(packet: Packet): void {
    if (packet.cmd !== "suback" && packet.cmd !== "unsuback") return void this.fault(`an unexpected ${packet.cmd}`)
    if (packet.messageId !== this.#messageId) this.fault(`${packet.cmd} answers ${packet.messageId}`)
    const isRefused = packet.granted.some((code) => Number(code) >= failureFrom)
    if (isRefused) this.fault(`${packet.cmd} refuses with ${packet.granted}`)
    this.books.event(packet.cmd)
    this.#answered(true)
  }

  protected override onEnded(): void {
    super.onEnded()
    this.#answered(false)
    this.#onBarrier(false)
  }

  /** False when the connection ended before all was seen. */
  async #judge(port: number): Promise<boolean> {
    const { promise: reached, resolve } = Promise.withResolvers<boolean>()
    this.#onBarrier = resolve
    const probes = [...this.#filters.map(({ probe }) => probe), barrier.filter]
    void this.#prober.probe(port, probes, String(this.#look))
    if (!(await reached) || !(await this.ping())) return false
    for (const each of this.#filters) {
      const seen = this.#seen.get(each.probe) ?? none
      const isNew = this.#mayBeNew && seen === none
      if (seen !== each.confirmed && seen !== each.asked && !isNew) {
        const asked = each.asked === undefined ? "" : `, asked for and not answered "${each.asked}"`
        this.fault(`${each.filter} is subscribed as "${seen}"; acknowledged was "${each.confirmed}"${asked}`)
      }
      each.confirmed = seen
      each.asked = undefined
    }
    this.#mayBeNew = false
    this.books.event("audit")
    return true
  }

  async #change(): Promise<void> {
    const dice = this.#dice()
    for (let left = dice.below(changesPerLifeMax + 1); left > 0; left--) {
      const each = dice.pick(this.#filters)
      const isLeaving = each.confirmed !== none && dice.chance(0.4)
      const qos = dice.pick([0, 1, 2] as const)
      const identifier = dice.between(1, identifierMax)
      each.asked = isLeaving ? none : `${qos} ${identifier}`
      const isAnswered = await (isLeaving
        ? this.#unsubscribe(each.filter)
        : this.#subscribe(each.filter, qos, identifier))
      if (!isAnswered) return
      each.confirmed = each.asked
      each.asked = undefined
    }
  }

  #subscribe(topic: string, qos: 0 | 1 | 2, subscriptionIdentifier: number): Promise<boolean> {
    const messageId = ++this.#messageId
    return this.#ask({
      cmd: "subscribe",
      messageId,
      subscriptions: [{ topic, qos }],
      properties: { subscriptionIdentifier }
    })
  }

  #unsubscribe(filter: string): Promise<boolean> {
    return this.#ask({ cmd: "unsubscribe", messageId: ++this.#messageId, unsubscriptions: [filter] })
  }

  #ask(packet: Packet): Promise<boolean> {
    if (!this.isConnected) return Promise.resolve(false)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#answered = resolve
    this.send(packet)
    return promise
  }
}

/** Publishes one message per topic, each after the one before it is done, and leaves. */
class Prober extends Peer {
  #step: (isDone: boolean) => void = () => undefined

  async probe(port: number, topics: ReadonlyArray<string>, payload: string): Promise<void> {
    if (!(await this.connect(port))) return
    for (const topic of topics) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      this.#step = resolve
      this.send({ cmd: "publish", messageId: 1, topic, payload, qos: 2, retain: false, dup: false })
      if (!(await promise)) return
    }
    this.vanish()
  }

  protected override onPacket({ cmd, messageId }: Packet): void {
    if (cmd === "pubrec") this.send({ cmd: "pubrel", messageId: messageId ?? 0 })
    if (cmd === "pubcomp") this.#step(true)
  }

  protected override onConnected(): void {}

  protected override onEnded(): void {
    this.#step(false)
  }
}
