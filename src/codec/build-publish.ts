/**
 * PUBLISH, built from values: for messages that begin inside the broker (wills, $SYS, the embedding API).
 *
 * The frame is canonical, as the message log keeps it: at QoS 1 and 2 the Packet Identifier is two zero
 * bytes, so it is read with `viewTrusted`. What comes from outside is judged by the caller before: a topic
 * without wildcards or U+0000, strings and binaries of at most 65,535 bytes (asserted here).
 */
import { assert } from "../base/assert.ts"
import type { Properties } from "./codec.ts"
import { variableByteIntegerMax, variableByteIntegerSize, writeTwoBytes, writeVariableByteInteger } from "./integers.ts"
import { PropertyId, PropertyPlace, propertyTable } from "./properties.ts"
import { lengthMax, propertiesSize, writeProperties, writeText } from "./write-properties.ts"
import { publishFirstByte } from "./write-publish.ts"

/** `propertyBytes` is a section without its Property Length; it is ignored for version 4. */
export function buildPublish(
  version: 4 | 5,
  topic: string,
  payload: Buffer,
  qos: number,
  retain: boolean,
  propertyBytes: Buffer
): Buffer {
  const topicLength = Buffer.byteLength(topic)
  assert(topicLength > 0 && topicLength <= lengthMax, "A Topic Name has 1 to 65,535 bytes")
  const section = version === 5 ? variableByteIntegerSize(propertyBytes.length) + propertyBytes.length : 0
  const remaining = 2 + topicLength + (qos === 0 ? 0 : 2) + section + payload.length
  assert(remaining <= variableByteIntegerMax, "A packet has at most 268,435,455 bytes")
  const frame = Buffer.allocUnsafe(1 + variableByteIntegerSize(remaining) + remaining)
  frame[0] = publishFirstByte(qos, retain, false)
  let at = writeVariableByteInteger(frame, 1, remaining)
  at = writeText(frame, at, topic)
  if (qos !== 0) at = writeTwoBytes(frame, at, 0)
  if (version === 5) {
    at = writeVariableByteInteger(frame, at, propertyBytes.length)
    at += propertyBytes.copy(frame, at)
  }
  payload.copy(frame, at)
  return frame
}

/**
 * The properties that belong to a message itself, as bytes for buildPublish. Topic Alias and Subscription
 * Identifier are not among them: they belong to one connection and one subscription.
 */
export function encodePublishProperties(properties: Properties): Buffer {
  const own: Record<string, Properties[keyof Properties]> = {}
  for (const { id, field, places } of propertyTable) {
    if ((places & PropertyPlace.publish) === 0) continue
    if (id !== PropertyId.topicAlias && id !== PropertyId.subscriptionIdentifier) own[field] = properties[field]
  }
  const bytes = Buffer.allocUnsafe(propertiesSize(own))
  writeProperties(bytes, 0, own)
  return bytes
}
