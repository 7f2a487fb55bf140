/**
 * The caps of a session's queue. A session's queue is what the log holds from its cursor on, so nothing has to be counted
 * when a message comes: the broker goes round the sessions that are behind, some per turn of the wheel, and moves the
 * cursor of one that has too much past its oldest messages, with a row in the ledger for each.
 *
 *   messages   what its filters have counted (Subscription.waiting): exact for one filter, an upper bound where
 *              filters overlap
 *   bytes      messages times the mean size of a sample of the oldest ones; not looked at while the whole log holds less
 *
 * Invariants
 * - [LIM-5] Only what was never sent is dropped, and each has its row: messages under way are below the cursor.
 * - One look drops DROPPED_MAX messages at most and never waits for the disk; the rest comes with the next look.
 * - A cap may be exceeded for the time of one round: SESSIONS_PER_LOOK sessions per LOOK_MS, SAMPLED_PER_LOOK of those whose
 *   sizes have to be looked at.
 * - Sizes come from the log's index: what lies on disk only is not read for them.
 */
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import { type Session, SessionMode } from "../session/session.ts"
import { LogReader } from "../store/log-reader.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"
import { dropRecord } from "./drop-record.ts"
import { waitingMessages } from "./session-mode.ts"

export const LOOK_MS = 200
export const SESSIONS_PER_LOOK = 2000
/** Messages dropped per look, so that the loop has other turns; the next look goes on. */
const DROPPED_MAX = 20_000
const SAMPLE_RECORDS = 32
/** A sample of a session that is far behind takes 0.15 ms. */
const SAMPLED_PER_LOOK = 64
const TOO_MANY = "more waited than limits.max-queued-messages or limits.max-queued-bytes"
/** Of a PUBLISH's first byte. */
const QOS_BITS = 6

/** Makes the core look after its sessions' queues. Once per core. */
export const watchQueues = (core: Core): void => {
  let round = core.sessions.values()
  let groups = core.groups.values()
  const watcher: Expirable = {
    onTimer() {
      const { queuedBytesMax, queuedMessagesMax } = core.limits
      if (queuedBytesMax > 0 || queuedMessagesMax > 0) {
        let sampled = 0
        for (let looked = 0; looked < SESSIONS_PER_LOOK; looked++) {
          const next = round.next()
          const group = next.done === true ? groups.next() : undefined
          const session = next.done === true ? group?.value?.reader : next.value
          if (session === undefined) {
            round = core.sessions.values()
            groups = core.groups.values()
            break
          }
          if (capQueue(core, session) && ++sampled === SAMPLED_PER_LOOK) break
        }
      }
      core.wheel.schedule(watcher, core.loopMs + LOOK_MS)
    }
  }
  core.wheel.schedule(watcher, core.loopMs + LOOK_MS)
}

/** Drops the oldest of what waits for the session above its caps. Answers whether that took more than a glance. */
export const capQueue = (core: Core, session: Session): boolean => {
  if (session.mode === SessionMode.live) return false
  const waiting = waitingMessages(session)
  if (waiting === 0) return false
  const { packetSizeBytesMax, queuedBytesMax, queuedMessagesMax } = core.limits
  let excess = queuedMessagesMax > 0 ? waiting - queuedMessagesMax : 0
  // Where even all that the log holds is within the cap nothing has to be looked for.
  const mostBytes = Math.min(waiting * packetSizeBytesMax, core.log.frameBytes ?? Number.POSITIVE_INFINITY)
  const isSampled = queuedBytesMax > 0 && mostBytes > queuedBytesMax
  if (isSampled) {
    const meanBytes = meanSize(core, session)
    if (meanBytes > 0) excess = Math.max(excess, waiting - Math.floor(queuedBytesMax / meanBytes))
  }
  if (excess > 0) dropOldest(core, session, Math.min(excess, DROPPED_MAX), DropReason.queueFull)
  return isSampled || excess > 0
}

/** Somebody wants it gone: the oldest DROPPED_MAX of what waits. Answers how many went; 0 = nothing waits any more. */
export const dropQueue = (core: Core, session: Session): number =>
  session.mode === SessionMode.live ? 0 : dropOldest(core, session, DROPPED_MAX, DropReason.queueDropped)

const meanSize = (core: Core, session: Session): number => {
  const reader = readerAt(core, session)
  let bytes = 0
  let records = 0
  for (let looked = 0; looked < SAMPLE_RECORDS; looked++) {
    const sequence = reader.next(core.delivered)
    if (sequence < 0) break
    const size = core.log.frameSize?.(sequence) ?? 0
    if (size > 0) records += 1
    bytes += size
    reader.position = sequence + 1
  }
  return records === 0 ? 0 : bytes / records
}

/** Answers how many of them were the session's. */
const dropOldest = (core: Core, session: Session, count: number, reason: DropReasonId): number => {
  const reader = readerAt(core, session)
  let dropped = 0
  let own = 0
  while (dropped < count) {
    const sequence = reader.next(core.delivered)
    session.cursor = Math.max(session.cursor, reader.position)
    if (sequence < 0) break
    dropped += 1 // [LIM-5]
    if (passOver(core, session, sequence)) {
      dropRecord(core, session, reason, core.log.topicAt(sequence), sequence)
      own += 1
    }
    reader.position = sequence + 1
    session.cursor = sequence + 1
  }
  if (own > 0 && core.sessions.has(session.clientIdentifier)) {
    const words = reason === DropReason.queueFull ? TOO_MANY : "an operator dropped them"
    core.clientEvents.add(session.clientIdentifier, "queue-dropped", core.nowMs, undefined, undefined, words, own)
  }
  if (core.isDurable) core.markDirty(session)
  for (const { group } of session.subscriptions.values()) {
    if (group !== undefined) core.groupReaderOf(group).seek(session.cursor, [group.entry])
  }
  // Its own reader, where it is connected, goes on behind.
  const client = session.connection as Client | undefined
  if (client !== undefined && client.state === ClientState.connected && session.mode === SessionMode.catchingUp) {
    core.readerOf(client).seek(session.cursor, [...session.subscriptions.values()])
  }
  return own
}

/** One message less waits; false when it was none of the session's, or handed over before the broker's last start. */
const passOver = (core: Core, session: Session, sequence: number): boolean => {
  const topicId = core.log.topicAt(sequence)
  const { log, record } = core
  // What was retained or kept as history at QoS 0 waits for nobody.
  const isQos0 =
    log.isReady(sequence) && log.read(sequence, record) && ((record.buffer[record.start] as number) & QOS_BITS) === 0
  if (isQos0) return false
  let isIts = false
  for (const subscription of session.subscriptions.values()) {
    const { filter } = subscription
    if (topicId < 0 || (subscription.at(sequence)?.qos ?? 0) === 0) continue
    if (!core.bitmaps.matches(filter.id, filter.text, topicId)) continue
    subscription.pass(1) // [LIM-5]
    isIts = true
  }
  return isIts && session.handed?.delete(sequence) !== true && !core.isAged(sequence)
}

const readerAt = (core: Core, session: Session): LogReader => {
  const reader = new LogReader(core.log, core.bitmaps)
  reader.seek(Math.max(session.cursor, core.log.first), [...session.subscriptions.values()])
  return reader
}
