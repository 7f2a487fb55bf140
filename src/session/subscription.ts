/**
 * One session's subscription to one filter, with its history.
 *
 * Options belong to an interval of log positions, not to the subscription: a message that waits in the
 * log is judged by the options that held when it was published. SUBSCRIBE with other options closes one
 * interval and opens the next, with the same options it changes nothing, UNSUBSCRIBE closes. (Looking the
 * options up at read time loses a waiting QoS 1 message when the client re-subscribes with QoS 0.)
 *
 * Invariants
 * - Intervals are in order, disjoint, not empty once closed; only the last may be open (to = Infinity).
 * - At most INTERVALS_MAX; one more change is refused with 0x97.
 * - The fields qos ... retainAsPublished repeat the open interval for the publish path.
 * - `seam`: what lies below was, or is being, handed over by the subscription's own replay. It is Infinity while that goes on,
 *   0 where there was none.
 * - `waiting` counts what its filter logged at QoS 1 and 2 while this subscription read the log, less what the
 *   session's reader has come to: no message is counted per session, the counter sits on the filter.
 */
import type { Filter, LiveSubscription } from "../router/router.ts"
import type { Session } from "./session.ts"
import type { ShareGroup } from "./share-group.ts"

export const INTERVALS_MAX = 16

export interface SubscriptionOptions {
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0 when the SUBSCRIBE carried none. */
  readonly subscriptionIdentifier: number
}

/** What a delivery needs to know of the subscription that asked for it. */
export interface DeliveryOptions {
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** The identifier as the list that deliveries pass on; undefined when there is none. */
  readonly identifiers: ReadonlyArray<number> | undefined
}

export interface Interval extends SubscriptionOptions, DeliveryOptions {
  readonly from: number
  to: number
}

/** One stretch of the history as it is saved. */
export interface SavedInterval extends SubscriptionOptions {
  readonly from: number
  readonly to: number
}

export class Subscription implements LiveSubscription<Session>, DeliveryOptions {
  // First what every message reads: that lies in one line of the processor's cache.
  readonly subscriber: Session
  /** The shared subscription this stands for, on the group's own entry only. */
  group: ShareGroup | undefined = undefined
  qos = 0
  noLocal = false
  identifiers: ReadonlyArray<number> | undefined = undefined
  retainAsPublished = false
  readonly filter: Filter<Session>
  liveIndex = -1
  /** Counted in filter.logReaders; changed by startReading and stopReading. */
  readsLog = false
  /** It was made by `$replay/...`. Counted in filter.replays. */
  readonly isReplay: boolean
  seam = 0
  /** False after UNSUBSCRIBE, while the cursor or a hole still lies in one of its intervals. */
  active = true
  intervals: Array<Interval> = []
  /** In numbers of filter.logged: everything below was handed over, lost, or is none of its business. */
  #passed: number
  /** filter.logged when it last stopped reading. */
  #stoppedAt: number

  constructor(subscriber: Session, filter: Filter<Session>, isReplay = false) {
    this.subscriber = subscriber
    this.filter = filter
    this.isReplay = isReplay
    if (isReplay) filter.replays += 1
    this.#passed = filter.logged
    this.#stoppedAt = filter.logged
  }

  /** Messages that wait in the log for the session's reader because of this subscription [MQTT-4.5.0-1]. */
  get waiting(): number {
    return (this.readsLog ? this.filter.logged : this.#stoppedAt) - this.#passed
  }

  /** Its replay goes on. */
  get isReplaying(): boolean {
    return this.seam === Number.POSITIVE_INFINITY
  }

  startReading(): void {
    this.#passed += this.filter.logged - this.#stoppedAt
    this.readsLog = true
  }

  stopReading(): void {
    this.#stoppedAt = this.filter.logged
    this.readsLog = false
  }

  /** The session's reader came to `messages` of those that wait, or lost them. */
  pass(messages: number): void {
    this.#passed += messages
  }

  /** The session leaves the log's tail: so many are counted already and not handed over. */
  leaveTail(messages: number): void {
    this.#passed += this.waiting - messages
  }

  /** Takes effect at log position `at`. False when the history is full (answer 0x97). */
  open(options: SubscriptionOptions, at: number): boolean {
    const last = this.intervals.at(-1)
    const isOpen = last !== undefined && last.to === Number.POSITIVE_INFINITY
    if (isOpen && sameOptions(last, options)) return true
    if (isOpen && last.from === at) this.intervals.pop()
    else if (isOpen) last.to = at
    if (this.intervals.length >= INTERVALS_MAX) {
      if (isOpen) last.to = Number.POSITIVE_INFINITY
      return false
    }
    const identifiers = options.subscriptionIdentifier === 0 ? undefined : [options.subscriptionIdentifier]
    this.intervals.push({ ...options, identifiers, from: at, to: Number.POSITIVE_INFINITY })
    this.active = true
    this.qos = options.qos
    this.noLocal = options.noLocal
    this.retainAsPublished = options.retainAsPublished
    this.identifiers = identifiers
    return true
  }

  /** Intervals as they were, oldest first: after a restart, or where a change could not be saved. */
  bringBack(intervals: ReadonlyArray<SavedInterval>): void {
    this.intervals = intervals.map(({ qos, noLocal, retainAsPublished, subscriptionIdentifier, from, to }) => {
      const identifiers = subscriptionIdentifier === 0 ? undefined : [subscriptionIdentifier]
      return { qos, noLocal, retainAsPublished, subscriptionIdentifier, identifiers, from, to }
    })
    const last = this.intervals.at(-1)
    this.active = last !== undefined && last.to === Number.POSITIVE_INFINITY
    if (last === undefined || !this.active) return
    this.qos = last.qos
    this.noLocal = last.noLocal
    this.retainAsPublished = last.retainAsPublished
    this.identifiers = last.identifiers
  }

  /** A copy that later changes leave alone. */
  history(): Array<SavedInterval> {
    return this.intervals.map(({ qos, noLocal, retainAsPublished, subscriptionIdentifier, from, to }) => {
      return { qos, noLocal, retainAsPublished, subscriptionIdentifier, from, to }
    })
  }

  /** UNSUBSCRIBE at log position `at`: what was published before may still be delivered [MQTT-3.10.4-3]. */
  close(at: number): void {
    const last = this.intervals.at(-1)
    if (last !== undefined && last.to === Number.POSITIVE_INFINITY) {
      if (last.from >= at) this.intervals.pop()
      else last.to = at
    }
    this.active = false
  }

  /** Forgets closed intervals that end at or below `position`; answers whether there were any. */
  prune(position: number): boolean {
    if (this.intervals.length === 0 || (this.intervals[0] as Interval).to > position) return false
    this.intervals = this.intervals.filter((interval) => interval.to > position)
    return true
  }

  /** The options that held at a log position; none where its replay hands over. */
  at(sequence: number): Interval | undefined {
    if (sequence < this.seam) return undefined // [RPL-1]
    for (let i = this.intervals.length - 1; i >= 0; i--) {
      const interval = this.intervals[i] as Interval
      if (interval.from <= sequence) return sequence < interval.to ? interval : undefined
    }
    return undefined
  }
}

const sameOptions = (a: SubscriptionOptions, b: SubscriptionOptions): boolean =>
  a.qos === b.qos &&
  a.noLocal === b.noLocal &&
  a.retainAsPublished === b.retainAsPublished &&
  a.subscriptionIdentifier === b.subscriptionIdentifier
