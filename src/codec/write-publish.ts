/**
 * PUBLISH, written from a view of another PUBLISH: size first, then one forward write.
 *
 *   canPassThrough, writePassThrough          same bytes, a few of them patched: the hot way
 *   publishSize, writePublish                 for a receiver of another version, QoS or with identifiers
 *   canonicalPublishSize, writeCanonicalPublish   the form in which the message log keeps it
 *
 * What becomes of the parts, from the publisher's frame to the receiver's:
 *
 *   first byte             DUP, QoS and RETAIN are the receiver's
 *   Topic Name             as it is
 *   Packet Identifier      the receiver's; none at QoS 0
 *   properties 5.0 → 5.0   bytes as received, in their order [MQTT-3.3.2-18], less the Topic Alias, with the
 *                          Message Expiry Interval patched, then the Subscription Identifiers
 *   properties 5.0 → 3.x   dropped;  3.x → 5.0  an empty section, then the Subscription Identifiers
 *   Payload                as it is
 *
 * A view whose topic is empty (Topic Alias) must be made canonical first. Nothing here checks that `target`
 * is large enough: callers ask for the size.
 */
import { assert } from "../base/assert.ts"
import { copyBytes } from "../base/bytes.ts"
import type { ProtocolVersion } from "./codec.ts"
import { variableByteIntegerSize, writeFourBytes, writeTwoBytes, writeVariableByteInteger } from "./integers.ts"
import { PropertyId } from "./properties.ts"
import type { PublishView } from "./publish-view.ts"

/** Identifier and two bytes of value. */
const topicAliasBytes = 3

export function publishFirstByte(qos: number, retain: boolean, duplicate: boolean): number {
  return 0x30 | (duplicate ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
}

/** May the frame be copied whole, with first byte, Packet Identifier and expiry patched in place? */
export function canPassThrough(view: PublishView, receiverIsVersion5: boolean, qos: number): boolean {
  return view.isVersion5 === receiverIsVersion5 && view.topicAliasAt < 0 && (qos === 0) === (view.qos === 0)
}

/** The frame whole, or up to `frameEnd`, patched. Only where canPassThrough says so and there are no Subscription Identifiers. */
export function writePassThrough(
  target: Buffer,
  at: number,
  view: PublishView,
  qos: number,
  retain: boolean,
  duplicate: boolean,
  packetIdentifier: number,
  remainingExpirySeconds: number,
  frameEnd = view.frameEnd
): number {
  const start = view.frameStart
  const end = copyBytes(target, at, view.buffer, start, frameEnd)
  target[at] = publishFirstByte(qos, retain, duplicate)
  if (qos !== 0) writeTwoBytes(target, at + view.packetIdentifierAt - start, packetIdentifier)
  if (remainingExpirySeconds >= 0 && view.messageExpiryAt >= 0) {
    writeFourBytes(target, at + view.messageExpiryAt - start, remainingExpirySeconds) // [MQTT-3.3.2-6]
  }
  return end
}

/** Size of the whole frame that writePublish will write. */
export function publishSize(
  view: PublishView,
  receiverVersion: ProtocolVersion,
  qos: number,
  subscriptionIdentifiers: ReadonlyArray<number> | undefined,
  topicAlias = 0,
  omitTopic = false
): number {
  const properties =
    receiverVersion === 5 ? forwardedLength(view, subscriptionIdentifiers) + aliasLength(topicAlias) : -1
  const topicLength = omitTopic ? 0 : view.topicEnd - view.topicStart
  return frameSize(remainingLength(topicLength, qos, properties, view.frameEnd - view.payloadStart))
}

const aliasLength = (topicAlias: number): number => (topicAlias === 0 ? 0 : topicAliasBytes)

/**
 * Answers the offset behind the frame. `remainingExpirySeconds` -1 leaves the Message Expiry Interval as it is.
 * `topicAlias` 0 = none; with `omitTopic` the receiver knows the alias already.
 */
export function writePublish(
  target: Buffer,
  at: number,
  view: PublishView,
  receiverVersion: ProtocolVersion,
  qos: number,
  retain: boolean,
  duplicate: boolean,
  packetIdentifier: number,
  subscriptionIdentifiers: ReadonlyArray<number> | undefined,
  remainingExpirySeconds: number,
  topicAlias = 0,
  omitTopic = false
): number {
  assert(view.topicEnd > view.topicStart, "A PUBLISH to forward names its topic")
  const topicLength = omitTopic ? 0 : view.topicEnd - view.topicStart
  const properties =
    receiverVersion === 5 ? forwardedLength(view, subscriptionIdentifiers) + aliasLength(topicAlias) : -1
  const payloadLength = view.frameEnd - view.payloadStart
  target[at++] = publishFirstByte(qos, retain, duplicate)
  at = writeVariableByteInteger(target, at, remainingLength(topicLength, qos, properties, payloadLength))
  at = omitTopic ? writeTwoBytes(target, at, 0) : copyBytes(target, at, view.buffer, view.topicStart - 2, view.topicEnd)
  if (qos !== 0) at = writeTwoBytes(target, at, packetIdentifier)
  if (properties >= 0) {
    at = writeVariableByteInteger(target, at, properties)
    if (topicAlias !== 0) {
      target[at] = PropertyId.topicAlias
      at = writeTwoBytes(target, at + 1, topicAlias)
    }
    at = copyProperties(target, at, view, remainingExpirySeconds)
    at = writeSubscriptionIdentifiers(target, at, subscriptionIdentifiers) // [MQTT-3.3.4-4]
  }
  return copyBytes(target, at, view.buffer, view.payloadStart, view.frameEnd)
}

/** Size of the frame as the log keeps it; `topicLength` counts when the frame's own topic is empty. */
export function canonicalPublishSize(view: PublishView, topicLength: number): number {
  if (isCanonical(view)) return view.frameEnd - view.frameStart
  const properties = view.isVersion5 ? copiedLength(view) : -1
  const length = view.topicEnd > view.topicStart ? view.topicEnd - view.topicStart : topicLength
  return frameSize(remainingLength(length, view.qos, properties, view.frameEnd - view.payloadStart))
}

/**
 * The frame as the log keeps it: alias resolved, DUP 0, QoS and RETAIN as published, and at QoS 1 and 2 two
 * zero bytes where each receiver's Packet Identifier will stand.
 */
export function writeCanonicalPublish(target: Buffer, at: number, view: PublishView, topicBytes: Buffer): number {
  const { buffer, frameStart, frameEnd, qos } = view
  const firstByte = publishFirstByte(qos, view.retain, false) // [MQTT-3.3.1-3]
  if (isCanonical(view)) {
    const end = copyBytes(target, at, buffer, frameStart, frameEnd)
    target[at] = firstByte
    if (qos !== 0) writeTwoBytes(target, at + view.packetIdentifierAt - frameStart, 0)
    return end
  }
  const ownTopic = view.topicEnd > view.topicStart
  const topicLength = ownTopic ? view.topicEnd - view.topicStart : topicBytes.length
  const properties = view.isVersion5 ? copiedLength(view) : -1
  target[at++] = firstByte
  at = writeVariableByteInteger(target, at, remainingLength(topicLength, qos, properties, frameEnd - view.payloadStart))
  at = writeTwoBytes(target, at, topicLength)
  at = ownTopic
    ? copyBytes(target, at, buffer, view.topicStart, view.topicEnd)
    : copyBytes(target, at, topicBytes, 0, topicLength)
  if (qos !== 0) at = writeTwoBytes(target, at, 0)
  if (properties >= 0) {
    at = writeVariableByteInteger(target, at, properties)
    at = copyProperties(target, at, view, -1)
  }
  return copyBytes(target, at, buffer, view.payloadStart, frameEnd)
}

function isCanonical(view: PublishView): boolean {
  return view.topicAliasAt < 0 && view.topicEnd > view.topicStart
}

/** `properties` is the length of the section without its Property Length, or -1 when there is none. */
function remainingLength(topicLength: number, qos: number, properties: number, payloadLength: number): number {
  const section = properties < 0 ? 0 : variableByteIntegerSize(properties) + properties
  return 2 + topicLength + (qos === 0 ? 0 : 2) + section + payloadLength
}

function frameSize(remaining: number): number {
  return 1 + variableByteIntegerSize(remaining) + remaining
}

function copiedLength(view: PublishView): number {
  return view.propertiesEnd - view.propertiesStart - (view.topicAliasAt < 0 ? 0 : topicAliasBytes)
}

function forwardedLength(view: PublishView, subscriptionIdentifiers: ReadonlyArray<number> | undefined): number {
  let length = copiedLength(view)
  if (subscriptionIdentifiers === undefined) return length
  for (let i = 0; i < subscriptionIdentifiers.length; i++) {
    length += 1 + variableByteIntegerSize(subscriptionIdentifiers[i] as number)
  }
  return length
}

/** Copies the view's properties less the Topic Alias and patches the expiry in the copy. */
function copyProperties(target: Buffer, at: number, view: PublishView, remainingExpirySeconds: number): number {
  const { buffer, propertiesStart, propertiesEnd, topicAliasAt, messageExpiryAt } = view
  const firstEnd = topicAliasAt < 0 ? propertiesEnd : topicAliasAt
  let end = copyBytes(target, at, buffer, propertiesStart, firstEnd)
  if (topicAliasAt >= 0) end = copyBytes(target, end, buffer, topicAliasAt + topicAliasBytes, propertiesEnd)
  if (remainingExpirySeconds >= 0 && messageExpiryAt >= 0) {
    const removed = topicAliasAt >= 0 && topicAliasAt < messageExpiryAt ? topicAliasBytes : 0
    writeFourBytes(target, at + messageExpiryAt - propertiesStart - removed, remainingExpirySeconds) // [MQTT-3.3.2-6]
  }
  return end
}

function writeSubscriptionIdentifiers(
  target: Buffer,
  at: number,
  subscriptionIdentifiers: ReadonlyArray<number> | undefined
): number {
  if (subscriptionIdentifiers === undefined) return at
  for (let i = 0; i < subscriptionIdentifiers.length; i++) {
    target[at++] = PropertyId.subscriptionIdentifier
    at = writeVariableByteInteger(target, at, subscriptionIdentifiers[i] as number)
  }
  return at
}
