/**
 * `promptmq kick <id>`: ends a client's connection with 0x98, administrative action. Its session lives on as it would after any
 * disconnect, and it may come back at once: to keep it away, ban it. With --end-session the session goes too, and all that waits in it.
 *
 * Exit codes: 6 no such client; 1 it is not connected.
 */
import { Done } from "../admin/api/shared.ts"
import { segment } from "./api-http.ts"
import { commandBody } from "./grammar/command.ts"
import { flag } from "./grammar/option.ts"
import { act, actOptions } from "./operate/act.ts"

export const body = commandBody({
  notes: [
    "The client sees reason 0x98, administrative action. Its session lives as long as after any disconnect; with --end-session it goes too. promptmq disconnect is the same command."
  ],
  examples: [
    { line: "promptmq kick c1", why: "it may come back at once" },
    { line: "promptmq kick c1 --end-session", why: "subscriptions and waiting messages go too" },
    { line: "promptmq ban c1 --for 1h", why: "to keep it away" }
  ],
  operands: [{ name: "id", summary: "client identifier", isRequired: true, completes: "clients" }],
  options: { "end-session": flag("end its session for good, too"), ...actOptions },
  isHelpWhenBare: true,
  run: ({ operands, options }, world) => {
    const id = operands[0] as string
    const path = `/api/v1/clients/${segment(id)}`
    const isEnd = options["end-session"]
    return act(
      options,
      world,
      async (api) => api.ask(isEnd ? { method: "DELETE", path } : { method: "POST", path: `${path}/kick` }, Done),
      () => (isEnd ? `${id}: session ended` : `${id}: disconnected`)
    )
  }
})
