/**
 * A message of an export as the PUBLISH frame that the log keeps, judged by the codec as if a client had sent it; and a
 * will, which is a frame too.
 */
import { buildPublish, encodePublishProperties } from "../../codec/build-publish.ts"
import { PublishView } from "../../codec/publish-view.ts"
import { readPublish } from "../../codec/read-publish.ts"
import { topicFault } from "../../router/topic-filter.ts"
import type { FrameLine } from "./export-lines.ts"

const TEXT_BYTES_MAX = 65_535
/** A packet's largest Remaining Length, less what stands before payload and properties at most. */
const CONTENT_BYTES_MAX = 268_435_455 - TEXT_BYTES_MAX - 16

const view = new PublishView()

/** The frame, or why there is none. */
export function importedFrame(line: FrameLine): Buffer | string {
  const { mqtt, properties = {}, qos, retain, topic } = line
  const fault = topicFault(topic, Number.POSITIVE_INFINITY)
  if (fault !== undefined) return fault.why
  const { correlationDataBase64, ...rest } = properties
  const correlationData = correlationDataBase64 === undefined ? undefined : bytesOf(correlationDataBase64)
  const payload = line.payloadBase64 === undefined ? Buffer.from(line.payload ?? "") : bytesOf(line.payloadBase64)
  if (payload === undefined) return "payloadBase64 is no base64"
  if (correlationDataBase64 !== undefined && correlationData === undefined) return "correlationDataBase64 is no base64"
  const texts = [rest.contentType, rest.responseTopic, ...(rest.userProperties ?? []).flat()]
  if (texts.some((text) => text !== undefined && Buffer.byteLength(text) > TEXT_BYTES_MAX))
    return "a property is too long"
  if ((correlationData?.length ?? 0) > TEXT_BYTES_MAX) return "correlationDataBase64 is too long"
  const propertyBytes = encodePublishProperties({
    ...rest,
    ...(correlationData === undefined ? {} : { correlationData })
  })
  if (payload.length + propertyBytes.length > CONTENT_BYTES_MAX) return "the message is too large for a packet"
  const frame = buildPublish(mqtt === 5 ? 5 : 4, topic, payload, qos, retain, propertyBytes)
  return judged(frame, mqtt === 5 ? 5 : 4) ?? frame
}

/** A client's frame has a Packet Identifier, the log's only room for one: it is judged with one in it. */
function judged(frame: Buffer, version: 4 | 5): string | undefined {
  const copy = Buffer.from(frame)
  const at = identifierAt(copy)
  if (at >= 0) copy[at + 1] = 1
  return readPublish(view, copy, 0, copy.length, version)?.why
}

function identifierAt(frame: Buffer): number {
  if (((frame[0] as number) & 6) === 0) return -1
  let at = 1
  while ((frame[at] as number) >= 128) at++
  return at + 3 + frame.readUInt16BE(at + 1)
}

/** Undefined when the text is no base64: Buffer.from() passes over what it does not know. */
function bytesOf(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, "base64")
  return bytes.toString("base64") === base64 ? bytes : undefined
}
