/**
 * Topics that are counted one by one: those that match one of the filters of metrics.topics, up to a cap.
 *
 *   slot 0    all that match and came after the cap, as topic "(other)"
 *   slot n    one topic, for good: a series that vanished and came back would look like a restart
 *
 * Which slot a topic has is remembered where its bytes are (SeriesHolder), so that a message costs a load and two
 * additions. A topic of 100 characters or more never gets a slot of its own: labels are kept short.
 */

/** What remembers the slot: -1 = not counted, 0 = never asked, else slot + 1. The router's entries are that. */
export interface SeriesHolder {
  readonly bytes: Buffer
  series: number
}

export const otherTopic = "(other)"
const topicLengthMax = 100

export class TopicSeries {
  readonly #isCounted: (topic: string) => boolean
  readonly #slots = new Map<string, number>()
  readonly names: Array<string> = [otherTopic]
  /** By slot. */
  readonly messages: Float64Array
  readonly bytes: Float64Array

  /** `isCounted`: does the topic match one of the filters? Asked once per holder. */
  constructor(seriesMax: number, isCounted: (topic: string) => boolean) {
    this.#isCounted = isCounted
    this.messages = new Float64Array(seriesMax + 1)
    this.bytes = new Float64Array(seriesMax + 1)
  }

  count(holder: SeriesHolder, messages: number, bytes: number): void {
    if (holder.series === 0) this.#ask(holder)
    if (holder.series < 0) return
    const slot = holder.series - 1
    this.messages[slot] = (this.messages[slot] as number) + messages
    this.bytes[slot] = (this.bytes[slot] as number) + bytes
  }

  #ask(holder: SeriesHolder): void {
    const topic = holder.bytes.toString("utf8")
    holder.series = this.#isCounted(topic) ? this.#slotOf(topic) + 1 : -1
  }

  #slotOf(topic: string): number {
    const known = this.#slots.get(topic)
    if (known !== undefined) return known
    if (topic.length >= topicLengthMax || this.names.length >= this.messages.length) return 0 // [MET-2]
    const slot = this.names.push(topic) - 1
    this.#slots.set(topic, slot)
    return slot
  }
}
