/**
 * Shared subscriptions after a restart: their cursor, what waited, and what their members had when the process died.
 *
 *   at QoS 1   returns to the group: every connection is gone. Only what a QoS 2 message of the same key holds stays
 *   at QoS 2   waits for its member [MQTT-4.8.2-4]; the group passes over it
 *
 * The group's record is the truth about QoS 1: `requeued` names what waits and what was with members. A member's own
 * record says only under which identifier, and may be older: then the message is open no more.
 *
 * Invariant: a group without members does not come back.
 */
import * as Effect from "effect/Effect"
import { parseSharedFilter } from "../router/topic-filter.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import { type Session, SessionMode } from "../session/session.ts"
import { Member, ShareGroup } from "../session/share-group.ts"
import type { SavedInterval } from "../session/subscription.ts"
import type { Recovered, SavedExchange } from "../store/ports.ts"
import type { Core } from "./core.ts"
import { loaded } from "./restore-retained.ts"
import { saveGroupLeft } from "./save-session.ts"
import { beginExchange, markGroup } from "./share-exchange.ts"
import { closeGroup, keyAt, returnToGroups, settle } from "./shared.ts"

/** Given at QoS 2 and not below the group's cursor yet, until the groups are settled. */
const handedOf = new WeakMap<ShareGroup, ReadonlySet<number>>()

export const restoreGroups = (core: Core, groups: Recovered["groups"]): void => {
  for (const [text, { bornAt, cursor, handed, requeued }] of groups) {
    const group = makeGroup(core, text, bornAt)
    if (group === undefined) continue
    group.reader.cursor = Math.min(Math.max(cursor, core.log.first), core.delivered)
    group.reader.savedCursor = cursor
    group.requeued.push(...requeued)
    handedOf.set(group, handed) // [MQTT-4.8.2-4]
  }
}

const makeGroup = (core: Core, text: string, bornAt: number): ShareGroup | undefined => {
  const parsed = parseSharedFilter(text)
  if (parsed === undefined || !("filter" in parsed)) return undefined
  const group = new ShareGroup(text, core.router.acquire(parsed.filter), bornAt)
  core.groups.set(text, group)
  core.router.attach(group.entry)
  group.isSaved = true
  group.reader.mode = SessionMode.catchingUp
  return group
}

/** The session is a member again. A group whose record is lost begins where the member came to it. */
export const joinAgain = (core: Core, session: Session, text: string, interval: SavedInterval): void => {
  const group = core.groups.get(text) ?? makeGroup(core, text, interval.from)
  if (group === undefined) return
  const { qos, retainAsPublished, subscriptionIdentifier } = interval
  const identifiers = subscriptionIdentifier === 0 ? undefined : [subscriptionIdentifier]
  group.join(session, { qos, retainAsPublished, identifiers })
  session.shared ??= new Map()
  session.shared.set(text, group)
}

/** Whether the exchange is still open; then it is the session's again. */
export const openAgain = (core: Core, session: Session, exchange: SavedExchange): boolean => {
  const { filter, packetIdentifier, sequence, state } = exchange
  const group = core.groups.get(filter)
  if (group === undefined) return true // nobody else wants it: it stays with the session
  if (state === ExchangeState.awaitPuback) {
    const at = group.requeued.indexOf(sequence)
    // Not given yet when the group was saved, and then its reader comes to it; or acknowledged by then.
    if (at < 0) return false
    group.requeued.splice(at, 1)
  }
  session.sharedInFlight ??= new Map()
  session.sharedInFlight.set(packetIdentifier, group.memberOf(session) ?? new Member(group, session))
  return true
}

/** All members are there: what they had is theirs or the group's, and nobody is connected. */
export const settleGroups = (core: Core, sessions: ReadonlyArray<Session>) =>
  Effect.gen(function* () {
    for (const session of sessions) {
      for (const [id, member] of session.sharedInFlight ?? []) {
        yield* loaded(core, session.window.sequence(id))
        beginExchange(core, member, id, keyAt(core, session.window.sequence(id)))
      }
    }
    for (const group of [...core.groups.values()]) {
      if (group.members.length === 0) {
        closeGroup(core, group)
        saveGroupLeft(core, group)
        continue
      }
      passHanded(core, group)
      core.groupReaderOf(group).seek(group.reader.cursor, [group.entry])
      settle(core, group)
      markGroup(core, group)
    }
    for (const session of sessions) if (session.shared !== undefined) returnToGroups(core, session, false)
  })

/** Moves the cursor behind what was given at QoS 2; what lies between and was not waits in `requeued`. */
const passHanded = (core: Core, group: ShareGroup): void => {
  const handed = handedOf.get(group)
  let last = -1
  for (const sequence of handed ?? []) if (sequence > last) last = sequence
  const until = Math.min(core.delivered, last + 1)
  const reader = core.groupReaderOf(group)
  reader.seek(group.reader.cursor, [group.entry])
  while (reader.position < until) {
    const sequence = reader.next(until)
    if (sequence < 0) continue
    if (handed?.has(sequence) !== true) group.requeued.push(sequence)
    reader.position = sequence + 1
  }
  group.reader.cursor = Math.max(group.reader.cursor, reader.position)
}
