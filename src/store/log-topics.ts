/**
 * Which topics have records in the log: names, ids, and per topic what the log knows of its records.
 *
 * Ids are dense. An id whose last record left the log is retired; retired ids are given again only in
 * batches, and each batch raises `epoch`: whoever remembers ids (readers, their topic bitmaps) starts anew
 * when the epoch differs, so an id never names two topics to one reader.
 */
import type { LogTopicHolder } from "./ports.ts"
import { TopicTable } from "./topic-table.ts"

const TOPICS_FIRST = 256
/** Retired ids wait until there are this many, so that readers start anew rarely. */
const RETIRED_BATCH_MIN = 65_536
/** Counted against the memory budget per topic: its name if that is short, its place in the table, columns. */
export const TOPIC_FOOTPRINT_BYTES = 192
/** In `policies`: nobody has asked yet. */
export const POLICY_UNKNOWN = -1
const NONE = -1

export class LogTopics {
  epoch = 0
  /** Ids below were given at least once. */
  bound = 0
  /** No record of the topic lies before it; log-index.ts finds the first one there or behind. */
  first = new Float64Array(TOPICS_FIRST)
  /** No record of the topic lies behind it. */
  last = new Float64Array(TOPICS_FIRST)
  counts = new Float64Array(TOPICS_FIRST)
  /** Bytes of the frames of those. */
  bytes = new Float64Array(TOPICS_FIRST)
  /** Those of `counts` that were published at QoS 1 or 2. */
  acknowledged = new Float64Array(TOPICS_FIRST)
  /** Sequence of the newest RETAIN record, value or clear; -1 = there was none. */
  retained = new Float64Array(TOPICS_FIRST)
  /** Index of the topic's policy (topic-policy.ts), 0 = none. */
  policies = new Int32Array(TOPICS_FIRST)
  readonly #table = new TopicTable()
  /** A number of its own for each time an id is given: a holder that knows another one knows another topic. */
  stamps = new Float64Array(TOPICS_FIRST)
  #stamp = 0
  /** Ids that wait for something: each names the next of its list. */
  #following = new Int32Array(TOPICS_FIRST)
  #reusable = NONE
  #retired = NONE
  #retiredCount = 0

  get size(): number {
    return this.#table.size
  }

  /** What names and columns take of the memory budget. */
  get footprintBytes(): number {
    return this.#table.size * TOPIC_FOOTPRINT_BYTES + this.#table.longBytes
  }

  /**
   * The holder's topic id, given now if need be. Remembered in the holder, so the usual case is two loads. Holders are not
   * remembered here: the router forgets topics that are not used, the log has a million of them.
   */
  resolve(holder: LogTopicHolder): number {
    const known = holder.logTopic
    if (known >= 0 && this.stamps[known] === holder.logStamp) return known
    const { bytes } = holder
    const id = this.resolveBytes(bytes, 0, bytes.length)
    holder.logTopic = id
    holder.logStamp = this.stamps[id] as number
    return id
  }

  resolveBytes(buffer: Buffer, start: number, end: number): number {
    const known = this.#table.find(buffer, start, end)
    if (known >= 0) return known
    const id = this.#take()
    this.#table.add(buffer, start, end, id)
    this.stamps[id] = ++this.#stamp
    this.counts[id] = 0
    this.bytes[id] = 0
    this.acknowledged[id] = 0
    this.first[id] = -1
    this.last[id] = -1
    this.retained[id] = -1
    this.policies[id] = POLICY_UNKNOWN
    return id
  }

  /** -1: it has no record in the log. */
  find(name: string): number {
    const bytes = Buffer.from(name)
    return this.#table.find(bytes, 0, bytes.length)
  }

  name(id: number): string {
    return this.#table.name(id)
  }

  /** The topic's last record left the log. */
  retire(id: number): void {
    this.#table.remove(id)
    this.stamps[id] = 0
    this.first[id] = -1
    this.last[id] = -1
    this.#following[id] = this.#retired
    this.#retired = id
    this.#retiredCount += 1
  }

  #take(): number {
    if (this.#reusable === NONE && this.#retiredCount >= RETIRED_BATCH_MIN && this.#retiredCount * 2 >= this.bound) {
      this.#reusable = this.#retired
      this.#retired = NONE
      this.#retiredCount = 0
      this.epoch += 1
    }
    const again = this.#reusable
    if (again !== NONE) {
      this.#reusable = this.#following[again] as number
      return again
    }
    if (this.bound === this.first.length) this.#grow()
    return this.bound++
  }

  #grow(): void {
    const length = this.first.length * 2
    for (const column of ["first", "last", "counts", "bytes", "acknowledged", "retained", "stamps"] as const) {
      const larger = new Float64Array(length)
      larger.set(this[column])
      this[column] = larger
    }
    this.policies = longer(this.policies, length)
    this.#following = longer(this.#following, length)
  }
}

function longer(column: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(column)
  return larger
}
