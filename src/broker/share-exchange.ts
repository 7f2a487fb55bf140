/**
 * One exchange of a shared subscription's message, from its first PUBLISH to its end, whoever ends it: an
 * acknowledgement, a lost connection, a record that the log has no more, the end of the session.
 *
 * Invariant: an identifier is in session.sharedInFlight exactly while its exchange is open in the session's window
 * for a shared subscription. Its member need not be one any more: it may have unsubscribed meanwhile.
 */
import { type Session, SessionMode } from "../session/session.ts"
import type { Member, ShareGroup } from "../session/share-group.ts"
import { closeKey, openKey } from "../session/share-strategy.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { holdUntilKept } from "./holds.ts"
import { queueGroup } from "./pump-queue.ts"

/** What the group gave, or what waits, is other than saved. */
export const markGroup = (core: Core, group: ShareGroup): void => {
  if (group.isSaved) core.markDirty(group.reader)
}

/**
 * At QoS 2 the message is this member's from here on, whatever happens [MQTT-4.8.2-4] [MQTT-4.8.2-5]: saved before it is
 * sent, also for a member that does not outlive its connection. False when the store takes nothing now.
 */
export const saveGiven = (core: Core, member: Member, client: Client, packetIdentifier: number): boolean => {
  const { group, session } = member
  if (!group.isSaved) return true // it ends with its members, all of them with their connections [MQTT-4.8.2-5]
  const ticket = core.sessionStore.sent(session.number, {
    packetIdentifier,
    state: session.window.state(packetIdentifier),
    sequence: session.window.sequence(packetIdentifier),
    kind: "shared",
    filter: group.text
  })
  if (ticket < 0) return false
  session.isSaved = true
  holdUntilKept(core, client, ticket)
  return true
}

/** `key` is undefined where nothing has to stay in order. */
export const beginExchange = (core: Core, member: Member, packetIdentifier: number, key: string | undefined): void => {
  const { group, session } = member
  markGroup(core, group)
  if (core.isDurable) core.markDirty(session)
  session.sharedInFlight ??= new Map()
  session.sharedInFlight.set(packetIdentifier, member)
  if (key === undefined) return
  member.keys ??= new Map()
  member.keys.set(packetIdentifier, key)
  openKey(group, session, key)
}

/** An exchange of a group's message is over: the key it belongs to may move on, and somebody may have room again. */
export const endExchange = (core: Core, session: Session, packetIdentifier: number): void => {
  const member = session.sharedInFlight?.get(packetIdentifier)
  if (member === undefined) return
  session.sharedInFlight?.delete(packetIdentifier)
  const key = member.keys?.get(packetIdentifier)
  if (key !== undefined) {
    member.keys?.delete(packetIdentifier)
    closeKey(member.group, key)
  }
  markGroup(core, member.group)
  wakeGroup(core, member.group)
}

/** The session may take messages again, or takes none any more: its groups look who is next. */
export const wakeGroups = (core: Core, session: Session): void => {
  if (session.shared === undefined) return
  for (const group of session.shared.values()) wakeGroup(core, group)
}

/** Nothing is handed over here: that happens in the next turn of the loop. */
export const wakeGroup = (core: Core, group: ShareGroup): void => {
  if (group.reader.mode !== SessionMode.live) queueGroup(core, group)
}
