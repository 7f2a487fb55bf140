/**
 * The end of one exchange of a shared subscription's message, for whoever ends it: an acknowledgement, a lost
 * connection, the end of a session.
 */
import type { Session } from "../session/session.ts"

/** An exchange of a group's message is over; the key it belongs to may move on. */
export const endExchange = (session: Session, packetIdentifier: number): void => {
  const exchange = session.sharedInFlight?.get(packetIdentifier)
  if (exchange === undefined) return
  session.sharedInFlight?.delete(packetIdentifier)
  const { group, key } = exchange
  if (key === undefined) return
  const open = group.openKeys.get(key)
  if (open === undefined) return
  open.count -= 1
  if (open.count === 0) group.openKeys.delete(key)
}
