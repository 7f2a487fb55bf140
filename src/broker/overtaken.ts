/**
 * The ring's tail has passed a session's cursor: it goes on at the oldest record left, and the ledger says
 * how many messages are lost.
 *
 * How many: the counters say what waited before (Subscription.waiting), the log says what of it is left. That
 * costs per topic, not per record: a session that reads slower than the ring turns is overtaken again and
 * again. Exact where the session's filters do not overlap, else an upper bound.
 */
import { DropReason } from "../metrics/drop-reasons.ts"
import type { Session } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import { LogReader } from "../store/log-reader.ts"
import type { Core } from "./core.ts"
import { isCounted } from "./session-mode.ts"

/** Moves the cursor to the oldest record: the one way a session loses what is its own [MQTT-4.5.0-1]. */
export const jump = (core: Core, session: Session, reader: LogReader): void => {
  const from = reader.position
  const { first } = core.log
  let lost = 0
  for (const subscription of session.subscriptions.values()) {
    const { waiting } = subscription
    const gone = waiting === 0 ? 0 : Math.max(0, waiting - leftOf(core, subscription, first))
    subscription.pass(gone)
    lost += gone
  }
  reader.seek(first, [...session.subscriptions.values()])
  session.cursor = first
  const atMost = Math.min(lost, first - from)
  // Where compaction took only what nobody waited for, nothing is lost.
  if (atMost > 0 || !core.isDurable)
    core.ledger.add(DropReason.overtaken, session.clientIdentifier, "", atMost, core.nowMs, from, first - 1)
}

/** Messages of the subscription that the log still holds. */
const leftOf = (core: Core, subscription: Subscription, first: number): number => {
  const { intervals, waiting } = subscription
  const oldest = intervals[0]
  if (oldest === undefined) return 0
  if (oldest.from >= first) return waiting
  return intervals.length === 1 && subscription.active
    ? countTopics(core, subscription)
    : countRecords(core, subscription)
}

const countTopics = (core: Core, { filter }: Subscription): number => {
  const { bitmaps, log } = core
  if (!filter.hasWildcard) {
    const topicId = log.topicId(filter.text)
    return topicId < 0 ? 0 : log.countOfTopic(topicId)
  }
  let count = 0
  for (let topicId = 0; topicId < log.topicIdBound; topicId++) {
    const ofTopic = log.countOfTopic(topicId)
    if (ofTopic > 0 && bitmaps.matches(filter.id, filter.text, topicId)) count += ofTopic
  }
  return count
}

/** For subscriptions whose options changed while they waited: their intervals have to be looked at, record by record. */
const countRecords = (core: Core, subscription: Subscription): number => {
  const { bitmaps, log } = core
  const reader = new LogReader(log, bitmaps)
  reader.seek(log.first, [subscription])
  let count = 0
  while (reader.position < log.next) {
    const sequence = reader.next(log.next)
    if (sequence < 0) continue
    if (isCounted(core, subscription, sequence)) count += 1
    reader.position = sequence + 1
  }
  return count
}
