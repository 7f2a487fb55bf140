/**
 * The rare answers, encoded by the mqtt-packet library: CONNACK (5.0), SUBACK, UNSUBACK, DISCONNECT, AUTH.
 *
 * One of each per connection or subscription, so 0.3 to 2 µs apiece are well spent on code that others test
 * too. The library throws on values it cannot write; those are ours to get right, never a client's.
 * Both codecs share these functions. Acknowledgements and PUBLISH are written by own code.
 */
import { generate, type Packet, writeToStream } from "mqtt-packet"
import { PacketType, type Properties, type ProtocolVersion } from "./codec.ts"
import { toLibrary } from "./mqtt-packet-properties.ts"

export function encodeConnack(
  version: ProtocolVersion,
  sessionPresent: boolean,
  reasonCode: number,
  properties: Properties
): Buffer {
  // Refused: never [MQTT-3.2.2-6] [v3.1.1 MQTT-3.2.2-4]. In 3.1 that byte is reserved.
  const present = sessionPresent && reasonCode === 0 && version !== 3
  // Four bytes: the library takes 4 us for them, a twentieth of a connection's whole cost.
  if (version !== 5) return Buffer.of(PacketType.connack << 4, 2, present ? 1 : 0, reasonCode)
  return write(5, { cmd: "connack", sessionPresent: present, reasonCode, properties: toLibrary(properties) })
}

/** One Reason Code per Topic Filter, in their order [MQTT-3.9.3-1] [v3.1.1 MQTT-3.9.3-1]. */
export function encodeSuback(
  version: ProtocolVersion,
  packetIdentifier: number,
  reasonCodes: ReadonlyArray<number>,
  properties: Properties
): Buffer {
  const granted = [...reasonCodes]
  if (version !== 5) return write(version, { cmd: "suback", messageId: packetIdentifier, granted })
  return write(5, { cmd: "suback", messageId: packetIdentifier, granted, properties: toLibrary(properties) })
}

/** 5.0: one Reason Code per Topic Filter, in their order [MQTT-3.11.3-1]; 3.x: none. */
export function encodeUnsuback(
  version: ProtocolVersion,
  packetIdentifier: number,
  reasonCodes: ReadonlyArray<number>,
  properties: Properties
): Buffer {
  if (version !== 5) return write(version, { cmd: "unsuback", messageId: packetIdentifier, granted: [] })
  const granted = [...reasonCodes]
  return write(5, { cmd: "unsuback", messageId: packetIdentifier, granted, properties: toLibrary(properties) })
}

export function encodeDisconnect(reasonCode: number, properties: Properties): Buffer {
  return write(5, { cmd: "disconnect", reasonCode, properties: toLibrary(properties) })
}

export function encodeAuth(reasonCode: number, properties: Properties): Buffer {
  return write(5, { cmd: "auth", reasonCode, properties: toLibrary(properties) })
}

/**
 * The library would fill a table of all 65,536 numbers, a buffer each, at its first call: 30 to 50 ms of a start and 19 MiB, for
 * packets that are rare.
 */
writeToStream.cacheNumbers = false

/** The first calls of what is not compiled yet, before a client waits for them. */
export function warm(): void {
  for (const version of [4, 5] as const) {
    encodeConnack(version, false, 0, { receiveMaximum: 1, reasonString: "warm", userProperties: [["a", "b"]] })
    encodeSuback(version, 1, [0], {})
    encodeUnsuback(version, 1, [0], {})
  }
  encodeDisconnect(0, {})
  encodeAuth(0x18, { authenticationMethod: "warm" })
}

function write(version: ProtocolVersion, packet: object): Buffer {
  // The library's types know neither ordered User Properties nor absent reason codes.
  return generate(packet as Packet, { protocolVersion: version })
}
