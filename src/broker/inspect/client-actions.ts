/**
 * What somebody who runs the broker does to a client: end its connection, its session, one of its subscriptions, or let go
 * what waits for it. Each does what the client itself, or time, could have done, through the same verbs; nothing here
 * touches their state by itself.
 */
import { ReasonCode } from "../../codec/reason-codes.ts"
import type { Session } from "../../session/session.ts"
import { clientOf } from "../client.ts"
import type { Core } from "../core.ts"
import { closeClient } from "../disconnect.ts"
import { endSession } from "../end-session.ts"
import { dropQueue } from "../queue-caps.ts"

const WORDS = "ended by an administrator"

/** False when it is not connected. Its will is published, as the standard wants it [MQTT-3.14.4-3]. */
export const kick = (core: Core, session: Session): boolean => {
  core.tick()
  const client = clientOf(session)
  if (client === undefined) return false
  closeClient(core, client, "server", ReasonCode.administrativeAction, WORDS)
  return true
}

/** The session and its connection are no more; what waited for it has its rows in the ledger. */
export const endForGood = (core: Core, session: Session): void => {
  core.tick()
  kick(core, session)
  // One that does not outlive its connection has ended with it.
  // [ADM-9]
  if (core.sessions.get(session.clientIdentifier) === session) endSession(core, session, "cleaned")
}

/** A part of what waits; call again, in a later turn, until it answers 0. */
export const dropSomeOfQueue = (core: Core, session: Session): number => {
  core.tick()
  return core.sessions.get(session.clientIdentifier) === session ? dropQueue(core, session) : 0
}
