/**
 * Sends what waits for a client, as room allows: first what must be repeated after a resume, then retained
 * messages of fresh subscriptions, then history (replay.ts), what waits in memory (wait-in-memory.ts), and the log from
 * its cursor until it is live.
 *
 * Called when something may have changed: an exchange ended, the outbox drained, a session came online, a
 * subscription was made. One call is bounded (HANDED_MAX messages, one reader step); what is left goes on in
 * the next turn of the loop, so a session with a million messages behind holds nobody up.
 *
 * Invariants
 * - The cursor is at the first message not handed over. A message is handed over completely or not at all.
 * - Room means both: a place in the window (QoS > 0) and an outbox that is not congested.
 * - What was decided about one record is decided anew for the next, but where both are alike (alike-records.ts).
 * - Nobody waits for the disk: a record that is not in memory is asked for, and the session goes on when it has come.
 * - Live again only when the reader has reached D, in the same step: then nothing is handed twice [MQTT-4.3.3-4].
 */
import type { PublishView } from "../codec/publish-view.ts"
import { PublishView as View } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import { type Session, SessionMode } from "../session/session.ts"
import { Judgement, judge } from "../store/judge.ts"
import type { LogReader } from "../store/log-reader.ts"
import { beginAlike, forgetAlike, handAlike, settleAlike } from "./alike-records.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { mustWaitToDeliver } from "./delivery-rate.ts"
import { dropRecord } from "./drop-record.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { awaitStore, openExchange } from "./open-exchange.ts"
import { jump } from "./overtaken.ts"
import { entryOf, isFree, mayHand } from "./permissions.ts"
import { queuePump, schedulePumps } from "./pump-queue.ts"
import { isAtHand } from "./read-ahead.ts"
import { sendHistory } from "./replay.ts"
import { resendNext } from "./resend.ts"
import { sendRetained } from "./retained.ts"
import { goLive } from "./session-mode.ts"
import { wakeGroups } from "./share-exchange.ts"
import { pumpGroup } from "./shared.ts"
import { sendWaiting } from "./wait-in-memory.ts"

/** Messages one call hands over before it lets others have a turn. */
const HANDED_MAX = 1024
/**
 * A loop that goes on for long is compiled while it runs, most thoroughly and with all it calls, and again when it ends in
 * another way: 100,000 messages are drained 9 % faster by short ones, on one core in a fresh process.
 */
const HANDED_AT_ONCE = 32
/** Clients served per turn of the loop. */
const PUMPS_MAX = 256

const view: PublishView = new View()
const judgement = new Judgement(true)

/** Makes the core serve its pump queue. Once per core. */
export const installPump = (core: Core): void => {
  core.drainPumpQueue = () => {
    core.tick()
    core.pumpsScheduled = false
    for (const client of core.pumpQueue.splice(0, PUMPS_MAX)) {
      client.pumpQueued = false
      pump(core, client)
    }
    for (const group of core.groupQueue.splice(0, PUMPS_MAX)) {
      group.pumpQueued = false
      pumpGroup(core, group)
    }
    schedulePumps(core)
  }
}

export const pump = (core: Core, client: Client): void => {
  const session = client.session
  if (client.state !== ClientState.connected || session === undefined) return
  if (client.delivering !== undefined && mustWaitToDeliver(core, client, client.delivering)) return
  if (!resendNext(core, client, session)) return // [MQTT-4.6.0-1]
  wakeGroups(core, session)
  if (!sendRetained(core, client, session)) return
  if (session.replayCursors.length === 0) {
    if (sendWaiting(core, client, session) && session.mode === SessionMode.catchingUp) readLog(core, client, session)
    return
  }
  // History takes what room there is, and so would the log: they take turns.
  client.isReplayNext = !client.isReplayNext
  if (client.isReplayNext) sendHistory(core, client, session)
  if (sendWaiting(core, client, session) && session.mode === SessionMode.catchingUp) readLog(core, client, session)
  if (!client.isReplayNext) sendHistory(core, client, session)
}

const readLog = (core: Core, client: Client, session: Session): void => {
  const reader = core.readerOf(client)
  if (core.isDurable) core.markDirty(session)
  forgetAlike()
  let handed = 0
  while (handed < HANDED_MAX && handSome(core, client, session, reader)) handed += HANDED_AT_ONCE
  settleAlike(core)
  if (handed === HANDED_MAX) queuePump(core, client)
}

/** False when the pump has to stop. */
const handSome = (core: Core, client: Client, session: Session, reader: LogReader): boolean => {
  for (let handed = 0; handed < HANDED_AT_ONCE; handed++) if (!handNext(core, client, session, reader)) return false
  return true
}

/** Hands over the session's next record, or passes over it; false when the pump has to stop. */
const handNext = (core: Core, client: Client, session: Session, reader: LogReader): boolean => {
  const { outbox } = client.connection
  if (outbox.congested) {
    outbox.awaitDrain()
    return false
  }
  if (session.window.full) return false // the next acknowledgement brings us back [MQTT-3.3.4-9]
  if (client.delivering !== undefined && mustWaitToDeliver(core, client, client.delivering)) return false
  if (reader.position < core.log.first) {
    settleAlike(core)
    jump(core, session, reader)
  }
  const sequence = reader.next(core.delivered) // [MQTT-4.3.3-4]
  session.cursor = reader.position
  if (sequence < 0) {
    endStep(core, client, session, reader)
    return false
  }
  // Handed over at QoS 2 before the broker's last start: once is enough [MQTT-4.3.3-10].
  if (session.handed?.delete(sequence) === true || core.isAged(sequence)) pass(core, session, sequence, 1)
  else {
    if (!isAtHand(core, client, sequence)) return false
    if (!handRecord(core, client, session, sequence)) {
      awaitStore(core, client)
      return false
    }
  }
  reader.position = sequence + 1
  session.cursor = sequence + 1
  return true
}

/** The reader has come to D, or to the end of what one step looks at. */
const endStep = (core: Core, client: Client, session: Session, reader: LogReader): void => {
  settleAlike(core)
  if (reader.position < core.delivered) queuePump(core, client)
  else if (core.delivered >= session.liveFrom) goLive(core, session) // [MQTT-4.5.0-1] [MQTT-4.3.3-4]
}

/** False when it cannot be handed over now, because the store takes nothing. */
const handRecord = (core: Core, client: Client, session: Session, sequence: number): boolean => {
  const { record } = core
  if (!core.log.read(sequence, record)) {
    dropRecord(core, session, DropReason.logRecordLost, core.log.topicAt(sequence), sequence)
    pass(core, session, sequence, 1)
    return true
  }
  return handAlike(client, session, record, sequence) || judgeRecord(core, client, session, sequence)
}

/** The same of `core.record`, by itself. */
const judgeRecord = (core: Core, client: Client, session: Session, sequence: number): boolean => {
  settleAlike(core)
  const { record } = core
  viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
  const { publisher, topicId, expiresAtMs } = record
  judge(judgement, session.subscriptions.values(), core.bitmaps, topicId, sequence, publisher, view.qos, view.retain)
  const { identifiers, qos, retain } = judgement
  if (qos <= 0) return true
  if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, false, 1, sequence)) return true // [ACL-1]
  if (expiresAtMs <= core.nowMs) {
    dropRecord(core, session, DropReason.messageExpired, topicId, sequence) // [MQTT-3.3.2-5]
    return true
  }
  const size = emitSize(client, view, qos, identifiers)
  if (size < 0) {
    dropRecord(core, session, DropReason.packetTooLarge, topicId, sequence) // [MQTT-3.1.2-25]
    return true
  }
  const packetIdentifier = openExchange(core, client, session, qos, sequence)
  if (packetIdentifier < 0) {
    pass(core, session, sequence, -1)
    return false
  }
  const remaining = remainingExpirySeconds(expiresAtMs, core.nowMs)
  emit(core, client, view, size, qos, retain, false, packetIdentifier, identifiers, remaining)
  beginAlike(core, client, session, record, view, sequence, qos, retain)
  return true
}

/** So many messages more or less wait for the session: one it was handed before, one that is lost, one it comes to again. */
const pass = (core: Core, session: Session, sequence: number, messages: number): void => {
  const topicId = core.log.topicAt(sequence)
  if (topicId < 0) return
  for (const subscription of session.subscriptions.values()) {
    const { filter } = subscription
    if ((subscription.at(sequence)?.qos ?? 0) === 0 || !core.bitmaps.matches(filter.id, filter.text, topicId)) continue
    subscription.pass(messages)
  }
}
