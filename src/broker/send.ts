/**
 * Queues a control packet that is not a PUBLISH and not an acknowledgement of one (those have hot paths of
 * their own in emit.ts and acknowledge.ts), and counts it.
 *
 * Nothing larger than the client's Maximum Packet Size leaves [MQTT-3.1.2-24]. A client that cannot take an
 * answer it must get is of no use: whoever calls ends the connection then.
 */
import { Counter } from "../metrics/counters.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

/** False when the packet is larger than the client takes: nothing was sent. */
export const send = (core: Core, client: Client, packet: Buffer): boolean => {
  if (packet.length > client.maximumPacketSizeBytes) return false
  client.connection.outbox.append(packet, 0, packet.length)
  countSent(core, packet)
  return true
}

/** The same for an answer behind which nothing is expected: it need not wait for the turn's end (Outbox.appendAlone). */
export const sendAlone = (core: Core, client: Client, packet: Buffer): boolean => {
  if (packet.length > client.maximumPacketSizeBytes) return false
  client.connection.outbox.appendAlone(packet)
  countSent(core, packet)
  return true
}

const countSent = ({ count }: Core, packet: Buffer): void => {
  const type = (packet[0] as number) >> 4
  count[Counter.packetsOut + type] = (count[Counter.packetsOut + type] as number) + 1
  count[Counter.bytesOut] = (count[Counter.bytesOut] as number) + packet.length
}
