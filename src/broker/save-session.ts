/**
 * What is saved at once when it changes, each a whole value: sessions with their will, subscriptions, the birth and
 * the end of shared subscriptions. What moves with every message, cursors, is saved later (save-cursors.ts).
 *
 *   CONNECT, DISCONNECT, a lost connection   SESSION      CONNACK waits for it
 *   SUBSCRIBE, UNSUBSCRIBE                   SUB, UNSUB   SUBACK and UNSUBACK wait for it
 *   a shared subscription's first and last persistent member   GROUP
 *
 * Invariants
 * - A group is saved before the first subscription that names it, and its end after the last one's: a crash in between
 *   finds a group without members, never a member without its group.
 * - Each function answers the ticket to wait for, 0 for none, -1 where the store takes nothing now.
 * - Where the store is not durable nothing is made and nothing is called.
 */
import { type Session, SessionMode } from "../session/session.ts"
import type { ShareGroup } from "../session/share-group.ts"
import type { Subscription } from "../session/subscription.ts"
import type { SavedGroup, SavedSession, SavedSubscription } from "../store/ports.ts"
import { clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { savedReplayOf } from "./replay.ts"

/** More than a SESSION or SESSION-END record takes beside its texts. */
const SESSION_BYTES_MAX = 256

/** As the session is now: connected, or since when it is not. One that could not be saved is saved with its next cursor. */
export const saveSession = (core: Core, session: Session): number => {
  if (!core.isDurable) return 0
  const client = clientOf(session)
  const ticket = core.sessionStore.saveSession({
    clientIdentifier: session.clientIdentifier,
    number: session.number,
    epoch: session.epoch,
    expiryIntervalSeconds: session.expiryIntervalSeconds,
    username: session.username,
    disconnectedAtMs: client === undefined ? session.disconnectedAtMs : 0,
    will: client === undefined ? session.will : client.will
  })
  session.isSaved = true
  session.savedStale = ticket < 0
  if (session.savedStale) core.markDirty(session)
  return ticket
}

/** As it will be once the client that connects owns it. */
export const saveConnecting = (core: Core, session: Session, saved: SavedSession): number => {
  const isWanted = saved.expiryIntervalSeconds > 0 || saved.will !== undefined || session.isSaved
  if (!core.isDurable || !isWanted) return 0
  const ticket = core.sessionStore.saveSession(saved)
  if (ticket >= 0) session.isSaved = true
  return ticket
}

export const saveEnd = (core: Core, session: Session): void => {
  if (!session.isSaved) return
  session.isSaved = false
  core.sessionStore.endSession(session.number)
  core.endedTicket = core.log.ticket // [RST-8]
}

/** The most bytes of the record that says that the session's will is over. */
export const sessionBytesMax = ({ clientIdentifier, username }: Session): number =>
  SESSION_BYTES_MAX + Buffer.byteLength(clientIdentifier) + Buffer.byteLength(username ?? "")

/** As it is now; its end where nothing is left of it. */
export const saveSubscription = (core: Core, session: Session, text: string): number => {
  if (!core.isDurable || !session.persistent) return 0
  const subscription = session.subscriptions.get(text)
  if (subscription === undefined || subscription.intervals.length === 0) {
    return core.sessionStore.endSubscription(session.number, text)
  }
  return core.sessionStore.saveSubscription(session.number, text, savedSubscription(core, session, subscription))
}

const savedSubscription = (core: Core, session: Session, subscription: Subscription): SavedSubscription => {
  // The newest is the last: asked from there, as the one of a subscription just made.
  const pending = session.retainedCursors.findLast((cursor) => cursor.subscription === subscription)
  const position = session.mode === SessionMode.live ? core.delivered : session.cursor
  const replay = subscription.isReplay ? savedReplayOf(session, subscription, position) : undefined
  const saved = { intervals: subscription.history(), retainedBelow: pending?.sequence ?? -1 }
  return replay === undefined ? saved : { ...saved, replay }
}

/** A persistent session becomes a member of the group, or one with other options. Before it joins. */
export const saveMember = (
  core: Core,
  session: Session,
  text: string,
  options: { readonly qos: number; readonly retainAsPublished: boolean; readonly subscriptionIdentifier: number }
): number => {
  if (!core.isDurable || !session.persistent) return 0
  const group = core.groups.get(text)
  if (group?.isSaved !== true) {
    const { next } = core.log
    const saved = group === undefined ? { bornAt: next, cursor: next, requeued: [] } : savedGroup(core, group)
    if (core.sessionStore.saveGroup(text, saved) < 0) return -1
    if (group !== undefined) {
      group.isSaved = true
      group.reader.savedCursor = saved.cursor
    }
  }
  const interval = { ...options, noLocal: false, from: core.log.next, to: Number.POSITIVE_INFINITY }
  return core.sessionStore.saveSubscription(session.number, text, { intervals: [interval], retainedBelow: -1 })
}

/** The session's record of it is gone; so is the group's with its last persistent member. */
export const saveGroupLeft = (core: Core, group: ShareGroup): void => {
  if (!group.isSaved || group.isAnyPersistent) return
  group.isSaved = false
  core.sessionStore.endGroup(group.text)
}

/** Its cursor, and what lies below and nobody has, or has at QoS 1 and may give back. */
export const savedGroup = (core: Core, group: ShareGroup): SavedGroup => {
  const requeued = new Set(group.requeued)
  for (const sequence of group.openAtQos1()) requeued.add(sequence) // [MQTT-4.8.2-4]
  const cursor = group.isLive ? core.delivered : group.reader.cursor
  const bornAt = group.entry.intervals[0]?.from ?? cursor
  return { bornAt, cursor, requeued: [...requeued].sort((a, b) => a - b) }
}
