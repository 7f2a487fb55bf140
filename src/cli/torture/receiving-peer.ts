/**
 * A client that receives: the receiver's half of QoS 1 and 2, kept across connections as a client must.
 *
 * Invariants
 * - onMessage() is called once per message at QoS 2: a PUBLISH with an identifier that is not released yet is the same
 *   message again, and must be [MQTT-4.3.3-10]; one that is another message is a fault of the broker.
 * - Answers leave in the order of what they answer [MQTT-4.6.0-2]. A manner other than "prompt" holds them back: "slow"
 *   for a moment each, "hoarding" until many wait. What is held back when the connection ends is never sent.
 * - After a tidy stop the QoS 1 messages it had not acknowledged come first, each under its own identifier, with DUP.
 */
import type { IPublishPacket, Packet } from "mqtt-packet"
import type { Books } from "./books.ts"
import { numberOf } from "./payload.ts"
import { Peer, type PeerOptions } from "./peer.ts"

export type Manner = "prompt" | "slow" | "hoarding"

export interface ReceivingOptions extends PeerOptions {
  readonly manner?: Manner
  /** Unacknowledged QoS 1 messages are its own after a tidy stop; those of a shared subscription are not. */
  readonly isExactAfterStop?: boolean
}

const slowAnswerMs = 3
const hoardMax = 15
const hoardKept = 5
const identifierNotFound = 0x92

type Answer = Extract<Packet, { cmd: "puback" | "pubrec" | "pubcomp" }>

export abstract class ReceivingPeer extends Peer {
  readonly #manner: Manner
  readonly #isExactAfterStop: boolean
  /** QoS 2 identifiers received and not released, with what came under them. */
  readonly #incoming = new Map<number, string>()
  /** QoS 1 messages received and not acknowledged, in order. */
  readonly #open = new Map<number, string>()
  #mustRepeat: ReadonlyArray<readonly [number, string]> = []
  #repeated = 0
  #answers: Array<Answer> = []
  #timer: NodeJS.Timeout | undefined
  /** Connected at a tidy stop, and silent since. */
  #isSilent = false
  #connections = 0

  constructor(books: Books, { isExactAfterStop = true, manner = "prompt", ...options }: ReceivingOptions) {
    super(books, options)
    this.#manner = manner
    this.#isExactAfterStop = isExactAfterStop
  }

  async settle(): Promise<void> {
    this.#isSilent = this.isConnected
    this.#answers = []
    await this.ping()
  }

  lifeEnded(isTidy: boolean): void {
    if (isTidy && this.#isSilent) {
      this.#mustRepeat = this.#isExactAfterStop ? [...this.#open] : []
      this.stoppedWith(new Set(this.#open.values()))
    } else if (!isTidy || this.#connections > 0) this.#mustRepeat = []
    this.#connections = 0
  }

  /** A tidy stop while it was connected: what was acknowledged by then never comes again; `open` may. */
  protected stoppedWith(_open: ReadonlySet<string>): void {}

  /** `isRepeat` = the broker had to send it again. */
  protected abstract onMessage(packet: IPublishPacket, isRepeat: boolean): void
  protected abstract onOther(packet: Packet): void

  protected override onConnected(isSessionPresent: boolean): void {
    if (!isSessionPresent) {
      this.#incoming.clear()
      this.#mustRepeat = []
    }
    this.#connections++
    if (this.#connections > 1) this.#mustRepeat = []
    this.#repeated = 0
    this.#isSilent = false
    this.#answers = []
    this.#open.clear()
  }

  protected override onEnded(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  protected override onPacket(packet: Packet): void {
    if (packet.cmd === "publish") this.#publish(packet)
    else if (packet.cmd === "pubrel") this.#release(packet.messageId ?? 0)
    else if (packet.cmd !== "disconnect") this.onOther(packet)
  }

  /** What a tidy stop left to be repeated and was not, at the first message that is something else. */
  get #isRepeating(): boolean {
    return this.#repeated < this.#mustRepeat.length
  }

  #publish(packet: IPublishPacket): void {
    const { messageId = 0, qos } = packet
    if (qos === 0) return void this.onMessage(packet, false)
    const key = keyOf(packet)
    if (qos === 1) {
      const isRepeat = this.#isRepeating
      if (isRepeat) this.#mustBeNext(messageId, key, packet.dup)
      else if (this.#open.has(messageId)) this.fault(`identifier ${messageId} is given twice`)
      this.#open.set(messageId, key)
      this.onMessage(packet, isRepeat)
      return void this.#answer({ cmd: "puback", messageId })
    }
    const known = this.#incoming.get(messageId)
    if (known === undefined) {
      this.#incoming.set(messageId, key)
      this.onMessage(packet, false)
    } else {
      if (known !== key) this.fault(`identifier ${messageId} is ${known} and not released, now it is ${key}`)
      if (!packet.dup) this.fault(`${key} comes again under ${messageId} without DUP`)
      this.books.event("repeated")
    }
    this.#answer({ cmd: "pubrec", messageId })
  }

  #mustBeNext(messageId: number, key: string, dup: boolean): void {
    const [identifier, expected] = this.#mustRepeat[this.#repeated++] ?? [0, ""]
    if (identifier !== messageId || expected !== key)
      this.fault(`after a tidy stop ${key} came under ${messageId}; due was ${expected} under ${identifier}`)
    else if (!dup) this.fault(`after a tidy stop ${key} came again without DUP`)
  }

  #release(messageId: number): void {
    const isKnown = this.#incoming.delete(messageId)
    const reason = isKnown || this.version !== 5 ? {} : { reasonCode: identifierNotFound }
    this.#answer({ cmd: "pubcomp", messageId, ...reason })
  }

  #answer(answer: Answer): void {
    if (this.#isSilent) return
    if (this.#manner === "prompt") return void this.#sendAnswer(answer)
    this.#answers.push(answer)
    if (this.#manner === "hoarding") {
      // QoS 2 goes on: what is hoarded is the right to be sent again under the same identifier.
      if (this.#answers.length >= hoardMax || answer.cmd !== "puback") this.#sendAnswers(hoardKept)
    } else this.#timer ??= setTimeout(() => this.#sendSlowly(), slowAnswerMs)
  }

  #sendSlowly(): void {
    this.#sendAnswers(this.#answers.length - 1)
    this.#timer = this.#answers.length === 0 ? undefined : setTimeout(() => this.#sendSlowly(), slowAnswerMs)
  }

  /** All but the last `kept`. */
  #sendAnswers(kept: number): void {
    while (this.#answers.length > Math.max(0, kept)) this.#sendAnswer(this.#answers.shift() as Answer)
  }

  #sendAnswer(answer: Answer): void {
    if (answer.cmd === "puback") this.#open.delete(answer.messageId ?? 0)
    this.send(answer)
  }
}

/** Names a message: its topic and number, or what its payload is. */
export function keyOf({ payload, topic }: IPublishPacket): string {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload
  const number = numberOf(bytes)
  return `${topic} ${number < 0 ? bytes.toString("latin1") : number}`
}
