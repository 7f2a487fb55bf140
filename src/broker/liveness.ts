/**
 * What compaction may not touch: which messages a session or a group may still read, now or after a crash.
 *
 *   1 save    what is dirty, and cursors that lag: a live session that nothing happens to is saved nowhere near D
 *   2 collect per filter the lowest saved cursor over its readers; what is held singly
 *   3 wait    until all of that is durable: a crash must find no older cursor
 *
 * Invariants
 * - Conservative: what came after the look (`boundary`) is needed, whoever wants it. Cursors only rise, new
 *   subscriptions begin at the head: an answer gets too careful with time, never too bold.
 * - [RST-5] A hole is held whatever its session subscribes to now, and whether or not its message has expired. So is what a
 *   closed interval, a member that left, or a clean session that catches up still needs.
 *
 * - A topic whose policy ends messages by their age is needed no further back than that, also where somebody waits: the
 *   ledger gets a row when it is first said, and readers pass over them from then on (Core.isAged). What is held stays.
 *
 * Elsewhere: the value retained now and the replay window (the store knows them), what is done with the answer
 * (store/compactor.ts).
 */
import * as Effect from "effect/Effect"
import { DropReason } from "../metrics/drop-reasons.ts"
import type { Filter } from "../router/router.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { ShareGroup } from "../session/share-group.ts"
import type { Subscription } from "../session/subscription.ts"
import type { Liveness, LivenessRoots } from "../store/ports.ts"
import type { Core } from "./core.ts"
import { CURSORS_PER_FLUSH, flushCursors } from "./save-cursors.ts"

/** Sessions looked at before others have a turn: 1 ms. */
const SLICE_SESSIONS = 2000
/** How often it looks whether what was saved is durable. */
const LOOK_MS = 5
/** So few filters are asked one by one, which allocates nothing; more of them are looked up in the tree, topic by topic. */
const FEW_FILTERS = 16
/** No topic's answer: it was not asked for yet. */
const UNKNOWN = -1
/**
 * A saved cursor may lag behind by this share of the log's records. Saving more often frees little sooner, and with
 * many live sessions the cursors themselves would fill the log.
 */
const LAG_SHARE = 1 / 16

export const livenessRoots = (core: Core): LivenessRoots => ({ prepare: () => prepare(core) })

const prepare = (core: Core): Effect.Effect<Liveness> =>
  Effect.gen(function* () {
    yield* saveLagging(core)
    const look = new Look(core)
    let looked = 0
    for (const session of [...core.sessions.values()]) {
      look.session(session)
      if (++looked % SLICE_SESSIONS === 0) yield* Effect.yieldNow
    }
    for (const group of core.groups.values()) look.group(group)
    const { ticket } = core.log
    while (core.log.durable < ticket) yield* Effect.sleep(LOOK_MS)
    return look.answer()
  })

/** Everything dirty, and every cursor that lags too far. What the store refuses stays as it is: its cursor is older, and counts. */
const saveLagging = (core: Core) =>
  Effect.gen(function* () {
    if (!core.isDurable) return
    const lag = Math.max(1, Math.floor((core.log.next - core.log.first) * LAG_SHARE))
    let looked = 0
    for (const session of [...core.sessions.values()]) {
      if (positionOf(core, session) - session.savedCursor >= lag) core.markDirty(session)
      if (++looked % SLICE_SESSIONS === 0) yield* Effect.yieldNow
    }
    for (const group of core.groups.values()) {
      const isBehind = positionOf(core, group.reader) - group.reader.savedCursor >= lag
      if (group.isSaved && isBehind) core.markDirty(group.reader)
    }
    for (let left = core.dirtySessions.length; left > 0; left -= CURSORS_PER_FLUSH) {
      if (!flushCursors(core, CURSORS_PER_FLUSH)) return
      yield* Effect.yieldNow
    }
  })

const positionOf = (core: Core, session: Session): number =>
  session.mode === SessionMode.live ? core.delivered : session.cursor

/** A filter that somebody reads. */
interface Wanted {
  readonly filter: Filter<Session>
  /** The lowest saved cursor of its readers. */
  saved: number
  /** The same by cursors as they are, saved or not: what really waits. */
  waiting: number
}

class Look {
  readonly #core: Core
  /** Everything from here on came later. */
  readonly #boundary: number
  readonly #wanted = new Map<string, Wanted>()
  readonly #held: Array<number> = []

  constructor(core: Core) {
    this.#core = core
    this.#boundary = core.delivered
  }

  session(session: Session): void {
    const { persistent, subscriptions, window } = session
    // Of a session that ends with its connection only the reader needs anything: nothing is repeated to it.
    const reads = persistent || session.mode === SessionMode.catchingUp
    const position = positionOf(this.#core, session)
    // [RST-6] What a crash would bring back counts, not where the session is by now.
    const from = persistent && session.isSaved ? Math.min(session.savedCursor, position) : position
    if (reads) for (const subscription of subscriptions.values()) this.#reader(subscription, from, position)
    // [RPL-5]
    for (const { next, savedNext, subscription } of session.replayCursors) {
      this.#lower(subscription, persistent ? Math.min(next, savedNext) : next, next)
    }
    if (window.inFlight === 0) return
    for (const id of window.openIdentifiers()) {
      const mayComeBack = persistent || session.sharedInFlight?.has(id) === true
      if (mayComeBack && window.state(id) !== ExchangeState.awaitPubcomp) this.#hold(window.sequence(id))
    }
  }

  group({ entry, isSaved, reader, requeued }: ShareGroup): void {
    const position = positionOf(this.#core, reader)
    this.#reader(entry, isSaved ? Math.min(reader.savedCursor, position) : position, position)
    for (const sequence of requeued) this.#hold(sequence)
  }

  answer(): Liveness {
    const { log, sessions } = this.#core
    let answers = new Float64Array(log.topicIdBound).fill(UNKNOWN)
    const fixed = this.#held
    const epoch = log.topicEpoch
    const neededFrom = (topicId: number): number => {
      // Ids are given again: what was remembered may be another topic's.
      if (log.topicEpoch !== epoch) return 0
      if (topicId >= answers.length) {
        const larger = new Float64Array(Math.max(topicId + 1, answers.length * 2)).fill(UNKNOWN)
        larger.set(answers)
        answers = larger
      }
      const known = answers[topicId] as number
      if (known !== UNKNOWN) return known
      const answer = this.#neededFrom(topicId)
      answers[topicId] = answer
      return answer
    }
    return {
      neededFrom,
      /** Retained messages are sent from any position: those on their way now are looked up at each call. */
      get held() {
        const held = new Set(fixed)
        for (const { retainedInFlight, window } of sessions.values()) {
          for (const id of retainedInFlight?.keys() ?? []) held.add(window.sequence(id))
        }
        return [...held].sort((a, b) => a - b)
      }
    }
  }

  #neededFrom(topicId: number): number {
    const { bitmaps, log, router } = this.#core
    let needed = this.#boundary
    let waitingFrom = needed
    const lower = ({ saved, waiting }: Wanted): void => {
      if (saved < needed) needed = saved
      if (waiting < waitingFrom) waitingFrom = waiting
    }
    if (this.#wanted.size <= FEW_FILTERS) {
      for (const wanted of this.#wanted.values()) {
        if (bitmaps.matches(wanted.filter.id, wanted.filter.text, topicId)) lower(wanted)
      }
    } else {
      for (const { text } of router.match(log.topicName(topicId))) {
        const wanted = this.#wanted.get(text)
        if (wanted !== undefined) lower(wanted)
      }
    }
    const aged = log.agedBelow?.(topicId) ?? 0
    if (aged > waitingFrom) buryAged(this.#core, topicId, waitingFrom, aged)
    return Math.max(needed, Math.min(aged, this.#boundary))
  }

  #reader(subscription: Subscription, saved: number, position: number): void {
    this.#lower(subscription, firstWanted(subscription, saved), firstWanted(subscription, position))
  }

  #lower({ filter }: Subscription, saved: number, waiting: number): void {
    let wanted = this.#wanted.get(filter.text)
    if (wanted === undefined) {
      wanted = { filter, saved: Number.POSITIVE_INFINITY, waiting: Number.POSITIVE_INFINITY }
      this.#wanted.set(filter.text, wanted)
    }
    wanted.saved = Math.min(wanted.saved, saved)
    wanted.waiting = Math.min(wanted.waiting, waiting)
  }

  #hold(sequence: number): void {
    if (sequence >= 0) this.#held.push(sequence) // [RST-5]
  }
}

/** Where the subscription's intervals begin at or above the position; Infinity where none does. */
const firstWanted = ({ intervals }: Subscription, position: number): number => {
  for (const { from, qos, to } of intervals) if (qos > 0 && to > position) return Math.max(position, from)
  return Number.POSITIVE_INFINITY
}

/** Messages of the topic from `from` on, below `below`, go by their age: booked once. */
const buryAged = ({ aged, ledger, log, nowMs }: Core, topicId: number, from: number, below: number): void => {
  const first = log.nextOfTopic(topicId, Math.max(from, aged.get(topicId) ?? 0))
  let count = 0
  let last = first
  for (let at = first; at >= 0 && at < below; at = log.nextOfTopic(topicId, at + 1)) {
    count += 1
    last = at
  }
  aged.set(topicId, below)
  if (count > 0) ledger.add(DropReason.messageAge, "", log.topicName(topicId), count, nowMs, first, last)
}
