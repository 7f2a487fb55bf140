/**
 * Which topics have records in the log: names, ids, and per topic what the log knows of its records.
 *
 * Ids are dense. An id whose last record left the log is retired; retired ids are given again only in
 * batches, and each batch raises `epoch`: whoever remembers ids (readers, their topic bitmaps) starts anew
 * when the epoch differs, so an id never names two topics to one reader.
 */
import type { LogTopicHolder } from "./ports.ts"
import { TopicBytes } from "./topic-bytes.ts"

const TOPICS_FIRST = 256
/** Retired ids wait until there are this many, so that readers start anew rarely. */
const RETIRED_BATCH_MIN = 65_536
/** Counted against the memory budget per topic: name, map entry, columns. */
export const TOPIC_FOOTPRINT_BYTES = 192
/** In `policies`: nobody has asked yet. */
export const POLICY_UNKNOWN = -1

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
  readonly #ids = new Map<string, number>()
  readonly #names: Array<string> = []
  /** A number of its own for each time an id is given: a holder that knows another one knows another topic. */
  stamps = new Float64Array(TOPICS_FIRST)
  #stamp = 0
  /** While recovery runs: see resolveBytes. */
  #byBytes: TopicBytes | undefined = undefined
  #reusable: Array<number> = []
  #retired: Array<number> = []

  get size(): number {
    return this.#ids.size
  }

  /**
   * The holder's topic id, given now if need be. Remembered in the holder, so the usual case is two loads. Holders are not
   * remembered here: the router forgets topics that are not used, the log has a million of them.
   */
  resolve(holder: LogTopicHolder): number {
    const known = holder.logTopic
    if (known >= 0 && this.stamps[known] === holder.logStamp) return known
    const id = this.resolveName(holder.bytes.toString("utf8"))
    holder.logTopic = id
    holder.logStamp = this.stamps[id] as number
    return id
  }

  /** The same for recovery, which has the bytes only: a string is made for the first record of a topic, not for each. */
  resolveBytes(buffer: Buffer, start: number, end: number): number {
    this.#byBytes ??= new TopicBytes()
    const known = this.#byBytes.find(buffer, start, end)
    if (known >= 0) return known
    const id = this.resolveName(buffer.toString("utf8", start, end))
    this.#byBytes.add(buffer, start, end, id)
    return id
  }

  /** Recovery is over. */
  forgetBytes(): void {
    this.#byBytes = undefined
  }

  resolveName(name: string): number {
    let id = this.#ids.get(name)
    if (id === undefined) {
      id = this.#take()
      this.#ids.set(name, id)
      this.#names[id] = name
      this.stamps[id] = ++this.#stamp
      this.counts[id] = 0
      this.bytes[id] = 0
      this.acknowledged[id] = 0
      this.first[id] = -1
      this.last[id] = -1
      this.retained[id] = -1
      this.policies[id] = POLICY_UNKNOWN
    }
    return id
  }

  find(name: string): number {
    return this.#ids.get(name) ?? -1
  }

  name(id: number): string {
    return this.#names[id] as string
  }

  /** The topic's last record left the log. */
  retire(id: number): void {
    this.#byBytes = undefined
    this.#ids.delete(this.#names[id] as string)
    this.#names[id] = ""
    this.stamps[id] = 0
    this.first[id] = -1
    this.last[id] = -1
    this.#retired.push(id)
  }

  #take(): number {
    const again = this.#reusable.pop()
    if (again !== undefined) return again
    if (this.#retired.length >= RETIRED_BATCH_MIN && this.#retired.length * 2 >= this.bound) {
      this.#reusable = this.#retired
      this.#retired = []
      this.epoch += 1
      return this.#reusable.pop() as number
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
    const policies = new Int32Array(length)
    policies.set(this.policies)
    this.policies = policies
  }
}
