/**
 * `promptmq topic <topic>`: what the broker knows of one topic: who gets it, what is retained, the last message that
 * the broker still has. Any topic has an answer, also one that nobody has published to: who would get it.
 */
import { TopicDetail } from "../admin/api/topics.ts"
import { commandBody } from "./grammar/command.ts"
import { factsText } from "./operate/columns.ts"
import { messageFacts } from "./operate/message-facts.ts"
import { show, showOptions } from "./operate/show.ts"
import { topicUsage } from "./operate/topic-usage.ts"
import { numberText, orNothing, timeText } from "./operate/words.ts"
import { bytesText, count } from "./store-place.ts"
import { paint, type World } from "./world.ts"

type Detail = typeof TopicDetail.Type

export const body = commandBody({
  notes: [],
  examples: [{ line: "promptmq topic plant/1/temperature --watch", why: "its last message, drawn anew" }],
  operands: [{ name: "topic", summary: "topic name", isRequired: true }],
  options: showOptions,
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const topic = operands[0] as string
    return (
      topicUsage(topic) ??
      show<Detail>(options, world, {
        read: (api) => api.ask({ path: "/api/v1/topics/value", query: { topic } }, TopicDetail),
        lines: (detail) => linesOf(detail, world),
        document: (detail) => detail,
        items: (detail) => [detail]
      })
    )
  }
})

function linesOf({ last, messages, records, retained, subscriberNames, subscribers, topic }: Detail, world: World) {
  const more = subscribers - subscriberNames.length
  const names =
    subscriberNames.length === 0 ? "" : `: ${subscriberNames.join(", ")}${more > 0 ? ` and ${more} more` : ""}`
  const facts = factsText(
    [
      ["topic", topic],
      ["subscribers", `${numberText(subscribers)}${names}`],
      ["messages", numberText(messages)],
      ["in the log", count(records, "record")],
      [
        "retained",
        retained === null
          ? "nothing"
          : `${bytesText(retained.sizeBytes)}, QoS ${retained.qos}, since ${timeText(retained.storedAt)}, by ${orNothing(retained.publisher)}`
      ]
    ],
    world
  )
  if (last === null) return facts
  return [...facts, "", paint(world, world.stdout, "strong", "last message"), ...factsText(messageFacts(last), world)]
}
