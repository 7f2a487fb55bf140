/**
 * Puts one PUBLISH into a client's outbox. The last step of every delivery: live, from the log, retained,
 * repeated.
 *
 * Where receiver and publisher agree (same version family, same kind of QoS, no alias, no subscription
 * identifiers) the publisher's bytes are copied whole and three things are patched in the copy: the first
 * byte, the packet identifier, the remaining expiry. Everything else is encoded anew.
 *
 * Invariants
 * - What is written is never larger than the client's Maximum Packet Size: ask `emitSize` first, -1 means
 *   it does not fit [MQTT-3.1.2-24].
 * - `view.buffer` may be the log's memory, which is overwritten later: large frames are copied, unless they are lent
 *   (listener/lent-memory.ts), where the outbox knows how long they stay.
 */

import type { PublishView } from "../codec/publish-view.ts"
import { canPassThrough, publishSize, writePassThrough, writePublish } from "../codec/write-publish.ts"
import { lent } from "../listener/lent-memory.ts"
import { BY_REFERENCE_BYTES_MIN, type Outbox } from "../listener/outbox.ts"
import { SLAB_BYTES } from "../listener/slab-pool.ts"
import { Counter } from "../metrics/counters.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

const PUBLISH_OUT = Counter.packetsOut + 3

/** Bytes the message takes on its way to this client, or -1 when that is more than the client accepts. */
export const emitSize = (
  client: Client,
  view: PublishView,
  qos: number,
  identifiers: ReadonlyArray<number> | undefined
): number => {
  const size =
    identifiers === undefined && canPassThrough(view, client.isVersion5, qos)
      ? view.frameEnd - view.frameStart
      : publishSize(view, client.version, qos, identifiers)
  return size > client.maximumPacketSizeBytes ? -1 : size
}

/** Writes the message; `size` is what emitSize answered. `remainingSeconds` is -1 where the expiry interval stays as it is. */
export const emit = (
  core: Core,
  client: Client,
  view: PublishView,
  size: number,
  qos: number,
  retain: boolean,
  duplicate: boolean,
  packetIdentifier: number,
  identifiers: ReadonlyArray<number> | undefined,
  remainingSeconds: number
): void => {
  client.delivering?.take(1, 0) // [LIM-4]
  if (core.watch !== undefined) core.watch.sent(client, view, qos, packetIdentifier, duplicate)
  if (client.outgoingAliases !== undefined) {
    emitAliased(core, client, view, qos, retain, duplicate, packetIdentifier, identifiers, remainingSeconds)
    return
  }
  countSent(core, qos, 1, size, view.frameEnd - view.payloadStart)
  const outbox = client.connection.outbox
  if (
    size >= BY_REFERENCE_BYTES_MIN &&
    view.buffer === lent.buffer &&
    identifiers === undefined &&
    !duplicate &&
    remainingSeconds < 0 &&
    canPassThrough(view, client.isVersion5, qos) &&
    emitLent(outbox, view, qos, retain, packetIdentifier)
  ) {
    return
  }
  if (size > SLAB_BYTES) {
    const frame = Buffer.allocUnsafe(size)
    fill(frame, 0, client, view, qos, retain, duplicate, packetIdentifier, identifiers, remainingSeconds)
    outbox.append(frame, 0, size)
    return
  }
  const at = outbox.reserve(size)
  fill(outbox.slab, at, client, view, qos, retain, duplicate, packetIdentifier, identifiers, remainingSeconds)
}

/**
 * A large message still lies where it was read to: the outbox takes it from there. Of one that has to be patched the head
 * is, in a copy. False where a copy of all is cheaper than a write of its own for the head.
 */
const emitLent = (
  outbox: Outbox,
  view: PublishView,
  qos: number,
  retain: boolean,
  packetIdentifier: number
): boolean => {
  const { buffer, frameEnd, frameStart, payloadStart } = view
  if (qos === 0 && retain === view.retain) {
    outbox.append(buffer, frameStart, frameEnd)
    return true
  }
  const headBytes = payloadStart - frameStart
  if (frameEnd - payloadStart < SLAB_BYTES || headBytes > SLAB_BYTES) return false
  const at = outbox.reserve(headBytes)
  writePassThrough(outbox.slab, at, view, qos, retain, false, packetIdentifier, -1, payloadStart)
  outbox.append(buffer, payloadStart, frameEnd)
  return true
}

/** For a client that announced a Topic Alias Maximum: the first topics it is sent get an alias each, for good. */
const emitAliased = (
  core: Core,
  client: Client,
  view: PublishView,
  qos: number,
  retain: boolean,
  duplicate: boolean,
  packetIdentifier: number,
  identifiers: ReadonlyArray<number> | undefined,
  remainingSeconds: number
): void => {
  const aliases = client.outgoingAliases as Map<string, number>
  const topic = view.buffer.toString("latin1", view.topicStart, view.topicEnd)
  const known = aliases.get(topic)
  let alias = known ?? (aliases.size < client.topicAliasMaximum ? aliases.size + 1 : 0) // [MQTT-3.1.2-26]
  let size = publishSize(view, 5, qos, identifiers, alias, known !== undefined)
  if (size > client.maximumPacketSizeBytes) {
    alias = 0 // setting the alias would make it too large
    size = publishSize(view, 5, qos, identifiers)
  } else if (known === undefined && alias > 0) aliases.set(topic, alias) // its first use carries the topic [MQTT-3.3.2-11]
  const { outbox } = client.connection
  const large = size > SLAB_BYTES ? Buffer.allocUnsafe(size) : undefined
  const at = large === undefined ? outbox.reserve(size) : 0
  const omitTopic = alias > 0 && known !== undefined // without an alias the topic must be there
  const target = large ?? outbox.slab
  writePublish(
    target,
    at,
    view,
    5,
    qos,
    retain,
    duplicate,
    packetIdentifier,
    identifiers,
    remainingSeconds,
    alias,
    omitTopic
  )
  if (large !== undefined) outbox.append(large, 0, size)
  countSent(core, qos, 1, size, view.frameEnd - view.payloadStart)
}

export const countSent = (
  { count }: Core,
  qos: number,
  messages: number,
  bytes: number,
  payloadBytes: number
): void => {
  count[PUBLISH_OUT] = (count[PUBLISH_OUT] as number) + messages
  count[Counter.messagesOut + qos] = (count[Counter.messagesOut + qos] as number) + messages
  count[Counter.bytesOut] = (count[Counter.bytesOut] as number) + bytes
  count[Counter.payloadOut] = (count[Counter.payloadOut] as number) + payloadBytes
}

const fill = (
  target: Buffer,
  at: number,
  client: Client,
  view: PublishView,
  qos: number,
  retain: boolean,
  duplicate: boolean,
  packetIdentifier: number,
  identifiers: ReadonlyArray<number> | undefined,
  remainingSeconds: number
): void => {
  if (identifiers !== undefined || !canPassThrough(view, client.isVersion5, qos)) {
    writePublish(
      target,
      at,
      view,
      client.version,
      qos,
      retain,
      duplicate,
      packetIdentifier,
      identifiers,
      remainingSeconds
    )
    return
  }
  writePassThrough(target, at, view, qos, retain, duplicate, packetIdentifier, remainingSeconds)
}

/** Seconds left to forward, rounded up, at least 1 [MQTT-3.3.2-6]; -1 for messages that never expire. */
export const remainingExpirySeconds = (expiresAtMs: number, nowMs: number): number =>
  expiresAtMs === Number.POSITIVE_INFINITY ? -1 : Math.max(1, Math.ceil((expiresAtMs - nowMs) / 1000))
