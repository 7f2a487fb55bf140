/**
 * A message as facts for people. A payload that is not text is shown as base64; what a terminal would obey is escaped.
 */
import type { MessageView } from "../../admin/api/topics.ts"
import { bytesText } from "../store-place.ts"
import type { Fact } from "./columns.ts"
import { timeText } from "./words.ts"

type Message = typeof MessageView.Type

export function messageFacts(message: Message): ReadonlyArray<Fact> {
  const { correlationData, payload, sequence } = message
  const cut = payload.isCut ? ", cut here" : ""
  return [
    ["published", message.publishedAt === null ? undefined : timeText(message.publishedAt)],
    ["expires", message.expiresAt === null ? undefined : timeText(message.expiresAt)],
    ["QoS", `${message.qos}${message.retain ? ", retained" : ""}`],
    ["sequence", sequence === null ? undefined : String(sequence)],
    ["content type", message.contentType ?? undefined],
    ["response topic", message.responseTopic ?? undefined],
    ["correlation", correlationData === null ? undefined : `${correlationData} (base64)`],
    ...message.userProperties.map(({ name, value }) => ["property", `${name}: ${value}`] satisfies Fact),
    ["size", `${bytesText(payload.sizeBytes)}${cut}`],
    [payload.encoding === "utf8" ? "payload" : "payload (base64)", payload.value]
  ]
}
