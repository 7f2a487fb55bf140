/**
 * History: what a `$replay/<from>/<filter>` subscription is handed before it goes on like one to <filter>.
 *
 *   from ─────────────────▶ head ────────────────────▶ D
 *   messages of topics      everything it matches:     from here on live, or through the session's own reader
 *   that keep history       it came meanwhile
 *
 * Again a small cursor (session.replayCursors), not a list: position and head. While it runs the subscription counts as a
 * reader of the log, and what is logged for it waits for its cursor; a QoS 0 message of a topic without history is in no
 * log and is handed over at once. When the cursor has come to D that position is the subscription's seam (Subscription.at):
 * from there on it is like any other. The session's other subscriptions go on as if nothing was.
 *
 * Invariants
 * - [RPL-1] Nothing twice and nothing missing at the seam: the cursor ends at D, in the same synchronous step.
 * - [RPL-2] What was published before the SUBSCRIBE is read when it is as safe as the log makes it by itself.
 * - [RPL-3] At QoS 2 nothing comes again after a crash: the steps say what was handed over, also where the cursor does not.
 * - [RPL-4] Every message of a topic that keeps history is logged, whoever is there and whatever its QoS (publish.ts).
 * - [RPL-5] What the cursor has not come to yet compaction leaves alone (liveness.ts).
 * - Paced by window and outbox, also at QoS 0; a step is bounded; nobody waits for the disk.
 * - What compaction had taken before is passed over: a topic's history is what its policy keeps.
 *
 * Elsewhere: the text (router/replay-filter.ts), which topics keep history and when a message came (store/topic-history.ts).
 */
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import type { ReplayFrom } from "../router/replay-filter.ts"
import { type ReplayCursor, type Session, SessionMode } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import type { LogReader } from "../store/log-reader.ts"
import type { MessageHistory, SavedReplay } from "../store/ports.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { dropRecord } from "./drop-record.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { awaitStore, openExchange } from "./open-exchange.ts"
import { entryOf, isFree, mayHand } from "./permissions.ts"
import { queuePump } from "./pump-queue.ts"
import { isAtHandForReplay } from "./read-ahead.ts"
import { countFrom, handedBelow, settleLogReading } from "./session-mode.ts"

/** Records one call looks at before it lets others have a turn. */
const LOOKED_MAX = 1024

const view = new PublishView()

/** What repeating a message of history after a resume needs: it must be the same packet again. */
export interface ReplayInFlight {
  readonly text: string
  readonly identifiers: ReadonlyArray<number> | undefined
  readonly retainAsPublished: boolean
}

/**
 * The subscription, which was just opened, begins with history. Where it was there before, what waits for it in the log
 * is handed over by the cursor too.
 */
export const beginReplay = (
  core: Core,
  session: Session,
  subscription: Subscription,
  text: string,
  from: ReplayFrom,
  wasReading: boolean
): void => {
  const running = session.replayCursors.find((cursor) => cursor.subscription === subscription)
  const live = session.mode === SessionMode.live
  let head = core.log.next
  if (running !== undefined) head = Math.max(running.next, running.head)
  else if (wasReading) head = live ? handedBelow(core) : Math.max(session.cursor, subscription.seam)
  if (running === undefined && (live || !wasReading)) subscription.leaveTail(countFrom(core, subscription, head))
  subscription.seam = Number.POSITIVE_INFINITY
  const next = Math.max(core.log.first, Math.min(head, positionOf(core, from)))
  const cursor = { subscription, text, next, head, ticket: core.log.ticket, handed: undefined, savedNext: next }
  session.replayCursors = [...session.replayCursors.filter((each) => each !== running), cursor]
}

/** As a start found it; an ended subscription only has its seam. */
export const bringBackReplay = (
  session: Session,
  subscription: Subscription,
  text: string,
  { handed, head, next }: SavedReplay,
  handedOtherwise: ReadonlySet<number>
): void => {
  subscription.seam = subscription.active ? Number.POSITIVE_INFINITY : next
  if (!subscription.active) return
  const all = new Set([...handed, ...handedOtherwise].filter((sequence) => sequence >= next)) // [RPL-3]
  session.replayCursors.push({ subscription, text, next, head, ticket: 0, handed: all, savedNext: next })
}

/** As it is saved; undefined when there is nothing that the session's own cursor does not say. */
export const savedReplayOf = (
  session: Session,
  subscription: Subscription,
  position: number
): SavedReplay | undefined => {
  const { seam } = subscription
  if (seam <= position) return undefined
  const running = session.replayCursors.find((cursor) => cursor.subscription === subscription)
  if (running === undefined)
    return seam === Number.POSITIVE_INFINITY ? undefined : { next: seam, head: seam, handed: [] }
  const { handed, head, next } = running
  return { next, head, handed: [...(handed ?? [])].filter((sequence) => sequence >= next) }
}

/** The log is safer than before: whose history waited for that goes on. */
export const wakeReplays = (core: Core): void => {
  for (const client of core.replayWaiters) queuePump(core, client)
  core.replayWaiters.clear()
}

/** Hands over what fits of the history that comes next. */
export const sendHistory = (core: Core, client: Client, session: Session): void => {
  const { outbox } = client.connection
  const cursor = session.replayCursors[0]
  const { history } = core.log
  if (cursor === undefined || history === undefined) return
  if (cursor.ticket > history.settled) {
    core.replayWaiters.add(client) // [RPL-2]
    return
  }
  if (core.isDurable) core.markDirty(session)
  const reader = readerOf(core, client, cursor)
  for (let looked = 0; looked < LOOKED_MAX; looked++) {
    if (outbox.congested) {
      outbox.awaitDrain()
      return
    }
    if (cursor.subscription.qos > 0 && session.window.full) return // the next acknowledgement brings us back [MQTT-3.3.4-9]
    const until = handedBelow(core) // [RPL-1]
    const sequence = reader.next(until)
    cursor.next = reader.position
    if (sequence < 0) {
      if (reader.position < until) queuePump(core, client)
      else endReplay(core, client, session, cursor)
      return
    }
    if (isWanted(core, history, cursor, sequence)) {
      if (!isAtHandForReplay(core, client, sequence)) return
      if (!handRecord(core, client, session, cursor, history, sequence)) {
        awaitStore(core, client)
        return
      }
    }
    reader.position = sequence + 1
    cursor.next = sequence + 1
  }
  queuePump(core, client)
}

/** It has come to D [RPL-1]. */
const endReplay = (core: Core, client: Client, session: Session, cursor: ReplayCursor): void => {
  const { subscription } = cursor
  session.replayCursors = session.replayCursors.filter((each) => each !== cursor)
  subscription.seam = cursor.next
  subscription.leaveTail(countFrom(core, subscription, cursor.next))
  settleLogReading(core, session)
  if (session.replayCursors.length > 0) queuePump(core, client)
}

const readerOf = (core: Core, client: Client, cursor: ReplayCursor): LogReader => {
  const reader = core.replayReaderOf(client)
  if (client.replayed === cursor && reader.position === cursor.next) return reader
  client.replayed = cursor
  cursor.next = Math.max(cursor.next, core.log.first)
  reader.seek(cursor.next, [cursor.subscription])
  return reader
}

/** What can be told without the record. */
const isWanted = (core: Core, history: MessageHistory, { handed, head }: ReplayCursor, sequence: number): boolean => {
  if (handed?.delete(sequence) === true || core.isAged(sequence)) return false // [RPL-3]
  return sequence >= head || history.isKept(core.log.topicAt(sequence))
}

/** False when it cannot be handed over now, because the store takes nothing. */
const handRecord = (
  core: Core,
  client: Client,
  session: Session,
  { head, subscription, text }: ReplayCursor,
  history: MessageHistory,
  sequence: number
): boolean => {
  const { log, record } = core
  if (!log.read(sequence, record)) {
    dropRecord(core, session, DropReason.logRecordLost, log.topicAt(sequence), sequence)
    return true
  }
  const { expiresAtMs, publisher, topicId } = record
  viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
  const qos = Math.min(subscription.qos, view.qos) // [MQTT-3.8.4-8]
  const isCounted = sequence >= head && qos > 0 && subscription.waiting > 0
  // At QoS 0, of a topic without history: it was handed over when it came.
  if (qos === 0 && !history.isKept(topicId)) return true
  if (isCounted) subscription.pass(1)
  if (subscription.noLocal && publisher === session.number) return true // [MQTT-3.8.3-3]
  if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, false, 1, sequence)) return true // [ACL-1]
  const { identifiers, retainAsPublished } = subscription
  if (expiresAtMs <= core.nowMs) {
    // [MQTT-3.3.2-5]; what had expired before anybody asked for it is no history.
    if (sequence >= head) dropRecord(core, session, DropReason.messageExpired, topicId, sequence)
    return true
  }
  const size = emitSize(client, view, qos, identifiers)
  if (size < 0) {
    dropRecord(core, session, DropReason.packetTooLarge, topicId, sequence) // [MQTT-3.1.2-25]
    return true
  }
  let id = 0
  if (qos > 0) {
    id = openExchange(core, client, session, qos, sequence, "replay", text)
    if (id < 0) {
      if (isCounted) subscription.pass(-1)
      return false
    }
    if (session.persistent) {
      session.replayInFlight ??= new Map()
      session.replayInFlight.set(id, { text, identifiers, retainAsPublished } satisfies ReplayInFlight)
    }
  }
  const retain = view.retain && retainAsPublished // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
  emit(core, client, view, size, qos, retain, false, id, identifiers, remainingExpirySeconds(expiresAtMs, core.nowMs))
  return true
}

const positionOf = (core: Core, from: ReplayFrom): number => {
  switch (from.kind) {
    case "earliest":
      return 0
    case "position":
      return from.sequence
    case "time":
      return core.log.history?.positionAt(from.atMs) ?? 0
    case "ago":
      return core.log.history?.positionAt(core.nowMs - from.durationMs) ?? 0
  }
}
