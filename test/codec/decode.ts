/**
 * Any client packet, decoded by a codec into a plain value that can be compared: what the broker's dispatch
 * does, for tests.
 */
import { AckView, type Codec, PacketType, type ProtocolVersion } from "../../src/codec/codec.ts"
import { Fault } from "../../src/codec/fault.ts"
import { PublishView } from "../../src/codec/publish-view.ts"
import { publishProperties } from "../../src/codec/read-publish.ts"

export const limit = 268_435_460

/** Plain value of the packet, or the Fault. `frame` is one whole frame unless start and end say otherwise. */
export const decode = (
  codec: Codec,
  buffer: Buffer,
  version: ProtocolVersion,
  start = 0,
  end = buffer.length
): object | Fault => {
  switch ((buffer[start] as number) >> 4) {
    case PacketType.connect:
      return codec.decodeConnect(buffer, start, end)
    case PacketType.publish:
      return decodePublish(codec, buffer, version, start, end)
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp: {
      const view = new AckView()
      return codec.readAcknowledgement(view, buffer, start, end, version) ?? { ...view }
    }
    case PacketType.subscribe:
      return codec.decodeSubscribe(buffer, start, end, version)
    case PacketType.unsubscribe:
      return codec.decodeUnsubscribe(buffer, start, end, version)
    case PacketType.pingreq:
      return codec.checkPing(buffer, start, end) ?? { ping: true }
    case PacketType.disconnect:
      return codec.decodeDisconnect(buffer, start, end, version)
    case PacketType.auth:
      return codec.decodeAuth(buffer, start, end)
    default:
      return new Fault(0x82, "A client does not send this packet")
  }
}

const decodePublish = (codec: Codec, buffer: Buffer, version: ProtocolVersion, start: number, end: number) => {
  const view = new PublishView()
  return codec.readPublish(view, buffer, start, end, version) ?? describe(view)
}

/** What a view says, as values. */
export const describe = (view: PublishView) => ({
  isVersion5: view.isVersion5,
  qos: view.qos,
  retain: view.retain,
  duplicate: view.duplicate,
  topic: view.buffer.toString("utf8", view.topicStart, view.topicEnd),
  packetIdentifier: view.packetIdentifier,
  topicAlias: view.topicAlias,
  messageExpiryIntervalSeconds: view.messageExpiryIntervalSeconds,
  properties: publishProperties(view),
  payload: Buffer.from(view.buffer.subarray(view.payloadStart, view.frameEnd))
})
