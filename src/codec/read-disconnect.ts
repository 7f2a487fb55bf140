/**
 * DISCONNECT, AUTH and PINGREQ, read: the packets that may be two bytes long.
 *
 *   first byte           1110 0000 (DISCONNECT), 1111 0000 (AUTH), 1100 0000 (PINGREQ)
 *   Remaining Length     0 in 3.x and for PINGREQ
 *   Reason Code          5.0, absent = 0x00
 *   Properties           5.0, may be absent when nothing follows the Reason Code
 *
 * An AUTH without a body is legal bytes (0x00 Success, no properties). It names no Authentication Method,
 * so the exchange it belongs to refuses it [MQTT-4.12.0-5]; that is not told from the bytes alone.
 */
import type { AuthPacket, DisconnectPacket, ProtocolVersion } from "./codec.ts"
import { PacketType } from "./codec.ts"
import { Cursor } from "./cursor.ts"
import { Fault } from "./fault.ts"
import { reasonCodeNotAllowed, reservedFlags, trailingBytes } from "./faults.ts"
import { PropertyPlace } from "./properties.ts"
import { clientMaySend, ReasonCode } from "./reason-codes.ts"
import { hasLegalFlags } from "./reserved-flags.ts"

export function decodeDisconnect(
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): DisconnectPacket | Fault {
  if (!hasLegalFlags(buffer[start] as number, version)) return reservedFlags // [MQTT-3.14.1-1] [v3.1.1 MQTT-3.14.1-1]
  const cursor = new Cursor(buffer, start, end)
  if (cursor.left === 0) return { reasonCode: ReasonCode.normalDisconnection, properties: {} }
  if (version !== 5) return trailingBytes
  const reasonCode = cursor.byte("Reason Code")
  if (!clientMaySend(PacketType.disconnect, reasonCode)) cursor.fail(reasonCodeNotAllowed) // [MQTT-3.14.2-1]
  const properties = cursor.left === 0 ? {} : cursor.properties(PropertyPlace.disconnect)
  return cursor.finish() ?? { reasonCode, properties }
}

export function decodeAuth(buffer: Buffer, start: number, end: number): AuthPacket | Fault {
  if (!hasLegalFlags(buffer[start] as number, 5)) return reservedFlags // [MQTT-3.15.1-1]
  const cursor = new Cursor(buffer, start, end)
  if (cursor.left === 0) return { reasonCode: ReasonCode.success, properties: {} }
  const reasonCode = cursor.byte("Reason Code")
  if (!clientMaySend(PacketType.auth, reasonCode)) cursor.fail(reasonCodeNotAllowed) // [MQTT-3.15.2-1]
  const properties = cursor.properties(PropertyPlace.auth)
  if (properties.authenticationMethod === undefined) cursor.fail(authenticationMethodMissing) // [MQTT-4.12.0-5]
  return cursor.finish() ?? { reasonCode, properties }
}

/** [MQTT-2.1.3-1] [v3.1.1 MQTT-2.2.2-2] */
export function checkPing(buffer: Buffer, start: number, end: number): Fault | undefined {
  if (!hasLegalFlags(buffer[start] as number, 5)) return reservedFlags
  return end - start === 2 ? undefined : trailingBytes
}

const authenticationMethodMissing = new Fault(ReasonCode.protocolError, "Authentication Method is missing")
