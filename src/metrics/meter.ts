/**
 * How long things take and how large they are: one Buckets per label value of each row of the table.
 *
 * Nothing here reads a clock, and on the path of a message nobody does either. Times are taken per batch:
 *
 *   publishAck   a log that keeps its promise later releases many acknowledgements at once (one look at the clock);
 *                those that leave at once are gathered, and a chunk in CHUNKS_PER_LOOK lends its time to all of them
 *   delivery     by turn of the loop: from the first byte that was made ready to the write of all of them; one turn in
 *                TURNS_PER_LOOK lends its time to what the others sent
 *   processing   one chunk in CHUNKS_PER_LOOK
 *
 * Counts are exact all the same: `settle` books what is still gathered, and is called before anybody reads.
 * Seconds and bytes everywhere.
 */
import { Buckets } from "./buckets.ts"

export const syncModes = ["immediate", "batch", "periodic", "never"] as const

interface HistogramFamily {
  readonly family: string
  readonly help: string
  /** One Buckets per value of the label. */
  readonly label: string
  readonly values: ReadonlyArray<string>
  readonly bounds: ReadonlyArray<number>
}

const latency = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 2.5]
const unlabelled = { label: "", values: [""] }
const perMode = { label: "mode", values: syncModes }

export const histogramTable = {
  publishAck: {
    family: "promptmq_publish_ack_seconds",
    help: "From the arrival of a PUBLISH at QoS 1 or 2 to its acknowledgement.",
    label: "qos",
    values: ["1", "2"],
    bounds: latency
  },
  delivery: {
    family: "promptmq_delivery_seconds",
    help: "From reading what caused a delivery to handing it to the network, by turn of the event loop; one in 8 is measured.",
    label: "qos",
    values: ["0", "1", "2"],
    bounds: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 2.5]
  },
  processing: {
    family: "promptmq_processing_seconds",
    help: "Time to work through one read of a connection; one in 16 is measured and stands for all.",
    ...unlabelled,
    bounds: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.1, 1]
  },
  messageSize: {
    family: "promptmq_message_size_bytes",
    help: "Payload of messages that clients published; a run of equal topics counts with its mean.",
    ...unlabelled,
    // Powers of four: sizeBucket() knows.
    bounds: [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]
  },
  connectionDuration: {
    family: "promptmq_connection_duration_seconds",
    help: "How long connections lasted that have ended.",
    ...unlabelled,
    bounds: [1, 10, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800]
  },
  walAppend: {
    family: "promptmq_wal_append_seconds",
    help: "Time to write one group of records to the log.",
    ...perMode,
    bounds: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1]
  },
  walSync: {
    family: "promptmq_wal_sync_seconds",
    help: "Time of one sync of the log.",
    ...perMode,
    bounds: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5]
  },
  walGroupSize: {
    family: "promptmq_wal_group_size",
    help: "Records written to the log in one group.",
    ...perMode,
    bounds: [1, 2, 4, 8, 16, 64, 256, 1024, 4096]
  },
  walRecovery: {
    family: "promptmq_wal_recovery_duration_seconds",
    help: "Time that recovering the store took at the start.",
    ...unlabelled,
    bounds: [0.1, 0.5, 1, 5, 15, 60]
  },
  gc: {
    family: "promptmq_gc_duration_seconds",
    help: "Pauses of the garbage collector.",
    ...unlabelled,
    bounds: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5]
  }
} as const satisfies Record<string, HistogramFamily>

export type HistogramKey = keyof typeof histogramTable

/** Of chunks from clients, one in so many is timed. */
export const CHUNKS_PER_LOOK = 16
/** Of turns in which something was sent, one in so many is timed. */
export const TURNS_PER_LOOK = 8

/** Message sizes are counted by whoever counts messages: into `counts`, by sizeBucket(), and their bytes into `sum`. */
export interface SizeCells {
  readonly counts: Float64Array
  readonly sum: Float64Array
}
export const sizeCellCount = histogramTable.messageSize.bounds.length + 1

export class Meter {
  readonly histograms: { readonly [K in HistogramKey]: ReadonlyArray<Buckets> }
  /** Acknowledgements that left at once since the last look, by QoS. */
  readonly #acknowledged = [0, 0, 0]
  #chunks = 0
  #lookedSeconds = 0
  #hasLooked = false
  /** Messages sent before this turn, by QoS. */
  readonly #sent = [0, 0, 0]
  readonly #messagesOut: Float64Array
  readonly #outAt: number
  #turns = 0
  #turnSeconds = 0
  #hasTimedTurn = false
  /** Loop time of the first byte made ready in this turn. */
  turnMs = 0

  /** `messagesOut` counts messages out by QoS from `outAt` on, since the start. */
  constructor(messagesOut = new Float64Array(3), outAt = 0, sizes?: SizeCells) {
    const rows = Object.entries(histogramTable).map(([key, { bounds, values }]) => [
      key,
      values.map(() => (key === "messageSize" ? new Buckets(bounds, sizes?.counts, sizes?.sum) : new Buckets(bounds)))
    ])
    this.histograms = Object.fromEntries(rows)
    this.#messagesOut = messagesOut
    this.#outAt = outAt
  }

  /** The i-th histogram of the row: of its i-th label value. */
  of(key: HistogramKey, index = 0): Buckets {
    return this.histograms[key][index] as Buckets
  }

  acknowledgedAtOnce(qos: number): void {
    this.#acknowledged[qos] = (this.#acknowledged[qos] as number) + 1
  }

  /** A chunk was worked through; true when its time is wanted: call `looked`. */
  chunkDone(): boolean {
    return ++this.#chunks === CHUNKS_PER_LOOK || !this.#hasLooked
  }

  looked(milliseconds: number): void {
    this.#lookedSeconds = milliseconds / 1000
    this.#hasLooked = true
    this.#settleChunks()
  }

  /** Books what was gathered since the last look, with the time of that look. */
  settle(): void {
    this.#settleChunks()
    this.#settleTurns()
  }

  #settleChunks(): void {
    if (this.#chunks > 0) this.of("processing").observeMany(this.#lookedSeconds, this.#chunks)
    this.#chunks = 0
    for (let qos = 1; qos <= 2; qos++) {
      const times = this.#acknowledged[qos] as number
      if (times > 0) this.of("publishAck", qos - 1).observeMany(this.#lookedSeconds, times)
      this.#acknowledged[qos] = 0
    }
  }

  /** The turn's writes are with the network; true when its time is wanted: call `turnLooked`. */
  turnDone(): boolean {
    return ++this.#turns === TURNS_PER_LOOK || !this.#hasTimedTurn
  }

  turnLooked(nowMs: number): void {
    this.#turnSeconds = Math.max(0, nowMs - this.turnMs) / 1000
    this.#hasTimedTurn = true
    this.#settleTurns()
  }

  /** What was sent since the last look, with the time of that look. */
  #settleTurns(): void {
    this.#turns = 0
    for (let qos = 0; qos <= 2; qos++) {
      const total = this.#messagesOut[this.#outAt + qos] as number
      const times = total - (this.#sent[qos] as number)
      if (times > 0) this.of("delivery", qos).observeMany(this.#turnSeconds, times)
      this.#sent[qos] = total
    }
  }
}

/** Of histogramTable.messageSize, without a search, because it is asked once per message. A bucket ends at 4^(3 + its index), that included. */
export function sizeBucket(bytes: number): number {
  if (bytes <= 64) return 0
  return Math.min((31 - Math.clz32(bytes - 1)) >> 1, 10) - 2
}
