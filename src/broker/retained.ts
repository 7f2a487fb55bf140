/**
 * Retained messages: kept at PUBLISH, sent at SUBSCRIBE.
 *
 * What SUBSCRIBE asks for is a second small cursor (filter, last topic sent), not a list of messages: each
 * value is read when it is sent. A subscription takes effect at a log position s; a value set at or above s
 * came live, so it is skipped. Every retained message has a log position for that reason.
 *
 * Invariants
 * - Delivery is paced by window and outbox, also at QoS 0, and never cut short.
 * - The value sent last for a topic is the newest one the subscription saw, live or retained.
 */

import { type Identity, Verdict } from "../access/access.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { canonicalPublishSize, writeCanonicalPublish } from "../codec/write-publish.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import type { TopicEntry } from "../router/router.ts"
import type { RetainedCursor, Session } from "../session/session.ts"
import type { RetainedMessage } from "../store/ports.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { awaitStore, openExchange } from "./open-exchange.ts"
import { bookDenied, entryOf, isFree, isUnrestricted, mayHand } from "./permissions.ts"
import { queuePump } from "./pump-queue.ts"

/** Retained messages sent per call before others have a turn. */
const PAGE = 256
const POOLED_BYTES_MAX = 1024

const view = new PublishView()

/** What repeating one after a resume needs: it must be the same packet again, and the log may have let it go. */
export interface RetainedInFlight {
  readonly message: RetainedMessage
  readonly identifiers: ReadonlyArray<number> | undefined
  /** Whose subscription asked for it: what finds it again after a restart. */
  readonly filter: string
}

/** Stores or clears the topic's retained message [MQTT-3.3.1-5] [MQTT-3.3.1-6]; it has been appended at `sequence`. */
export const keepRetained = (
  core: Core,
  message: PublishView,
  entry: TopicEntry<Session>,
  publisher: number,
  sequence: number,
  expiresAtMs: number
): void => {
  const topic = entry.bytes.toString("utf8")
  if (message.payloadStart === message.frameEnd) {
    if (core.retained.clear(topic))
      core.count[Counter.retainedCleared] = (core.count[Counter.retainedCleared] as number) + 1
    core.watch?.retained("the topic's retained message is cleared")
    return
  }
  const size = canonicalPublishSize(message, entry.bytes.length)
  // Small frames share pooled memory: an allocation of its own costs a small one more than its bytes.
  const frame = size <= POOLED_BYTES_MAX ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size)
  writeCanonicalPublish(frame, 0, message, entry.bytes)
  const isVersion5 = message.isVersion5
  const { nowMs: storedAtMs, source } = core
  const stored = { topic, frame, isVersion5, publisher, sequence, storedAtMs, expiresAtMs, source }
  if (core.retained.set(stored)) {
    core.count[Counter.retainedSet] = (core.count[Counter.retainedSet] as number) + 1
    core.watch?.retained("kept as the topic's retained message")
  } else core.ledger.add(DropReason.retainedLimit, "", topic, 1, core.nowMs, sequence, sequence)
}

/** Sends what fits of the retained messages that fresh subscriptions asked for; true when none are left. */
export const sendRetained = (core: Core, client: Client, session: Session): boolean => {
  while (session.retainedCursors.length > 0) {
    const cursor = session.retainedCursors[0] as RetainedCursor
    if (!cursor.subscription.active || sendPage(core, client, session, cursor)) session.retainedCursors.shift()
    else return false
  }
  return true
}

/** True when the cursor has come to its end. */
const sendPage = (core: Core, client: Client, session: Session, cursor: RetainedCursor): boolean => {
  const { outbox } = client.connection
  const { filter, qos } = cursor.subscription
  const room = qos === 0 ? PAGE : session.window.limit - session.window.inFlight
  if (core.isDurable) core.markDirty(session)
  if (room <= 0) return false // an acknowledgement brings us back
  const page = core.retained.page(filter.text, cursor.after, Math.min(PAGE, room))
  for (const message of page.messages) {
    if (outbox.congested) {
      outbox.awaitDrain()
      return false
    }
    const isWanted = message.sequence < cursor.sequence && cursor.handed?.has(message.sequence) !== true // [RST-9]
    if (isWanted && !send(core, client, session, cursor, message)) {
      awaitStore(core, client)
      return false
    }
    cursor.after = message.topic
  }
  cursor.after = page.next
  if (page.next === undefined) return true
  queuePump(core, client)
  return false
}

/** Its publisher may still publish it, as far as that is known: after a restart it is not (security.md, row 26). */
const isSourceTrusted = (core: Core, client: Client, message: RetainedMessage): boolean => {
  const source = message.source as Identity | undefined
  if (source === undefined || !core.limits.checkRetainedSource || isUnrestricted(core.access, source)) return true
  if (core.access.publishVerdict(source, message.topic, view.qos, true, false) !== Verdict.deny) return true
  bookDenied(core, client, entryOf(core, view), 1, message.sequence)
  return false
}

/** False when the store takes nothing now: the message waits. */
const send = (
  core: Core,
  client: Client,
  session: Session,
  cursor: RetainedCursor,
  message: RetainedMessage
): boolean => {
  if (message.expiresAtMs <= core.nowMs) {
    core.retained.clear(message.topic)
    return true
  }
  const { subscription } = cursor
  viewTrusted(view, message.frame, 0, message.frame.length, message.isVersion5)
  const qos = Math.min(view.qos, subscription.qos)
  // [ACL-1]
  if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, true, 1, message.sequence)) return true
  if (!isSourceTrusted(core, client, message)) return true
  const size = emitSize(client, view, qos, subscription.identifiers)
  if (size < 0) {
    core.ledger.add(DropReason.packetTooLarge, session.clientIdentifier, message.topic, 1, core.nowMs)
    return true
  }
  let id = 0
  if (qos > 0) {
    id = openExchange(core, client, session, qos, message.sequence, "retained", subscription.filter.text)
    if (id < 0) return false
    if (session.persistent) {
      session.retainedInFlight ??= new Map()
      const { filter, identifiers } = subscription
      session.retainedInFlight.set(id, { message, identifiers, filter: filter.text } satisfies RetainedInFlight)
    }
  }
  core.count[Counter.retainedSent] = (core.count[Counter.retainedSent] as number) + 1
  const remaining = remainingExpirySeconds(message.expiresAtMs, core.nowMs)
  emit(core, client, view, size, qos, true, false, id, subscription.identifiers, remaining) // [MQTT-3.3.1-9] [v3.1.1 MQTT-3.3.1-8]
  return true
}
