/**
 * How a session stands to the log: live, catching up, offline; and who reads the log because of it.
 *
 * A filter's `logReaders` counts the sessions that will look for its QoS 1 and 2 messages in the log:
 * persistent ones always (they may be gone at the next message), others only while they catch up. Where
 * it is 0 a message needs no log at all.
 *
 * Invariants
 * - A session is live only with its cursor at D, in the same synchronous step (goLive asserts it).
 * - subscription.readsLog is exactly "counted in filter.logReaders"; every change of options, mode or
 *   persistence goes through settleLogReading.
 */
import { assert } from "../base/assert.ts"
import type { Filter } from "../router/router.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

/** Of a PUBLISH's first byte. */
const QOS_BITS = 6

/** The window or the outbox is full: from `position` on the session reads the log. */
export const fallBack = (core: Core, session: Session, client: Client, position: number): void => {
  assert(session.mode === SessionMode.live, "only a live session falls back")
  session.mode = SessionMode.catchingUp
  session.liveFrom = core.log.next
  settleLogReading(core, session)
  leaveTail(core, session, position)
  core.readerOf(client).seek(position, [...session.subscriptions.values()])
  if (client.connection.outbox.congested) client.connection.outbox.awaitDrain()
}

/** The cursor has reached D: messages are handed over as they come again. */
export const goLive = (core: Core, session: Session): void => {
  assert(session.mode === SessionMode.catchingUp && session.cursor >= core.delivered, "live means cursor at D")
  session.mode = SessionMode.live
  settleLogReading(core, session)
  pruneSubscriptions(core, session)
}

/** The connection is gone and the session stays: its cursor is D if it was live, else where it was. */
export const goOffline = (core: Core, session: Session): void => {
  const wasLive = session.mode === SessionMode.live
  session.mode = SessionMode.offline
  settleLogReading(core, session)
  if (wasLive) leaveTail(core, session, handedBelow(core)) // [MQTT-4.5.0-1]
}

/** Live sessions have been handed everything below: D, or the record at D too, where delivering it made the log hold it. */
export const handedBelow = (core: Core): number =>
  core.handedBeforeTail.has(core.delivered) ? core.delivered + 1 : core.delivered

const NONE: ReadonlyArray<Subscription> = []

/**
 * A connection for a session that was offline or is new: it reads on from its cursor; nothing waiting = live at once, and
 * a new session, whose cursor is D, needs neither a reader nor a turn of the pump for that.
 */
export const goOnline = (core: Core, session: Session, client: Client): void => {
  assert(session.mode === SessionMode.offline, "only an offline session comes online")
  session.mode = SessionMode.catchingUp
  if (session.subscriptions.size === 0 && session.cursor >= core.delivered && session.liveFrom <= core.delivered) {
    session.mode = SessionMode.live
    if (core.isDurable) core.markDirty(session)
    return
  }
  settleLogReading(core, session)
  const subscriptions = session.subscriptions.size === 0 ? NONE : [...session.subscriptions.values()]
  core.readerOf(client).seek(session.cursor, subscriptions)
}

/**
 * A subscription of the session ended at the log's head, while live sessions have not been handed everything
 * below: its last messages come through the session's reader, which looks at intervals.
 */
export const holdUntilShown = (core: Core, session: Session, client: Client): void => {
  if (core.delivered === core.log.next) return
  session.liveFrom = core.log.next
  if (session.mode === SessionMode.live) fallBack(core, session, client, handedBelow(core))
}

/** Messages waiting for a session that is not live: exact for one filter, an upper bound where filters overlap. */
export const waitingMessages = (session: Session): number => {
  let waiting = 0
  for (const subscription of session.subscriptions.values()) waiting += subscription.waiting
  return waiting
}

/** The same of one in any mode: those that wait in memory, and in the log. */
export const queuedMessages = (session: Session): number =>
  (session.waiting?.count ?? 0) + (session.mode === SessionMode.live ? 0 : waitingMessages(session))

/** Makes filter.logReaders say what the session's mode, persistence and options say. */
export const settleLogReading = (core: Core, session: Session): void => {
  const reads = session.persistent || session.mode === SessionMode.catchingUp
  for (const subscription of session.subscriptions.values()) {
    const wanted = (reads || subscription.isReplaying) && subscription.active && subscription.qos > 0
    if (wanted !== subscription.readsLog) setReading(core, subscription, wanted)
  }
}

export const stopReading = (core: Core, subscription: Subscription): void => {
  if (subscription.readsLog) setReading(core, subscription, false)
}

/** Counts the subscription in or out of its filter's readers. */
export const setReading = (core: Core, subscription: Subscription, wanted: boolean): void => {
  const filter = subscription.filter as Filter<Session>
  if (wanted) subscription.startReading()
  else subscription.stopReading()
  filter.logReaders += wanted ? 1 : -1
  assert(filter.logReaders >= 0, "log readers are counted in pairs")
  if (wanted) core.logReadersOf(filter).add(subscription)
  else core.forgetLogReader(filter, subscription)
}

/** From `position` on nothing was handed over, though the filters have counted it: embedded one message at most. */
export const leaveTail = (core: Core, session: Session, position: number): void => {
  session.cursor = position
  for (const subscription of session.subscriptions.values()) {
    // One that replays has a cursor of its own.
    if (!subscription.isReplaying) subscription.leaveTail(countFrom(core, subscription, position))
  }
}

/** What the subscription's filter counted for it from `position` on. Near the head only. */
export const countFrom = (core: Core, subscription: Subscription, position: number): number => {
  let counted = 0
  for (let sequence = position; sequence < core.log.next; sequence++) {
    if (isCounted(core, subscription, sequence)) counted += 1
  }
  return counted
}

/** Whether the subscription's filter counted the record for it. */
export const isCounted = ({ bitmaps, log, record }: Core, subscription: Subscription, sequence: number): boolean => {
  const { filter } = subscription
  if ((subscription.at(sequence)?.qos ?? 0) === 0) return false
  const topicId = log.topicAt(sequence)
  if (topicId < 0 || !bitmaps.matches(filter.id, filter.text, topicId) || !log.read(sequence, record)) return false
  return ((record.buffer[record.start] as number) & QOS_BITS) !== 0
}

/** The lowest log position whose options the session still needs: its cursor, or a hole. */
export const positionNeeded = (core: Core, session: Session): number => {
  const cursor = session.mode === SessionMode.live ? core.delivered : session.cursor
  return Math.min(cursor, session.window.lowestSequence())
}

/** Forgets ended subscriptions, and intervals that neither the cursor nor a hole needs any more. */
const pruneSubscriptions = (core: Core, session: Session): void => {
  let needed = -1
  for (const [text, subscription] of session.subscriptions) {
    if (subscription.active && subscription.intervals.length === 1) continue
    if (needed < 0) needed = positionNeeded(core, session)
    if (!subscription.prune(needed)) continue
    if (core.isDurable && session.persistent) {
      session.subscriptionsToSave ??= new Set()
      session.subscriptionsToSave.add(text)
      core.markDirty(session)
    }
    if (!subscription.active && subscription.intervals.length === 0) {
      session.subscriptions.delete(text)
      releaseFilter(core, subscription)
    }
  }
}

/** The subscription is no more. */
export const releaseFilter = (core: Core, subscription: Subscription): void => {
  const filter = subscription.filter as Filter<Session>
  if (subscription.isReplay) filter.replays -= 1
  core.router.release(filter)
}
