/**
 * Wills: clients that die in every way there is, and a watcher with a persistent session at QoS 2 that must see each will
 * as often as it is due: once, or not at all.
 *
 *   passing    clean session; its will is due when its connection ends, with or without a delay, also when the broker's
 *              end was its end
 *   parting    says DISCONNECT: no will. Should the broker die before it has kept that, one may come
 *   lasting    persistent session and a short delay; it never returns: its will is due once
 *   returning  persistent session and a long delay; it returns in every life: no will
 */
import type { IPublishPacket, Packet } from "mqtt-packet"
import type { Books } from "./books.ts"
import type { Dice } from "./dice.ts"
import { type Actor, Peer, type PeerOptions } from "./peer.ts"
import { ReceivingPeer } from "./receiving-peer.ts"

interface Due {
  min: number
  max: number
  seen: number
}

const perLifeMax = 3
const filter = "w/#"
const shortDelaySeconds = 1
const longDelaySeconds = 3600
const lastingShare = 0.3
const namedInReportMax = 3

export class Wills extends ReceivingPeer implements Actor {
  readonly #dice: () => Dice
  readonly #wills = new Map<string, Due>()
  readonly #returning: Mortal
  #mortals: Array<Mortal> = []
  #life = 0
  #isSubscribed = false
  #onSuback: (isAnswered: boolean) => void = () => undefined

  constructor(books: Books, dice: () => Dice) {
    super(books, { name: "watcher", version: 5, isPersistent: true })
    this.#dice = dice
    this.#returning = new Mortal(books, { isPersistent: true, name: "returning", delaySeconds: longDelaySeconds })
  }

  async join(port: number, isLast: boolean): Promise<void> {
    this.#life++
    if (!(await this.connect(port))) return
    if (!this.#isSubscribed) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      this.#onSuback = resolve
      this.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: filter, qos: 2 }] })
      this.#isSubscribed = await promise
    }
    if (!this.#isSubscribed) return
    const count = isLast ? 0 : this.#dice().below(perLifeMax + 1)
    await Promise.all(Array.from({ length: count }, (_, i) => this.#mortal(port, i)))
    // CONNACK of a clean session does not wait for the log, that of a persistent one does, and for all before it.
    if (await this.#returning.live(port)) for (const mortal of this.#mortals) mortal.isKept = true
  }

  override lifeEnded(isTidy: boolean): void {
    super.lifeEnded(isTidy)
    for (const mortal of this.#mortals) {
      // Its connection has ended with the broker, if not before. One that stops tidily may forget the wills of those who
      // are there.
      if (mortal.isKept && (!isTidy || mortal.hasVanished)) this.#died(mortal)
    }
    this.#mortals = []
  }

  due(): string | undefined {
    const late = [...this.#wills].filter(([, { min, seen }]) => seen < min).map(([key]) => key)
    return late.length === 0 ? undefined : `${late.length} wills were never sent: ${late.slice(0, namedInReportMax)}`
  }

  protected override onMessage(packet: IPublishPacket): void {
    const key = String(packet.payload)
    const due = this.#wills.get(key)
    if (due === undefined) return void this.fault(`the will of ${key} came, which is not due`)
    due.seen++
    if (due.seen > due.max) this.fault(`the will of ${key} came ${due.seen} times, ${due.max} were due`)
    if (packet.qos !== 2) this.fault(`the will of ${key} came at QoS ${packet.qos}`)
    this.books.event("will")
  }

  protected override onOther(packet: Packet): void {
    if (packet.cmd !== "suback") return void this.fault(`an unexpected ${packet.cmd}`)
    this.#onSuback(true)
  }

  protected override onEnded(): void {
    super.onEnded()
    this.#onSuback(false)
  }

  async #mortal(port: number, i: number): Promise<void> {
    const dice = this.#dice()
    const isPersistent = dice.chance(lastingShare)
    const end = dice.pick(["with the broker", "with the broker", "vanish", "part"] as const)
    // Its session ends with its connection, and its will does not wait longer than that.
    const delays = [0, 0, shortDelaySeconds, end === "vanish" ? longDelaySeconds : 0]
    const delaySeconds = isPersistent ? shortDelaySeconds : dice.pick(delays)
    const mortal = new Mortal(this.books, { isPersistent, name: `mortal-${this.#life}-${i}`, delaySeconds })
    // Whether the broker ever knew of it is not known before CONNACK.
    this.#wills.set(mortal.name, { min: 0, max: 1, seen: 0 })
    if (!(await mortal.live(port))) return
    this.#mortals.push(mortal)
    if (end === "with the broker") return
    if (end === "vanish") return mortal.disappear()
    mortal.isParting = true
    await mortal.part()
  }

  #died(mortal: Mortal): void {
    const due = this.#wills.get(mortal.name)
    if (due !== undefined && !mortal.isParting) due.min = 1
  }
}

interface MortalOptions extends Pick<PeerOptions, "isPersistent" | "name"> {
  readonly delaySeconds: number
}

/** A client with a will that carries its name. */
class Mortal extends Peer {
  isParting = false
  hasVanished = false
  /** The log has kept that there is a will. */
  isKept = false

  constructor(books: Books, { delaySeconds, ...options }: MortalOptions) {
    const properties = delaySeconds === 0 ? {} : { properties: { willDelayInterval: delaySeconds } }
    const will = {
      topic: `w/${options.name}`,
      payload: Buffer.from(options.name),
      qos: 2,
      retain: false,
      ...properties
    }
    super(books, { ...options, version: 5, will: will as NonNullable<PeerOptions["will"]> })
  }

  live(port: number): Promise<boolean> {
    return this.connect(port)
  }

  disappear(): void {
    this.hasVanished = true
    this.vanish()
  }

  async part(): Promise<void> {
    this.send({ cmd: "disconnect", reasonCode: 0 })
    await this.ended
  }

  protected override onPacket(): void {}
  protected override onConnected(): void {}
}
