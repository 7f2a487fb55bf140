/**
 * Shared subscriptions at work: joining and leaving a group, handing its messages to members, and reading on
 * from the log when somebody has to wait. State in session/share-group.ts, the choice in session/share-strategy.ts.
 *
 * A QoS 1 or 2 message of a group is in the log while the group reads it (a member is at QoS > 0, or something
 * waits): a member may be lost before it acknowledges, and then another one gets the message from there.
 *
 * Invariants
 * - A group is live only with its cursor at D and nothing requeued; while it is not, all its QoS 1 and 2 messages
 *   come through its reader, in order.
 * - QoS 0 deliveries go to a connected member at once, or to nobody.
 * - Nothing retained is sent for `$share`, whatever Retain Handling says.
 * - Every QoS 1 and 2 message ends with a member, or in the ledger under the group's text.
 * - A group with a persistent member outlives the process: what it gives at QoS 2 is saved before it leaves, whoever
 *   gets it, its cursor and what waits is saved like a session's.
 *
 * A message too large for one member goes to another that can take it, and is dropped when no connected member
 * can [MQTT-3.1.2-25]. Only a key-ordered group drops it at once: somebody else would get it out of order.
 */
import { assert } from "../base/assert.ts"
import { PublishView } from "../codec/publish-view.ts"
import { publishProperties, viewTrusted } from "../codec/read-publish.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { TopicEntry } from "../router/router.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import { type Session, SessionMode } from "../session/session.ts"
import { type Member, type MemberOptions, ShareGroup } from "../session/share-group.ts"
import { type Candidate, chooseMember, isStrict } from "../session/share-strategy.ts"
import { clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { mustWaitToDeliver } from "./delivery-rate.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { awaitStore } from "./open-exchange.ts"
import { jump } from "./overtaken.ts"
import { entryOf, isFree, mayRead } from "./permissions.ts"
import { queueGroup } from "./pump-queue.ts"
import { isAtHandOfGroup } from "./read-ahead.ts"
import { leaveTail, setReading, stopReading, waitingMessages } from "./session-mode.ts"
import { beginExchange, endExchange, markGroup, saveGiven, wakeGroup, wakeGroups } from "./share-exchange.ts"

/** Messages one call hands over before it lets others have a turn. */
const HANDED_MAX = 1024
/** Strict strategies: messages passed over for a member without room, so that the others go on. */
const HELD_MAX = 256

const view = new PublishView()

/** Adds the session, or changes its options. A new group begins at the log's head. */
export const joinGroup = (
  core: Core,
  session: Session,
  text: string,
  filterText: string,
  options: MemberOptions
): ShareGroup => {
  let group = core.groups.get(text)
  if (group === undefined) {
    group = new ShareGroup(text, core.router.acquire(filterText), core.log.next)
    core.groups.set(text, group)
    core.router.attach(group.entry)
  }
  group.join(session, options)
  session.shared ??= new Map()
  session.shared.set(text, group)
  settle(core, group)
  wakeGroup(core, group)
  return group
}

/** The session is a member no more; what is open with it is still completed or, when it goes, returned. */
export const leaveGroup = (core: Core, session: Session, group: ShareGroup, reason: DropReasonId): void => {
  group.leave(session)
  session.shared?.delete(group.text)
  if (group.members.length > 0) {
    settle(core, group)
    wakeGroup(core, group)
    return
  }
  buryWaiting(core, group, reason)
  closeGroup(core, group)
}

/** Nobody is a member. */
export const closeGroup = (core: Core, group: ShareGroup): void => {
  stopReading(core, group.entry)
  core.router.detach(group.entry)
  core.router.release(group.entry.filter)
  core.groups.delete(group.text)
}

/**
 * The session's connection ended: QoS 1 messages it had not acknowledged go back to their groups. Only those whose
 * key is held by a QoS 2 message wait with it, for the order's sake, until the session itself ends.
 */
export const returnToGroups = (core: Core, session: Session, isSessionOver: boolean): void => {
  const keysHeld = isSessionOver ? undefined : keysHeldByQos2(session)
  for (const [id, { group, keys }] of session.sharedInFlight ?? []) {
    if (session.window.state(id) !== ExchangeState.awaitPuback) continue
    if (core.groups.get(group.text) !== group) continue // nobody else wants it: it stays with the session
    const key = keys?.get(id)
    if (key !== undefined && keysHeld?.get(group)?.has(key) === true) continue
    if (group.reader.mode === SessionMode.live) waitAt(core, group, core.delivered)
    group.requeue(session.window.sequence(id))
    markGroup(core, group)
    session.window.close(id)
    endExchange(core, session, id)
  }
  wakeGroups(core, session)
}

/** Key-ordered groups only: the keys whose QoS 2 messages wait for the session's return. */
const keysHeldByQos2 = (session: Session): Map<ShareGroup, Set<string>> | undefined => {
  let held: Map<ShareGroup, Set<string>> | undefined
  for (const [id, { group, keys }] of session.sharedInFlight ?? []) {
    const key = keys?.get(id)
    if (key === undefined || session.window.state(id) === ExchangeState.awaitPuback) continue
    held ??= new Map()
    const ofGroup = held.get(group)
    if (ofGroup === undefined) held.set(group, new Set([key]))
    else ofGroup.add(key)
  }
  return held
}

/**
 * A message has come for a group. `sequence` is -1 while it is in no log. `isLate`: the log shows it some time
 * after it was published.
 */
export const handToGroup = (
  core: Core,
  group: ShareGroup,
  message: PublishView,
  sequence: number,
  publisher: number,
  expiresAtMs: number,
  isLate: boolean
): void => {
  if (sequence >= 0 && group.entry.at(sequence) === undefined) return // older than the group
  const waits = message.qos > 0 && group.entry.readsLog
  if (waits && group.reader.mode !== SessionMode.live) {
    if (isStrict(core.limits.sharedStrategy)) wakeGroup(core, group)
    return // its reader will come to it
  }
  if (isLate && expiresAtMs <= core.nowMs) {
    drop(core, group, DropReason.messageExpired, message, sequence) // [MQTT-3.3.2-5]
    return
  }
  const member = choose(core, group, message, publisher) ?? (waits ? undefined : chooseAtOnce(core, group))
  if (member !== undefined && give(core, member, message, sequence, expiresAtMs)) return
  if (isAnyConnected(group) && !isAnyAbleToTake(group)) {
    drop(core, group, reasonNobodyTakes(group), message, sequence)
  } else if (waits) {
    waitAt(core, group, Math.min(sequence, core.delivered))
    awaitRoom(group)
  } else if (isAnyConnected(group)) drop(core, group, DropReason.outgoingBufferFull, message, sequence)
}

/** Hands over what waits, as room allows. Called when a member has room again, came, or left. */
export const pumpGroup = (core: Core, group: ShareGroup): void => {
  if (group.reader.mode === SessionMode.live || core.groups.get(group.text) !== group) return
  if (!isAnyConnected(group)) return // the cursor waits for the first member that comes
  markGroup(core, group)
  const heldMax = isStrict(core.limits.sharedStrategy) ? HELD_MAX : 1
  if (!handRequeued(core, group, heldMax)) {
    awaitRoom(group)
    return
  }
  const reader = core.groupReaderOf(group)
  for (let handed = 0; handed < HANDED_MAX; handed++) {
    if (reader.position < core.log.first) jump(core, group.reader, reader)
    const sequence = reader.next(core.delivered)
    group.reader.cursor = reader.position
    if (sequence < 0) {
      if (reader.position < core.delivered) queueGroup(core, group)
      else if (group.requeued.length === 0) goLive(core, group)
      else awaitRoom(group)
      return
    }
    if (core.isAged(sequence))
      view.qos = 1 // it was among those that wait
    else if (!isAtHandOfGroup(core, group, sequence)) return
    else if (!handRecord(core, group, sequence)) {
      if (group.requeued.length + 1 >= heldMax) {
        awaitRoom(group)
        return
      }
      group.requeued.push(sequence)
    }
    if (view.qos > 0) group.entry.pass(1)
    reader.position = sequence + 1
    group.reader.cursor = sequence + 1
  }
  queueGroup(core, group)
}

/** What is older than the cursor, in order; answers whether newer messages may go. Looks at `heldMax` that must wait, at most. */
const handRequeued = (core: Core, group: ShareGroup, heldMax: number): boolean => {
  const { requeued } = group
  let held = 0
  let isOver = false
  for (let i = 0; i < requeued.length; i++) {
    const sequence = requeued[i] as number
    // What comes after a record that is not in memory must not overtake it.
    isOver ||= held >= heldMax || !isAtHandOfGroup(core, group, sequence)
    if (!isOver && handRecord(core, group, sequence)) continue
    requeued[held] = sequence
    held += 1
  }
  requeued.length = held
  return !isOver && held < heldMax
}

/** True when the record is done with: handed over, expired, gone. */
const handRecord = (core: Core, group: ShareGroup, sequence: number): boolean => {
  const { record } = core
  if (!core.log.read(sequence, record)) {
    const reason = sequence < core.log.first ? DropReason.overtaken : DropReason.logRecordLost
    core.ledger.add(reason, group.text, "", 1, core.nowMs, sequence, sequence)
    view.qos = 1 // it was among those that wait
    return true
  }
  const { expiresAtMs, publisher } = record
  viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
  if (view.qos === 0) return true // went out at once
  if (expiresAtMs <= core.nowMs) {
    drop(core, group, DropReason.messageExpired, view, sequence)
    return true
  }
  const member = choose(core, group, view, publisher)
  if (member !== undefined) return give(core, member, view, sequence, expiresAtMs)
  if (isAnyAbleToTake(group)) return false
  drop(core, group, reasonNobodyTakes(group), view, sequence)
  return true
}

/** The message that is offered to the members now. One at a time, so one set of registers. */
class Offer implements Candidate {
  core: Core | undefined = undefined
  message: PublishView = view
  /** The message's topic, once a member that rules concern was looked at. */
  entry: TopicEntry<Session> | undefined = undefined
  /** What the strategy keeps together; "" where it keeps nothing together. */
  key = ""
  isKeyOrdered = false
  random: () => number = () => 0

  readonly canTake = (member: Member): boolean => {
    const client = clientOf(member.session)
    if (client === undefined || !this.mayRead(member)) return false // [ACL-1]
    if (this.isKeyOrdered || client.maximumPacketSizeBytes === Number.POSITIVE_INFINITY) return true
    return emitSize(client, this.message, Math.min(this.message.qos, member.qos), member.identifiers) >= 0
  }

  readonly mayRead = (member: Member): boolean => {
    const client = clientOf(member.session)
    if (client === undefined || this.core === undefined) return false
    if (isFree(client)) return true
    this.entry ??= entryOf(this.core, this.message)
    return mayRead(this.core, client, this.entry, Math.min(this.message.qos, member.qos), false)
  }

  readonly hasRoom = (member: Member): boolean => {
    const client = clientOf(member.session)
    if (client === undefined || client.connection.outbox.congested) return false
    const { core } = this
    const { delivering } = client
    if (core !== undefined && delivering !== undefined && mustWaitToDeliver(core, client, delivering)) return false
    const isWindowed = this.message.qos > 0 && member.qos > 0
    if (isWindowed && (member.session.window.full || client.resend.length > 0)) return false
    return this.canTake(member)
  }
}
const offer = new Offer()

const choose = (core: Core, group: ShareGroup, message: PublishView, publisher: number): Member | undefined => {
  const { sharedStrategy } = core.limits
  offer.core = core
  offer.message = message
  offer.entry = undefined
  offer.isKeyOrdered = sharedStrategy === "key-ordered"
  offer.key = keyOf(core, message, publisher)
  offer.random = core.options.random
  return chooseMember(sharedStrategy, group, offer, offer.key)
}

/** QoS 0 waits for nobody: where its key is open with a session that is away, it goes where a free key would go. */
const chooseAtOnce = (core: Core, group: ShareGroup): Member | undefined =>
  core.limits.sharedStrategy === "key-ordered" ? chooseMember("hash-topic", group, offer, offer.key) : undefined

/** What the strategy wants to know of the message; "" where it wants nothing. */
const keyOf = (core: Core, message: PublishView, publisher: number): string => {
  switch (core.limits.sharedStrategy) {
    case "hash-clientid":
      return String(publisher)
    case "hash-topic":
      return topicOf(message)
    case "key-ordered":
      return orderingKey(core, message) ?? topicOf(message)
    default:
      return ""
  }
}

/** The key of a message in the log, as it is kept in order; undefined where nothing is, or the message is gone. */
export const keyAt = (core: Core, sequence: number): string | undefined => {
  const { record } = core
  if (core.limits.sharedStrategy !== "key-ordered" || sequence < 0 || !core.log.read(sequence, record)) return undefined
  viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
  return keyOf(core, view, record.publisher)
}

/** The user property named by mqtt.shared-key-property; a message without it is ordered by its topic. */
const orderingKey = (core: Core, message: PublishView): string | undefined => {
  const wanted = core.limits.sharedKeyProperty
  if (wanted === "" || message.propertiesStart === message.propertiesEnd) return undefined
  return publishProperties(message).userProperties?.find(([name]) => name === wanted)?.[1]
}

const topicOf = (message: PublishView): string => message.buffer.toString("utf8", message.topicStart, message.topicEnd)

/** To the member that was chosen for the message on offer. False where that could not be saved: it has to wait. */
const give = (core: Core, member: Member, message: PublishView, sequence: number, expiresAtMs: number): boolean => {
  const { group, identifiers, session } = member
  const client = clientOf(session)
  assert(client !== undefined, "a message is given to a member that is connected")
  const qos = Math.min(message.qos, member.qos) // [MQTT-4.8.2-3]
  const size = emitSize(client, message, qos, identifiers)
  if (size < 0) {
    drop(core, group, DropReason.packetTooLarge, message, sequence)
    return true
  }
  let id = 0
  if (qos > 0) {
    assert(sequence >= 0, "what may have to be given to somebody else is in the log")
    id = session.window.open(qos === 1 ? ExchangeState.awaitPuback : ExchangeState.awaitPubrec, sequence)
    if (qos === 2 && !saveGiven(core, member, client, id)) {
      session.window.close(id)
      awaitStore(core, client)
      return false
    }
    beginExchange(core, member, id, offer.isKeyOrdered ? offer.key : undefined)
  }
  const retain = message.retain && member.retainAsPublished
  const remaining = remainingExpirySeconds(expiresAtMs, core.nowMs)
  emit(core, client, message, size, qos, retain, false, id, identifiers, remaining)
  return true
}

/** Somebody has to wait: the group reads the log from here on. */
const waitAt = (core: Core, group: ShareGroup, position: number): void => {
  group.reader.mode = SessionMode.catchingUp
  settle(core, group)
  leaveTail(core, group.reader, position)
  core.groupReaderOf(group).seek(position, [group.entry])
}

const goLive = (core: Core, group: ShareGroup): void => {
  group.reader.mode = SessionMode.live
  settle(core, group)
}

/** Acknowledgements wake the group by themselves; an outbox that was full has to be asked. */
const awaitRoom = (group: ShareGroup): void => {
  for (const { session } of group.members) {
    const outbox = clientOf(session)?.connection.outbox
    if (outbox?.congested === true) outbox.awaitDrain()
  }
}

/** The last member has left. */
const buryWaiting = (core: Core, group: ShareGroup, reason: DropReasonId): void => {
  const { entry, reader, requeued, text } = group
  if (!entry.readsLog) return
  if (reader.mode === SessionMode.live) leaveTail(core, reader, core.delivered)
  const waiting = requeued.length + waitingMessages(reader)
  const first = requeued[0] ?? reader.cursor
  core.ledger.add(reason, text, "", waiting, core.nowMs, first, Math.max(first, core.log.next - 1))
}

/** The group reads the log while a member wants more than QoS 0, or something waits. */
export const settle = (core: Core, group: ShareGroup): void => {
  let reads = group.reader.mode !== SessionMode.live
  for (const { qos } of group.members) if (qos > 0) reads = true
  if (reads !== group.entry.readsLog) setReading(core, group.entry, reads)
}

const isAnyConnected = ({ members }: ShareGroup): boolean => {
  for (const { session } of members) if (clientOf(session) !== undefined) return true
  return false
}

const isAnyAbleToTake = ({ members }: ShareGroup): boolean => {
  for (const member of members) if (offer.canTake(member)) return true
  return false
}

/** Of the members that are connected: it is too large for those that may read it, or none of them may. */
const reasonNobodyTakes = ({ members }: ShareGroup): DropReasonId => {
  for (const member of members) if (offer.mayRead(member)) return DropReason.packetTooLarge
  return DropReason.notAuthorized
}

const drop = (core: Core, group: ShareGroup, reason: DropReasonId, message: PublishView, sequence: number): void => {
  const at = sequence >= 0 ? sequence : undefined
  core.ledger.add(reason, group.text, topicOf(message), 1, core.nowMs, at, at)
}
