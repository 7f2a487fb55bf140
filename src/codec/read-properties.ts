/**
 * Properties of a 5.0 packet: judging, walking and collecting them.
 *
 *   judgeProperties    is this section legal in this place? Everything is checked here and nowhere else:
 *                      identifiers, places, lengths, UTF-8, ranges, duplicates. Allocates only a Fault.
 *   propertyEnd        offset behind one property; for sections that were judged before
 *   collectProperties  the section as a Properties value, own memory; for sections that were judged before
 *   readProperties     both at once, for the cold decoders
 *
 * [start, end) is always the section without its Property Length.
 */
import { isMqttString } from "../base/bytes.ts"
import type { Properties, UserProperty } from "./codec.ts"
import { Fault } from "./fault.ts"
import { readFourBytes, readTwoBytes, readVariableByteInteger, variableByteIntegerSize } from "./integers.ts"
import {
  fieldOf,
  fromClient,
  isRepeatable,
  kindOf,
  maximumValueOf,
  minimumOf,
  misplacedFault,
  PropertyId,
  PropertyKind,
  propertyIdBound,
  propertyRow
} from "./properties.ts"
import { ReasonCode } from "./reason-codes.ts"

export function judgeProperties(buffer: Buffer, start: number, end: number, place: number): Fault | undefined {
  let seenBelow32 = 0
  let seenFrom32 = 0
  let at = start
  while (at < end) {
    const id = buffer[at] as number
    if (id >= propertyIdBound || ((fromClient[id] as number) & place) === 0) return misplacedFault(id, place)
    if (isRepeatable[id] === 0) {
      const bit = 1 << (id & 31)
      if (((id < 32 ? seenBelow32 : seenFrom32) & bit) !== 0) {
        return new Fault(ReasonCode.protocolError, `${nameOf(id)} appears more than once`)
      }
      if (id < 32) seenBelow32 |= bit
      else seenFrom32 |= bit
    }
    const next = judgeValue(buffer, at + 1, end, id)
    if (typeof next !== "number") return next
    at = next
  }
  return undefined
}

/** Offset behind the property at `at`, whose section was judged before. */
export function propertyEnd(buffer: Buffer, at: number): number {
  const valueAt = at + 1
  switch (kindOf[buffer[at] as number]) {
    case PropertyKind.byte:
      return valueAt + 1
    case PropertyKind.twoByte:
      return valueAt + 2
    case PropertyKind.fourByte:
      return valueAt + 4
    case PropertyKind.variable:
      return valueAt + variableByteIntegerSize(readVariableByteInteger(buffer, valueAt, buffer.length))
    case PropertyKind.pair: {
      const secondAt = valueAt + 2 + readTwoBytes(buffer, valueAt)
      return secondAt + 2 + readTwoBytes(buffer, secondAt)
    }
    default:
      return valueAt + 2 + readTwoBytes(buffer, valueAt)
  }
}

export function collectProperties(buffer: Buffer, start: number, end: number): Properties {
  const properties: Properties = {}
  if (start === end) return properties
  const userProperties: Array<UserProperty> = []
  for (let at = start; at < end; at = propertyEnd(buffer, at)) {
    const id = buffer[at] as number
    if (id === PropertyId.userProperty) {
      const valueAt = at + 3 + readTwoBytes(buffer, at + 1)
      userProperties.push([textAt(buffer, at + 1), textAt(buffer, valueAt)])
      continue
    }
    const field = fieldOf[id]
    if (field !== undefined) (properties as Record<string, unknown>)[field] = valueAtProperty(buffer, at)
  }
  if (userProperties.length > 0) properties.userProperties = userProperties
  return properties
}

export function readProperties(buffer: Buffer, start: number, end: number, place: number): Properties | Fault {
  return judgeProperties(buffer, start, end, place) ?? collectProperties(buffer, start, end)
}

function valueAtProperty(buffer: Buffer, at: number): number | string | Buffer {
  const valueAt = at + 1
  switch (kindOf[buffer[at] as number]) {
    case PropertyKind.byte:
      return buffer[valueAt] as number
    case PropertyKind.twoByte:
      return readTwoBytes(buffer, valueAt)
    case PropertyKind.fourByte:
      return readFourBytes(buffer, valueAt)
    case PropertyKind.variable:
      return readVariableByteInteger(buffer, valueAt, buffer.length)
    case PropertyKind.string:
      return textAt(buffer, valueAt)
    default:
      return Buffer.from(buffer.subarray(valueAt + 2, valueAt + 2 + readTwoBytes(buffer, valueAt)))
  }
}

function textAt(buffer: Buffer, lengthAt: number): string {
  return buffer.toString("utf8", lengthAt + 2, lengthAt + 2 + readTwoBytes(buffer, lengthAt))
}

/** Offset behind the value of a property that may stand here, or what is wrong with it. */
function judgeValue(buffer: Buffer, at: number, end: number, id: number): number | Fault {
  switch (kindOf[id]) {
    case PropertyKind.byte:
      if (end - at < 1) return cutOff(id)
      return inRange(id, buffer[at] as number) ? at + 1 : outOfRange(id)
    case PropertyKind.twoByte:
      if (end - at < 2) return cutOff(id)
      return inRange(id, readTwoBytes(buffer, at)) ? at + 2 : outOfRange(id)
    case PropertyKind.fourByte:
      if (end - at < 4) return cutOff(id)
      return inRange(id, readFourBytes(buffer, at)) ? at + 4 : outOfRange(id)
    case PropertyKind.variable: {
      const value = readVariableByteInteger(buffer, at, end)
      if (value < 0) return cutOff(id)
      return inRange(id, value) ? at + variableByteIntegerSize(value) : outOfRange(id)
    }
    case PropertyKind.binary: {
      const next = end - at < 2 ? -1 : at + 2 + readTwoBytes(buffer, at)
      return next < 0 || next > end ? cutOff(id) : next
    }
    case PropertyKind.string: {
      const next = judgeString(buffer, at, end, id)
      if (typeof next !== "number" || id !== PropertyId.responseTopic) return next
      return judgeResponseTopic(buffer, at + 2, next) ?? next
    }
    default: {
      const secondAt = judgeString(buffer, at, end, id) // [MQTT-1.5.7-1]
      return typeof secondAt === "number" ? judgeString(buffer, secondAt, end, id) : secondAt
    }
  }
}

function judgeString(buffer: Buffer, at: number, end: number, id: number): number | Fault {
  if (end - at < 2) return cutOff(id)
  const next = at + 2 + readTwoBytes(buffer, at)
  if (next > end) return cutOff(id)
  // [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.3.2-13] [MQTT-3.3.2-19]
  if (isMqttString(buffer, at + 2, next)) return next
  return new Fault(ReasonCode.malformedPacket, `${nameOf(id)} is not well-formed UTF-8 without U+0000`)
}

/** A Response Topic is used as a Topic Name: not empty [MQTT-4.7.3-1], no wildcards [MQTT-3.3.2-14]. */
function judgeResponseTopic(buffer: Buffer, start: number, end: number): Fault | undefined {
  if (start === end) return new Fault(ReasonCode.protocolError, "Response Topic is empty")
  for (let at = start; at < end; at++) {
    if (buffer[at] === 0x23 || buffer[at] === 0x2b) {
      return new Fault(ReasonCode.protocolError, "Response Topic contains a wildcard character")
    }
  }
  return undefined
}

function inRange(id: number, value: number): boolean {
  return value >= (minimumOf[id] as number) && value <= (maximumValueOf[id] as number)
}

function outOfRange(id: number): Fault {
  const reasonCode = propertyRow(id)?.rangeReasonCode ?? ReasonCode.protocolError
  return new Fault(reasonCode, `${nameOf(id)} has a value that is not allowed`)
}

function cutOff(id: number): Fault {
  return new Fault(ReasonCode.malformedPacket, `${nameOf(id)} is malformed or reaches beyond the properties`)
}

function nameOf(id: number): string {
  return propertyRow(id)?.name ?? "Property"
}
