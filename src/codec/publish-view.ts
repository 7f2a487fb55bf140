/**
 * One PUBLISH frame, seen through offsets. Nothing is copied: the view is a set of registers that the
 * scanner fills and the broker reads within the same call; it is reused for the next packet.
 *
 * Layout of the frame the offsets point into (all relative to `buffer`):
 *
 *   frameStart        first byte: type 3, DUP, QoS, RETAIN
 *   frameStart + 1    remaining length, 1-4 bytes
 *   topicStart        topic name (after its 2-byte length), up to topicEnd
 *   packetIdentifierAt 2 bytes, only at QoS 1 and 2, else -1
 *   propertiesStart   5.0 only: properties without their length, up to propertiesEnd
 *   payloadStart      payload, up to frameEnd
 *
 * Invariants: frameStart < topicStart <= topicEnd <= payloadStart <= frameEnd. For 3.x frames
 * propertiesStart = propertiesEnd = payloadStart. `messageExpiryAt` is the offset of the four bytes of
 * the Message Expiry Interval, or -1. `topicAlias` is 0 when absent.
 */
export class PublishView {
  buffer: Buffer = EMPTY
  frameStart = 0
  frameEnd = 0
  /** True when the frame carries a property section (publisher speaks 5.0). */
  isVersion5 = false
  qos = 0
  retain = false
  duplicate = false
  topicStart = 0
  topicEnd = 0
  packetIdentifier = 0
  packetIdentifierAt = -1
  propertiesStart = 0
  propertiesEnd = 0
  payloadStart = 0
  topicAlias = 0
  /** Offset of the alias property's identifier byte (3 bytes long), or -1. */
  topicAliasAt = -1
  messageExpiryAt = -1
  messageExpiryIntervalSeconds = -1
  /** Frames from frameStart to the end that Codec.runEnd answered last. */
  runFrames = 1
  /** Where scanning goes on: the end of the run, also after a verb has moved the other registers. */
  frameEndRead = 0
}

const EMPTY: Buffer = Buffer.alloc(0)
