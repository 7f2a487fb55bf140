/**
 * How many messages wait for each subscription that came back. Counters sit on filters and began at 0 with the process:
 * one walk over the log's topic column, from the lowest cursor on, counts for everybody at once.
 *
 *   marks, by position     +1 an interval begins to count for its subscription, -1 it ends
 *   walk                   per record: the counters of the filters that match its topic
 *
 * Exact but for retained messages at QoS 0 (the column says nothing about QoS) and what was handed over at QoS 2 above
 * the cursor: those are counted too. Never too low, so it never falls below 0.
 */
import * as Effect from "effect/Effect"
import type { Filter } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import type { Core } from "./core.ts"

/** Records counted before others have a turn: 3 ms. */
const SLICE_RECORDS = 65_536
const NOBODY: ReadonlyArray<number> = []

interface Mark {
  readonly position: number
  readonly subscription: Subscription
  readonly sign: 1 | -1
}

export const countWaiting = (core: Core, sessions: ReadonlyArray<Session>) =>
  Effect.gen(function* () {
    const { log } = core
    const end = log.next
    const marks: Array<Mark> = []
    for (const session of sessions) {
      for (const subscription of session.subscriptions.values()) {
        mark(marks, subscription, cursorOf(session, subscription), end)
      }
    }
    for (const { entry, reader } of core.groups.values()) mark(marks, entry, reader.cursor, end)
    if (marks.length === 0) return
    marks.sort((a, b) => a.position - b.position)
    const walk = new Walk(core, marks)
    let counted = 0
    let sequence = log.nextMessage((marks[0] as Mark).position)
    for (; sequence < end; sequence = log.nextMessage(sequence + 1)) {
      walk.record(sequence)
      if (++counted % SLICE_RECORDS === 0) yield* Effect.yieldNow
    }
    walk.finish()
  })

/** Where the subscription is: its own replay may be elsewhere. */
const cursorOf = ({ cursor, replayCursors }: Session, subscription: Subscription): number => {
  const replay = replayCursors.find((each) => each.subscription === subscription)
  return replay === undefined ? Math.max(cursor, subscription.seam) : Math.max(replay.next, replay.head)
}

/** Only what may be handed over is counted, as when it was published: intervals at QoS 1 and 2. */
const mark = (marks: Array<Mark>, subscription: Subscription, cursor: number, end: number): void => {
  for (const { from, qos, to } of subscription.intervals) {
    if (qos === 0 || to <= cursor || from >= end) continue
    marks.push({ position: Math.max(from, cursor), subscription, sign: 1 })
    if (to < end) marks.push({ position: to, subscription, sign: -1 })
  }
}

class Walk {
  readonly #core: Core
  readonly #marks: ReadonlyArray<Mark>
  #at = 0
  /** Where each filter's records are counted in `#logged`. */
  readonly #places = new Map<Filter<Session>, number>()
  readonly #logged: Float64Array
  readonly #waiting = new Map<Subscription, number>()
  readonly #open = new Set<Subscription>()
  readonly #matched: Array<ReadonlyArray<number> | undefined> = []

  constructor(core: Core, marks: ReadonlyArray<Mark>) {
    this.#core = core
    this.#marks = marks
    const places = this.#places
    for (const { subscription } of marks) {
      const filter = subscription.filter as Filter<Session>
      if (!places.has(filter)) places.set(filter, places.size)
    }
    this.#logged = new Float64Array(places.size)
  }

  record(sequence: number): void {
    this.#pass(sequence)
    const topicId = this.#core.log.topicAt(sequence)
    if (topicId < 0) return
    this.#matched[topicId] ??= this.#wantedBy(topicId)
    const wanted = this.#matched[topicId]
    for (let i = 0; i < wanted.length; i++) {
      const place = wanted[i] as number
      this.#logged[place] = (this.#logged[place] as number) + 1
    }
  }

  /** Every subscription's count, in its own books. */
  finish(): void {
    this.#pass(Number.POSITIVE_INFINITY)
    for (const subscription of this.#open) this.#add(subscription, 1)
    for (const [subscription, waiting] of this.#waiting) subscription.leaveTail(waiting)
  }

  #wantedBy(topicId: number): ReadonlyArray<number> {
    const wanted: Array<number> = []
    for (const filter of this.#core.router.match(this.#core.log.topicName(topicId))) {
      const place = this.#places.get(filter)
      if (place !== undefined) wanted.push(place)
    }
    return wanted.length === 0 ? NOBODY : wanted
  }

  /** Marks at or below the record come before it. */
  #pass(sequence: number): void {
    for (
      let next = this.#marks[this.#at];
      next !== undefined && next.position <= sequence;
      next = this.#marks[this.#at]
    ) {
      this.#at += 1
      const { sign, subscription } = next
      this.#add(subscription, -sign)
      if (sign === 1) this.#open.add(subscription)
      else this.#open.delete(subscription)
    }
  }

  #add(subscription: Subscription, sign: number): void {
    const logged = this.#logged[this.#places.get(subscription.filter as Filter<Session>) as number] as number
    this.#waiting.set(subscription, (this.#waiting.get(subscription) ?? 0) + sign * logged)
  }
}
