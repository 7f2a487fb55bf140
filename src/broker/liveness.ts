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

class Look {
  readonly #core: Core
  /** Everything from here on came later. */
  readonly #boundary: number
  readonly #lowest = new Map<string, number>()
  /** The same by cursors as they are, saved or not: what really waits. */
  readonly #waiting = new Map<string, number>()
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
      lower(this.#lowest, subscription.filter.text, persistent ? Math.min(next, savedNext) : next)
      lower(this.#waiting, subscription.filter.text, next)
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
    const { log, router } = this.#core
    const answers = new Map<number, number>()
    const { sessions } = this.#core
    const fixed = this.#held
    const epoch = log.topicEpoch
    const neededFrom = (topicId: number): number => {
      // Ids are given again: what was remembered may be another topic's.
      if (log.topicEpoch !== epoch) return 0
      let lowest = answers.get(topicId)
      if (lowest === undefined) {
        lowest = this.#boundary
        let waitingFrom = lowest
        for (const { text } of router.match(log.topicName(topicId))) {
          lowest = Math.min(lowest, this.#lowest.get(text) ?? lowest)
          waitingFrom = Math.min(waitingFrom, this.#waiting.get(text) ?? waitingFrom)
        }
        const aged = log.agedBelow?.(topicId) ?? 0
        if (aged > waitingFrom) buryAged(this.#core, topicId, waitingFrom, aged)
        lowest = Math.max(lowest, Math.min(aged, this.#boundary))
        answers.set(topicId, lowest)
      }
      return lowest
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

  #reader(subscription: Subscription, saved: number, position: number): void {
    const { text } = subscription.filter
    lower(this.#lowest, text, firstWanted(subscription, saved))
    lower(this.#waiting, text, firstWanted(subscription, position))
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

const lower = (to: Map<string, number>, text: string, position: number): void => {
  const before = to.get(text) ?? Number.POSITIVE_INFINITY
  if (position < before) to.set(text, position)
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
