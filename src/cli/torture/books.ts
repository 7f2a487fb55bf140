/**
 * The books of a run: what was published and what came, kept by the clients, who do not die.
 *
 *   Books        faults found, events counted, and who wants to know of each event (the hand on the kill switch)
 *   TopicBook    one topic with one publisher: payloads numbered 1, 2, 3 ... in the order they were published
 *   StreamBook   what one subscriber must get of a topic: every number, in order; at QoS 2 each one once
 *   GroupBook    what the members of a shared subscription must get of a topic between them: every number
 *
 * A publisher repeats until it is acknowledged, so in the end every number is due to everybody, and a number that comes
 * before the one below it did is a loss at once: the books need no list of what was acknowledged.
 */

/** What happens in a run, as the kill switch and the report count it. */
export type EventKind =
  | "connack"
  | "puback"
  | "pubrec"
  | "pubcomp"
  | "suback"
  | "unsuback"
  | "message"
  | "repeated"
  | "audit"
  | "will"

const faultsMax = 50

export class Books {
  readonly faults: Array<string> = []
  readonly counts = new Map<EventKind, number>()
  /** Called with every event. */
  onEvent: (kind: EventKind) => void = () => undefined
  events = 0

  fault(text: string): void {
    if (this.faults.length < faultsMax) this.faults.push(text)
  }

  event(kind: EventKind): void {
    this.events++
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    this.onEvent(kind)
  }

  count(kind: EventKind): number {
    return this.counts.get(kind) ?? 0
  }
}

export interface TopicOptions {
  readonly isRetained?: boolean
  /** Every nth number is published without a payload: it clears the retained message. */
  readonly clearEvery?: number
}

export class TopicBook {
  readonly topic: string
  readonly qos: 1 | 2
  readonly isRetained: boolean
  /** The number published last. */
  issued = 0
  /** The highest number that the broker has taken on: PUBACK or PUBREC came. */
  settled = 0
  /** Numbers that were sent more than once: they may lie in the log more than once. */
  readonly republished = new Set<number>()
  readonly #clearEvery: number

  constructor(topic: string, qos: 1 | 2, { clearEvery = 0, isRetained = false }: TopicOptions = {}) {
    this.topic = topic
    this.qos = qos
    this.isRetained = isRetained
    this.#clearEvery = clearEvery
  }

  isClear(number: number): boolean {
    return number === 0 || (this.#clearEvery > 0 && number % this.#clearEvery === 0)
  }

  /** Whether a new subscriber may find this number retained now; 0 = it finds nothing. */
  mayBeRetained(number: number): boolean {
    if (number !== 0) return number >= this.settled && number <= this.issued && !this.isClear(number)
    for (let each = this.settled; each <= this.issued; each++) if (this.isClear(each)) return true
    return false
  }
}

/** Takes a number that came; answers what is wrong with it. */
export interface ReceivingBook {
  readonly topic: TopicBook
  readonly qos: 1 | 2
  take(number: number, isRepeat: () => boolean): string | undefined
  /** How many are still due. */
  readonly due: number
}

export class StreamBook implements ReceivingBook {
  readonly topic: TopicBook
  readonly qos: 1 | 2
  highest = 0

  /** `qos` = what the subscription grants. */
  constructor(topic: TopicBook, qos: 1 | 2) {
    this.topic = topic
    this.qos = topic.qos < qos ? topic.qos : qos
  }

  get due(): number {
    return this.topic.issued - this.highest
  }

  take(number: number, isRepeat: () => boolean): string | undefined {
    if (number > this.topic.issued) return `${number} was never published`
    if (number === this.highest + 1) {
      this.highest = number
      return undefined
    }
    if (number > this.highest) {
      const missing = `${this.highest + 1}..${number - 1} lost or overtaken: ${number} came after ${this.highest}`
      this.highest = number
      return missing
    }
    if (this.qos === 2) return `${number} came a second time at QoS 2, after ${this.highest}`
    return isRepeat() ? undefined : `${number} came again without need, after ${this.highest}`
  }
}

export class GroupBook implements ReceivingBook {
  readonly topic: TopicBook
  readonly qos: 1 | 2
  /** Everything up to it came; what came above it is in the set. */
  #floor = 0
  readonly #above = new Set<number>()

  constructor(topic: TopicBook, qos: 1 | 2) {
    this.topic = topic
    this.qos = topic.qos < qos ? topic.qos : qos
  }

  get due(): number {
    return this.topic.issued - this.#floor - this.#above.size
  }

  take(number: number): string | undefined {
    if (number > this.topic.issued) return `${number} was never published`
    if (number <= this.#floor || this.#above.has(number)) {
      return this.qos === 2 ? `${number} came a second time to the group at QoS 2` : undefined
    }
    this.#above.add(number)
    while (this.#above.delete(this.#floor + 1)) this.#floor++
    return undefined
  }

  /** The lowest number that is due, for the report. */
  get firstDue(): number {
    return this.#floor + 1
  }
}
