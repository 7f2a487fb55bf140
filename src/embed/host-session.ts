/**
 * One MQTT session of the host, the program around the broker: MQTT.js over a pair of transports in memory, so
 * that the same rules hold as for every client. No socket, no port, no password (access/access.ts, accessOf).
 *
 * Invariants
 * - Every promise settles: when the session ends, what waits is rejected with the reason of the end.
 * - A message is acknowledged when its handler is done. While it works nothing more is read, so a slow handler
 *   falls behind in the log like any slow subscriber and costs no memory of its own.
 * - A handler that throws or rejects is reported and counts as done: it harms neither the broker nor its session.
 */
import { Duplex } from "node:stream"
import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt"
import { hostListener } from "../access/access.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { type MemoryTransport, memoryPair } from "../listener/memory.ts"
import type { Transport } from "../listener/transport.ts"
import { type BrokerError, brokerError, refusedWith } from "./broker-error.ts"

export interface HostSessionOptions {
  readonly clientIdentifier: string
  /** The broker's door: takes our far end of the pair. */
  readonly accept: (transport: Transport) => void
  readonly onMessage: (packet: IPublishPacket) => void | PromiseLike<void>
  readonly onHandlerError: (error: unknown) => void
  /** The session is over; undefined when we ended it. Called once. */
  readonly onEnd: (error: BrokerError | undefined) => void
}

/** As MQTT.js reports a refusal: CONNACK and PUBACK as `code`, SUBACK as the packet. */
interface ClientError extends Error {
  readonly code?: unknown
  readonly packet?: { readonly granted?: ReadonlyArray<unknown> }
}

interface Life {
  /** We ended it: what still waits to be read is not wanted any more. */
  isLeaving: boolean
}

type Done<A> = (error?: ClientError | null, value?: A) => void

export class HostSession {
  readonly #client: MqttClient
  readonly #life: Life
  readonly #onEnd: HostSessionOptions["onEnd"]
  readonly #waiting = new Set<(error: BrokerError) => void>()
  /** What the broker's DISCONNECT said. */
  #farewell: number | undefined = undefined
  #ended: BrokerError | undefined = undefined

  static async connect(options: HostSessionOptions): Promise<HostSession> {
    const { MqttClient: Client } = (await import("mqtt")).default
    const { client, server } = memoryPair({ listener: hostListener })
    options.accept(server)
    const { clientIdentifier: clientId } = options
    const settings: IClientOptions = { clientId, protocolVersion: 5, clean: true, reconnectPeriod: 0, keepalive: 0 }
    const life: Life = { isLeaving: false }
    const session = new HostSession(new Client(() => duplexOver(client, life) as never, settings), life, options)
    await session.#connected()
    return session
  }

  private constructor(client: MqttClient, life: Life, options: HostSessionOptions) {
    this.#client = client
    this.#life = life
    this.#onEnd = options.onEnd
    client.handleMessage = (packet, done) => handle(options, packet, done)
    client.on("disconnect", ({ reasonCode }) => {
      this.#farewell = reasonCode
    })
    // Whoever waits is told by its own callback or by the end that follows; an unheard "error" would be thrown.
    client.on("error", () => {})
    client.on("close", () => this.#finish())
  }

  /** At QoS 0 done when it is handed over, at QoS 1 and 2 when the broker has acknowledged. */
  publish(topic: string, payload: string | Buffer, qos: 0 | 1 | 2, retain: boolean): Promise<void> {
    return this.#ask("the publish was refused", (done) => this.#client.publish(topic, payload, { qos, retain }, done))
  }

  subscribe(filter: string, qos: 0 | 1 | 2): Promise<void> {
    return this.#ask("the subscription was refused", (done) => this.#client.subscribe(filter, { qos }, done))
  }

  end(): Promise<void> {
    this.#life.isLeaving = true
    return this.#ended === undefined ? this.#client.endAsync().then(() => {}) : Promise.resolve()
  }

  #connected(): Promise<void> {
    return this.#ask("the session was refused", (done) => {
      this.#client.once("connect", () => done())
      this.#client.once("error", done)
    })
  }

  /** One question to the broker: settled by its answer, or by the end of the session. */
  #ask(refusal: string, start: (done: Done<unknown>) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended)
        return
      }
      this.#waiting.add(reject)
      start((error) => {
        const reasonCode = reasonCodeOf(error)
        // Without a reason code, and with the connection gone, #finish knows more than MQTT.js does.
        if (error && reasonCode === undefined && !this.#isOpen) return
        this.#waiting.delete(reject)
        if (!error) resolve()
        else reject(reasonCode === undefined ? brokerError("refused", error.message) : refusedWith(refusal, reasonCode))
      })
    })
  }

  get #isOpen(): boolean {
    return this.#client.connected && !this.#client.disconnecting
  }

  #finish(): void {
    if (this.#ended !== undefined) return
    this.#ended = endOf(this.#farewell, this.#life.isLeaving)
    for (const reject of this.#waiting) reject(this.#ended)
    this.#waiting.clear()
    this.#onEnd(this.#life.isLeaving ? undefined : this.#ended)
  }
}

const handle = (options: HostSessionOptions, packet: IPublishPacket, done: () => void): void => {
  const failed = (error: unknown): void => {
    options.onHandlerError(error)
    done()
  }
  let answer: void | PromiseLike<void>
  try {
    answer = options.onMessage(packet)
  } catch (error) {
    failed(error)
    return
  }
  if (answer === undefined) done()
  else answer.then(() => done(), failed)
}

const endOf = (farewell: number | undefined, leaving: boolean): BrokerError => {
  if (farewell === ReasonCode.serverShuttingDown) return brokerError("stopped", "the broker was stopped")
  if (farewell !== undefined) return refusedWith("the broker ended the session", farewell)
  return brokerError("connection-lost", leaving ? "the session was ended" : "the session inside the process ended")
}

const reasonCodeOf = (error: ClientError | null | undefined): number | undefined => {
  const granted = error?.packet?.granted?.[0]
  const code = typeof granted === "number" ? granted : error?.code
  return typeof code === "number" ? code : undefined
}

/** MQTT.js wants a stream; ours is a transport. The end of one side is the end of both. */
const duplexOver = (transport: MemoryTransport, life: Life): Duplex => {
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => transport.resume(),
    write: (chunk: Buffer, _encoding, done) => transport.write(chunk, () => done()),
    destroy: (error, done) => {
      transport.destroy()
      done(error)
    }
  })
  transport.onData = (chunk) => {
    if (!stream.push(chunk)) transport.pause()
  }
  transport.onClose = () => {
    // A handler that ends its own subscription, and waits for that, would never read on to the end.
    if (life.isLeaving) stream.destroy()
    else stream.push(null)
  }
  return stream
}
