/**
 * `promptmq retained get <topic>`: the retained payload on stdout, byte for byte where that is no terminal; with --json the whole message.
 *
 * Exit codes: 6 nothing is retained there; 1 the API shows only the beginning of a large payload, which is printed.
 */
import type { Payload } from "../admin/api/shared.ts"
import { MessageView } from "../admin/api/topics.ts"
import { escaped } from "../telemetry/log-entry.ts"
import { openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { placeOptions } from "./api-place.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { writeJson } from "./operate/show.ts"
import { topicUsage } from "./operate/topic-usage.ts"
import { bytesText } from "./store-place.ts"
import { complain } from "./world.ts"

export const body = commandBody({
  notes: [
    "Into a file or a pipe the payload goes byte for byte; a terminal gets what is no text as base64, and nothing that it would obey."
  ],
  examples: [
    { line: "promptmq retained get plant/1/config > config.json", why: "the value" },
    { line: "promptmq retained get plant/1/config --json", why: "with QoS, times and properties" }
  ],
  operands: [{ name: "topic", summary: "topic name", isRequired: true }],
  options: { json: flag("the message as one JSON document"), ...placeOptions },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const topic = operands[0] as string
    const fault = topicUsage(topic)
    if (fault !== undefined) return fault
    const api = await openApi(options, world)
    if (typeof api === "number" || api instanceof UsageFault) return api
    const message = await api.ask({ path: "/api/v1/retained/value", query: { topic } }, MessageView)
    if (message instanceof ApiFault) return tell(message, world)
    const { payload } = message
    if (options.json) writeJson(world, { version: 1, ...message })
    else {
      world.stdout.write(world.stdout.isTerminal ? shown(payload) : Buffer.from(payload.value, payload.encoding))
    }
    if (!payload.isCut) return exitCodes.done
    const fact = `the payload has ${bytesText(payload.sizeBytes)}: only its beginning is shown`
    complain(world, { code: "E1001", fact, fix: `promptmq sub -t '${topic}' --retained-only -C 1 -N gets all of it` })
    return exitCodes.failed
  }
})

/** For a terminal, which obeys control characters: only line ends and tabs stay. */
function shown({ encoding, value }: Payload): string {
  if (encoding === "base64") return `${value}\n`
  return `${value.replace(/[^\n\t]+/g, escaped).replace(/\n$/, "")}\n`
}
