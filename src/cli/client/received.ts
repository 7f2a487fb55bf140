/**
 * A message as `sub` got it, and its JSON form (`%j`, `%J`): keys and their order are mosquitto_sub's.
 * Bytes that are not UTF-8 become U+FFFD in JSON; `%x` shows them as they are.
 */
import type { IPublishPacket } from "mqtt"
import { isoTime, microseconds } from "./strftime.ts"

export interface Received {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  /** 0 at QoS 0. */
  readonly messageId: number
  readonly properties: NonNullable<IPublishPacket["properties"]>
  readonly receivedAtMs: number
}

export function receivedFrom(packet: IPublishPacket, topic: string, payload: Buffer, receivedAtMs: number): Received {
  return {
    topic,
    payload,
    qos: packet.qos,
    retain: packet.retain,
    messageId: packet.messageId ?? 0,
    properties: packet.properties ?? {},
    receivedAtMs
  }
}

/** The message as JSON; undefined when the payload shall be JSON itself and is not. */
export function receivedJson(message: Received, isPayloadJson: boolean, isPretty: boolean): string | undefined {
  const payload = payloadJson(message.payload, isPayloadJson)
  if (payload === undefined) return undefined
  const properties = propertiesJson(message)
  const fraction = `.${String(microseconds(message.receivedAtMs)).padStart(6, "0")}`
  const object = {
    tst: isoTime(message.receivedAtMs, fraction),
    topic: message.topic,
    qos: message.qos,
    retain: message.retain ? 1 : 0,
    payloadlen: message.payload.length,
    ...(message.qos > 0 ? { mid: message.messageId } : {}),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    payload: payload.value
  }
  return JSON.stringify(object, undefined, isPretty ? "\t" : undefined)
}

function payloadJson(payload: Buffer, isPayloadJson: boolean): { readonly value: unknown } | undefined {
  if (payload.length === 0) return { value: null }
  const text = payload.toString("utf8")
  if (!isPayloadJson) return { value: text }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function propertiesJson({ properties }: Received): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) json[name] = value
  }
  put("user-properties", properties.userProperties)
  put("content-type", properties.contentType)
  put("response-topic", properties.responseTopic)
  put("correlation-data", properties.correlationData?.toString("utf8"))
  put("payload-format-indicator", flagNumber(properties.payloadFormatIndicator))
  put("message-expiry-interval", properties.messageExpiryInterval)
  put("topic-alias", properties.topicAlias)
  put("subscription-identifier", properties.subscriptionIdentifier)
  return json
}

/** The library reads the one-byte properties as booleans. */
export function flagNumber(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
