/**
 * The crowd of a soak: clients that connect, subscribe, publish and vanish at random. Nobody checks what they get;
 * they are there to leave things behind.
 *
 * Each place in the crowd has one client identifier for good, so sessions are resumed, cleaned and taken over. A few
 * never acknowledge, a few never read.
 */
import { acknowledgement, type Frame, PacketType, publishFrame, readPublish, type Version, Wire } from "./soak-wire.ts"

const AREAS = 20
const ROOMS = 25
const WILLS = 20
const PAUSE_MS_MAX = 500
const LIFE_MS_MAX = 10_000
const ACTION_MS = 1000
const FILTERS = ["$share/mix/churn/+/1", "$share/pair/churn/1/#", "$share/solo/churn/2/2"]

/** Every topic that may hold a retained message at the end. */
export const retainedTopics = (): ReadonlyArray<string> => [
  ...Array.from({ length: AREAS * ROOMS }, (_, i) => `churn/${Math.floor(i / ROOMS)}/${i % ROOMS}`),
  ...Array.from({ length: WILLS }, (_, i) => `churn/will/${i}`)
]

export interface ChurnCounts {
  connects: number
  refused: number
  disconnects: number
  destroyed: number
  takenOver: number
  published: number
  received: number
  /** Connections that the broker ended though the client had done nothing wrong. */
  thrownOut: number
}

export class Crowd {
  readonly counts: ChurnCounts = {
    connects: 0,
    refused: 0,
    disconnects: 0,
    destroyed: 0,
    takenOver: 0,
    published: 0,
    received: 0,
    thrownOut: 0
  }
  readonly #port: number
  readonly #random: () => number
  #leaving = false
  #open = 0

  constructor(port: number, size: number, random: () => number) {
    this.#port = port
    this.#random = random
    for (let i = 0; i < size; i++) this.#later(PAUSE_MS_MAX * 6, () => this.#live(`churn-${i}`, i))
  }

  /** Nobody comes back; resolves when all have gone, each in its way. */
  async leave(): Promise<void> {
    this.#leaving = true
    while (this.#open > 0) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  #later(msMax: number, action: () => void): void {
    setTimeout(action, this.#random() * msMax)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  #topic(): string {
    return `churn/${this.#below(AREAS)}/${this.#below(ROOMS)}`
  }

  /** One life of the client in this place, and then the next one. */
  #live(clientId: string, place: number): void {
    if (this.#leaving) return
    const version = (3 + this.#below(3)) as Version
    const clean = this.#chance(0.6)
    const isMute = this.#chance(0.05)
    let isLeaving = false
    let hasLeft = false
    const timers: Array<NodeJS.Timeout> = []
    this.#open += 1
    const wire = new Wire(
      this.#port,
      version,
      {
        clientId,
        clean,
        ...(this.#chance(0.5) ? { sessionExpiryInterval: this.#below(6) } : {}),
        ...(this.#chance(0.4) ? { will: this.#will(version, place) } : {})
      },
      (frame) => this.#answer(wire, frame, isMute, isLeaving),
      () => {
        for (const timer of timers) clearTimeout(timer)
        this.#open -= 1
        if (!isLeaving) this.counts.thrownOut += 1
        if (!hasLeft) this.#later(PAUSE_MS_MAX, () => this.#live(clientId, place))
        hasLeft = true
      }
    )
    if (this.#chance(0.03)) wire.socket.once("connect", () => wire.socket.pause())
    for (let i = this.#below(3); i >= 0; i--) this.#subscribe(wire)
    const act = () => {
      this.#act(wire)
      timers.push(setTimeout(act, this.#random() * 2 * ACTION_MS))
    }
    timers.push(setTimeout(act, this.#random() * ACTION_MS))
    const end = () => {
      isLeaving = true
      if (this.#vanish(wire)) return
      // Taken over: the next life begins while this connection is open.
      hasLeft = true
      this.#live(clientId, place)
      if (this.#leaving) wire.destroy()
    }
    timers.push(setTimeout(end, this.#random() * LIFE_MS_MAX))
  }

  #will(version: Version, place: number) {
    const topic = this.#chance(0.5) ? `churn/will/${place % WILLS}` : this.#topic()
    const will = { topic, payload: Buffer.from("gone"), qos: this.#below(3) as 0 | 1 | 2, retain: this.#chance(0.2) }
    return version === 5 ? { ...will, properties: { willDelayInterval: this.#below(3) } } : will
  }

  /** False when the connection is left open for the next life to take over. */
  #vanish(wire: Wire): boolean {
    const dice = this.#random()
    if (dice < 0.4) {
      this.counts.destroyed += 1
      wire.destroy()
    } else if (dice < 0.8) {
      this.counts.disconnects += 1
      const isWithWill = wire.version === 5 && this.#chance(0.3)
      wire.send({ cmd: "disconnect", reasonCode: isWithWill ? 4 : 0 })
      wire.socket.end()
      wire.socket.resume()
    } else {
      this.counts.takenOver += 1
      wire.socket.resume() // or it would never see its end
      return false
    }
    return true
  }

  #act(wire: Wire): void {
    const dice = this.#random()
    if (dice < 0.1) this.#subscribe(wire)
    else if (dice < 0.15) wire.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [this.#filter()] })
    else if (dice < 0.2) wire.send({ cmd: "pingreq" })
    else {
      const qos = this.#below(3)
      const payload = Buffer.alloc(this.#chance(0.02) ? 8000 : 60, 0x2e)
      const retain = this.#chance(0.1)
      wire.write(publishFrame(wire.version, this.#topic(), qos, { retain }, 1 + this.#below(60_000), payload))
      this.counts.published += 1
    }
  }

  #filter(): string {
    const dice = this.#random()
    if (dice < 0.15) return FILTERS[this.#below(FILTERS.length)] as string
    if (dice < 0.25) return `churn/${this.#below(AREAS)}/+`
    return dice < 0.27 ? "churn/will/#" : this.#topic()
  }

  #subscribe(wire: Wire): void {
    const subscription = { topic: this.#filter(), qos: this.#below(3) as 0 | 1 | 2 }
    wire.send({ cmd: "subscribe", messageId: 1, subscriptions: [subscription] })
  }

  #answer(wire: Wire, frame: Frame, isMute: boolean, isLeaving: boolean): void {
    const { body, buffer, type } = frame
    if (type === PacketType.connack) {
      if (buffer[body + 1] === 0) this.counts.connects += 1
      else this.counts.refused += 1
    } else if (type === PacketType.publish) {
      this.counts.received += 1
      const { id, qos } = readPublish(frame, wire.version)
      if (qos > 0 && !isMute) wire.write(acknowledgement(qos === 1 ? PacketType.puback : PacketType.pubrec, id))
    } else if (type === PacketType.pubrec) {
      if (wire.version !== 5 || frame.end === body + 2 || (buffer[body + 2] as number) < 0x80) {
        wire.write(acknowledgement(PacketType.pubrel, buffer.readUInt16BE(body)))
      }
    } else if (type === PacketType.pubrel) {
      if (!isMute) wire.write(acknowledgement(PacketType.pubcomp, buffer.readUInt16BE(body)))
    } else if (type === PacketType.disconnect && !isLeaving) {
      process.stderr.write(
        `a client of the crowd was told ${buffer[body]}: ${buffer.toString("latin1", body, frame.end)}\n`
      )
    }
  }
}
