/**
 * A publishing client of a load run. `pump` fills a slab with as many PUBLISH packets as pace, window and acknowledgements
 * allow and writes it; whatever opens a gate again pumps again.
 *
 * A message that is due but could not be sent in time is stamped with the moment it was due: a broker that stalls
 * makes latencies long, not messages few (no coordinated omission).
 *
 * Invariants
 * - At most `inFlightMax` packet identifiers are in use; they come from a ring of free ones
 *   (fewer where the broker's Receive Maximum says so [MQTT-3.3.4-7]).
 * - Nothing is filled while the stream still holds bytes: memory of a run is bounded by clients times a slab.
 */
import type { Duplex } from "node:stream"
import { PacketType } from "../../codec/codec.ts"
import { bodyStart } from "../../codec/frame.ts"
import type { ConnectionSettings } from "../client/connection-settings.ts"
import { LoadClient } from "./load-client.ts"
import type { Pace } from "./pace.ts"
import { type PublishTemplates, receiveMaximumOf, stamp } from "./packets.ts"
import type { LoadPlan } from "./plan.ts"
import type { Tally } from "./tally.ts"

const batchBytes = 65_536
const pubrel = 0x62
const refusedFrom = 0x80

export class LoadPublisher extends LoadClient {
  readonly #index: number
  readonly #plan: LoadPlan
  readonly #pace: Pace
  readonly #templates: PublishTemplates
  /** A ring of packet identifiers. */
  #free = new Uint16Array(0)
  #freeHead = 0
  #freeCount = 0
  /** By packet identifier: when its message was sent, in microseconds. */
  #sentUs = new Float64Array(0)
  #sequence = 0
  #topic: number

  constructor(
    stream: Duplex,
    connect: Buffer,
    settings: ConnectionSettings,
    tally: Tally,
    index: number,
    plan: LoadPlan,
    pace: Pace,
    templates: PublishTemplates
  ) {
    super(stream, connect, settings, tally)
    this.#index = index
    this.#plan = plan
    this.#pace = pace
    this.#templates = templates
    this.#topic = index % plan.topics
  }

  get sequence(): number {
    return this.#sequence
  }

  get isIdle(): boolean {
    return this.wire.unsentBytes === 0 && this.#freeCount === this.#free.length
  }

  /** Sends what may be sent now. */
  pump(): void {
    const { wire } = this
    if (wire.isClosed || wire.unsentBytes > 0) return
    const nowUs = this.#pace.nowUs()
    const size = this.#templates.sizeBytes(this.#topic)
    let room = Math.max(1, Math.floor((batchBytes - wire.gatheredBytes) / size))
    while (room-- > 0 && this.#maySend()) this.#put(nowUs)
    wire.flush()
  }

  onChunkEnd(): void {
    this.pump()
    this.wire.flush()
  }

  onDrained(): void {
    this.pump()
  }

  protected onConnected(connack: Buffer): void {
    const taken = Math.min(this.#plan.inFlightMax, receiveMaximumOf(connack, this.isVersion5)) // [MQTT-3.3.4-7]
    const places = this.#plan.qos === 0 ? 0 : taken
    this.#free = Uint16Array.from({ length: places }, (_, place) => place + 1)
    this.#freeCount = places
    this.#sentUs = new Float64Array(places + 1)
    this.becomeReady()
  }

  protected onOther(type: number, buffer: Buffer, start: number, end: number): void {
    if (type !== PacketType.puback && type !== PacketType.pubrec && type !== PacketType.pubcomp) return
    const body = bodyStart(buffer, start)
    const identifier = ((buffer[body] as number) << 8) | (buffer[body + 1] as number)
    const reason = end - body > 2 ? (buffer[body + 2] as number) : 0
    if (type === PacketType.pubrec && reason < refusedFrom) this.wire.acknowledge(pubrel, identifier)
    else this.#settle(identifier, reason)
  }

  #maySend(): boolean {
    if (this.#plan.qos > 0 && this.#freeCount === 0) return false
    return this.#pace.maySend(this.#index, this.#sequence)
  }

  #put(nowUs: number): void {
    const templates = this.#templates
    const at = this.wire.reserve(templates.sizeBytes(this.#topic))
    const { slab } = this.wire
    const payloadAt = templates.write(this.#topic, slab, at)
    const sentUs = this.#pace.sentUs(this.#index, this.#sequence, nowUs)
    slab.writeUInt32LE(this.#index, payloadAt + stamp.publisher)
    slab.writeUInt32LE(this.#sequence >>> 0, payloadAt + stamp.sequence)
    slab.writeDoubleLE(sentUs, payloadAt + stamp.sent)
    if (this.#plan.qos > 0) {
      const identifier = this.#free[this.#freeHead] as number
      this.#freeHead = (this.#freeHead + 1) % this.#free.length
      this.#freeCount--
      this.#sentUs[identifier] = sentUs
      const identifierAt = payloadAt - templates.identifierBack
      slab[identifierAt] = identifier >> 8
      slab[identifierAt + 1] = identifier & 0xff
    }
    this.#sequence++
    this.tally.published++
    if (templates.topics > 1) this.#topic = (this.#topic + this.#plan.publishers) % templates.topics
  }

  /** The exchange is over, one way or the other. */
  #settle(identifier: number, reason: number): void {
    const { tally } = this
    const sentUs = this.#sentUs[identifier]
    if (sentUs === undefined || this.#freeCount === this.#free.length) return
    this.#free[(this.#freeHead + this.#freeCount++) % this.#free.length] = identifier
    if (reason >= refusedFrom) {
      tally.refused++
      tally.refusedReason = reason
      return
    }
    tally.acknowledged++
    if (tally.isMeasured(sentUs)) tally.acknowledgement.record(this.#pace.nowUs() - sentUs)
  }
}
