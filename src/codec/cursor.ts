/**
 * A cursor over one whole frame, for the packets that are rare enough to be read field by field.
 *
 * It moves forward only, never beyond `end`, and keeps the first fault: after one, every read answers an
 * empty value and moves nothing, so that a decoder reads straight down and asks for `fault` once before it
 * believes what it read. `what` names the field for the Fault.
 */
import { isMqttString } from "../base/bytes.ts"
import type { Properties } from "./codec.ts"
import { Fault } from "./fault.ts"
import { packetIdentifierZero, propertiesTooLong, propertyLengthMalformed, trailingBytes } from "./faults.ts"
import { bodyStart } from "./frame.ts"
import { readTwoBytes, readVariableByteInteger, variableByteIntegerSize } from "./integers.ts"
import { readProperties } from "./read-properties.ts"
import { ReasonCode } from "./reason-codes.ts"

export class Cursor {
  readonly buffer: Buffer
  readonly end: number
  at: number
  fault: Fault | undefined = undefined
  /** The last property section read, as offsets. */
  propertiesStart = 0
  propertiesEnd = 0

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer
    this.at = bodyStart(buffer, start)
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  fail(fault: Fault): void {
    this.fault ??= fault
  }

  byte(what: string): number {
    return this.has(1, what) ? (this.buffer[this.at++] as number) : 0
  }

  twoBytes(what: string): number {
    if (!this.has(2, what)) return 0
    this.at += 2
    return readTwoBytes(this.buffer, this.at - 2)
  }

  /** [MQTT-2.2.1-3] [v3.1.1 MQTT-2.3.1-1] */
  packetIdentifier(): number {
    const value = this.twoBytes("Packet Identifier")
    if (value === 0) this.fail(packetIdentifierZero)
    return value
  }

  /** A UTF-8 Encoded String. */
  string(what: string): string {
    const start = this.at + 2
    if (!this.lengthPrefixed(what)) return ""
    // [MQTT-1.5.4-1] [MQTT-1.5.4-2] [v3.1.1 MQTT-1.5.3-1] [v3.1.1 MQTT-1.5.3-2]
    if (isMqttString(this.buffer, start, this.at)) return this.buffer.toString("utf8", start, this.at)
    this.fail(new Fault(ReasonCode.malformedPacket, `${what} is not well-formed UTF-8 without U+0000`))
    return ""
  }

  /** Binary Data, own memory. */
  binary(what: string): Buffer {
    const start = this.at + 2
    return this.lengthPrefixed(what) ? Buffer.from(this.buffer.subarray(start, this.at)) : Buffer.alloc(0)
  }

  /** Property Length and the properties of this place. */
  properties(place: number): Properties {
    if (this.fault !== undefined) return {}
    const length = readVariableByteInteger(this.buffer, this.at, this.end)
    if (length < 0) return this.noProperties(propertyLengthMalformed) // [MQTT-2.2.2-1]
    const start = this.at + variableByteIntegerSize(length)
    if (length > this.end - start) return this.noProperties(propertiesTooLong)
    this.propertiesStart = start
    this.propertiesEnd = start + length
    this.at = start + length
    const properties = readProperties(this.buffer, start, this.at, place)
    return properties instanceof Fault ? this.noProperties(properties) : properties
  }

  /** Nothing may follow. */
  finish(): Fault | undefined {
    if (this.left > 0) this.fail(trailingBytes)
    return this.fault
  }

  private noProperties(fault: Fault): Properties {
    this.fail(fault)
    return {}
  }

  /** Moves behind a field of a 2-byte length and that many bytes. */
  private lengthPrefixed(what: string): boolean {
    const length = this.twoBytes(what)
    if (!this.has(length, what)) return false
    this.at += length
    return true
  }

  private has(count: number, what: string): boolean {
    if (this.fault !== undefined) return false
    if (this.left >= count) return true
    this.fail(new Fault(ReasonCode.malformedPacket, `Packet ends before or within ${what}`))
    return false
  }
}
