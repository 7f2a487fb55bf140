/**
 * Repeats open exchanges after a session was resumed: PUBLISH with DUP and its old packet identifier, or
 * PUBREL, in the order in which the messages were first sent [MQTT-4.4.0-1] [MQTT-4.6.0-1]. Never on a live
 * connection.
 *
 * Invariants
 * - At most the new window is open at a time: what does not fit waits until an acknowledgement makes room.
 * - New messages wait until everything has been repeated, so the order per topic stays.
 * - A message already sent is repeated even when it has expired meanwhile [MQTT-4.3.3-7].
 */
import { PacketType } from "../codec/codec.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import type { Session } from "../session/session.ts"
import { Judgement, judge } from "../store/judge.ts"
import { acknowledge, saveDone } from "./acknowledge.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { dropRecord } from "./drop-record.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { entryOf, isFree, mayRead } from "./permissions.ts"
import { isAtHand } from "./read-ahead.ts"
import type { ReplayInFlight } from "./replay.ts"
import type { RetainedInFlight } from "./retained.ts"
import { endExchange } from "./share-exchange.ts"

const view = new PublishView()
const judgement = new Judgement(false)

/** Repeats what fits; true when nothing is left to repeat. */
export const resendNext = (core: Core, client: Client, session: Session): boolean => {
  const { outbox } = client.connection
  let done = 0
  while (done < client.resend.length) {
    const held = client.resend.length - done
    if (session.window.inFlight - held >= session.window.limit) break
    if (outbox.congested) {
      outbox.awaitDrain()
      break
    }
    const id = client.resend[done] as number
    if (!isReadable(core, client, session, id)) break // [MQTT-4.6.0-1]
    repeat(core, client, session, id)
    done += 1
  }
  if (done > 0) client.resend = client.resend.slice(done)
  return client.resend.length === 0
}

/** PUBREL and retained messages need no record; a record that is on the disk has to come first. */
const isReadable = (core: Core, client: Client, session: Session, id: number): boolean => {
  const state = session.window.state(id)
  if (state === ExchangeState.free || state === ExchangeState.awaitPubcomp) return true
  if (session.retainedInFlight?.has(id) === true) return true
  const sequence = session.window.sequence(id)
  return sequence < core.log.first || isAtHand(core, client, sequence)
}

const repeat = (core: Core, client: Client, session: Session, id: number): void => {
  const state = session.window.state(id)
  if (state === ExchangeState.free) return // acknowledged before it was its turn
  if (state === ExchangeState.awaitPubcomp) {
    acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success) // [MQTT-4.3.3-6] [v3.1.1 MQTT-4.3.3-1]
    return
  }
  const sequence = session.window.sequence(id)
  const held = session.retainedInFlight?.get(id) as RetainedInFlight | undefined
  const record = core.record
  if (held !== undefined) {
    const { message } = held
    viewTrusted(view, message.frame, 0, message.frame.length, message.isVersion5)
    judgement.qos = state
    judgement.retain = true
    judgement.identifiers = held.identifiers // [MQTT-3.3.4-3]
    record.expiresAtMs = message.expiresAtMs
  } else if (sequence >= 0 && core.log.read(sequence, record)) {
    viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
    const { publisher, topicId } = record
    judge(judgement, session.subscriptions.values(), core.bitmaps, topicId, sequence, publisher, view.qos, view.retain)
    const own = session.sharedInFlight?.get(id) ?? (session.replayInFlight?.get(id) as ReplayInFlight | undefined)
    if (own !== undefined) {
      judgement.retain = view.retain && own.retainAsPublished
      judgement.identifiers = own.identifiers
    }
  } else {
    const isOvertaken = sequence < core.log.first
    lose(core, session, id, sequence, isOvertaken ? DropReason.overtaken : DropReason.logRecordLost)
    return
  }
  const qos = state === ExchangeState.awaitPuback ? 1 : 2
  // [ACL-1]
  if (!isFree(client) && !mayRead(core, client, entryOf(core, view), qos, held !== undefined)) {
    lose(core, session, id, sequence, DropReason.notAuthorized)
    return
  }
  const size = emitSize(client, view, qos, judgement.identifiers)
  if (size < 0) {
    lose(core, session, id, sequence, DropReason.packetTooLarge)
    return
  }
  const remaining = remainingExpirySeconds(record.expiresAtMs, core.nowMs)
  emit(core, client, view, size, qos, judgement.retain, true, id, judgement.identifiers, remaining) // DUP [MQTT-3.3.1-1]
}

const lose = (core: Core, session: Session, id: number, sequence: number, reason: DropReasonId): void => {
  if (core.isDurable && session.persistent) saveDone(core, session, id)
  session.window.close(id)
  session.retainedInFlight?.delete(id)
  session.replayInFlight?.delete(id)
  endExchange(core, session, id)
  if (sequence >= 0) dropRecord(core, session, reason, core.log.topicAt(sequence), sequence)
  else core.ledger.add(reason, session.clientIdentifier, "", 1, core.nowMs)
}
