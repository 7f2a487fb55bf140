/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP, written straight into an output slab: size first, then one forward
 * write. No properties: Reason Strings are for CONNACK and DISCONNECT here.
 *
 *   3.x, and 5.0 with Reason Code 0x00    type, 02, Packet Identifier
 *   5.0 otherwise                         type, 04, Packet Identifier, Reason Code, 00 (Property Length)
 */
import { PacketType, type ProtocolVersion } from "./codec.ts"
import { writeTwoBytes } from "./integers.ts"

export const pingrespBytes: Buffer = Buffer.from([PacketType.pingresp << 4, 0])

export function acknowledgementSize(version: ProtocolVersion, reasonCode: number): number {
  return version === 5 && reasonCode !== 0 ? 6 : 4
}

/** Answers the offset behind the packet. The Packet Identifier is that of the packet answered [MQTT-2.2.1-5]. */
export function writeAcknowledgement(
  target: Buffer,
  at: number,
  packetType: number,
  packetIdentifier: number,
  reasonCode: number,
  version: ProtocolVersion
): number {
  target[at] = (packetType << 4) | (packetType === PacketType.pubrel ? 2 : 0) // [MQTT-3.6.1-1]
  writeTwoBytes(target, at + 2, packetIdentifier)
  if (version !== 5 || reasonCode === 0) {
    target[at + 1] = 2
    return at + 4
  }
  target[at + 1] = 4
  target[at + 4] = reasonCode
  target[at + 5] = 0 // [MQTT-2.2.2-1]
  return at + 6
}
