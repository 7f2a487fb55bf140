/**
 * A subscribing client of a load run: subscribes, counts what comes, acknowledges it, measures how long it took.
 *
 * Invariants
 * - Acknowledgements of a chunk leave with one write.
 * - Sequence numbers are followed where publisher and subscriber belong to this run (pair, fan-out): a number below the one
 *   expected came again or out of order. What is missing is told by counting, at the end (load-run.ts).
 */
import type { Duplex } from "node:stream"
import { PacketType } from "../../codec/codec.ts"
import { bodyStart } from "../../codec/frame.ts"
import { ConnectFailure } from "../client/connect.ts"
import type { ConnectionSettings } from "../client/connection-settings.ts"
import { exitCodeOfSuback, subackText } from "../client/reason-text.ts"
import { LoadClient } from "./load-client.ts"
import type { Pace } from "./pace.ts"
import { stamp, stampMark, subscribeBytes } from "./packets.ts"
import type { LoadPlan } from "./plan.ts"
import type { Tally } from "./tally.ts"

const puback = 0x40
const pubrec = 0x50
const pubcomp = 0x70
const refusedFrom = 0x80

export class LoadSubscriber extends LoadClient {
  readonly #pace: Pace
  readonly #filter: string
  readonly #subscribe: Buffer
  /** By publisher: the sequence number that comes next. */
  readonly #expected: Uint32Array
  readonly #onDelivered: () => void
  #nowUs = 0

  constructor(
    stream: Duplex,
    connect: Buffer,
    settings: ConnectionSettings,
    tally: Tally,
    index: number,
    plan: LoadPlan,
    pace: Pace,
    onDelivered: () => void
  ) {
    super(stream, connect, settings, tally)
    this.#pace = pace
    this.#filter = plan.filterOf(index)
    this.#subscribe = subscribeBytes(settings, this.#filter, plan.qos)
    this.#expected = new Uint32Array(plan.publishers)
    this.#onDelivered = onDelivered
  }

  onChunkEnd(): void {
    this.#nowUs = 0
    this.wire.flush()
    this.#onDelivered()
  }

  onDrained(): void {}

  protected onConnected(): void {
    this.wire.send(this.#subscribe)
  }

  protected onOther(type: number, buffer: Buffer, start: number, end: number): void {
    if (type === PacketType.publish) this.#onPublish(buffer, start, end)
    else if (type === PacketType.pubrel) {
      const body = bodyStart(buffer, start)
      this.wire.acknowledge(pubcomp, ((buffer[body] as number) << 8) | (buffer[body + 1] as number))
    } else if (type === PacketType.suback) this.#onSuback(buffer[end - 1] as number)
  }

  #onPublish(buffer: Buffer, start: number, end: number): void {
    const qos = ((buffer[start] as number) >> 1) & 3
    const body = bodyStart(buffer, start)
    let at = body + 2 + (((buffer[body] as number) << 8) | (buffer[body + 1] as number))
    if (qos > 0) {
      this.wire.acknowledge(qos === 1 ? puback : pubrec, ((buffer[at] as number) << 8) | (buffer[at + 1] as number))
      at += 2
    }
    if (this.isVersion5) at = behindProperties(buffer, at)
    this.tally.delivered++
    if (end - at < stamp.sizeBytes || buffer.readUInt32LE(at + stamp.mark) !== stampMark) this.tally.foreign++
    else this.#onStamped(buffer, at)
  }

  #onStamped(buffer: Buffer, at: number): void {
    const { tally } = this
    const sentUs = buffer.readDoubleLE(at + stamp.sent)
    if (this.#nowUs === 0) this.#nowUs = this.#pace.nowUs()
    if (tally.isMeasured(sentUs)) tally.delivery.record(this.#nowUs - sentUs)
    const publisher = buffer.readUInt32LE(at + stamp.publisher)
    const expected = this.#expected[publisher]
    if (expected === undefined) return
    const sequence = buffer.readUInt32LE(at + stamp.sequence)
    const isRepeated = ((sequence - expected) | 0) < 0 // [BENCH-2]
    if (isRepeated) tally.repeated++
    else this.#expected[publisher] = sequence + 1
  }

  #onSuback(code: number): void {
    const fact = `subscribing to ${this.#filter}: ${subackText(code)}`
    const fix = "the broker's access rules decide: another topic with -t"
    this.becomeReady(code < refusedFrom ? undefined : new ConnectFailure(exitCodeOfSuback(code), fact, fix))
  }
}

function behindProperties(buffer: Buffer, at: number): number {
  let length = 0
  let shift = 0
  for (;;) {
    const byte = buffer[at++] as number
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) return at + length
    shift += 7
  }
}
