/**
 * Hands one message to every live subscriber: No Local, Retain As Published, effective QoS, one copy per
 * session where subscriptions overlap.
 *
 *   entry.matched (filters) ──▶ filter.live (subscriptions) ──▶ session
 *     QoS 0                  at once; dropped with a ledger row when the client's outbox is full
 *     QoS 1 and 2, live      at once, through the window
 *     QoS 1 and 2, full      it waits in memory (wait-in-memory.ts), or where that is none or full the session
 *                            falls back: its cursor is this message, the log has it, it reads on from there
 *                            when it can (catch-up.ts)
 *     QoS 1 and 2, not live  nothing: its reader will come to it
 *
 * Invariants
 * - Nothing here closes a connection or changes a filter's live list: the loops walk it directly.
 * - A session is collected at most once per round (`session.round`), with the highest QoS of its matches and
 *   all their identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-4]; No Local removes only its own match.
 * - A message that somebody must read later is in the log: either it was appended before (a log reader
 *   matched) or it is appended at the first fall-back, and then has not been handed to anybody twice.
 */

import { assert } from "../base/assert.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { Filter, LiveSubscription, TopicEntry } from "../router/router.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { ShareGroup } from "../session/share-group.ts"
import type { Subscription } from "../session/subscription.ts"
import { Judgement, judge } from "../store/judge.ts"
import { append } from "./append.ts"
import { type Client, clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { mustWaitToDeliver } from "./delivery-rate.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { isCrowded } from "./hold-back.ts"
import { awaitStore, openExchange } from "./open-exchange.ts"
import { isFree, mayHand } from "./permissions.ts"
import type { RateBucket } from "./rate-bucket.ts"
import { dropReasonOf } from "./refusals.ts"
import { fallBack } from "./session-mode.ts"
import { handToGroup } from "./shared.ts"
import { waitInMemory } from "./wait-in-memory.ts"

/** The message being delivered. One at a time, so one set of registers. */
class Delivery {
  entry: TopicEntry<Session> | undefined = undefined
  /** Log position, -1 while the message is in no log. */
  sequence = -1
  publisher = 0
  expiresAtMs = Number.POSITIVE_INFINITY
  /** Frames in the run that view.frameEnd covers. */
  frames = 1
  /** The log showed it some time after it was published: what held then counts, and it may have expired. */
  late = false
  receivers = 0
  /** Of these, sessions for which it waits in memory, and that of them with the fewest waiting. */
  waiting = 0
  waitsFor: Session | undefined = undefined
}
const delivery = new Delivery()
const collected: Array<Session> = []
const judgement = new Judgement(false)

/**
 * Delivers `view` to the live subscribers of `entry` and answers how many sessions it is for (sent or
 * waiting in the log). `frames` > 1: view spans a run of QoS 0 frames alike but for their payloads.
 */
export const deliver = (
  core: Core,
  view: PublishView,
  entry: TopicEntry<Session>,
  sequence: number,
  publisher: number,
  expiresAtMs: number,
  frames: number
): number => {
  delivery.entry = entry
  delivery.sequence = sequence
  delivery.publisher = publisher
  delivery.expiresAtMs = expiresAtMs
  delivery.frames = frames
  delivery.late = false
  delivery.receivers = 0
  delivery.waiting = 0
  const { only } = entry
  if (only !== undefined && only.replays === 0) deliverToFilter(core, view, only)
  else if (entry.matched.length > 0) deliverMerged(core, view, entry.matched)
  if (delivery.waiting > 0) settleCrowd(core)
  return delivery.receivers
}

/** Where all wait for room the publisher may have to wait with them [HOLD-1]. */
const settleCrowd = (core: Core): void => {
  const { receivers, waiting, waitsFor } = delivery
  delivery.waitsFor = undefined
  if (waiting === receivers && waitsFor !== undefined && isCrowded(core, waitsFor)) core.crowded = waitsFor
}

/** The same for `core.record`, which the log showed some time after append(): judged by what held then. */
export const deliverLate = (core: Core, view: PublishView, entry: TopicEntry<Session>): void => {
  const { expiresAtMs, publisher, sequence, topicId } = core.record
  delivery.entry = entry
  delivery.sequence = sequence
  delivery.publisher = publisher
  delivery.expiresAtMs = expiresAtMs
  delivery.frames = 1
  delivery.late = true
  const round = ++core.round
  collected.length = 0
  for (const filter of entry.matched) {
    for (const subscription of filter.live) {
      const { group, subscriber } = subscription as LiveSubscription<Session> as Subscription
      if (group !== undefined) shareMessages(core, view, group)
      else if (subscriber.round !== round) collected.push(subscriber)
      subscriber.round = round
    }
  }
  for (const session of collected) {
    const subscriptions = session.subscriptions.values()
    judge(judgement, subscriptions, core.bitmaps, topicId, sequence, publisher, view.qos, view.retain)
    const { identifiers, qos, retain } = judgement
    if (qos >= 0) hand(core, view, session, qos, retain, identifiers)
  }
}

/** The usual case: one filter matches, so nobody can be in it twice. */
const deliverToFilter = (core: Core, view: PublishView, { live, sole }: Filter<Session>): void => {
  if (sole !== undefined) deliverTo(core, view, sole as Subscription)
  else for (let i = 0; i < live.length; i++) deliverTo(core, view, live[i] as LiveSubscription<Session> as Subscription)
}

const deliverTo = (core: Core, view: PublishView, subscription: Subscription): void => {
  if (subscription.group !== undefined) {
    shareMessages(core, view, subscription.group)
    return
  }
  const session = subscription.subscriber
  if (subscription.noLocal && session.number === delivery.publisher) return // [MQTT-3.8.3-3]
  const qos = subscription.qos < view.qos ? subscription.qos : view.qos // [MQTT-3.8.4-8]
  const retain = view.retain && subscription.retainAsPublished // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
  hand(core, view, session, qos, retain, subscription.identifiers)
}

const deliverMerged = (core: Core, view: PublishView, matched: ReadonlyArray<Filter<Session>>): void => {
  const round = ++core.round
  collected.length = 0
  for (let f = 0; f < matched.length; f++) {
    const live = (matched[f] as Filter<Session>).live
    for (let i = 0; i < live.length; i++) {
      const subscription = live[i] as LiveSubscription<Session> as Subscription
      // A shared match is a separate copy, whatever else the member subscribes to.
      if (subscription.group !== undefined) shareMessages(core, view, subscription.group)
      else if (!isReplayed(core, view, subscription)) collect(view, subscription, round)
    }
  }
  for (let i = 0; i < collected.length; i++) {
    const session = collected[i] as Session
    hand(core, view, session, session.roundQos, session.roundRetain, session.roundIdentifiers)
  }
}

/**
 * Will its own replay come to it? What is logged for it does; what is in no log it has to be handed now. A topic keeps
 * history or it does not, so the order within it stays [MQTT-4.6.0-6].
 */
const isReplayed = (core: Core, view: PublishView, subscription: Subscription): boolean => {
  if (!subscription.isReplaying || delivery.sequence < 0) return false // [RPL-1]
  if (subscription.qos > 0 && view.qos > 0) return true
  return core.log.history?.keeps(delivery.entry as TopicEntry<Session>) === true
}

const collect = (view: PublishView, subscription: Subscription, round: number): void => {
  const session = subscription.subscriber
  if (subscription.noLocal && session.number === delivery.publisher) return
  const qos = subscription.qos < view.qos ? subscription.qos : view.qos
  const retain = view.retain && subscription.retainAsPublished
  if (session.round !== round) {
    session.round = round
    session.roundQos = qos
    session.roundRetain = retain
    session.roundIdentifiers = subscription.identifiers
    collected.push(session)
    return
  }
  if (qos > session.roundQos) session.roundQos = qos // [MQTT-3.3.4-2]
  if (retain) session.roundRetain = true
  if (subscription.identifiers !== undefined) {
    session.roundIdentifiers =
      session.roundIdentifiers === undefined
        ? subscription.identifiers
        : [...session.roundIdentifiers, ...subscription.identifiers] // [MQTT-3.3.4-4]
  }
}

const hand = (
  core: Core,
  view: PublishView,
  session: Session,
  qos: number,
  retain: boolean,
  identifiers: ReadonlyArray<number> | undefined
): void => {
  const client = clientOf(session)
  assert(client !== undefined, "a live subscription has a connection")
  // What it will come to in the log is judged then.
  const isNow = qos === 0 || session.mode === SessionMode.live
  if (isNow && !isFree(client) && !mayHandNow(core, client, qos)) return // [ACL-1]
  delivery.receivers += 1
  if (delivery.late && delivery.expiresAtMs <= core.nowMs && (qos === 0 || session.mode === SessionMode.live)) {
    drop(core, client, DropReason.messageExpired, 1) // [MQTT-3.3.2-5]
  } else if (qos === 0) handNow(core, view, client, retain, identifiers)
  else if (session.mode === SessionMode.live) handWindowed(core, view, session, client, qos, retain, identifiers)
  else assert(delivery.sequence >= 0, "what a reader waits for is in the log")
}

const mayHandNow = (core: Core, client: Client, qos: number): boolean =>
  mayHand(core, client, delivery.entry as TopicEntry<Session>, qos, false, delivery.frames, delivery.sequence)

const handNow = (
  core: Core,
  view: PublishView,
  client: Client,
  retain: boolean,
  identifiers: ReadonlyArray<number> | undefined
): void => {
  if (client.connection.outbox.congested) {
    drop(core, client, DropReason.outgoingBufferFull, delivery.frames)
    return
  }
  if (client.delivering !== undefined) {
    handThrottled(core, view, client, client.delivering, retain, identifiers)
    return
  }
  if (delivery.frames > 1) {
    handRun(core, view, client, identifiers)
    return
  }
  const size = emitSize(client, view, 0, identifiers)
  if (size < 0) drop(core, client, DropReason.packetTooLarge, 1)
  else emit(core, client, view, size, 0, retain, false, 0, identifiers, remainingSeconds(core))
}

/** QoS 0 to a client with a delivery rate: what is above it is lost to this client. */
const handThrottled = (
  core: Core,
  view: PublishView,
  client: Client,
  throttle: RateBucket,
  retain: boolean,
  identifiers: ReadonlyArray<number> | undefined
): void => {
  const handOne = (): void => {
    if (throttle.isEmpty(core.loopMs)) {
      drop(core, client, DropReason.deliveryRate, 1)
      return
    }
    const size = emitSize(client, view, 0, identifiers)
    if (size < 0) drop(core, client, DropReason.packetTooLarge, 1)
    else emit(core, client, view, size, 0, retain, false, 0, identifiers, remainingSeconds(core))
  }
  if (delivery.frames > 1) eachFrame(core, view, handOne)
  else handOne()
}

/** At once nothing of the interval has passed. */
const remainingSeconds = (core: Core): number =>
  delivery.late ? remainingExpirySeconds(delivery.expiresAtMs, core.nowMs) : -1

/** One message, or each of a run, to one member of the group. */
const shareMessages = (core: Core, view: PublishView, group: ShareGroup): void => {
  const { expiresAtMs, frames, late, publisher, sequence } = delivery
  delivery.receivers += 1
  if (frames === 1) handToGroup(core, group, view, sequence, publisher, expiresAtMs, late)
  else eachFrame(core, view, () => handToGroup(core, group, view, sequence, publisher, expiresAtMs, late))
}

/** A run of QoS 0 frames: one copy where the receiver takes the publisher's bytes as they are, else one by one. */
const handRun = (
  core: Core,
  view: PublishView,
  client: Client,
  identifiers: ReadonlyArray<number> | undefined
): void => {
  if (
    identifiers === undefined &&
    client.outgoingAliases === undefined &&
    client.isVersion5 === view.isVersion5 &&
    client.maximumPacketSizeBytes >= core.limits.packetSizeBytesMax
  ) {
    const bytes = view.frameEnd - view.frameStart
    client.connection.outbox.append(view.buffer, view.frameStart, view.frameEnd)
    core.count[Counter.packetsOut + 3] = (core.count[Counter.packetsOut + 3] as number) + delivery.frames
    core.count[Counter.messagesOut] = (core.count[Counter.messagesOut] as number) + delivery.frames
    core.count[Counter.bytesOut] = (core.count[Counter.bytesOut] as number) + bytes
    const payloadBytes = bytes - delivery.frames * (view.payloadStart - view.frameStart)
    core.count[Counter.payloadOut] = (core.count[Counter.payloadOut] as number) + payloadBytes
    return
  }
  eachFrame(core, view, () => {
    const size = emitSize(client, view, 0, identifiers)
    if (size < 0) drop(core, client, DropReason.packetTooLarge, 1)
    else emit(core, client, view, size, 0, false, false, 0, identifiers, -1)
  })
}

/** Shows each frame of a run in the view, one after the other. Only where the run cannot be taken whole. */
export const eachFrame = (core: Core, view: PublishView, hand: () => void): void => {
  const { frameStart, frameEnd, payloadStart } = view
  const saved = { frameStart, frameEnd, payloadStart, topicStart: view.topicStart, topicEnd: view.topicEnd }
  for (let at = saved.frameStart; at < saved.frameEnd; ) {
    const length = core.codec.frameLength(view.buffer, at, saved.frameEnd, core.limits.packetSizeBytesMax)
    assert(typeof length === "number" && length > 0, "a run holds whole frames")
    const fault = core.codec.readPublish(view, view.buffer, at, at + length, view.isVersion5 ? 5 : 4)
    assert(fault === undefined, "the frames of a run are legal")
    hand()
    at += length
  }
  Object.assign(view, saved)
}

const handWindowed = (
  core: Core,
  view: PublishView,
  session: Session,
  client: Client,
  qos: number,
  retain: boolean,
  identifiers: ReadonlyArray<number> | undefined
): void => {
  const size = emitSize(client, view, qos, identifiers)
  if (size < 0) {
    drop(core, client, DropReason.packetTooLarge, 1) // skipped without taking a place in the window [MQTT-3.1.2-25]
    return
  }
  if (mustWait(core, session, client)) {
    handLater(core, view, session, client, qos, retain, identifiers)
    return
  }
  const packetIdentifier = openExchange(core, client, session, qos, delivery.sequence)
  if (packetIdentifier < 0) {
    awaitStore(core, client)
    handLater(core, view, session, client, qos, retain, identifiers)
    return
  }
  emit(core, client, view, size, qos, retain, false, packetIdentifier, identifiers, remainingSeconds(core))
}

/** There is no room, or something is in front of it [MQTT-4.6.0-6]. */
const mustWait = (core: Core, session: Session, client: Client): boolean => {
  if (session.window.full || client.connection.outbox.congested || client.resend.length > 0) return true
  if (session.waiting !== undefined && session.waiting.count > 0) return true
  return client.delivering !== undefined && mustWaitToDeliver(core, client, client.delivering)
}

/** It waits in memory, or the session's reader will come to it. */
const handLater = (
  core: Core,
  view: PublishView,
  session: Session,
  client: Client,
  qos: number,
  retain: boolean,
  identifiers: ReadonlyArray<number> | undefined
): void => {
  const { expiresAtMs, sequence } = delivery
  if (waitInMemory(core, client, session, view, qos, retain, identifiers, sequence, expiresAtMs)) {
    delivery.waiting += 1
    if (delivery.waitsFor === undefined || waitsLess(session, delivery.waitsFor)) delivery.waitsFor = session
    return
  }
  if (delivery.sequence < 0) appendLate(core, view)
  if (delivery.sequence < 0) drop(core, client, dropReasonOf[core.log.refusal], 1)
  else fallBack(core, session, client, Math.min(delivery.sequence, core.delivered)) // [MQTT-4.5.0-1]
}

const waitsLess = (a: Session, b: Session): boolean => (a.waiting?.count ?? 0) < (b.waiting?.count ?? 0)

/** Nothing durable asked for this message, but now somebody must read it later. Nobody is handed it a second time. */
const appendLate = (core: Core, view: PublishView): void => {
  const entry = delivery.entry as TopicEntry<Session>
  delivery.sequence = append(core, view, entry, delivery.publisher, delivery.expiresAtMs, 0)
}

const drop = (core: Core, client: Client, reason: DropReasonId, count: number): void => {
  const topic = (delivery.entry as TopicEntry<Session>).bytes.toString("utf8")
  const sequence = delivery.sequence >= 0 ? delivery.sequence : undefined
  core.ledger.add(reason, client.session?.clientIdentifier ?? "", topic, count, core.nowMs, sequence, sequence)
}
