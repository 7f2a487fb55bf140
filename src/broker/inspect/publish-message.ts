/**
 * A message that somebody who runs the broker publishes: held to the limits that clients are held to, then the way of
 * every other (publish.ts, steps 5 to 9). No rules are asked: who may call this may do more than publish.
 */
import { buildPublish, encodePublishProperties } from "../../codec/build-publish.ts"
import type { Properties } from "../../codec/codec.ts"
import { PublishView } from "../../codec/publish-view.ts"
import { viewTrusted } from "../../codec/read-publish.ts"
import { topicFault } from "../../router/topic-filter.ts"
import { keptOf } from "../acknowledge.ts"
import type { Core } from "../core.ts"
import { route } from "../publish.ts"

export interface OwnMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: Properties
}

export interface OwnPublished {
  readonly reasonCode: number
  /** Position in the log, where it was logged. */
  readonly sequence: number | undefined
  /** What was promised holds. */
  readonly isKept: () => boolean
}

const TEXT_BYTES_MAX = 65_535
const view = new PublishView()

/** What happened to it, or why it is no message, in a sentence. */
export const publishOwn = (core: Core, message: OwnMessage): OwnPublished | string => {
  const fault = faultOf(core, message)
  if (fault !== undefined) return fault
  const { payload, properties, qos, retain, topic } = message
  core.tick()
  const frame = buildPublish(5, topic, payload, qos, retain, encodePublishProperties(properties))
  if (frame.length > core.limits.packetSizeBytesMax) return "it is larger than mqtt.max-packet-size"
  viewTrusted(view, frame, 0, frame.length, true)
  const entry = core.router.intern(view.buffer, view.topicStart, view.topicEnd)
  const nextBefore = core.log.next
  const { lane, reasonCode, ticket } = route(core, view, entry, 0, 1)
  return {
    reasonCode,
    sequence: ticket > 0 && core.log.next > nextBefore ? nextBefore : undefined,
    isKept: () => ticket <= keptOf(core, lane)
  }
}

const faultOf = (core: Core, { properties, qos, retain, topic }: OwnMessage): string | undefined => {
  const { limits } = core
  const bad = topicFault(topic, limits.topicLevelsMax)
  if (bad !== undefined) return `the topic: ${bad.why}`
  if (topic.startsWith("$")) return "topics that begin with $ are the broker's own" // [MQTT-4.7.2-1]
  if (Buffer.byteLength(topic) > limits.topicLengthBytesMax) return "the topic is longer than mqtt.max-topic-len"
  if (qos > limits.qosMax) return "the QoS is above mqtt.max-qos"
  if (retain && !limits.retainAvailable) return "retained messages are switched off (mqtt.retain-available)"
  const { contentType = "", correlationData, responseTopic, userProperties = [] } = properties
  const texts = [contentType, responseTopic ?? "", ...userProperties.flat()]
  if (texts.some((text) => Buffer.byteLength(text) > TEXT_BYTES_MAX)) return "a property is longer than 65,535 bytes"
  if (texts.some((text) => text.includes("\0"))) return "a property has a NUL character"
  if ((correlationData?.length ?? 0) > TEXT_BYTES_MAX) return "correlationData is longer than 65,535 bytes"
  if (userProperties.length > limits.userPropertiesMax)
    return "there are more user properties than limits.max-user-properties"
  const badResponse = responseTopic === undefined ? undefined : topicFault(responseTopic, limits.topicLevelsMax)
  return badResponse === undefined ? undefined : `the response topic: ${badResponse.why}`
}
