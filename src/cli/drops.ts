/**
 * `promptmq drops`: every message that was not delivered has a row: why, to whom, on which topic, how many, first and last.
 * The sum per reason comes first, with what to change.
 */
import { DropList, type DropRow, type DropTotal } from "../admin/api/messages.ts"
import { dropReasons } from "../metrics/drop-reasons.ts"
import { commandBody } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { left, right, tableText } from "./operate/columns.ts"
import { limitOption } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { nothing, numberText, timeText } from "./operate/words.ts"
import { paint, type World } from "./world.ts"

const section = "Which rows"

export const body = commandBody({
  notes: [
    "It counts since the broker's start. A row without a topic is about several: what waited for a session that ended, say. Rows are bounded; what is no longer kept apart is summed up as (other), and no count is lost."
  ],
  examples: [
    { line: "promptmq drops", why: "why messages were not delivered, and what to change" },
    { line: "promptmq drops --client c1", why: "what c1 did not get" },
    { line: "promptmq drops --reason queue-full --watch", why: "as it happens" }
  ],
  operands: [],
  options: {
    client: text("rows of this client, or of a shared subscription by its text", {
      section,
      placeholder: "id",
      completes: "clients"
    }),
    topic: text("rows of this topic", { letter: "t", section, placeholder: "topic" }),
    reason: text("rows of this reason", {
      letter: "r",
      section,
      placeholder: "reason",
      choices: dropReasons.map(({ name }) => name)
    }),
    ...limitOption,
    ...showOptions
  },
  isHelpWhenBare: false,
  run: ({ options }, world) => {
    const { client, limit, reason, topic } = options
    const query = { client, topic, reason, limit }
    return show<typeof DropList.Type>(options, world, {
      read: (api) => api.ask({ path: "/api/v1/drops", query }, DropList),
      lines: (drops) => linesOf(drops, world),
      remark: ({ rowsLeftOut }) => (rowsLeftOut > 0 ? `${numberText(rowsLeftOut)} rows more: --limit` : undefined),
      document: (drops) => drops,
      items: ({ rows }) => rows
    })
  }
})

function linesOf({ rows, totals }: typeof DropList.Type, world: World): ReadonlyArray<string> {
  if (totals.length === 0) return ["nothing was dropped"]
  const sums = tableText(
    [
      left<DropTotal>("reason", (total) => total.reason),
      right<DropTotal>("messages", (total) => numberText(total.count)),
      left<DropTotal>("what to change", (total) => total.change)
    ],
    totals,
    world
  )
  const columns = [
    left<DropRow>("reason", (row) => row.reason),
    left<DropRow>("client", (row) => row.clientIdentifier || nothing),
    left<DropRow>("topic", (row) => row.topic || nothing),
    right<DropRow>("messages", (row) => numberText(row.count)),
    right<DropRow>("sequence", sequenceWords),
    left<DropRow>("first", (row) => timeText(row.firstAt)),
    left<DropRow>("last", (row) => timeText(row.lastAt))
  ]
  return [...sums, "", paint(world, world.stdout, "strong", "rows"), ...tableText(columns, rows, world)]
}

function sequenceWords({ firstSequence, lastSequence }: DropRow): string {
  if (firstSequence === undefined || lastSequence === undefined) return nothing
  return firstSequence === lastSequence ? String(firstSequence) : `${firstSequence}-${lastSequence}`
}
