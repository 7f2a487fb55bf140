/**
 * The stayers of a soak: publishers that number their messages per topic, and subscribers that check every number.
 *
 *   steady     never lose their connection: each message exactly once, in order
 *   returner   persistent, lose or leave their connection all the time: QoS 2 exactly once, QoS 1 at least once, in order
 *   crew       one shared subscription, steady members: each message with exactly one of them
 *   relay      one shared subscription, members that return: each message with at least one of them
 *
 * Publishers of odd topics come and go as well: QoS 2, repeated as the protocol demands.
 */
import { acknowledgement, type Frame, PacketType, publishFrame, readPublish, type Version, Wire } from "./soak-wire.ts"

const TOPICS = 6
const WINDOW = 8
const PACE_MS = 20
const FAULTS_MAX = 20
const STAY_MS_MAX = 3000
const AWAY_MS_MAX = 400
const PATIENCE_MS = 30_000
const FILTER = "stay/#"
const SESSION_SECONDS = 3600

const topicOf = (index: number): string => `stay/${index}`
/** Even topics are published at QoS 1 on steady connections, odd ones at QoS 2 on connections that come and go. */
const isOdd = (index: number): boolean => index % 2 === 1

export interface StayReport {
  readonly published: number
  readonly delivered: number
  readonly repeated: number
  readonly returns: number
  readonly faults: ReadonlyArray<string>
}

export class Stayers {
  readonly #faults: Array<string> = []
  readonly #publishers: Array<Publisher>
  readonly #subscribers: Array<Subscriber>
  readonly #crews: ReadonlyArray<Crew>

  constructor(port: number, random: () => number) {
    const complain = (what: string) => {
      if (this.#faults.length < FAULTS_MAX) this.#faults.push(what)
    }
    const crew = new Crew("crew", true, complain)
    const relay = new Crew("relay", false, complain)
    this.#crews = [crew, relay]
    const world = { port, random, complain }
    const steady = ([3, 4, 5, 5] as const).map(
      (version, i) => new Subscriber(world, `steady-${i}`, version, 1 + (i % 2), undefined, true)
    )
    const returners = ([4, 5, 3, 5] as const).map(
      (version, i) => new Subscriber(world, `returner-${i}`, version, 1 + (i % 2), undefined, false)
    )
    const members = [crew, relay].flatMap((group) =>
      [0, 1, 2].map((i) => new Subscriber(world, `${group.name}-${i}`, (3 + i) as Version, 1, group, group.isExact))
    )
    this.#subscribers = [...steady, ...returners, ...members]
    this.#publishers = Array.from({ length: TOPICS }, (_, i) => new Publisher(world, i))
  }

  async ready(): Promise<void> {
    await Promise.all(this.#subscribers.map(({ subscribed }) => subscribed))
    for (const publisher of this.#publishers) publisher.start()
  }

  /** Publishers stop; when everything has arrived, or patience ends, everybody leaves. */
  async finish(): Promise<StayReport> {
    for (const publisher of this.#publishers) publisher.stop()
    for (const subscriber of this.#subscribers) subscriber.stay()
    const untilMs = performance.now() + PATIENCE_MS
    while (!this.#isAllThere() && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 50))
    const published = this.#publishers.map(({ next }) => next)
    const faults = [
      ...this.#faults,
      ...this.#publishers.flatMap((each) => (each.isDone ? [] : [`${each.name}: messages are never acknowledged`])),
      ...this.#subscribers.flatMap((each) => each.missing(published)),
      ...this.#crews.flatMap((each) => each.missing(published))
    ]
    for (const each of [...this.#publishers, ...this.#subscribers]) each.leave()
    return {
      published: published.reduce((sum, count) => sum + count, 0),
      delivered: this.#subscribers.reduce((sum, { delivered }) => sum + delivered, 0),
      repeated: this.#subscribers.reduce((sum, { repeated }) => sum + repeated, 0),
      returns: this.#subscribers.reduce((sum, { connections }) => sum + connections - 1, 0),
      faults
    }
  }

  #isAllThere(): boolean {
    const published = this.#publishers.map(({ next }) => next)
    const isDone = this.#publishers.every((each) => each.isDone)
    return isDone && [...this.#subscribers, ...this.#crews].every((each) => each.missing(published).length === 0)
  }
}

interface Surroundings {
  readonly port: number
  readonly random: () => number
  readonly complain: (what: string) => void
}

/** A client whose connection comes and goes, or stays. */
abstract class Stayer {
  readonly name: string
  readonly version: Version
  readonly surroundings: Surroundings
  connections = 0
  wire: Wire | undefined = undefined
  /** CONNACK has come, and what was open has been repeated: new messages may go. */
  isUp = false
  readonly #isSteady: boolean
  #returns = true
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(surroundings: Surroundings, name: string, version: Version, isSteady: boolean) {
    this.surroundings = surroundings
    this.name = name
    this.version = version
    this.#isSteady = isSteady
    this.#connect()
  }

  abstract connected(isFirst: boolean): void
  abstract frame(frame: Frame): void

  /** No more losses. */
  stay(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#returns = false
    if (this.wire === undefined || this.wire.ended) this.#connect()
  }

  leave(): void {
    this.#returns = false
    clearTimeout(this.#timer)
    const { wire } = this
    this.wire = undefined
    wire?.send({ cmd: "disconnect", ...(this.version === 5 ? { properties: { sessionExpiryInterval: 1 } } : {}) })
    wire?.socket.end()
  }

  #connect(): void {
    const options = { clientId: this.name, clean: false, sessionExpiryInterval: SESSION_SECONDS }
    const wire = new Wire(
      this.surroundings.port,
      this.version,
      options,
      (frame) => this.#frame(wire, frame),
      () => this.#ended(wire)
    )
    this.wire = wire
    this.isUp = false
  }

  #frame(wire: Wire, frame: Frame): void {
    if (wire !== this.wire) return
    const { body, buffer, type } = frame
    if (type !== PacketType.connack) {
      this.frame(frame)
      return
    }
    this.connections += 1
    const isFirst = this.connections === 1
    if (buffer[body + 1] !== 0) this.surroundings.complain(`${this.name} was refused: ${buffer[body + 1]}`)
    const isPresent = ((buffer[body] as number) & 1) === 1
    if (this.version > 3 && isPresent === isFirst) this.surroundings.complain(`${this.name}: session present is wrong`)
    this.connected(isFirst)
    this.isUp = true
    if (this.#isSteady || !this.#returns) return
    this.#timer = setTimeout(() => this.#lose(), 200 + this.surroundings.random() * STAY_MS_MAX)
  }

  #lose(): void {
    const wire = this.wire as Wire
    const dice = this.surroundings.random()
    if (dice < 0.4) wire.destroy()
    else if (dice < 0.7) {
      wire.send({ cmd: "disconnect" })
      wire.socket.end()
    } else this.#connect() // a take-over: the old connection is still open
  }

  #ended(wire: Wire): void {
    if (wire !== this.wire) return
    if (this.#isSteady) this.surroundings.complain(`${this.name} lost its connection`)
    if (!this.#returns) {
      this.surroundings.complain(`${this.name} was thrown out`)
      return
    }
    this.#timer = setTimeout(() => this.#connect(), this.surroundings.random() * AWAY_MS_MAX)
  }
}

class Publisher extends Stayer {
  next = 0
  readonly #index: number
  /** Open messages by packet identifier; released: PUBREC has come. */
  readonly #open = new Map<number, { readonly number: number; released: boolean }>()
  #pace: NodeJS.Timeout | undefined = undefined

  constructor(surroundings: Surroundings, index: number) {
    super(surroundings, `publisher-${index}`, (3 + (index % 3)) as Version, !isOdd(index))
    this.#index = index
  }

  start(): void {
    this.#pace = setInterval(() => this.#publish(), PACE_MS)
  }

  stop(): void {
    clearInterval(this.#pace)
    this.stay()
  }

  get isDone(): boolean {
    return this.#open.size === 0
  }

  #publish(): void {
    if (!this.isUp || this.#open.size >= WINDOW) return
    const number = this.next++
    const id = 1 + (number % 64)
    if (this.#open.has(id)) throw new Error("the window is smaller than the identifiers")
    this.#open.set(id, { number, released: false })
    this.#send(id, number, false)
  }

  #send(id: number, number: number, duplicate: boolean): void {
    const payload = Buffer.alloc(48)
    payload.writeUInt32BE(number)
    const qos = isOdd(this.#index) ? 2 : 1
    this.wire?.write(publishFrame(this.version, topicOf(this.#index), qos, { duplicate }, id, payload))
  }

  override connected(): void {
    for (const [id, { number, released }] of this.#open) {
      if (released) this.wire?.write(acknowledgement(PacketType.pubrel, id))
      else this.#send(id, number, true)
    }
  }

  override frame({ body, buffer, end, type }: Frame): void {
    if (type !== PacketType.puback && type !== PacketType.pubrec && type !== PacketType.pubcomp) return
    const id = buffer.readUInt16BE(body)
    const reasonCode = end > body + 2 ? (buffer[body + 2] as number) : 0
    if (reasonCode >= 0x80 && reasonCode !== 0x92) this.surroundings.complain(`${this.name} was answered ${reasonCode}`)
    const open = this.#open.get(id)
    if (open === undefined) return
    if (type === PacketType.pubrec) {
      open.released = true
      this.wire?.write(acknowledgement(PacketType.pubrel, id))
    } else this.#open.delete(id)
  }
}

class Subscriber extends Stayer {
  delivered = 0
  repeated = 0
  readonly subscribed: Promise<void>
  readonly #qos: number
  readonly #crew: Crew | undefined
  #isSubscribed!: () => void
  readonly #nexts = new Array<number>(TOPICS).fill(0)
  /** QoS 2: received and not released. */
  readonly #unreleased = new Set<number>()

  constructor(
    surroundings: Surroundings,
    name: string,
    version: Version,
    qos: number,
    crew: Crew | undefined,
    isSteady: boolean
  ) {
    super(surroundings, name, version, isSteady)
    this.#qos = qos
    this.#crew = crew
    this.subscribed = new Promise((resolve) => {
      this.#isSubscribed = resolve
    })
  }

  override connected(isFirst: boolean): void {
    const topic = this.#crew === undefined ? FILTER : `$share/${this.#crew.name}/${FILTER}`
    const subscriptions = [{ topic, qos: this.#qos as 1 | 2 }]
    if (isFirst) this.wire?.send({ cmd: "subscribe", messageId: 1, subscriptions })
  }

  override frame(frame: Frame): void {
    const { body, buffer, type } = frame
    if (type === PacketType.suback) this.#isSubscribed()
    else if (type === PacketType.pubrel) {
      const id = buffer.readUInt16BE(body)
      this.#unreleased.delete(id)
      this.wire?.write(acknowledgement(PacketType.pubcomp, id))
    } else if (type === PacketType.publish) this.#take(frame)
    else if (type === PacketType.disconnect) this.surroundings.complain(`${this.name} was told to go: ${buffer[body]}`)
  }

  #take(frame: Frame): void {
    const { id, isDuplicate, payloadAt, qos, topic } = readPublish(frame, this.version)
    const index = Number(topic.slice("stay/".length))
    const number = frame.buffer.readUInt32BE(payloadAt)
    const wanted = Math.min(this.#qos, isOdd(index) ? 2 : 1)
    if (qos !== wanted) this.surroundings.complain(`${this.name} got ${topic} ${number} at QoS ${qos}`)
    this.wire?.write(acknowledgement(qos === 1 ? PacketType.puback : PacketType.pubrec, id))
    if (qos === 2) {
      if (this.#unreleased.has(id)) {
        this.repeated += 1
        return
      }
      this.#unreleased.add(id)
    }
    if (this.#crew !== undefined) this.#crew.take(this.name, index, number)
    else this.#inOrder(topic, index, number, qos === 1 && this.connections > 1, isDuplicate)
    this.delivered += 1
  }

  #inOrder(topic: string, index: number, number: number, mayRepeat: boolean, isDuplicate: boolean): void {
    const next = this.#nexts[index] as number
    if (number === next) this.#nexts[index] = next + 1
    else if (mayRepeat && isDuplicate && number < next) this.repeated += 1
    else this.surroundings.complain(`${this.name} got ${topic} ${number}${isDuplicate ? " (DUP)" : ""}, not ${next}`)
  }

  missing(published: ReadonlyArray<number>): ReadonlyArray<string> {
    if (this.#crew !== undefined) return []
    return published.flatMap((count, i) =>
      this.#nexts[i] === count ? [] : [`${this.name} has ${this.#nexts[i]} of ${count} messages of ${topicOf(i)}`]
    )
  }
}

/** The members of one shared subscription together. */
class Crew {
  readonly name: string
  /** Each message exactly once: no member ever loses its connection. */
  readonly isExact: boolean
  readonly #complain: (what: string) => void
  readonly #seen = Array.from({ length: TOPICS }, () => new Set<number>())
  /** All below were seen and are forgotten. */
  readonly #below = new Array<number>(TOPICS).fill(0)

  constructor(name: string, isExact: boolean, complain: (what: string) => void) {
    this.name = name
    this.isExact = isExact
    this.#complain = complain
  }

  take(member: string, index: number, number: number): void {
    const seen = this.#seen[index] as Set<number>
    const isAgain = number < (this.#below[index] as number) || seen.has(number)
    if (isAgain && this.isExact) this.#complain(`${member} got ${topicOf(index)} ${number}, which another one had`)
    if (isAgain) return
    seen.add(number)
    while (seen.delete(this.#below[index] as number)) this.#below[index] = (this.#below[index] as number) + 1
  }

  missing(published: ReadonlyArray<number>): ReadonlyArray<string> {
    return published.flatMap((count, i) =>
      this.#below[i] === count
        ? []
        : [`${this.name} lacks messages of ${topicOf(i)} from ${this.#below[i]} on, of ${count}`]
    )
  }
}
