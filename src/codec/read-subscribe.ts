/**
 * SUBSCRIBE and UNSUBSCRIBE, read.
 *
 *   first byte            1000 0010 (SUBSCRIBE), 1010 0010 (UNSUBSCRIBE)
 *   Packet Identifier     2 bytes, not zero
 *   Properties            5.0
 *   one or more of
 *     Topic Filter        string, not empty
 *     options             SUBSCRIBE only: 00 HH R N QQ, Retain Handling, Retain As Published, No Local, QoS;
 *                         3.x: 000000 QQ
 *
 * The syntax of wildcards and of $share is router/filter's. The number of filters is bounded by the
 * packet's length: each costs three bytes at least.
 */
import type { ProtocolVersion, SubscribeEntry, SubscribePacket, UnsubscribePacket } from "./codec.ts"
import { Cursor } from "./cursor.ts"
import { Fault } from "./fault.ts"
import { reservedFlags } from "./faults.ts"
import { PropertyPlace } from "./properties.ts"
import { ReasonCode } from "./reason-codes.ts"
import { hasLegalFlags } from "./reserved-flags.ts"

export function decodeSubscribe(
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): SubscribePacket | Fault {
  // [MQTT-2.1.3-1] [MQTT-3.8.1-1] [v3.1.1 MQTT-3.8.1-1]
  if (!hasLegalFlags(buffer[start] as number, version)) return reservedFlags
  const cursor = new Cursor(buffer, start, end)
  const packetIdentifier = cursor.packetIdentifier()
  const properties = version === 5 ? cursor.properties(PropertyPlace.subscribe) : {}
  if (cursor.left === 0) cursor.fail(faults.noFilter) // [MQTT-3.8.3-2] [v3.1.1 MQTT-3.8.3-3]
  const entries: Array<SubscribeEntry> = []
  while (cursor.fault === undefined && cursor.left > 0) entries.push(readEntry(cursor, version))
  return cursor.finish() ?? { packetIdentifier, properties, entries }
}

export function decodeUnsubscribe(
  buffer: Buffer,
  start: number,
  end: number,
  version: ProtocolVersion
): UnsubscribePacket | Fault {
  // [MQTT-2.1.3-1] [MQTT-3.10.1-1] [v3.1.1 MQTT-3.10.1-1]
  if (!hasLegalFlags(buffer[start] as number, version)) return reservedFlags
  const cursor = new Cursor(buffer, start, end)
  const packetIdentifier = cursor.packetIdentifier()
  const properties = version === 5 ? cursor.properties(PropertyPlace.unsubscribe) : {}
  if (cursor.left === 0) cursor.fail(faults.noFilter) // [MQTT-3.10.3-2] [v3.1.1 MQTT-3.10.3-2]
  const filters: Array<string> = []
  while (cursor.fault === undefined && cursor.left > 0) filters.push(readFilter(cursor))
  return cursor.finish() ?? { packetIdentifier, properties, filters }
}

function readEntry(cursor: Cursor, version: ProtocolVersion): SubscribeEntry {
  const filter = readFilter(cursor)
  const options = cursor.byte("Subscription Options")
  const qos = options & 3
  const noLocal = (options & 4) !== 0
  const retainHandling = (options >> 4) & 3
  if (version !== 5) {
    if (options > 2) cursor.fail(faults.qosByte) // [v3.1.1 MQTT-3.8.3-4]
  } else {
    if ((options & 0xc0) !== 0) cursor.fail(faults.reservedOptions) // [MQTT-3.8.3-5]
    if (qos === 3) cursor.fail(faults.qos3)
    if (retainHandling === 3) cursor.fail(faults.retainHandling3)
    if (noLocal && filter.startsWith("$share/")) cursor.fail(faults.noLocalShared) // [MQTT-3.8.3-4]
  }
  return {
    filter,
    qos: qos as 0 | 1 | 2,
    noLocal,
    retainAsPublished: (options & 8) !== 0, // never in 3.x [v3.1.1 MQTT-3.3.1-9]
    retainHandling: retainHandling as 0 | 1 | 2
  }
}

function readFilter(cursor: Cursor): string {
  // [MQTT-3.8.3-1] [MQTT-3.10.3-1] [v3.1.1 MQTT-3.8.3-1] [v3.1.1 MQTT-3.10.3-1]
  const filter = cursor.string("Topic Filter")
  if (filter === "") cursor.fail(faults.emptyFilter) // [MQTT-4.7.3-1] [v3.1.1 MQTT-4.7.3-1]
  return filter
}

const faults = {
  noFilter: new Fault(ReasonCode.protocolError, "There is no Topic Filter"),
  emptyFilter: new Fault(ReasonCode.protocolError, "Topic Filter is empty"),
  qosByte: new Fault(ReasonCode.malformedPacket, "Requested QoS is not 0, 1 or 2"),
  reservedOptions: new Fault(ReasonCode.malformedPacket, "Reserved bits of the Subscription Options are set"),
  qos3: new Fault(ReasonCode.protocolError, "Maximum QoS of the Subscription Options is 3"),
  retainHandling3: new Fault(ReasonCode.protocolError, "Retain Handling is 3"),
  noLocalShared: new Fault(ReasonCode.protocolError, "No Local is set on a Shared Subscription")
} as const
