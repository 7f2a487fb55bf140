/**
 * Properties of a 5.0 packet, written from values: size first, then one forward write.
 *
 *   identifier, value; again for each that is there      without the Property Length
 *
 *   byte        1 byte                  string  2-byte length, UTF-8
 *   twoByte     2 bytes, big-endian     binary  2-byte length, bytes
 *   fourByte    4 bytes, big-endian     pair    two strings; a property for each User Property, in their order
 *   variable    1 to 4 bytes
 *
 * Walked are the fields that are there, in the order in which they were set, and not the 27 rows of the table: a CONNACK has
 * two or three, and ten thousand clients that come back at once are told before any of this is compiled.
 *
 * What is written is ours, or was judged when it came in: a value that does not fit its kind is asserted.
 */
import { assert } from "../base/assert.ts"
import type { Properties } from "./codec.ts"
import { variableByteIntegerSize, writeFourBytes, writeTwoBytes, writeVariableByteInteger } from "./integers.ts"
import { PropertyId, PropertyKind, type PropertyRow, propertyOfField } from "./properties.ts"

/** Of a string or binary value. */
export const lengthMax = 0xffff

export function propertiesSize(properties: Properties): number {
  let size = 0
  for (const field in properties) {
    const value = properties[field as keyof Properties]
    if (value === undefined) continue
    if (typeof value === "number") size += 1 + numberSize(propertyOfField(field), value)
    else if (typeof value === "string" || Buffer.isBuffer(value)) size += 1 + lengthPrefixedSize(value)
    else for (const [name, text] of value) size += 1 + lengthPrefixedSize(name) + lengthPrefixedSize(text)
  }
  return size
}

/** Answers the offset behind them; `target` has room for propertiesSize() bytes. */
export function writeProperties(target: Buffer, at: number, properties: Properties): number {
  for (const field in properties) {
    const value = properties[field as keyof Properties]
    if (value === undefined) continue
    if (typeof value === "object" && !Buffer.isBuffer(value)) {
      for (const [name, text] of value) {
        target[at] = PropertyId.userProperty
        at = writeText(target, writeText(target, at + 1, name), text)
      }
      continue
    }
    const property = propertyOfField(field)
    target[at] = property.id
    if (typeof value === "number") at = writeNumber(target, at + 1, property, value)
    else if (typeof value === "string") at = writeText(target, at + 1, value)
    else at = writeTwoBytes(target, at + 1, value.length) + value.copy(target, at + 3)
  }
  return at
}

function numberSize({ kind, maximum, name }: PropertyRow, value: number): number {
  assert(value >= 0 && value <= maximum, `${name} is too large`)
  if (kind === PropertyKind.byte) return 1
  if (kind === PropertyKind.variable) return variableByteIntegerSize(value)
  return kind === PropertyKind.twoByte ? 2 : 4
}

function lengthPrefixedSize(value: string | Buffer): number {
  const length = Buffer.byteLength(value)
  assert(length <= lengthMax, "A string or binary value has at most 65,535 bytes")
  return 2 + length
}

function writeNumber(target: Buffer, at: number, { kind }: PropertyRow, value: number): number {
  switch (kind) {
    case PropertyKind.byte:
      target[at] = value
      return at + 1
    case PropertyKind.twoByte:
      return writeTwoBytes(target, at, value)
    case PropertyKind.fourByte:
      return writeFourBytes(target, at, value)
    default:
      return writeVariableByteInteger(target, at, value)
  }
}

/** A UTF-8 Encoded String. */
export function writeText(target: Buffer, at: number, value: string): number {
  const length = target.write(value, at + 2, "utf8")
  writeTwoBytes(target, at, length)
  return at + 2 + length
}
