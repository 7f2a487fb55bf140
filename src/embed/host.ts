/**
 * What the host can ask its broker: publish and subscribe, as promises. Both forms of embedding (broker.ts) are
 * made of this.
 *
 * Invariants
 * - All publishes share one session, opened by the first, so their order is kept; when it ends, the next publish
 *   opens another. Each subscription has a session of its own: what two filters share reaches both handlers once.
 * - After stop() nothing is asked any more and every call rejects with its reason: "stopped", "store-failed".
 */
import type { IPublishPacket } from "mqtt"
import { randomName } from "../app.ts"
import type { BrokerShape } from "../broker/broker.ts"
import type { Log } from "../telemetry/logging.ts"
import { type BrokerError, brokerError } from "./broker-error.ts"
import { HostSession } from "./host-session.ts"
import { publishFault, subscribeFault } from "./judge.ts"

export interface Message {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  /** True for a message that was retained before the subscription was made. */
  readonly retain: boolean
}

export interface PublishOptions {
  /** Default 0. */
  readonly qos?: 0 | 1 | 2
  /** Default false. */
  readonly retain?: boolean
}

export interface SubscribeOptions {
  /** Highest QoS of the deliveries; default 1. */
  readonly qos?: 0 | 1 | 2
}

export class Host {
  readonly #broker: BrokerShape
  readonly #log: Log
  #publisher: Promise<HostSession> | undefined = undefined
  #end: BrokerError | undefined = undefined

  constructor(broker: BrokerShape, log: Log) {
    this.#broker = broker
    this.#log = log
  }

  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    this.#refuseWhenStopped()
    const { qos = 0, retain = false } = options
    // A copy: at QoS 0 the caller may go on writing into its own before the broker has read it.
    const bytes = Buffer.from(payload as Uint8Array)
    const fault = publishFault(this.#broker.core.limits, topic, bytes.length, qos, retain)
    if (fault !== undefined) throw fault
    this.#publisher ??= this.#openPublisher()
    const session = await this.#publisher
    await session.publish(topic, bytes, qos, retain)
  }

  /** `onEnd` is told when the subscription ends by itself; undefined when the returned function ended it. */
  async subscribe(
    filter: string,
    handler: (message: Message) => void | PromiseLike<void>,
    options: SubscribeOptions = {},
    onEnd: (error: BrokerError | undefined) => void = () => {}
  ): Promise<() => Promise<void>> {
    this.#refuseWhenStopped()
    const { qos = 1 } = options
    const fault = subscribeFault(this.#broker.core.limits, filter, qos)
    if (fault !== undefined) throw fault
    const onMessage = (packet: IPublishPacket) => handler(messageOf(packet))
    const session = await this.#open("subscriber", filter, onMessage, onEnd)
    try {
      await session.subscribe(filter, qos)
    } catch (error) {
      await session.end()
      throw error
    }
    return () => session.end()
  }

  /** The first reason counts. */
  stop(reason: BrokerError = brokerError("stopped", "the broker was stopped")): void {
    this.#end ??= reason
  }

  #refuseWhenStopped(): void {
    if (this.#end !== undefined) throw this.#end
  }

  #openPublisher(): Promise<HostSession> {
    const forget = () => {
      this.#publisher = undefined
    }
    const opening = this.#open("publisher", undefined, () => {}, forget)
    opening.catch(forget)
    return opening
  }

  #open(
    role: string,
    filter: string | undefined,
    onMessage: (packet: IPublishPacket) => void | PromiseLike<void>,
    onEnd: (error: BrokerError | undefined) => void
  ): Promise<HostSession> {
    const onHandlerError = (error: unknown): void => {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#log.write("error", "a subscription's handler failed; its message counts as delivered", { filter }, why)
    }
    const clientIdentifier = randomName(`embedded-${role}`)
    const { accept } = this.#broker
    return HostSession.connect({ clientIdentifier, accept, onMessage, onHandlerError, onEnd }).catch((error) => {
      this.#refuseWhenStopped()
      throw error
    })
  }
}

const messageOf = ({ payload, qos, retain, topic }: IPublishPacket): Message => ({
  topic,
  payload: typeof payload === "string" ? Buffer.from(payload) : payload,
  qos,
  retain
})
