/**
 * `promptmq retained ls [filter]`: retained messages, or those whose topics match a filter, with their age and publisher.
 */

import { pageOf } from "../admin/api/shared.ts"
import { RetainedRow } from "../admin/api/topics.ts"
import { commandBody } from "./grammar/command.ts"
import { left, right } from "./operate/columns.ts"
import { limitOption, listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { filterUsage } from "./operate/topic-usage.ts"
import { nothing, orNothing, timeText } from "./operate/words.ts"
import { bytesText } from "./store-place.ts"

type Row = typeof RetainedRow.Type

const columns = [
  left<Row>("topic", (row) => row.topic),
  right<Row>("QoS", (row) => String(row.qos)),
  right<Row>("size", (row) => bytesText(row.sizeBytes)),
  left<Row>("since", (row) => timeText(row.storedAt)),
  left<Row>("until", (row) => (row.expiresAt === null ? nothing : timeText(row.expiresAt))),
  left<Row>("publisher", (row) => orNothing(row.publisher))
]
const { sort } = listOptions("", Object.keys(RetainedRow.fields))

export const body = commandBody({
  notes: ["promptmq retained get <topic> prints a value."],
  examples: [
    { line: "promptmq retained ls 'plant/#' --sort -sizeBytes", why: "the largest of plant/#" },
    { line: "promptmq retained ls --json --limit 10000", why: "for a program" }
  ],
  operands: [{ name: "filter", summary: "topic filter (all)", isRequired: false }],
  options: { sort, ...limitOption, ...showOptions },
  isHelpWhenBare: false,
  run: async ({ operands, options }, world) => {
    const [filter] = operands
    const fault = filter === undefined ? undefined : filterUsage(filter)
    if (fault !== undefined) return fault
    const request = { path: "/api/v1/retained", query: pageQueryOf({ ...options, filter }) }
    const words = { columns, one: "retained message", many: "retained messages" }
    return show(options, world, listView(request, pageOf(RetainedRow), words, world))
  }
})
