/**
 * `promptmq drop-queue <id>`: forgets what waits for a client. Each message becomes a row of the drop ledger, and none comes
 * back, so without --force it only says what would go.
 *
 * Exit codes: 6 no such client.
 */
import * as Schema from "effect/Schema"
import { ClientDetail } from "../admin/api/clients.ts"
import { ApiFault } from "./api-fault.ts"
import { segment } from "./api-http.ts"
import { commandBody } from "./grammar/command.ts"
import { UsageFault } from "./grammar/option.ts"
import { act, actOptions, forceOption } from "./operate/act.ts"
import { numberText } from "./operate/words.ts"
import { count } from "./store-place.ts"

const Dropped = Schema.Struct({ dropped: Schema.Number })

export const body = commandBody({
  notes: ["What is dropped does not come back; promptmq drops lists it. Subscriptions stay."],
  examples: [{ line: "promptmq drop-queue c1 --force", why: "a client that would drown in what it missed" }],
  operands: [{ name: "id", summary: "client identifier", isRequired: true, completes: "clients" }],
  options: { ...forceOption, ...actOptions },
  isHelpWhenBare: true,
  run: ({ operands, options }, world) => {
    const id = operands[0] as string
    const path = `/api/v1/clients/${segment(id)}`
    return act<typeof Dropped.Type>(
      options,
      world,
      async (api) => {
        if (options.force) return api.ask({ method: "POST", path: `${path}/drop-queue` }, Dropped)
        const client = await api.ask({ path }, ClientDetail)
        if (client instanceof ApiFault) return client
        const fact = `up to ${numberText(client.behindRecords)} messages wait for ${id}; nothing was dropped`
        return new UsageFault(fact, "to forget them: --force")
      },
      ({ dropped }) => `${id}: ${count(dropped, "message")} dropped`
    )
  }
})
