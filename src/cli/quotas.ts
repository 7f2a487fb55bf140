/**
 * `promptmq quotas`: what users have used of what they may, and who comes near the end of it.
 */
import { QuotaRow } from "../admin/api/security.ts"
import { pageOf } from "../admin/api/shared.ts"
import { commandBody } from "./grammar/command.ts"
import { left, right } from "./operate/columns.ts"
import { listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { timeText } from "./operate/words.ts"

type Quota = typeof QuotaRow.Type

const columns = [
  left<Quota>("user", (row) => row.user),
  left<Quota>("quota", (row) => row.quota),
  right<Quota>("used", (row) => String(row.used)),
  right<Quota>("of", (row) => String(row.limit)),
  right<Quota>("%", (row) => String(row.percent)),
  left<Quota>("state", (row) => row.state),
  right<Quota>("refused", (row) => String(row.refused)),
  left<Quota>("begins anew", (row) => (row.resetsAt === null ? "" : timeText(row.resetsAt)))
]

export const body = commandBody({
  notes: ["Only quotas that are set: limits.max-user-messages-per-day and its like. A day ends at 00:00 UTC."],
  examples: [{ line: "promptmq quotas --filter near", why: "users that come near one" }],
  operands: [],
  options: { ...listOptions("a text that user, quota or state contain", Object.keys(QuotaRow.fields)), ...showOptions },
  isHelpWhenBare: false,
  run: ({ options }, world) => {
    const request = { path: "/api/v1/quotas", query: pageQueryOf(options) }
    return show(options, world, listView(request, pageOf(QuotaRow), { columns, one: "quota", many: "quotas" }, world))
  }
})
