/**
 * PUBLISH from a client: the path of one message, top to bottom. The same ten steps as in the body.
 *
 *    1 state and quota    2 alias        3 authorise     4 QoS 2 duplicate   5 stamp, expiry
 *    6 match              7 append       8 join commit   9 deliver          10 acknowledge when kept
 *
 * Steps 5 to 9 (`route`) are shared with wills and with messages the broker's host publishes.
 *
 * Invariants
 * - The acknowledgement stands below the append, here and in time: PUBACK and PUBREC leave when the log says
 *   that the message is kept (at once where nothing had to be logged).
 * - A QoS 2 message of a session that outlives the process is known by its packet identifier from then on: the log's
 *   record says it, or where there is none one of its own (Q2IN), before anybody is handed the message.
 * - A refused message changes nothing: no retained value, no log record, no packet identifier kept.
 * - Every message that somebody who asked for it will not get has a row in the drop ledger.
 */
import { Verdict } from "../access/access.ts"
import { PacketType } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import { Counter, countSizes } from "../metrics/counters.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { Filter, TopicEntry } from "../router/router.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import { LogReader } from "../store/log-reader.ts"
import { KeepLane } from "../store/ports.ts"
import { acknowledge, acknowledgeWhenKept, keptOf } from "./acknowledge.ts"
import { append } from "./append.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { deliver, eachFrame } from "./deliver.ts"
import {
  aliasTooLarge,
  aliasUnknown,
  qosNotSupported,
  receiveMaximumExceeded,
  retainNotSupported,
  storeRefuses,
  tooManyUserProperties,
  topicTooDeep,
  topicTooLong,
  userQuotaExceeded
} from "./faults.ts"
import { holdBack } from "./hold-back.ts"
import { bookDenied, isFree, publishVerdict } from "./permissions.ts"
import { noteReceipt } from "./receipts.ts"
import { dropReasonOf, faultOf } from "./refusals.ts"
import { keepRetained } from "./retained.ts"
import { waitingMessages } from "./session-mode.ts"
import { slowDown } from "./slow-down.ts"
import { hasTooManyUserProperties } from "./user-properties.ts"
import { takeQuota, type UserQuota } from "./user-quotas.ts"

/** The packet waits for an access decision: look at it again when the connection goes on. */
export const ASK = 1

const DOLLAR = 0x24
const SLASH = 0x2f
const ALIAS_SCRATCH_BYTES = 65_536
/** Sessions looked at to find out whether every target of a message is full. */
const FULL_TARGETS_MAX = 256

/** Takes the PUBLISH in `client.publishView`; `frames` > 1 when the view spans a run of QoS 0 frames. */
export const publish = (core: Core, client: Client, frames: number): Fault | typeof ASK | undefined => {
  let view = client.publishView
  const session = client.session as Session

  // 1 state and quota
  if (view.qos > core.limits.qosMax) return qosNotSupported // [MQTT-3.2.2-11]
  if (view.retain && !core.limits.retainAvailable) return retainNotSupported // [MQTT-3.2.2-14]
  if (hasTooManyUserProperties(core, view)) return tooManyUserProperties
  const isDuplicate = view.qos === 2 && session.incoming?.has(view.packetIdentifier) === true
  if (view.qos > 0 && !isDuplicate && client.incomingOpen >= core.limits.receiveMaximum && client.isVersion5) {
    return receiveMaximumExceeded // [MQTT-3.3.4-7]
  }

  // 2 alias
  let entry: TopicEntry<Session>
  if (view.topicAlias === 0) {
    const fault = extentFault(core, view)
    if (fault !== undefined) return fault
    entry = core.router.intern(view.buffer, view.topicStart, view.topicEnd)
  } else {
    const topic = resolveAlias(core, client, view)
    if (!Buffer.isBuffer(topic)) return topic
    entry = core.router.intern(topic, 0, topic.length)
    view = withoutAlias(view, topic)
  }

  // 3 authorise
  const verdict = authorise(core, client, entry, view, frames)
  if (verdict === Verdict.ask) return ASK
  countTaken(core, view, entry, frames)

  // 4 QoS 2 duplicate
  if (isDuplicate) return acknowledgeDuplicate(core, client, session, view.packetIdentifier)

  if (core.shedsQos0 && view.qos === 0 && verdict === Verdict.allow) return shed(core, client, entry, frames)
  if (client.quota !== undefined && verdict === Verdict.allow && isOverQuota(core, client, client.quota, view, frames))
    return refuseOver(core, client, entry, view, frames)

  // 5 to 9
  core.crowded = undefined
  const isSaved = view.qos === 2 && core.isDurable && session.persistent
  let outcome = routed
  if (verdict === Verdict.allow) {
    if (view.retain) noteSource(core, client, session)
    if (core.watch !== undefined) core.watch.from(session.clientIdentifier, client.connection.transport.peer)
    outcome = route(core, view, entry, session.number, frames, isSaved ? view.packetIdentifier : 0)
    core.source = undefined
  } else {
    outcome.reasonCode = ReasonCode.notAuthorized // [v3.1.1 MQTT-3.3.5-2]
    outcome.ticket = 0
    if (isSaved && !client.isVersion5) saveReceived(core, session.number, view.packetIdentifier)
    if (outcome.ticket < 0) return storeRefuses
    core.watch?.denying(client, view, entry)
    bookDenied(core, client, entry, frames, -1)
    core.watch?.denied()
  }

  // 10 acknowledge when kept
  if (view.qos === 0) return done(core, client, outcome.ticket)
  if (!client.isVersion5 && outcome.reasonCode === ReasonCode.quotaExceeded) return faultOf(outcome.drop)
  // MQTT 3.x has no negative acknowledgement: what was refused for good is acknowledged and dropped [v3.1.1 MQTT-3.3.5-2]
  if (view.qos === 2 && (outcome.reasonCode < 0x80 || !client.isVersion5)) {
    session.addIncoming(view.packetIdentifier) // [MQTT-4.3.3-10]
    client.incomingOpen += 1
    if (outcome.ticket > 0 && outcome.lane === KeepLane.durable) {
      session.incomingDurable ??= new Map()
      session.incomingDurable.set(view.packetIdentifier, outcome.ticket)
    }
    if (isSaved) core.markDirty(session)
  }
  if (client.receipts !== undefined) noteReceipt(core, client.receipts, view.packetIdentifier, entry, outcome)
  const type = view.qos === 1 ? PacketType.puback : PacketType.pubrec // [KEEP-1]
  if (outcome.ticket > keptOf(core, outcome.lane)) {
    if (view.qos === 1) client.incomingOpen += 1
    acknowledgeWhenKept(core, client, type, view.packetIdentifier, outcome.lane, outcome.ticket)
  } else {
    acknowledge(core, client, type, view.packetIdentifier, outcome.reasonCode) // [MQTT-4.3.2-4] [MQTT-4.3.3-8]
    core.meter?.acknowledgedAtOnce(view.qos)
  }
  return done(core, client, outcome.ticket)
}

/** Who publishes it is asked later: by those who look, and by the rules where any concern the client. */
const noteSource = (core: Core, client: Client, session: Session): void => {
  core.publishers.note(session.number, session.clientIdentifier, session.username)
  if (!isFree(client)) core.source = client.identity
}

/** The message is dealt with; its publisher may have to wait. */
const done = (core: Core, client: Client, ticket: number): undefined => {
  if (ticket > 0 || core.isMemoryTight) slowDown(core, client)
  if (core.crowded !== undefined) holdBack(core, client, core.crowded)
  return undefined
}

const isOverQuota = (core: Core, client: Client, quota: UserQuota, view: PublishView, frames: number): boolean =>
  !takeQuota(core, quota, client.session?.clientIdentifier ?? "", frames, view.frameEnd - view.frameStart)

/** [LIM-10] Its user's quota is used up. */
const refuseOver = (
  core: Core,
  client: Client,
  entry: TopicEntry<Session>,
  view: PublishView,
  frames: number
): Fault | undefined => {
  const { clientIdentifier } = client.session as Session
  core.watch?.denying(client, view, entry)
  core.ledger.add(DropReason.userQuota, clientIdentifier, entry.bytes.toString("utf8"), frames, core.nowMs)
  core.watch?.denied()
  if (view.qos === 0) return undefined
  if (!client.isVersion5) return userQuotaExceeded
  const type = view.qos === 1 ? PacketType.puback : PacketType.pubrec
  acknowledge(core, client, type, view.packetIdentifier, ReasonCode.quotaExceeded)
  return undefined
}

/** Memory is short: what nobody was promised goes first, and its publisher waits. */
const shed = (core: Core, client: Client, entry: TopicEntry<Session>, frames: number): undefined => {
  const { clientIdentifier } = client.session as Session
  core.ledger.add(DropReason.memoryCeiling, clientIdentifier, entry.bytes.toString("utf8"), frames, core.nowMs)
  slowDown(core, client)
  return undefined
}

/** Once per message: one that waits for a verdict is looked at twice. */
const countTaken = (core: Core, view: PublishView, entry: TopicEntry<Session>, frames: number): void => {
  const { count } = core
  count[Counter.messagesIn + view.qos] = (count[Counter.messagesIn + view.qos] as number) + frames
  const payloadBytes = view.frameEnd - view.frameStart - frames * (view.payloadStart - view.frameStart)
  count[Counter.payloadIn] = (count[Counter.payloadIn] as number) + payloadBytes
  countSizes(count, frames, payloadBytes)
  core.topicSeries?.count(entry, frames, payloadBytes)
}

/** Answered like the first of the two, and not earlier: that may still wait for the log's promise [KEEP-1]. */
const acknowledgeDuplicate = (core: Core, client: Client, session: Session, packetIdentifier: number): undefined => {
  const { durable, kept, ticket } = core.log
  const ownTicket = session.incomingDurable?.get(packetIdentifier) ?? 0
  if (ownTicket > durable) {
    acknowledgeWhenKept(core, client, PacketType.pubrec, packetIdentifier, KeepLane.durable, ownTicket)
  } else if (kept < ticket)
    acknowledgeWhenKept(core, client, PacketType.pubrec, packetIdentifier, KeepLane.policy, ticket)
  else acknowledge(core, client, PacketType.pubrec, packetIdentifier, ReasonCode.success) // [MQTT-4.3.3-10]
  return undefined
}

/** What became of the message routed last; `ticket` is 0 where nothing had to be kept, -1 where the store refused. */
const routed = {
  reasonCode: 0 as number,
  ticket: 0,
  lane: KeepLane.policy as number,
  receivers: 0,
  /** Why, where the reason code is 0x97. */
  drop: DropReason.quotaExceeded as DropReasonId
}

/** Q2IN: the message itself is in no log [KEEP-1]. */
const saveReceived = (core: Core, publisher: number, packetIdentifier: number): void => {
  routed.ticket = core.sessionStore.received(publisher, packetIdentifier)
  routed.lane = KeepLane.policy
}

/**
 * Steps 5 to 9. `publisher` is the publishing session's number, 0 for the broker itself; `packetIdentifier` its own at
 * QoS 2 where that has to be saved, else 0.
 */
export const route = (
  core: Core,
  view: PublishView,
  entry: TopicEntry<Session>,
  publisher: number,
  frames: number,
  packetIdentifier = 0
): typeof routed => {
  const { watch } = core
  if (watch === undefined) return routeMessage(core, view, entry, publisher, frames, packetIdentifier)
  if (frames > 1 && watch.wantsEachOf(entry, frames)) return routeEach(core, view, entry, publisher)
  const seen = watch.begin(view, entry, frames)
  const outcome = routeMessage(core, seen, entry, publisher, frames, packetIdentifier)
  watch.routed()
  return outcome
}

const routeMessage = (
  core: Core,
  view: PublishView,
  entry: TopicEntry<Session>,
  publisher: number,
  frames: number,
  packetIdentifier: number
): typeof routed => {
  // 5 stamp, expiry
  const expiresAtMs =
    view.messageExpiryIntervalSeconds < 0
      ? Number.POSITIVE_INFINITY
      : core.nowMs + view.messageExpiryIntervalSeconds * 1000

  // 6 match
  const isHistory = core.log.history?.keeps(entry) === true
  if (isHistory && frames > 1) return routeEach(core, view, entry, publisher)
  let sequence = -1
  routed.reasonCode = ReasonCode.success
  routed.ticket = 0
  routed.lane = KeepLane.policy
  if (entry.only === undefined && entry.matched.length === 0 && !view.retain && !isHistory) {
    if (packetIdentifier > 0) saveReceived(core, publisher, packetIdentifier)
    if (routed.ticket < 0) return refuse(core, entry, DropReason.logBusy)
    routed.receivers = 0
    if (view.qos > 0) noSubscribers(core, view, entry, false)
    return routed
  }

  // 7 append and 8 join the commit: only where something needs to find it later, be it a replay,
  // and, so that nothing overtakes it, behind records that the log has not shown yet [MQTT-4.6.0-6]
  const mayBeRead = view.qos > 0 && (somebodyReads(entry) || core.delivered < core.log.next)
  // [RPL-4]
  if (view.retain || mayBeRead || isHistory) {
    if (view.qos > 0 && !view.retain && onlyFullTargets(core, entry.matched, view.frameEnd - view.frameStart)) {
      return refuse(core, entry, DropReason.quotaExceeded)
    }
    sequence = append(core, view, entry, publisher, expiresAtMs, packetIdentifier)
    if (sequence < 0) return refuse(core, entry, dropReasonOf[core.log.refusal])
    routed.ticket = core.log.ticket
    routed.lane = core.log.lane
    if (view.retain) keepRetained(core, view, entry, publisher, sequence, expiresAtMs)
  } else if (packetIdentifier > 0) {
    // [KEEP-1] [KEEP-3]
    saveReceived(core, publisher, packetIdentifier)
    if (routed.ticket < 0) return refuse(core, entry, DropReason.logBusy)
  }

  // 9 deliver
  if (sequence >= 0 && core.log.next > core.tailSeen) {
    // The log shows its tail later (onTail): it delivers then. Whoever matches now counts as receiver.
    routed.receivers = entry.matched.length
    return routed
  }
  const nextBefore = core.log.next
  routed.receivers = deliver(core, view, entry, sequence, publisher, expiresAtMs, frames)
  if (sequence >= 0) core.delivered = sequence + 1
  if (core.log.next !== nextBefore) handedLate(core, nextBefore)
  if (routed.receivers === 0 && view.qos > 0 && !somebodyReads(entry)) noSubscribers(core, view, entry, isHistory)
  return routed
}

/** Each of a run is a record of its own. */
const routeEach = (core: Core, view: PublishView, entry: TopicEntry<Session>, publisher: number): typeof routed => {
  eachFrame(core, view, () => void route(core, view, entry, publisher, 1))
  return routed
}

/** A message was appended while it was delivered, because a session fell back. */
const handedLate = (core: Core, sequence: number): void => {
  if (core.tailSeen > sequence) core.delivered = Math.max(core.delivered, sequence + 1)
  else core.handedBeforeTail.add(sequence)
}

/** Filters are matched but nobody counts: offline persistent sessions are readers, live ones are receivers. */
const somebodyReads = ({ matched, only }: TopicEntry<Session>): boolean => {
  if (only !== undefined) return only.logReaders > 0
  for (let i = 0; i < matched.length; i++) if ((matched[i] as Filter<Session>).logReaders > 0) return true
  return false
}

/** What is kept as history is not lost. */
const noSubscribers = (core: Core, view: PublishView, entry: TopicEntry<Session>, isHistory: boolean): void => {
  routed.reasonCode = ReasonCode.noMatchingSubscribers
  if (!view.retain && !isHistory)
    core.ledger.add(DropReason.noSubscriber, "", entry.bytes.toString("utf8"), 1, core.nowMs)
}

const refuse = (core: Core, entry: TopicEntry<Session>, reason: DropReasonId): typeof routed => {
  core.ledger.add(reason, "", entry.bytes.toString("utf8"), 1, core.nowMs)
  routed.reasonCode = ReasonCode.quotaExceeded
  routed.drop = reason
  routed.ticket = 0
  routed.receivers = 0
  return routed
}

/** Would keeping this message only push out older ones that the very same sessions still wait for? Then refuse it (0x97). */
const onlyFullTargets = (core: Core, matched: ReadonlyArray<Filter<Session>>, sizeBytes: number): boolean => {
  const below = core.log.wouldDropBelow(sizeBytes)
  if (below < 0) return false
  let looked = 0
  for (const filter of matched) {
    for (const live of filter.live as Array<Subscription>) {
      if (live.subscriber.mode === SessionMode.live || live.qos === 0) return false
    }
    if (filter.logReaders === 0) continue
    for (const subscription of core.logReadersOf(filter)) {
      if (!waitsBelow(core, subscription, below) || ++looked > FULL_TARGETS_MAX) return false
    }
  }
  return true
}

/** A cursor left far behind by other people's messages is not a full session: something of its own must lie there. */
const waitsBelow = (core: Core, { group, subscriber }: Subscription, below: number): boolean => {
  if (subscriber.cursor >= below) return false
  if (group !== undefined) return true
  if (waitingMessages(subscriber) === 0) return false
  const reader = new LogReader(core.log, core.bitmaps)
  reader.seek(Math.max(subscriber.cursor, core.log.first), [...subscriber.subscriptions.values()])
  return reader.next(below) >= 0
}

const aliasResolved = new PublishView()
let aliasScratch = Buffer.allocUnsafe(ALIAS_SCRATCH_BYTES)

/** The frame with its topic in place of the alias: an alias means something on its own connection only [MQTT-3.3.2-3]. */
const withoutAlias = (view: PublishView, topic: Buffer): PublishView => {
  const size = canonicalPublishSize(view, topic.length)
  if (aliasScratch.length < size) aliasScratch = Buffer.allocUnsafe(size)
  const target = aliasScratch
  if (size > ALIAS_SCRATCH_BYTES) aliasScratch = Buffer.allocUnsafe(ALIAS_SCRATCH_BYTES)
  writeCanonicalPublish(target, 0, view, topic)
  viewTrusted(aliasResolved, target, 0, size, true)
  aliasResolved.packetIdentifier = view.packetIdentifier
  return aliasResolved
}

/** Length and depth of the topic as sent. n bytes are at most n + 1 levels, so that short topics are not looked through. */
const extentFault = (core: Core, view: PublishView): Fault | undefined => {
  const { topicLengthBytesMax, topicLevelsMax } = core.limits
  const { buffer, topicEnd, topicStart } = view
  const bytes = topicEnd - topicStart
  if (bytes > topicLengthBytesMax) return topicTooLong
  if (bytes < topicLevelsMax) return undefined
  let levels = 1
  for (let at = topicStart; at < topicEnd; at++) if (buffer[at] === SLASH) levels++
  return levels > topicLevelsMax ? topicTooDeep : undefined
}

const resolveAlias = (core: Core, client: Client, view: PublishView): Buffer | Fault => {
  if (view.topicAlias > core.limits.topicAliasMaximum) return aliasTooLarge // [MQTT-3.3.2-9]
  client.aliases ??= []
  if (view.topicEnd > view.topicStart) {
    const fault = extentFault(core, view)
    if (fault !== undefined) return fault
    const topic = Buffer.from(view.buffer.subarray(view.topicStart, view.topicEnd))
    client.aliases[view.topicAlias] = topic // [MQTT-3.3.2-12]
    return topic
  }
  return client.aliases[view.topicAlias] ?? aliasUnknown // [MQTT-3.3.2-7]
}

/** Step 3; one of Verdict. */
const authorise = (
  core: Core,
  client: Client,
  entry: TopicEntry<Session>,
  view: PublishView,
  frames: number
): number => {
  if (view.buffer[view.topicStart] === DOLLAR) return Verdict.deny // `$` topics are the server's [MQTT-4.7.2-1]
  if (isFree(client)) return Verdict.allow
  const verdict = verdictOn(core, client, entry, view)
  if (verdict === Verdict.ask) return verdict
  const decided = verdict === Verdict.deny ? Counter.publishDenied : Counter.publishAllowed
  core.count[decided] = (core.count[decided] as number) + frames
  return verdict
}

const verdictOn = (core: Core, client: Client, entry: TopicEntry<Session>, view: PublishView): number => {
  if (client.askedTopic !== undefined && client.askedTopic === entry.bytes.toString("utf8")) {
    client.askedTopic = undefined
    return client.askedVerdict
  }
  return publishVerdict(core, client, entry, view.qos, view.retain)
}
