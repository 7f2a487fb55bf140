/**
 * What can be told about a publish or a subscription before it is sent: the topic's grammar, and limits of the
 * settings in force. The broker checks all of it again; but it answers a client by ending the connection, and
 * says nothing at QoS 0, so the host is told here, by name.
 */
import { variableByteIntegerSize } from "../codec/integers.ts"
import { filterFault, topicFault } from "../router/topic-filter.ts"
import { type BrokerError, brokerError } from "./broker-error.ts"

/** The part of broker/limits.ts that matters here. */
interface Limits {
  readonly packetSizeBytesMax: number
  readonly topicLengthBytesMax: number
  readonly topicLevelsMax: number
  readonly qosMax: number
  readonly retainAvailable: boolean
}

/** undefined = nothing is wrong with it. */
export const publishFault = (
  limits: Limits,
  topic: string,
  payloadBytes: number,
  qos: number,
  retain: boolean
): BrokerError | undefined => {
  const fault = topicFault(topic, limits.topicLevelsMax)
  if (fault !== undefined) return brokerError("invalid-topic", `topic ${quoted(topic)}: ${fault.why}`)
  if (topic.startsWith("$")) {
    return brokerError("invalid-topic", `topic ${quoted(topic)}: topics that begin with $ are the broker's own`)
  }
  const topicBytes = Buffer.byteLength(topic)
  if (topicBytes > limits.topicLengthBytesMax) return above("topic", topicBytes, "mqtt.max-topic-len")
  const bytes = publishBytes(topicBytes, payloadBytes, qos)
  if (bytes > limits.packetSizeBytesMax) return above("message", bytes, "mqtt.max-packet-size")
  if (retain && !limits.retainAvailable) {
    return brokerError("refused", "retained messages are switched off", "set mqtt.retain-available to true")
  }
  return qosFault(limits, qos)
}

export const subscribeFault = (limits: Limits, filter: string, qos: number): BrokerError | undefined => {
  const fault = filterFault(filter, limits.topicLevelsMax)
  if (fault !== undefined) return brokerError("invalid-filter", `filter ${quoted(filter)}: ${fault.why}`)
  const filterBytes = Buffer.byteLength(filter)
  if (filterBytes > limits.topicLengthBytesMax) return above("filter", filterBytes, "mqtt.max-topic-len")
  // A QoS above mqtt.max-qos is no fault here: the broker grants less.
  return qosFault({ qosMax: 2 }, qos)
}

const qosFault = ({ qosMax }: Pick<Limits, "qosMax">, qos: number): BrokerError | undefined =>
  Number.isInteger(qos) && qos >= 0 && qos <= qosMax
    ? undefined
    : brokerError("refused", `QoS ${qos} is not one of 0 to ${qosMax}`, "use a lower QoS, or raise mqtt.max-qos")

const above = (what: string, bytes: number, key: string): BrokerError =>
  brokerError("refused", `the ${what} takes ${bytes} bytes, more than ${key}`, `make it smaller, or raise ${key}`)

/** A 5.0 PUBLISH without properties. */
const publishBytes = (topicBytes: number, payloadBytes: number, qos: number): number => {
  const remaining = 2 + topicBytes + (qos > 0 ? 2 : 0) + 1 + payloadBytes
  return 1 + variableByteIntegerSize(remaining) + remaining
}

const shownLengthMax = 100

const quoted = (text: string): string =>
  JSON.stringify(text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}...` : text)
