/**
 * `promptmq topics [prefix]`: one level of the tree of topics that messages were published to.
 */

import { pageOf } from "../admin/api/shared.ts"
import { TopicNode } from "../admin/api/topics.ts"
import { commandBody } from "./grammar/command.ts"
import { left, right } from "./operate/columns.ts"
import { listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { numberText, yesOrNo } from "./operate/words.ts"
import { bytesText } from "./store-place.ts"

type Node = typeof TopicNode.Type

const columns = [
  left<Node>("topic", (node) => (node.hasChildren ? `${node.topic}/` : node.topic)),
  right<Node>("topics", (node) => numberText(node.topics)),
  right<Node>("messages", (node) => numberText(node.messages)),
  left<Node>("retained", (node) => yesOrNo(node.isRetained)),
  left<Node>("last value", ({ last }) => (last === null ? "" : glance(last)))
]

const glanceMax = 60

/** The first line of a text; of bytes how many they are. */
function glance({ encoding, isCut, sizeBytes, value }: NonNullable<Node["last"]>): string {
  if (encoding !== "utf8") return `(${bytesText(sizeBytes)})`
  const line = value.split("\n", 1)[0] as string
  const isShort = line.length <= glanceMax
  return isShort && line.length === value.length && !isCut ? line : `${line.slice(0, glanceMax)} ...`
}

const sortable = Object.keys(TopicNode.fields).filter((name) => name !== "last")

export const body = commandBody({
  notes: [
    "Counted is what lies at and below a level. messages: all since the start where metrics.topics counts them; else those that the log holds, or that came since somebody asks (which goes on for ten seconds after each question), whichever is more. A topic that ends in / has more below it; promptmq topic <topic> shows one."
  ],
  examples: [
    { line: "promptmq topics", why: "the first level" },
    { line: "promptmq topics demo --watch", why: "below demo as messages come, with their last values" },
    { line: "promptmq topics plant/1 --sort -messages", why: "below plant/1, the busiest first" }
  ],
  operands: [{ name: "prefix", summary: "the level above", isRequired: false }],
  options: { ...listOptions("a text that the level contains", sortable), ...showOptions },
  isHelpWhenBare: false,
  run: ({ operands, options }, world) => {
    // A slash at the end is what completion and the table leave there.
    const prefix = operands[0]?.replace(/(.)\/$/, "$1")
    const request = { path: "/api/v1/topics", query: { prefix, ...pageQueryOf(options) } }
    return show(options, world, listView(request, pageOf(TopicNode), { columns, one: "level", many: "levels" }, world))
  }
})
