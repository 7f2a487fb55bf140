/**
 * A message as people see it, read from its PUBLISH frame: topic, properties, and its payload as text where it is UTF-8,
 * else base64, cut at PAYLOAD_SHOWN_MAX.
 */
import type { Core } from "../../broker/core.ts"
import { showPayload } from "../../broker/shown-payload.ts"
import { PublishView } from "../../codec/publish-view.ts"
import { publishProperties, viewTrusted } from "../../codec/read-publish.ts"
import type { RetainedMessage } from "../../store/ports.ts"
import type { Payload } from "../api/shared.ts"
import type { MessageView, RetainedRow } from "../api/topics.ts"
import { type Columns, timeText } from "./page.ts"

export const PAYLOAD_SHOWN_MAX = 65_536
/** Of a value in a list. */
export const GLANCED_MAX = 100

const view = new PublishView()
const strict = new TextDecoder("utf-8", { fatal: true })

/** Bytes of one frame, as the log and the retained messages have it. */
export interface Frame {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly isVersion5: boolean
  readonly expiresAtMs: number
}

export const messageView = (
  { buffer, end, expiresAtMs, isVersion5, start }: Frame,
  publishedAtMs: number | undefined,
  sequence: number | undefined
): MessageView => {
  viewTrusted(view, buffer, start, end, isVersion5)
  const properties = isVersion5 ? publishProperties(view) : {}
  return {
    topic: buffer.toString("utf8", view.topicStart, view.topicEnd),
    qos: view.qos as 0 | 1 | 2,
    retain: view.retain,
    payload: payloadView(buffer.subarray(view.payloadStart, view.frameEnd)),
    publishedAt: publishedAtMs === undefined ? null : timeText(publishedAtMs),
    expiresAt: Number.isFinite(expiresAtMs) ? timeText(expiresAtMs) : null,
    contentType: properties.contentType ?? null,
    responseTopic: properties.responseTopic ?? null,
    correlationData: properties.correlationData?.toString("base64") ?? null,
    userProperties: (properties.userProperties ?? []).map(([name, value]) => ({ name, value })),
    sequence: sequence ?? null
  }
}

/** The beginning of its payload. */
export const glanceView = ({ buffer, end, isVersion5, start }: Frame): Payload => {
  viewTrusted(view, buffer, start, end, isVersion5)
  return showPayload(view, GLANCED_MAX)
}

export const payloadView = (bytes: Buffer): Payload => {
  const isCut = bytes.length > PAYLOAD_SHOWN_MAX
  const text = textOf(bytes, isCut)
  if (text !== undefined) return { encoding: "utf8", value: text, sizeBytes: bytes.length, isCut }
  const value = bytes.subarray(0, PAYLOAD_SHOWN_MAX).toString("base64")
  return { encoding: "base64", value, sizeBytes: bytes.length, isCut }
}

/** Undefined when it is not UTF-8. A cut goes between two characters. */
const textOf = (bytes: Buffer, isCut: boolean): string | undefined => {
  let end = Math.min(bytes.length, PAYLOAD_SHOWN_MAX)
  if (isCut) while (end > PAYLOAD_SHOWN_MAX - 4 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  try {
    return strict.decode(bytes.subarray(0, end))
  } catch {
    return undefined
  }
}

/** Published through the admin API: no session has this number. */
const ownPublisher = "(admin API)"

export const retainedColumns = ({ publishers }: Pick<Core, "publishers">): Columns<RetainedMessage, RetainedRow> => ({
  topic: ({ topic }) => topic,
  qos: ({ frame }) => (((frame[0] as number) >> 1) & 3) as 0 | 1 | 2,
  sizeBytes: ({ frame, isVersion5 }) => {
    viewTrusted(view, frame, 0, frame.length, isVersion5)
    return view.frameEnd - view.payloadStart
  },
  storedAt: ({ storedAtMs }) => timeText(storedAtMs),
  expiresAt: ({ expiresAtMs }) => (Number.isFinite(expiresAtMs) ? timeText(expiresAtMs) : null),
  publisher: ({ publisher }) =>
    publisher === 0 ? ownPublisher : (publishers.nameOf(publisher)?.clientIdentifier ?? null),
  publisherUsername: ({ publisher }) => publishers.nameOf(publisher)?.username ?? null
})

export const retainedView = ({ expiresAtMs, frame, isVersion5, sequence, storedAtMs }: RetainedMessage): MessageView =>
  messageView({ buffer: frame, start: 0, end: frame.length, isVersion5, expiresAtMs }, storedAtMs, sequence)
