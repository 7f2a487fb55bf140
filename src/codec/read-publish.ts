/**
 * PUBLISH, read: fills the registers of a PublishView. The hottest function of the broker; no string, no
 * object, no copy.
 *
 *   readPublish   judges everything a client can get wrong
 *   viewTrusted   the same registers for frames that were judged before (the message log's): judges nothing,
 *                 and a Packet Identifier of zero is as good as any, since the log keeps only its room.
 *                 It leaves runFrames and frameEndRead alone: they tell how far the publisher's chunk was read
 *
 *   first byte    0011 DQQR   D = DUP, QQ = QoS, R = RETAIN
 *   Remaining Length          1-4 bytes
 *   Topic Name                2-byte length, UTF-8
 *   Packet Identifier         2 bytes, QoS 1 and 2 only [MQTT-2.2.1-2]
 *   Property Length           5.0 only, Variable Byte Integer
 *   Properties                5.0 only
 *   Payload                   the rest, may be empty
 *
 * Whether a Topic Alias is known and within the announced maximum is the session's business.
 */
import { isMqttString } from "../base/bytes.ts"
import type { Properties, ProtocolVersion } from "./codec.ts"
import type { Fault } from "./fault.ts"
import {
  duplicateAtQos0,
  packetIdentifierZero,
  propertiesTooLong,
  propertyLengthMalformed,
  publishQos3,
  topicEmpty,
  topicHasWildcard,
  topicNotUtf8,
  truncated
} from "./faults.ts"
import { bodyStart } from "./frame.ts"
import { readFourBytes, readTwoBytes, readVariableByteInteger, variableByteIntegerSize } from "./integers.ts"
import { PropertyId, PropertyPlace } from "./properties.ts"
import type { PublishView } from "./publish-view.ts"
import { collectProperties, judgeProperties, propertyEnd } from "./read-properties.ts"

export function readPublish(
  view: PublishView,
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): Fault | undefined {
  const flags = buffer[start] as number
  const qos = (flags >> 1) & 3
  if (qos === 3) return publishQos3 // [MQTT-3.3.1-4]
  if (qos === 0 && (flags & 8) !== 0) return duplicateAtQos0 // [MQTT-3.3.1-2]
  const body = bodyStart(buffer, start)
  if (end - body < 2) return truncated
  const topicStart = body + 2
  const topicEnd = topicStart + readTwoBytes(buffer, body)
  if (topicEnd > end) return truncated
  const topicFault = judgeTopicName(buffer, topicStart, topicEnd)
  if (topicFault !== undefined) return topicFault
  if (qos !== 0) {
    if (end - topicEnd < 2) return truncated
    if (readTwoBytes(buffer, topicEnd) === 0) return packetIdentifierZero // [MQTT-2.2.1-3] [v3.1.1 MQTT-2.3.1-1]
  }
  if (version === 5) {
    const lengthAt = qos === 0 ? topicEnd : topicEnd + 2
    const length = readVariableByteInteger(buffer, lengthAt, end)
    if (length < 0) return propertyLengthMalformed
    if (length > 0) {
      const propertiesStart = lengthAt + variableByteIntegerSize(length)
      if (length > end - propertiesStart) return propertiesTooLong
      const fault = judgeProperties(buffer, propertiesStart, propertiesStart + length, PropertyPlace.publish)
      if (fault !== undefined) return fault
    }
  }
  viewTrusted(view, buffer, start, end, version === 5)
  view.runFrames = 1
  view.frameEndRead = end
  // [MQTT-4.7.3-1] [v3.1.1 MQTT-4.7.3-1]
  return topicStart === topicEnd && view.topicAlias === 0 ? topicEmpty : undefined
}

export function viewTrusted(view: PublishView, buffer: Buffer, start: number, end: number, isVersion5: boolean): void {
  const flags = buffer[start] as number
  const qos = (flags >> 1) & 3
  const body = bodyStart(buffer, start)
  let at = body + 2 + readTwoBytes(buffer, body)
  view.buffer = buffer
  view.frameStart = start
  view.frameEnd = end
  view.isVersion5 = isVersion5
  view.qos = qos
  view.retain = (flags & 1) !== 0
  view.duplicate = (flags & 8) !== 0
  view.topicStart = body + 2
  view.topicEnd = at
  if (qos === 0) {
    view.packetIdentifier = 0
    view.packetIdentifierAt = -1
  } else {
    view.packetIdentifier = readTwoBytes(buffer, at)
    view.packetIdentifierAt = at
    at += 2
  }
  let length = 0
  if (isVersion5) {
    length = readVariableByteInteger(buffer, at, end)
    at += variableByteIntegerSize(length)
  }
  view.propertiesStart = at
  view.propertiesEnd = at + length
  view.payloadStart = at + length
  view.topicAlias = 0
  view.topicAliasAt = -1
  view.messageExpiryAt = -1
  view.messageExpiryIntervalSeconds = -1
  if (length > 0) locateProperties(view)
}

/** The properties of the message under the view, as a value. For the embedding API; allocates. */
export function publishProperties(view: PublishView): Properties {
  return collectProperties(view.buffer, view.propertiesStart, view.propertiesEnd)
}

/** What is wrong with the bytes of a Topic Name; an empty one is judged by the caller. Also for Will Topics. */
export function judgeTopicName(buffer: Buffer, start: number, end: number): Fault | undefined {
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    // One comparison passes "," to DEL, which is most of every topic.
    if ((byte - 0x2c) >>> 0 < 0x54) continue
    if (byte >= 0x80) return judgeTopicBeyondAscii(buffer, start, end)
    if (byte === 0x23 || byte === 0x2b) return topicHasWildcard // [MQTT-3.3.2-2] [MQTT-4.7.0-1] [v3.1.1 MQTT-3.3.2-2]
    if (byte === 0) return topicNotUtf8 // [MQTT-4.7.3-2] [v3.1.1 MQTT-4.7.3-2]
  }
  return undefined
}

function judgeTopicBeyondAscii(buffer: Buffer, start: number, end: number): Fault | undefined {
  if (!isMqttString(buffer, start, end)) return topicNotUtf8 // [MQTT-3.3.2-1] [v3.1.1 MQTT-3.3.2-1]
  // Well-formed UTF-8 has no byte below 0x80 inside a character.
  for (let at = start; at < end; at++) if (buffer[at] === 0x23 || buffer[at] === 0x2b) return topicHasWildcard
  return undefined
}

function locateProperties(view: PublishView): void {
  const buffer = view.buffer
  for (let at = view.propertiesStart; at < view.propertiesEnd; at = propertyEnd(buffer, at)) {
    const id = buffer[at] as number
    if (id === PropertyId.messageExpiryInterval) {
      view.messageExpiryAt = at + 1
      view.messageExpiryIntervalSeconds = readFourBytes(buffer, at + 1)
    } else if (id === PropertyId.topicAlias) {
      view.topicAliasAt = at
      view.topicAlias = readTwoBytes(buffer, at + 1)
    }
  }
}
