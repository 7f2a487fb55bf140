/**
 * Shared subscriptions at work: joining and leaving a group, handing its messages to members, and reading on
 * from the log when nobody had room. State in session/share-group.ts, the choice in session/share-strategy.ts.
 *
 * Every QoS 1 and 2 message of a group is in the log while a member reads at that QoS: a member may be lost
 * before it acknowledges, and then another one gets the message from there.
 *
 * Invariants
 * - A group is live only with its cursor at D and nothing requeued.
 * - QoS 0 deliveries go to a connected member at once, or to nobody.
 * - Nothing retained is sent for `$share`, whatever Retain Handling says.
 */
import { PublishView } from "../codec/publish-view.ts"
import { publishProperties, viewTrusted } from "../codec/read-publish.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import { type Session, SessionMode } from "../session/session.ts"
import { type Member, type SharedExchange, ShareGroup } from "../session/share-group.ts"
import { chooseMember } from "../session/share-strategy.ts"
import { LogReader } from "../store/log-reader.ts"
import { clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { queueGroup } from "./pump-queue.ts"
import { setReading, stopReading } from "./session-mode.ts"
import { endExchange } from "./share-exchange.ts"

/** Messages one call hands over before it lets others have a turn. */
const HANDED_MAX = 1024

const view = new PublishView()

/** Adds the session, or changes its options. `at` is the log's head: the group's life begins there. */
export const joinGroup = (
  core: Core,
  session: Session,
  text: string,
  filterText: string,
  options: Omit<Member, "session">
): void => {
  let group = core.groups.get(text)
  if (group === undefined) {
    group = new ShareGroup(text, core.router.acquire(filterText))
    group.reader.cursor = core.delivered
    core.groups.set(text, group)
    core.router.attach(group.entry)
  }
  const member = group.memberOf(session)
  if (member === undefined) group.members.push({ session, ...options })
  else Object.assign(member, options)
  session.shared ??= new Map()
  session.shared.set(text, group)
  settle(core, group)
  if (group.reader.mode !== SessionMode.live) queueGroup(core, group)
}

/** The session is a member no more; what is open with it is still completed or, when it goes, returned. */
export const leaveGroup = (core: Core, session: Session, group: ShareGroup, reason: DropReasonId): void => {
  const at = group.members.findIndex((member) => member.session === session)
  if (at >= 0) group.members.splice(at, 1)
  session.shared?.delete(group.text)
  if (group.members.length > 0) {
    settle(core, group)
    if (group.reader.mode !== SessionMode.live) queueGroup(core, group)
    return
  }
  const waiting = group.requeued.length + waitingInLog(core, group)
  if (waiting > 0) core.ledger.add(reason, group.text, "", waiting, core.nowMs, group.reader.cursor, core.delivered)
  stopReading(core, group.entry)
  core.router.detach(group.entry)
  core.router.release(group.entry.filter)
  core.groups.delete(group.text)
}

/** The session's connection ended: QoS 1 messages it had not acknowledged go back to their groups. */
export const returnToGroups = (core: Core, session: Session): void => {
  for (const [id, { group }] of session.sharedInFlight ?? []) {
    if (session.window.state(id) !== ExchangeState.awaitPuback) continue
    const sequence = session.window.sequence(id)
    endExchange(session, id)
    session.window.close(id)
    if (!core.groups.has(group.text)) continue
    if (group.reader.mode === SessionMode.live) waitAt(core, group, core.delivered)
    group.requeue(sequence)
  }
  for (const group of session.shared?.values() ?? []) {
    if (group.reader.mode !== SessionMode.live) queueGroup(core, group)
  }
}

/** A message has come for a live or waiting group. `sequence` is -1 while it is in no log. */
export const handToGroup = (
  core: Core,
  group: ShareGroup,
  message: PublishView,
  topic: Buffer,
  sequence: number,
  publisher: number,
  expiresAtMs: number
): void => {
  const qosMax = Math.min(message.qos, group.entry.qos)
  if (qosMax > 0 && group.reader.mode !== SessionMode.live) return // its reader will come to it
  const key = keyOf(core, message, topic, publisher)
  const member = chooseMember(core.limits.sharedStrategy, group, core.shareCandidate, key)
  if (member !== undefined) {
    give(core, group, member, message, sequence, expiresAtMs, key, topic)
    return
  }
  if (qosMax > 0) waitAt(core, group, Math.min(sequence, core.delivered))
  else if (group.members.some((each) => clientOf(each.session) !== undefined)) {
    core.ledger.add(DropReason.outgoingBufferFull, group.text, topic.toString("utf8"), 1, core.nowMs)
  }
}

/** Hands over what waits, as room allows. Called when a member has room again, came, or left. */
export const pumpGroup = (core: Core, group: ShareGroup): void => {
  if (group.reader.mode === SessionMode.live || !core.groups.has(group.text)) return
  const reader = core.groupReaderOf(group)
  for (let handed = 0; handed < HANDED_MAX; handed++) {
    const fromQueue = group.requeued.length > 0
    if (!fromQueue && reader.position < core.log.first) jump(core, group, reader)
    const sequence = fromQueue ? (group.requeued[0] as number) : reader.next(core.delivered)
    if (!fromQueue) group.reader.cursor = reader.position
    if (sequence < 0) {
      if (reader.position < core.delivered) queueGroup(core, group)
      else group.reader.mode = SessionMode.live
      return
    }
    if (!handRecord(core, group, sequence)) return // nobody has room: an acknowledgement brings us back
    if (fromQueue) group.requeued.shift()
    else {
      reader.position = sequence + 1
      group.reader.cursor = sequence + 1
    }
  }
  queueGroup(core, group)
}

/** True when the record is done with: handed over, expired, gone. */
const handRecord = (core: Core, group: ShareGroup, sequence: number): boolean => {
  const { record } = core
  if (!core.log.read(sequence, record)) {
    core.ledger.add(DropReason.overtaken, group.text, "", 1, core.nowMs, sequence, sequence)
    return true
  }
  viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
  if (view.qos === 0 || group.entry.qos === 0) return true // went out at once
  const topicText = core.log.topicName(record.topicId)
  if (record.expiresAtMs <= core.nowMs) {
    core.ledger.add(DropReason.messageExpired, group.text, topicText, 1, core.nowMs, sequence, sequence)
    return true
  }
  const topic = Buffer.from(topicText)
  const key = keyOf(core, view, topic, record.publisher)
  const member = chooseMember(core.limits.sharedStrategy, group, core.shareCandidate, key)
  if (member === undefined) return false
  give(core, group, member, view, sequence, record.expiresAtMs, key, topic)
  return true
}

const give = (
  core: Core,
  group: ShareGroup,
  member: Member,
  message: PublishView,
  sequence: number,
  expiresAtMs: number,
  key: string,
  topic: Buffer
): void => {
  const client = clientOf(member.session)
  if (client === undefined) return
  const qos = Math.min(message.qos, member.qos) // [MQTT-4.8.2-3]
  const retain = message.retain && member.retainAsPublished
  const size = emitSize(client, message, qos, member.identifiers)
  if (size < 0) {
    const { clientIdentifier } = member.session
    core.ledger.add(DropReason.packetTooLarge, clientIdentifier, topic.toString("utf8"), 1, core.nowMs)
    return
  }
  let id = 0
  if (qos > 0) {
    id = member.session.window.open(qos === 1 ? ExchangeState.awaitPuback : ExchangeState.awaitPubrec, sequence)
    openExchange(core, member.session, id, group, member, key)
  }
  const remaining = remainingExpirySeconds(expiresAtMs, core.nowMs)
  emit(core, client, message, size, qos, retain, false, id, member.identifiers, remaining)
}

const openExchange = (
  core: Core,
  session: Session,
  id: number,
  group: ShareGroup,
  member: Member,
  key: string
): void => {
  const isOrdered = core.limits.sharedStrategy === "key-ordered"
  const exchange: SharedExchange = { group, member, key: isOrdered ? key : undefined }
  session.sharedInFlight ??= new Map()
  session.sharedInFlight.set(id, exchange)
  if (!isOrdered) return
  const open = group.openKeys.get(key)
  if (open === undefined) group.openKeys.set(key, { member, count: 1 })
  else open.count += 1
}

/** Nobody has room: the group reads the log from here on. */
const waitAt = (core: Core, group: ShareGroup, position: number): void => {
  group.reader.mode = SessionMode.catchingUp
  group.reader.cursor = position
  core.groupReaderOf(group).seek(position, [group.entry])
}

const jump = (core: Core, group: ShareGroup, reader: LogReader): void => {
  const from = reader.position
  reader.seek(core.log.first, [group.entry])
  core.ledger.add(DropReason.overtaken, group.text, "", core.log.first - from, core.nowMs, from, core.log.first - 1)
}

const waitingInLog = (core: Core, group: ShareGroup): number => {
  if (group.reader.mode === SessionMode.live) return 0
  const reader = new LogReader(core.log, core.bitmaps)
  reader.seek(Math.max(group.reader.cursor, core.log.first), [group.entry])
  let waiting = 0
  while (reader.position < core.delivered) {
    const sequence = reader.next(core.delivered)
    if (sequence < 0) continue
    waiting += 1
    reader.position = sequence + 1
  }
  return waiting
}

/** The group's own options follow its members: highest QoS; it reads the log while that is above 0. */
const settle = (core: Core, group: ShareGroup): void => {
  const qos = Math.max(0, ...group.members.map((member) => member.qos))
  group.entry.qos = qos
  if (qos > 0 !== group.entry.readsLog) setReading(core, group.entry, qos > 0)
}

/** What the strategy wants to know of the message; "" where it wants nothing. */
const keyOf = (core: Core, message: PublishView, topic: Buffer, publisher: number): string => {
  switch (core.limits.sharedStrategy) {
    case "hash-clientid":
      return String(publisher)
    case "hash-topic":
      return topic.toString("utf8")
    case "key-ordered":
      return orderingKey(core, message) ?? topic.toString("utf8")
    default:
      return ""
  }
}

/** The user property named by mqtt.shared-key-property; a message without it is ordered by its topic. */
const orderingKey = (core: Core, message: PublishView): string | undefined => {
  const wanted = core.limits.sharedKeyProperty
  if (wanted === "" || message.propertiesStart === message.propertiesEnd) return undefined
  return publishProperties(message).userProperties?.find(([name]) => name === wanted)?.[1]
}
