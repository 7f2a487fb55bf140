/**
 * The packet identifier in a frame of the log. A canonical PUBLISH has two zero bytes there, which every receiver's
 * identifier replaces; at QoS 2 from a persistent session the publisher's own is kept in them: as one record with the
 * message it proves after a crash that the message was received, so that a repeated PUBLISH is known as one [MQTT-4.3.3-10].
 *
 *   offset  size  canonical PUBLISH frame
 *        0     1  packet type, DUP 0, QoS, RETAIN
 *        1   1-4  Remaining Length
 *        .     2  length of the Topic Name, then its bytes
 *        .     2  packet identifier, at QoS 1 and 2
 *        .        properties (5.0), payload
 *
 * Elsewhere: writing the frame (codec/write-publish.ts).
 */

/** `at`: where the frame, of QoS 1 or 2, begins. */
export function keepPacketIdentifier(frame: Buffer, at: number, packetIdentifier: number): void {
  let name = at + 1
  while ((frame[name] as number) > 127) name++
  const lengthAt = name + 1
  const identifierAt = lengthAt + 2 + (((frame[lengthAt] as number) << 8) | (frame[lengthAt + 1] as number))
  frame[identifierAt] = packetIdentifier >>> 8
  frame[identifierAt + 1] = packetIdentifier & 255
}
