/**
 * CONNECT, read.
 *
 *   first byte           0001 0000
 *   Protocol Name        "MQTT", or "MQIsdp" in 3.1
 *   Protocol Version     3 (with MQIsdp), 4, 5 (with MQTT)
 *   Connect Flags        U P R QQ W C 0: user name, password, will retain, will QoS, will, clean start
 *   Keep Alive           2 bytes, seconds
 *   Properties           5.0
 *   Client Identifier    string, may be empty
 *   Will Properties      5.0 and W
 *   Will Topic, Payload  W
 *   User Name            U
 *   Password             P
 *
 * Judged elsewhere, because it needs to know more than the packet: an empty Client Identifier with Clean
 * Session 0, lengths of 3.1 identifiers, credentials, authentication methods, limits on the will.
 *
 * MQTT 3.1 lets the length of the packet overrule the flags U and P: a client may announce both and send
 * neither. They count as absent then.
 */
import { equalBytes } from "../base/bytes.ts"
import type { ConnectPacket, Properties, ProtocolVersion, Will } from "./codec.ts"
import { Cursor } from "./cursor.ts"
import { Fault } from "./fault.ts"
import { reservedFlags, unknownProtocolName, unsupportedVersion3, unsupportedVersion5 } from "./faults.ts"
import { bodyStart } from "./frame.ts"
import { PropertyId, PropertyPlace } from "./properties.ts"
import { propertyEnd } from "./read-properties.ts"
import { judgeTopicName } from "./read-publish.ts"
import { ReasonCode } from "./reason-codes.ts"
import { hasLegalFlags } from "./reserved-flags.ts"

export function decodeConnect(buffer: Buffer, start: number, end: number): ConnectPacket | Fault {
  if (!hasLegalFlags(buffer[start] as number, 5)) return reservedFlags // [MQTT-2.1.3-1]
  const cursor = new Cursor(buffer, start, end)
  const version = readVersion(cursor)
  if (version instanceof Fault) return version
  const flags = cursor.byte("Connect Flags")
  const keepAliveSeconds = cursor.twoBytes("Keep Alive")
  const flagsFault = judgeFlags(flags, version)
  if (flagsFault !== undefined) cursor.fail(flagsFault)
  const properties = version === 5 ? cursor.properties(PropertyPlace.connect) : {}
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    cursor.fail(new Fault(ReasonCode.protocolError, "Authentication Data without Authentication Method"))
  }
  const clientIdentifier = cursor.string("Client Identifier") // [MQTT-3.1.3-3] [MQTT-3.1.3-4]
  const will = (flags & flag.will) !== 0 ? readWill(cursor, flags, version) : undefined
  // [MQTT-3.1.2-17] [MQTT-3.1.3-12]
  const username = isSent(cursor, flags & flag.username, version) ? cursor.string("User Name") : undefined
  // [MQTT-3.1.2-19]
  const password = isSent(cursor, flags & flag.password, version) ? cursor.binary("Password") : undefined
  // Fields whose flag is 0 would be left over now. [MQTT-3.1.2-16] [MQTT-3.1.2-18] [MQTT-3.1.4-1]
  // [v3.1.1 MQTT-3.1.2-18] [v3.1.1 MQTT-3.1.2-20]
  const fault = cursor.finish()
  if (fault !== undefined) return fault
  const cleanStart = (flags & flag.cleanStart) !== 0
  return { version, cleanStart, keepAliveSeconds, clientIdentifier, will, username, password, properties }
}

/**
 * The version that a CONNECT frame speaks, however malformed the rest of it is; undefined when that cannot
 * be told. A malformed 5.0 CONNECT may be answered by CONNACK, a 3.x one is only closed [v3.1.1 MQTT-3.1.4-1].
 */
export function connectVersion(buffer: Buffer, start: number, end: number): ProtocolVersion | undefined {
  if (end - start < 2 || bodyStart(buffer, start) > end) return undefined
  const version = readVersion(new Cursor(buffer, start, end))
  return version instanceof Fault ? undefined : version
}

const flag = { cleanStart: 0x02, will: 0x04, willQos: 0x18, willRetain: 0x20, password: 0x40, username: 0x80 } as const

/** Levels with which bridges announce 3.1 and 3.1.1; told 0x01 they come back with the plain level. */
const bridgeLevels = [0x83, 0x84]

/** With it nearly every CONNECT begins: compared as bytes, without a string. */
const mqttName = Buffer.from("\0\u0004MQTT")

function readVersion(cursor: Cursor): ProtocolVersion | Fault {
  const { at, buffer } = cursor
  if (cursor.left > mqttName.length && equalBytes(mqttName, 0, mqttName.length, buffer, at)) {
    const level = buffer[at + mqttName.length] as number
    if (level === 4 || level === 5) {
      cursor.at = at + mqttName.length + 1
      return level
    }
  }
  const name = cursor.string("Protocol Name")
  const level = cursor.byte("Protocol Version")
  if (cursor.fault !== undefined) return cursor.fault
  if (name === "MQTT") {
    if (level === 4 || level === 5) return level
    // [MQTT-3.1.2-2] [v3.1.1 MQTT-3.1.2-2]
    return level > 5 && !bridgeLevels.includes(level) ? unsupportedVersion5 : unsupportedVersion3
  }
  if (name === "MQIsdp") return level === 3 ? 3 : unsupportedVersion3 // [v3.1 3.1-level]
  return unknownProtocolName // [MQTT-3.1.2-1] [v3.1.1 MQTT-3.1.2-1]
}

function judgeFlags(flags: number, version: ProtocolVersion): Fault | undefined {
  if ((flags & 1) !== 0) return faults.reserved // [MQTT-3.1.2-3] [v3.1.1 MQTT-3.1.2-3]
  if ((flags & flag.will) === 0) {
    if ((flags & flag.willQos) !== 0) return faults.willQosWithoutWill // [MQTT-3.1.2-11] [v3.1.1 MQTT-3.1.2-13]
    if ((flags & flag.willRetain) !== 0) return faults.willRetainWithoutWill // [MQTT-3.1.2-13] [v3.1.1 MQTT-3.1.2-15]
  }
  if ((flags & flag.willQos) === flag.willQos) return faults.willQos3 // [MQTT-3.1.2-12] [v3.1.1 MQTT-3.1.2-14]
  // 5.0 allows a password alone. [v3.1.1 MQTT-3.1.2-22]
  const passwordAlone = (flags & flag.password) !== 0 && (flags & flag.username) === 0
  return version !== 5 && passwordAlone ? faults.passwordAlone : undefined
}

const malformed = (why: string) => new Fault(ReasonCode.malformedPacket, why)
const faults = {
  reserved: malformed("Bit 0 of the Connect Flags is set"),
  willQosWithoutWill: malformed("Will QoS without Will Flag"),
  willRetainWithoutWill: malformed("Will Retain without Will Flag"),
  willQos3: malformed("Will QoS is 3"),
  passwordAlone: malformed("Password without User Name"),
  willTopicEmpty: new Fault(ReasonCode.protocolError, "Will Topic is empty")
} as const

/** Reads the will's fields, all of which must be there [MQTT-3.1.2-9] [v3.1.1 MQTT-3.1.2-9]. */
function readWill(cursor: Cursor, flags: number, version: ProtocolVersion): Will {
  const properties = version === 5 ? cursor.properties(PropertyPlace.will) : {}
  const publishProperties = version === 5 ? withoutWillDelay(cursor, properties) : Buffer.alloc(0)
  const topicStart = cursor.at + 2
  const topic = cursor.string("Will Topic") // [MQTT-3.1.3-11] [v3.1.1 MQTT-3.1.3-10]
  if (cursor.fault === undefined) {
    const fault = topic === "" ? faults.willTopicEmpty : judgeTopicName(cursor.buffer, topicStart, cursor.at)
    if (fault !== undefined) cursor.fail(fault) // [MQTT-4.7.3-1] [MQTT-4.7.0-1] [v3.1.1 MQTT-4.7.1-1]
  }
  const payload = cursor.binary("Will Payload")
  const qos = ((flags & flag.willQos) >> 3) as 0 | 1 | 2
  return {
    topic,
    payload,
    qos,
    retain: (flags & flag.willRetain) !== 0, // [v3.1.1 MQTT-3.1.2-17]
    properties,
    isVersion5: version === 5,
    publishProperties
  }
}

/** The property bytes just read, in their order [MQTT-3.1.3-10], less the one that is not for the subscriber. */
function withoutWillDelay(cursor: Cursor, properties: Properties): Buffer {
  const { buffer, propertiesStart, propertiesEnd } = cursor
  if (cursor.fault !== undefined) return Buffer.alloc(0)
  if (properties.willDelayInterval === undefined) return Buffer.from(buffer.subarray(propertiesStart, propertiesEnd))
  let at = propertiesStart
  while (buffer[at] !== PropertyId.willDelayInterval) at = propertyEnd(buffer, at)
  return Buffer.concat([buffer.subarray(propertiesStart, at), buffer.subarray(propertyEnd(buffer, at), propertiesEnd)])
}

/** [v3.1 3.1-credentials] */
function isSent(cursor: Cursor, flagBit: number, version: ProtocolVersion): boolean {
  return flagBit !== 0 && !(version === 3 && cursor.left === 0)
}
