/**
 * Sends messages over one connection with a bounded window: `offer` hands one over, `room` waits until the
 * window has a place again, `idle` until everything is acknowledged (QoS 1, 2) or written (QoS 0).
 *
 * Invariants
 * - Never more than `windowMax` messages unacknowledged, nor more than the broker's Receive Maximum.
 * - A refused message does not stop the others; the first refusal is kept as the failure of the whole.
 */
import type { IClientPublishOptions, MqttClient, Packet } from "mqtt"
import { PacketType } from "../../codec/codec.ts"
import { Histogram } from "../../metrics/histogram.ts"
import { say, type World } from "../world.ts"
import { reasonText } from "./reason-text.ts"

/** As in mosquitto_pub, where -M changes it. */
export const windowDefault = 20
const receiveMaximumDefault = 65_535

export interface Refusal {
  readonly topic: string
  /** Undefined: the library could not send it. */
  readonly reasonCode: number | undefined
  readonly text: string
}

export class Publisher {
  /** Microseconds from the call to the acknowledgement. */
  readonly latencyUs = new Histogram()
  refusal: Refusal | undefined
  refused = 0
  readonly #client: MqttClient
  readonly #world: World
  readonly #windowMax: number
  readonly #isDebug: boolean
  readonly #reasons = new Map<number, number>()
  /** What the broker adds to a success: what it kept, and for how many. */
  readonly #receipts = new Map<number, string>()
  #inFlight = 0
  #waiting: { readonly until: number; readonly resolve: () => void } | undefined

  constructor(client: MqttClient, world: World, windowMax: number, isDebug: boolean) {
    this.#client = client
    this.#world = world
    this.#windowMax = Math.min(windowMax, client.serverProperties?.receiveMaximum ?? receiveMaximumDefault)
    this.#isDebug = isDebug
    client.on("packetreceive", (packet) => this.#noteReason(packet))
  }

  offer(topic: string, payload: Buffer, options: IClientPublishOptions): void {
    const startedMs = this.#world.monotonicMs()
    this.#inFlight++
    this.#client.publish(topic, payload, options, (error, packet) => {
      this.#inFlight--
      const elapsedMs = this.#world.monotonicMs() - startedMs
      this.latencyUs.record(elapsedMs * 1000)
      if (error) this.#refuse(topic, error)
      else if (this.#isDebug) say(this.#world, this.#doneText(topic, packet, elapsedMs, options.qos ?? 0))
      this.#wake()
    })
  }

  room(): Promise<void> {
    return this.#until(this.#windowMax - 1)
  }

  idle(): Promise<void> {
    return this.#until(0)
  }

  #until(count: number): Promise<void> {
    if (this.#inFlight <= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting = { until: count, resolve }
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    if (waiting === undefined || this.#inFlight > waiting.until) return
    this.#waiting = undefined
    waiting.resolve()
  }

  /** The library's callback hides the reason of a success such as 0x10. */
  #noteReason(packet: Packet): void {
    if (packet.cmd !== "puback" && packet.cmd !== "pubrec") return
    if (packet.messageId === undefined) return
    if (packet.reasonCode) this.#reasons.set(packet.messageId, packet.reasonCode)
    const told = packet.properties?.reasonString
    if (told !== undefined && this.#isDebug) this.#receipts.set(packet.messageId, told)
  }

  #refuse(topic: string, error: Error): void {
    this.refused++
    const code = (error as { readonly code?: unknown }).code
    const reasonCode = typeof code === "number" ? code : undefined
    const text = reasonCode === undefined ? error.message : reasonText(reasonCode, PacketType.puback)
    this.refusal ??= { topic, reasonCode, text }
  }

  #doneText(topic: string, packet: Packet | undefined, elapsedMs: number, qos: number): string {
    if (qos === 0) return `${topic}: sent; QoS 0 is not acknowledged`
    const id = packet?.messageId ?? 0
    const reason = this.#reasons.get(id)
    const receipt = this.#receipts.get(id)
    this.#reasons.delete(id)
    this.#receipts.delete(id)
    const name = qos === 1 ? PacketType.puback : PacketType.pubrec
    const told = reason === undefined ? "" : `, reason ${reasonText(reason, name)}`
    const more = receipt === undefined ? "" : `: ${receipt}`
    return `${topic}: acked in ${elapsedMs.toFixed(1)} ms${told}${more}`
  }
}
