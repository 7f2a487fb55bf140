/**
 * `promptmq bans`: who is kept away, until when, by whom and why.
 */
import { BanRow } from "../admin/api/security.ts"
import { pageOf } from "../admin/api/shared.ts"
import { commandBody } from "./grammar/command.ts"
import { left } from "./operate/columns.ts"
import { listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { timeText } from "./operate/words.ts"

type Ban = typeof BanRow.Type

const columns = [
  left<Ban>("ban", (ban) => ban.id),
  left<Ban>("kind", (ban) => ban.kind),
  left<Ban>("whom", (ban) => ban.value),
  left<Ban>("until", (ban) => (ban.until === null ? "for good" : timeText(ban.until))),
  left<Ban>("since", (ban) => timeText(ban.since)),
  left<Ban>("by", (ban) => ban.by),
  left<Ban>("reason", (ban) => ban.reason)
]

export const body = commandBody({
  notes: [],
  examples: [{ line: "promptmq bans --filter 192.0.2", why: "those whose text has it" }],
  operands: [],
  options: { ...listOptions("a text that one of the columns contains", Object.keys(BanRow.fields)), ...showOptions },
  isHelpWhenBare: false,
  run: ({ options }, world) => {
    const request = { path: "/api/v1/bans", query: pageQueryOf(options) }
    return show(options, world, listView(request, pageOf(BanRow), { columns, one: "ban", many: "bans" }, world))
  }
})
