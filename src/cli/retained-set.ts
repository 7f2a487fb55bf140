/**
 * `promptmq retained set <topic>`: publishes a message with RETAIN through the admin API: every subscriber gets it, and it
 * stays. An empty one would clear the topic: that is `retained rm`.
 */
import { Published } from "../admin/api/topics.ts"
import { payloadSource, wholeInput } from "./client/payload-source.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, flag, number, text, UsageFault } from "./grammar/option.ts"
import { act, actOptions } from "./operate/act.ts"
import { topicUsage } from "./operate/topic-usage.ts"
import { count } from "./store-place.ts"
import type { World } from "./world.ts"

const section = "The message"

const messageOptions = {
  message: text("this text", { letter: "m", section, placeholder: "text" }),
  file: text("the content of a file", { letter: "f", section, placeholder: "file", isFile: true }),
  "stdin-file": flag("all of standard input", { letter: "s", section }),
  qos: text("0, 1 or 2 (1)", { letter: "q", section, placeholder: "qos", choices: ["0", "1", "2"] }),
  expiry: number("seconds until it goes by itself", {
    section,
    placeholder: "seconds",
    minimum: 1,
    maximum: 0xffff_ffff
  }),
  "content-type": text("what the payload is: application/json", { section, placeholder: "type" })
}

export const body = commandBody({
  notes: ["The message goes to every subscriber, as one of a client would."],
  examples: [
    { line: "promptmq retained set plant/1/config -f config.json", why: "from a file" },
    { line: "promptmq retained set plant/1/mode -m auto --expiry 3600", why: "for an hour" }
  ],
  operands: [{ name: "topic", summary: "topic name", isRequired: true }],
  options: { ...messageOptions, ...actOptions },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const topic = operands[0] as string
    const payload = topicUsage(topic) ?? (await payloadOf(options, world))
    if (payload instanceof UsageFault) return payload
    const { "content-type": contentType, expiry, qos } = options
    const request = {
      topic,
      // Any bytes at all.
      payload: payload.toString("base64"),
      encoding: "base64",
      qos: Number(qos ?? 1),
      retain: true,
      ...(expiry === undefined ? {} : { messageExpirySeconds: expiry }),
      ...(contentType === undefined ? {} : { contentType })
    }
    return act(
      options,
      world,
      (api) => api.ask({ method: "POST", path: "/api/v1/publish", body: request }, Published),
      () => `${topic}: ${count(payload.length, "byte")} retained`
    )
  }
})

async function payloadOf(options: Decoded<typeof messageOptions>, world: World): Promise<Buffer | UsageFault> {
  const { file, message } = options
  const isWholeInput = options["stdin-file"]
  if (message === undefined && file === undefined && !isWholeInput) {
    return new UsageFault("no message", "one of -m <text>, -f <file>, -s")
  }
  const source = payloadSource({ message, file, isWholeInput, isEmpty: false, isLines: false })
  if (source instanceof UsageFault) return source
  const payload = source.kind === "one" ? source.payload : await wholeInput(world.stdin)
  if (payload instanceof UsageFault || payload.length > 0) return payload
  return new UsageFault("an empty message would clear the topic", "promptmq retained rm does that")
}
