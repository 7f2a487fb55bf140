/**
 * MQTT.js among the clients of a run: publishes at QoS 1 and 2, subscribes to itself with a persistent session, keeps its
 * own stores and comes back by itself, as programs that use it do.
 *
 * What it may do is its own affair, so less is demanded than of our clients: at QoS 1 repeats are welcome at any time.
 */
import { connect } from "node:net"
import { type IPublishPacket, MqttClient } from "mqtt"
import { type Books, StreamBook, TopicBook } from "../../src/cli/torture/books.ts"
import type { Dice } from "../../src/cli/torture/dice.ts"
import { numberOf, payloadOf } from "../../src/cli/torture/payload.ts"
import type { Actor } from "../../src/cli/torture/peer.ts"

const RECONNECT_MS = 20
const PER_LIFE_MAX = 100
const WINDOW = 10
const IDENTIFIER_NOT_FOUND = 0x92

export class MqttJsActor implements Actor {
  readonly name: string
  readonly ended = Promise.resolve()
  readonly client: MqttClient
  readonly #books: Books
  readonly #dice: () => Dice
  readonly #streams: ReadonlyArray<StreamBook>
  /** 0 between two lives. */
  #port: number | undefined
  #left = 0
  #open = 0
  #hasSession = false
  #isSubscribed = false
  #wake: () => void = () => undefined

  constructor(books: Books, dice: () => Dice, protocolVersion: 4 | 5) {
    this.name = `mqttjs-${protocolVersion}`
    this.#books = books
    this.#dice = dice
    this.#streams = ([1, 2] as const).map((qos) => new StreamBook(new TopicBook(`j/${protocolVersion}/${qos}`, qos), 2))
    const properties = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 86_400 } } : {}
    this.client = new MqttClient(() => connect({ port: this.#port ?? 0, host: "127.0.0.1", noDelay: true }), {
      manualConnect: true,
      protocolVersion,
      clientId: this.name,
      clean: false,
      keepalive: 0,
      reconnectPeriod: RECONNECT_MS,
      resubscribe: false,
      ...properties
    })
    this.client.on("error", () => undefined)
    this.client.on("message", (topic, payload, packet) => this.#take(topic, payload, packet))
    this.client.on("connect", ({ sessionPresent }) => {
      if (this.#hasSession && !sessionPresent) this.#fault("its session is gone")
      this.#hasSession = true
      this.#books.event("connack")
      this.#wake()
      this.#fill()
    })
    this.client.on("close", () => this.#wake())
  }

  async join(port: number, isLast: boolean): Promise<void> {
    this.#port = port
    const connected = new Promise<void>((resolve) => (this.#wake = resolve))
    if (!this.#isSubscribed) this.client.connect()
    if (!this.client.connected) await connected
    if (!this.#isSubscribed) {
      await this.client.subscribeAsync(`j/${this.name.at(-1)}/#`, { qos: 2 })
      this.#isSubscribed = true
    }
    this.#left = isLast ? 0 : this.#dice().below(PER_LIFE_MAX)
    this.#fill()
  }

  async settle(): Promise<void> {
    this.#left = 0
  }

  lifeEnded(): void {
    this.#left = 0
    if (this.#port !== undefined) this.#port = 0
    this.#wake()
  }

  /** For good. A client that never began cannot be ended. */
  leave(): void {
    if (this.#port !== undefined) this.client.end(true)
  }

  due(): string | undefined {
    const late = this.#streams.filter(({ due }) => due > 0).map(({ due, topic }) => `${due} on ${topic.topic}`)
    if (this.#open === 0 && late.length === 0) return undefined
    return `${this.name}: ${this.#open} not acknowledged, not received: ${late}`
  }

  #fill(): void {
    while (this.client.connected && this.#left > 0 && this.#open < WINDOW) {
      this.#left--
      this.#open++
      const { topic } = this.#dice().pick(this.#streams)
      const number = ++topic.issued
      this.client.publish(topic.topic, payloadOf(number), { qos: topic.qos }, (error) => {
        this.#open--
        // PUBREL again, for an exchange that had ended before the broker died: MQTT.js calls the answer an error.
        const isKnownEnd = (error as { readonly code?: unknown } | undefined)?.code === IDENTIFIER_NOT_FOUND
        if (error && !isKnownEnd) return this.#fault(`publish ended with ${error.message}`)
        topic.settled = number
        this.#books.event(topic.qos === 1 ? "puback" : "pubcomp")
        this.#fill()
      })
    }
  }

  #take(topic: string, payload: Buffer, { qos }: IPublishPacket): void {
    const book = this.#streams.find((each) => each.topic.topic === topic)
    const number = numberOf(payload)
    if (book === undefined || number < 0) return void this.#fault(`a wrong message on ${topic}`)
    if (qos !== book.qos) this.#fault(`${topic} ${number} came at QoS ${qos}`)
    const complaint = book.take(number, () => true)
    if (complaint !== undefined) this.#fault(`${topic}: ${complaint}`)
    this.#books.event("message")
  }

  #fault(text: string): void {
    this.#books.fault(`${this.name}: ${text}`)
  }
}
