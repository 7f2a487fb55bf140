/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP, read: four packets of one shape.
 *
 *   first byte          type, flags 0000; PUBREL 0010
 *   Remaining Length    2 in 3.x; in 5.0 2, 3 or more
 *   Packet Identifier   2 bytes, not zero
 *   Reason Code         5.0, absent = 0x00 Success
 *   Property Length     5.0, absent when Remaining Length is below 4
 *   Properties          5.0: Reason String, User Property; judged and forgotten
 *
 * Whether anybody waits for the identifier is the session's business.
 */
import type { AckView, ProtocolVersion } from "./codec.ts"
import type { Fault } from "./fault.ts"
import {
  packetIdentifierZero,
  propertiesTooLong,
  propertyLengthMalformed,
  reasonCodeNotAllowed,
  reservedFlags,
  trailingBytes,
  truncated
} from "./faults.ts"
import { bodyStart } from "./frame.ts"
import { readTwoBytes, readVariableByteInteger, variableByteIntegerSize } from "./integers.ts"
import { judgeProperties } from "./read-properties.ts"
import { mayCarry } from "./reason-codes.ts"
import { hasLegalFlags } from "./reserved-flags.ts"

export function readAcknowledgement(
  view: AckView,
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): Fault | undefined {
  const first = buffer[start] as number
  if (!hasLegalFlags(first, version)) return reservedFlags // [MQTT-2.1.3-1] [MQTT-3.6.1-1] [v3.1.1 MQTT-3.6.1-1]
  const body = bodyStart(buffer, start)
  if (end - body < 2) return truncated
  const packetIdentifier = readTwoBytes(buffer, body)
  if (packetIdentifier === 0) return packetIdentifierZero
  let reasonCode = 0
  if (end - body > 2) {
    if (version !== 5) return trailingBytes
    reasonCode = buffer[body + 2] as number
    // [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
    if (!mayCarry(first >> 4, reasonCode)) return reasonCodeNotAllowed
    if (end - body > 3) {
      const fault = judgeTail(buffer, body + 3, end, first >> 4)
      if (fault !== undefined) return fault
    }
  }
  view.packetIdentifier = packetIdentifier
  view.reasonCode = reasonCode
  return undefined
}

function judgeTail(buffer: Buffer, at: number, end: number, packetType: number): Fault | undefined {
  const length = readVariableByteInteger(buffer, at, end)
  if (length < 0) return propertyLengthMalformed
  const start = at + variableByteIntegerSize(length)
  if (length > end - start) return propertiesTooLong
  if (length < end - start) return trailingBytes
  return judgeProperties(buffer, start, end, placeOf(packetType))
}

/** PropertyPlace has one bit per packet type. */
function placeOf(packetType: number): number {
  return 1 << packetType
}
