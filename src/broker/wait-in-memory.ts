/**
 * A live session that ends with its connection has no place in its window, or none in its outbox: its message waits in
 * memory (session/waiting-frames.ts), and the session stays live. Beyond limits.max-waiting-bytes, or
 * limits.waiting-memory for all, it falls back to the log like a persistent one.
 *
 *   handLater ─► room in memory? ─yes─► waits here ─► pump: sendWaiting, as acknowledgements make room
 *                      └──────────no──► the log, from this message on; read when nothing waits here any more
 *
 * Why: with the usual window of 20 such a session would go to the log and back all the time, and its messages would be
 * written to the disk and synced though no start of the broker needs them. Measured with QoS 1, 10:10, together with
 * hold-back.ts: 1.8 to 4.8 times the messages per second of CPU.
 *
 * Invariants
 * - In order: while anything waits here, what comes waits behind it [MQTT-4.6.0-6].
 * - What waits was handed over as far as the log is concerned: D moves on. It was judged by what held when it came, and
 *   rights and expiry are judged again when it leaves [ACL-1] [MQTT-3.3.2-5].
 * - What still waits when the session ends is lost with a row in the ledger (end-session.ts).
 */
import type { PublishView } from "../codec/publish-view.ts"
import { PublishView as View } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { Session } from "../session/session.ts"
import { WaitingFrame, WaitingFrames } from "../session/waiting-frames.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { mustWaitToDeliver } from "./delivery-rate.ts"
import { emit, emitSize, remainingExpirySeconds } from "./emit.ts"
import { letAllPublish, letPublish } from "./hold-back.ts"
import { openExchange } from "./open-exchange.ts"
import { entryOf, isFree, mayHand } from "./permissions.ts"
import { queuePump } from "./pump-queue.ts"

/** Messages one call hands over before it lets others have a turn. */
const HANDED_MAX = 1024

const frame = new WaitingFrame()
const view: PublishView = new View()

/** False where the message has to wait in the log instead. */
export const waitInMemory = (
  core: Core,
  client: Client,
  session: Session,
  message: PublishView,
  qos: number,
  retain: boolean,
  identifiers: ReadonlyArray<number> | undefined,
  sequence: number,
  expiresAtMs: number
): boolean => {
  const { waitingBytesMax, waitingMemoryBytes } = core.limits
  if (session.persistent || core.isMemoryTight || waitingBytesMax === 0) return false
  frame.buffer = message.buffer
  frame.start = message.frameStart
  frame.end = message.frameEnd
  frame.isVersion5 = message.isVersion5
  frame.qos = qos
  frame.retain = retain
  frame.identifiers = identifiers
  frame.sequence = sequence
  frame.expiresAtMs = expiresAtMs
  session.waiting ??= new WaitingFrames()
  if (!session.waiting.push(core.waitingPool, frame, waitingBytesMax, waitingMemoryBytes)) {
    letAllPublish(core, session)
    return false
  }
  if (core.watch !== undefined) core.watch.queuedInMemory(client, session, qos)
  const { outbox } = client.connection
  if (outbox.congested) outbox.awaitDrain()
  return true
}

/** Sends what there is room for; true when nothing waits in memory any more. */
export const sendWaiting = (core: Core, client: Client, session: Session): boolean => {
  const { waiting } = session
  if (waiting === undefined || waiting.count === 0) return true
  const isEmpty = sendFrom(core, client, session, waiting)
  letPublish(core, session)
  return isEmpty
}

const sendFrom = (core: Core, client: Client, session: Session, waiting: WaitingFrames): boolean => {
  const { outbox } = client.connection
  for (let handed = 0; waiting.count > 0; handed++) {
    if (session.window.full) return false // the next acknowledgement brings us back [MQTT-3.3.4-9]
    if (outbox.congested) {
      outbox.awaitDrain()
      return false
    }
    if (client.delivering !== undefined && mustWaitToDeliver(core, client, client.delivering)) return false
    if (handed === HANDED_MAX) {
      queuePump(core, client)
      return false
    }
    waiting.read(frame)
    handFrame(core, client, session)
    waiting.shift(core.waitingPool)
  }
  return true
}

const handFrame = (core: Core, client: Client, session: Session): void => {
  const { expiresAtMs, identifiers, qos, retain, sequence } = frame
  viewTrusted(view, frame.buffer, frame.start, frame.end, frame.isVersion5)
  if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, false, 1, sequence)) return // [ACL-1]
  if (expiresAtMs <= core.nowMs) {
    drop(core, session, DropReason.messageExpired) // [MQTT-3.3.2-5]
    return
  }
  const size = emitSize(client, view, qos, identifiers)
  if (size < 0) {
    drop(core, session, DropReason.packetTooLarge) // [MQTT-3.1.2-25]
    return
  }
  const packetIdentifier = openExchange(core, client, session, qos, sequence)
  const remaining = remainingExpirySeconds(expiresAtMs, core.nowMs)
  emit(core, client, view, size, qos, retain, false, packetIdentifier, identifiers, remaining)
}

const drop = (core: Core, session: Session, reason: DropReasonId): void => {
  const topic = view.buffer.toString("utf8", view.topicStart, view.topicEnd)
  const at = frame.sequence >= 0 ? frame.sequence : undefined
  core.ledger.add(reason, session.clientIdentifier, topic, 1, core.nowMs, at, at)
}
