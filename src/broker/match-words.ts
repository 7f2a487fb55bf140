/**
 * How many subscriptions a message met, in words, for whoever follows it (message-watch.ts): those whose clients are there, and
 * those that read the log.
 */
import type { TopicEntry } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { Core } from "./core.ts"

/** Of the subscriptions that read the log, per message. */
export const QUEUED_LOOKED_MAX = 1000

export const matchWords = (core: Core, { matched }: TopicEntry<Session>): string => {
  let subscriptions = 0
  let looked = 0
  for (const filter of matched) {
    subscriptions += filter.live.length
    if (filter.logReaders === 0) continue
    for (const { liveIndex } of core.logReadersOf(filter)) {
      if (liveIndex < 0) subscriptions += 1
      if (++looked >= QUEUED_LOOKED_MAX) break
    }
  }
  const atLeast = looked >= QUEUED_LOOKED_MAX ? "at least " : ""
  return `${atLeast}${subscriptions} ${subscriptions === 1 ? "subscription" : "subscriptions"}`
}
