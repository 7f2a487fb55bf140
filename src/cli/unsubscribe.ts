/**
 * `promptmq unsubscribe <id> <filter>`: takes a subscription from a client's session, as if it had unsubscribed.
 *
 * Exit codes: 6 no such client, or it has no such subscription.
 */
import { Done } from "../admin/api/shared.ts"
import { segment } from "./api-http.ts"
import { commandBody } from "./grammar/command.ts"
import { act, actOptions } from "./operate/act.ts"
import { filterUsage } from "./operate/topic-usage.ts"

export const body = commandBody({
  notes: ["The client is not told: MQTT has no packet for it. It may subscribe again; access rules keep it from that."],
  examples: [{ line: "promptmq unsubscribe c1 'plant/#'", why: "what c1 has is listed by promptmq client c1" }],
  operands: [
    { name: "id", summary: "client identifier", isRequired: true, completes: "clients" },
    { name: "filter", summary: "as it subscribed, $share/<name>/ included", isRequired: true }
  ],
  options: actOptions,
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [id = "", filter = ""] = operands
    const path = `/api/v1/clients/${segment(id)}/unsubscribe`
    return (
      filterUsage(filter) ??
      act(
        options,
        world,
        (api) => api.ask({ method: "POST", path, body: { filter } }, Done),
        () => `${id}: no longer subscribed to ${filter}`
      )
    )
  }
})
