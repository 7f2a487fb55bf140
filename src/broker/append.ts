/**
 * Puts a message into the log, and counts it on the filters it matches: what sessions wait for is the
 * difference of such a counter (session/subscription.ts), never a count of their own.
 *
 * The log may show the record within append() already: `core.appending` tells the tail handler that the
 * caller has the bytes in hand and delivers them itself.
 */
import type { PublishView } from "../codec/publish-view.ts"
import type { Filter, TopicEntry } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { Core } from "./core.ts"

/** Answers the record's sequence, or -1: see the log's `refusal`. `packetIdentifier` as in MessageLog.append. */
export const append = (
  core: Core,
  view: PublishView,
  entry: TopicEntry<Session>,
  publisher: number,
  expiresAtMs: number,
  packetIdentifier: number
): number => {
  core.appending = true
  const sequence = core.log.append(view, entry, publisher, expiresAtMs, packetIdentifier)
  core.appending = false
  if (sequence >= 0 && core.watch !== undefined) core.watch.logged(sequence)
  if (sequence < 0 || view.qos === 0) return sequence
  const { matched } = entry
  for (let i = 0; i < matched.length; i++) (matched[i] as Filter<Session>).logged += 1
  return sequence
}
