/**
 * Records that follow each other in a session's reader and are alike: same topic, publisher, QoS and RETAIN, nothing that
 * expires, no option of the session's subscriptions that changes in between. What was decided about the first of them
 * holds for all (catch-up.ts decides): each takes a packet identifier and a copy of its bytes.
 *
 *   first byte   topic          packet identifier   properties, payload
 *   the run's    as it is       the exchange's      as they are
 *
 * Invariants
 * - A run ends with the call of the pump that began it: nothing that a decision rests on changes within one call.
 * - What is counted per message (metrics, messages that wait) is counted when the run is settled, before anybody can look.
 * - QoS 1 only: at QoS 2 every step is saved.
 *
 * It is for sessions that come back to a process that is young: far fewer functions per message, and those that decide are
 * called so seldom that nothing has to be compiled for them. 100,000 messages to ten sessions on one core are drained 1.67
 * times as fast (50 pairs), together with positionOf (store/log-index.ts) and HANDED_AT_ONCE (catch-up.ts).
 */
import { copyBytes } from "../base/bytes.ts"
import { bodyStart } from "../codec/frame.ts"
import { writeTwoBytes } from "../codec/integers.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { canPassThrough, publishFirstByte } from "../codec/write-publish.ts"
import { SLAB_BYTES } from "../listener/slab-pool.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import type { Session } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import type { LogRecord } from "../store/ports.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { countSent } from "./emit.ts"
import { isFree } from "./permissions.ts"

/** One at a time, so one set of registers. */
class Run {
  /** -1: there is none. */
  topicId = -1
  publisher = 0
  isVersion5 = false
  /** Of the record, and of what is sent. */
  firstByteLogged = 0
  firstByte = 0
  topicBytes = 0
  /** Positions from here on may be judged otherwise. */
  below = Number.POSITIVE_INFINITY
  messages = 0
  frameBytes = 0
  payloadBytes = 0
  /** Each of these waits for one less with every message. */
  readonly waiting: Array<Subscription> = []
}
const run = new Run()
/** Topic of the record handed over last by itself: a run begins with the second. */
let lastTopicId = -1

/** The pump begins: nothing is known. */
export const forgetAlike = (): void => {
  run.topicId = -1
  lastTopicId = -1
}

/** The message at `sequence` was judged and sent by itself, at `qos`. */
export const beginAlike = (
  core: Core,
  client: Client,
  session: Session,
  { expiresAtMs, isVersion5, publisher, topicId }: LogRecord,
  view: PublishView,
  sequence: number,
  qos: number,
  retain: boolean
): void => {
  const isSecond = topicId === lastTopicId
  lastTopicId = topicId
  run.topicId = -1
  if (!isSecond || qos !== 1 || expiresAtMs !== Number.POSITIVE_INFINITY) return
  if (client.outgoingAliases !== undefined || client.delivering !== undefined || core.watch !== undefined) return
  if (!isFree(client) || !canPassThrough(view, client.isVersion5, qos)) return
  run.waiting.length = 0
  run.below = Number.POSITIVE_INFINITY
  for (const subscription of session.subscriptions.values()) {
    const { filter, seam } = subscription
    if (sequence < seam && seam < run.below) run.below = seam
    for (const { from, to } of subscription.intervals) {
      if (sequence < from && from < run.below) run.below = from
      if (sequence < to && to < run.below) run.below = to // [MQTT-3.3.1-13]
    }
    const interval = subscription.at(sequence)
    if (interval === undefined || !core.bitmaps.matches(filter.id, filter.text, topicId)) continue
    if (interval.identifiers !== undefined) return
    if (interval.qos > 0) run.waiting.push(subscription)
  }
  run.topicId = topicId
  run.publisher = publisher
  run.isVersion5 = isVersion5
  run.firstByteLogged = view.buffer[view.frameStart] as number
  run.firstByte = publishFirstByte(qos, retain, false)
  run.topicBytes = view.topicEnd - view.topicStart
}

/** Sends the record if it belongs to the run; else it is to be judged. The window and the outbox have room. */
export const handAlike = (client: Client, session: Session, record: LogRecord, sequence: number): boolean => {
  const { buffer, end, start } = record
  const size = end - start
  if (
    record.topicId !== run.topicId ||
    record.publisher !== run.publisher || // [MQTT-3.8.3-3]
    record.isVersion5 !== run.isVersion5 ||
    buffer[start] !== run.firstByteLogged ||
    record.expiresAtMs !== Number.POSITIVE_INFINITY || // [MQTT-3.3.2-5]
    sequence >= run.below || // [MQTT-3.8.4-4]
    size > SLAB_BYTES ||
    size > client.maximumPacketSizeBytes // [MQTT-3.1.2-25]
  ) {
    return false
  }
  const identifierAt = bodyStart(buffer, start) + 2 + run.topicBytes
  let payloadStart = identifierAt + 2
  if (run.isVersion5) {
    const propertiesBytes = buffer[payloadStart] as number
    if (propertiesBytes >= 0x80) return false
    payloadStart += 1 + propertiesBytes
  }
  const { outbox } = client.connection
  const packetIdentifier = session.window.open(ExchangeState.awaitPuback, sequence)
  const at = outbox.reserve(size)
  const { slab } = outbox
  copyBytes(slab, at, buffer, start, end)
  slab[at] = run.firstByte
  writeTwoBytes(slab, at + identifierAt - start, packetIdentifier)
  run.messages += 1
  run.frameBytes += size
  run.payloadBytes += end - payloadStart
  return true
}

/** Counts what was handed over. Before anybody looks. */
export const settleAlike = (core: Core): void => {
  const { messages } = run
  if (messages === 0) return
  for (const subscription of run.waiting) subscription.pass(messages)
  countSent(core, 1, messages, run.frameBytes, run.payloadBytes)
  run.messages = 0
  run.frameBytes = 0
  run.payloadBytes = 0
}
