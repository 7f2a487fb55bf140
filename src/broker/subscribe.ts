/**
 * SUBSCRIBE and UNSUBSCRIBE.
 *
 * A subscription takes effect at the log's head, in the same synchronous step in which SUBACK is queued:
 * what is published later matches, what was published before does not; retained messages fill that gap
 * (retained.ts).
 *
 * Invariants
 * - A packet with a filter that is not a filter changes nothing and ends the connection with 0x8F; a filter
 *   that may not be subscribed is answered in its place in SUBACK, and the others take effect [MQTT-3.9.3-1].
 * - Exactly one SUBACK, with one code per filter in the same order [MQTT-3.8.4-1] [MQTT-3.8.4-6].
 * - SUBACK goes out before retained messages of the same SUBSCRIBE.
 * - A persistent session's SUBACK and UNSUBACK leave when what they say is kept; what the store does not take is undone
 *   and refused.
 */
import { Verdict } from "../access/access.ts"
import type { SubscribeEntry, SubscribePacket, UnsubscribePacket } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import { parseReplayFilter } from "../router/replay-filter.ts"
import { TopicFault } from "../router/topic-fault.ts"
import { filterFault, hasWildcard, parseSharedFilter } from "../router/topic-filter.ts"
import { type Session, SessionMode } from "../session/session.ts"
import { INTERVALS_MAX, type SavedInterval, Subscription } from "../session/subscription.ts"
import { type Client, clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { notUnsubscribed, sharedNoLocal, tooManyFilters } from "./faults.ts"
import { holdUntilKept } from "./holds.ts"
import { queuePump } from "./pump-queue.ts"
import { beginReplay } from "./replay.ts"
import { pruneNow } from "./save-cursors.ts"
import { saveGroupLeft, saveMember, saveSubscription } from "./save-session.ts"
import { send } from "./send.ts"
import { holdUntilShown, releaseFilter, settleLogReading, stopReading } from "./session-mode.ts"
import { joinGroup, leaveGroup } from "./shared.ts"
import { maySubscribe } from "./users.ts"

const SHARE_PREFIX = "$share/"

/** What is wrong with the packet as a whole, before anything of it takes effect. */
export const judgeSubscribe = (core: Core, client: Client, packet: SubscribePacket): Fault | undefined => {
  if (packet.entries.length > core.limits.filtersPerPacketMax) return tooManyFilters
  for (const { filter, noLocal } of packet.entries) {
    const fault = filterFault(filter, core.limits.topicLevelsMax) // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
    if (fault !== undefined) return fault
    if (client.isVersion5 && noLocal && filter.startsWith(SHARE_PREFIX)) return sharedNoLocal // [MQTT-3.8.3-4]
  }
  return undefined
}

export const receiveSubscribe = (
  core: Core,
  client: Client,
  packet: SubscribePacket,
  verdicts: ReadonlyArray<number>
): void => {
  const session = client.session as Session
  saves.ticket = 0
  const identifier = packet.properties.subscriptionIdentifier ?? 0
  const codes = packet.entries.map((entry, i) => subscribe(core, client, session, entry, identifier, verdicts[i]))
  settleLogReading(core, session)
  learnAgain(core, client, session)
  holdUntilKept(core, client, saves.ticket) // [RST-8]
  const told = client.isVersion5 ? codes : codes.map((code, i) => code3(client, code, packet.entries[i]?.qos ?? 0))
  answer(core, client, core.codec.encodeSuback(client.version, packet.packetIdentifier, told, {})) // [MQTT-3.8.4-2]
  if (session.retainedCursors.length + session.replayCursors.length > 0) queuePump(core, client)
}

/** Of the packet at work: the ticket of what was saved last, and so of everything that was. */
const saves = { ticket: 0 }

/** False where the store took it not. */
const isTaken = (ticket: number): boolean => {
  if (ticket > saves.ticket) saves.ticket = ticket
  return ticket >= 0
}

/** One filter; answers its reason code. */
const subscribe = (
  core: Core,
  client: Client,
  session: Session,
  entry: SubscribeEntry,
  subscriptionIdentifier: number,
  verdict: number | undefined
): number => {
  const { limits } = core
  const decided = verdict === Verdict.allow ? Counter.subscribeAllowed : Counter.subscribeDenied
  core.count[decided] = (core.count[decided] as number) + 1
  if (verdict !== Verdict.allow) return ReasonCode.notAuthorized
  const qos = Math.min(entry.qos, limits.qosMax) // [MQTT-3.2.2-10]
  const held = session.subscriptions.size + (session.shared?.size ?? 0)
  if (Buffer.byteLength(entry.filter) > limits.topicLengthBytesMax) return ReasonCode.topicFilterInvalid
  const replay = parseReplayFilter(entry.filter)
  if (replay instanceof TopicFault) return ReasonCode.topicFilterInvalid
  if (replay !== undefined && core.log.history === undefined) return ReasonCode.implementationSpecificError
  if (entry.filter.startsWith(SHARE_PREFIX)) {
    if (!limits.sharedAvailable) return ReasonCode.sharedSubscriptionsNotSupported
    if (session.shared?.has(entry.filter) !== true) {
      if (held >= limits.subscriptionsPerClientMax || !maySubscribe(core, client)) return ReasonCode.quotaExceeded
    }
    return share(core, session, entry, qos, subscriptionIdentifier)
  }
  const before = session.subscriptions.get(entry.filter)
  const isNew = before === undefined || !before.active
  if (isNew && (held >= limits.subscriptionsPerClientMax || !maySubscribe(core, client)))
    return ReasonCode.quotaExceeded
  if (!limits.wildcardAvailable && (before?.filter.hasWildcard ?? /[+#]/.test(entry.filter))) {
    return ReasonCode.wildcardSubscriptionsNotSupported
  }
  const filter = replay?.filter ?? entry.filter
  const subscription = before ?? new Subscription(session, core.router.acquire(filter), replay !== undefined)
  const wasReading = !isNew && subscription.qos > 0
  const { noLocal, retainAsPublished } = entry
  const at = core.log.next
  if (subscription.intervals.length >= INTERVALS_MAX) pruneNow(core, session, subscription)
  const history = subscription.history()
  if (!subscription.open({ qos, noLocal, retainAsPublished, subscriptionIdentifier }, at))
    return ReasonCode.quotaExceeded
  session.subscriptions.set(entry.filter, subscription) // replaces [MQTT-3.8.4-3]
  const { replayCursors, retainedCursors } = session
  const cursorsBefore = retainedCursors.length
  const { seam } = subscription
  const wantsRetained = entry.retainHandling === 0 || (entry.retainHandling === 1 && isNew) // [MQTT-3.3.1-9..11]
  if (replay !== undefined) {
    if (wantsRetained) beginReplay(core, session, subscription, entry.filter, replay.from, wasReading)
  } else if (wantsRetained && limits.retainAvailable) {
    // Looked through only where an earlier one of this subscription may be: n filters in a packet are n steps. [LIM-9]
    if (before !== undefined)
      session.retainedCursors = retainedCursors.filter((cursor) => cursor.subscription !== subscription)
    session.retainedCursors.push({ subscription, sequence: at, after: undefined, handed: undefined })
  }
  if (!isTaken(saveSubscription(core, session, entry.filter))) {
    retainedCursors.length = cursorsBefore
    session.retainedCursors = retainedCursors
    session.replayCursors = replayCursors
    subscription.seam = seam
    undo(core, session, entry.filter, subscription, history)
    return ReasonCode.quotaExceeded
  }
  core.router.attach(subscription)
  if (isNew) core.count[Counter.subscriptionsMade] = (core.count[Counter.subscriptionsMade] as number) + 1
  return qos
}

/** As it was before the change that the store did not take. */
const undo = (
  core: Core,
  session: Session,
  text: string,
  subscription: Subscription,
  history: ReadonlyArray<SavedInterval>
): void => {
  subscription.bringBack(history)
  if (history.length > 0) return
  session.subscriptions.delete(text)
  releaseFilter(core, subscription)
}

/** `$share/<name>/<filter>`: a place among the members of the group. Nothing retained is sent for it. */
const share = (core: Core, session: Session, entry: SubscribeEntry, qos: number, identifier: number): number => {
  const shared = parseSharedFilter(entry.filter)
  if (shared === undefined || !("filter" in shared)) return ReasonCode.topicFilterInvalid
  if (!core.limits.wildcardAvailable && hasWildcard(shared.filter)) return ReasonCode.wildcardSubscriptionsNotSupported
  const isNew = session.shared?.has(entry.filter) !== true
  const { retainAsPublished } = entry
  const options = { qos, retainAsPublished, subscriptionIdentifier: identifier }
  const ticket = saveMember(core, session, entry.filter, options)
  if (!isTaken(ticket)) return ReasonCode.quotaExceeded
  const identifiers = identifier === 0 ? undefined : [identifier]
  const group = joinGroup(core, session, entry.filter, shared.filter, { qos, retainAsPublished, identifiers })
  if (ticket > 0) group.isSaved = true
  if (isNew) core.count[Counter.subscriptionsMade] = (core.count[Counter.subscriptionsMade] as number) + 1
  return qos
}

/**
 * MQTT 3.1.1 knows one failure code [v3.1.1 MQTT-3.9.3-2]; 3.1 knows none: there the wish is repeated and nothing is
 * delivered [v3.1 3.9-granted].
 */
const code3 = (client: Client, code: number, wishedQos: number): number => {
  if (code < 0x80) return code
  return client.version === 4 ? 0x80 : wishedQos
}

export const receiveUnsubscribe = (core: Core, client: Client, packet: UnsubscribePacket): Fault | undefined => {
  if (packet.filters.length > core.limits.filtersPerPacketMax) return tooManyFilters
  for (const filter of packet.filters) {
    const fault = filterFault(filter, core.limits.topicLevelsMax)
    if (fault !== undefined) return fault
  }
  const session = client.session as Session
  holdUntilShown(core, session, client)
  saves.ticket = 0
  const codes = packet.filters.map((filter) => unsubscribe(core, session, filter))
  learnAgain(core, client, session)
  // MQTT 3.x cannot be told in UNSUBACK.
  if (!client.isVersion5 && codes.includes(ReasonCode.implementationSpecificError)) return notUnsubscribed
  holdUntilKept(core, client, saves.ticket)
  answer(core, client, core.codec.encodeUnsuback(client.version, packet.packetIdentifier, codes, {})) // [MQTT-3.10.4-4]
  return undefined
}

/** The same for somebody else than the client, connected or not. False: it has none, or the store takes nothing now. */
export const removeSubscription = (core: Core, session: Session, filter: string): boolean => {
  const client = clientOf(session)
  if (client !== undefined) holdUntilShown(core, session, client)
  saves.ticket = 0
  const code = unsubscribe(core, session, filter)
  if (client !== undefined) learnAgain(core, client, session)
  return code === ReasonCode.success
}

/** Exact text, no matching [MQTT-3.10.4-1]. What is in flight or waits in the log is still delivered [MQTT-3.10.4-3]. */
const unsubscribe = (core: Core, session: Session, filter: string): number => {
  const group = session.shared?.get(filter)
  if (group !== undefined) {
    if (!isTaken(saveSubscription(core, session, filter))) return ReasonCode.implementationSpecificError
    leaveGroup(core, session, group, DropReason.unsubscribedBacklog)
    saveGroupLeft(core, group)
    core.count[Counter.subscriptionsRemoved] = (core.count[Counter.subscriptionsRemoved] as number) + 1
    return ReasonCode.success
  }
  const subscription = session.subscriptions.get(filter)
  if (subscription === undefined || !subscription.active) return ReasonCode.noSubscriptionExisted
  const { replayCursors, retainedCursors } = session
  const history = subscription.history()
  subscription.close(core.log.next) // [MQTT-3.10.4-2]
  if (subscription.isReplaying) subscription.intervals = []
  else pruneNow(core, session, subscription)
  session.replayCursors = replayCursors.filter((cursor) => cursor.subscription !== subscription)
  session.retainedCursors = retainedCursors.filter((cursor) => cursor.subscription !== subscription)
  if (!isTaken(saveSubscription(core, session, filter))) {
    session.retainedCursors = retainedCursors
    session.replayCursors = replayCursors
    subscription.bringBack(history)
    return ReasonCode.implementationSpecificError
  }
  core.router.detach(subscription)
  stopReading(core, subscription)
  if (subscription.isReplaying && subscription.waiting > 0) {
    const { clientIdentifier } = session
    core.ledger.add(DropReason.unsubscribedBacklog, clientIdentifier, "", subscription.waiting, core.nowMs)
  }
  if (subscription.intervals.length === 0) {
    session.subscriptions.delete(filter)
    releaseFilter(core, subscription)
  }
  core.count[Counter.subscriptionsRemoved] = (core.count[Counter.subscriptionsRemoved] as number) + 1
  return ReasonCode.success
}

/** A running reader follows the subscriptions it was given: give it the new ones, at the same position [MQTT-4.5.0-1]. */
const learnAgain = (core: Core, client: Client, session: Session): void => {
  if (session.mode !== SessionMode.catchingUp) return
  core.readerOf(client).seek(session.cursor, [...session.subscriptions.values()])
}

/** Exactly one answer per packet; a client that cannot take it cannot go on. */
const answer = (core: Core, client: Client, packet: Buffer): void => {
  if (send(core, client, packet)) return
  closeClient(core, client, "server", ReasonCode.packetTooLarge, "the answer is above the client's Maximum Packet Size")
}
