/**
 * Many sessions that are mostly away: opened a few hundred at a time, subscribed, left behind; later they come back, take
 * what waits for them in order, and leave. MQTT 5, QoS 1, raw frames (soak-wire.ts), in the bench's own process.
 */
import { acknowledgement, type Frame, PacketType, publishFrame, readPublish, Wire } from "./soak-wire.ts"

const VERSION = 5
const EXPIRY_SECONDS = 86_400
const AT_ONCE = 200
const NUMBER_BYTES = 4
/** The broker's own default, whatever the bench sets: thousands of windows of 1,000 would be what is measured. */
const RECEIVE_MAXIMUM = 20

export interface DrainResult {
  readonly received: number
  readonly sessionsLost: number
  /** Not the next number. */
  readonly wrong: number
}

/** `work` for 0 .. count - 1, `atOnce` of them under way. */
export async function each(count: number, work: (index: number) => Promise<void>, atOnce = AT_ONCE): Promise<void> {
  let next = 0
  const run = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, run))
}

/** A session with one subscription, left behind. */
export function leaveSession(port: number, clientId: string, topic: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onFrame = ({ type }: Frame): void => {
      if (type === PacketType.connack) wire.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }] })
      if (type === PacketType.suback) wire.send({ cmd: "disconnect" })
    }
    let isDone = false
    const onEnd = (): void => (isDone ? resolve() : reject(new Error(`${clientId} was not accepted`)))
    const wire = new Wire(
      port,
      VERSION,
      { clientId, clean: false, sessionExpiryInterval: EXPIRY_SECONDS },
      (frame) => {
        if (frame.type === PacketType.suback) isDone = true
        onFrame(frame)
      },
      onEnd
    )
  })
}

/** Comes back, takes `count` messages numbered from `first` on in steps of `step`, acknowledges them, leaves. */
export function drainSession(
  port: number,
  clientId: string,
  first: number,
  count: number,
  step: number
): Promise<DrainResult> {
  return new Promise((resolve) => {
    let received = 0
    let wrong = 0
    let sessionsLost = 0
    const finish = (): void => resolve({ received, wrong, sessionsLost })
    const wire = new Wire(
      port,
      VERSION,
      { clientId, clean: false, sessionExpiryInterval: EXPIRY_SECONDS, receiveMaximum: RECEIVE_MAXIMUM },
      (frame) => {
        if (frame.type === PacketType.connack && ((frame.buffer[frame.body] ?? 0) & 1) === 0) {
          sessionsLost = 1
          wire.destroy()
        }
        if (frame.type !== PacketType.publish || received === count) return
        const { id, payloadAt } = readPublish(frame, VERSION)
        if (frame.buffer.readUInt32BE(payloadAt) !== first + received * step) wrong++
        received++
        wire.write(acknowledgement(PacketType.puback, id))
        if (received === count) wire.send({ cmd: "disconnect" })
      },
      finish
    )
  })
}

/** One publisher for all: messages in the order in which they are asked for, a window of them under way. */
export class Feeder {
  readonly #wire: Wire
  readonly #window: number
  #sent = 0
  #acknowledged = 0
  #identifier = 0
  #wake: () => void = () => undefined
  readonly ready: Promise<void>

  constructor(port: number, window: number) {
    this.#window = window
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ready = promise
    this.#wire = new Wire(
      port,
      VERSION,
      { clientId: "feeder", clean: true },
      ({ type }) => {
        if (type === PacketType.connack) resolve()
        if (type === PacketType.puback) {
          this.#acknowledged++
          this.#wake()
        }
      },
      () => undefined
    )
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  async publish(topic: string, number: number, payloadBytes: number): Promise<void> {
    const payload = Buffer.alloc(Math.max(NUMBER_BYTES, payloadBytes), "x")
    payload.writeUInt32BE(number)
    this.#identifier = (this.#identifier % 65_535) + 1
    this.#sent++
    this.#wire.write(publishFrame(VERSION, topic, 1, {}, this.#identifier, payload))
    if (this.#sent - this.#acknowledged >= this.#window) await this.#until(this.#window / 2)
  }

  /** Resolves when everything is acknowledged. */
  settled(): Promise<void> {
    return this.#until(0)
  }

  async finish(): Promise<void> {
    await this.settled()
    this.#wire.destroy()
  }

  async #until(openMax: number): Promise<void> {
    while (this.#sent - this.#acknowledged > openMax) {
      if (this.#wire.ended) throw new Error("the broker closed the feeder's connection")
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
