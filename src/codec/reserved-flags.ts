/**
 * The low nibble of the first byte, which only PUBLISH may use freely.
 *
 *   PUBREL, SUBSCRIBE, UNSUBSCRIBE   0010
 *   all others but PUBLISH           0000
 *
 * MQTT 3.1 calls bit 3 of those three DUP and sets it on retransmission; 3.1.1 and 5.0 forbid it.
 */
import { PacketType, type ProtocolVersion } from "./codec.ts"

const expected = new Uint8Array(16)
expected[PacketType.pubrel] = 2
expected[PacketType.subscribe] = 2
expected[PacketType.unsubscribe] = 2

/** [v3.1 2.1-dup] */
const duplicateBit = 8

export function hasLegalFlags(firstByte: number, version: ProtocolVersion): boolean {
  const flags = firstByte & 15
  const legal = expected[firstByte >> 4] as number
  return flags === legal || (version === 3 && legal === 2 && flags === (legal | duplicateBit))
}
