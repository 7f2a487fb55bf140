/**
 * PUBLISH, built from values: for messages that begin inside the broker (wills, $SYS, the embedding API).
 *
 * The frame is canonical, as the message log keeps it: at QoS 1 and 2 the Packet Identifier is two zero
 * bytes, so it is read with `viewTrusted`. What comes from outside is judged by the caller before: a topic
 * without wildcards or U+0000, strings and binaries of at most 65,535 bytes (asserted here).
 */
import { assert } from "../base/assert.ts"
import type { Properties } from "./codec.ts"
import {
  variableByteIntegerMax,
  variableByteIntegerSize,
  writeFourBytes,
  writeTwoBytes,
  writeVariableByteInteger
} from "./integers.ts"
import { PropertyId, PropertyKind, PropertyPlace, propertyTable } from "./properties.ts"
import { publishFirstByte } from "./write-publish.ts"

const lengthMax = 0xffff

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
  const parts: Array<Buffer> = []
  for (const { id, field, kind, places } of propertyTable) {
    if ((places & PropertyPlace.publish) === 0) continue
    if (id === PropertyId.topicAlias || id === PropertyId.subscriptionIdentifier) continue
    if (field === "userProperties") {
      for (const [name, value] of properties.userProperties ?? [])
        parts.push(Buffer.from([id]), text(name), text(value))
      continue
    }
    const value = properties[field]
    if (value !== undefined) parts.push(Buffer.from([id]), encodeValue(kind, value as number | string | Buffer))
  }
  return Buffer.concat(parts)
}

function encodeValue(kind: PropertyKind, value: number | string | Buffer): Buffer {
  if (typeof value === "string") return text(value)
  if (typeof value !== "number") return lengthPrefixed(value)
  if (kind === PropertyKind.byte) return Buffer.from([value])
  assert(kind === PropertyKind.fourByte, "Numbers in a message's properties are bytes or four-byte integers")
  const bytes = Buffer.allocUnsafe(4)
  writeFourBytes(bytes, 0, value)
  return bytes
}

function text(value: string): Buffer {
  return lengthPrefixed(Buffer.from(value, "utf8"))
}

function lengthPrefixed(bytes: Buffer): Buffer {
  assert(bytes.length <= lengthMax, "A string or binary value has at most 65,535 bytes")
  const result = Buffer.allocUnsafe(2 + bytes.length)
  bytes.copy(result, writeTwoBytes(result, 0, bytes.length))
  return result
}

function writeText(target: Buffer, at: number, value: string): number {
  const length = target.write(value, at + 2, "utf8")
  writeTwoBytes(target, at, length)
  return at + 2 + length
}
