/**
 * The answers by the mqtt-packet library, for the reference codec: what write-answers.ts writes is held against these bytes.
 *
 * The library throws on values it cannot write. It knows nothing of 3.1's CONNACK, whose first byte is reserved.
 */
import { generate, type Packet, writeToStream } from "mqtt-packet"
import type { Codec, ProtocolVersion } from "./codec.ts"
import { toLibrary } from "./mqtt-packet-properties.ts"

export const encodeConnack: Codec["encodeConnack"] = (version, sessionPresent, reasonCode, properties) => {
  // Refused: never. In 3.1 that byte is reserved.
  const present = sessionPresent && reasonCode === 0 && version !== 3
  if (version !== 5) return write(version, { cmd: "connack", sessionPresent: present, returnCode: reasonCode })
  return write(5, { cmd: "connack", sessionPresent: present, reasonCode, properties: toLibrary(properties) })
}

export const encodeSuback: Codec["encodeSuback"] = (version, packetIdentifier, reasonCodes, properties) => {
  const granted = [...reasonCodes]
  if (version !== 5) return write(version, { cmd: "suback", messageId: packetIdentifier, granted })
  return write(5, { cmd: "suback", messageId: packetIdentifier, granted, properties: toLibrary(properties) })
}

export const encodeUnsuback: Codec["encodeUnsuback"] = (version, packetIdentifier, reasonCodes, properties) => {
  if (version !== 5) return write(version, { cmd: "unsuback", messageId: packetIdentifier, granted: [] })
  const granted = [...reasonCodes]
  return write(5, { cmd: "unsuback", messageId: packetIdentifier, granted, properties: toLibrary(properties) })
}

export const encodeDisconnect: Codec["encodeDisconnect"] = (reasonCode, properties) => {
  return write(5, { cmd: "disconnect", reasonCode, properties: toLibrary(properties) })
}

export const encodeAuth: Codec["encodeAuth"] = (reasonCode, properties) => {
  return write(5, { cmd: "auth", reasonCode, properties: toLibrary(properties) })
}

/** The library would fill a table of all 65,536 numbers, a buffer each, at its first call: 30 to 50 ms of each test file. */
writeToStream.cacheNumbers = false

function write(version: ProtocolVersion, packet: object): Buffer {
  // The library's types know neither ordered User Properties nor absent reason codes.
  return generate(packet as Packet, { protocolVersion: version })
}
